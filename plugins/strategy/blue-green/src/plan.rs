//! The way, for each scenario.

use lockgate_plugin::strategy::{BackStep, Rollout, Step, way_back};
use lockgate_plugin::types::{InstanceStatus, WayBack, WayBackKind};
use lockgate_plugin::{Evaluation, PluginError};

use crate::settings::{PointOfNoReturn, Settings};

/// Which slot is which at this deployment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The one that consumers use now.
    pub(crate) live: String,
    /// The other.
    pub(crate) idle: String,
}

/// Finds out which slot is live: the one that holds instances in the target environment; the first if none does.
pub(crate) fn slots(settings: &Settings, evaluation: &Evaluation) -> Result<Slots, PluginError> {
    let [first, second] = settings.slots.as_slice() else {
        return Err(PluginError::new("two-slots-needed", "the settings have to name exactly two slots"));
    };
    let environment = evaluation.environment().name;
    let there = evaluation.actual_instances();
    let holds = |slot: &str| {
        there.iter().any(|instance| {
            instance.environment == environment
                && instance.location.as_deref() == Some(slot)
                && matches!(instance.status, InstanceStatus::Running | InstanceStatus::Degraded)
        })
    };
    match (holds(first), holds(second)) {
        (true, true) => Err(PluginError::new(
            "both-slots-in-use",
            format!(
                "instances are running in `{first}` and in `{second}`: finish the deployment that is under way, \
                 or remove the instances of the slot that nobody uses"
            ),
        )),
        (false, true) => Ok(Slots { live: second.clone(), idle: first.clone() }),
        _ => Ok(Slots { live: first.clone(), idle: second.clone() }),
    }
}

/// Installed beside, looked at, switched to, looked at again; the old release is kept for a while.
pub(crate) fn new_version(settings: &Settings, slots: &Slots, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
    let Slots { live, idle } = slots;
    let release = evaluation.release().name;
    let mut steps = open(settings, idle, &release);
    let kept = settings.retire_after;
    steps.push(Step::hold("keep", format!("Keep the old release in {live} for {kept}"), kept));
    steps.push(Step::remove("retire", format!("Retire the old release in {live}"), live));
    let way_back = way_back(evaluation)?;
    let back = back(&way_back, || {
        let mut back = Vec::new();
        if settings.point_of_no_return == PointOfNoReturn::None {
            let title = format!("Put the old release back in {live}");
            back.push(Step::deploy("back-retire", title, live, 100).undoes(["retire"]));
        }
        let title = format!("Send all consumers back to {live}");
        back.push(Step::route("back-switch", title, live, 100).undoes(["switch"]));
        back.push(Step::remove("back-deploy", format!("Remove {release} from {idle}"), idle).undoes(["deploy"]));
        back
    });
    Ok(settings.planned.fill(Rollout {
        steps,
        back,
        point_of_no_return: settings.point_of_no_return.step(),
        way_back,
        summary: format!(
            "{release} is installed in {idle}, all consumers are switched to it, and {live} is retired after {kept}"
        ),
    }))
}

/// The steps of the way back, unless there is none.
fn back(way_back: &WayBack, steps: impl FnOnce() -> Vec<BackStep>) -> Vec<BackStep> {
    if way_back.kind == WayBackKind::ForwardOnly { Vec::new() } else { steps() }
}

/// The same, with nothing to retire.
pub(crate) fn first_release(
    settings: &Settings,
    slots: &Slots,
    evaluation: &Evaluation,
) -> Result<Rollout, PluginError> {
    let (release, live) = (evaluation.release().name, slots.live.as_str());
    let way_back = way_back(evaluation)?;
    let back = back(&way_back, || {
        vec![
            Step::route("back-switch", format!("Send nobody to {live} any more"), live, 0).undoes(["switch"]),
            Step::remove("back-deploy", format!("Remove {release} from {live}"), live).undoes(["deploy"]),
        ]
    });
    Ok(settings.planned.fill(Rollout {
        steps: open(settings, live, &release),
        back,
        point_of_no_return: None,
        way_back,
        summary: format!("{release} is installed in {live}, looked at, and opened"),
    }))
}

/// Consumers first, then what is installed. Removing it is the point of no return.
pub(crate) fn removal(settings: &Settings, slots: &Slots, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
    let live = slots.live.as_str();
    let release = evaluation.release().name;
    let kept = settings.retire_after;
    let mut steps = Vec::new();
    if settings.confirm {
        steps.push(Step::confirm("confirm", format!("Let somebody decide before consumers leave {live}")));
    }
    steps.push(Step::route("switch", format!("Send no more consumers to {live}"), live, 0));
    steps.push(Step::hold("keep", format!("Keep {release} in {live} for {kept}"), kept));
    steps.push(Step::remove("retire", format!("Remove {release} from {live}"), live));
    let way_back = way_back(evaluation)?;
    let back = back(&way_back, || {
        let title = format!("Send all consumers back to {live}");
        vec![Step::route("back-switch", title, live, 100).undoes(["switch"])]
    });
    Ok(settings.planned.fill(Rollout {
        steps,
        back,
        point_of_no_return: Some("retire".to_owned()),
        way_back,
        summary: format!("consumers leave {live}, and after {kept} {release} is removed from it"),
    }))
}

/// Installs the release in a slot and sends all consumers there.
fn open(settings: &Settings, slot: &str, release: &str) -> Vec<Step> {
    let mut steps = vec![Step::deploy("deploy", format!("Install {release} in {slot}"), slot, 100)];
    if !settings.analyze.is_empty() {
        steps.push(Step::analyze(
            "analyze",
            format!("Look how {release} does before anybody uses it"),
            &settings.analyze,
        ));
    }
    if settings.confirm {
        steps.push(Step::confirm("confirm", format!("Let somebody decide before consumers are sent to {slot}")));
    }
    steps.push(Step::route("switch", format!("Send all consumers to {slot}"), slot, 100));
    if let Some(soak) = settings.soak {
        steps.push(Step::hold("soak", format!("Stay with {release} for {soak}"), soak));
    }
    if !settings.analyze_after.is_empty() {
        let title = format!("Look how {release} does with its consumers");
        steps.push(Step::analyze("analyze-after", title, &settings.analyze_after));
    }
    steps
}
