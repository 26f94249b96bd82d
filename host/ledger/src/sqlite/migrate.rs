//! Brings a file to the version that this program writes: forward only, one step for each version. Each step is one
//! transaction, which also writes the number of the version.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::connection::unavailable;
use super::row::number;
use crate::Error;
use crate::error::{FailureCause, StorageFailure};

/// The steps. The number of a version is its position here, from 1.
const STEPS: &[&str] = &[include_str!("schema/v1.sql")];

/// The application id in the file's header that marks a ledger of Lockgate: "Lkgl".
const APPLICATION_ID: i32 = 0x4c6b_676c;

/// The version that this program writes.
pub const SCHEMA_VERSION: usize = STEPS.len();

/// Runs the missing steps.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    refuse_triggers(connection)?;
    if version(connection)? == SCHEMA_VERSION {
        return Ok(());
    }
    // Another process may be migrating too: the process that gets the lock reads the version again.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(unavailable)?;
    let from = version(&transaction)?;
    for (done, step) in STEPS.iter().enumerate().skip(from) {
        transaction.execute_batch(step).map_err(unavailable)?;
        transaction.pragma_update(None, "user_version", number(done as u64 + 1)).map_err(unavailable)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(unavailable)?;
    transaction.commit().map_err(unavailable)
}

/// Refuses a file with a trigger: the ledger has none, and one would change what is written.
fn refuse_triggers(connection: &Connection) -> Result<(), Error> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
    let name: Option<String> = connection.query_row(sql, [], |row| row.get(0)).optional().map_err(unavailable)?;
    match name {
        None => Ok(()),
        Some(name) => Err(Error::corrupt(format!(
            "the file has the trigger `{name}`, which is not the ledger's and would change what is written: find out who made it, \
             and drop it"
        ))),
    }
}

/// The differences between the schema of a file and the ledger's. A trigger, for example, would change what is written.
/// A file that was brought to the current version has the same schema as a new one.
pub(super) fn changes(connection: &Connection) -> Result<Vec<String>, Error> {
    let mut new = Connection::open_in_memory().map_err(unavailable)?;
    migrate(&mut new)?;
    let (expected, found) = (schema(&new)?, schema(connection)?);
    let added = found.difference(&expected).map(|(kind, name, _)| format!("{kind} `{name}` is not the ledger's"));
    let missing = expected.difference(&found).map(|(kind, name, _)| format!("{kind} `{name}` is missing, or changed"));
    Ok(added.chain(missing).map(|change| format!("the schema was changed: the {change}")).collect())
}

/// Kind, name and definition of each object in a schema. Objects that SQLite makes for itself have no definition.
fn schema(connection: &Connection) -> Result<BTreeSet<(String, String, String)>, Error> {
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'";
    let mut statement = connection.prepare(sql).map_err(unavailable)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(unavailable)?;
    rows.collect::<Result<_, _>>().map_err(unavailable)
}

/// The schema version of a file. 0 if the file is empty.
pub(super) fn version(connection: &Connection) -> Result<usize, Error> {
    let number =
        |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(unavailable);
    let (version, application) = (number("user_version")?, number("application_id")?);
    if application != i64::from(APPLICATION_ID) {
        let query = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(query, [], |row| row.get(0)).map_err(unavailable)?;
        if version != 0 || tables != 0 {
            return Err(Error::corrupt("the file is a database, but not a ledger of Lockgate's"));
        }
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > SCHEMA_VERSION {
        let message =
            format!("the file has version {version}, and this program knows up to {SCHEMA_VERSION}: update it");
        return Err(StorageFailure::new(FailureCause::TooNew, message).into());
    }
    Ok(version)
}
