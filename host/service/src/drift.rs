//! Drift: instances of the inventory that went round the gates.
//!
//! Each instance is compared with what the gates let into its environment: with the deployments of its product that ended as
//! operational, and with those that are under way.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_domain::{
    ComponentIdentity, DeploymentRecord, DeploymentResult, Instance, PersonId, RegisterEntry, RegisterKind, Right,
    Scenario, TeamName, Teams, Timestamp, read_own_value,
};
use lockgate_ledger::EntryQuery;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::booking::environment_stream;
use super::locate::deployment_stream;
use super::product_history::{ENDED, product_stream};
use super::read::{AT_ONCE, LoadedDeployment, Page, PageRequest};
use super::registers::EntriesFilter;
use super::{DeploymentService, ServiceError};
use crate::authority::Actor;

/// How an instance differs from what the gates let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftCode {
    /// No decision allowed the components of the instance.
    NotAllowed,
    /// A deployment that has not ended deployed them.
    DeploymentNotEnded,
    /// An earlier deployment than the last operational one deployed them.
    Superseded,
    /// The inventory does not say which components the instance has, or lacks their digests.
    ContentUnknown,
}

impl DriftCode {
    /// The name that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::DeploymentNotEnded => "deployment-not-ended",
            Self::Superseded => "superseded",
            Self::ContentUnknown => "content-unknown",
        }
    }
}

/// An instance that is not what the last operational deployment deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftFinding {
    /// The stable code of the finding.
    pub code: DriftCode,
    /// The finding in one sentence.
    pub message: String,
    /// The id of the instance.
    pub instance: String,
    /// The team of the instance's entry. Absent: all teams share the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The id of the product.
    pub product: String,
    /// The name of the environment.
    pub environment: String,
    /// The id of the last operational deployment of the product there. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_operational: Option<String>,
    /// The id of the deployment that deployed the components, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_by: Option<String>,
    /// Who attested the instance.
    pub attester: PersonId,
    /// The time for which it was attested (RFC 3339).
    pub as_of: Timestamp,
}

impl DeploymentService {
    /// The instances of the inventory that the gates did not let in, those that were attested last first. A page that read many
    /// instances and found few ends early: `next` says where to continue.
    ///
    /// # Errors
    /// If the actor may not read, or the ledger cannot be read.
    pub fn drift(
        &self,
        actor: &Actor,
        filter: &EntriesFilter,
        page: PageRequest,
    ) -> Result<Page<DriftFinding>, ServiceError> {
        actor.require(Right::Read)?;
        let entries = self.entries(actor, RegisterKind::Instances, filter, page)?;
        let mut items = Vec::new();
        for entry in &entries.items {
            items.extend(self.drift_of(actor, entry)?);
        }
        Ok(Page { items, next: entries.next })
    }

    /// The finding about an instance, if it differs from what the gates let in.
    fn drift_of(&self, actor: &Actor, entry: &RegisterEntry) -> Result<Option<DriftFinding>, ServiceError> {
        let (Some(value), Some(product)) = (&entry.value, entry.concerns.products.first()) else { return Ok(None) };
        let instance: Instance =
            read_own_value(value).map_err(|error| ServiceError::Damaged(format!("`{}`: {error}", entry.id)))?;
        if !instance.status.exists() {
            return Ok(None);
        }
        let mut history = Vec::new();
        for team in self.teams_of_product(actor, entry, product)? {
            let stream = product_stream(&team, product);
            history.extend(self.history_at(&stream, self.0.storage.version(&stream)?)?.says.past.iter().cloned());
        }
        history.retain(|past| {
            past.environment == instance.environment
                && past.outcome == DeploymentResult::Operational
                && past.scenario != Scenario::Removal
        });
        history.sort_by_key(|past| past.ended);
        let under_way = self.under_way(actor, product, &instance.environment)?;
        let found = compare(&instance, &history, &under_way);
        Ok(found.map(|(code, message, deployed_by)| DriftFinding {
            code,
            message,
            instance: instance.id.clone(),
            team: entry.team.clone(),
            product: product.clone(),
            environment: instance.environment.clone(),
            last_operational: history.last().map(|past| past.id.clone()),
            deployed_by,
            attester: entry.attested.by.clone(),
            as_of: entry.as_of,
        }))
    }

    /// The teams whose deployments of the product an instance is compared with: that of its entry, or those of the actor that
    /// have ended a deployment of it.
    fn teams_of_product(
        &self,
        actor: &Actor,
        entry: &RegisterEntry,
        product: &str,
    ) -> Result<BTreeSet<TeamName>, ServiceError> {
        match (&entry.team, &actor.teams) {
            (Some(team), _) => Ok(BTreeSet::from([team.clone()])),
            (None, Teams::Named(teams)) => Ok(teams.clone()),
            (None, Teams::All) => {
                let (kind, id) = (Some(ENDED.to_owned()), Some(product.to_owned()));
                let query = EntryQuery { kind, id, newest_first: true, limit: AT_ONCE, ..EntryQuery::default() };
                let ended = self.0.storage.entries(&query)?;
                Ok(ended.into_iter().filter_map(|entry| entry.team?.parse().ok()).collect())
            }
        }
    }

    /// The deployments of a product that are changing an environment now, as far as the actor sees them.
    fn under_way(
        &self,
        actor: &Actor,
        product: &str,
        environment: &str,
    ) -> Result<Vec<Arc<LoadedDeployment>>, ServiceError> {
        let stream = environment_stream(environment);
        let known = self.bookings_at(&stream, self.0.storage.version(&stream)?)?;
        let mut found = Vec::new();
        for (team, id) in known.says.under_way(product) {
            if actor.teams.include(team) {
                let stream = deployment_stream(team, id);
                found.push(self.read_deployment(&stream, id, self.0.storage.version(&stream)?)?);
            }
        }
        Ok(found)
    }
}

/// Compares an instance with the operational deployments of its product in its environment, in order of their ends, and with
/// those under way. Returns what is wrong, and which deployment deployed it.
fn compare(
    instance: &Instance,
    history: &[DeploymentRecord],
    under_way: &[Arc<LoadedDeployment>],
) -> Option<(DriftCode, String, Option<String>)> {
    let id = &instance.id;
    let environment = &instance.environment;
    let identities: Vec<ComponentIdentity> = instance
        .components
        .iter()
        .map(|component| ComponentIdentity {
            name: component.name.clone(),
            version: component.version.clone(),
            digest: component.digest,
        })
        .collect();
    if identities.is_empty() || identities.iter().any(|identity| identity.digest.is_none()) {
        let message = format!(
            "the inventory does not say which components `{id}` in `{environment}` has, with their digests: have it attested"
        );
        return Some((DriftCode::ContentUnknown, message, None));
    }
    let holds = |components: &[ComponentIdentity]| identities.iter().all(|identity| components.contains(identity));
    let last = history.last();
    if last.is_some_and(|past| holds(&past.components)) {
        return None;
    }
    let unended = under_way.iter().find(|loaded| holds(&loaded.document.release.component_identities()));
    if let Some(loaded) = unended {
        let message = format!("`{id}` in `{environment}` runs what `{}` deploys, which has not ended", loaded.id);
        return Some((DriftCode::DeploymentNotEnded, message, Some(loaded.id.clone())));
    }
    if let (Some(past), Some(last)) = (history.iter().rev().find(|past| holds(&past.components)), last) {
        let message = format!(
            "`{id}` in `{environment}` runs release `{}` of `{}`, and the last operational deployment, `{}`, deployed `{}`",
            past.release, past.id, last.id, last.release
        );
        return Some((DriftCode::Superseded, message, Some(past.id.clone())));
    }
    let message = format!("no decision allowed what `{id}` in `{environment}` runs: it went round the gates");
    Some((DriftCode::NotAllowed, message, None))
}
