//! Choosing the model for a deployment, and taking the snapshot that it decides on.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{Deployment, Digest, DigestError, Evidence, Gate, Snapshot, Timestamp};

use crate::expression::Variables;
use crate::load::LoadedModel;
use crate::model::{Candidate, SelectionError, select};

/// What a decision is asked about.
#[derive(Clone, Debug)]
pub struct SnapshotRequest {
    /// The deployment as it stands.
    pub deployment: Deployment,
    /// The gate.
    pub gate: Gate,
    /// The only time that the decision knows.
    pub now: Timestamp,
    /// Evidence by name.
    pub evidence: BTreeMap<String, Evidence>,
}

/// A model that was chosen, and the snapshot that it decides on.
#[derive(Clone, Debug)]
pub struct SelectedModel {
    /// The model.
    pub model: LoadedModel,
    /// Why it was chosen, in one sentence.
    pub because: String,
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
}

/// Why there is nothing to decide on.
#[derive(Debug, thiserror::Error)]
pub enum SelectModelError {
    /// No model was chosen.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// A fact bears a name that is the host's own, so no plugin would see it.
    #[error("the fact `{0}` (at `/facts/{0}`) bears a name of the host's own: write it to `records`, or rename it")]
    ReservedFact(String),
    /// The release or the plan has no canonical JSON form.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// What the names of the facts begin with that the host makes of the records.
pub const RESERVED: &str = "it4it.";

/// Chooses the model for a question. The order of the models does not matter.
///
/// # Errors
/// If no model applies, if several apply equally well, if it is unknown whether one applies, or if a fact bears a
/// name of the host's own.
pub fn select_model(models: &[LoadedModel], question: SnapshotRequest) -> Result<SelectedModel, SelectModelError> {
    let SnapshotRequest { deployment, gate, now, evidence } = question;
    if let Some(name) = deployment.facts.keys().find(|name| name.starts_with(RESERVED)) {
        return Err(SelectModelError::ReservedFact(name.clone()));
    }
    // The subject is made from the model that is chosen here: until then there is none, and `model check` warns of a
    // condition that asks for it.
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
