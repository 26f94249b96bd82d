//! The hand-over of a deployment to those who operate it, and the exposure that it opens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{ids, some_text};
use crate::{PersonId, TeamName, Timestamp};

/// Who takes over: one person, or a team of which one person accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// The id of the person. Absent if a team takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// The name of the team. Absent if a person takes over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
}

impl Receiver {
    /// Whether it names exactly one: a person or a team.
    pub fn is_one(&self) -> bool {
        self.person.is_some() != self.team.is_some()
    }
}

impl std::fmt::Display for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.person, &self.team) {
            (Some(person), _) => write!(f, "`{person}`"),
            (None, Some(team)) => write!(f, "the team `{team}`"),
            (None, None) => f.write_str("nobody"),
        }
    }
}

/// The hand-over of a deployment to operations: who takes over, what they got, and whether they accepted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// Who takes over.
    pub receiver: Receiver,
    /// The ids of the runbooks that they got, from the register `runbooks`.
    #[serde(default, deserialize_with = "ids")]
    pub runbooks: Vec<String>,
    /// The ids of the knowledge items of the release that they got.
    #[serde(default, deserialize_with = "ids")]
    pub knowledge_items: Vec<String>,
    /// The ids of the contracts that they keep from now on, from the register `service-contracts`.
    #[serde(default, deserialize_with = "ids")]
    pub service_contracts: Vec<String>,
    /// The ids of the monitors that they watch from now on, from the register `monitors`.
    #[serde(default, deserialize_with = "ids")]
    pub monitors: Vec<String>,
    /// A note for those who take over.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some_text")]
    pub note: Option<String>,
    /// The id of the person who proposed the hand-over.
    pub proposed_by: PersonId,
    /// When the hand-over was proposed (RFC 3339).
    pub proposed: Timestamp,
    /// The id of the person who accepted the hand-over. Absent until somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_by: Option<PersonId>,
    /// When the hand-over was accepted (RFC 3339). Absent until somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Timestamp>,
}

impl HandOver {
    /// Whether somebody other than the proposer accepted it, and a person who takes over did so in person.
    pub fn is_accepted(&self) -> bool {
        let Some(by) = &self.accepted_by else { return false };
        let is_receiver = self.receiver.person.as_ref().is_none_or(|person| person == by);
        self.accepted.is_some() && *by != self.proposed_by && is_receiver && self.receiver.is_one()
    }
}

/// The exposure that a deployment opened: what was deployed can be released to its users, and whether that happens is the
/// decision of another stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// The id of the person who passed the exit of observe, and so opened it.
    pub opened_by: PersonId,
    /// When it was opened (RFC 3339).
    pub opened: Timestamp,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn accepted(receiver: Value, by: &str) -> bool {
        let hand_over = json!({
            "receiver": receiver, "proposed_by": "dora", "proposed": "2026-11-24T20:00:00Z",
            "accepted_by": by, "accepted": "2026-11-24T21:00:00Z",
        });
        serde_json::from_value::<HandOver>(hand_over).unwrap().is_accepted()
    }

    #[test]
    fn a_hand_over_is_accepted_by_the_receiver_or_anybody_of_the_team_and_never_by_the_proposer() {
        assert!(accepted(json!({"person": "olga"}), "Olga"));
        assert!(!accepted(json!({"person": "olga"}), "otto"), "otto does not take over");
        assert!(!accepted(json!({"person": "dora"}), "dora"), "nobody hands over to themselves");
        assert!(accepted(json!({"team": "operations"}), "otto"));
        assert!(!accepted(json!({"team": "operations"}), "DORA"), "the proposer, in another spelling");
        assert!(!accepted(json!({}), "otto"), "nobody takes over");
    }

    #[test]
    fn a_hand_over_that_nobody_answered_is_not_accepted() {
        let hand_over = json!({"receiver": {"team": "ops"}, "proposed_by": "dora", "proposed": "2026-11-24T20:00:00Z"});
        assert!(!serde_json::from_value::<HandOver>(hand_over).unwrap().is_accepted());
    }
}
