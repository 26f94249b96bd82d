//! The findings of a verification: place, stream, id, and what is wrong.

use lockgate_ledger::audit::{AuditFinding, FindingPlace};
use lockgate_ledger::{EntryQuery, LogSource};
use serde_json::{Map, Value, json};

use crate::print;

/// A finding, with the names of the entry that it is about.
pub(super) struct ReportedFinding {
    place: ReportedPlace,
    entry: Option<EntryName>,
    message: String,
}

struct EntryName {
    stream: String,
    kind: String,
    id: Option<String>,
}

enum ReportedPlace {
    Place(FindingPlace),
    /// The whole file, request table or server.
    Whole(&'static str),
}

impl ReportedFinding {
    pub(super) fn new(finding: AuditFinding, source: &dyn LogSource) -> Self {
        let entry = match finding.place {
            FindingPlace::Entry(index) => named(source, index),
            FindingPlace::Entries { first, last } if first == last => named(source, first),
            _ => None,
        };
        Self { place: ReportedPlace::Place(finding.place), entry, message: finding.message }
    }

    /// A finding about the whole file, request table or server.
    pub(super) fn whole(what: &'static str, message: String) -> Self {
        Self { place: ReportedPlace::Whole(what), entry: None, message }
    }

    /// A row of the table: place, stream, id, message.
    pub(super) fn row(&self) -> Vec<String> {
        let place = match &self.place {
            ReportedPlace::Place(place) => place.to_string(),
            ReportedPlace::Whole(what) => (*what).to_owned(),
        };
        let stream = self.entry.as_ref().map(|entry| entry.stream.clone()).unwrap_or_default();
        let id = self.entry.as_ref().and_then(|entry| entry.id.clone()).unwrap_or_default();
        [place, stream, id, self.message.clone()].iter().map(|text| print::plain(text).into_owned()).collect()
    }

    pub(super) fn document(&self) -> Value {
        let mut document = match &self.place {
            ReportedPlace::Place(place) => at(place),
            ReportedPlace::Whole(what) => fields(json!({ "place": what })),
        };
        if let Some(entry) = &self.entry {
            document.insert("stream".to_owned(), json!(entry.stream));
            document.insert("kind".to_owned(), json!(entry.kind));
            document.insert("id".to_owned(), json!(entry.id));
        }
        document.insert("message".to_owned(), json!(self.message));
        Value::Object(document)
    }
}

fn at(place: &FindingPlace) -> Map<String, Value> {
    fields(match place {
        FindingPlace::Entry(index) => json!({ "place": "entry", "index": index }),
        FindingPlace::Entries { first, last } => json!({ "place": "entries", "first": first, "last": last }),
        FindingPlace::Content(digest) => json!({ "place": "content", "digest": digest }),
        FindingPlace::Checkpoint(size) => json!({ "place": "checkpoint", "size": size }),
        FindingPlace::Elsewhere(size) => json!({ "place": "kept-checkpoint", "size": size }),
        FindingPlace::Head => json!({ "place": "head" }),
        FindingPlace::Key => json!({ "place": "key" }),
        other => json!({ "place": other.to_string() }),
    })
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// The names of an entry: from its leaf if that is readable, otherwise from its index fields.
fn named(source: &dyn LogSource, index: u64) -> Option<EntryName> {
    let query = EntryQuery { from: index, before: Some(index.saturating_add(1)), limit: 1, ..EntryQuery::default() };
    let stored = source.entries(&query).ok()?.pop()?;
    Some(match stored.read() {
        Ok(entry) => EntryName { stream: entry.stream, kind: entry.kind, id: entry.id },
        Err(_) => EntryName { stream: stored.stream, kind: stored.kind, id: stored.id },
    })
}
