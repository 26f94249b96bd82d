//! The values of plugins in the ledger's database. All servers that share the database share the values.
//!
//! The changes of one write are appended together with it, on the condition that nobody has written to the namespace
//! since it was read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_engine::{PendingChanges, PendingValues, ValueStore, VersionedValues};
use lockgate_ledger::{Error, NamespaceValues, Storage, ValueChanges};
use lockgate_runtime::{NamespaceError, Namespaces, check_namespace};

/// The prefix of plugin namespaces in the ledger, which may hold other values as well.
const PREFIX: &str = "plugin/";

/// The name of a plugin's namespace in the ledger.
pub(crate) fn ledger_name(namespace: &str) -> String {
    format!("{PREFIX}{namespace}")
}

/// The namespaces of a ledger.
pub struct LedgerNamespaces {
    storage: Arc<dyn Storage>,
}

impl LedgerNamespaces {
    /// Reads namespaces in this ledger.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// The values of a write to the ledger, with the changes that its plugins make.
    pub(crate) fn pending(storage: Arc<dyn Storage>) -> Arc<PendingValues> {
        PendingValues::of(Self::new(storage))
    }
}

impl ValueStore for LedgerNamespaces {
    fn values(&self, namespace: &str) -> Result<VersionedValues, NamespaceError> {
        check_namespace(namespace)?;
        let store = |error: Error| NamespaceError::Store(Box::new(error));
        let NamespaceValues { version, values } = self.storage.values(&ledger_name(namespace), "").map_err(store)?;
        Ok(VersionedValues { version, values })
    }
}

impl Namespaces for LedgerNamespaces {
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        Ok(ValueStore::values(self, namespace)?.values)
    }
}

impl fmt::Debug for LedgerNamespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerNamespaces").finish_non_exhaustive()
    }
}

/// The changes in the ledger's form.
pub(crate) fn value_changes(pending: &PendingValues) -> Vec<ValueChanges> {
    let in_ledger = |changes: PendingChanges| ValueChanges {
        namespace: ledger_name(&changes.namespace),
        expect: Some(changes.version),
        changes: changes.changes,
    };
    pending.changes().into_iter().map(in_ledger).collect()
}
