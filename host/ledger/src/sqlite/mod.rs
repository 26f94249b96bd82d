//! SQLite: the ledger in one file, for one machine.
//!
//! One thread writes and answers in groups ([`writer`]); any number of connections read what was committed last, and
//! wait for nobody. Other processes may have the same file open, to read or to write: SQLite's lock separates the
//! writers, and each transaction reads where the log stands before it goes on.

mod backup;
mod batch;
mod checkpointer;
mod connection;
mod examine;
mod files;
mod head_file;
mod loss;
mod migrate;
mod newest;
mod read;
mod requests;
mod retention;
mod row;
mod streams;
mod writer;
mod writer_connection;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::Duration;

use lockgate_domain::{Digest, Timestamp};
use rusqlite::Connection;

pub use backup::BackupReport;
pub use examine::{HeldContent, LedgerHoldings};
pub(crate) use files::sync_folder;
pub use migrate::SCHEMA_VERSION;

use self::head_file::{HeadFile, HeadRecord};
use self::read::Readers;
use self::streams::Streams;
use self::writer::{KeyLookup, Writer, WriterJob, WriterState};
use crate::append::PreparedAppend;
use crate::entry::{check_text, check_word};
use crate::error::{FailureCause, StorageFailure};
use crate::loss::{Loss, LossAcceptance};
use crate::note::SigningKey;
use crate::storage::{
    AppendCallback, EntryQuery, LogHead, LogSource, NamespaceValues, RetentionReport, RetentionRule, Storage,
    StoredContent, TreeHead,
};
use crate::system_entries::LossAccepted;
use crate::tree::Hash;
use crate::{Append, CommittedAppend, Error, InvalidEntry, LedgerClock, StorageHealth, StoredEntry, SystemClock};

/// The options of a SQLite ledger.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// How many writes may wait before further ones are refused. Default: 1024.
    pub queue: usize,
    /// How many bytes the waiting writes may have together. Default: 256 MiB.
    pub queue_bytes: u64,
    /// How many bytes one write may have. Default: 64 MiB.
    pub largest: u64,
    /// How long a write waits for another process that holds the file. Default: 5 s.
    pub busy: Duration,
    /// The system's clock. Default: that of this machine.
    pub clock: SystemClock,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            queue: 1024,
            queue_bytes: 256 << 20,
            largest: 64 << 20,
            busy: Duration::from_secs(5),
            clock: SystemClock::default(),
        }
    }
}

/// A ledger in a SQLite file. Dropping it answers all pending writes, and closes the file.
pub struct SqliteStorage {
    path: PathBuf,
    readers: Arc<Readers>,
    head_file: HeadFile,
    streams: Arc<Streams>,
    clock: Arc<LedgerClock>,
    writing: Option<Writing>,
    options: SqliteOptions,
}

struct Writing {
    jobs: Option<SyncSender<WriterJob>>,
    state: Arc<WriterState>,
    thread: Option<JoinHandle<()>>,
}

impl SqliteStorage {
    /// Opens a ledger to write and read. If there is no file, makes a ledger that `key` signs, and that has the key's
    /// name.
    ///
    /// # Errors
    /// If the file cannot be written, is not a ledger, or another key signs it.
    pub fn open(path: &Path, key: SigningKey, options: SqliteOptions) -> Result<Self, Error> {
        let own = key.verifying_key().to_string();
        let no_other = move |current: &str| Err(Error::key_retired(current.to_owned(), &own));
        Self::open_by_keys(path, key, Box::new(no_other), options, None).map(|(storage, _)| storage)
    }

    /// Opens a ledger as [`Self::open`] does. If another process changes keys, `keys` finds the new one, which signs
    /// from then on. Accepts a loss if `accepted` is given.
    pub(crate) fn open_by_keys(
        path: &Path,
        key: SigningKey,
        keys: KeyLookup,
        options: SqliteOptions,
        acceptance: Option<&LossAcceptance>,
    ) -> Result<(Self, Option<LossAccepted>), Error> {
        let new = !path.exists();
        let clock = Arc::new(LedgerClock::new(options.clock.clone()));
        let readers = Arc::new(Readers::new(path.to_owned(), options.busy));
        let (writer, accepted) =
            Writer::open(path, options.busy, Arc::clone(&readers), key, keys, acceptance, Arc::clone(&clock))
                .map_err(|error| files::explain(path, error))?;
        if new {
            let io =
                |error| StorageFailure::new(FailureCause::Io, format!("the folder of `{}`: {error}", path.display()));
            sync_folder(path).map_err(io)?;
        }
        let (jobs, received) = mpsc::sync_channel(options.queue);
        let (state, streams) = (writer.state(), writer.streams());
        let thread = std::thread::Builder::new().name("ledger".to_owned()).spawn(move || writer.run(&received));
        let thread =
            thread.map_err(|error| StorageFailure::new(FailureCause::Other, format!("no thread to write: {error}")))?;
        let writing = Some(Writing { jobs: Some(jobs), state, thread: Some(thread) });
        let head_file = HeadFile::beside(path, options.busy);
        Ok((Self { readers, head_file, path: path.to_owned(), streams, clock, writing, options }, accepted))
    }

    /// Refuses a ledger whose file is gone or empty while its head file or write-ahead file still exists. Does not
    /// refuse a ledger that never existed.
    ///
    /// # Errors
    /// [`Error::Loss`], or an error if the head file cannot be read.
    pub fn refuse_gone(path: &Path) -> Result<(), Error> {
        match loss::find_gone(path, &HeadFile::beside(path, SqliteOptions::default().busy))? {
            Some(loss) => Err(Error::Loss(Box::new(loss))),
            None => Ok(()),
        }
    }

    /// Whether no file of a ledger exists, or all are empty.
    pub(crate) fn is_absent(path: &Path) -> bool {
        files::is_empty(path) && !files::has_wal(path) && !Self::has_head_file(path)
    }

    /// Whether a ledger has a head file, which is the last file that a first start makes.
    pub(crate) fn has_head_file(path: &Path) -> bool {
        head_file::head_file_of(path).exists()
    }

    /// The log's head after the last commit, as the head file has it. None if the head file is missing or damaged.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn recorded(&self) -> Result<Option<TreeHead>, Error> {
        Ok(match self.head_file.read()? {
            HeadRecord::Head(head) => Some(head),
            HeadRecord::Missing | HeadRecord::Unreadable => None,
        })
    }

    /// What the ledger has lost according to its head file. None if it has lost nothing.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn loss(&self) -> Result<Option<Loss>, Error> {
        let found = self.ask(|connection| loss::find(connection, &self.path, &self.head_file, None));
        found.map_err(|error| files::explain(&self.path, error))
    }

    /// Opens a ledger only to read, for example a backup, or the ledger of a running server. It needs no key.
    ///
    /// # Errors
    /// If there is no such file, it is not a ledger, or it has another version than this program writes. A ledger that
    /// has [lost](Self::loss) a part can still be read as long as its file exists.
    pub fn open_read_only(path: &Path) -> Result<Self, Error> {
        let options = SqliteOptions::default();
        let readers = Arc::new(Readers::new(path.to_owned(), options.busy));
        let version = readers.read(migrate::version).map_err(|error| files::explain(path, error))?;
        let head_file = HeadFile::beside(path, options.busy);
        let clock = Arc::new(LedgerClock::new(options.clock.clone()));
        let opened =
            Self { readers, head_file, path: path.to_owned(), streams: Arc::default(), clock, writing: None, options };
        if version == SCHEMA_VERSION {
            opened.see_newest().map_err(|error| files::explain(path, error))?;
            return Ok(opened);
        }
        if let Some(loss) = opened.loss()? {
            return Err(Error::Loss(Box::new(loss)));
        }
        let message = format!("the file has version {version}: open it once to write, to bring it to {SCHEMA_VERSION}");
        Err(StorageFailure::new(FailureCause::Other, message).into())
    }

    /// Runs several queries on one state of the database.
    fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.readers.read(ask).inspect_err(|error| self.doubt(error))
    }

    /// Runs one query.
    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.readers.ask(ask).inspect_err(|error| self.doubt(error))
    }

    /// Has the writing thread check the ledger after a failed read.
    fn doubt(&self, error: &Error) {
        let is_damage = match error {
            Error::Unavailable(why) => matches!(why.cause, FailureCause::Corrupt | FailureCause::Io),
            Error::Loss(_) => true,
            _ => false,
        };
        let Some(writing) = self.writing.as_ref().filter(|_| is_damage) else { return };
        if !writing.state.doubted.swap(true, Ordering::Relaxed) && self.send(WriterJob::Probe).is_err() {
            // The queue is full: the writing thread notices the fault by its writes.
            writing.state.doubted.store(false, Ordering::Relaxed);
        }
    }

    /// Records the time of the newest entry in the file.
    fn see_newest(&self) -> Result<(), Error> {
        if let Some(at) = self.read(|connection| newest::newest(connection, 0))? {
            self.clock.saw(at);
        }
        Ok(())
    }

    /// Hands a job to the writing thread. Returns the job if that is not possible.
    fn send(&self, job: WriterJob) -> Result<(), Box<(WriterJob, Error)>> {
        let unavailable = |cause, message: &str| Error::from(StorageFailure::new(cause, message));
        let Some(writing) = &self.writing else {
            return Err(Box::new((job, unavailable(FailureCause::ReadOnly, "it was opened to read only"))));
        };
        let Some(jobs) = &writing.jobs else {
            return Err(Box::new((job, unavailable(FailureCause::Closed, "it was closed"))));
        };
        let bytes = if let WriterJob::Append { bytes, .. } = &job { *bytes } else { 0 };
        let waiting = writing.state.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting_bytes = writing.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let outcome = if waiting_bytes > 0 && waiting_bytes + bytes > self.options.queue_bytes {
            Err(TrySendError::Full(job))
        } else {
            jobs.try_send(job)
        };
        outcome.map_err(|error| {
            writing.state.waiting.fetch_sub(1, Ordering::Relaxed);
            writing.state.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            Box::new(match error {
                TrySendError::Full(job) => (job, Error::Overloaded { waiting, limit: self.options.queue }),
                TrySendError::Disconnected(job) => {
                    (job, unavailable(FailureCause::Closed, "the thread that writes is gone"))
                }
            })
        })
    }

    /// Records the time of the entries once they are written.
    fn noting_time(&self, at: Option<Timestamp>, done: AppendCallback) -> AppendCallback {
        let Some(at) = at else { return done };
        let clock = Arc::clone(&self.clock);
        Box::new(move |outcome| {
            if outcome.as_ref().is_ok_and(|appended| appended.repeat.is_none()) {
                clock.saw(at);
            }
            done(outcome);
        })
    }

    /// Checks an append as far as that is possible without the file. Returns its size in bytes.
    fn checked(&self, append: &Append) -> Result<u64, Error> {
        for content in &append.content {
            check_word("kind of content", &content.kind)?;
            check_text("media type", &content.media_type)?;
        }
        for changes in &append.values {
            check_text("namespace", &changes.namespace)?;
            changes.changes.keys().try_for_each(|key| check_text("value", key))?;
        }
        if let Some(request) = &append.request {
            check_text("scope of requests", &request.scope)?;
            check_text("request", &request.key)?;
            if append.entries.is_empty() {
                return Err(InvalidEntry::NoEntry { key: request.key.clone() }.into());
            }
        }
        let (size, limit) = (append.size(), self.options.largest);
        if size > limit { Err(Error::TooLarge { size, limit }) } else { Ok(size) }
    }
}

impl LogSource for SqliteStorage {
    fn head(&self) -> Result<LogHead, Error> {
        self.read(read::head)
    }

    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
        let entries = self.read(|connection| read::entries(connection, query))?;
        // Another process may have written them.
        if let Some(at) = entries.iter().map(|entry| entry.at).max() {
            self.clock.saw(at);
        }
        Ok(entries)
    }

    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        self.read(|connection| read::nodes(connection, nodes))
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.read(|connection| read::checkpoints(connection, above, limit))
    }

    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        self.read(|connection| read::content(connection, digest))
    }

    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.read(|connection| read::contents(connection, after, limit))
    }
}

impl Storage for SqliteStorage {
    fn submit(&self, append: Append, done: AppendCallback) {
        let at = append.entries.iter().map(|entry| entry.filing.at).max();
        let prepared = self.checked(&append).and_then(|bytes| Ok((bytes, Box::new(PreparedAppend::new(append)?))));
        let (bytes, append) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return done(Err(error)),
        };
        let done = self.noting_time(at, done);
        if let Err(refused) = self.send(WriterJob::Append { append, bytes, done })
            && let (WriterJob::Append { done, .. }, error) = *refused
        {
            done(Err(error));
        }
    }

    fn answered(&self, scope: &str, key: &str, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.read(|connection| requests::answered(connection, scope, key, digest))
    }

    fn versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error> {
        if streams.len() <= read::VERSIONS {
            return self.ask(|connection| read::versions(connection, streams));
        }
        self.read(|connection| {
            let mut versions = Vec::with_capacity(streams.len());
            for some in streams.chunks(read::VERSIONS) {
                versions.extend(read::versions(connection, some)?);
            }
            Ok(versions)
        })
    }

    fn recent_versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error> {
        // Only a process that writes learns of the versions that it missed.
        if let Some(known) = self.writing.as_ref().and_then(|_| self.streams.versions(streams)) {
            return Ok(known);
        }
        let versions = self.versions(streams)?;
        self.streams.learn(streams.iter().copied().zip(versions.iter().copied()));
        Ok(versions)
    }

    fn values(&self, namespace: &str, prefix: &str) -> Result<NamespaceValues, Error> {
        self.read(|connection| read::values(connection, namespace, prefix))
    }

    fn value(&self, namespace: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.read(|connection| read::value(connection, namespace, key))
    }

    fn contents_of_team(&self, team: &str, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.ask(|connection| read::contents_of_team(connection, team, after, limit))
    }

    fn team_refers_to(&self, team: &str, digest: &Digest) -> Result<bool, Error> {
        self.ask(|connection| read::team_refers_to(connection, team, digest))
    }

    fn forget(&self, rule: &RetentionRule) -> Result<RetentionReport, Error> {
        let mut all = RetentionReport::default();
        loop {
            let (answer, answered) = mpsc::sync_channel(1);
            let done = Box::new(move |outcome| drop(answer.send(outcome)));
            self.send(WriterJob::Forget { rule: rule.clone(), done }).map_err(|refused| refused.1)?;
            let some = answered.recv().unwrap_or_else(|_| Err(closed()))?;
            if some.count == 0 {
                self.see_newest()?;
                return Ok(all);
            }
            all = RetentionReport { count: all.count + some.count, bytes: all.bytes + some.bytes };
        }
    }

    fn rotate(&self, next: SigningKey) -> Result<CommittedAppend, Error> {
        let (answer, answered) = mpsc::sync_channel(1);
        let done = Box::new(move |outcome| drop(answer.send(outcome)));
        self.send(WriterJob::Rotate { next, done }).map_err(|refused| refused.1)?;
        let rotated = answered.recv().unwrap_or_else(|_| Err(closed()))?;
        self.see_newest()?;
        Ok(rotated)
    }

    fn clock(&self) -> &Arc<LedgerClock> {
        &self.clock
    }

    fn health(&self) -> StorageHealth {
        let limit = self.options.queue;
        match &self.writing {
            Some(writing) => {
                let waiting = writing.state.waiting.load(Ordering::Relaxed);
                StorageHealth { failing: writing.state.failing(), waiting, limit }
            }
            None => StorageHealth { failing: None, waiting: 0, limit },
        }
    }
}

impl Drop for SqliteStorage {
    fn drop(&mut self) {
        if let Some(writing) = &mut self.writing {
            // The writing connection must be the last to close: it moves the pages of the write-ahead file.
            self.readers.close();
            writing.jobs = None;
            // The last owner may be a caller's answer, which runs on the writing thread itself.
            if let Some(thread) = writing.thread.take().filter(|t| t.thread().id() != std::thread::current().id()) {
                drop(thread.join());
            }
        }
    }
}

fn closed() -> Error {
    StorageFailure::new(FailureCause::Closed, "it was closed before it answered").into()
}
