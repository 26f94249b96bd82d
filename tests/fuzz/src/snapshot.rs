//! What pipelines and people hand in, and what auditors keep: deployments, snapshots and decisions in JSON.

use std::collections::BTreeMap;
use std::fmt::Debug;

use lockgate_domain::{Decision, Deployment, Digest, Snapshot, canonical_json, rules};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Takes the bytes for a deployment, a snapshot and a decision. Whether they are one of them.
///
/// # Panics
/// If one that was read has no canonical form, or that form is read as something with another; or if its subject, the
/// rules or its digest cannot be told.
pub fn snapshot(bytes: &[u8]) -> bool {
    let model = Digest::of(b"a model");
    let deployment = same_when_read_again::<Deployment>(bytes);
    if let Some(deployment) = &deployment {
        let none = BTreeMap::new();
        let parts = Snapshot::subject_parts(deployment, &none).unwrap();
        for part in ["change", "deployment", "environment", "people", "plan", "product", "release"] {
            assert!(parts.contains_key(part), "{part}: {parts:?}");
        }
        let approved = deployment.approved.as_ref().is_some_and(|approved| !approved.evidence.is_empty());
        assert_eq!(parts.contains_key("evidence"), approved, "{parts:?}");
        assert_eq!(parts.contains_key("rollout"), deployment.rollout.is_some(), "{parts:?}");
        Snapshot::subject_of(deployment, &none, model).unwrap();
    }
    let snapshot = same_when_read_again::<Snapshot>(bytes);
    if let Some(snapshot) = &snapshot {
        for breach in rules::breaches(snapshot, model) {
            assert!(!breach.message.is_empty() && !breach.code.is_empty());
        }
        assert_eq!(snapshot.digest().unwrap(), snapshot.clone().digest().unwrap());
    }
    let decision = same_when_read_again::<Decision>(bytes);
    deployment.is_some() || snapshot.is_some() || decision.is_some()
}

/// What the bytes say, if they say a `T`. Its canonical form, read again, has the same canonical form.
fn same_when_read_again<T: DeserializeOwned + Serialize + Debug>(bytes: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(bytes).ok()?;
    let canonical = canonical_json(&value).unwrap_or_else(|error| panic!("{error}: {value:?}"));
    let again: T = serde_json::from_slice(&canonical).unwrap_or_else(|error| panic!("{error}: {value:?}"));
    assert_eq!(
        String::from_utf8_lossy(&canonical),
        String::from_utf8_lossy(&canonical_json(&again).unwrap()),
        "read from its canonical form it is something else"
    );
    Some(value)
}
