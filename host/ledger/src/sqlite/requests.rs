//! The requests that were answered: a table beside the log keeps them, and the log binds them. The first entry of a
//! request names a digest over the row, so the ledger notices a changed row before it answers from it.

use lockgate_domain::Digest;
use rusqlite::{Connection, Row, params};

use super::connection::unavailable;
use super::read;
use super::row::{ENTRY, change, digest, entry, number, one, unsigned};
use crate::append::{CommittedAppend, IdempotentRequest, PreparedRequest};
use crate::binding::{RequestBinding, Salt};
use crate::compression::decompress;
use crate::{Error, StoredEntry};

const COLUMNS: &str = "scope, key, digest, first, count, dictionary, answer, salt";
/// The largest answer, in bytes.
const LARGEST_ANSWER: usize = 64 << 20;
/// How many rows are read at once.
const PAGE: usize = 256;
/// The most changed rows that are reported.
const MOST_CHANGED: usize = 100;
/// What is wrong with a row whose values no request can have.
const UNREADABLE: &str = "it holds values that no request has";

/// A row of the table.
struct KeptRequest {
    request: IdempotentRequest,
    first: u64,
    count: u64,
    salt: Salt,
}

impl KeptRequest {
    /// Reads a row. None if a column holds a value that no request can have, for example a digest of another length.
    fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let (scope, key, answer) = (row.get(0)?, row.get(1)?, row.get_ref(6)?.as_blob()?);
        let columns = || {
            let answer = decompress(row.get(5).ok()?, answer, LARGEST_ANSWER).ok()?.into_owned();
            let request = IdempotentRequest { scope, key, digest: digest(row, 2).ok()?, answer };
            let (first, count) = (unsigned(row, 3).ok()?, unsigned(row, 4).ok()?);
            Some(Self { request, first, count, salt: row.get(7).ok()? })
        };
        Ok(columns())
    }

    /// What is wrong with the row, if the entry that it names is not bound to it.
    fn wrong(&self, connection: &Connection) -> Result<Option<String>, Error> {
        let sql = format!("SELECT {ENTRY} FROM entries WHERE idx = ?1");
        let stored: Option<StoredEntry> = one(connection, &sql, [number(self.first)], entry)?;
        let Some(stored) = stored else { return Ok(Some(format!("there is no entry {}", self.first))) };
        let named = match stored.check() {
            Ok(entry) => entry.request,
            Err(message) => return Ok(Some(format!("entry {}: {message}", self.first))),
        };
        let is = RequestBinding::digest(&self.request, self.count, &self.salt);
        Ok((named != Some(is)).then(|| format!("entry {} is not bound to it", self.first)))
    }
}

/// Stores the answer to a request.
pub(super) fn keep(
    connection: &Connection,
    prepared: &PreparedRequest,
    first: u64,
    count: u64,
    at: i64,
) -> Result<(), Error> {
    let sql = "INSERT INTO requests (scope, key, digest, first, count, at, salt, dictionary, answer)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let PreparedRequest { request: IdempotentRequest { scope, key, digest, .. }, binding, answer } = prepared;
    let (digest, first, count) = (digest.as_bytes(), number(first), number(count));
    let row = params![scope, key, digest, first, count, at, binding.salt, answer.dictionary, answer.bytes];
    change(connection, sql, row).map(drop)
}

/// The stored answer to a request, if there is one. The outer error is one of the database.
pub(super) fn repeat(
    connection: &Connection,
    request: &IdempotentRequest,
) -> Result<Option<Result<CommittedAppend, Error>>, Error> {
    let kept = match find(connection, &request.scope, &request.key, &request.digest)? {
        None => return Ok(None),
        Some(Err(error)) => return Ok(Some(Err(error))),
        Some(Ok(kept)) => kept,
    };
    let entries = read::placed(connection, kept.first, kept.count)?;
    let repeat = Some(kept.request.answer);
    Ok(Some(Ok(CommittedAppend { entries, checkpoint: String::new(), namespaces: Default::default(), repeat })))
}

/// The answer that the ledger gave to a request, if it gave one.
pub(super) fn answered(
    connection: &Connection,
    scope: &str,
    key: &str,
    digest: &Digest,
) -> Result<Option<Vec<u8>>, Error> {
    find(connection, scope, key, digest)?.transpose().map(|kept| kept.map(|kept| kept.request.answer))
}

fn find(
    connection: &Connection,
    scope: &str,
    key: &str,
    digest: &Digest,
) -> Result<Option<Result<KeptRequest, Error>>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE scope = ?1 AND key = ?2");
    let Some(kept) = one(connection, &sql, [scope, key], KeptRequest::read)? else { return Ok(None) };
    let Some(kept) = kept else { return Ok(Some(Err(Error::corrupt(was_changed(key, UNREADABLE))))) };
    Ok(Some(match kept.wrong(connection)? {
        Some(wrong) => Err(Error::corrupt(was_changed(key, &wrong))),
        None if kept.request.digest != *digest => Err(Error::KeyReused { key: key.to_owned() }),
        None => Ok(kept),
    }))
}

/// The stored answers that somebody changed, at most a hundred of them.
pub(super) fn changed(connection: &Connection) -> Result<Vec<String>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE (scope, key) > (?1, ?2) ORDER BY scope, key LIMIT {PAGE}");
    let (mut changed, mut after) = (Vec::new(), (String::new(), String::new()));
    loop {
        let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
        let rows = statement.query_map([&after.0, &after.1], |row| {
            Ok(((row.get::<_, String>(0)?, row.get::<_, String>(1)?), KeptRequest::read(row)?))
        });
        let page = rows.map_err(unavailable)?.collect::<Result<Vec<_>, _>>().map_err(unavailable)?;
        let Some((last, _)) = page.last() else { return Ok(changed) };
        after.clone_from(last);
        for ((_, key), kept) in page {
            let wrong = match kept {
                Some(kept) => kept.wrong(connection)?,
                None => Some(UNREADABLE.to_owned()),
            };
            changed.extend(wrong.map(|wrong| was_changed(&key, &wrong)));
            if changed.len() >= MOST_CHANGED {
                return Ok(changed);
            }
        }
    }
}

fn was_changed(key: &str, wrong: &str) -> String {
    format!("the answer that is kept for the request `{key}` was changed: {wrong}")
}
