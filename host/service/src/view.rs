//! The view of a deployment that clients see.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{
    Deployment, Digest, Evidence, Exposure, Gate, GatePassage, HandOver, PersonId, Phase, Progress, Right, Stage,
    TeamName, Timestamp, Timing,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::LoadedDeployment;
use super::{DeploymentRef, DeploymentService, ServiceError};
use crate::authority::Actor;
use crate::lifecycle::{
    ActivityReport, ApprovalInvalid, LegalMove, OverrideState, RecordedApproval, StagePosition, activities_of,
};

/// The summary of a deployment, as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentSummary {
    /// The id of the deployment, unique within its team.
    pub id: String,
    /// The team that owns the deployment.
    pub team: TeamName,
    /// The position of the deployment in its life.
    pub position: StagePosition,
    /// The version of the deployment: the number of its events, which is also its `ETag`.
    pub version: u64,
    /// The id of the product.
    pub product: String,
    /// The id of the release.
    pub release: String,
    /// The name of the environment.
    pub environment: String,
    /// The id of the person who requested the deployment.
    pub requester: PersonId,
    /// When the deployment was requested (RFC 3339); the server sets it.
    pub requested: Timestamp,
    /// When the last event happened (RFC 3339).
    pub changed: Timestamp,
}

/// An approval or rejection, and whether it counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalView {
    /// The recorded answer.
    #[serde(flatten)]
    pub approval: RecordedApproval,
    /// The reason why the answer does not count. Absent if it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<ApprovalInvalid>,
}

/// An activity of the deployment's stage, with its last report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActivityView {
    /// The id of the activity.
    pub id: String,
    /// The stage that the activity belongs to.
    pub stage: Stage,
    /// Whether the activity must be reported before the stage is left.
    pub shall: bool,
    /// The title of the activity, on one line.
    pub title: String,
    /// The last report about the activity. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ActivityReport>,
}

/// The deployment model that applies to a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelChoice {
    /// The id of the model.
    pub id: String,
    /// The version of the model.
    pub version: String,
    /// The digest of the model's meaning.
    pub digest: Digest,
    /// Why the model applies to the deployment, in one sentence.
    pub chosen_because: String,
}

/// A deployment in its present state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentView {
    /// The summary of the deployment, as lists show it.
    #[serde(flatten)]
    pub summary: DeploymentSummary,
    /// The moves that are possible now.
    pub legal_moves: Vec<LegalMove>,
    /// The digest that an approval must name. Absent while no deployment model applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Digest>,
    /// The deployment model that applies. Absent while none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelChoice>,
    /// The reason why no deployment model applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_problem: Option<String>,
    /// The document of the deployment, completed by the host: approvals (with what has `changed` since), the approved
    /// plan, waivers, overlaps and history.
    pub deployment: Arc<Deployment>,
    /// All approvals and rejections, including those that do not count.
    pub approvals: Vec<ApprovalView>,
    /// The attached evidence, by name.
    pub evidence: BTreeMap<String, Evidence>,
    /// The activities of the stage that the deployment is in or before.
    pub activities: Vec<ActivityView>,
    /// The progress of the rollout. Absent before the entrance of fulfill is passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How long the rollout takes, and until when a rollback can begin. Absent before the rollout is laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timing: Option<Timing>,
    /// The overrides that were used, with their reviews.
    pub overrides: Vec<OverrideState>,
    /// The passed gates, each with the time and the id of the decision that allowed it. After a replan, most must be passed again.
    pub passed: Vec<GatePassage>,
    /// The hand-over to those who operate what was deployed. Absent until somebody proposes it, and from the way back on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<HandOver>,
    /// The exposure that the deployment opened: it is deployed, and whether it is released is decided elsewhere. Absent before it is
    /// operational in a live environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
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
        // Until when it can go back is judged by what was approved.
        let mut judged = Deployment::clone(&deployment);
        judged.progress.clone_from(&state.progress);
        state.before.iter().for_each(|before| before.restore(&mut judged));
        let timing = judged.timing();
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
            legal_moves: self.legal_moves(loaded, now)?,
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
            timing,
            overrides: state.overrides.clone(),
            passed: state.passed.clone(),
            hand_over: state.hand_over.clone(),
            exposure: state.exposure.clone(),
        })
    }
}
