//! Entries: what the log is made of, and the bytes that stand for one in the tree.
//!
//! The bytes are the canonical JSON (RFC 8785) of one object, so that anybody can make them again from the object as it
//! is shown: there is no framing, and no second form. An entry says itself where it stands (`index` in the log,
//! `sequence` in its stream): one that was moved gives itself away.

use lockgate_domain::{Digest, Timestamp, canonical_json, with_canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compression::{CompressedBytes, compress};
use crate::tree::{Hash, LeafHasher, leaf_hash};

/// The stream of the ledger's own entries: its keys, and what was deleted from it.
pub const LEDGER_STREAM: &str = "ledger";

/// How deep JSON may be nested in an entry: within what every JSON reader takes.
const DEEPEST: usize = 100;
/// How large the body of one entry may be, in bytes: what is larger is content, and is referred to.
const LARGEST: usize = 16 << 20;
/// How many pieces of content one entry may refer to.
const MOST_REFERENCES: usize = 10_000;
/// How large the text may be that a row keeps of an entry, in bytes: its body, 74 bytes for each reference, and its names.
pub(crate) const LARGEST_TEXT: usize = LARGEST + (1 << 20);

/// Why something cannot be an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEntry {
    /// A name that is not allowed.
    #[error("`{name}` cannot name a {what}: {rule}")]
    Name {
        /// What it was to name.
        what: &'static str,
        /// The name.
        name: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// A reason that says nothing, or too much.
    #[error("the reason has {found}: say why, in 1 to {most} characters and without control characters")]
    Reason {
        /// What is wrong with it.
        found: String,
        /// How many characters it may have.
        most: usize,
    },
    /// A request that writes no entry.
    #[error("the request `{key}` writes no entry: its answer is kept only together with an entry that is bound to it")]
    NoEntry {
        /// The idempotency key of the request.
        key: String,
    },
    /// The stream is the ledger's own.
    #[error("the stream `ledger` is the ledger's own: choose another one")]
    Reserved,
    /// The body has no JSON form.
    #[error("the body of a `{kind}` entry has no JSON form: {message}")]
    Body {
        /// The kind of the entry.
        kind: String,
        /// Why.
        message: String,
    },
    /// Nested too deeply.
    #[error("the body of a `{kind}` entry is nested {depth} deep, of at most {DEEPEST}")]
    Deep {
        /// The kind of the entry.
        kind: String,
        /// How deep it is nested.
        depth: usize,
    },
    /// Too large.
    #[error("the body of a `{kind}` entry has {size} bytes, of at most {LARGEST}: store it as content and refer to it")]
    Large {
        /// The kind of the entry.
        kind: String,
        /// How large it is, in bytes.
        size: usize,
    },
    /// Refers to too much.
    #[error(
        "a `{kind}` entry refers to {count} pieces of content, of at most {MOST_REFERENCES}: write several entries"
    )]
    References {
        /// The kind of the entry.
        kind: String,
        /// How many pieces of content it refers to.
        count: usize,
    },
}

/// What an entry is found by: columns of its row as well as members of its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntryFiling {
    pub(crate) stream: String,
    pub(crate) kind: String,
    pub(crate) id: Option<String>,
    pub(crate) at: Timestamp,
    pub(crate) references: Vec<Digest>,
    pub(crate) team: Option<String>,
}

/// An entry before it has a place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDraft {
    pub(crate) filing: EntryFiling,
    /// The leaf up to the end of the body.
    start: String,
}

impl EntryDraft {
    /// An entry of a stream (for example `deployment/d-42`), of a kind (for example `decision`), that happened at that
    /// moment, with that body. Whole numbers beyond 2⁵³ lose digits in canonical JSON: write them as text.
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

    /// Gives it an id to find it by, for example that of a decision. Ids need not be unique.
    ///
    /// # Errors
    /// If the id is empty, too long, or holds control characters.
    pub fn with_id(mut self, id: &str) -> Result<Self, InvalidEntry> {
        check_text("entry", id)?;
        self.filing.id = Some(id.to_owned());
        Ok(self)
    }

    /// Says which team it belongs to: people of other teams see no more of it than its hash ([`TeamView`](crate::TeamView)).
    ///
    /// # Errors
    /// If the name of the team is empty, too long, or holds control characters.
    pub fn of_team(mut self, team: &str) -> Result<Self, InvalidEntry> {
        check_text("team", team)?;
        self.filing.team = Some(team.to_owned());
        Ok(self)
    }

    /// Refers to content by digest: it has to be in the ledger, or come with the same [`Append`](crate::Append).
    #[must_use]
    pub fn referring_to(mut self, content: Digest) -> Self {
        if !self.filing.references.contains(&content) {
            self.filing.references.push(content);
        }
        self
    }

    /// How many bytes it has, nearly.
    pub(crate) fn size(&self) -> usize {
        self.start.len() + 100 * self.filing.references.len()
    }
}

/// An entry with all that can be made of it before it has a place: so the thread that writes neither compresses it nor hashes
/// its body.
#[derive(Clone, Debug)]
pub(crate) struct PreparedEntry {
    pub(crate) filing: EntryFiling,
    /// What a row keeps of the leaf: all but its [place](leaf_at).
    pub(crate) text: CompressedBytes,
    /// Has hashed the leaf up to the index.
    hasher: LeafHasher,
    /// The leaf between the index and the sequence, and behind the sequence.
    rest: [String; 2],
}

impl PreparedEntry {
    /// Prepares an entry; if it is the first one of a request, with the digest that binds the request to it.
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
        // Names of kinds and digests are plain: nothing in them has to be escaped.
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

    /// The hash of the leaf at that place of the log and of its stream.
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

/// The leaf whose text, without its place, a row keeps: the place stands in columns of the row. None if it is no such text.
pub(crate) fn leaf_at(index: u64, sequence: u64, text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    // Quotation marks within names are escaped, and what stands between both has no text that was not made here: so the last
    // ones are those of the leaf itself.
    let (text, end) = text.split_at_checked(text.rfind(STREAM)?)?;
    let (start, middle) = text.split_at_checked(text.rfind(KIND)?)?;
    let mut leaf = String::with_capacity(text.len() + end.len() + 64);
    push(&mut leaf, [start, INDEX, &index.to_string(), middle, SEQUENCE, &sequence.to_string(), end]);
    Some(leaf.into_bytes())
}

fn push<const N: usize>(text: &mut String, parts: [&str; N]) {
    parts.iter().for_each(|part| text.push_str(part));
}

/// Checks whether a stream may have that name.
///
/// # Errors
/// Says what is allowed.
pub fn check_stream_name(name: &str) -> Result<(), InvalidEntry> {
    check_text("stream", name)
}

/// Names that people chose.
pub(crate) fn check_text(what: &'static str, name: &str) -> Result<(), InvalidEntry> {
    let rule = "it has 1 to 512 bytes and no control character";
    if name.is_empty() || name.len() > 512 || name.chars().any(char::is_control) {
        return Err(InvalidEntry::Name { what, name: name.to_owned(), rule });
    }
    Ok(())
}

/// Why somebody did something.
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

/// Names that programs chose.
pub(crate) fn check_word(what: &'static str, name: &str) -> Result<(), InvalidEntry> {
    let rule = "it has 1 to 64 lower-case letters, digits and hyphens";
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if name.is_empty() || name.len() > 64 || !plain {
        return Err(InvalidEntry::Name { what, name: name.to_owned(), rule });
    }
    Ok(())
}

/// An entry of the log, as its leaf says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// What happened: the shape is that of its kind.
    pub body: Value,
    /// What it is found by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its place in the log, from 0.
    pub index: u64,
    /// What kind of thing happened.
    pub kind: String,
    /// The content that it refers to.
    pub references: Vec<Digest>,
    /// If it is the first entry that a request with an idempotency key wrote: what binds the answer of that request to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Digest>,
    /// Its place in its stream, from 1: the version that the stream has since.
    pub sequence: u64,
    /// The stream that it belongs to.
    pub stream: String,
    /// The team that it belongs to, if it belongs to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

impl Entry {
    /// Reads a leaf, which has to be canonical.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_leaf(leaf: &[u8]) -> Result<Self, String> {
        let entry: Self = serde_json::from_slice(leaf).map_err(|error| error.to_string())?;
        let again = entry.leaf().map_err(|error| error.to_string())?;
        if again == leaf { Ok(entry) } else { Err("it is not in canonical form".to_owned()) }
    }

    /// The bytes that stand for it in the tree.
    ///
    /// # Errors
    /// If it has no canonical form.
    pub fn leaf(&self) -> Result<Vec<u8>, lockgate_domain::DigestError> {
        canonical_json(self)
    }
}

/// An entry as a storage holds it: the leaf is what counts; the rest is there to find it by, and an audit compares both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place in the log.
    pub index: u64,
    /// The stream that it was filed under.
    pub stream: String,
    /// Its place in that stream.
    pub sequence: u64,
    /// The kind that it was filed under.
    pub kind: String,
    /// The id that it was filed under.
    pub id: Option<String>,
    /// The moment that it was filed under.
    pub at: Timestamp,
    /// The team that it was filed under.
    pub team: Option<String>,
    /// The hash that was stored with it.
    pub hash: Hash,
    /// The bytes that stand for it in the tree; empty if they cannot be read.
    pub leaf: Vec<u8>,
    /// Why the bytes cannot be read, if they cannot: only possible if they were changed in the storage.
    pub damage: Option<String>,
}

impl StoredEntry {
    /// The entry, as its leaf says it, if the leaf fits its hash and what the entry is filed under. Whether the tree holds the
    /// hash is not checked: an audit does that.
    ///
    /// # Errors
    /// Names the entry and what is wrong with it: only possible if it was changed in the storage.
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

/// An entry that a [`LogSource`](crate::LogSource) withholds from who reads it: what is left is enough to build the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithheldEntry {
    /// Its place in the log.
    pub index: u64,
    /// The hash of its leaf.
    pub hash: Hash,
}

/// What a [`LogSource`](crate::LogSource) hands out of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceEntry {
    /// All of it.
    Whole(StoredEntry),
    /// Its hash alone.
    Withheld(WithheldEntry),
}

impl SourceEntry {
    /// Its place in the log.
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
