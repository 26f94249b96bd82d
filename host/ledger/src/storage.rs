//! What a storage has to be able to do: the one seam between the ledger and a database.
//!
//! It is as narrow as that, because more than one database stands behind it. Whoever uses it may not assume that they
//! are the only process: between two calls anybody may have written, and only what is in one [`Append`] happens
//! together. A storage passes the tests of the crate `lockgate-storage-tests`, which say what
//! is said here in words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, mpsc};

use lockgate_domain::{Digest, Timestamp, counted};
use serde::{Deserialize, Serialize};

use crate::error::{FailureCause, StorageFailure};
use crate::note::{SigningKey, VerifyingKey};
use crate::tree::Hash;
use crate::{Append, CommittedAppend, Error, LedgerClock, SourceEntry, StorageHealth, StoredEntry};

/// Called once, from a thread of the storage, as soon as the outcome is known. It must return quickly, for example by
/// passing the outcome on: the next ones wait for it.
pub type AppendCallback = Box<dyn FnOnce(Result<CommittedAppend, Error>) + Send>;

/// What can be read of a log, and all that an [audit](crate::audit) or a [proof](crate::prove_inclusion) needs. It need
/// not be a storage: what a server hands out, page by page, will do, since none of it is believed unchecked.
pub trait LogSource: Send + Sync {
    /// The head of the log.
    ///
    /// # Errors
    /// If it cannot be read.
    fn head(&self) -> Result<LogHead, Error>;

    /// The entries that a query names, in its order. What the source withholds is not among them.
    ///
    /// # Errors
    /// If they cannot be read.
    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error>;

    /// The same, and for a query that names no stream, kind, id or team also the entries that the source withholds: so
    /// nothing is missing between the first and the last of them. A storage withholds nothing.
    ///
    /// # Errors
    /// If they cannot be read.
    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        Ok(self.entries(query)?.into_iter().map(SourceEntry::Whole).collect())
    }

    /// The hashes of [nodes](crate::tree) of the tree, in the order asked for. All of them have to be complete.
    ///
    /// # Errors
    /// If one is not there.
    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error>;

    /// The same, of a log that may be damaged: none for each that is not there. Mostly all of them are.
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

    /// The checkpoints that were kept, as signed notes, by size: those of more than `above` entries, at most `limit`.
    /// The first checkpoint after each change of keys is kept for ever, and of the others one for each minute.
    ///
    /// # Errors
    /// If they cannot be read.
    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error>;

    /// Content by digest; none if the ledger never had it.
    ///
    /// # Errors
    /// If it cannot be read.
    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error>;

    /// The digests of all content there is or was, in order: those after one, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read.
    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error>;
}

/// A database that holds a ledger. Every method may be called from many threads, and blocks until it has its answer.
pub trait Storage: LogSource {
    /// Writes all of it or nothing, and calls back when it is durable: on the disk, so that it is there after the power
    /// was cut. This is what an asynchronous caller uses; others use [`Self::append`].
    ///
    /// 1. A [`request`](Append::request) that was answered before is answered again, and nothing is written.
    /// 2. Every stream and namespace has the expected version, or it is an [`Error::Conflict`].
    /// 3. Every reference is to content that is there, or comes along.
    /// 4. Entries get the next places in the log and in their streams, in the order given, and the head of the log is
    ///    signed with the current key.
    fn submit(&self, append: Append, done: AppendCallback);

    /// [`Self::submit`], and waits.
    ///
    /// # Errors
    /// If it was not written, or nobody knows.
    fn append(&self, append: Append) -> Result<CommittedAppend, Error> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.submit(append, Box::new(move |outcome| drop(answer.send(outcome))));
        let gone = || StorageFailure::new(FailureCause::Closed, "it was closed before it answered").into();
        answered.recv().unwrap_or_else(|_| Err(gone()))
    }

    /// The answer that a [`request`](Append::request) was given, if it was answered before: for whoever wants to know
    /// before doing the work again.
    ///
    /// # Errors
    /// If it cannot be read, or the key was used for something of another digest.
    fn answered(&self, scope: &str, key: &str, digest: &Digest) -> Result<Option<Vec<u8>>, Error>;

    /// The versions of streams, in the order asked for, all of one moment: the `sequence` of the last entry, or 0.
    ///
    /// # Errors
    /// If they cannot be read.
    fn versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error>;

    /// The versions of streams as this process last knew them, which costs less to ask: what other processes wrote since
    /// may be missing. It is for whoever names them in [`Append::expect`]: what was missed is an [`Error::Conflict`] there,
    /// after which they are up to date.
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

    /// The digests of the content that entries of a team refer to, in order: those after one, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read.
    fn contents_of_team(&self, team: &str, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error>;

    /// Whether an entry of a team refers to that content.
    ///
    /// # Errors
    /// If it cannot be read.
    fn team_refers_to(&self, team: &str, digest: &Digest) -> Result<bool, Error>;

    /// Deletes what a rule names.
    ///
    /// # Errors
    /// If it cannot be done; part of it may have been.
    fn forget(&self, rule: &RetentionRule) -> Result<RetentionReport, Error>;

    /// Makes another key the current one, by an entry under a checkpoint that both the old and the new key sign.
    ///
    /// # Errors
    /// If this process has not the current key, or it cannot be written.
    fn rotate(&self, next: SigningKey) -> Result<CommittedAppend, Error>;

    /// The clock that everything that is decided or written goes by.
    fn clock(&self) -> &Arc<LedgerClock>;

    /// The time, by [`Self::clock`].
    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// Whether it takes entries.
    fn health(&self) -> StorageHealth;
}

/// The head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHead {
    /// How many entries there are.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// Both as a signed note.
    pub checkpoint: String,
    /// The key that signs now.
    pub key: VerifyingKey,
}

impl LogHead {
    /// Size and root alone.
    pub fn tree(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root }
    }
}

/// How many entries a log has at some moment, and the root of the tree over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeHead {
    /// How many entries there are.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl fmt::Display for TreeHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with the root {}", counted(self.size, "entry", "entries"), self.root)
    }
}

/// Which entries. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryQuery {
    /// Of that stream only.
    pub stream: Option<String>,
    /// Of that kind only.
    pub kind: Option<String>,
    /// With that id only.
    pub id: Option<String>,
    /// Of that team only. Together with a kind or an id it costs no more where other teams have many entries; with a stream,
    /// as much as the stream has entries; alone it looks at every entry within `from` and `before` until `limit` is reached.
    pub team: Option<String>,
    /// With at least that index.
    pub from: u64,
    /// With an index below that.
    pub before: Option<u64>,
    /// The newest first.
    pub newest_first: bool,
    /// At most that many. The last index that came back is the cursor for the next page.
    pub limit: usize,
}

impl EntryQuery {
    /// Whether it names a stream, a kind, an id or a team, and not only a part of the log.
    pub fn is_filtered(&self) -> bool {
        [&self.stream, &self.kind, &self.id, &self.team].into_iter().any(Option::is_some)
    }
}

/// Content of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContent {
    /// Its kind, as it was handed in the first time.
    pub kind: String,
    /// Its IANA media type.
    pub media_type: String,
    /// How many bytes it has, or had.
    pub size: u64,
    /// When it was stored.
    pub stored: Timestamp,
    /// The bytes, or when they were deleted.
    pub state: ContentState,
}

/// Whether content is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentState {
    /// It is.
    Present(Vec<u8>),
    /// It was deleted by retention at that moment; the log says so.
    Deleted(Timestamp),
}

/// The values of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceValues {
    /// How often the namespace was written to.
    pub version: u64,
    /// The values by key.
    pub values: BTreeMap<String, Vec<u8>>,
}

/// What may be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionRule {
    /// The bytes of content of that kind, if it was stored before that moment and no entry since refers to it. An entry
    /// of the log says so; the digests stay, so every proof still verifies.
    Content {
        /// The kind.
        kind: String,
        /// The moment.
        before: Timestamp,
    },
    /// What is remembered of requests before that moment: the same key is a new request from then on.
    Requests {
        /// The moment.
        before: Timestamp,
    },
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// How many pieces of content, or requests.
    pub count: u64,
    /// How many bytes the content had.
    pub bytes: u64,
}
