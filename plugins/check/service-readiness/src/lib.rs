#![doc = include_str!("../README.md")]

mod contracts;
mod incidents;
mod knowledge;
mod kpis;
mod monitors;
mod runbooks;
mod settings;
mod training;

#[cfg(test)]
mod tests;

use lockgate_plugin::types::{Phase, Scenario, Stage};
use lockgate_plugin::{
    Capability, Evaluation, Findings, Outcome, Plugin, PluginError, Report, SettingsFinding, TargetInstances,
    ValidationCheck, counted,
};

use settings::Settings;

/// Looks whether the service around the instances is ready.
#[derive(Debug)]
struct ServiceReadiness {
    settings: Settings,
}

impl Plugin for ServiceReadiness {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        SettingsFinding::refuse_any(settings.findings())?;
        Ok(Self { settings })
    }

    fn needs(&self) -> Vec<Capability> {
        self.settings.needs()
    }
}

impl ValidationCheck for ServiceReadiness {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let settings = &self.settings;
        if evaluation.scenario() == Scenario::Removal {
            return Ok(Report::skipped("after a removal there is no service that has to be ready"));
        }
        // Monitors and runbooks are deployed in fulfill, and no data flows before.
        let is_deployed = evaluation.has_reached(Stage::Fulfill, Phase::Exit);
        if !is_deployed && !settings.looks_before_deployment() {
            return Ok(Report::skipped("nothing is deployed yet that could be monitored or measured"));
        }
        let mut findings = Findings::default();
        let mut measurements = Vec::new();
        contracts::check(settings, evaluation, &mut findings)?;
        incidents::check(settings, is_deployed, evaluation, &mut findings)?;
        knowledge::check(settings, evaluation, &mut findings);
        training::check(settings, evaluation, &mut findings)?;
        if is_deployed && (settings.kpis || settings.monitors || settings.runbooks) {
            let instances = TargetInstances::of(evaluation);
            measurements = kpis::check(settings, &instances, evaluation, &mut findings)?;
            monitors::check(settings, &instances, evaluation, &mut findings)?;
            runbooks::check(settings, &instances, evaluation, &mut findings)?;
        }
        let product = evaluation.product().name;
        let report = findings.report(|outcome, count| {
            let things = counted(count, "thing is", "things are");
            match outcome {
                Outcome::Passed | Outcome::Skipped => {
                    format!("the service {product} is ready: all that the settings ask for is there")
                }
                Outcome::Failed => format!(
                    "the service {product} is not ready: {things} not as {} should be",
                    if count == 1 { "it" } else { "they" }
                ),
                Outcome::Inconclusive | Outcome::Pending => {
                    format!("nobody can tell whether the service {product} is ready: {things} not known")
                }
            }
        });
        Ok(measurements.into_iter().fold(report, Report::measurement))
    }
}

lockgate_plugin::export!(ServiceReadiness: validation_check);
