//! The interface between the ledger and a database.
//!
//! The interface is narrow, because more than one database implements it. A caller must not assume that it is the only
//! process: between two calls any other process may write, and only the parts of one [`Append`] are written together.
//! The crate `lockgate-storage-tests` tests a storage for everything that is promised here.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, mpsc};

use lockgate_domain::{Digest, Timestamp, counted};
use serde::{Deserialize, Serialize};

use crate::error::{FailureCause, StorageFailure};
use crate::note::{SigningKey, VerifyingKey};
use crate::tree::Hash;
use crate::{Append, CommittedAppend, Error, LedgerClock, SourceEntry, StorageHealth, StoredEntry};

/// A callback. A thread of the storage calls it once, as soon as the outcome is known. It must return quickly, for
/// example by passing the outcome on, because the next callbacks wait for it.
pub type AppendCallback = Box<dyn FnOnce(Result<CommittedAppend, Error>) + Send>;

/// What can be read of a log, which is all that an [audit](crate::audit) or a [proof](crate::prove_inclusion) needs. It
/// need not be a storage: the pages that a server returns are enough, because everything in them is verified.
pub trait LogSource: Send + Sync {
    /// The head of the log.
    ///
    /// # Errors
    /// If it cannot be read.
    fn head(&self) -> Result<LogHead, Error>;

    /// The entries that match a query, in its order. Entries that the source withholds are not among them.
    ///
    /// # Errors
    /// If they cannot be read.
    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error>;

    /// The entries that match a query. If it names no stream, kind, id or team, the withheld entries are included too,
    /// so that none is missing between the first and the last. A storage withholds nothing.
    ///
    /// # Errors
    /// If they cannot be read.
    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        Ok(self.entries(query)?.into_iter().map(SourceEntry::Whole).collect())
    }

    /// The hashes of [nodes](crate::tree) of the tree, in the order asked for. All of them must be complete.
    ///
    /// # Errors
    /// If a node is missing.
    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error>;

    /// The hashes of nodes of a log that may be damaged: none for each missing node. Usually all nodes are present.
    ///
    /// # Errors
    /// If they cannot be read.
    fn nodes_found(&self, nodes: &[u64]) -> Result<Vec<Option<Hash>>, Error> {
        let one = |node: &u64| match self.nodes(std::slice::from_ref(node)) {
            Ok(hashes) => Ok(hashes.first().copied()),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        };
        match self.nodes(nodes) {
            Ok(hashes) => Ok(hashes.into_iter().map(Some).collect()),
            Err(Error::NotFound(_)) => nodes.iter().map(one).collect(),
            Err(error) => Err(error),
        }
    }

    /// The stored checkpoints with more than `above` entries, as signed notes, by size, at most `limit`. The ledger
    /// keeps the first checkpoint after each change of keys for ever, and of the others one for each minute.
    ///
    /// # Errors
    /// If they cannot be read.
    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error>;

    /// Content by digest; none if the ledger never had it.
    ///
    /// # Errors
    /// If it cannot be read.
    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error>;

    /// The digests of all content, present or deleted, in order: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read.
    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error>;
}

/// A database that holds a ledger. Many threads may call each method. A method blocks until it has its answer.
pub trait Storage: LogSource {
    /// Writes all of the append or nothing, and calls back when it is durable: on the disk, so that it survives a power
    /// cut. Asynchronous callers use this; others use [`Self::append`].
    ///
    /// 1. If the [`request`](Append::request) was answered before, the caller gets that answer again, and nothing is
    ///    written.
    /// 2. Every stream and namespace must have the expected version; otherwise the outcome is [`Error::Conflict`].
    /// 3. Every reference must name content that is in the ledger or in the append.
    /// 4. Entries get the next places in the log and in their streams, in the order given, and the head of the log is
    ///    signed with the current key.
    fn submit(&self, append: Append, done: AppendCallback);

    /// Calls [`Self::submit`], and waits for the outcome.
    ///
    /// # Errors
    /// If it was not written, or the outcome is unknown.
    fn append(&self, append: Append) -> Result<CommittedAppend, Error> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.submit(append, Box::new(move |outcome| drop(answer.send(outcome))));
        let gone = || StorageFailure::new(FailureCause::Closed, "it was closed before it answered").into();
        answered.recv().unwrap_or_else(|_| Err(gone()))
    }

    /// The answer that a [`request`](Append::request) got, if it was answered before. Callers use it to avoid doing the
    /// work again.
    ///
    /// # Errors
    /// If it cannot be read, or the key was used for a request with another digest.
    fn answered(&self, scope: &str, key: &str, digest: &Digest) -> Result<Option<Vec<u8>>, Error>;

    /// The versions of streams at one moment, in the order asked for: the `sequence` of the last entry, or 0.
    ///
    /// # Errors
    /// If they cannot be read.
    fn versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error>;

    /// The versions of streams as this process last knew them, which is cheaper: it may lack what other processes wrote
    /// since. It is for callers that name the versions in [`Append::expect`]: an old version leads to an
    /// [`Error::Conflict`] there, after which the known versions are up to date.
    ///
    /// # Errors
    /// If they cannot be read.
    fn recent_versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error> {
        self.versions(streams)
    }

    /// The version of a stream: the `sequence` of its last entry, or 0.
    ///
    /// # Errors
    /// If it cannot be read.
    fn version(&self, stream: &str) -> Result<u64, Error> {
        Ok(self.versions(&[stream])?.first().copied().unwrap_or(0))
    }

    /// All values of a namespace whose keys begin with the prefix, together with the version of the namespace.
    ///
    /// # Errors
    /// If they cannot be read.
    fn values(&self, namespace: &str, prefix: &str) -> Result<NamespaceValues, Error>;

    /// One value, if there is one.
    ///
    /// # Errors
    /// If it cannot be read.
    fn value(&self, namespace: &str, key: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The digests of the content that entries of a team refer to, in order: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read.
    fn contents_of_team(&self, team: &str, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error>;

    /// Whether an entry of a team refers to that content.
    ///
    /// # Errors
    /// If it cannot be read.
    fn team_refers_to(&self, team: &str, digest: &Digest) -> Result<bool, Error>;

    /// Deletes the content or requests that a rule names.
    ///
    /// # Errors
    /// If the deletion fails; part of it may have been done.
    fn forget(&self, rule: &RetentionRule) -> Result<RetentionReport, Error>;

    /// Makes another key the current one, by an entry under a checkpoint that both the old and the new key sign.
    ///
    /// # Errors
    /// If this process does not have the current key, or the entry cannot be written.
    fn rotate(&self, next: SigningKey) -> Result<CommittedAppend, Error>;

    /// The clock for everything that is decided or written.
    fn clock(&self) -> &Arc<LedgerClock>;

    /// The time, by [`Self::clock`].
    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Whether the storage takes entries.
    fn health(&self) -> StorageHealth;
}

/// The head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over the entries.
    pub root: Hash,
    /// Size and root as a signed note.
    pub checkpoint: String,
    /// The log's current key.
    pub key: VerifyingKey,
}

impl LogHead {
    /// Size and root alone.
    pub fn tree(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root }
    }
}

/// The number of entries that a log has at some moment, and the root of the tree over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeHead {
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over the entries.
    pub root: Hash,
}

impl fmt::Display for TreeHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with the root {}", counted(self.size, "entry", "entries"), self.root)
    }
}

/// Selects entries. An entry must meet all conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryQuery {
    /// Only entries of this stream.
    pub stream: Option<String>,
    /// Only entries of this kind.
    pub kind: Option<String>,
    /// Only entries with this id.
    pub id: Option<String>,
    /// Only entries of this team. With a kind or an id, it costs no more where other teams have many entries. With a
    /// stream, it costs as much as the stream has entries. Alone, it reads every entry within `from` and `before` until
    /// `limit` is reached.
    pub team: Option<String>,
    /// Only entries with at least this index.
    pub from: u64,
    /// Only entries with a smaller index.
    pub before: Option<u64>,
    /// Whether the newest entry comes first.
    pub newest_first: bool,
    /// The most entries to return. The index of the last one is the cursor for the next page.
    pub limit: usize,
}

impl EntryQuery {
    /// Whether the query names a stream, a kind, an id or a team, and not only a part of the log.
    pub fn is_filtered(&self) -> bool {
        [&self.stream, &self.kind, &self.id, &self.team].into_iter().any(Option::is_some)
    }
}

/// Content of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// The kind that was given when the content was first handed in.
    pub kind: String,
    /// The IANA media type.
    pub media_type: String,
    /// The size in bytes, also after the bytes were deleted.
    pub size: u64,
    /// When the content was stored.
    pub stored: Timestamp,
    /// The bytes, or the time of their deletion.
    pub state: ContentState,
}

/// Whether content is still present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentState {
    Present(Vec<u8>),
    /// Retention deleted the content at this moment, which the log records.
    Deleted(Timestamp),
}

/// The values of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceValues {
    /// How often the namespace was written to.
    pub version: u64,
    pub values: BTreeMap<String, Vec<u8>>,
}

/// What the names of streams begin with whose newest entry says what is so now. Retention never deletes the content that it
/// refers to.
pub const KEEPS_NEWEST: &str = "register/";

/// A rule that says what to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionRule {
    /// Deletes the bytes of content of a kind that was stored before a moment and that no later entry refers to, nor the
    /// newest one of a stream that [keeps](KEEPS_NEWEST) its content. An entry of the log records the deletion; the digests
    /// stay, so every proof still verifies.
    Content { kind: String, before: Timestamp },
    /// Forgets the requests before a moment: the same key is a new request from then on.
    Requests { before: Timestamp },
}

/// The result of a deletion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// How many pieces of content, or how many requests, were deleted.
    pub count: u64,
    /// The size of the deleted content, in bytes.
    pub bytes: u64,
}
