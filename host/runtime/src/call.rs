//! One way to ask a plugin anything, and one form for whatever it says: for those to whom it does not matter which
//! function is called, as when an evaluation is recorded and run again.

use std::sync::Arc;

use lockgate_domain::{Action, Answer, Kind, Progress, Report, Rollout, Snapshot};
use serde::{Deserialize, Serialize};

use crate::capability::Namespaces;
use crate::evaluation::Evaluation;
use crate::plugin::{Plugin, PluginInvocation};
use crate::sandbox::CapabilityExchange;

/// A function of a plugin, with what it takes beside the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "function", content = "progress")]
pub enum PluginFunction {
    /// [`Plugin::decide`].
    Decide,
    /// [`Plugin::check`].
    Run,
    /// [`Plugin::plan`].
    Plan,
    /// [`Plugin::advance`].
    Advance(Progress),
}

impl PluginFunction {
    /// The kind of plugin that has the function.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Decide => Kind::ApprovalPolicy,
            Self::Run => Kind::ValidationCheck,
            Self::Plan | Self::Advance(_) => Kind::Strategy,
        }
    }
}

/// What a plugin said, whichever function was called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginOutput {
    /// Of an approval policy.
    Answer(Answer),
    /// Of a validation check.
    Report(Report),
    /// Of a strategy: the way.
    Rollout(Rollout),
    /// Of a strategy: what to do next.
    Action(Action),
}

impl Plugin {
    /// Calls that function.
    pub fn ask(&self, call: &PluginFunction, snapshot: &Arc<Snapshot>) -> Evaluation<PluginOutput> {
        self.invocation(snapshot).ask(call)
    }

    /// Calls that function, and reads the values of namespaces there instead of in the runtime's store.
    pub fn ask_on(
        &self,
        call: &PluginFunction,
        snapshot: &Arc<Snapshot>,
        namespaces: Arc<dyn Namespaces>,
    ) -> Evaluation<PluginOutput> {
        self.invocation(snapshot).on(namespaces).ask(call)
    }

    /// Calls that function again: what the plugin asks its capabilities is answered with what was answered then.
    /// Nothing outside is reached, and a question that has no answer among the exchanges ends the evaluation with
    /// [`FailureKind::NotRecorded`](lockgate_domain::FailureKind::NotRecorded).
    pub fn ask_again(
        &self,
        call: &PluginFunction,
        snapshot: &Arc<Snapshot>,
        exchanges: &[CapabilityExchange],
    ) -> Evaluation<PluginOutput> {
        self.invocation(snapshot).from(exchanges).ask(call)
    }
}

impl PluginInvocation<'_> {
    pub(crate) fn ask(self, call: &PluginFunction) -> Evaluation<PluginOutput> {
        match call {
            PluginFunction::Decide => self.decide().map(PluginOutput::Answer),
            PluginFunction::Run => self.check().map(PluginOutput::Report),
            PluginFunction::Plan => self.plan().map(PluginOutput::Rollout),
            PluginFunction::Advance(progress) => self.advance(progress).map(PluginOutput::Action),
        }
    }
}
