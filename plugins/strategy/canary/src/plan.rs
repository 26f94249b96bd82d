//! The way, for each scenario.

use lockgate_plugin::strategy::{Rollout, Step, way_back};
use lockgate_plugin::{Evaluation, PluginError};

use crate::settings::Settings;

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
            steps.push(Step::analyze(id("analyze"), format!("Look how {release} does at {weight} %"), &step.analyze));
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
    steps.push(Step::retire("retire-canary", format!("Retire {slot}"), slot));

    let weights: Vec<String> = settings.steps.iter().map(|step| format!("{} %", step.weight)).collect();
    Ok(Rollout {
        steps,
        point_of_no_return: settings.point_of_no_return.step(),
        way_back: way_back(evaluation)?,
        summary: format!(
            "{release} is tried in {slot} with {} of the consumers, and then replaces {stable}",
            weights.join(", ")
        ),
    })
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
    Ok(Rollout {
        steps,
        point_of_no_return: None,
        way_back: way_back(evaluation)?,
        summary: format!(
            "{release} is installed in {stable}, looked at, and opened: a first release has no consumers to try it on"
        ),
    })
}

/// Consumers first, then what is installed. Removing it is the point of no return.
pub(crate) fn removal(settings: &Settings, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
    let stable = settings.stable_slot.as_str();
    let release = evaluation.release().name;
    let rest = match settings.retire_after {
        Some(length) => Step::hold("rest", format!("Leave {stable} without consumers for {length}"), length),
        None => Step::confirm("rest", format!("Let somebody decide before {stable} is removed")),
    };
    Ok(Rollout {
        steps: vec![
            Step::route("route-away", format!("Send no more consumers to {stable}"), stable, 0),
            rest,
            Step::retire("retire-stable", format!("Remove {release} from {stable}"), stable),
        ],
        point_of_no_return: Some("retire-stable".to_owned()),
        way_back: way_back(evaluation)?,
        summary: format!("consumers leave {stable}, and then {release} is removed from it"),
    })
}
