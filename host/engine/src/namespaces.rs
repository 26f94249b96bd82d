//! What plugins remember, in the ledger's database: any number of servers that share the database share it too.
//!
//! The runtime says what a store of namespaces has to do ([`Namespaces`]), the ledger has values by namespace and
//! version. A commit reads, makes its changes, and writes under the condition that nobody else has written since; if
//! somebody has, it begins again with what that one left. So of the rules of the runtime none is written twice.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lockgate_ledger::{Append, Conflict, Error, Storage, ValueChanges, Values};
use lockgate_runtime::{Changes, NamespaceError, Namespaces, check_namespace};

/// What the ledger calls a plugin's namespace begins with this: other values may be kept there as well.
const PREFIX: &str = "plugin/";

/// How long a commit goes on while others are faster: each of them takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Namespaces in a ledger.
pub struct LedgerNamespaces {
    storage: Arc<dyn Storage>,
    /// By namespace, held by the one in this process who writes to it: without that, of all who write at once only one
    /// would get through each time. Other processes are kept apart by the ledger.
    writing: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
}

impl LedgerNamespaces {
    /// Keeps namespaces in that ledger.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, writing: Mutex::default() }
    }

    fn values(&self, namespace: &str) -> Result<Values, NamespaceError> {
        self.storage.values(&format!("{PREFIX}{namespace}"), "").map_err(store)
    }

    fn turn(&self, namespace: &str) -> Arc<Mutex<()>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(writing.entry(namespace.to_owned()).or_default())
    }
}

impl Namespaces for LedgerNamespaces {
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        check_namespace(namespace)?;
        Ok(self.values(namespace)?.values)
    }

    fn commit(&self, namespace: &str, changes: &Changes, quota: u64) -> Result<(), NamespaceError> {
        check_namespace(namespace)?;
        if changes.is_empty() {
            return Ok(());
        }
        let turn = self.turn(namespace);
        let _mine = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        loop {
            let Values { version, mut values } = self.values(namespace)?;
            changes.apply(namespace, &mut values, quota)?;
            let changes = ValueChanges {
                namespace: format!("{PREFIX}{namespace}"),
                expect: Some(version),
                changes: changes.iter().map(|(key, value)| (key.to_owned(), value.map(<[u8]>::to_vec))).collect(),
            };
            match self.storage.append(Append { values: vec![changes], ..Append::default() }) {
                Ok(_) => return Ok(()),
                Err(Error::Conflict(Conflict::Namespace { .. })) if begun.elapsed() < PATIENCE => {}
                Err(error) => return Err(store(error)),
            }
        }
    }
}

impl fmt::Debug for LedgerNamespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerNamespaces").finish_non_exhaustive()
    }
}

fn store(error: Error) -> NamespaceError {
    NamespaceError::Store(Box::new(error))
}
