#![doc = include_str!("../README.md")]

mod plan;
mod settings;

#[cfg(test)]
mod tests;

use lockgate_plugin::strategy::{Action, Rollout, Sequence};
use lockgate_plugin::types::Scenario;
use lockgate_plugin::{Evaluation, Plugin, PluginError, SettingsFinding, Strategy};

use settings::Settings;

/// Installs the new release beside the old one and switches all consumers at once.
#[derive(Debug)]
struct BlueGreen {
    settings: Settings,
}

impl Plugin for BlueGreen {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        let findings = settings.findings();
        if findings.is_empty() { Ok(Self { settings }) } else { Err(findings) }
    }
}

impl Strategy for BlueGreen {
    fn plan(&self, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
        let slots = plan::slots(&self.settings, evaluation)?;
        match evaluation.scenario() {
            Scenario::FirstRelease => plan::first_release(&self.settings, &slots, evaluation),
            Scenario::NewVersion => plan::new_version(&self.settings, &slots, evaluation),
            Scenario::Removal => plan::removal(&self.settings, &slots, evaluation),
        }
    }

    fn advance(&self, evaluation: &Evaluation) -> Result<Action, PluginError> {
        let Settings { on_inconclusive, max_attempts, retry_after, .. } = self.settings;
        Sequence { on_inconclusive, max_attempts, retry_after }.next(evaluation)
    }
}

lockgate_plugin::export!(BlueGreen: strategy);
