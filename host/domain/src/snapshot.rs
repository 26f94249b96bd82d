//! The immutable picture that one decision looks at.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Deployment, Digest, DigestError, Evidence, Gate, Plan, Release, Timestamp};

/// Everything that one decision may look at. Nothing that is not in it can change the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The deployment as it stands.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// The gate that is asked for.
    pub gate: Gate,
    /// The only time that plugins know.
    pub now: Timestamp,
    /// What an approval has to name: see [`Snapshot::subject_of`].
    pub subject: Digest,
    /// Evidence by name.
    #[serde(default)]
    pub evidence: BTreeMap<String, Evidence>,
}

impl Snapshot {
    /// The digest over release, plan and deployment model that an approval has to name. It changes when one of them
    /// changes.
    ///
    /// # Errors
    /// If one of them has no canonical JSON form.
    pub fn subject_of(release: &Release, plan: Option<&Plan>, model: Digest) -> Result<Digest, DigestError> {
        #[derive(Serialize)]
        struct Subject<'a> {
            release: &'a Release,
            plan: Option<&'a Plan>,
            model: Digest,
        }
        Digest::of_canonical(&Subject { release, plan, model })
    }

    /// The digest of the snapshot; evidence counts by its digest.
    ///
    /// # Errors
    /// If the snapshot has no canonical JSON form.
    pub fn digest(&self) -> Result<Digest, DigestError> {
        Digest::of_canonical(self)
    }
}
