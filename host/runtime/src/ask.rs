//! One way to ask a plugin anything, and one form for whatever it says: for those to whom it does not matter which
//! function is called, as when an evaluation is recorded and run again.

use std::sync::Arc;

use lockgate_domain::{Action, Answer, Kind, Progress, Report, Rollout, Snapshot};
use serde::{Deserialize, Serialize};

use crate::capability::Namespaces;
use crate::evaluation::Evaluation;
use crate::plugin::{Asking, Plugin};
use crate::sandbox::Exchange;

/// A function of a plugin, with what it takes beside the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "function", content = "progress")]
pub enum Call {
    /// [`Plugin::decide`].
    Decide,
    /// [`Plugin::check`].
    Run,
    /// [`Plugin::plan`].
    Plan,
    /// [`Plugin::advance`].
    Advance(Progress),
}

impl Call {
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
pub enum Said {
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
    pub fn ask(&self, call: &Call, snapshot: &Arc<Snapshot>) -> Evaluation<Said> {
        self.asking(snapshot).ask(call)
    }

    /// Calls that function, and reads the values of namespaces there instead of in the runtime's store.
    pub fn ask_on(&self, call: &Call, snapshot: &Arc<Snapshot>, namespaces: Arc<dyn Namespaces>) -> Evaluation<Said> {
        self.asking(snapshot).on(namespaces).ask(call)
    }

    /// Calls that function again: what the plugin asks its capabilities is answered with what was answered then.
    /// Nothing outside is reached, and a question that has no answer among the exchanges ends the evaluation with
    /// [`FailureKind::NotRecorded`](lockgate_domain::FailureKind::NotRecorded).
    pub fn ask_again(&self, call: &Call, snapshot: &Arc<Snapshot>, exchanges: &[Exchange]) -> Evaluation<Said> {
        self.asking(snapshot).from(exchanges).ask(call)
    }
}

impl Asking<'_> {
    pub(crate) fn ask(self, call: &Call) -> Evaluation<Said> {
        match call {
            Call::Decide => self.decide().map(Said::Answer),
            Call::Run => self.check().map(Said::Report),
            Call::Plan => self.plan().map(Said::Rollout),
            Call::Advance(progress) => self.advance(progress).map(Said::Action),
        }
    }
}
