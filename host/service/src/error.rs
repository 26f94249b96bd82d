//! The errors of the service, by what the caller can do about them.

use std::fmt;

use lockgate_domain::join::{Contradiction, JoinError};
use lockgate_domain::{
    CredentialKind, DigestError, Finding, PersonId, Receiver, RegisterKind, TeamName, ValueError, shortened,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::authority::{CredentialEnded, Forbidden};
use crate::lifecycle::{IllegalMove, StagePosition};
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

/// Why the service did not do what the actor asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The resource does not exist, or the actor may not see it.
    #[error("there is no {what} `{id}`")]
    NotFound {
        /// The kind of thing, for example `deployment`.
        what: &'static str,
        id: String,
    },
    /// Several of the actor's teams have a deployment with this id.
    #[error("several teams have a deployment `{id}`: name the team with `team`, one of `{}`", .teams.join("`, `"))]
    SeveralTeams { id: String, teams: Vec<TeamName> },
    /// The actor lacks the right.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The credential ended before the write.
    #[error(transparent)]
    CredentialEnded(#[from] CredentialEnded),
    /// A rule of the host forbids it.
    #[error(transparent)]
    Refused(#[from] RuleRefusal),
    /// Rules of the host forbid it, and what they found can be repaired.
    #[error("{}", .0.first().map_or("a rule of the host forbids it", |finding| finding.message.as_str()))]
    RuleBroken(Vec<Finding>),
    /// The move is not legal in the deployment's present position.
    #[error(transparent)]
    Illegal(Box<IllegalMove>),
    /// The write depends on another version than the present one.
    #[error("the {what} `{id}` has version {actual}, not {expected}: look at it again, and decide again")]
    VersionDiffers {
        /// The kind of thing, for example `deployment`.
        what: &'static str,
        id: String,
        /// The version that the caller named.
        expected: u64,
        /// The present version.
        actual: u64,
    },
    /// The write depends on something that does not exist.
    #[error(
        "there is no {what} `{id}`, and `If-Match: *` asks for one: leave the header out to write the first version"
    )]
    NothingMatches {
        /// The kind of thing, for example `entry`.
        what: &'static str,
        id: String,
    },
    /// The id is already taken.
    #[error("there is a {what} `{id}` already: choose another id")]
    Exists {
        /// The kind of thing.
        what: &'static str,
        id: String,
    },
    /// The deployment tells something that is not what its owner attested in a register.
    #[error("{}", contradicted(.0))]
    Contradicts(Vec<Contradiction>),
    /// The input is wrong.
    #[error("{}", .0.first().map_or("what was handed in is wrong", |mistake| mistake.message.as_str()))]
    Invalid(Vec<InputError>),
    /// No deployment model fits.
    #[error(transparent)]
    Choice(#[from] SelectModelError),
    /// The model under which the deployment was approved is gone.
    #[error("the deployment model `{0}`, under which it was approved, is not loaded any more: load it, or replan")]
    ModelGone(lockgate_domain::Digest),
    /// The rollout cannot go on.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
    /// A value has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// The ledger did not accept the write, or cannot be read.
    #[error(transparent)]
    Ledger(#[from] lockgate_ledger::Error),
    /// The ledger holds values that cannot be right.
    #[error("the ledger holds something that cannot be read: {0}")]
    Damaged(String),
}

/// The most characters of a value in a message.
const LONGEST_VALUE: usize = 80;

fn contradicted(all: &[Contradiction]) -> String {
    let Some(Contradiction { pointer, register, id, told, attested }) = all.first() else {
        return "the deployment contradicts a register".to_owned();
    };
    let value = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
    let more = match all.len() {
        1 => String::new(),
        count => format!("; and {} more (see `errors`)", count - 1),
    };
    format!(
        "at `{pointer}` the deployment tells {}, and the register `{register}` has {} in `{id}`: leave it out, or have the \
         entry corrected{more}",
        shortened(&value(told), LONGEST_VALUE),
        shortened(&value(attested), LONGEST_VALUE),
    )
}

/// A rule of the host that forbids what the actor asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleRefusal {
    /// The person asked for the deployment or contributed to it, now or earlier.
    #[error("`{person}` cannot {what}: they asked for this deployment or contributed to it, now or before")]
    SeparationOfDuties {
        person: PersonId,
        /// What the person wanted to do.
        what: &'static str,
    },
    /// The person who took the override cannot also be the second person.
    #[error("`{person}` cannot {what}: it takes somebody else than the one who took the override")]
    SecondPerson {
        person: PersonId,
        /// What the person wanted to do.
        what: &'static str,
    },
    /// The person does not hold the role.
    #[error("`{person}` does not hold the role `{role}`{}", delegated(.principal.as_ref()))]
    RoleNotHeld {
        person: PersonId,
        role: String,
        /// The person in whose place the actor wanted to act.
        principal: Option<PersonId>,
    },
    /// Somebody already answered for this person in this role.
    #[error("the voice of `{principal}` as `{role}` was given by `{by}`: it counts once")]
    VoiceGiven {
        /// The person who is answered for.
        principal: PersonId,
        role: String,
        /// The person who answered.
        by: PersonId,
    },
    /// The actor named another subject than the present one.
    #[error("approvals must name subject `{current}`, not `{named}`: read the deployment again, since it has changed")]
    SubjectDiffers { named: String, current: String },
    /// Approved evidence cannot be replaced.
    #[error("the evidence `{name}` was approved as `{approved}`: hand the new one in under another name, or replan")]
    EvidenceApproved {
        /// The name of the evidence.
        name: String,
        /// The digest that was approved.
        approved: String,
    },
    /// The binding or group cannot be overridden at this gate.
    #[error("`{binding}` cannot be overridden at {gate}: {why}")]
    NotOverridable {
        /// The id of the binding or group.
        binding: String,
        gate: lockgate_domain::Gate,
        why: String,
    },
    /// The deployment, override or grant has ended already.
    #[error("the {what} `{id}` is over")]
    Over {
        /// The kind of thing.
        what: &'static str,
        id: String,
    },
    /// Another account gave the answer. Its id has the same normal form.
    #[error(
        "the account `{by}` said that, and `{account}` is another one: only the account that said it takes it back"
    )]
    OtherAccount {
        /// The account that wants to take the answer back.
        account: PersonId,
        /// The account that gave the answer.
        by: PersonId,
    },
    /// A person in one of these roles must decide it.
    #[error("{}", person_decides(person, *kind, held, roles))]
    PersonDecides {
        /// The actor who tried to.
        person: PersonId,
        /// The kind of the actor's credential.
        kind: CredentialKind,
        /// The roles that the actor holds.
        held: Vec<String>,
        /// The roles that may decide it.
        roles: Vec<String>,
    },
    /// It applies to all teams, and the actor does not see all teams.
    #[error("the {what} `{id}` is for all teams: it takes somebody who sees all teams to end it")]
    OfAllTeams {
        /// The kind of thing.
        what: &'static str,
        id: String,
    },
    /// It reaches teams that the actor does not see.
    #[error("the {what} `{id}` is for more teams than yours: it takes somebody who sees all of them to end it")]
    OfMoreTeams {
        /// The kind of thing.
        what: &'static str,
        id: String,
    },
    /// The entry is shared by all teams, and the actor does not see all teams.
    #[error(
        "an entry of the {what} `{id}` that all teams share needs somebody who sees all teams: name one of your teams"
    )]
    SharedByAllTeams {
        /// The kind of thing.
        what: &'static str,
        id: String,
    },
    /// All teams share an entry with this id.
    #[error("all teams share the entry `{id}` of the register `{register}`: attest that one, or choose another id")]
    SharedEntry { register: RegisterKind, id: String },
    /// A register has as many entries for one product or environment as a decision may read.
    #[error(
        "the register `{register}` has {most} entries that concern `{concerned}`, the most that a decision reads: withdraw some, \
         or give entries an end with `valid_until` and withdraw those that are over"
    )]
    RegisterFull {
        register: RegisterKind,
        /// The id of the product, or the name of the environment.
        concerned: String,
        most: usize,
    },
    /// The deployment must first pass the entrance of the stage.
    #[error(
        "the stage `{}` has not begun: pass the gate `{}/entrance` first, then report its activities",
        .stage.as_str(), .stage.as_str()
    )]
    StageNotBegun {
        /// The stage whose activities the actor reported.
        stage: lockgate_domain::Stage,
    },
    /// Nobody can approve before the strategy has laid the rollout out.
    #[error("nobody can approve yet: {why}")]
    RolloutNotLaidOut { why: String },
    /// Nothing is deployed that could be handed over, or not any more.
    #[error(
        "the deployment `{id}` is {position}: it is handed over between the exit of fulfill and the exit of observe, and not on the way \
         back"
    )]
    NothingToHandOver { id: String, position: StagePosition },
    /// Nobody proposed a hand-over that could be accepted.
    #[error("nobody has proposed to hand the deployment `{id}` over: propose it first, with `POST …/hand-over`")]
    NoHandOver { id: String },
    /// Somebody accepted the hand-over already.
    #[error("`{by}` has accepted the hand-over already")]
    HandOverAccepted { by: PersonId },
    /// The actor proposed the hand-over.
    #[error("`{person}` proposed the hand-over: it takes somebody else to accept it")]
    OwnHandOver { person: PersonId },
    /// The actor is not one of those who take over.
    #[error("the hand-over is to {receiver}, and `{person}` is not: have it accepted there, or propose another one")]
    NotReceiver { person: PersonId, receiver: Receiver },
    /// A program wanted to accept a hand-over.
    #[error(
        "a hand-over is accepted with a credential of kind `person`, and this one of `{person}` is of kind `{kind}`"
    )]
    PersonTakesOver { person: PersonId, kind: CredentialKind },
    /// The deployment has no rollout that could be carried out now.
    #[error("no rollout is running: {why}")]
    RolloutNotRunning { why: String },
    /// Another step is under way, or none.
    #[error("the step `{step}` is not running: {why}")]
    StepNotUnderWay {
        /// The id of the step.
        step: String,
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

impl From<JoinError<ServiceError>> for ServiceError {
    fn from(error: JoinError<ServiceError>) -> Self {
        match error {
            JoinError::Source(error) => error,
            other => Self::Damaged(other.to_string()),
        }
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
