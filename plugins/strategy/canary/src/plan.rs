//! The way, for each scenario.

use lockgate_plugin::strategy::{BackStep, Rollout, Step, StepAction, way_back};
use lockgate_plugin::types::{WayBack, WayBackKind};
use lockgate_plugin::{Evaluation, PluginError};

use crate::settings::{PointOfNoReturn, Settings};

/// Up in the canary's slot, weight by weight; then the new release takes the old one's place, and the slot is retired.
pub(crate) fn new_version(settings: &Settings, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
    let (slot, stable) = (settings.slot.as_str(), settings.stable_slot.as_str());
    let release = evaluation.release().name;
    let mut steps = Vec::new();
    for (number, step) in (1..).zip(&settings.steps) {
        let weight = step.weight;
        let id = |part: &str| format!("canary-{number}-{part}");
        steps.push(Step::deploy(
            id("deploy"),
            format!("Give {release} {weight} % of the capacity in {slot}"),
            slot,
            weight,
        ));
        steps.push(Step::route(id("route"), format!("Send {weight} % of the consumers to {slot}"), slot, weight));
        if let Some(hold) = step.hold {
            steps.push(Step::hold(id("hold"), format!("Stay at {weight} % for {hold}"), hold));
        }
        if !step.analyze.is_empty() {
            let analyze = Step::analyze(id("analyze"), format!("Look how {release} does at {weight} %"), &step.analyze);
            steps.push(analyze.compare(slot, stable));
        }
        if step.confirm {
            steps.push(Step::confirm(id("confirm"), format!("Let somebody decide at {weight} %")));
        }
    }
    if settings.steps.last().is_some_and(|last| last.weight < 100) {
        steps.push(Step::deploy("shift-deploy", format!("Give {release} the full capacity in {slot}"), slot, 100));
        steps.push(Step::route("shift-route", format!("Send all consumers to {slot}"), slot, 100));
    }
    steps.push(Step::deploy(
        "replace-stable",
        format!("Put {release} in place of the old release in {stable}"),
        stable,
        100,
    ));
    steps.push(Step::route("return-to-stable", format!("Send all consumers to {stable}"), stable, 100));
    steps.push(Step::remove("retire-canary", format!("Retire {slot}"), slot));

    let way_back = way_back(evaluation)?;
    let back = back(&way_back, || back_to_stable(settings, &release, &steps));
    let weights: Vec<String> = settings.steps.iter().map(|step| format!("{} %", step.weight)).collect();
    Ok(settings.planned.fill(Rollout {
        steps,
        back,
        point_of_no_return: settings.point_of_no_return.step(),
        way_back,
        summary: format!(
            "{release} is tried in {slot} with {} of the consumers, and then replaces {stable}",
            weights.join(", ")
        ),
    }))
}

/// The steps of the way back, unless there is none.
fn back(way_back: &WayBack, steps: impl FnOnce() -> Vec<BackStep>) -> Vec<BackStep> {
    if way_back.kind == WayBackKind::ForwardOnly { Vec::new() } else { steps() }
}

/// Consumers go back to the stable slot, which has the old release or gets it again, and the canary's slot is emptied.
fn back_to_stable(settings: &Settings, release: &str, steps: &[Step]) -> Vec<BackStep> {
    let (slot, stable) = (settings.slot.as_str(), settings.stable_slot.as_str());
    let ids = |chosen: fn(&StepAction, &str) -> bool| -> Vec<String> {
        steps.iter().filter(|step| chosen(&step.action, slot)).map(|step| step.id.clone()).collect()
    };
    let routes = ids(|action, slot| matches!(action, StepAction::Route(route) if route.slot == slot));
    let deploys =
        ids(|action, slot| matches!(action, StepAction::Deploy(deploy) if deploy.to.slot.as_deref() == Some(slot)));
    let mut back = Vec::new();
    if settings.point_of_no_return != PointOfNoReturn::ReplaceStable {
        let title = format!("Put the old release back in {stable}");
        back.push(Step::deploy("back-replace-stable", title, stable, 100).undoes(["replace-stable"]));
    }
    back.push(Step::route("back-route", format!("Send all consumers back to {stable}"), stable, 100).undoes(routes));
    back.push(Step::remove("back-remove-canary", format!("Remove {release} from {slot}"), slot).undoes(deploys));
    back
}

/// Nobody uses it yet, so there is nobody to send to a slot of its own: install, look, open.
pub(crate) fn first_release(settings: &Settings, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
    let stable = settings.stable_slot.as_str();
    let release = evaluation.release().name;
    let mut steps = vec![Step::deploy("deploy-stable", format!("Install {release} in {stable}"), stable, 100)];
    let checks = settings.checks();
    if !checks.is_empty() {
        steps.push(Step::analyze("analyze", format!("Look how {release} does before anybody uses it"), &checks));
    }
    if settings.steps.iter().any(|step| step.confirm) {
        steps.push(Step::confirm("confirm", "Let somebody decide before anybody uses it"));
    }
    steps.push(Step::route("route-stable", format!("Send all consumers to {stable}"), stable, 100));
    let way_back = way_back(evaluation)?;
    let back = back(&way_back, || {
        vec![
            Step::route("back-route", format!("Send nobody to {stable} any more"), stable, 0).undoes(["route-stable"]),
            Step::remove("back-remove", format!("Remove {release} from {stable}"), stable).undoes(["deploy-stable"]),
        ]
    });
    Ok(settings.planned.fill(Rollout {
        steps,
        back,
        point_of_no_return: None,
        way_back,
        summary: format!(
            "{release} is installed in {stable}, looked at, and opened: a first release has no consumers to try it on"
        ),
    }))
}

/// Consumers first, then what is installed. Removing it is the point of no return.
pub(crate) fn removal(settings: &Settings, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
    let stable = settings.stable_slot.as_str();
    let release = evaluation.release().name;
    let rest = match settings.retire_after {
        Some(length) => Step::hold("rest", format!("Leave {stable} without consumers for {length}"), length),
        None => Step::confirm("rest", format!("Let somebody decide before {stable} is removed")),
    };
    let way_back = way_back(evaluation)?;
    let back = back(&way_back, || {
        let title = format!("Send all consumers back to {stable}");
        vec![Step::route("back-route", title, stable, 100).undoes(["route-away"])]
    });
    Ok(settings.planned.fill(Rollout {
        steps: vec![
            Step::route("route-away", format!("Send no more consumers to {stable}"), stable, 0),
            rest,
            Step::remove("retire-stable", format!("Remove {release} from {stable}"), stable),
        ],
        back,
        point_of_no_return: Some("retire-stable".to_owned()),
        way_back,
        summary: format!("consumers leave {stable}, and then {release} is removed from it"),
    }))
}
