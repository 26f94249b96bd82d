//! What does not fit, as it is told: where, in which stream, under which id, and what differs.

use lockgate_ledger::audit::{Finding, Place};
use lockgate_ledger::{Query, Source};
use serde_json::{Map, Value, json};

use crate::print;

/// Something that does not fit.
pub(super) struct Found {
    spot: Spot,
    /// The stream, kind and id of the entry, as far as they are known.
    entry: Option<Named>,
    message: String,
}

struct Named {
    stream: String,
    kind: String,
    id: Option<String>,
}

enum Spot {
    Place(Place),
    /// The file as a whole, or what a server answers.
    Whole(&'static str),
}

impl Found {
    /// What an audit found, with the names of the entry that it is about.
    pub(super) fn new(finding: Finding, source: &dyn Source) -> Self {
        let entry = match finding.place {
            Place::Entry(index) => named(source, index),
            Place::Entries { first, last } if first == last => named(source, first),
            _ => None,
        };
        Self { spot: Spot::Place(finding.place), entry, message: finding.message }
    }

    /// Something about the file as a whole, or about what a server answers.
    pub(super) fn whole(what: &'static str, message: String) -> Self {
        Self { spot: Spot::Whole(what), entry: None, message }
    }

    /// A row of the table: where, stream, id, what.
    pub(super) fn row(&self) -> Vec<String> {
        let place = match &self.spot {
            Spot::Place(place) => place.to_string(),
            Spot::Whole(what) => (*what).to_owned(),
        };
        let stream = self.entry.as_ref().map(|entry| entry.stream.clone()).unwrap_or_default();
        let id = self.entry.as_ref().and_then(|entry| entry.id.clone()).unwrap_or_default();
        [place, stream, id, self.message.clone()].iter().map(|text| print::plain(text).into_owned()).collect()
    }

    /// The same for tools.
    pub(super) fn document(&self) -> Value {
        let mut document = match &self.spot {
            Spot::Place(place) => at(place),
            Spot::Whole(what) => fields(json!({ "place": what })),
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

fn at(place: &Place) -> Map<String, Value> {
    fields(match place {
        Place::Entry(index) => json!({ "place": "entry", "index": index }),
        Place::Entries { first, last } => json!({ "place": "entries", "first": first, "last": last }),
        Place::Content(digest) => json!({ "place": "content", "digest": digest }),
        Place::Checkpoint(size) => json!({ "place": "checkpoint", "size": size }),
        Place::Elsewhere(size) => json!({ "place": "kept-checkpoint", "size": size }),
        Place::Head => json!({ "place": "head" }),
        Place::Key => json!({ "place": "key" }),
        other => json!({ "place": other.to_string() }),
    })
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// What an entry is called: by its leaf, if that still says something, else by what it is filed under.
fn named(source: &dyn Source, index: u64) -> Option<Named> {
    let query = Query { from: index, before: Some(index.saturating_add(1)), limit: 1, ..Query::default() };
    let stored = source.entries(&query).ok()?.pop()?;
    Some(match stored.read() {
        Ok(entry) => Named { stream: entry.stream, kind: entry.kind, id: entry.id },
        Err(_) => Named { stream: stored.stream, kind: stored.kind, id: stored.id },
    })
}
