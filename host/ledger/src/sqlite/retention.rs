//! Retention: deletes the bytes of content, keeps their digests, and records the deletion in the log.

use lockgate_domain::Digest;
use rusqlite::params;

use super::batch::{Batch, REFERENCE_EACH_MS};
use super::connection::unavailable;
use super::row::{change, digest, number, unsigned};
use crate::Error;
use crate::storage::{KEEPS_NEWEST, RetentionReport, RetentionRule};
use crate::system_entries::{CONTENT_DELETED, ContentDeleted};

/// The most pieces of content that one transaction deletes: other callers want to write as well.
const MOST: u64 = 256;

/// Deletes some of the content or requests that a rule names. All are gone once it reports that it deleted nothing.
pub(super) fn some(batch: &mut Batch<'_>, rule: &RetentionRule) -> Result<RetentionReport, Error> {
    match rule {
        RetentionRule::Requests { before } => {
            let sql = "DELETE FROM requests WHERE (scope, key) IN
                       (SELECT scope, key FROM requests WHERE at < ?1 LIMIT ?2)";
            let count = change(batch.transaction(), sql, params![before.as_millis(), number(MOST)])?;
            Ok(RetentionReport { count: count as u64, bytes: 0 })
        }
        RetentionRule::Content { kind, before } => {
            let found = candidates(batch, kind, before.as_millis())?;
            if found.is_empty() {
                return Ok(RetentionReport::default());
            }
            let bytes = found.iter().map(|(_, _, size)| size).sum();
            for (id, ..) in &found {
                change(batch.transaction(), "DELETE FROM content_bytes WHERE id = ?1", [id])?;
                let sql = "UPDATE content SET deleted = ?2 WHERE id = ?1";
                change(batch.transaction(), sql, params![id, batch.now().as_millis()])?;
            }
            let count = found.len() as u64;
            let content = found.into_iter().map(|(_, digest, _)| digest).collect();
            let note = ContentDeleted { kind: kind.clone(), before: *before, content };
            batch.apply_system_entry(CONTENT_DELETED, &note)?;
            Ok(RetentionReport { count, bytes })
        }
    }
}

fn candidates(batch: &Batch<'_>, kind: &str, before: i64) -> Result<Vec<(i64, Digest, u64)>, Error> {
    let sql = "SELECT id, digest, size FROM content
               WHERE kind = ?1 AND stored < ?2 AND deleted IS NULL AND NOT EXISTS (
                   SELECT 1 FROM content_references JOIN entries USING (idx)
                   WHERE content_references.digest = content.digest
                   AND (entries.at > ?3 OR substr(entries.stream, 1, length(?5)) = ?5 AND NOT EXISTS (
                       SELECT 1 FROM entries AS later
                       WHERE later.stream = entries.stream AND later.sequence > entries.sequence)))
               LIMIT ?4";
    let referred = before.saturating_sub(REFERENCE_EACH_MS);
    let mut statement = batch.transaction().prepare_cached(sql).map_err(unavailable)?;
    let rows = statement.query_map(params![kind, before, referred, number(MOST), KEEPS_NEWEST], |row| {
        Ok((row.get(0)?, digest(row, 1)?, unsigned(row, 2)?))
    });
    rows.map_err(unavailable)?.collect::<Result<_, _>>().map_err(unavailable)
}
