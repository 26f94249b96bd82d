//! What is written in one piece, under which conditions, and what comes back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Digest;

use crate::binding::RequestBinding;
use crate::compression::{CompressedBytes, compress};
use crate::entry::PreparedEntry;
use crate::tree::Hash;
use crate::{EntryDraft, Error};

/// Everything that one answer to the outside rests on, written together or not at all.
///
/// A decision comes with its receipts and events as entries, its snapshot and evidence as content, and what its plugins
/// want to remember as values. Nothing of it is there for others before all of it is on the disk.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// What happened, in order.
    pub entries: Vec<EntryDraft>,
    /// What the entries refer to, as far as the ledger may not have it yet.
    pub content: Vec<ContentBlob>,
    /// The versions that streams have to have, before any of this is written.
    pub expect: Vec<ExpectedVersion>,
    /// Changes of values.
    pub values: Vec<ValueChanges>,
    /// Makes it safe to send the same thing twice. There has to be an entry, which the answer is bound to.
    pub request: Option<IdempotentRequest>,
}

/// A condition: the stream has exactly that version. It need not be a stream that is written to: a decision that rests
/// on what else happens in an environment can name the environment's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedVersion {
    /// The stream.
    pub stream: String,
    /// The `sequence` of its last entry; 0 if it has none.
    pub version: u64,
}

/// Bytes that entries refer to: a snapshot, a piece of evidence. The same bytes are kept once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentBlob {
    pub(crate) digest: Digest,
    pub(crate) kind: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl ContentBlob {
    /// Content of a kind (`snapshot` or `evidence`, for example: retention goes by it) and an IANA media type, digested
    /// here, so that the writer of the ledger need not do it.
    pub fn new(kind: &str, media_type: &str, bytes: Arc<Vec<u8>>) -> Self {
        Self { digest: Digest::of(&bytes), kind: kind.to_owned(), media_type: media_type.to_owned(), bytes }
    }

    /// The digest that entries refer to it by.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Changes of the values of one namespace. Values are not part of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueChanges {
    /// The namespace.
    pub namespace: String,
    /// The version that the namespace has to have, if that matters; 0 if nobody ever wrote to it.
    pub expect: Option<u64>,
    /// The new value of each key; none takes the key away.
    pub changes: BTreeMap<String, Option<Vec<u8>>>,
}

/// Who sent which request: what comes again under the same scope and key is answered as it was the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Whose keys they are, for example a client: two clients may choose the same key.
    pub scope: String,
    /// The key that the client chose.
    pub key: String,
    /// What was asked for. The same key with another digest is an error, not an answer.
    pub digest: Digest,
    /// What is to be answered, word for word, if it comes again.
    pub answer: Vec<u8>,
}

/// How long a write is tried again, if what it rests on has changed each time before the ledger took it.
const RETRIED_FOR: Duration = Duration::from_secs(20);

/// How often it is tried again at least, however long that takes.
const RETRIED_AT_LEAST: usize = 8;

/// The attempts at a write that rests on what was read: after an [`Error::Conflict`] it is read and tried again.
///
/// Attempts are limited by time, not by number: on a busy machine, a process that is a little slower than another one loses
/// many times in a row.
#[derive(Debug)]
pub struct WriteAttempts {
    began: Instant,
    lost: usize,
}

impl WriteAttempts {
    /// Begins with the first attempt.
    #[must_use]
    pub fn begin() -> Self {
        Self { began: Instant::now(), lost: 0 }
    }

    /// Counts an attempt that was lost, and says whether there is to be another one.
    pub fn lose(&mut self) -> bool {
        self.lost += 1;
        self.lost <= RETRIED_AT_LEAST || self.began.elapsed() < RETRIED_FOR
    }

    /// How many attempts were lost.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost
    }
}

/// What was written. It is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedAppend {
    /// Where each entry stands, in the order in which they were handed in.
    pub entries: Vec<EntryPosition>,
    /// A signed checkpoint of a log that holds all of them, and what others wrote at the same time.
    pub checkpoint: String,
    /// The version of each namespace that was written to. Empty if it is a [repeat](Self::repeat).
    pub namespaces: BTreeMap<String, u64>,
    /// If the request had been answered before: the answer that it was given then. Nothing was written now.
    pub repeat: Option<Vec<u8>>,
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPosition {
    /// Its place in the log, from 0.
    pub index: u64,
    /// Its stream.
    pub stream: String,
    /// Its place in the stream, from 1.
    pub sequence: u64,
    /// The hash of its leaf.
    pub hash: Hash,
}

/// How large content is at most that is compressed, in bytes. What is larger is kept as it is.
pub(crate) const LARGEST_COMPRESSED_CONTENT: usize = 16 << 20;

/// An append with all that can be made of it before it is written: so the thread that writes does as little as possible.
#[derive(Debug)]
pub(crate) struct PreparedAppend {
    pub(crate) entries: Vec<PreparedEntry>,
    pub(crate) content: Vec<PreparedContent>,
    pub(crate) expect: Vec<ExpectedVersion>,
    pub(crate) values: Vec<ValueChanges>,
    pub(crate) request: Option<PreparedRequest>,
}

/// A request, what binds its answer to the first entry, and the answer as a row holds it.
#[derive(Debug)]
pub(crate) struct PreparedRequest {
    pub(crate) request: IdempotentRequest,
    pub(crate) binding: RequestBinding,
    pub(crate) answer: CompressedBytes,
}

/// Content as a row holds it.
#[derive(Debug)]
pub(crate) struct PreparedContent {
    pub(crate) digest: Digest,
    pub(crate) kind: String,
    pub(crate) media_type: String,
    /// How many bytes it has uncompressed.
    pub(crate) size: u64,
    pub(crate) bytes: CompressedBytes,
}

impl PreparedAppend {
    pub(crate) fn new(append: Append) -> Result<Self, Error> {
        let Append { entries, content, expect, values, request } = append;
        let bind = |request: IdempotentRequest| {
            let binding = RequestBinding::new(&request, entries.len() as u64)?;
            let answer = compress(&request.answer);
            Ok::<_, Error>(PreparedRequest { request, binding, answer })
        };
        let request = request.map(bind).transpose()?;
        // The first entry of a request is bound to it.
        let mut bound = request.as_ref().map(|request| &request.binding.digest);
        let prepare = |entry| PreparedEntry::new(entry, bound.take()).map_err(Error::from);
        let entries = entries.into_iter().map(prepare).collect::<Result<_, _>>()?;
        let content = content.into_iter().map(PreparedContent::new).collect();
        Ok(Self { entries, content, expect, values, request })
    }
}

impl PreparedContent {
    fn new(content: ContentBlob) -> Self {
        let ContentBlob { digest, kind, media_type, bytes } = content;
        let (size, limit) = (bytes.len() as u64, LARGEST_COMPRESSED_CONTENT);
        let bytes = if bytes.len() <= limit { compress(&bytes) } else { CompressedBytes::uncompressed(bytes.to_vec()) };
        Self { digest, kind, media_type, size, bytes }
    }
}

impl Append {
    /// How many bytes it has, as far as that can grow.
    pub(crate) fn size(&self) -> u64 {
        let content = self.content.iter().map(|content| content.bytes.len());
        let entries = self.entries.iter().map(EntryDraft::size);
        let values = self.values.iter().flat_map(|changes| &changes.changes);
        let values = values.map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
        let answer = self.request.iter().map(|request| request.answer.len());
        content.chain(entries).chain(values).chain(answer).fold(0, |sum: u64, size| sum.saturating_add(size as u64))
    }
}
