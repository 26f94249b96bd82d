//! Converts values of the database to values of the ledger, and back. SQLite has signed whole numbers of 64 bits, and
//! all of ours are far from their limit. Only a change from outside can produce one that is not.

use lockgate_domain::{Digest, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::connection::unavailable;
use crate::compression::decompress;
use crate::entry::{LARGEST_TEXT, leaf_at};
use crate::tree::Hash;
use crate::{Error, StoredEntry};

pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    row.get(column).map(Hash::from_bytes)
}

pub(super) fn digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    let bytes: [u8; 32] = row.get(column)?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let wrong = |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error));
    format!("sha256:{hex}").parse().map_err(wrong)
}

/// The columns of an entry, in the order in which [`entry`] reads them.
pub(super) const ENTRY: &str = "idx, stream, sequence, kind, id, at, team, hash, dictionary, text";

/// Reads an entry. An entry with unreadable text is no error of the database: it carries its own
/// [`damage`](StoredEntry::damage), so that all others can be read.
pub(super) fn entry(row: &Row<'_>) -> rusqlite::Result<StoredEntry> {
    let (index, sequence) = (unsigned(row, 0)?, unsigned(row, 2)?);
    let leaf = match decompress(row.get(8)?, row.get_ref(9)?.as_blob()?, LARGEST_TEXT) {
        Ok(text) => leaf_at(index, sequence, &text).ok_or_else(|| "its text is not that of an entry".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let (leaf, damage) = leaf.map_or_else(|damage| (Vec::new(), Some(damage)), |leaf| (leaf, None));
    Ok(StoredEntry {
        index,
        stream: row.get(1)?,
        sequence,
        kind: row.get(3)?,
        id: row.get(4)?,
        at: Timestamp::from_millis(row.get(5)?),
        team: row.get(6)?,
        hash: hash(row, 7)?,
        leaf,
        damage,
    })
}

/// Reads at most one row, by a statement that is prepared once for each connection.
pub(super) fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    statement.query_row(params, read).optional().map_err(unavailable)
}

/// Changes rows, by a statement that is prepared once for each connection.
pub(super) fn change(connection: &Connection, sql: &str, params: impl Params) -> Result<usize, Error> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(unavailable)
}
