#![doc = include_str!("../README.md")]

mod compare;
mod found;
mod instances;
mod release;
mod settings;

#[cfg(test)]
mod tests;

use lockgate_plugin::types::Stage;
use lockgate_plugin::{Evaluation, Plugin, PluginError, Report, SettingsFinding, ValidationCheck};

use found::Found;
use settings::Settings;

/// Compares what is deployed with what was approved.
#[derive(Debug)]
struct ComponentIntegrity {
    settings: Settings,
}

impl Plugin for ComponentIntegrity {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        Ok(Self { settings })
    }
}

impl ValidationCheck for ComponentIntegrity {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let components = evaluation.components();
        let mut found = Found::default();
        release::look(&self.settings, &components, &mut found);
        let stage = evaluation.stage();
        if stage != Stage::PlanAndApprove {
            match evaluation.approved() {
                Some(approved) => {
                    release::compare(&self.settings, evaluation, &components, &approved, &mut found);
                    if matches!(stage, Stage::Validate | Stage::Observe) {
                        instances::compare(&self.settings, evaluation, &approved.components, &mut found);
                    }
                }
                None => found.approved_list_missing(stage),
            }
        }
        Ok(found.report(&evaluation.release().name, components.len(), stage))
    }
}

lockgate_plugin::export!(ComponentIntegrity: validation_check);
