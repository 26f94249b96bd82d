//! Checks whether a ledger still holds everything that is known to have been in it.

use std::path::Path;

use lockgate_domain::Timestamp;
use rusqlite::Connection;

use super::connection::open_alone;
use super::files::{has_wal, is_empty};
use super::head_file::{HeadFile, HeadRecord};
use super::migrate;
use super::read;
use super::row::{hash, one, unsigned};
use crate::Error;
use crate::loss::{ExpectedHead, Loss};
use crate::storage::TreeHead;
use crate::tree::{Frontier, Hash};

/// What the database says of the log.
struct LedgerState {
    head: TreeHead,
    has_head_file: bool,
    backed_up: Option<Timestamp>,
}

/// Finds out what a ledger has lost, by its head file and by what this process has seen in it. The ledger may have an
/// older version, or be empty. Do not call it within a transaction, which would show another moment.
pub(super) fn find(
    connection: &Connection,
    ledger: &Path,
    head_file: &HeadFile,
    known: Option<TreeHead>,
) -> Result<Option<Loss>, Error> {
    // Read before the database: from here on the database holds at least as much.
    let recorded = head_file.read()?;
    let alone = head_alone(ledger);
    let state = state(connection)?;
    check_extends(connection, state.as_ref().map(|state| state.head), alone)?;
    let had_head_file = state.as_ref().is_some_and(|state| state.has_head_file);
    if recorded == HeadRecord::Missing && had_head_file && head_file.read()? != HeadRecord::Missing {
        // Another process has just made both.
        return find(connection, ledger, head_file, known);
    }
    let lost = |expected, root| {
        let (found, backed_up) = (state.as_ref().map(|state| state.head), state.as_ref().and_then(|s| s.backed_up));
        Ok(Some(Loss { ledger: ledger.to_owned(), expected, found, root, backed_up }))
    };
    let recorded_head = match recorded {
        HeadRecord::Head(head) => Some((head, ExpectedHead::Recorded(head))),
        HeadRecord::Missing | HeadRecord::Unreadable => None,
    };
    let known_head = known.map(|head| (head, ExpectedHead::Known(head)));
    for (head, expected) in recorded_head.into_iter().chain(known_head) {
        match &state {
            Some(state) if state.head.size >= head.size => {
                let root = root_at(connection, head.size)?;
                if root != head.root {
                    return lost(expected, Some(root));
                }
            }
            _ => return lost(expected, None),
        }
    }
    match recorded {
        // The ledger holds what this process has seen. Only the head file is missing, and is written again.
        _ if known.is_some() => Ok(None),
        HeadRecord::Unreadable => lost(ExpectedHead::Unreadable, None),
        HeadRecord::Missing if had_head_file => lost(ExpectedHead::Missing, None),
        HeadRecord::Missing | HeadRecord::Head(_) => Ok(None),
    }
}

/// The head that the database has without its write-ahead file: an earlier head of the same log. None if there is no
/// write-ahead file, or the database has no head yet.
fn head_alone(ledger: &Path) -> Option<TreeHead> {
    if !has_wal(ledger) {
        return None;
    }
    let state = open_alone(ledger).and_then(|connection| state(&connection));
    // A database into which the pages were only partly moved may not be readable alone.
    state.ok().flatten().map(|state| state.head)
}

/// Checks that a log continues the head that its database has alone. With the write-ahead file of another database it
/// does not.
fn check_extends(connection: &Connection, whole: Option<TreeHead>, alone: Option<TreeHead>) -> Result<(), Error> {
    let Some(alone) = alone else { return Ok(()) };
    let with = match whole {
        Some(whole) if whole.size >= alone.size => {
            let root = root_at(connection, alone.size)?;
            if root == alone.root {
                return Ok(());
            }
            format!("the first {} of them have the root {root}", alone.size)
        }
        Some(whole) => format!("it has {whole}"),
        None => "it has none".to_owned(),
    };
    Err(Error::corrupt(format!("the database alone has {alone}, but with the write-ahead file {with}")))
}

/// The loss of everything in the file of a ledger, if the file was not empty before. Call it before SQLite opens the
/// file, because SQLite removes the write-ahead file of an empty database.
pub(super) fn find_gone(ledger: &Path, head_file: &HeadFile) -> Result<Option<Loss>, Error> {
    if !is_empty(ledger) {
        return Ok(None);
    }
    let expected = match head_file.read()? {
        HeadRecord::Head(head) => ExpectedHead::Recorded(head),
        HeadRecord::Unreadable => ExpectedHead::Unreadable,
        HeadRecord::Missing if has_wal(ledger) => ExpectedHead::Missing,
        HeadRecord::Missing => return Ok(None),
    };
    // Another process may have made all files meanwhile, the database first.
    let gone = Loss { ledger: ledger.to_owned(), expected, found: None, root: None, backed_up: None };
    Ok(is_empty(ledger).then_some(gone))
}

fn state(connection: &Connection) -> Result<Option<LedgerState>, Error> {
    if migrate::version(connection)? == 0 {
        return Ok(None);
    }
    one(connection, "SELECT size, root, has_head_file, backed_up FROM log", [], |row| {
        let head = TreeHead { size: unsigned(row, 0)?, root: hash(row, 1)? };
        let backed_up = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_millis);
        Ok(LedgerState { head, has_head_file: row.get(2)?, backed_up })
    })
}

/// The root that the log had when it had `size` entries. The log must have at least that many.
pub(super) fn root_at(connection: &Connection, size: u64) -> Result<Hash, Error> {
    frontier_at(connection, size).map(|frontier| frontier.root())
}

/// The right edge of the log at a size.
pub(super) fn frontier_at(connection: &Connection, size: u64) -> Result<Frontier, Error> {
    let peaks = read::nodes(connection, &Frontier::peak_nodes(size)).map_err(|error| match error {
        Error::NotFound(message) => Error::corrupt(message),
        other => other,
    })?;
    Frontier::new(size, peaks).ok_or_else(|| Error::corrupt(format!("{size} is no size of a log")))
}
