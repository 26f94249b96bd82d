//! The host's clock: what falls due becomes an entry of the ledger by itself, once, on any number of servers.
//!
//! - `sources` says what falls due of a deployment: holds, change windows, approvals, reviews, and so on. Grants and stops say
//!   themselves when they end.
//! - `agenda` keeps, in each process, what is due next. It follows the ledger, so it can be made anew at any time.
//! - `write` writes what has fallen due, in the order of the times at which it was due. Each entry expects the version of the
//!   stream that it is about. So of several servers exactly one writes it, and after a downtime what was missed is written in
//!   order: a server begins the next entry only when the one before is in the ledger.
//!
//! [`DeploymentService::due`](crate::DeploymentService::due) lists what is due.

mod agenda;
mod list;
mod sources;
mod write;

use lockgate_domain::{PersonId, TeamName, Teams, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::authority::Actor;

pub(super) use agenda::Agenda;
pub use list::{DueCursor, DueFilter, DuePage, DuePageRequest, InvalidDueCursor};
pub use write::DueRound;

/// What falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DueKind {
    /// A hold of a rollout ends: the next step may begin.
    HoldEnded,
    /// The moment of no return: until then it has to be decided whether a rollout goes on or back.
    DecisionBeforeNoReturn,
    /// The change window closes while the deployment still changes the environment.
    ChangeWindowClosed,
    /// The time is over in which events are suppressed: the suppression has to be lifted.
    SuppressionOver,
    /// An approval or rejection expires.
    ApprovalExpired,
    /// The review of an override is late.
    OverrideReviewLate,
    /// The late review of an override begins to stop deployments of the product.
    OverrideReviewBlocks,
    /// The time is over for which the data of a removed instance is kept: it has to be disposed of.
    RetentionOver,
    /// A waiver expires.
    WaiverExpired,
    /// A delegation expires.
    DelegationExpired,
    /// A stop of the line ends by itself.
    StopExpired,
}

impl DueKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::HoldEnded,
        Self::DecisionBeforeNoReturn,
        Self::ChangeWindowClosed,
        Self::SuppressionOver,
        Self::ApprovalExpired,
        Self::OverrideReviewLate,
        Self::OverrideReviewBlocks,
        Self::RetentionOver,
        Self::WaiverExpired,
        Self::DelegationExpired,
        Self::StopExpired,
    ];

    /// The name that the ledger, the API and the command use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HoldEnded => "hold-ended",
            Self::DecisionBeforeNoReturn => "decision-before-no-return",
            Self::ChangeWindowClosed => "change-window-closed",
            Self::SuppressionOver => "suppression-over",
            Self::ApprovalExpired => "approval-expired",
            Self::OverrideReviewLate => "override-review-late",
            Self::OverrideReviewBlocks => "override-review-blocks",
            Self::RetentionOver => "retention-over",
            Self::WaiverExpired => "waiver-expired",
            Self::DelegationExpired => "delegation-expired",
            Self::StopExpired => "stop-expired",
        }
    }
}

/// Something that falls due, as the ledger records it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DueMark {
    /// When it is due (RFC 3339).
    pub due: Timestamp,
    /// What falls due.
    pub what: DueKind,
    /// The id of what it is about, for example of the step, the approval or the waiver.
    pub about: String,
}

/// Something that is due, now or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueItem {
    /// What falls due, and when.
    #[serde(flatten)]
    pub mark: DueMark,
    /// What happens then, or has to be done, in one sentence.
    pub message: String,
    /// Whether its time has come, and what has to be done is not done.
    pub overdue: bool,
    /// The team that it belongs to. Absent: all teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The id of the deployment that it is about. Absent for grants and stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
    /// The id of the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The name of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// Who sees an item.
#[derive(Clone, Debug)]
enum DueAudience {
    /// The members of a team; everybody if there is none.
    Team(Option<TeamName>),
    /// The lender and the borrower of a role, and those who look after delegations in one of the teams.
    Delegation { people: [PersonId; 2], teams: Teams },
}

impl DueAudience {
    fn includes(&self, actor: &Actor) -> bool {
        use lockgate_domain::Right::{Administer, Audit};
        match self {
            Self::Team(team) => team.as_ref().is_none_or(|team| actor.teams.include(team)),
            Self::Delegation { people, teams } => {
                people.contains(&actor.person.id)
                    || (actor.may(Administer) || actor.may(Audit)) && teams.meet(&actor.teams)
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::DueKind;

    #[test]
    fn every_kind_has_the_name_that_json_has() {
        for kind in DueKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
