//! Chooses the model for a deployment, and takes the snapshot that it decides on.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{Deployment, Digest, DigestError, Evidence, Gate, Snapshot, Timestamp};

use crate::expression::Variables;
use crate::load::LoadedModel;
use crate::model::{Candidate, SelectionError, select};

/// The question for a decision.
#[derive(Clone, Debug)]
pub struct SnapshotRequest {
    /// The deployment in its present state.
    pub deployment: Deployment,
    pub gate: Gate,
    /// The time of the decision, the only one that it knows.
    pub now: Timestamp,
    /// The evidence, by name.
    pub evidence: BTreeMap<String, Evidence>,
}

/// A chosen model, and the snapshot that it decides on.
#[derive(Clone, Debug)]
pub struct SelectedModel {
    pub model: LoadedModel,
    /// Why it was chosen, in one sentence.
    pub because: String,
    pub snapshot: Arc<Snapshot>,
}

/// Why no snapshot could be taken.
#[derive(Debug, thiserror::Error)]
pub enum SelectModelError {
    /// No model could be chosen.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The release or the plan has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// Chooses the model for a question. The order of the models does not matter.
///
/// # Errors
/// If no model applies, if several apply with the same rank, or if it is unknown whether one applies.
pub fn select_model(models: &[LoadedModel], question: SnapshotRequest) -> Result<SelectedModel, SelectModelError> {
    let SnapshotRequest { deployment, gate, now, evidence } = question;
    // The subject depends on the model that is chosen here: until then there is none, and `model check` warns of a
    // condition that reads it.
    let undecided = Snapshot { deployment: Arc::new(deployment), gate, now, subject: Digest::of(b""), evidence };
    let (place, because) = {
        let candidates: Vec<Candidate<'_>> =
            models.iter().map(|model| Candidate { model: model.model(), applies_when: model.applies() }).collect();
        let selection = select(&candidates, &Variables::new(&undecided))?;
        let place = models.iter().position(|model| std::ptr::eq(model.model(), selection.model));
        (place, selection.because)
    };
    let Some(model) = place.and_then(|place| models.get(place)).cloned() else {
        return Err(SelectionError::NoCandidates.into());
    };
    let Snapshot { deployment, evidence, .. } = undecided;
    let snapshot = Arc::new(model.snapshot(deployment, gate, now, evidence)?);
    Ok(SelectedModel { model, because, snapshot })
}
