//! What one append writes, the conditions for it, and its result.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Digest;

use crate::binding::RequestBinding;
use crate::compression::{CompressedBytes, compress};
use crate::entry::PreparedEntry;
use crate::tree::Hash;
use crate::{EntryDraft, Error};

/// Everything that one answer to a client depends on. The ledger writes all of it or nothing.
///
/// A decision brings its receipts and events as entries, its snapshot and evidence as content, and the data that its
/// plugins remember as values. Other readers see none of it before all of it is on the disk.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// The entries, in the order in which they happened.
    pub entries: Vec<EntryDraft>,
    /// The content that the entries refer to, as far as the ledger may not have it yet.
    pub content: Vec<ContentBlob>,
    /// The versions that streams must have before this append is written.
    pub expect: Vec<ExpectedVersion>,
    /// Changes of values, by namespace.
    pub values: Vec<ValueChanges>,
    /// Makes it safe to send the same append twice. The append then needs an entry, which binds the answer to the log.
    pub request: Option<IdempotentRequest>,
}

/// A condition: the stream has exactly this version. The append need not write to the stream: a decision that depends
/// on other deployments of an environment can name the environment's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedVersion {
    pub stream: String,
    /// The `sequence` of its last entry; 0 if it has none.
    pub version: u64,
}

/// Bytes that entries refer to, such as a snapshot or a piece of evidence. The ledger keeps equal bytes once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentBlob {
    pub(crate) digest: Digest,
    pub(crate) kind: String,
    pub(crate) media_type: String,
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl ContentBlob {
    /// Content of a kind, such as `snapshot` or `evidence` (retention rules name a kind), with its IANA media type. The
    /// digest is computed here, so that the thread that writes need not do it.
    pub fn new(kind: &str, media_type: &str, bytes: Arc<Vec<u8>>) -> Self {
        Self { digest: Digest::of(&bytes), kind: kind.to_owned(), media_type: media_type.to_owned(), bytes }
    }

    /// The digest that entries use to refer to this content.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Changes of the values of one namespace. Values are not part of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueChanges {
    pub namespace: String,
    /// The version that the namespace must have: 0 if nobody ever wrote to it. None if the version does not matter.
    pub expect: Option<u64>,
    /// The new value of each key. None removes the key.
    pub changes: BTreeMap<String, Option<Vec<u8>>>,
}

/// Identifies a client's request. The ledger answers a request with the same scope and key as it answered the first
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// The owner of the key, for example a client: two clients may choose the same key.
    pub scope: String,
    /// The key that the client chose.
    pub key: String,
    /// The digest of the request. The same key with another digest is an error.
    pub digest: Digest,
    /// The answer, which a repeated request gets byte for byte.
    pub answer: Vec<u8>,
}

/// How long a write is tried again while other writers change the versions that it depends on.
const RETRIED_FOR: Duration = Duration::from_secs(20);

/// The least number of attempts, however long they take.
const RETRIED_AT_LEAST: usize = 8;

/// Counts the attempts at a write that depends on versions. After an [`Error::Conflict`] the caller reads and tries
/// again.
///
/// Attempts are limited by time, not by number: on a busy machine, a process that is a little slower than another one loses
/// many times in a row.
#[derive(Debug)]
pub struct WriteAttempts {
    began: Instant,
    lost: usize,
}

impl WriteAttempts {
    /// Starts the clock for the first attempt.
    #[must_use]
    pub fn begin() -> Self {
        Self { began: Instant::now(), lost: 0 }
    }

    /// Counts a lost attempt. Returns whether the caller should try again.
    pub fn lose(&mut self) -> bool {
        self.lost += 1;
        self.lost <= RETRIED_AT_LEAST || self.began.elapsed() < RETRIED_FOR
    }

    /// The number of lost attempts.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.lost
    }
}

/// The result of an append, which is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedAppend {
    /// The position of each entry, in the order of [`Append::entries`].
    pub entries: Vec<EntryPosition>,
    /// A signed checkpoint of a log that holds these entries, and those that other appends added at the same time.
    pub checkpoint: String,
    /// The version of each namespace that the append wrote to. Empty if the append is a [repeat](Self::repeat).
    pub namespaces: BTreeMap<String, u64>,
    /// The first answer, if the request had been answered before. Nothing was written now.
    pub repeat: Option<Vec<u8>>,
}

/// The position of an entry in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPosition {
    /// The index in the log, from 0.
    pub index: u64,
    pub stream: String,
    /// The place in the stream, from 1.
    pub sequence: u64,
    /// The hash of the entry's leaf.
    pub hash: Hash,
}

/// The largest content that is compressed, in bytes. Larger content is kept as it is.
pub(crate) const LARGEST_COMPRESSED_CONTENT: usize = 16 << 20;

/// An append, prepared as far as that is possible before it is written, so that the thread that writes has little to
/// do.
#[derive(Debug)]
pub(crate) struct PreparedAppend {
    pub(crate) entries: Vec<PreparedEntry>,
    pub(crate) content: Vec<PreparedContent>,
    pub(crate) expect: Vec<ExpectedVersion>,
    pub(crate) values: Vec<ValueChanges>,
    pub(crate) request: Option<PreparedRequest>,
}

/// A request, the digest that binds its answer to the first entry, and the answer as a row holds it.
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
    /// The size of the uncompressed content, in bytes.
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
        // The first entry of a request names the digest that binds the answer.
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
    /// The size in bytes, counting only the parts that can grow.
    pub(crate) fn size(&self) -> u64 {
        let content = self.content.iter().map(|content| content.bytes.len());
        let entries = self.entries.iter().map(EntryDraft::size);
        let values = self.values.iter().flat_map(|changes| &changes.changes);
        let values = values.map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
        let answer = self.request.iter().map(|request| request.answer.len());
        content.chain(entries).chain(values).chain(answer).fold(0, |sum: u64, size| sum.saturating_add(size as u64))
    }
}
