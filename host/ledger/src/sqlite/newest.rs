//! The time of the newest entry.

use lockgate_domain::Timestamp;
use rusqlite::Connection;

use super::row::{number, one};
use crate::Error;

/// How many of the last entries are looked at. Requests that were answered side by side are not written in the order of
/// their times.
const LAST: u32 = 1024;

/// The latest time among the last entries, as far as they stand at that place of the log or behind it; none if there is no
/// such entry.
pub(super) fn newest(connection: &Connection, from: u64) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT MAX(at) FROM (SELECT at FROM entries WHERE idx >= ?1 ORDER BY idx DESC LIMIT ?2)";
    let found: Option<Option<i64>> = one(connection, sql, [number(from), i64::from(LAST)], |row| row.get(0))?;
    Ok(found.flatten().map(Timestamp::from_millis))
}
