//! The time of the newest entry.

use lockgate_domain::Timestamp;
use rusqlite::Connection;

use super::connection::unavailable;
use super::row::{ENTRY, entry, number};
use crate::Error;

/// How many of the last entries are read. Requests that were answered side by side are not written in the order of
/// their times.
const LAST: u32 = 1024;

/// The latest time among the last entries with an index of at least `from`. None if there is no such entry. Skips
/// entries that do not fit their hash or columns: an audit reports those.
pub(super) fn newest(connection: &Connection, from: u64) -> Result<Option<Timestamp>, Error> {
    let sql = format!(
        "SELECT {ENTRY} FROM entries WHERE idx >= ?1 AND idx < (SELECT size FROM log) ORDER BY idx DESC LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
    let rows = statement.query_map([number(from), i64::from(LAST)], entry).map_err(unavailable)?;
    let mut latest = None;
    for row in rows {
        let entry = row.map_err(unavailable)?;
        if Some(entry.at) > latest && entry.check().is_ok() {
            latest = Some(entry.at);
        }
    }
    Ok(latest)
}
