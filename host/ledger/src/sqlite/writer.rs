//! The one thread that writes: it takes the waiting appends, writes them in one transaction, and answers when that is
//! on the disk.
//!
//! While the disk is busy with one transaction, the next appends gather in the queue and become the next transaction:
//! the slower the disk, the larger the groups. After a failure no caller is told that its append was written. The
//! thread drops the connection, because the connection's view of the file may be wrong, and repeats a small write until
//! it works.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use lockgate_domain::Timestamp;
use parking_lot::Mutex;

use super::batch::{Batch, KnownState};
use super::checkpointer;
use super::connection::unavailable;
use super::newest::newest;
use super::read::Readers;
use super::retention;
use super::streams::Streams;
use super::writer_connection::WriterConnection;
use crate::append::{CommittedAppend, PreparedAppend};
use crate::error::{FailureCause, StorageFailure};
use crate::loss::LossAcceptance;
use crate::note::SigningKey;
use crate::storage::{AppendCallback, RetentionReport, RetentionRule};
use crate::system_entries::{BACKUP_RESTORED, LOG_KEY, LOSS_ACCEPTED, LogKey, LossAccepted};
use crate::{Error, LedgerClock, SystemClock};

/// The most appends in one transaction. Their bytes are limited as well.
const MOST_APPENDS: usize = 256;
const MOST_BYTES: u64 = 32 << 20;
/// How often the thread tries whether writing works again.
const PROBE_EACH: Duration = Duration::from_millis(500);

/// A job for the writing thread.
pub(super) enum WriterJob {
    Append {
        append: Box<PreparedAppend>,
        bytes: u64,
        done: AppendCallback,
    },
    Rotate {
        next: SigningKey,
        done: AppendCallback,
    },
    Forget {
        rule: RetentionRule,
        done: Box<dyn FnOnce(Result<RetentionReport, Error>) + Send>,
    },
    /// A read failed: check the ledger.
    Probe,
}

/// What other threads may know of the writing thread.
#[derive(Default)]
pub(super) struct WriterState {
    pub(super) waiting: AtomicUsize,
    pub(super) waiting_bytes: AtomicU64,
    /// Whether a [`WriterJob::Probe`] is waiting.
    pub(super) doubted: AtomicBool,
    pub(super) failing: Mutex<Option<(Timestamp, StorageFailure)>>,
}

impl WriterState {
    pub(super) fn failing(&self) -> Option<(Timestamp, StorageFailure)> {
        self.failing.lock().clone()
    }

    fn note(&self, outcome: Result<(), StorageFailure>) {
        let mut failing = self.failing.lock();
        *failing = outcome.err().map(|why| (failing.as_ref().map_or_else(system_time, |(since, _)| *since), why));
    }
}

/// The start of a failure is reported and not stored, so the machine's own clock is good enough.
fn system_time() -> Timestamp {
    LedgerClock::new(SystemClock::default()).now()
}

/// Finds the current key of a log by its verifying half, after another process has changed keys.
pub(crate) type KeyLookup = Box<dyn Fn(&str) -> Result<SigningKey, Error> + Send>;

pub(super) struct Writer {
    file: WriterConnection,
    key: SigningKey,
    keys: KeyLookup,
    known: KnownState,
    /// Whether the head file lacks the last commit.
    unrecorded: bool,
    state: Arc<WriterState>,
}

impl Writer {
    /// Opens the file, and makes the log if there is none. Refuses a loss, or accepts it and records it in the log.
    pub(super) fn open(
        ledger: &Path,
        busy: Duration,
        readers: Arc<Readers>,
        key: SigningKey,
        keys: KeyLookup,
        acceptance: Option<&LossAcceptance>,
        clock: Arc<LedgerClock>,
    ) -> Result<(Self, Option<LossAccepted>), Error> {
        let (file, loss) = WriterConnection::open(ledger, busy, readers, acceptance.is_some())?;
        let known = KnownState::of(ledger.to_owned(), Arc::clone(&clock));
        let mut this = Self { file, key, keys, known, unrecorded: false, state: Arc::default() };
        let connection = this.file.get(&mut this.known)?;
        if let Some(at) = newest(connection, 0)? {
            clock.saw(at);
        }
        if let Some(mut batch) = Batch::create(connection, &this.key, &mut this.known)? {
            let first = LogKey { key: this.key.verifying_key().clone(), replaces: None };
            batch.apply_system_entry(LOG_KEY, &first)?;
            batch.commit(&[&this.key], true)?;
        }
        let loss = loss.or_else(|| acceptance?.lost.clone());
        let accepted = acceptance.zip(loss).map(|(acceptance, loss)| LossAccepted {
            expected: loss.expected.tree(),
            found: loss.found,
            reason: acceptance.reason.clone(),
        });
        this.begin_anew(accepted.as_ref())?;
        Ok((this, accepted))
    }

    /// The first transaction: checks that the key is the current one and that the tree fits its head, and records a
    /// loss or a restored backup in the log.
    fn begin_anew(&mut self, accepted: Option<&LossAccepted>) -> Result<(), Error> {
        let connection = self.file.get(&mut self.known)?;
        let mut batch = Batch::begin(connection, &self.key, &mut self.known)?;
        let (has_head_file, backup) = batch.marks()?;
        if let Some(accepted) = accepted {
            batch.apply_system_entry(LOSS_ACCEPTED, accepted)?;
        }
        if let Some(restored) = &backup {
            batch.apply_system_entry(BACKUP_RESTORED, restored)?;
            batch.unmark_backup()?;
        }
        batch.commit(&[&self.key], accepted.is_some() || backup.is_some())?;
        if let Some(head) = self.known.head() {
            match accepted {
                Some(_) => self.file.record_loss(head)?,
                None => self.file.record(head)?,
            }
        }
        if !has_head_file {
            let batch = Batch::begin(self.file.get(&mut self.known)?, &self.key, &mut self.known)?;
            batch.mark_head_file()?;
            batch.commit(&[], false)?;
        }
        // From here on the database itself says that it has a head file, so that the ledger notices if the head file
        // and the write-ahead file are removed together.
        checkpointer::empty(self.file.get(&mut self.known)?);
        Ok(())
    }

    pub(super) fn streams(&self) -> Arc<Streams> {
        self.known.streams()
    }

    pub(super) fn state(&self) -> Arc<WriterState> {
        Arc::clone(&self.state)
    }

    /// Works until no sender is left and every job is answered.
    pub(super) fn run(mut self, jobs: &Receiver<WriterJob>) {
        self.work(jobs);
        self.file.finish();
    }

    fn work(&mut self, jobs: &Receiver<WriterJob>) {
        let mut put_back = None;
        loop {
            let failing = self.state.failing().is_some();
            let job = match put_back.take() {
                Some(job) => job,
                None if failing => match jobs.recv_timeout(PROBE_EACH) {
                    Ok(job) => self.taken(job),
                    Err(RecvTimeoutError::Timeout) => {
                        let outcome = self.by_current_key(Self::probe);
                        self.note(&outcome);
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                },
                None => match jobs.recv() {
                    Ok(job) => self.taken(job),
                    Err(_) => return,
                },
            };
            match job {
                WriterJob::Append { append, bytes, done } => {
                    let mut group = vec![(append, done)];
                    put_back = self.gather(jobs, &mut group, bytes);
                    self.append(group);
                }
                WriterJob::Rotate { next, done } => {
                    let outcome = self.rotate(next);
                    self.note(&outcome);
                    answer(done, outcome);
                }
                WriterJob::Forget { rule, done } => {
                    let outcome = self.by_current_key(|writer| writer.forget(&rule));
                    self.note(&outcome);
                    answer(done, outcome);
                }
                WriterJob::Probe => {
                    self.state.doubted.store(false, Ordering::Relaxed);
                    let outcome = self.by_current_key(Self::probe);
                    self.note(&outcome);
                }
            }
            self.file.empty_wal();
        }
    }

    fn taken(&self, job: WriterJob) -> WriterJob {
        self.state.waiting.fetch_sub(1, Ordering::Relaxed);
        if let WriterJob::Append { bytes, .. } = &job {
            self.state.waiting_bytes.fetch_sub(*bytes, Ordering::Relaxed);
        }
        job
    }

    /// Takes the waiting jobs that fit into the same transaction. Returns the first one that does not.
    fn gather(
        &self,
        jobs: &Receiver<WriterJob>,
        group: &mut Vec<(Box<PreparedAppend>, AppendCallback)>,
        mut bytes: u64,
    ) -> Option<WriterJob> {
        while group.len() < MOST_APPENDS && bytes < MOST_BYTES {
            match jobs.try_recv() {
                Ok(job) => match self.taken(job) {
                    WriterJob::Append { append, bytes: more, done } => {
                        bytes += more;
                        group.push((append, done));
                    }
                    other => return Some(other),
                },
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
        None
    }

    fn append(&mut self, group: Vec<(Box<PreparedAppend>, AppendCallback)>) {
        let written = self.by_current_key(|writer| writer.write(&group));
        self.note(&written);
        match written {
            Ok(outcomes) => {
                for ((_, done), outcome) in group.into_iter().zip(outcomes) {
                    answer(done, outcome);
                }
            }
            // One of them is to blame, and not the disk, so the others need not fail.
            Err(Error::Unavailable(StorageFailure { cause: FailureCause::Other, .. })) if group.len() > 1 => {
                for one in group {
                    self.append(vec![one]);
                }
            }
            Err(error) => group.into_iter().for_each(|(_, done)| answer(done, Err(error.clone()))),
        }
    }

    /// Runs work that writes. Repeats it once with the log's current key if another process has changed keys.
    fn by_current_key<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        match work(self) {
            Err(Error::KeyRetired { current, .. }) => {
                self.key = (self.keys)(&current)?;
                work(self)
            }
            outcome => outcome,
        }
    }

    /// Writes a group, and returns the outcome of each append. An error means that the whole group is lost.
    fn write(
        &mut self,
        group: &[(Box<PreparedAppend>, AppendCallback)],
    ) -> Result<Vec<Result<CommittedAppend, Error>>, Error> {
        self.catch_up_record()?;
        let connection = self.file.get(&mut self.known)?;
        let mut batch = Batch::begin(connection, &self.key, &mut self.known)?;
        let mut outcomes = Vec::new();
        for (append, _) in group {
            outcomes.push(batch.apply(append)?);
        }
        let checkpoint = batch.commit(&[&self.key], false)?;
        self.record()?;
        for appended in outcomes.iter_mut().flatten() {
            appended.checkpoint.clone_from(&checkpoint);
        }
        Ok(outcomes)
    }

    fn rotate(&mut self, next: SigningKey) -> Result<CommittedAppend, Error> {
        self.catch_up_record()?;
        let connection = self.file.get(&mut self.known)?;
        let mut batch = Batch::begin(connection, &self.key, &mut self.known)?;
        let replaces = Some(self.key.verifying_key().clone());
        let change = LogKey { key: next.verifying_key().clone(), replaces };
        let mut appended = batch.apply_system_entry(LOG_KEY, &change)?;
        appended.checkpoint = batch.commit(&[&self.key, &next], true)?;
        self.key = next;
        self.record()?;
        Ok(appended)
    }

    fn forget(&mut self, rule: &RetentionRule) -> Result<RetentionReport, Error> {
        self.catch_up_record()?;
        let connection = self.file.get(&mut self.known)?;
        let mut batch = Batch::begin(connection, &self.key, &mut self.known)?;
        let forgotten = retention::some(&mut batch, rule)?;
        batch.commit(&[&self.key], false)?;
        self.record()?;
        Ok(forgotten)
    }

    /// Reads through a new connection, and writes more than a page or two, so that a nearly full disk does not pass as
    /// a sound one.
    fn probe(&mut self) -> Result<(), Error> {
        self.catch_up_record()?;
        self.file.check_reading(self.known.head())?;
        let connection = self.file.get(&mut self.known)?;
        let batch = Batch::begin(connection, &self.key, &mut self.known)?;
        let sql = "INSERT OR REPLACE INTO probe (id, bytes) VALUES (1, randomblob(65536))";
        batch.transaction().execute(sql, []).map_err(unavailable)?;
        batch.commit(&[], false)?;
        self.record()
    }

    /// Records the commit in the head file before any caller is answered: entries that the head file does not count
    /// could be lost unnoticed.
    fn record(&mut self) -> Result<(), Error> {
        let Some(head) = self.known.head() else { return Ok(()) };
        let recorded = self.file.record(head);
        self.unrecorded = recorded.is_err();
        recorded.map_err(|StorageFailure { cause, message }| {
            let rest = "what was just written may be in the ledger all the same: the same request under the same idempotency \
                        key tells. Nothing more is written until the head file can be written";
            StorageFailure::new(cause, format!("{message}; {rest}")).into()
        })
    }

    /// Writes nothing while the head file does not count everything in the ledger.
    fn catch_up_record(&mut self) -> Result<(), Error> {
        if self.unrecorded { self.record() } else { Ok(()) }
    }

    /// Records the outcome. After a failure, forgets everything that was known of the file.
    fn note<T>(&mut self, outcome: &Result<T, Error>) {
        let why = match outcome {
            Err(Error::Unavailable(why)) => why.clone(),
            Err(Error::Loss(loss)) => StorageFailure::new(FailureCause::Loss, loss.to_string()),
            Err(error @ Error::KeyRetired { .. }) => {
                return self.state.note(Err(StorageFailure::new(FailureCause::Other, error.to_string())));
            }
            Ok(_) | Err(_) => return self.state.note(Ok(())),
        };
        self.file.close();
        self.known.forget();
        self.state.note(Err(why));
    }
}

/// Catches a panic of the caller's callback, so that the thread lives on.
fn answer<T>(done: Box<dyn FnOnce(T) + Send>, outcome: T) {
    drop(catch_unwind(AssertUnwindSafe(|| done(outcome))));
}
