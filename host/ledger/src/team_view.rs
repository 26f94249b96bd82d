//! The log as people of some teams may see it: the entries of their teams, the ledger's own entries, and the hashes of
//! all others.
//!
//! It is a [`LogSource`] like the whole log, so audits, proofs and pages that read through it cannot show more. The
//! ledger's own entries belong to everybody: nobody can verify anything without its keys and the records of deletions.
//! The time for an answer depends only on the visible entries and on the size of the query, because the leaves of
//! withheld entries are not read.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{Digest, TeamName};

use crate::entry::LEDGER_STREAM;
use crate::storage::{EntryQuery, LogHead, LogSource, Storage, StoredContent};
use crate::tree::Hash;
use crate::{Error, SourceEntry, StoredEntry, WithheldEntry};

/// How many places of the log are read together.
const PLACES: u64 = 256;

/// The log of a storage, as people of some teams may see it.
///
/// ```
/// # use std::collections::BTreeSet;
/// # use lockgate_domain::Timestamp;
/// # use lockgate_ledger::{Append, KeyFile, EntryDraft, SqliteOptions, Storage, TeamView, audit};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let (key, file) = (folder.path().join("ledger.key"), folder.path().join("ledger.db"));
/// # let ledger = KeyFile::new(key).open(&file, "deploy.example.com/ledger", SqliteOptions::default())?;
/// for team in ["shop", "billing"] {
///     let entry = EntryDraft::new(&format!("deployment/{team}/d-1"), "requested", Timestamp::now(), &"body")?;
///     ledger.append(Append { entries: vec![entry.of_team(team)?], ..Append::default() })?;
/// }
/// let teams = BTreeSet::from(["shop".parse()?]);
/// let report = audit::audit(&TeamView::new(&ledger, &teams), &audit::Audit::default())?;
/// // The entry that names the key of the log, and the entry of `shop`; the one of `billing` is there by its hash.
/// assert_eq!((report.entries, report.withheld, report.findings), (2, 1, vec![]));
/// # Ok(())
/// # }
/// ```
pub struct TeamView<'a> {
    storage: &'a dyn Storage,
    teams: &'a BTreeSet<TeamName>,
}

impl<'a> TeamView<'a> {
    /// What people of these teams may see of a storage.
    pub fn new(storage: &'a dyn Storage, teams: &'a BTreeSet<TeamName>) -> Self {
        Self { storage, teams }
    }

    /// The queries that together find the visible entries of a query.
    fn parts(&self, query: &EntryQuery) -> Vec<EntryQuery> {
        let asked_for = |team: &&TeamName| query.team.as_ref().is_none_or(|asked| asked == team.as_str());
        let of_team = |team: &TeamName| EntryQuery { team: Some(team.to_string()), ..query.clone() };
        let mut parts: Vec<EntryQuery> = self.teams.iter().filter(asked_for).map(of_team).collect();
        if query.team.is_none() && query.stream.as_ref().is_none_or(|stream| stream == LEDGER_STREAM) {
            parts.push(EntryQuery { stream: Some(LEDGER_STREAM.to_owned()), ..query.clone() });
        }
        parts
    }

    /// All places from one up to another, by index: the entry if it is visible, else its hash. Leaves out places that a
    /// damaged storage lacks.
    fn places(&self, from: u64, before: u64) -> Result<BTreeMap<u64, SourceEntry>, Error> {
        let leaves: Vec<u64> = (from..before).map(|index| 2 * index).collect();
        let withheld = |(index, hash): (u64, Option<Hash>)| {
            Some((index, SourceEntry::Withheld(WithheldEntry { index, hash: hash? })))
        };
        let hashes = self.storage.nodes_found(&leaves)?;
        let mut places: BTreeMap<u64, SourceEntry> = (from..before).zip(hashes).filter_map(withheld).collect();
        let limit = usize::try_from(before.saturating_sub(from)).unwrap_or(usize::MAX);
        let query = EntryQuery { from, before: Some(before), limit, ..EntryQuery::default() };
        places.extend(self.entries(&query)?.into_iter().map(|entry| (entry.index, SourceEntry::Whole(entry))));
        Ok(places)
    }
}

impl LogSource for TeamView<'_> {
    fn head(&self) -> Result<LogHead, Error> {
        self.storage.head()
    }

    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
        let mut found: Vec<StoredEntry> = Vec::new();
        for mut part in self.parts(query) {
            // If enough entries were found already, only those before the last of them matter.
            if let Some(last) = found.last().filter(|_| found.len() >= query.limit) {
                if query.newest_first {
                    part.from = part.from.max(last.index.saturating_add(1));
                } else {
                    part.before = Some(last.index);
                }
            }
            found.extend(self.storage.entries(&part)?);
            found.sort_by_key(|entry| entry.index);
            if query.newest_first {
                found.reverse();
            }
            found.truncate(query.limit);
        }
        Ok(found)
    }

    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        if query.is_filtered() {
            return Ok(self.entries(query)?.into_iter().map(SourceEntry::Whole).collect());
        }
        let size = self.storage.head()?.size;
        let (mut from, mut before) = (query.from, query.before.map_or(size, |before| before.min(size)));
        let mut found = Vec::new();
        while from < before && found.len() < query.limit {
            let count = (before - from).min(PLACES).min((query.limit - found.len()) as u64);
            if query.newest_first {
                found.extend(self.places(before - count, before)?.into_values().rev());
                before -= count;
            } else {
                found.extend(self.places(from, from + count)?.into_values());
                from += count;
            }
        }
        Ok(found)
    }

    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        self.storage.nodes(nodes)
    }

    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.storage.checkpoints(above, limit)
    }

    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        for team in self.teams {
            if self.storage.team_refers_to(team, digest)? {
                return self.storage.content(digest);
            }
        }
        Ok(None)
    }

    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        let mut found = BTreeSet::new();
        for team in self.teams {
            found.extend(self.storage.contents_of_team(team, after, limit)?);
            while found.len() > limit {
                found.pop_last();
            }
        }
        Ok(found.into_iter().collect())
    }
}
