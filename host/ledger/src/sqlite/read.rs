//! Connections that read the last commit and wait for nobody, and the queries that run on them.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use lockgate_domain::{Digest, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::connection::{open_reader, unavailable};
use super::row::{ENTRY, digest, entry, hash, number, one, unsigned};
use crate::append::{EntryPosition, LARGEST_COMPRESSED_CONTENT};
use crate::compression::decompress;
use crate::storage::{ContentState, EntryQuery, LogHead, NamespaceValues, StoredContent};
use crate::tree::Hash;
use crate::{Error, StoredEntry};

/// How many idle connections are kept open.
const KEPT: usize = 8;

/// The connections that read. Another one can always be opened.
pub(super) struct Readers {
    path: PathBuf,
    busy: Duration,
    idle: Mutex<Idle>,
}

/// Connections that are not in use.
#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    /// How often all connections were closed. A connection that was opened before the last time is not kept.
    closed: u64,
}

impl Readers {
    pub(super) fn new(path: PathBuf, busy: Duration) -> Self {
        Self { path, busy, idle: Mutex::default() }
    }

    /// Runs several queries on one state of the database.
    pub(super) fn read<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.with(|connection| {
            let transaction = connection.transaction().map_err(unavailable)?;
            let answer = ask(&transaction)?;
            transaction.finish().map_err(unavailable)?;
            Ok(answer)
        })
    }

    /// Runs one query without a transaction around it: that takes a third of the time.
    pub(super) fn ask<T>(&self, ask: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.with(|connection| ask(connection))
    }

    /// Closes all connections, because another file has replaced the ledger. A connection that is in use is closed
    /// afterwards.
    pub(super) fn close(&self) {
        let mut idle = self.idle();
        idle.closed += 1;
        idle.connections.clear();
    }

    /// Runs `ask` on a connection. Drops the connection after an error.
    fn with<T>(&self, ask: impl FnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let (opened, closed) = {
            let mut idle = self.idle();
            (idle.connections.pop(), idle.closed)
        };
        let mut connection = match opened {
            Some(connection) => connection,
            None => open_reader(&self.path, self.busy)?,
        };
        let answer = ask(&mut connection)?;
        let mut idle = self.idle();
        if idle.connections.len() < KEPT && idle.closed == closed {
            idle.connections.push(connection);
        }
        Ok(answer)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock()
    }
}

pub(super) fn head(connection: &Connection) -> Result<LogHead, Error> {
    let found = one(connection, "SELECT size, root, checkpoint, key FROM log", [], |row| {
        Ok((unsigned(row, 0)?, hash(row, 1)?, row.get(2)?, row.get::<_, String>(3)?))
    })?;
    let (size, root, checkpoint, key) = found.ok_or_else(|| Error::corrupt("the log has no head"))?;
    let key = key.parse().map_err(|error| Error::corrupt(format!("the current key of the log: {error}")))?;
    Ok(LogHead { size, root, checkpoint, key })
}

/// The SQL condition that a row of `entries` is an entry of the log. The ledger did not write rows after the log's end,
/// and no root covers them.
const WITHIN: &str = "+idx < (SELECT size FROM log)";

pub(super) fn version(connection: &Connection, stream: &str) -> Result<u64, Error> {
    static QUESTION: LazyLock<String> = LazyLock::new(|| version_of("?1"));
    let sql = QUESTION.as_str();
    Ok(one(connection, sql, [stream], |row| unsigned(row, 0))?.unwrap_or(0))
}

/// The SQL that reads the version of the stream in this parameter.
fn version_of(parameter: &str) -> String {
    format!("SELECT sequence FROM entries WHERE stream = {parameter} AND {WITHIN} ORDER BY sequence DESC LIMIT 1")
}

/// The most versions that one query reads.
pub(super) const VERSIONS: usize = 4;

/// The versions of at most [`VERSIONS`] streams, in one query.
pub(super) fn versions(connection: &Connection, streams: &[&str]) -> Result<Vec<u64>, Error> {
    static QUESTIONS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let one = |n| format!("({})", version_of(&format!("?{n}")));
        let of = |count| format!("SELECT {}", (1..=count).map(one).collect::<Vec<_>>().join(", "));
        (1..=VERSIONS).map(of).collect()
    });
    if streams.is_empty() {
        return Ok(Vec::new());
    }
    let sql = QUESTIONS.get(streams.len() - 1).ok_or_else(|| Error::corrupt("too many streams in one question"))?;
    let found = one(connection, sql, params_from_iter(streams), |row| {
        (0..streams.len()).map(|n| Ok(row.get::<_, Option<i64>>(n)?.map_or(0, i64::unsigned_abs))).collect()
    })?;
    found.ok_or_else(|| Error::corrupt("no row tells the versions of streams"))
}

pub(super) fn namespace_version(connection: &Connection, namespace: &str) -> Result<u64, Error> {
    let sql = "SELECT version FROM namespaces WHERE namespace = ?1";
    Ok(one(connection, sql, [namespace], |row| unsigned(row, 0))?.unwrap_or(0))
}

pub(super) fn entries(connection: &Connection, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
    let size = one(connection, "SELECT size FROM log", [], |row| unsigned(row, 0))?.unwrap_or(0);
    let (sql, values) = statement_of(query, size);
    let mut statement = connection.prepare_cached(&sql).map_err(unavailable)?;
    let rows = statement.query_map(params_from_iter(values), entry).map_err(unavailable)?;
    rows.collect::<Result<_, _>>().map_err(unavailable)
}

/// The SQL statement for a query of a log of `size` entries, and its parameters.
fn statement_of(query: &EntryQuery, size: u64) -> (String, Vec<Value>) {
    let mut sql = format!("SELECT {ENTRY} FROM entries WHERE idx >= ?1 AND idx < ?2");
    let mut values = vec![
        Value::from(number(query.from)),
        Value::from(number(query.before.map_or(size, |before| before.min(size)))),
    ];
    let mut add = |column: &str, value: &String, leads: bool| {
        // SQLite does not know how many entries a stream, kind or team has, and would take the wrong index: a `+`
        // prevents that.
        let plus = if leads { "" } else { "+" };
        values.push(Value::from(value.clone()));
        sql.push_str(&format!(" AND {plus}{column} = ?{}", values.len()));
    };
    // The first of these conditions selects the index, together with the team, which has no index of its own.
    let mut lead = None;
    for (column, value) in [("id", &query.id), ("stream", &query.stream), ("kind", &query.kind)] {
        if let Some(value) = value {
            add(column, value, lead.is_none());
            lead.get_or_insert(column);
        }
    }
    if let Some(team) = &query.team {
        // Nearly all streams belong to one team, so theirs is index enough.
        add("team", team, matches!(lead, Some("id" | "kind")));
    }
    // In one stream both orders are the same, and only one of them has an index.
    let order = if lead == Some("stream") { "sequence" } else { "idx" };
    let direction = if query.newest_first { " DESC" } else { "" };
    values.push(Value::from(number(query.limit as u64)));
    sql.push_str(&format!(" ORDER BY {order}{direction} LIMIT ?{}", values.len()));
    (sql, values)
}

/// The positions of the entries that one append wrote.
pub(super) fn placed(connection: &Connection, first: u64, count: u64) -> Result<Vec<EntryPosition>, Error> {
    let sql = "SELECT idx, stream, sequence, hash FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement.query_map([number(first), number(count)], |row| {
        Ok(EntryPosition {
            index: unsigned(row, 0)?,
            stream: row.get(1)?,
            sequence: unsigned(row, 2)?,
            hash: hash(row, 3)?,
        })
    });
    rows.map_err(unavailable)?.collect::<Result<_, _>>().map_err(unavailable)
}

pub(super) fn nodes(connection: &Connection, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
    let read = |&node: &u64| {
        let (sql, key) = match node % 2 {
            0 => ("SELECT hash FROM entries WHERE idx = ?1", node / 2),
            _ => ("SELECT hash FROM nodes WHERE node = ?1", node),
        };
        let found = one(connection, sql, [number(key)], |row| hash(row, 0))?;
        found.ok_or_else(|| Error::NotFound(format!("the node {node} is not in the tree, or not complete yet")))
    };
    nodes.iter().map(read).collect()
}

pub(super) fn checkpoints(connection: &Connection, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
    let sql = "SELECT size, note FROM checkpoints WHERE size > ?1 ORDER BY size LIMIT ?2";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement.query_map([number(above), number(limit as u64)], |row| Ok((unsigned(row, 0)?, row.get(1)?)));
    rows.map_err(unavailable)?.collect::<Result<_, _>>().map_err(unavailable)
}

pub(super) fn content(connection: &Connection, wanted: &Digest) -> Result<Option<StoredContent>, Error> {
    let sql = "SELECT kind, media_type, size, stored, deleted, dictionary, bytes FROM content LEFT JOIN content_bytes USING (id)
               WHERE digest = ?1";
    let found = one(connection, sql, [wanted.as_bytes()], |row| {
        let moment = |millis: i64| Timestamp::from_millis(millis);
        let state = match (row.get::<_, Option<i64>>(4)?, row.get_ref(6)?.as_blob_or_null()?) {
            (None, Some(bytes)) => match decompress(row.get(5)?, bytes, LARGEST_COMPRESSED_CONTENT) {
                Ok(bytes) => Ok(ContentState::Present(bytes.into_owned())),
                Err(error) => Err(error.to_string()),
            },
            (Some(deleted), None) => Ok(ContentState::Deleted(moment(deleted))),
            _ => Err("its bytes are neither there nor deleted".to_owned()),
        };
        let (kind, media_type, size, stored) = (row.get(0)?, row.get(1)?, unsigned(row, 2)?, moment(row.get(3)?));
        Ok(state.map(|state| StoredContent { kind, media_type, size, stored, state }))
    })?;
    found
        .transpose()
        .map_err(|damage| Error::corrupt(format!("the content `{wanted}` was changed in the file: {damage}")))
}

pub(super) fn contents(connection: &Connection, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
    let sql = "SELECT digest FROM content WHERE digest > ?1 ORDER BY digest LIMIT ?2";
    let after = after.map_or(Vec::new(), |digest| digest.as_bytes().to_vec());
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement.query_map(params![after, number(limit as u64)], |row| digest(row, 0)).map_err(unavailable)?;
    rows.collect::<Result<_, _>>().map_err(unavailable)
}

pub(super) fn contents_of_team(
    connection: &Connection,
    team: &str,
    after: Option<Digest>,
    limit: usize,
) -> Result<Vec<Digest>, Error> {
    let sql = "SELECT digest FROM content_teams WHERE team = ?1 AND digest > ?2 ORDER BY digest LIMIT ?3";
    let after = after.map_or(Vec::new(), |digest| digest.as_bytes().to_vec());
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let rows = statement.query_map(params![team, after, number(limit as u64)], |row| digest(row, 0));
    rows.map_err(unavailable)?.collect::<Result<_, _>>().map_err(unavailable)
}

pub(super) fn team_refers_to(connection: &Connection, team: &str, digest: &Digest) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM content_teams WHERE team = ?1 AND digest = ?2";
    Ok(one(connection, sql, params![team, digest.as_bytes()], |_| Ok(()))?.is_some())
}

pub(super) fn values(connection: &Connection, namespace: &str, prefix: &str) -> Result<NamespaceValues, Error> {
    let sql = "SELECT key, value FROM namespace_values WHERE namespace = ?1 AND key >= ?2 ORDER BY key";
    let mut statement = connection.prepare_cached(sql).map_err(unavailable)?;
    let mut rows = statement.query([namespace, prefix]).map_err(unavailable)?;
    let mut found =
        NamespaceValues { version: namespace_version(connection, namespace)?, ..NamespaceValues::default() };
    while let Some(row) = rows.next().map_err(unavailable)? {
        let key: String = row.get(0).map_err(unavailable)?;
        // Keys are ordered by their bytes, so those with the prefix stand together.
        if !key.starts_with(prefix) {
            break;
        }
        found.values.insert(key, row.get(1).map_err(unavailable)?);
    }
    Ok(found)
}

pub(super) fn value(connection: &Connection, namespace: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT value FROM namespace_values WHERE namespace = ?1 AND key = ?2";
    one(connection, sql, [namespace, key], |row| row.get(0))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sqlite::migrate::migrate;

    /// SQLite's plan for a query.
    fn plan(query: &EntryQuery) -> Vec<String> {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let (sql, values) = statement_of(query, 10);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map(params_from_iter(values), |row| row.get("detail")).unwrap();
        rows.map(Result::unwrap).collect()
    }

    #[test]
    fn every_query_is_answered_by_the_index_that_it_names() {
        let name = || Some("x".to_owned());
        let all = || EntryQuery { limit: 10, ..EntryQuery::default() };
        let sort = "USE TEMP B-TREE FOR ORDER BY";
        for (query, way) in [
            (all(), vec!["INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]),
            (EntryQuery { team: name(), ..all() }, vec!["INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]),
            (EntryQuery { stream: name(), ..all() }, vec!["INDEX entries_by_stream (stream=?)"]),
            (EntryQuery { kind: name(), ..all() }, vec!["INDEX entries_by_kind (kind=? AND idx>? AND idx<?)"]),
            (EntryQuery { id: name(), kind: name(), ..all() }, vec!["INDEX entries_by_id (id=?)", sort]),
            (
                EntryQuery { team: name(), kind: name(), ..all() },
                vec!["INDEX entries_by_team_and_kind (team=? AND kind=? AND idx>? AND idx<?)"],
            ),
            (
                EntryQuery { team: name(), stream: name(), kind: name(), ..all() },
                vec!["INDEX entries_by_stream (stream=?)"],
            ),
            (
                EntryQuery { team: name(), id: name(), kind: name(), ..all() },
                vec!["INDEX entries_by_id (id=? AND team=? AND idx>? AND idx<?)"],
            ),
        ] {
            for query in [query.clone(), EntryQuery { newest_first: true, ..query }] {
                let found = plan(&query);
                let found: Vec<&str> =
                    found.iter().map(|line| line.strip_prefix("SEARCH entries USING ").unwrap_or(line)).collect();
                assert_eq!(found, way, "{query:?}");
            }
        }
    }
}
