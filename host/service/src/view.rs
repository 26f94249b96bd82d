//! The view of a deployment that clients see.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{
    Deployment, Digest, Evidence, Gate, PersonId, Phase, Progress, Right, Stage, TeamName, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::LoadedDeployment;
use super::{DeploymentRef, DeploymentService, ServiceError};
use crate::authority::Actor;
use crate::lifecycle::{
    ActivityReport, ApprovalInvalid, LegalMove, OverrideState, RecordedApproval, StagePosition, activities_of,
};

/// A deployment in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentSummary {
    /// The deployment, by id.
    pub id: String,
    /// The team that it belongs to.
    pub team: TeamName,
    /// Where it stands.
    pub position: StagePosition,
    /// How many events there were: the `ETag`.
    pub version: u64,
    /// The product, by id.
    pub product: String,
    /// The release, by id.
    pub release: String,
    /// The environment, by name.
    pub environment: String,
    /// Who asked for it, by person id.
    pub requester: PersonId,
    /// When it was asked for.
    pub requested: Timestamp,
    /// When the last event was.
    pub changed: Timestamp,
}

/// An answer of a person, and whether it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalView {
    /// The answer.
    #[serde(flatten)]
    pub approval: RecordedApproval,
    /// Why it does not count; absent if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<ApprovalInvalid>,
}

/// An activity of the stage that a deployment is in, and what was reported of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActivityView {
    /// The activity, by id.
    pub id: String,
    /// The stage.
    pub stage: Stage,
    /// Whether it has to be done before the stage is left.
    pub shall: bool,
    /// What it is.
    pub title: String,
    /// What was last reported of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ActivityReport>,
}

/// The deployment model that a deployment goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelChoice {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its digest.
    pub digest: Digest,
    /// Why it was chosen.
    pub chosen_because: String,
}

/// A deployment as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentView {
    /// What is shown of it in a list.
    #[serde(flatten)]
    pub summary: DeploymentSummary,
    /// What may be done next.
    pub legal_moves: Vec<LegalMove>,
    /// What an approval has to name; absent while no deployment model can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The deployment model; absent while none can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelChoice>,
    /// Why no deployment model can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_problem: Option<String>,
    /// The deployment, with what the host knows: approvals that count, those that do not because something has `changed`, what
    /// was approved, waivers, overlaps, history.
    pub deployment: Arc<Deployment>,
    /// All answers of people, also those that do not count.
    pub approvals: Vec<ApprovalView>,
    /// The evidence that was handed in, by name.
    pub evidence: BTreeMap<String, Evidence>,
    /// The activities of the stage that it is in, or before.
    pub activities: Vec<ActivityView>,
    /// How far the rollout has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The overrides that were taken.
    pub overrides: Vec<OverrideState>,
    /// The gates that are passed, and the decisions that allowed it, by id. After a replan, most have to be passed again.
    pub passed: Vec<(Gate, String)>,
}

impl LoadedDeployment {
    pub(super) fn summary(&self) -> DeploymentSummary {
        let (state, document) = (&self.state, &self.document);
        DeploymentSummary {
            id: self.id.clone(),
            team: state.team.clone(),
            position: state.position,
            version: state.version,
            product: document.product.id.clone(),
            release: document.release.id.clone(),
            environment: document.environment.name.clone(),
            requester: document.requester.id.clone(),
            requested: state.requested,
            changed: state.changed,
        }
    }
}

impl DeploymentService {
    /// A deployment in its present state.
    ///
    /// # Errors
    /// If the actor sees no such deployment, or the ledger cannot be read.
    pub fn deployment(
        &self,
        actor: &Actor,
        at: DeploymentRef<'_>,
        now: Timestamp,
    ) -> Result<DeploymentView, ServiceError> {
        actor.require(Right::Read)?;
        self.view(&*self.load(actor, at)?, now)
    }

    pub(super) fn view(&self, loaded: &LoadedDeployment, now: Timestamp) -> Result<DeploymentView, ServiceError> {
        let state = &loaded.state;
        let stage = state.position.stage();
        let gate = state.position.gate().unwrap_or(Gate { stage, phase: Phase::Exit });
        let (subject, model, model_problem, deployment, void) = match self.gate_snapshot(loaded, gate, now) {
            Ok(gate_snapshot) => {
                let model = ModelChoice {
                    id: gate_snapshot.cached.model.model().id.clone(),
                    version: gate_snapshot.cached.model.model().version.clone(),
                    digest: gate_snapshot.cached.model.digest(),
                    chosen_because: gate_snapshot.cached.because.clone(),
                };
                let deployment = gate_snapshot.snapshot.deployment.clone();
                (Some(gate_snapshot.cached.subject), Some(model), None, deployment, gate_snapshot.cached.void.clone())
            }
            Err(error @ (ServiceError::Choice(_) | ServiceError::ModelGone(_))) => {
                (None, None, Some(error.to_string()), loaded.document.clone(), Vec::new())
            }
            Err(error) => return Err(error),
        };
        let voids = void.into_iter().chain(std::iter::repeat(None));
        let activity = |activity: &crate::lifecycle::Activity| ActivityView {
            id: activity.id.to_owned(),
            stage,
            shall: activity.shall,
            title: activity.title.to_owned(),
            report: state.activity(stage, activity.id).cloned(),
        };
        Ok(DeploymentView {
            summary: loaded.summary(),
            legal_moves: self.legal_moves(&state.settled(now)),
            subject,
            model,
            model_problem,
            deployment,
            approvals: state
                .approvals
                .iter()
                .zip(voids)
                .map(|(approval, void)| ApprovalView { approval: approval.clone(), void })
                .collect(),
            evidence: state.evidence.clone(),
            activities: activities_of(stage).map(activity).collect(),
            progress: state.progress.clone(),
            overrides: state.overrides.clone(),
            passed: state.passed.clone(),
        })
    }
}
