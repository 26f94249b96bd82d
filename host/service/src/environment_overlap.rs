//! Other deployments: those planned or under way in an environment, and how earlier ones of a product ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::join::join;
use lockgate_domain::{
    Deployment, DeploymentRecord, DeploymentResult, Gate, Overlap, OverlapRelation, Phase, Right, Stage, TeamName,
    TimeWindow, Timestamp,
};
use lockgate_ledger::EntryDraft;
use serde::{Deserialize, Serialize};

use super::locate::team_step;
use super::read::{FollowedStream, LoadedDeployment, ReadMode, body, follow};
use super::registers::LedgerRegisters;
use super::{DeploymentRef, DeploymentService, ServiceError};
use crate::authority::Actor;
use crate::lifecycle::StagePosition;

pub(super) fn environment_stream(name: &str) -> String {
    format!("environment/{name}")
}

pub(super) fn product_stream(team: &str, id: &str) -> String {
    format!("product/{}/{id}", team_step(team))
}

/// The kind of the ledger entries that say how a deployment ended. Their id is that of its product.
pub(super) const ENDED: &str = "deployment-ended";

/// A deployment that uses an environment now, or will.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EnvironmentOccupant {
    team: TeamName,
    deployment: String,
    product: String,
    depends_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slot: Option<TimeWindow>,
}

/// The deployments of an environment.
#[derive(Clone, Debug, Default)]
pub(super) struct EnvironmentDeployments {
    /// By team and deployment id. The flag says whether the deployment is under way.
    occupants: BTreeMap<(TeamName, String), (EnvironmentOccupant, bool)>,
}

/// How earlier deployments of a product ended.
#[derive(Clone, Debug, Default)]
pub(super) struct ProductHistory {
    pub(super) past: Vec<DeploymentRecord>,
}

impl DeploymentService {
    /// The document of a deployment, joined with the registers.
    pub(super) fn joined(&self, loaded: &LoadedDeployment, now: Timestamp) -> Result<Deployment, ServiceError> {
        let mut deployment = Deployment::clone(&loaded.document);
        join(&mut deployment, &mut LedgerRegisters::new(self, &loaded.state.team, ReadMode::Fresh, []), now)?;
        Ok(deployment)
    }

    /// The deployments of the environment, up to at least this version of the stream.
    pub(super) fn environment_at(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<EnvironmentDeployments>>, ServiceError> {
        follow(&*self.0.storage, &self.0.environments, stream, version, |environment, entry| {
            let occupant: EnvironmentOccupant = body(&entry)?;
            let key = (occupant.team.clone(), occupant.deployment.clone());
            match entry.kind.as_str() {
                "released" => environment.occupants.remove(&key),
                kind => environment.occupants.insert(key, (occupant, kind == "under-way")),
            };
            Ok(())
        })
    }

    /// How earlier deployments of a team's product ended, in order, up to at least this version of the stream.
    pub(super) fn history_at(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<ProductHistory>>, ServiceError> {
        follow(&*self.0.storage, &self.0.histories, stream, version, |history, entry| {
            history.past.push(body(&entry)?);
            Ok(())
        })
    }

    /// Other deployments that are under way, or planned for the same time, in the same environment.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn overlaps(&self, actor: &Actor, at: DeploymentRef<'_>) -> Result<Vec<Overlap>, ServiceError> {
        actor.require(Right::Read)?;
        let loaded = self.load(actor, at)?;
        let stream = environment_stream(&loaded.document.environment.name);
        let environment = self.environment_at(&stream, self.0.storage.version(&stream)?)?;
        Ok(environment.says.overlaps(&loaded.state.team, &self.joined(&loaded, self.now())?))
    }

    /// The entries for the streams of environment and product, if a move changes which deployments are there.
    pub(super) fn environment_entries(
        &self,
        loaded: &LoadedDeployment,
        after: StagePosition,
        now: Timestamp,
    ) -> Result<Vec<EntryDraft>, ServiceError> {
        let before = loaded.state.position;
        let gate = before.gate();
        let kind = if after.changes_environment() && !before.changes_environment() {
            Some("under-way")
        } else if gate == Some(Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit }) && after.ended().is_none() {
            Some("planned")
        } else if before.changes_environment() && !after.changes_environment()
            || after.ended().is_some() && before.stage() >= Stage::Fulfill
            || after.stage() < before.stage()
        {
            Some("released")
        } else {
            None
        };
        let mut entries = Vec::new();
        if kind.is_none() && after.ended().is_none() {
            return Ok(entries);
        }
        let deployment = self.joined(loaded, now)?;
        if let Some(kind) = kind {
            let occupant = EnvironmentOccupant {
                team: loaded.state.team.clone(),
                deployment: loaded.id.clone(),
                product: deployment.product.id.clone(),
                depends_on: deployment.product.depends_on.clone(),
                slot: deployment.plan.as_ref().and_then(|plan| plan.slot),
            };
            let stream = environment_stream(&deployment.environment.name);
            entries.push(EntryDraft::new(&stream, kind, now, &occupant)?.of_team(&loaded.state.team)?);
        }
        if let Some(outcome) = after.ended() {
            let past = record_of(loaded, &deployment, outcome, now);
            let stream = product_stream(&loaded.state.team, &deployment.product.id);
            let entry = EntryDraft::new(&stream, ENDED, now, &past)?.with_id(&deployment.product.id)?;
            entries.push(entry.of_team(&loaded.state.team)?);
        }
        Ok(entries)
    }
}

/// The release that the rollout returned to; without a rollout, the one that the plan would return to.
fn returned_to(loaded: &LoadedDeployment) -> Option<String> {
    let carried_out = loaded.state.progress.as_ref().map(|progress| &progress.rollout.way_back);
    let planned = loaded.document.plan.as_ref().and_then(|plan| plan.way_back.as_ref());
    carried_out.or(planned).and_then(|back| back.release.clone())
}

/// The gate at which fulfillment begins.
const FULFILL: Gate = Gate { stage: Stage::Fulfill, phase: Phase::Entrance };

/// The record of a deployment that ends now.
fn record_of(
    loaded: &LoadedDeployment,
    deployment: &Deployment,
    outcome: DeploymentResult,
    ended: Timestamp,
) -> DeploymentRecord {
    DeploymentRecord {
        id: loaded.id.clone(),
        product: deployment.product.id.clone(),
        change: Some(deployment.change.id.clone()),
        release: deployment.release.id.clone(),
        digest: deployment.release.digest,
        components: deployment.release.component_identities(),
        environment: deployment.environment.name.clone(),
        live: deployment.environment.live,
        model: None,
        model_version: None,
        scenario: deployment.scenario,
        risk: deployment.change.risk,
        iteration: 1,
        requested: loaded.state.requested,
        began: loaded.state.passed.iter().find(|passage| passage.gate() == FULFILL).map(|passage| passage.at),
        ended: Some(ended),
        outcome,
        returned_to: (outcome == DeploymentResult::RolledBack).then(|| returned_to(loaded)).flatten(),
        incidents: Vec::new(),
    }
}

impl EnvironmentDeployments {
    /// The deployments of a product that are changing the environment now: their teams and ids.
    pub(super) fn under_way(&self, product: &str) -> impl Iterator<Item = (&TeamName, &String)> {
        let of_product = move |(_, (occupant, under_way)): &(&(TeamName, String), &(EnvironmentOccupant, bool))| {
            *under_way && occupant.product == product
        };
        self.occupants.iter().filter(of_product).map(|((team, id), _)| (team, id))
    }

    /// The other deployments planned or under way in the environment, as the team may see them: for another team's
    /// deployment the times, but neither its id nor its product.
    pub(super) fn overlaps(&self, team: &TeamName, deployment: &Deployment) -> Vec<Overlap> {
        let slot = deployment.plan.as_ref().and_then(|plan| plan.slot);
        let others =
            self.occupants.values().filter(|(other, _)| (&other.team, &other.deployment) != (team, &deployment.id));
        let overlapping = others.filter(|(other, under_way)| {
            let meet = |(one, other): (TimeWindow, TimeWindow)| one.start < other.end && other.start < one.end;
            *under_way || slot.zip(other.slot).is_some_and(meet)
        });
        let overlap = |(other, under_way): &(EnvironmentOccupant, bool)| {
            let product = &deployment.product;
            let relation = if other.product == product.id {
                OverlapRelation::SameProduct
            } else if product.depends_on.contains(&other.product) {
                OverlapRelation::DependedOn
            } else if other.depends_on.contains(&product.id) {
                OverlapRelation::Dependent
            } else {
                OverlapRelation::SameEnvironment
            };
            // The exact relation would reveal the other team's product.
            let relation = match relation {
                OverlapRelation::SameEnvironment => relation,
                _ if other.team != *team => OverlapRelation::Conflicting,
                _ => relation,
            };
            let own = |name: &String| (other.team == *team).then(|| name.clone());
            Overlap {
                deployment: own(&other.deployment),
                product: own(&other.product),
                environment: deployment.environment.name.clone(),
                window: other.slot,
                shared: None,
                relation,
                under_way: *under_way,
            }
        };
        overlapping.map(overlap).collect()
    }
}
