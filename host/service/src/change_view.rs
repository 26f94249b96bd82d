//! The way of a change: its entry in the register, and the deployments that it carries from development to live.

use std::collections::BTreeMap;

use lockgate_domain::{
    Digest, EnvironmentHop, Gate, GatePassage, Phase, RegisterEntry, RegisterKind, Right, Timestamp,
};
use lockgate_ledger::{EntryDraft, EntryQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::locate::{deployment_stream, team_step};
use super::read::{LoadedDeployment, body};
use super::registers::RegisterRef;
use super::{DeploymentService, DeploymentSummary, ServiceError};
use crate::authority::Actor;

/// The kind of the ledger entries that link a deployment to its change.
const LINKED: &str = "deployment-of-change";
/// The most deployments of a change that are shown.
const MOST_DEPLOYMENTS: usize = 1_000;

/// The link from a change to a deployment.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ChangeLink {
    deployment: String,
}

/// A change, and the deployments that it carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeView {
    /// The id of the change.
    pub id: String,
    /// The change as its owner attested it. Absent if no register that you see has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<RegisterEntry>,
    /// The environments that a release passes, hop by hop, as the model of the newest deployment says: a name, or the names
    /// of several that it passes in any order. Empty if the model lays down no order.
    pub environments: Vec<EnvironmentHop>,
    /// The deployments, in the order in which they were requested.
    pub deployments: Vec<ChangeDeployment>,
}

/// A deployment of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDeployment {
    /// The summary of the deployment.
    #[serde(flatten)]
    pub summary: DeploymentSummary,
    /// The digest of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// When its fulfillment began (RFC 3339). Absent if it did not begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began: Option<Timestamp>,
    /// The number of deployments to this environment under this change whose fulfillment began, this one included. More
    /// than 1: what was deployed before was reworked.
    pub iteration: u32,
}

/// The ledger's entry that links a deployment to its change.
pub(super) fn link(loaded: &LoadedDeployment, change: &str, now: Timestamp) -> Result<EntryDraft, ServiceError> {
    let team = &loaded.state.team;
    let link = ChangeLink { deployment: loaded.id.clone() };
    Ok(EntryDraft::new(&change_stream(team, change), LINKED, now, &link)?.with_id(change)?.of_team(team)?)
}

/// The stream of the deployments of a change.
pub(super) fn change_stream(team: &str, change: &str) -> String {
    format!("change/{}/{change}", team_step(team))
}

impl DeploymentService {
    /// A change, with the deployments of it that the actor may see.
    ///
    /// # Errors
    /// If the actor sees neither the change nor a deployment of it.
    pub fn change(&self, actor: &Actor, id: &str, now: Timestamp) -> Result<ChangeView, ServiceError> {
        actor.require(Right::Read)?;
        let at = RegisterRef { register: RegisterKind::Changes, id, team: None, shared: false };
        let entry = match self.entry(actor, &at) {
            Ok(entry) => Some(entry),
            Err(ServiceError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        let query = EntryQuery {
            kind: Some(LINKED.to_owned()),
            id: Some(id.to_owned()),
            limit: MOST_DEPLOYMENTS,
            ..EntryQuery::default()
        };
        let mut links = self.visible(&actor.teams, &query)?;
        links.reverse();
        let mut all = Vec::new();
        for stored in links {
            let Some(team) = stored.team.clone() else { continue };
            let link: ChangeLink = body(&stored.read().map_err(ServiceError::Damaged)?)?;
            let stream = deployment_stream(&team, &link.deployment);
            let loaded = self.read_deployment(&stream, &link.deployment, self.0.storage.version(&stream)?)?;
            // A deployment may have been given another change since.
            let is_listed = all.iter().any(|known: &std::sync::Arc<LoadedDeployment>| known.stream == loaded.stream);
            if loaded.document.change.id == id && !is_listed {
                all.push(loaded);
            }
        }
        if entry.is_none() && all.is_empty() {
            return Err(ServiceError::NotFound { what: "change", id: id.to_owned() });
        }
        let environments = match all.last() {
            Some(newest) => self.flow_of(newest, now)?,
            None => Vec::new(),
        };
        let mut iterations: BTreeMap<String, u32> = BTreeMap::new();
        let deployments = all
            .iter()
            .map(|loaded| {
                let joined = self.joined(loaded, now)?;
                let began = GatePassage::fulfillment_began(&loaded.state.passed);
                let iteration = iterations.entry(joined.environment.name.clone()).or_default();
                *iteration = iteration.saturating_add(u32::from(began.is_some()));
                Ok(ChangeDeployment {
                    summary: loaded.summary(),
                    digest: joined.release.digest,
                    began,
                    iteration: (*iteration).max(1),
                })
            })
            .collect::<Result<_, ServiceError>>()?;
        Ok(ChangeView { id: id.to_owned(), entry, environments, deployments })
    }

    /// The environments that the model of a deployment lays down, in order.
    fn flow_of(&self, loaded: &LoadedDeployment, now: Timestamp) -> Result<Vec<EnvironmentHop>, ServiceError> {
        let stage = loaded.state.position.stage();
        let gate = loaded.state.position.gate().unwrap_or(Gate { stage, phase: Phase::Exit });
        match self.gate_snapshot(loaded, gate, now) {
            Ok(snapshot) => Ok(snapshot.cached.model.model().environments.clone()),
            Err(ServiceError::Choice(_) | ServiceError::ModelGone(_)) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
