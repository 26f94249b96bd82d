//! The way, for each scenario.

use lockgate_plugin::strategy::{Rollout, Step, way_back};
use lockgate_plugin::types::InstanceStatus;
use lockgate_plugin::{Evaluation, PluginError};

use crate::settings::Settings;

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
    steps.push(Step::retire("retire", format!("Retire the old release in {live}"), live));
    Ok(Rollout {
        steps,
        point_of_no_return: settings.point_of_no_return.step(),
        way_back: way_back(evaluation)?,
        summary: format!(
            "{release} is installed in {idle}, all consumers are switched to it, and {live} is retired after {kept}"
        ),
    })
}

/// The same, with nothing to retire.
pub(crate) fn first_release(
    settings: &Settings,
    slots: &Slots,
    evaluation: &Evaluation,
) -> Result<Rollout, PluginError> {
    let release = evaluation.release().name;
    Ok(Rollout {
        steps: open(settings, &slots.live, &release),
        point_of_no_return: None,
        way_back: way_back(evaluation)?,
        summary: format!("{release} is installed in {}, looked at, and opened", slots.live),
    })
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
    steps.push(Step::retire("retire", format!("Remove {release} from {live}"), live));
    Ok(Rollout {
        steps,
        point_of_no_return: Some("retire".to_owned()),
        way_back: way_back(evaluation)?,
        summary: format!("consumers leave {live}, and after {kept} {release} is removed from it"),
    })
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
