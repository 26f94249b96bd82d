//! Checks a file beyond the audit: whether SQLite finds it sound, and how much of each kind it holds.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::connection::unavailable;
use super::row::{ENTRY, entry, unsigned};
use super::{SqliteStorage, migrate, requests};
use crate::{Entry, Error, StoredEntry};

/// The most defects that are reported.
const MOST_DEFECTS: u32 = 100;

/// How much a ledger holds of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerHoldings {
    pub schema: usize,
    /// The size of the database in bytes, including free pages.
    pub bytes: u64,
    pub streams: u64,
    /// The number of entries by kind.
    pub entries: Vec<(String, u64)>,
    /// The content by kind.
    pub content: Vec<HeldContent>,
    /// The number of remembered requests.
    pub requests: u64,
}

/// How much content of one kind the ledger holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldContent {
    pub kind: String,
    /// How many pieces are present.
    pub count: u64,
    /// The size of the present pieces, in bytes.
    pub bytes: u64,
    /// How many pieces retention has deleted.
    pub deleted: u64,
}

impl SqliteStorage {
    /// The defects of the file: damaged pages, rows that an index lacks, values that a column cannot hold, tables,
    /// indexes and triggers that are not the ledger's, and rows that belong to no entry of the log. An audit reads only
    /// entries, so it would see none of these. Empty if the file is sound; at most 100 defects are reported. Reads the
    /// whole file.
    ///
    /// # Errors
    /// If the file cannot be read at all.
    pub fn defects(&self) -> Result<Vec<String>, Error> {
        self.read(|connection| {
            let sql = format!("PRAGMA integrity_check({MOST_DEFECTS})");
            let mut statement = connection.prepare(&sql).map_err(unavailable)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).map_err(unavailable)?;
            let said = rows.collect::<Result<Vec<_>, _>>().map_err(unavailable)?;
            let lines = said.iter().flat_map(|text| text.lines()).filter(|line| *line != "ok");
            let mut defects: Vec<String> = lines.map(str::to_owned).collect();
            defects.extend(migrate::changes(connection)?);
            defects.extend(strangers(connection)?);
            Ok(defects)
        })
    }

    /// The stored answers for idempotency keys that somebody changed: the entry that each names is not bound to it. At
    /// most 100 are reported.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn changed_answers(&self) -> Result<Vec<String>, Error> {
        self.read(requests::changed)
    }

    /// How much the ledger holds of each kind.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn holdings(&self) -> Result<LedgerHoldings, Error> {
        self.read(|connection| {
            Ok(LedgerHoldings {
                schema: migrate::version(connection)?,
                bytes: count(connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
                streams: count(connection, "SELECT count(DISTINCT stream) FROM entries")?,
                entries: rows(connection, "SELECT kind, count(*) FROM entries GROUP BY kind ORDER BY kind", |row| {
                    Ok((row.get(0)?, unsigned(row, 1)?))
                })?,
                content: rows(
                    connection,
                    "SELECT kind, count(*) FILTER (WHERE deleted IS NULL),
                            coalesce(sum(size) FILTER (WHERE deleted IS NULL), 0), count(deleted)
                     FROM content GROUP BY kind ORDER BY kind",
                    |row| {
                        let (count, bytes, deleted) = (unsigned(row, 1)?, unsigned(row, 2)?, unsigned(row, 3)?);
                        Ok(HeldContent { kind: row.get(0)?, count, bytes, deleted })
                    },
                )?,
                requests: count(connection, "SELECT count(*) FROM requests")?,
            })
        })
    }
}

/// Rows that belong to no entry of the log: rows of entries and nodes after its end, and content that no entry of the
/// team in its row refers to.
fn strangers(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for (sql, what) in [
        ("SELECT count(*) FROM entries WHERE idx < 0 OR idx >= (SELECT size FROM log)", "rows of entries"),
        ("SELECT count(*) FROM nodes WHERE node < 0 OR node >= 2 * (SELECT size FROM log)", "rows of the tree"),
    ] {
        let rows = count(connection, sql)?;
        if rows > 0 {
            found.push(format!("{rows} {what} stand behind the end of the log: the ledger has not written them"));
        }
    }
    let (said, noted) = (referred_to(connection)?, readable(connection)?);
    for (rows, what) in [
        (noted.difference(&said).count(), "that its entries do not refer to"),
        (said.difference(&noted).count(), "less than its entries refer to"),
    ] {
        if rows > 0 {
            found.push(format!("`content_teams` lets a team read content {what}, {rows} times"));
        }
    }
    Ok(found)
}

/// The content that the entries of each team refer to, by digest. Skips unreadable entries, which an audit reports.
fn referred_to(connection: &Connection) -> Result<BTreeSet<(String, Vec<u8>)>, Error> {
    let sql = format!("SELECT {ENTRY} FROM entries WHERE team IS NOT NULL");
    let mut statement = connection.prepare(&sql).map_err(unavailable)?;
    let entries = statement.query_map([], |row| Ok(entry(row).ok())).map_err(unavailable)?;
    let mut found = BTreeSet::new();
    for stored in entries {
        let Some(StoredEntry { team: Some(team), leaf, .. }) = stored.map_err(unavailable)? else { continue };
        if let Ok(entry) = Entry::from_leaf(&leaf) {
            found.extend(entry.references.iter().map(|digest| (team.clone(), digest.as_bytes().to_vec())));
        }
    }
    Ok(found)
}

/// The content that each team may read, by digest.
fn readable(connection: &Connection) -> Result<BTreeSet<(String, Vec<u8>)>, Error> {
    let mut statement = connection.prepare("SELECT team, digest FROM content_teams").map_err(unavailable)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(unavailable)?;
    rows.collect::<Result<_, _>>().map_err(unavailable)
}

fn count(connection: &Connection, sql: &str) -> Result<u64, Error> {
    connection.query_row(sql, [], |row| unsigned(row, 0)).map_err(unavailable)
}

fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare(sql).map_err(unavailable)?;
    let rows = statement.query_map([], read).map_err(unavailable)?;
    rows.collect::<Result<_, _>>().map_err(unavailable)
}
