//! One transaction: many appends, one head, one signature, one trip to the disk.
//!
//! The batch checks an append in full before it writes any of it. So a refused append leaves nothing behind and does
//! not affect the others in the transaction. Later appends see what earlier ones wrote. An error of the database loses
//! the whole transaction, and then no append in it is answered.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use lockgate_domain::{Digest, Timestamp, counted};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use serde::Serialize;

use super::connection::unavailable;
use super::loss::{frontier_at, root_at};
use super::newest::newest;
use super::read;
use super::requests;
use super::row::{change, hash, number, one, unsigned};
use super::streams::{Streams, insert};
use crate::append::{CommittedAppend, EntryPosition, PreparedAppend, PreparedContent};
use crate::entry::PreparedEntry;
use crate::error::Conflict;
use crate::loss::{ExpectedHead, Loss};
use crate::note::{Checkpoint, Note, SigningKey, VerifyingKey};
use crate::storage::{KEEPS_NEWEST, TreeHead};
use crate::system_entries::BackupRestored;
use crate::tree::Frontier;
use crate::{Append, EntryDraft, Error, LedgerClock, ValueChanges, verify};

/// The time between stored checkpoints, in milliseconds.
const KEPT_EACH_MS: i64 = 60_000;

/// What the writing thread knows of the file, as of its last commit.
pub(super) struct KnownState {
    ledger: PathBuf,
    frontier: Frontier,
    /// The ledger's head when this process last looked. It is never forgotten, so that a smaller ledger is noticed.
    head: Option<TreeHead>,
    /// The exact versions of streams.
    versions: HashMap<String, u64>,
    /// The versions that other threads of this process may read.
    streams: Arc<Streams>,
    /// The time of the last entry that was noted as referring to each piece of content.
    referred: HashMap<Digest, Timestamp>,
    clock: Arc<LedgerClock>,
}

impl KnownState {
    /// An empty state for this ledger and clock.
    pub(super) fn of(ledger: PathBuf, clock: Arc<LedgerClock>) -> Self {
        Self {
            ledger,
            frontier: Frontier::empty(),
            head: None,
            versions: HashMap::new(),
            streams: Arc::default(),
            referred: HashMap::new(),
            clock,
        }
    }

    pub(super) fn streams(&self) -> Arc<Streams> {
        Arc::clone(&self.streams)
    }

    /// The ledger's head when this process last looked.
    pub(super) fn head(&self) -> Option<TreeHead> {
        self.head
    }

    /// Forgets everything except the head.
    pub(super) fn forget(&mut self) {
        self.frontier = Frontier::empty();
        self.versions.clear();
        self.streams.forget();
        self.referred.clear();
    }

    /// Takes over what another process has written since, if that continues the known state.
    fn catch_up(&mut self, transaction: &Transaction<'_>, now: TreeHead) -> Result<(), Error> {
        let lost = |known, root| {
            let (ledger, expected) = (self.ledger.clone(), ExpectedHead::Known(known));
            Err(Error::Loss(Box::new(Loss { ledger, expected, found: Some(now), root, backed_up: None })))
        };
        if let Some(known) = self.head {
            if now.size < known.size {
                return lost(known, None);
            }
            let root = root_at(transaction, known.size)?;
            if root != known.root {
                return lost(known, Some(root));
            }
        }
        self.forget();
        self.frontier = frontier_at(transaction, now.size)?;
        Ok(())
    }
}

/// Checks that the ledger's key has signed the entries that this process did not write itself. Without this check,
/// somebody who can write to the file but lacks the key could change an entry and all hashes above it, and the next
/// checkpoint would sign the change.
fn check_signed(checkpoint: &str, key: &VerifyingKey, head: TreeHead) -> Result<(), Error> {
    let TreeHead { size, root } = head;
    let wrong = |why: String| {
        Error::corrupt(format!(
            "the ledger's key has not signed its {} in this form: {why}. Restore a backup",
            counted(size, "entry", "entries")
        ))
    };
    let signed = verify::checkpoint(checkpoint, key).map_err(|error| wrong(error.to_string()))?;
    match (signed.size, signed.root) == (size, root) {
        true => Ok(()),
        false => Err(wrong(format!(
            "the newest checkpoint is of {}, or of another root",
            counted(signed.size, "entry", "entries")
        ))),
    }
}

/// The time, in milliseconds, during which further references to the same content are not noted. Only retention uses
/// these notes, and it keeps content that much longer.
pub(super) const REFERENCE_EACH_MS: i64 = 60_000;

pub(super) struct Batch<'c> {
    transaction: Transaction<'c>,
    known: &'c mut KnownState,
    /// The versions of streams within the transaction, as far as it has read or changed them.
    versions: HashMap<String, u64>,
    /// The references to content that were noted, with the time of the entry.
    referred: HashMap<Digest, Timestamp>,
    frontier: Frontier,
    start: u64,
    checkpoint: String,
    now: Timestamp,
}

impl<'c> Batch<'c> {
    /// Takes SQLite's write lock, and reads where the log stands.
    pub(super) fn begin(
        connection: &'c mut Connection,
        key: &SigningKey,
        known: &'c mut KnownState,
    ) -> Result<Self, Error> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
        let head = one(&transaction, "SELECT size, root, checkpoint, key FROM log", [], |row| {
            Ok((unsigned(row, 0)?, hash(row, 1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
        })?;
        let (size, root, checkpoint, current) = head.ok_or_else(|| Error::corrupt("the log has no head"))?;
        let is_of_others = known.frontier.size() != size;
        if is_of_others {
            // Another process has appended since.
            if let Some(at) = newest(&transaction, known.frontier.size())? {
                known.clock.saw(at);
            }
            known.catch_up(&transaction, TreeHead { size, root })?;
        }
        let frontier = known.frontier.clone();
        if frontier.root() != root {
            return Err(Error::corrupt(format!(
                "the root of the {} is not the one of the head",
                counted(size, "entry", "entries")
            )));
        }
        known.head = Some(TreeHead { size, root });
        let own = key.verifying_key().to_string();
        if current != own {
            return Err(Error::key_retired(current, &own));
        }
        if is_of_others {
            check_signed(&checkpoint, key.verifying_key(), TreeHead { size, root })?;
        }
        let (versions, referred, now) = (HashMap::new(), HashMap::new(), known.clock.now());
        Ok(Self { transaction, known, versions, referred, frontier, start: size, checkpoint, now })
    }

    /// Makes the head of a log that has none yet. Returns false if the log has one.
    pub(super) fn create(
        connection: &'c mut Connection,
        key: &SigningKey,
        known: &'c mut KnownState,
    ) -> Result<Option<Self>, Error> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
        if one(&transaction, "SELECT 1 FROM log", [], |_| Ok(()))?.is_some() {
            return Ok(None);
        }
        let frontier = Frontier::empty();
        change(
            &transaction,
            "INSERT INTO log (id, size, root, checkpoint, key) VALUES (1, 0, ?1, '', ?2)",
            params![frontier.root().as_bytes(), key.verifying_key().to_string()],
        )?;
        let (versions, referred) = (HashMap::new(), HashMap::new());
        let (checkpoint, now) = (String::new(), known.clock.now());
        Ok(Some(Self { transaction, known, versions, referred, frontier, start: 0, checkpoint, now }))
    }

    pub(super) fn transaction(&self) -> &Transaction<'c> {
        &self.transaction
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the database says that there is a head file. Also the entry to write, if the file is a backup that
    /// nobody has written to yet.
    pub(super) fn marks(&self) -> Result<(bool, Option<BackupRestored>), Error> {
        let found = TreeHead { size: self.frontier.size(), root: self.frontier.root() };
        let marks = one(&self.transaction, "SELECT has_head_file, backed_up FROM log", [], |row| {
            let backed_up = row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis);
            Ok((row.get(0)?, backed_up.map(|backed_up| BackupRestored { backed_up, found })))
        })?;
        marks.ok_or_else(|| Error::corrupt("the log has no head"))
    }

    /// Notes that there is a head file from now on.
    pub(super) fn mark_head_file(&self) -> Result<(), Error> {
        change(&self.transaction, "UPDATE log SET has_head_file = 1", []).map(drop)
    }

    /// Notes that the file is not a backup any more.
    pub(super) fn unmark_backup(&self) -> Result<(), Error> {
        change(&self.transaction, "UPDATE log SET backed_up = NULL", []).map(drop)
    }

    /// Writes one append, or refuses it. The checkpoint is still missing from the result. The outer error is one of the
    /// database and loses the whole transaction.
    pub(super) fn apply(&mut self, append: &PreparedAppend) -> Result<Result<CommittedAppend, Error>, Error> {
        if let Some(prepared) = &append.request
            && let Some(answered) = requests::repeat(&self.transaction, &prepared.request)?
        {
            return Ok(answered);
        }
        match self.write(append) {
            Err(error @ Error::Unavailable(_)) => Err(error),
            outcome => Ok(outcome),
        }
    }

    /// Writes an entry of the ledger's own.
    pub(super) fn apply_system_entry(&mut self, kind: &str, body: &impl Serialize) -> Result<CommittedAppend, Error> {
        let entries = vec![EntryDraft::system(kind, self.now, body)?];
        self.write(&PreparedAppend::new(Append { entries, ..Append::default() })?)
    }

    fn write(&mut self, append: &PreparedAppend) -> Result<CommittedAppend, Error> {
        self.check(append)?;
        for content in &append.content {
            self.store(content)?;
        }
        let first = self.frontier.size();
        let mut entries = Vec::with_capacity(append.entries.len());
        for entry in &append.entries {
            entries.push(self.add(entry)?);
        }
        let mut namespaces = BTreeMap::new();
        for changes in &append.values {
            namespaces.insert(changes.namespace.clone(), self.set(changes)?);
        }
        if let Some(request) = &append.request {
            requests::keep(&self.transaction, request, first, entries.len() as u64, self.now.as_millis())?;
        }
        Ok(CommittedAppend { entries, checkpoint: String::new(), namespaces, repeat: None })
    }

    /// The version of a stream at this point of the transaction.
    fn version(&mut self, stream: &str) -> Result<u64, Error> {
        if let Some(version) = self.versions.get(stream).or_else(|| self.known.versions.get(stream)) {
            return Ok(*version);
        }
        let version = read::version(&self.transaction, stream)?;
        self.versions.insert(stream.to_owned(), version);
        Ok(version)
    }

    fn check(&mut self, append: &PreparedAppend) -> Result<(), Error> {
        for expect in &append.expect {
            let actual = self.version(&expect.stream)?;
            if actual != expect.version {
                // Readers with an older version learn of the new one after the commit.
                self.versions.insert(expect.stream.clone(), actual);
                let (stream, expected) = (expect.stream.clone(), expect.version);
                return Err(Error::Conflict(Conflict::Stream { stream, expected, actual }));
            }
        }
        for changes in &append.values {
            let Some(expected) = changes.expect else { continue };
            let actual = read::namespace_version(&self.transaction, &changes.namespace)?;
            if actual != expected {
                let namespace = changes.namespace.clone();
                return Err(Error::Conflict(Conflict::Namespace { namespace, expected, actual }));
            }
        }
        for digest in append.entries.iter().flat_map(|entry| &entry.filing.references) {
            let here = append.content.iter().any(|content| content.digest == *digest);
            let sql = "SELECT 1 FROM content WHERE digest = ?1 AND deleted IS NULL";
            if !here && one(&self.transaction, sql, [digest.as_bytes()], |_| Ok(()))?.is_none() {
                return Err(Error::UnknownContent(*digest));
            }
        }
        Ok(())
    }

    fn store(&self, content: &PreparedContent) -> Result<(), Error> {
        let (digest, now) = (content.digest.as_bytes(), self.now.as_millis());
        let known = one(&self.transaction, "SELECT id, deleted FROM content WHERE digest = ?1", [digest], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?.is_some()))
        })?;
        let id = match known {
            Some((id, deleted)) => {
                let sql = "UPDATE content SET stored = ?2, deleted = NULL WHERE id = ?1";
                change(&self.transaction, sql, params![id, now])?;
                if !deleted {
                    return Ok(());
                }
                id
            }
            None => {
                let sql = "INSERT INTO content (digest, kind, media_type, size, stored) VALUES (?1, ?2, ?3, ?4, ?5)";
                let size = number(content.size);
                change(&self.transaction, sql, params![digest, content.kind, content.media_type, size, now])?;
                self.transaction.last_insert_rowid()
            }
        };
        let sql = "INSERT INTO content_bytes (id, dictionary, bytes) VALUES (?1, ?2, ?3)";
        change(&self.transaction, sql, params![id, content.bytes.dictionary, content.bytes.bytes]).map(drop)
    }

    fn add(&mut self, entry: &PreparedEntry) -> Result<EntryPosition, Error> {
        let (index, sequence) = (self.frontier.size(), self.version(&entry.filing.stream)? + 1);
        let hash = entry.hash(index, sequence);
        change(
            &self.transaction,
            "INSERT INTO entries (idx, stream, sequence, kind, id, at, team, hash, dictionary, text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                number(index),
                entry.filing.stream,
                number(sequence),
                entry.filing.kind,
                entry.filing.id,
                entry.filing.at.as_millis(),
                entry.filing.team,
                hash.as_bytes(),
                entry.text.dictionary,
                entry.text.bytes,
            ],
        )?;
        for &digest in &entry.filing.references {
            if let Some(team) = &entry.filing.team {
                let sql = "INSERT OR IGNORE INTO content_teams (team, digest) VALUES (?1, ?2)";
                change(&self.transaction, sql, params![team, digest.as_bytes()])?;
            }
            let noted = self.referred.get(&digest).or_else(|| self.known.referred.get(&digest));
            let is_recent = noted.is_some_and(|&noted| {
                entry.filing.at.as_millis() < noted.as_millis().saturating_add(REFERENCE_EACH_MS)
            });
            if is_recent && !entry.filing.stream.starts_with(KEEPS_NEWEST) {
                continue;
            }
            self.referred.insert(digest, entry.filing.at);
            let sql = "INSERT INTO content_references (digest, idx) VALUES (?1, ?2)";
            change(&self.transaction, sql, params![digest.as_bytes(), number(index)])?;
        }
        let mut completed = Vec::new();
        self.frontier.push(hash, |node, hash| completed.push((node, hash)));
        // The first node is the leaf, which is stored with its entry.
        for (node, hash) in completed.into_iter().skip(1) {
            let sql = "INSERT INTO nodes (node, hash) VALUES (?1, ?2)";
            change(&self.transaction, sql, params![number(node), hash.as_bytes()])?;
        }
        self.versions.insert(entry.filing.stream.clone(), sequence);
        Ok(EntryPosition { index, stream: entry.filing.stream.clone(), sequence, hash })
    }

    fn set(&self, changes: &ValueChanges) -> Result<u64, Error> {
        let namespace = &changes.namespace;
        for (key, value) in &changes.changes {
            match value {
                Some(value) => {
                    let sql = "INSERT INTO namespace_values (namespace, key, value) VALUES (?1, ?2, ?3)
                               ON CONFLICT DO UPDATE SET value = excluded.value";
                    change(&self.transaction, sql, params![namespace, key, value])?
                }
                None => {
                    let sql = "DELETE FROM namespace_values WHERE namespace = ?1 AND key = ?2";
                    change(&self.transaction, sql, params![namespace, key])?
                }
            };
        }
        let version = read::namespace_version(&self.transaction, namespace)? + 1;
        let sql = "INSERT INTO namespaces (namespace, version) VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET version = excluded.version";
        change(&self.transaction, sql, params![namespace, number(version)])?;
        Ok(version)
    }

    /// Signs the head and commits. The last of `keys` becomes the log's current key. The commit is on the disk when
    /// this returns. Returns the log's checkpoint.
    pub(super) fn commit(self, keys: &[&SigningKey], keep: bool) -> Result<String, Error> {
        let Self { transaction, known, versions, referred, frontier, start, mut checkpoint, now } = self;
        let root = frontier.root();
        if let (true, Some(key)) = (frontier.size() > start, keys.last()) {
            let origin = key.verifying_key().name().to_owned();
            checkpoint = Note::sign(&Checkpoint { origin, size: frontier.size(), root }.text(), keys);
            let size = number(frontier.size());
            let sql = "UPDATE log SET size = ?1, root = ?2, checkpoint = ?3, key = ?4";
            let current = key.verifying_key().to_string();
            change(&transaction, sql, params![size, root.as_bytes(), checkpoint, current])?;
            let now = now.as_millis();
            let sql = "SELECT at FROM checkpoints ORDER BY size DESC LIMIT 1";
            let kept: Option<i64> = one(&transaction, sql, [], |row| row.get(0))?;
            if keep || kept.is_none_or(|kept| now.saturating_sub(kept) >= KEPT_EACH_MS) {
                let sql = "INSERT INTO checkpoints (size, at, note) VALUES (?1, ?2, ?3)";
                change(&transaction, sql, params![size, now, checkpoint])?;
            }
        }
        transaction.commit().map_err(unavailable)?;
        known.head = Some(TreeHead { size: frontier.size(), root });
        known.frontier = frontier;
        known.streams.learn(versions.iter().map(|(stream, version)| (stream.as_str(), *version)));
        for (stream, version) in versions {
            insert(&mut known.versions, stream, version);
        }
        for (digest, at) in referred {
            insert(&mut known.referred, digest, at);
        }
        Ok(checkpoint)
    }
}
