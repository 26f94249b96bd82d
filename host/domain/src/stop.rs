//! Stops of the line: somebody who sees that something is wrong stops deployments, for a while, until it is understood.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distinct::keyed;
use crate::name::{border, id, text};
use crate::{Deployment, PersonId, TeamName, Timestamp};

/// The deployments that a stop holds up. Every member that is present must match; without any, the stop is for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopScope {
    /// The team whose deployments are stopped. If absent, every team's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The name of the environment in which deployments are stopped. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "border")]
    pub environment: Option<String>,
    /// The id of the product whose deployments are stopped. If absent, any.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "border")]
    pub product: Option<String>,
}

impl StopScope {
    /// Whether the deployment of a team is within the scope.
    pub fn includes(&self, team: &TeamName, deployment: &Deployment) -> bool {
        let is = |border: &Option<String>, found: &str| border.as_deref().is_none_or(|border| border == found);
        self.team.as_ref().is_none_or(|border| border == team)
            && is(&self.environment, &deployment.environment.name)
            && is(&self.product, &deployment.product.id)
    }

    /// The scope in words, for example "everything" or "environment `live` of team `checkout`".
    pub fn in_words(&self) -> String {
        let named = [("product", self.product.as_deref()), ("environment", self.environment.as_deref())];
        let named: Vec<String> =
            named.into_iter().filter_map(|(what, name)| Some(format!("{what} `{}`", name?))).collect();
        match (named.is_empty(), &self.team) {
            (true, None) => "everything".to_owned(),
            (true, Some(team)) => format!("team `{team}`"),
            (false, None) => named.join(" in "),
            (false, Some(team)) => format!("{} of team `{team}`", named.join(" in ")),
        }
    }
}

/// A stop of the line: no deployment in its scope passes a gate or begins a step while it lasts. The way back stays open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// The id of the stop.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of the person who stopped the line.
    pub by: PersonId,
    /// The reason for the stop.
    #[schemars(length(min = 1))]
    #[serde(deserialize_with = "text")]
    pub reason: String,
    /// The deployments that it holds up.
    pub scope: StopScope,
    /// When the line was stopped (RFC 3339); the server sets it.
    pub placed: Timestamp,
    /// From when on the line runs again by itself (RFC 3339).
    pub until: Timestamp,
}

impl Stop {
    /// Whether the stop holds at this moment.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.placed <= now && now < self.until
    }
}

/// An override whose review is late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LateReview {
    /// The id of the override, unique within its deployment.
    #[serde(deserialize_with = "id")]
    pub id: String,
    /// The id of the deployment.
    #[serde(deserialize_with = "id")]
    pub deployment: String,
    /// The id of the person who took the override.
    pub by: PersonId,
    /// When the review was due (RFC 3339).
    pub due: Timestamp,
    /// From when on the late review stops deployments of the product (RFC 3339). Absent: it never does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_from: Option<Timestamp>,
}

keyed!(Stop: id, LateReview: id);
