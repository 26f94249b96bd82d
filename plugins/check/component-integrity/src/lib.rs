#![doc = include_str!("../README.md")]

mod compare;
mod environment;
mod facts;
mod found;
mod instances;
mod origin;
mod release;
mod settings;

#[cfg(test)]
mod tests;

use lockgate_plugin::types::{Scenario, Stage};
use lockgate_plugin::{Evaluation, Plugin, PluginError, Report, SettingsFinding, ValidationCheck};

use found::Found;
use release::Approved;
use settings::{AllowedSources, Settings};

/// Compares what is deployed with what was approved.
#[derive(Debug)]
struct ComponentIntegrity {
    settings: Settings,
    sources: AllowedSources,
}

impl Plugin for ComponentIntegrity {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        Ok(Self { sources: settings.sources()?, settings })
    }
}

impl ValidationCheck for ComponentIntegrity {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let components = evaluation.components();
        let mut found = Found::default();
        release::look(&self.settings, &self.sources.origins, &components, &mut found);
        // What is taken away needs no facts.
        if evaluation.scenario() != Scenario::Removal {
            release::facts(&self.settings, &components, &mut found);
        }
        if self.settings.environment_definition {
            environment::look(&self.sources.definitions, evaluation, &mut found);
        }
        let stage = evaluation.stage();
        if stage != Stage::PlanAndApprove {
            let (approved, approved_components) = (evaluation.approved(), evaluation.approved_components());
            match &approved {
                Some(approved) => {
                    let expected = Approved { plan: approved, components: &approved_components };
                    release::compare(&self.settings, evaluation, &components, expected, &mut found);
                }
                None => found.approved_list_missing(stage),
            }
            if matches!(stage, Stage::Validate | Stage::Observe) {
                let approved = approved.as_ref().map(|_| approved_components.as_slice());
                instances::compare(&self.settings, evaluation, approved, &mut found);
            }
        }
        Ok(found.report(&evaluation.release().name, components.len(), stage))
    }
}

lockgate_plugin::export!(ComponentIntegrity: validation_check);
