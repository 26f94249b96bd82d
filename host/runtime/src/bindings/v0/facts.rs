//! The organisation's own facts: named documents.

use lockgate_domain::{Deployment, canonical_json};
use serde::Serialize;
use serde::ser::Error as _;

use super::generated::lockgate::types::types::Document;

/// The names of all facts, sorted.
pub(crate) fn names(deployment: &Deployment) -> Vec<String> {
    deployment.facts.keys().cloned().collect()
}

/// The fact with that name.
pub(crate) fn find(deployment: &Deployment, name: &str) -> serde_json::Result<Option<Document>> {
    let fact = deployment.facts.get(name);
    fact.map(|fact| Ok(Document { schema: fact.schema.clone(), json: json(&fact.json)? })).transpose()
}

/// The canonical JSON of a value. So a plugin reads exactly what the digest of the snapshot covers and what a recording holds;
/// `1` and `1.0` are the same number there.
pub(super) fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let canonical = canonical_json(value).map_err(serde_json::Error::custom)?;
    String::from_utf8(canonical).map_err(serde_json::Error::custom)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::json;

    /// Two snapshots with one digest were seen as two by plugins, and replayed as one.
    #[test]
    fn a_fact_reads_as_its_digest_is_taken() {
        let read = |text| json(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap();
        assert_eq!(read(r#"{"b": 1.0, "a": -0.0}"#), r#"{"a":0,"b":1}"#);
        assert_eq!(read("[1e21, 9007199254740993]"), "[1e+21,9007199254740992]");
    }
}
