//! Calls a function of a plugin that is chosen at run time, with one type for all results, as recordings and replays
//! need it.

use lockgate_domain::{Action, Answer, Kind, Report, Rollout};
use serde::{Deserialize, Serialize};

use crate::evaluation::Evaluation;
use crate::plugin::PluginInvocation;

/// A function of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginFunction {
    /// `decide` of an approval policy.
    Decide,
    /// `run` of a validation check.
    Run,
    /// `plan` of a strategy.
    Plan,
    /// `advance` of a strategy.
    Advance,
}

impl PluginFunction {
    /// The kind of plugin that has the function.
    pub fn kind(self) -> Kind {
        match self {
            Self::Decide => Kind::ApprovalPolicy,
            Self::Run => Kind::ValidationCheck,
            Self::Plan | Self::Advance => Kind::Strategy,
        }
    }
}

/// The result of a call that succeeded, whichever function was called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginOutput {
    /// The answer of an approval policy.
    Answer(Answer),
    /// The report of a validation check.
    Report(Report),
    /// A strategy's rollout.
    Rollout(Rollout),
    /// A strategy's next action.
    Action(Action),
}

impl PluginInvocation<'_> {
    /// Makes the call.
    pub fn ask(self, call: PluginFunction) -> Evaluation<PluginOutput> {
        match call {
            PluginFunction::Decide => self.decide().map(PluginOutput::Answer),
            PluginFunction::Run => self.check().map(PluginOutput::Report),
            PluginFunction::Plan => self.plan().map(PluginOutput::Rollout),
            PluginFunction::Advance => self.advance().map(PluginOutput::Action),
        }
    }
}
