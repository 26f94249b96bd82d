#![doc = include_str!("../README.md")]

mod plan;
mod settings;

#[cfg(test)]
mod tests;

use lockgate_plugin::strategy::{Action, Rollout, Sequence};
use lockgate_plugin::types::Scenario;
use lockgate_plugin::{Evaluation, Plugin, PluginError, SettingsFinding, Strategy};

use settings::Settings;

/// Sends more and more consumers to the new release.
#[derive(Debug)]
struct Canary {
    settings: Settings,
}

impl Plugin for Canary {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        let findings = settings.findings();
        if findings.is_empty() { Ok(Self { settings }) } else { Err(findings) }
    }
}

impl Strategy for Canary {
    fn plan(&self, evaluation: &Evaluation) -> Result<Rollout, PluginError> {
        match evaluation.scenario() {
            Scenario::FirstRelease => plan::first_release(&self.settings, evaluation),
            Scenario::NewVersion => plan::new_version(&self.settings, evaluation),
            Scenario::Removal => plan::removal(&self.settings, evaluation),
        }
    }

    fn advance(&self, evaluation: &Evaluation) -> Result<Action, PluginError> {
        let Settings { on_inconclusive, max_attempts, retry_after, .. } = self.settings;
        Sequence { on_inconclusive, max_attempts, retry_after }.next(evaluation)
    }
}

lockgate_plugin::export!(Canary: strategy);
