//! Entries of the log, and the bytes that represent an entry in the tree.
//!
//! The bytes are the canonical JSON (RFC 8785) of one object, so that anybody can make them again from the object as it
//! is shown: there is no framing, and no second form. An entry names its own place (`index` in the log, `sequence` in
//! its stream), so an audit notices an entry that was moved.

use lockgate_domain::{Digest, Timestamp, canonical_json, with_canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compression::{CompressedBytes, compress};
use crate::tree::{Hash, LeafHasher, leaf_hash};

/// The stream of the ledger's own entries: its keys, and what was deleted from it.
pub const LEDGER_STREAM: &str = "ledger";

/// The deepest nesting of an entry's JSON: every JSON reader accepts this depth.
const DEEPEST: usize = 100;
/// The largest body of one entry, in bytes. Anything larger is stored as content, and the entry refers to it.
const LARGEST: usize = 16 << 20;
/// The largest number of pieces of content that one entry may refer to.
const MOST_REFERENCES: usize = 10_000;
/// The largest text of an entry in a row, in bytes: its body, 74 bytes for each reference, and its names.
pub(crate) const LARGEST_TEXT: usize = LARGEST + (1 << 20);

/// Why a draft cannot become an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEntry {
    /// A name that is not allowed.
    #[error("`{name}` cannot name a {what}: {rule}")]
    Name {
        /// What the name belongs to.
        what: &'static str,
        name: String,
        /// What names may hold.
        rule: &'static str,
    },
    /// A reason that is empty or too long.
    #[error("the reason has {found}: say why, in 1 to {most} characters and without control characters")]
    Reason {
        /// What is wrong with the reason.
        found: String,
        /// The largest number of characters of a reason.
        most: usize,
    },
    /// An append that has a request but no entry.
    #[error("the request `{key}` writes no entry: its answer is kept only together with an entry that is bound to it")]
    NoEntry {
        /// The idempotency key of the request.
        key: String,
    },
    /// The draft names the stream that only the ledger writes to.
    #[error("the stream `ledger` is the ledger's own: choose another one")]
    Reserved,
    /// The body has no JSON form.
    #[error("the body of a `{kind}` entry has no JSON form: {message}")]
    Body {
        /// The kind of the entry.
        kind: String,
        /// The serialisation error.
        message: String,
    },
    #[error("the body of a `{kind}` entry is nested {depth} deep, of at most {DEEPEST}")]
    Deep {
        /// The kind of the entry.
        kind: String,
        /// How deep the body is nested.
        depth: usize,
    },
    #[error("the body of a `{kind}` entry has {size} bytes, of at most {LARGEST}: store it as content and refer to it")]
    Large {
        /// The kind of the entry.
        kind: String,
        /// The size of the body, in bytes.
        size: usize,
    },
    #[error(
        "a `{kind}` entry refers to {count} pieces of content, of at most {MOST_REFERENCES}: write several entries"
    )]
    References {
        kind: String,
        /// How many pieces of content the entry refers to.
        count: usize,
    },
}

/// The fields that queries search: columns of the row as well as members of the leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryFiling {
    pub(crate) stream: String,
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) references: Vec<Digest>,
    pub(crate) team: Option<String>,
}

/// An entry that has no place in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDraft {
    pub(crate) filing: EntryFiling,
    /// The leaf up to the end of the body.
    start: String,
}

impl EntryDraft {
    /// An entry of a stream (for example `deployment/d-42`) and a kind (for example `decision`), with the moment when
    /// it happened and a body. Whole numbers beyond 2⁵³ lose digits in canonical JSON: write them as text.
    ///
    /// # Errors
    /// If a name is not allowed, or the body has no JSON form or is too deep or too large.
    pub fn new(stream: &str, kind: &str, at: Timestamp, body: &impl Serialize) -> Result<Self, InvalidEntry> {
        if stream == LEDGER_STREAM {
            return Err(InvalidEntry::Reserved);
        }
        Self::build(stream, kind, at, body)
    }

    /// An entry that the ledger itself writes.
    pub(crate) fn system(kind: &str, at: Timestamp, body: &impl Serialize) -> Result<Self, InvalidEntry> {
        Self::build(LEDGER_STREAM, kind, at, body)
    }

    fn build(stream: &str, kind: &str, at: Timestamp, body: &impl Serialize) -> Result<Self, InvalidEntry> {
        check_stream_name(stream)?;
        check_word("kind of entry", kind)?;
        let wrong = |message: String| InvalidEntry::Body { kind: kind.to_owned(), message };
        let start = |body: &str, depth| {
            if body.len() > LARGEST {
                return Err(InvalidEntry::Large { kind: kind.to_owned(), size: body.len() });
            }
            if depth > DEEPEST {
                return Err(InvalidEntry::Deep { kind: kind.to_owned(), depth });
            }
            Ok(format!("{{\"at\":\"{at}\",\"body\":{body}"))
        };
        let start = with_canonical_json(body, start).map_err(|error| wrong(error.to_string()))??;
        let (stream, kind) = (stream.to_owned(), kind.to_owned());
        let filing = EntryFiling { stream, kind, id: None, at, references: Vec::new(), team: None };
        Ok(Self { filing, start })
    }

    /// Gives the entry an id that queries can name, for example that of a decision. Ids need not be unique.
    ///
    /// # Errors
    /// If the id is empty, too long, or holds control characters.
    pub fn with_id(mut self, id: &str) -> Result<Self, InvalidEntry> {
        check_text("entry", id)?;
        self.filing.id = Some(id.to_owned());
        Ok(self)
    }

    /// Sets the team that owns the entry. People of other teams see only its hash ([`TeamView`](crate::TeamView)).
    ///
    /// # Errors
    /// If the name of the team is empty, too long, or holds control characters.
    pub fn of_team(mut self, team: &str) -> Result<Self, InvalidEntry> {
        check_text("team", team)?;
        self.filing.team = Some(team.to_owned());
        Ok(self)
    }

    /// Refers to content by digest. The content must be in the ledger, or in the same [`Append`](crate::Append).
    #[must_use]
    pub fn referring_to(mut self, content: Digest) -> Self {
        if !self.filing.references.contains(&content) {
            self.filing.references.push(content);
        }
        self
    }

    /// The approximate size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.start.len() + 100 * self.filing.references.len()
    }
}

/// An entry, prepared as far as that is possible before it has a place, so that the thread that writes neither
/// compresses it nor hashes its body.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEntry {
    pub(crate) filing: EntryFiling,
    /// What a row keeps of the leaf: all but its [place](leaf_at).
    pub(crate) text: CompressedBytes,
    /// A hasher that has read the leaf up to the index.
    hasher: LeafHasher,
    /// The parts of the leaf between the index and the sequence, and after the sequence.
    rest: [String; 2],
}

impl PreparedEntry {
    /// Prepares an entry. The first entry of a request also gets the digest that binds the request to it.
    pub(crate) fn new(entry: EntryDraft, request: Option<&Digest>) -> Result<Self, InvalidEntry> {
        let EntryDraft { filing, start: mut text } = entry;
        let EntryFiling { stream, kind, id, references, team, .. } = &filing;
        if references.len() > MOST_REFERENCES {
            return Err(InvalidEntry::References { kind: kind.clone(), count: references.len() });
        }
        if let Some(id) = id {
            push(&mut text, [",\"id\":", &Value::from(id.as_str()).to_string()]);
        }
        let mut hasher = LeafHasher::new();
        hasher.update(text.as_bytes());
        let mut middle = String::with_capacity(64 + 74 * (references.len() + 1));
        // Names of kinds and digests need no escaping.
        push(&mut middle, [KIND, kind, "\",\"references\":["]);
        for (n, digest) in references.iter().enumerate() {
            push(&mut middle, [if n == 0 { "\"" } else { ",\"" }, &digest.text(), "\""]);
        }
        middle.push(']');
        if let Some(request) = request {
            push(&mut middle, [",\"request\":\"", &request.text(), "\""]);
        }
        let mut end = String::with_capacity(64);
        push(&mut end, [STREAM, &Value::from(stream.as_str()).to_string()]);
        if let Some(team) = team {
            push(&mut end, [",\"team\":", &Value::from(team.as_str()).to_string()]);
        }
        end.push('}');
        push(&mut text, [middle.as_str(), &end]);
        let text = compress(text.as_bytes());
        Ok(Self { filing, text, hasher, rest: [middle, end] })
    }

    /// The hash of the leaf at this place of the log and of its stream.
    pub(crate) fn hash(&self, index: u64, sequence: u64) -> Hash {
        let [middle, end] = &self.rest;
        let mut hasher = self.hasher.clone();
        for part in [INDEX, &index.to_string(), middle, SEQUENCE, &sequence.to_string(), end] {
            hasher.update(part.as_bytes());
        }
        hasher.finish()
    }
}

/// The members of a leaf that say its place, and those that follow them, in the order that RFC 8785 asks for.
const INDEX: &str = ",\"index\":";
const KIND: &str = ",\"kind\":\"";
const SEQUENCE: &str = ",\"sequence\":";
const STREAM: &str = ",\"stream\":";

/// Rebuilds the leaf from the text of a row, which lacks the place, and from the columns that hold the place. None if
/// the text is not that of a leaf.
pub(crate) fn leaf_at(index: u64, sequence: u64, text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    // Quotation marks in names are escaped, and this crate wrote all text between the two places: so the last match is
    // the leaf's own.
    let (text, end) = text.split_at_checked(text.rfind(STREAM)?)?;
    let (start, middle) = text.split_at_checked(text.rfind(KIND)?)?;
    let mut leaf = String::with_capacity(text.len() + end.len() + 64);
    push(&mut leaf, [start, INDEX, &index.to_string(), middle, SEQUENCE, &sequence.to_string(), end]);
    Some(leaf.into_bytes())
}

fn push<const N: usize>(text: &mut String, parts: [&str; N]) {
    parts.iter().for_each(|part| text.push_str(part));
}

/// Checks whether `name` may be the name of a stream.
///
/// # Errors
/// If the name is not allowed; the error says what is.
pub fn check_stream_name(name: &str) -> Result<(), InvalidEntry> {
    check_text("stream", name)
}

/// Checks a name that a person chose.
pub(crate) fn check_text(what: &'static str, name: &str) -> Result<(), InvalidEntry> {
    let rule = "it has 1 to 512 bytes and no control character";
    if name.is_empty() || name.len() > 512 || name.chars().any(char::is_control) {
        return Err(InvalidEntry::Name { what, name: name.to_owned(), rule });
    }
    Ok(())
}

/// Checks a reason that a person gave.
pub(crate) fn check_reason(reason: &str) -> Result<(), InvalidEntry> {
    let (most, count) = (1000, reason.chars().count());
    let found = if reason.trim().is_empty() {
        "no words".to_owned()
    } else if count > most {
        format!("{count} characters")
    } else if reason.chars().any(char::is_control) {
        "a control character".to_owned()
    } else {
        return Ok(());
    };
    Err(InvalidEntry::Reason { found, most })
}

/// Checks a name that a program chose.
pub(crate) fn check_word(what: &'static str, name: &str) -> Result<(), InvalidEntry> {
    let rule = "it has 1 to 64 lower-case letters, digits and hyphens";
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if name.is_empty() || name.len() > 64 || !plain {
        return Err(InvalidEntry::Name { what, name: name.to_owned(), rule });
    }
    Ok(())
}

/// An entry of the log, as its leaf holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When the entry happened.
    pub at: Timestamp,
    /// The body. Its shape depends on the kind.
    pub body: Value,
    /// The id that queries can name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The index in the log, from 0.
    pub index: u64,
    /// The kind, for example `decision`.
    pub kind: String,
    /// The digests of the content that the entry refers to.
    pub references: Vec<Digest>,
    /// The digest that binds a request's answer to the log. Only the first entry of a request with an idempotency key
    /// has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Digest>,
    /// The place in the stream, from 1: the version of the stream after this entry.
    pub sequence: u64,
    /// The stream that the entry belongs to.
    pub stream: String,
    /// The team that owns the entry, if a team does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

impl Entry {
    /// Reads a leaf, which must be canonical.
    ///
    /// # Errors
    /// If the leaf cannot be read; the text says why.
    pub fn from_leaf(leaf: &[u8]) -> Result<Self, String> {
        let entry: Self = serde_json::from_slice(leaf).map_err(|error| error.to_string())?;
        let again = entry.leaf().map_err(|error| error.to_string())?;
        if again == leaf { Ok(entry) } else { Err("it is not in canonical form".to_owned()) }
    }

    /// The bytes that represent the entry in the tree.
    ///
    /// # Errors
    /// If the entry has no canonical form.
    pub fn leaf(&self) -> Result<Vec<u8>, lockgate_domain::DigestError> {
        canonical_json(self)
    }
}

/// An entry as a storage holds it. The leaf is authoritative. The other fields are there for queries, and an audit
/// compares both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// The index in the log.
    pub index: u64,
    /// The stream column of the row.
    pub stream: String,
    /// The sequence column of the row.
    pub sequence: u64,
    /// The kind column of the row.
    pub kind: String,
    /// The id column of the row.
    pub id: Option<String>,
    /// The time column of the row.
    pub at: Timestamp,
    /// The team column of the row.
    pub team: Option<String>,
    /// The stored hash of the leaf.
    pub hash: Hash,
    /// The bytes that represent the entry in the tree. Empty if they cannot be read.
    pub leaf: Vec<u8>,
    /// Why the bytes cannot be read. Only a change in the storage from outside causes that.
    pub damage: Option<String>,
}

impl StoredEntry {
    /// Reads the entry from its leaf, if the leaf fits its hash and the columns of its row. Only an audit checks
    /// whether the tree holds the hash.
    ///
    /// # Errors
    /// If the entry was changed in the storage from outside. The text names the entry and what is wrong with it.
    pub fn read(&self) -> Result<Entry, String> {
        self.check().map_err(|wrong| format!("entry {} of the ledger was changed in the file: {wrong}", self.index))
    }

    /// As [`StoredEntry::read`]; the error does not name the entry.
    pub(crate) fn check(&self) -> Result<Entry, String> {
        if let Some(damage) = &self.damage {
            return Err(damage.clone());
        }
        let is = leaf_hash(&self.leaf);
        if is != self.hash {
            return Err(format!("its bytes have the hash {is}, but {} was stored when it was written", self.hash));
        }
        let entry = Entry::from_leaf(&self.leaf)?;
        let differs = |what: &str, says: &dyn std::fmt::Display, filed: &dyn std::fmt::Display| {
            Err(format!("it says that its {what} is `{says}`, but is filed under `{filed}`"))
        };
        let or_none = |name: &Option<String>| name.clone().unwrap_or_default();
        match () {
            () if entry.index != self.index => differs("index", &entry.index, &self.index),
            () if entry.stream != self.stream => differs("stream", &entry.stream, &self.stream),
            () if entry.sequence != self.sequence => differs("sequence", &entry.sequence, &self.sequence),
            () if entry.kind != self.kind => differs("kind", &entry.kind, &self.kind),
            () if entry.id != self.id => differs("id", &or_none(&entry.id), &or_none(&self.id)),
            () if entry.at != self.at => differs("moment", &entry.at, &self.at),
            () if entry.team != self.team => differs("team", &or_none(&entry.team), &or_none(&self.team)),
            () => Ok(entry),
        }
    }
}

/// An entry that a [`LogSource`](crate::LogSource) withholds from its reader. The hash is enough to build the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithheldEntry {
    /// The index in the log.
    pub index: u64,
    /// The hash of the leaf.
    pub hash: Hash,
}

/// What a [`LogSource`](crate::LogSource) hands out of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceEntry {
    Whole(StoredEntry),
    Withheld(WithheldEntry),
}

impl SourceEntry {
    /// The index in the log.
    pub fn index(&self) -> u64 {
        match self {
            Self::Whole(entry) => entry.index,
            Self::Withheld(entry) => entry.index,
        }
    }

    /// The entry, unless it is withheld.
    pub fn whole(self) -> Option<StoredEntry> {
        match self {
            Self::Whole(entry) => Some(entry),
            Self::Withheld(_) => None,
        }
    }
}
