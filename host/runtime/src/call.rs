//! Calls a function of a plugin that is chosen at run time, with one type for all results, as recordings and replays
//! need it.

use std::sync::Arc;

use lockgate_domain::{Action, Answer, Kind, Report, Rollout, Snapshot};
use serde::{Deserialize, Serialize};

use crate::capability::Namespaces;
use crate::evaluation::Evaluation;
use crate::plugin::{Plugin, PluginInvocation};
use crate::sandbox::CapabilityExchange;

/// A function of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginFunction {
    /// [`Plugin::decide`].
    Decide,
    /// [`Plugin::check`].
    Run,
    /// [`Plugin::plan`].
    Plan,
    /// [`Plugin::advance`].
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

impl Plugin {
    /// Calls the function.
    pub fn ask(&self, call: PluginFunction, snapshot: &Arc<Snapshot>) -> Evaluation<PluginOutput> {
        self.invocation(snapshot).ask(call)
    }

    /// Calls the function, which reads the values of namespaces from `namespaces` instead of from the store of the runtime.
    pub fn ask_on(
        &self,
        call: PluginFunction,
        snapshot: &Arc<Snapshot>,
        namespaces: Arc<dyn Namespaces>,
    ) -> Evaluation<PluginOutput> {
        self.invocation(snapshot).reading_from(namespaces).ask(call)
    }

    /// Calls the function, with recorded answers of the capabilities instead of live ones. A question that has no answer
    /// among the exchanges ends the evaluation with
    /// [`FailureKind::NotRecorded`](lockgate_domain::FailureKind::NotRecorded).
    pub fn ask_again(
        &self,
        call: PluginFunction,
        snapshot: &Arc<Snapshot>,
        exchanges: &[CapabilityExchange],
    ) -> Evaluation<PluginOutput> {
        self.invocation(snapshot).answered_by(exchanges).ask(call)
    }
}

impl PluginInvocation<'_> {
    pub(crate) fn ask(self, call: PluginFunction) -> Evaluation<PluginOutput> {
        match call {
            PluginFunction::Decide => self.decide().map(PluginOutput::Answer),
            PluginFunction::Run => self.check().map(PluginOutput::Report),
            PluginFunction::Plan => self.plan().map(PluginOutput::Rollout),
            PluginFunction::Advance => self.advance().map(PluginOutput::Action),
        }
    }
}
