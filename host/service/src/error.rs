//! Why something was not done: by what the caller can do about it.

use std::fmt;

use lockgate_domain::{CredentialKind, DigestError, PersonId, TeamName, ValueError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::{CredentialEnded, Forbidden};
use crate::lifecycle::IllegalMove;
use lockgate_engine::rollout::RolloutError;
use lockgate_engine::{GateError, SelectModelError};

/// Something that is wrong with what was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InputError {
    /// Where: a JSON Pointer into what was handed in.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl InputError {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "at `{pointer}`: {}", self.message),
        }
    }
}

impl From<ValueError> for InputError {
    fn from(ValueError { pointer, fault }: ValueError) -> Self {
        Self { pointer, message: fault.to_string() }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// There is no such thing, or not for the one who asks.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// Several of the teams of the one who asks have a deployment of that id.
    #[error("several teams have a deployment `{id}`: name the team with `team`, one of `{}`", .teams.join("`, `"))]
    SeveralTeams {
        /// The id.
        id: String,
        /// The teams.
        teams: Vec<TeamName>,
    },
    /// The one who asks has not the right.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The credential ended before something was written.
    #[error(transparent)]
    CredentialEnded(#[from] CredentialEnded),
    /// A rule of the host's stands against it.
    #[error(transparent)]
    Refused(#[from] RuleRefusal),
    /// It cannot be done where the deployment stands.
    #[error(transparent)]
    Illegal(Box<IllegalMove>),
    /// The caller rests on another version than there is.
    #[error("the deployment `{id}` has version {actual}, not {expected}: look at it again, and decide again")]
    VersionDiffers {
        /// The deployment.
        id: String,
        /// The version that the caller named.
        expected: u64,
        /// The version that it has.
        actual: u64,
    },
    /// There is one of that id.
    #[error("there is a {what} `{id}` already: choose another id")]
    Exists {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// What was handed in is wrong.
    #[error("{}", .0.first().map_or("what was handed in is wrong", |mistake| mistake.message.as_str()))]
    Invalid(Vec<InputError>),
    /// No deployment model can be chosen.
    #[error(transparent)]
    Choice(#[from] SelectModelError),
    /// The model under which it was approved is gone.
    #[error("the deployment model `{0}`, under which it was approved, is not loaded any more: load it, or replan")]
    ModelGone(lockgate_domain::Digest),
    /// The rollout cannot go on.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// Something has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The ledger does not take it, or cannot be read.
    #[error(transparent)]
    Ledger(#[from] lockgate_ledger::Error),
    /// What the ledger holds cannot be right.
    #[error("the ledger holds something that cannot be read: {0}")]
    Damaged(String),
}

/// A rule of the host's that stands against what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleRefusal {
    /// The person asked for the deployment or contributed to it, now or before.
    #[error("`{person}` cannot {what}: they asked for this deployment or contributed to it, now or before")]
    SeparationOfDuties {
        /// Who.
        person: PersonId,
        /// What they wanted.
        what: &'static str,
    },
    /// Whoever took it cannot also be the second person.
    #[error("`{person}` cannot {what}: it takes somebody else than the one who took the override")]
    SecondPerson {
        /// Who.
        person: PersonId,
        /// What they wanted.
        what: &'static str,
    },
    /// The person does not hold the role.
    #[error("`{person}` does not hold the role `{role}`{}", delegated(.principal.as_ref()))]
    RoleNotHeld {
        /// Who.
        person: PersonId,
        /// Which.
        role: String,
        /// In whose place.
        principal: Option<PersonId>,
    },
    /// The person's voice has been heard.
    #[error("the voice of `{principal}` as `{role}` was given by `{by}`: it counts once")]
    VoiceGiven {
        /// Whose.
        principal: PersonId,
        /// As what.
        role: String,
        /// By whom.
        by: PersonId,
    },
    /// What they name is not what is there.
    #[error("`{named}` is not what there is to approve now: that is `{current}`; look at it again")]
    SubjectDiffers {
        /// What they named.
        named: String,
        /// What is there.
        current: String,
    },
    /// What was approved cannot be replaced.
    #[error("the evidence `{name}` was approved as `{approved}`: hand the new one in under another name, or replan")]
    EvidenceApproved {
        /// The evidence, by name.
        name: String,
        /// What was approved.
        approved: String,
    },
    /// It cannot be overridden.
    #[error("`{binding}` cannot be overridden at {gate}: {why}")]
    NotOverridable {
        /// The binding or group.
        binding: String,
        /// The gate.
        gate: lockgate_domain::Gate,
        /// Why.
        why: String,
    },
    /// It is over.
    #[error("the {what} `{id}` is over")]
    Over {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// Another account said it, whose id has the same normal form.
    #[error(
        "the account `{by}` said that, and `{account}` is another one: only the account that said it takes it back"
    )]
    OtherAccount {
        /// Who wants to take it back.
        account: PersonId,
        /// Who said it.
        by: PersonId,
    },
    /// A person has to decide it, in one of these roles.
    #[error("{}", person_decides(person, *kind, held, roles))]
    PersonDecides {
        /// Who.
        person: PersonId,
        /// The kind of their credential.
        kind: CredentialKind,
        /// The roles that they hold.
        held: Vec<String>,
        /// The roles.
        roles: Vec<String>,
    },
    /// It is for all teams, and the one who asks is not.
    #[error("the {what} `{id}` is for all teams: it takes somebody who sees all teams to end it")]
    OfAllTeams {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// It reaches teams that the one who asks does not see.
    #[error("the {what} `{id}` is for more teams than yours: it takes somebody who sees all of them to end it")]
    OfMoreTeams {
        /// What.
        what: &'static str,
        /// Which.
        id: String,
    },
    /// The entrance of the stage comes first.
    #[error(
        "the stage `{}` has not begun: pass the gate `{}/entrance` first, then report its activities",
        .stage.as_str(), .stage.as_str()
    )]
    StageNotBegun {
        /// The stage whose activities were reported.
        stage: lockgate_domain::Stage,
    },
    /// The step is not the one that is under way.
    #[error("the step `{step}` is not running: {why}")]
    StepNotUnderWay {
        /// The step.
        step: String,
        /// Why.
        why: String,
    },
}

fn person_decides(person: &PersonId, kind: CredentialKind, held: &[String], roles: &[String]) -> String {
    let roles = roles.join("` or `");
    match kind {
        CredentialKind::Person => {
            let held = held.join("`, `");
            format!("resuming needs the role `{roles}`, and `{person}` holds `{held}`")
        }
        kind => format!(
            "resuming needs a credential of kind `person`, in the role `{roles}`, and this one of `{person}` is of kind `{kind}`"
        ),
    }
}

fn delegated(principal: Option<&PersonId>) -> String {
    match principal {
        Some(principal) => format!(", and `{principal}` has not delegated it to them"),
        None => String::new(),
    }
}

impl From<IllegalMove> for ServiceError {
    fn from(illegal: IllegalMove) -> Self {
        Self::Illegal(Box::new(illegal))
    }
}

impl From<GateError> for ServiceError {
    fn from(error: GateError) -> Self {
        match error {
            GateError::Digest(error) => Self::Digest(error),
        }
    }
}

impl From<lockgate_ledger::InvalidEntry> for ServiceError {
    fn from(error: lockgate_ledger::InvalidEntry) -> Self {
        Self::Ledger(error.into())
    }
}
