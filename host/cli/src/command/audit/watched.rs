//! A log that shows the progress of its audit, and notes the entries that cannot be read.
//!
//! An audit stops at a page of the file that is too damaged to read. Here the entries around it are read one by one, so that the damaged
//! ones can be named and the rest is still verified.

use indicatif::ProgressBar;
use lockgate_domain::Digest;
use lockgate_ledger::audit::{AuditFinding, FindingPlace};
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{
    EntryQuery, Error, FailureCause, LogHead, LogSource, SourceEntry, StorageFailure, StoredContent, StoredEntry,
};
use parking_lot::Mutex;

use crate::terminal;

/// The most unreadable entries that are named: a file with more cannot be audited.
const MOST_UNREADABLE: usize = 1000;

pub(super) struct WatchedLog<'a> {
    source: &'a dyn LogSource,
    bar: ProgressBar,
    unreadable: Mutex<Vec<AuditFinding>>,
}

impl<'a> WatchedLog<'a> {
    pub(super) fn new(source: &'a dyn LogSource, quiet: bool) -> Self {
        let bar = terminal::progress_bar(None, "entries", quiet);
        Self { source, bar, unreadable: Mutex::default() }
    }

    /// Ends the progress bar, and returns the entries that could not be read.
    pub(super) fn finish(self) -> Vec<AuditFinding> {
        self.bar.finish_and_clear();
        self.unreadable.into_inner()
    }

    /// Reads entries one by one. Those that cannot be read are noted and left out.
    fn salvaged(&self, query: &EntryQuery, why: Error) -> Result<Vec<SourceEntry>, Error> {
        let Some(before) = query.before else { return Err(why) };
        let mut found = Vec::new();
        for index in query.from..before {
            // An empty page would mean that the log ends there.
            if index - query.from >= query.limit as u64 && !found.is_empty() {
                break;
            }
            let one = EntryQuery { from: index, before: Some(index + 1), limit: 1, ..EntryQuery::default() };
            match self.source.entries_with_withheld(&one) {
                Ok(entries) => found.extend(entries),
                Err(error) => self.note(index, damage(error)?)?,
            }
        }
        Ok(found)
    }

    fn note(&self, index: u64, message: String) -> Result<(), Error> {
        let mut unreadable = self.unreadable.lock();
        if unreadable.len() >= MOST_UNREADABLE {
            let message = format!("more than {MOST_UNREADABLE} entries cannot be read; the last error: {message}");
            return Err(StorageFailure { cause: FailureCause::Corrupt, message }.into());
        }
        unreadable
            .push(AuditFinding { place: FindingPlace::Entry(index), message: format!("cannot be read: {message}") });
        Ok(())
    }
}

/// The message of an error about damage.
///
/// # Errors
/// Any other error is returned.
pub(super) fn damage(error: Error) -> Result<String, Error> {
    match error {
        Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, message }) => Ok(message),
        other => Err(other),
    }
}

impl LogSource for WatchedLog<'_> {
    fn head(&self) -> Result<LogHead, Error> {
        let head = self.source.head()?;
        self.bar.set_length(head.size);
        Ok(head)
    }

    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
        self.source.entries(query)
    }

    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        let found = match self.source.entries_with_withheld(query) {
            Err(error @ Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, .. })) => {
                self.salvaged(query, error)?
            }
            outcome => outcome?,
        };
        if let Some(last) = found.last() {
            self.bar.set_position(last.index() + 1);
        }
        Ok(found)
    }

    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        // A node that cannot be read is reported like a missing one.
        self.source.nodes(nodes).or_else(|error| Err(Error::NotFound(damage(error)?)))
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.source.checkpoints(above, limit)
    }

    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        self.source.content(digest)
    }

    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.source.contents(after, limit)
    }
}
