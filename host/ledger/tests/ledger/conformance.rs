//! SQLite, put through what every storage has to do.

use std::path::Path;
use std::sync::Arc;

use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{SqliteOptions, SqliteStorage, Storage};

fn open(folder: &Path, name: &str, key: SigningKey) -> Arc<dyn Storage> {
    let path = folder.join(format!("{name}.db"));
    Arc::new(SqliteStorage::open(&path, key, SqliteOptions::default()).unwrap())
}

lockgate_storage_tests::storage_tests!(super::open);
