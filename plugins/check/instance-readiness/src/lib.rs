#![doc = include_str!("../README.md")]

#[cfg(test)]
mod tests;

use lockgate_plugin::roles::OPERATIONS_MANAGER;
use lockgate_plugin::types::{Attribute, Instance, InstanceStatus, Scenario, Severity, Stage};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, Finding, Plugin, PluginError, Pointer, Report, SettingsFinding, ValidationCheck,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for the instances of a deployment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct InstanceReadiness {
    /// Whether an instance must be running.
    running: bool,
    /// Whether an instance must be monitored.
    monitored: bool,
    /// Whether an instance must be documented.
    documented: bool,
    /// Whether an instance must be configured as the desired instance with the same id.
    configured: bool,
}

impl Default for InstanceReadiness {
    fn default() -> Self {
        Self { running: true, monitored: true, documented: true, configured: true }
    }
}

impl Plugin for InstanceReadiness {
    type Settings = Self;

    fn configure(settings: Self) -> Result<Self, Vec<SettingsFinding>> {
        if settings.running || settings.monitored || settings.documented || settings.configured {
            return Ok(settings);
        }
        Err(vec![SettingsFinding::new(Pointer::root(), "nothing is asked for: every key is `false`")])
    }
}

impl ValidationCheck for InstanceReadiness {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        if evaluation.scenario() == Scenario::Removal {
            return Ok(Report::skipped("after a removal nothing has to run"));
        }
        if matches!(evaluation.stage(), Stage::PlanAndApprove) {
            return Ok(Report::skipped("nothing is deployed yet"));
        }
        let environment = evaluation.environment().name;
        let here = |instance: &Instance| instance.environment == environment && instance.status.exists();
        let all = evaluation.actual_instances();
        let actual: Vec<(usize, &Instance)> = all.iter().enumerate().filter(|(_, instance)| here(instance)).collect();
        if actual.is_empty() {
            let place = Pointer::root().key("actual_instances");
            let message = format!("the snapshot names no actual instance in `{environment}`");
            let finding = Finding::new("actual-instances-unknown", message);
            let finding = correctable(Severity::Medium, finding, &place, "the instances that are there", "nothing");
            return Ok(
                Report::inconclusive(format!("there is no instance in `{environment}` to look at")).findings([finding])
            );
        }
        let desired = evaluation.desired_instances();
        let mut findings = Vec::new();
        for (index, instance) in &actual {
            let place = Pointer::root().key("actual_instances").index(*index);
            self.state(instance, &place, &mut findings);
            if self.configured
                && let Some(wanted) = desired.iter().find(|wanted| wanted.id == instance.id)
            {
                let desired = evaluation.instance_configuration(false, &wanted.id);
                let actual = evaluation.instance_configuration(true, &instance.id);
                configuration(&instance.id, &desired, &actual, &place, &mut findings);
            }
        }
        let looked_at = match actual.len() {
            1 => "the instance".to_owned(),
            count => format!("the {count} instances"),
        };
        Ok(match findings.len() {
            0 => Report::passed(format!("{looked_at} in `{environment}`: all that the settings ask for is there")),
            1 => Report::failed(format!("1 thing is missing before {looked_at} in `{environment}` can be handed on")),
            count => Report::failed(format!(
                "{count} things are missing before {looked_at} in `{environment}` can be handed on"
            )),
        }
        .findings(findings))
    }
}

impl InstanceReadiness {
    fn state(&self, instance: &Instance, place: &Pointer, findings: &mut Vec<Finding>) {
        let id = instance.id.as_str();
        let mut wrong = |code, message: String, key, expected, found: &str| {
            let finding = Finding::new(code, message).about(id);
            findings.push(correctable(Severity::High, finding, &place.key(key), expected, found));
        };
        if self.running && instance.status != InstanceStatus::Running {
            let is = instance.status.word();
            wrong("instance-not-running", format!("instance `{id}` is {is}"), "status", "running", is);
        }
        if self.monitored && !instance.monitored {
            wrong("instance-not-monitored", format!("instance `{id}` is not monitored"), "monitored", "true", "false");
        }
        if self.documented && !instance.documented {
            wrong(
                "instance-not-documented",
                format!("instance `{id}` is not documented"),
                "documented",
                "true",
                "false",
            );
        }
    }
}

/// What is desired is there with that value. What is there beside it is nobody's wish, and no fault either.
fn configuration(id: &str, desired: &[Attribute], actual: &[Attribute], place: &Pointer, findings: &mut Vec<Finding>) {
    let place = place.key("configuration");
    for item in desired {
        let found = actual.iter().enumerate().find(|(_, found)| found.name == item.name);
        let (code, message, at, value) = match found {
            Some((_, found)) if found.value == item.value => continue,
            Some((index, found)) => (
                "configuration-differs",
                format!("`{}` of instance `{id}` is not configured as desired", item.name),
                place.index(index).key("value"),
                found.value.as_str(),
            ),
            None => (
                "configuration-missing",
                format!("`{}` of instance `{id}` is not configured", item.name),
                place.clone(),
                "nothing",
            ),
        };
        let finding = Finding::new(code, message).about(id);
        findings.push(correctable(Severity::High, finding, &at, &item.value, value));
    }
}

/// A finding with what would be accepted in its place.
fn correctable(severity: Severity, finding: Finding, at: &Pointer, expected: &str, found: &str) -> Finding {
    let need = CorrectionNeeded::new(at, expected).found(found);
    finding.correct("correct-instance", need, OPERATIONS_MANAGER).severity(severity)
}

lockgate_plugin::export!(InstanceReadiness: validation_check);
