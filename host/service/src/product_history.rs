//! The deployments of a product that changed an environment: those under way, and how the others ended; and which of its overrides
//! were not reviewed in time.

use std::sync::Arc;

use lockgate_domain::{
    Deployment, DeploymentRecord, DeploymentResult, Gate, GatePassage, LateReview, Stage, Timestamp,
};
use lockgate_ledger::{EntryDraft, EntryQuery, ExpectedVersion};
use serde::{Deserialize, Serialize};

use super::decision::DecisionRecord;
use super::locate::{decision_stream, team_step};
use super::read::{FollowedStream, LoadedDeployment, body, follow};
use super::{DeploymentService, ServiceError};
use crate::lifecycle::StagePosition;

/// The kind of the ledger entries that say how a deployment ended. Their id is that of its product.
pub(super) const ENDED: &str = "deployment-ended";

/// The kind of the ledger entries that say that the fulfillment of a deployment began.
const BEGAN: &str = "deployment-began";
/// The kind of the ledger entries that say that a deployment, whose fulfillment had begun, is planned anew.
const REPLANNED: &str = "deployment-replanned";

/// The stream of a team's deployments of a product.
pub(super) fn product_stream(team: &str, id: &str) -> String {
    format!("product/{}/{id}", team_step(team))
}

/// The kind of the ledger entries that say that the review of an override is late.
const REVIEW_LATE: &str = "override-review-late";
/// The kind of the ledger entries that say that a late review was made.
const REVIEW_MADE: &str = "late-review-made";

/// The earlier deployments of a product: those under way, and those that ended.
#[derive(Clone, Debug, Default)]
pub(super) struct ProductHistory {
    pub(super) past: Vec<DeploymentRecord>,
    /// The overrides whose review is late, in the order in which they became so.
    pub(super) late_reviews: Vec<LateReview>,
}

/// A late review that was made: the body of its entry.
#[derive(Serialize, Deserialize)]
struct MadeReview {
    id: String,
    deployment: String,
}

impl ProductHistory {
    /// Adds what an entry says: the record of a deployment takes the place of the one from when it began.
    fn add(&mut self, kind: &str, record: DeploymentRecord) {
        self.past.retain(|past| past.outcome != DeploymentResult::UnderWay || past.id != record.id);
        if kind != REPLANNED {
            self.past.push(record);
        }
    }

    /// The deployments other than this one.
    pub(super) fn without(&self, id: &str) -> Vec<DeploymentRecord> {
        let is_other = |past: &&DeploymentRecord| past.outcome != DeploymentResult::UnderWay || past.id != id;
        self.past.iter().filter(is_other).cloned().collect()
    }

    /// The number that a deployment has among those to its environment under its change: one more than those whose
    /// fulfillment began.
    fn next_iteration(&self, deployment: &Deployment) -> u32 {
        let before = self.past.iter().filter(|past| {
            past.began.is_some()
                && past.id != deployment.id
                && past.environment == deployment.environment.name
                && past.change.as_deref() == Some(&deployment.change.id)
        });
        u32::try_from(before.count()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

impl DeploymentService {
    /// The earlier deployments of a team's product, up to at least this version of the stream.
    pub(super) fn history_at(
        &self,
        stream: &str,
        version: u64,
    ) -> Result<Arc<FollowedStream<ProductHistory>>, ServiceError> {
        follow(&*self.0.storage, &self.0.histories, stream, version, |history, entry| {
            match entry.kind.as_str() {
                REVIEW_LATE => history.late_reviews.push(body(&entry)?),
                REVIEW_MADE => {
                    let MadeReview { id, deployment } = body(&entry)?;
                    history.late_reviews.retain(|late| (&late.id, &late.deployment) != (&id, &deployment));
                }
                kind => history.add(kind, body(&entry)?),
            }
            Ok(())
        })
    }

    /// The entry that says that the review of an override is late.
    pub(super) fn review_late(
        loaded: &LoadedDeployment,
        late: &LateReview,
        now: Timestamp,
    ) -> Result<EntryDraft, ServiceError> {
        Self::about_review(loaded, REVIEW_LATE, late, now)
    }

    /// The entry that says that a late review was made.
    pub(super) fn review_made(loaded: &LoadedDeployment, id: &str, now: Timestamp) -> Result<EntryDraft, ServiceError> {
        let made = MadeReview { id: id.to_owned(), deployment: loaded.id.clone() };
        Self::about_review(loaded, REVIEW_MADE, &made, now)
    }

    fn about_review(
        loaded: &LoadedDeployment,
        kind: &str,
        body: &impl Serialize,
        now: Timestamp,
    ) -> Result<EntryDraft, ServiceError> {
        let (team, product) = (&loaded.state.team, &loaded.document.product.id);
        Ok(EntryDraft::new(&product_stream(team, product), kind, now, body)?.with_id(product)?.of_team(team)?)
    }

    /// The entry for a deployment that begins to change its environment with a move, is planned anew or ends, and the version
    /// that the history must still have when it is written. None for other moves.
    pub(super) fn history_entry(
        &self,
        loaded: &LoadedDeployment,
        after: StagePosition,
        deployment: &Deployment,
        now: Timestamp,
    ) -> Result<Option<(EntryDraft, ExpectedVersion)>, ServiceError> {
        let before = loaded.state.position;
        let (kind, outcome) = match after.ended() {
            Some(outcome) => (ENDED, outcome),
            None if before.gate() == Some(Gate::FULFILL_ENTRANCE) && after.stage() == Stage::Fulfill => {
                (BEGAN, DeploymentResult::UnderWay)
            }
            None if before.changes_environment() && after.stage() < before.stage() => {
                (REPLANNED, DeploymentResult::UnderWay)
            }
            None => return Ok(None),
        };
        let team = &loaded.state.team;
        let stream = product_stream(team, &deployment.product.id);
        let history = self.history_at(&stream, self.0.storage.version(&stream)?)?;
        let model = self.last_model(loaded)?;
        let (model, model_version) = model.unzip();
        let past = DeploymentRecord {
            model,
            model_version,
            iteration: history.says.next_iteration(deployment),
            ..record_of(loaded, deployment, outcome, now)
        };
        let entry = EntryDraft::new(&stream, kind, now, &past)?.with_id(&deployment.product.id)?.of_team(team)?;
        Ok(Some((entry, ExpectedVersion { stream, version: history.version })))
    }

    /// The id and the version of the model under which a deployment was approved, or of the one that decided on it last.
    fn last_model(&self, loaded: &LoadedDeployment) -> Result<Option<(String, String)>, ServiceError> {
        let query = EntryQuery {
            stream: Some(decision_stream(&loaded.state.team, &loaded.id)),
            kind: Some("decision".to_owned()),
            id: loaded.state.approved.as_ref().map(|approved| approved.decision.clone()),
            newest_first: true,
            limit: 1,
            ..EntryQuery::default()
        };
        let Some(stored) = self.0.storage.entries(&query)?.into_iter().next() else { return Ok(None) };
        let record: DecisionRecord = body(&stored.read().map_err(ServiceError::Damaged)?)?;
        Ok(Some((record.decision.model.id, record.decision.model.version)))
    }
}

/// The release that the rollout returned to; without a rollout, the one that the plan would return to.
fn returned_to(loaded: &LoadedDeployment) -> Option<String> {
    let carried_out = loaded.state.progress.as_ref().map(|progress| &progress.rollout.way_back);
    let planned = loaded.document.plan.as_ref().and_then(|plan| plan.way_back.as_ref());
    carried_out.or(planned).and_then(|back| back.release.clone())
}

/// The record of a deployment that begins or ends now, as the deployment itself says it.
fn record_of(
    loaded: &LoadedDeployment,
    deployment: &Deployment,
    outcome: DeploymentResult,
    now: Timestamp,
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
        began: match outcome {
            DeploymentResult::UnderWay => Some(now),
            _ => GatePassage::fulfillment_began(&loaded.state.passed),
        },
        ended: (outcome != DeploymentResult::UnderWay).then_some(now),
        outcome,
        returned_to: (outcome == DeploymentResult::RolledBack).then(|| returned_to(loaded)).flatten(),
        incidents: Vec::new(),
    }
}
