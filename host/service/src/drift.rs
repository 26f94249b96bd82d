//! Drift: instances of the inventory that went round the gates.
//!
//! Each instance is compared with what the gates let into its environment: with the deployments of its product that ended as
//! operational, and with those that are under way.

use std::collections::BTreeSet;
use std::sync::Arc;

use lockgate_domain::drift::{InstanceDrift, UnendedDeployment, instance_drift, operational_in};
use lockgate_domain::{
    DeploymentRecord, Instance, PersonId, RegisterEntry, RegisterKind, Right, TeamName, Teams, Timestamp,
    read_own_value,
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

/// An instance that is not what the last operational deployment deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftFinding {
    /// What is wrong with the instance, and which deployment put it there.
    #[serde(flatten)]
    pub drift: InstanceDrift,
    /// The team of the instance's entry. Absent: all teams share the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamName>,
    /// The id of the product.
    pub product: String,
    /// The name of the environment.
    pub environment: String,
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
        let own = self.teams_of_product(actor, entry, product)?;
        let history = self.history_of(&own, product)?;
        let under_way: Vec<UnendedDeployment> = self
            .under_way(actor, product, &instance.environment)?
            .iter()
            .map(|loaded| UnendedDeployment {
                id: loaded.id.clone(),
                components: loaded.document.release.component_identities(),
            })
            .collect();
        let found = instance_drift(&instance, &operational_in(&history, &instance.environment), &under_way);
        // All teams share the instance: the deployment of another team may have put it there, which only says that it did not
        // go round the gates.
        if found.is_some() && entry.team.is_none() {
            let all = self.history_of(&self.teams_with_ended(product)?, product)?;
            if instance_drift(&instance, &operational_in(&all, &instance.environment), &under_way).is_none() {
                return Ok(None);
            }
        }
        Ok(found.map(|drift| DriftFinding {
            drift,
            team: entry.team.clone(),
            product: product.clone(),
            environment: instance.environment.clone(),
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
            (None, Teams::All) => self.teams_with_ended(product),
        }
    }

    /// The teams that have ended a deployment of the product.
    fn teams_with_ended(&self, product: &str) -> Result<BTreeSet<TeamName>, ServiceError> {
        let (kind, id) = (Some(ENDED.to_owned()), Some(product.to_owned()));
        let query = EntryQuery { kind, id, newest_first: true, limit: AT_ONCE, ..EntryQuery::default() };
        let ended = self.0.storage.entries(&query)?;
        Ok(ended.into_iter().filter_map(|entry| entry.team?.parse().ok()).collect())
    }

    /// How the deployments of the product of these teams ended.
    fn history_of(&self, teams: &BTreeSet<TeamName>, product: &str) -> Result<Vec<DeploymentRecord>, ServiceError> {
        let mut history = Vec::new();
        for team in teams {
            let stream = product_stream(team, product);
            history.extend(self.history_at(&stream, self.0.storage.version(&stream)?)?.says.past.iter().cloned());
        }
        Ok(history)
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
