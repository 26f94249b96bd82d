#![doc = include_str!("../README.md")]

mod blackout;
mod boundary;
mod calendar;
mod decision;
mod settings;
mod span;
mod zone;

#[cfg(test)]
mod tests;

use lockgate_plugin::{Answer, ApprovalPolicy, Evaluation, Plugin, PluginError, SettingsFinding};

use calendar::Calendar;
use settings::{Emergency, Settings};

/// Lets deployments through in their change window.
#[derive(Debug)]
struct ChangeWindow {
    calendar: Calendar,
    emergency: Emergency,
    planned_window: bool,
}

impl Plugin for ChangeWindow {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        let (emergency, planned_window) = (settings.emergency, settings.planned_window);
        Ok(Self { calendar: settings.calendar()?, emergency, planned_window })
    }
}

impl ApprovalPolicy for ChangeWindow {
    fn decide(&self, evaluation: &Evaluation) -> Result<Answer, PluginError> {
        Ok(decision::decide(self, evaluation))
    }
}

lockgate_plugin::export!(ChangeWindow: approval_policy);
