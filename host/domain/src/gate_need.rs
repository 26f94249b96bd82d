//! The actions that people must take at a gate so that deployments can pass it, and the roles for them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Gate;
use crate::authority::{Right, rights_of};

/// An action that somebody takes at a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateAction {
    /// Passes the gate, if it allows.
    Pass,
    /// Approves or rejects, in a role that a policy of the gate names in its settings.
    Approve,
    /// Resumes a hold or a paused rollout.
    Resume,
    /// Accepts the hand-over of what was deployed.
    TakeOver,
    /// Grants a waiver for an answer of the gate.
    Waive,
    /// Overrides an answer of the gate.
    Override,
    /// Confirms an override as the second person.
    ConfirmOverride,
    /// Reviews an override after it was used.
    Review,
    /// Attaches evidence that the model demands.
    AttachEvidence,
    /// Attests a fact that the model demands from a register.
    AttestFact,
}

impl GateAction {
    /// The name that files and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Approve => "approve",
            Self::Resume => "resume",
            Self::TakeOver => "take-over",
            Self::Waive => "waive",
            Self::Override => "override",
            Self::ConfirmOverride => "confirm-override",
            Self::Review => "review",
            Self::AttachEvidence => "attach-evidence",
            Self::AttestFact => "attest-fact",
        }
    }

    /// What a person with this right can do, as a part of a sentence.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Pass => "pass the gate",
            Self::Approve => "approve",
            Self::Resume => "end a hold of the rollout, or go on with a paused one",
            Self::TakeOver => "accept a hand-over",
            Self::Waive => "grant a waiver",
            Self::Override => "override an answer",
            Self::ConfirmOverride => "confirm an override",
            Self::Review => "review an override",
            Self::AttachEvidence => "attach evidence",
            Self::AttestFact => "attest a fact",
        }
    }

    /// The right that the action needs.
    pub fn right(self) -> Right {
        match self {
            Self::Pass => Right::Drive,
            Self::Approve => Right::Approve,
            Self::Resume => Right::Resume,
            Self::TakeOver => Right::TakeOver,
            Self::Waive => Right::Waive,
            Self::Override | Self::ConfirmOverride => Right::Override,
            Self::Review => Right::Review,
            Self::AttachEvidence => Right::Attest,
            Self::AttestFact => Right::Register,
        }
    }
}

/// Somebody whom a gate needs, or may need.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct GateNeed {
    /// The gate at which the action is taken.
    pub gate: Gate,
    /// The action that is taken.
    pub action: GateAction,
    /// The roles of which a person needs one, in the order of their names. Empty: any role with the right. For evidence and facts,
    /// also services and persons, as `service:<id>` and `person:<id>`.
    pub roles: BTreeSet<String>,
    /// The name of the evidence that is attached, or of the register in which the fact is attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The least number of different people that the action needs. If absent, 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub needed: u64,
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_one(needed: &u64) -> bool {
    *needed == 1
}

impl GateNeed {
    /// A need for one person.
    pub fn new(gate: Gate, action: GateAction, roles: BTreeSet<String>) -> Self {
        Self { gate, action, roles, about: None, needed: 1 }
    }

    /// What somebody who meets the need can do, as a part of a sentence.
    pub fn in_words(&self) -> String {
        match (self.action, &self.about) {
            (GateAction::AttachEvidence, Some(name)) => format!("attach the evidence `{name}`"),
            (GateAction::AttestFact, Some(register)) => format!("attest entries of the register `{register}`"),
            (action, _) => action.in_words().to_owned(),
        }
    }

    /// Whether a person in this role can meet the need, if the role has the right for it.
    pub fn takes(&self, role: &str) -> bool {
        self.roles.contains(role) || self.roles.is_empty() && rights_of(role).contains(&self.action.right())
    }
}
