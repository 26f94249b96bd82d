//! Facts: named documents. Facts of the host, whose names start with `it4it.`, are made of the records of the deployment.

use lockgate_domain::{Deployment, Records, canonical_json};
use serde::Serialize;
use serde::ser::Error as _;

use super::generated::lockgate::types::types::Document;

/// The prefix of the names of the host's facts. A fact with such a name in a deployment file is not shown.
const OWN: &str = "it4it.";

/// A list of records that plugins see as a fact.
struct RecordFact {
    name: &'static str,
    is_empty: fn(&Records) -> bool,
    json: fn(&Records) -> serde_json::Result<String>,
}

/// The facts by name, each with its list of records. The name is also the schema: a JSON array in the form of the domain.
macro_rules! own {
    ($($name:literal $list:ident,)*) => {
        [$(RecordFact {
            name: concat!("it4it.", $name),
            is_empty: |records| records.$list.is_empty(),
            json: |records| json(&records.$list),
        },)*]
    };
}

/// The facts of the host, sorted by name.
const RECORDS: [RecordFact; 8] = own![
    "events" events,
    "fulfillment-books" fulfillment_books,
    "incidents" incidents,
    "kpis" kpis,
    "orders" orders,
    "runbooks" runbooks,
    "service-contracts" service_contracts,
    "service-monitors" service_monitors,
];

/// The names of all facts, sorted. An empty list of records is not a fact, because nobody recorded anything.
pub(crate) fn names(deployment: &Deployment) -> Vec<String> {
    let own = RECORDS.iter().filter(|own| !(own.is_empty)(&deployment.records)).map(|own| own.name.to_owned());
    let mut names: Vec<String> =
        deployment.facts.keys().filter(|name| !name.starts_with(OWN)).cloned().chain(own).collect();
    names.sort_unstable();
    names
}

/// The fact with that name.
pub(crate) fn find(deployment: &Deployment, name: &str) -> serde_json::Result<Option<Document>> {
    if !name.starts_with(OWN) {
        let fact = deployment.facts.get(name);
        return fact.map(|fact| Ok(Document { schema: fact.schema.clone(), json: json(&fact.json)? })).transpose();
    }
    let own = RECORDS.iter().find(|own| own.name == name && !(own.is_empty)(&deployment.records));
    own.map(|own| Ok(Document { schema: own.name.to_owned(), json: (own.json)(&deployment.records)? })).transpose()
}

/// The canonical JSON of a value. So a plugin reads exactly what the digest of the snapshot covers and what a recording holds;
/// `1` and `1.0` are the same number there.
fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
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
