//! Reads all entries from the first to the last, builds the tree again, and compares every signed checkpoint on the
//! way.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use lockgate_domain::{Digest, counted};

use super::finding::{AuditFinding, FindingPlace};
use super::{Audit, SystemEntry};
use crate::entry::LEDGER_STREAM;
use crate::note::{Checkpoint, Note, VerifyingKey};
use crate::storage::{EntryQuery, LogHead, LogSource};
use crate::system_entries::{
    BACKUP_RESTORED, BackupRestored, CONTENT_DELETED, ContentDeleted, LOG_KEY, LOSS_ACCEPTED, LogKey, LossAccepted,
};
use crate::tree::{Frontier, Hash};
use crate::verify::signed;
use crate::{Entry, Error, SourceEntry, StoredEntry, WithheldEntry};

/// How many entries are read at once.
const PAGE: usize = 512;

/// What the walk collects.
pub(super) struct WalkOutcome {
    pub(super) entries: u64,
    pub(super) withheld: u64,
    pub(super) checkpoints: u64,
    pub(super) keys: Vec<VerifyingKey>,
    pub(super) findings: Vec<AuditFinding>,
    /// The losses that entries report.
    pub(super) losses: Vec<SystemEntry<LossAccepted>>,
    /// The backups that replaced the log, as entries report them.
    pub(super) restores: Vec<SystemEntry<BackupRestored>>,
    /// The content that entries refer to, with the index of the first entry that does.
    pub(super) referenced: HashMap<Digest, u64>,
    /// The content that was deleted, as entries report it.
    pub(super) deleted: HashSet<Digest>,
}

/// The end of a stream.
#[derive(Clone, Copy, Default)]
struct StreamEnd {
    /// The sequence of the stream's last entry.
    sequence: u64,
    /// How many entries of the log were withheld before that entry.
    withheld: u64,
}

pub(super) struct LogWalk {
    size: u64,
    frontier: Frontier,
    /// Whether the tree can still be built. It cannot after a missing entry.
    whole: bool,
    streams: HashMap<String, StreamEnd>,
    /// The next stored checkpoints, in order of size.
    kept: VecDeque<(u64, String)>,
    /// The last size at which the tree had the signed root.
    fits_up_to: u64,
    /// The roots at the sizes that the audit compares later.
    roots: BTreeMap<u64, Option<Hash>>,
    /// The index ranges in which the tree was already found to differ. Nodes above them differ as well.
    changed: Vec<(u64, u64)>,
    /// Whether all stored checkpoints have been read.
    kept_all: bool,
    /// The key that the last entry replaced.
    replaced: Option<VerifyingKey>,
    walked: WalkOutcome,
}

impl LogWalk {
    pub(super) fn begin(head: &LogHead, against: &Audit) -> Self {
        let elsewhere = against.checkpoints.iter().filter_map(|note| {
            let note = Note::parse(note).ok()?;
            Checkpoint::parse(note.text()).ok().map(|checkpoint| checkpoint.size)
        });
        let mut roots: BTreeMap<u64, Option<Hash>> = elsewhere.map(|size| (size, None)).collect();
        roots.insert(head.size, None);
        Self {
            size: head.size,
            frontier: Frontier::empty(),
            whole: true,
            streams: HashMap::new(),
            kept: VecDeque::new(),
            fits_up_to: 0,
            roots,
            changed: Vec::new(),
            kept_all: false,
            replaced: None,
            walked: WalkOutcome {
                entries: 0,
                withheld: 0,
                checkpoints: 0,
                keys: Vec::new(),
                findings: Vec::new(),
                losses: Vec::new(),
                restores: Vec::new(),
                referenced: HashMap::new(),
                deleted: HashSet::new(),
            },
        }
    }

    pub(super) fn entries(&mut self, storage: &dyn LogSource) -> Result<(), Error> {
        self.at_size(storage)?;
        let mut next = 0;
        while next < self.size {
            let query = EntryQuery { from: next, before: Some(self.size), limit: PAGE, ..EntryQuery::default() };
            let page = storage.entries_with_withheld(&query)?;
            if page.is_empty() {
                break;
            }
            for entry in &page {
                let index = entry.index();
                if index != next {
                    self.missing(next, index - 1);
                }
                next = index + 1;
                match entry {
                    SourceEntry::Whole(stored) => self.entry(storage, stored)?,
                    SourceEntry::Withheld(withheld) => self.withheld(storage, withheld)?,
                }
            }
        }
        if next < self.size {
            self.missing(next, self.size - 1);
        }
        Ok(())
    }

    fn found(&mut self, place: FindingPlace, message: impl Into<String>) {
        self.walked.findings.push(AuditFinding { place, message: message.into() });
    }

    fn missing(&mut self, first: u64, last: u64) {
        self.whole = false;
        let place = if first == last { FindingPlace::Entry(first) } else { FindingPlace::Entries { first, last } };
        self.found(place, "missing: the log had more entries than are here");
    }

    fn entry(&mut self, storage: &dyn LogSource, stored: &StoredEntry) -> Result<(), Error> {
        let index = stored.index;
        self.walked.entries += 1;
        let entry = stored.check().map_err(|message| self.found(FindingPlace::Entry(index), message));
        self.in_stream(stored);
        if let Ok(entry) = entry {
            self.meaning(&entry);
        }
        // Takes the stored hash even if the bytes have another one, to find out whether the rest of the tree is
        // unchanged.
        self.grow(storage, stored.hash)
    }

    fn withheld(&mut self, storage: &dyn LogSource, entry: &WithheldEntry) -> Result<(), Error> {
        self.walked.withheld += 1;
        if entry.index == 0 {
            self.found(FindingPlace::Entry(0), "withheld, but it names the key of the log: nobody may withhold it");
        }
        self.grow(storage, entry.hash)
    }

    /// Whether an entry is the next one of its stream. If entries were withheld since the stream's last entry, up to
    /// that many of them may belong to the stream. The ledger's own entries are never withheld.
    fn in_stream(&mut self, stored: &StoredEntry) {
        let (sequence, withheld) = (stored.sequence, self.walked.withheld);
        let before = self.streams.insert(stored.stream.clone(), StreamEnd { sequence, withheld }).unwrap_or_default();
        let hidden = if stored.stream == LEDGER_STREAM { 0 } else { withheld - before.withheld };
        let first = before.sequence.saturating_add(1);
        if !(first..=first.saturating_add(hidden)).contains(&sequence) {
            let message = format!("it is number {sequence} of `{}`, after number {}", stored.stream, before.sequence);
            self.found(FindingPlace::Entry(stored.index), message);
        }
    }

    /// Adds the hash of the next entry to the tree, and compares the stored nodes above it.
    fn grow(&mut self, storage: &dyn LogSource, hash: Hash) -> Result<(), Error> {
        if !self.whole {
            return Ok(());
        }
        let mut completed = Vec::new();
        self.frontier.push(hash, |node, hash| completed.push((node, hash)));
        for (node, hash) in completed.into_iter().skip(1) {
            self.node(storage, node, hash)?;
        }
        self.at_size(storage)
    }

    /// Collects what an entry says that the audit needs later.
    fn meaning(&mut self, entry: &Entry) {
        for digest in &entry.references {
            self.walked.referenced.entry(*digest).or_insert(entry.index);
        }
        if entry.stream != LEDGER_STREAM {
            if entry.index == 0 {
                self.found(FindingPlace::Entry(0), "the first entry does not name the key of the log");
            }
            return;
        }
        match entry.kind.as_str() {
            LOG_KEY => match serde_json::from_value::<LogKey>(entry.body.clone()) {
                Ok(change) if change.replaces.as_ref() == self.walked.keys.last() => {
                    self.replaced = change.replaces;
                    self.walked.keys.push(change.key);
                }
                Ok(_) => self.found(FindingPlace::Entry(entry.index), "it replaces a key that was not the current one"),
                Err(error) => self.found(FindingPlace::Entry(entry.index), format!("not a change of keys: {error}")),
            },
            CONTENT_DELETED => match serde_json::from_value::<ContentDeleted>(entry.body.clone()) {
                Ok(deleted) => self.walked.deleted.extend(deleted.content),
                Err(error) => {
                    self.found(FindingPlace::Entry(entry.index), format!("not a note of what was deleted: {error}"))
                }
            },
            LOSS_ACCEPTED => match serde_json::from_value(entry.body.clone()) {
                Ok(body) => self.walked.losses.push(SystemEntry { index: entry.index, at: entry.at, body }),
                Err(error) => {
                    self.found(FindingPlace::Entry(entry.index), format!("not a note of what was lost: {error}"))
                }
            },
            BACKUP_RESTORED => match serde_json::from_value(entry.body.clone()) {
                Ok(body) => self.walked.restores.push(SystemEntry { index: entry.index, at: entry.at, body }),
                Err(error) => {
                    self.found(
                        FindingPlace::Entry(entry.index),
                        format!("not a note of a backup that was restored: {error}"),
                    );
                }
            },
            other => self
                .found(FindingPlace::Entry(entry.index), format!("the ledger writes no entries of the kind `{other}`")),
        }
    }

    fn node(&mut self, storage: &dyn LogSource, node: u64, hash: Hash) -> Result<(), Error> {
        let level = node.trailing_ones();
        let first = node >> (level + 1) << level;
        let last = first + (1 << level) - 1;
        let message = match storage.nodes(&[node]) {
            Ok(stored) if stored == [hash] => return Ok(()),
            Ok(stored) => format!("the hashes of these entries give {hash}, but {stored:?} was stored above them"),
            Err(Error::NotFound(message)) => message,
            Err(error) => return Err(error),
        };
        let below = self.changed.iter().any(|(from, to)| first <= *from && *to <= last);
        self.changed.push((first, last));
        if !below {
            self.found(FindingPlace::Entries { first, last }, message);
        }
        Ok(())
    }

    /// The stored checkpoint for a size. Call it with growing sizes.
    fn kept(&mut self, storage: &dyn LogSource, size: u64) -> Result<Option<String>, Error> {
        while self.kept.front().is_some_and(|(kept, _)| *kept < size) {
            self.kept.pop_front();
        }
        if self.kept.is_empty() && !self.kept_all {
            self.kept = storage.checkpoints(size.saturating_sub(1), PAGE)?.into();
            self.kept_all = self.kept.is_empty();
        }
        Ok(self.kept.pop_front_if(|(kept, _)| *kept == size).map(|(_, note)| note))
    }

    /// Compares the checkpoints that were signed at the tree's present size.
    fn at_size(&mut self, storage: &dyn LogSource) -> Result<(), Error> {
        let size = self.frontier.size();
        let root = self.frontier.root();
        if let Some(wanted) = self.roots.get_mut(&size) {
            *wanted = Some(root);
        }
        let (note, replaced) = (self.kept(storage, size)?, self.replaced.take());
        if let Some(old) = replaced
            && note.as_ref().is_none_or(|note| signed(note, std::slice::from_ref(&old)).is_err())
        {
            let message = format!("`{old}` did not sign the change to the next key");
            self.found(FindingPlace::Entry(size.saturating_sub(1)), message);
        }
        let Some(note) = note else { return Ok(()) };
        self.walked.checkpoints += 1;
        let keys = &self.walked.keys;
        let current = keys.last().map(std::slice::from_ref).unwrap_or_default();
        match signed(&note, current) {
            Err(error) => self.found(FindingPlace::Checkpoint(size), error.to_string()),
            Ok((checkpoint, _)) if checkpoint.size != size => {
                self.found(
                    FindingPlace::Checkpoint(size),
                    format!("it is of {}", counted(checkpoint.size, "entry", "entries")),
                );
            }
            Ok((checkpoint, _)) if checkpoint.root != root => self.differs(FindingPlace::Checkpoint(size), size),
            Ok(_) => self.fits_up_to = size,
        }
        Ok(())
    }

    /// Reports that the tree is not the signed one. It reports this once, because every later size differs as well.
    fn differs(&mut self, place: FindingPlace, size: u64) {
        if self.fits_up_to < size {
            let (first, last) = (self.fits_up_to, size - 1);
            if !self.changed.iter().any(|(from, to)| first <= *from && *to <= last) {
                self.changed.push((first, last));
                self.found(
                    FindingPlace::Entries { first, last },
                    "changed since they were signed, together with their hashes",
                );
            }
        }
        self.found(
            place,
            match size {
                1 => "the 1 entry here is not the one that was signed".to_owned(),
                _ => format!("the {size} entries here are not the {size} entries that were signed"),
            },
        );
    }

    pub(super) fn finish(
        mut self,
        storage: &dyn LogSource,
        head: &LogHead,
        against: &Audit,
    ) -> Result<WalkOutcome, Error> {
        // In this order: a log that has grown meanwhile has no checkpoint that is larger than its head.
        let larger = storage.checkpoints(head.size, PAGE)?;
        let size = storage.head()?.size;
        for (signed, _) in larger.into_iter().filter(|(signed, _)| *signed > size) {
            self.found(
                FindingPlace::Checkpoint(signed),
                format!("it was signed, but the log has {}", counted(size, "entry", "entries")),
            );
        }
        let keys = self.walked.keys.clone();
        if let Some(key) = against.key.as_ref().filter(|key| !keys.contains(key)) {
            self.found(
                FindingPlace::Key,
                format!("the log was never signed with `{key}`: it is another log, or a forged one"),
            );
        }
        self.walked.checkpoints += 1;
        if keys.last() != Some(&head.key) {
            self.found(
                FindingPlace::Head,
                format!("its key is `{}`, which the log does not name as the current one", head.key),
            );
        }
        match signed(&head.checkpoint, keys.last().map(std::slice::from_ref).unwrap_or_default()) {
            Err(error) => self.found(FindingPlace::Head, error.to_string()),
            Ok((checkpoint, _)) if (checkpoint.size, checkpoint.root) != (head.size, head.root) => {
                self.found(FindingPlace::Head, "its checkpoint is of another size or root than it says");
            }
            Ok((checkpoint, _)) => self.compare(FindingPlace::Head, &checkpoint),
        }
        for note in &against.checkpoints {
            self.walked.checkpoints += 1;
            match signed(note, &keys) {
                Err(error) => self.found(FindingPlace::Elsewhere(0), error.to_string()),
                Ok((checkpoint, _)) if checkpoint.size > head.size => self.found(
                    FindingPlace::Elsewhere(checkpoint.size),
                    format!(
                        "the log was rolled back: {} signed, {} here",
                        counted(checkpoint.size, "entry was", "entries were"),
                        counted(head.size, "is", "are")
                    ),
                ),
                Ok((checkpoint, _)) => self.compare(FindingPlace::Elsewhere(checkpoint.size), &checkpoint),
            }
        }
        Ok(self.walked)
    }

    fn compare(&mut self, place: FindingPlace, signed: &Checkpoint) {
        match self.roots.get(&signed.size).copied().flatten() {
            Some(root) if root == signed.root => {}
            Some(_) => self.differs(place, signed.size),
            // Entries are missing, which is reported already.
            None => {}
        }
    }
}
