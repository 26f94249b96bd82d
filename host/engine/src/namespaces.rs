//! The values of plugins in the ledger's database: any number of servers that share the database share them too.
//!
//! A plugin only reads values; what it changes comes back with its answer. [`PendingValues`] gathers the changes of all
//! calls that belong to one write, and they are appended together with that write, under the condition that nobody has
//! written to the namespace since it was read. A look that is not written drops them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_domain::Failure;
use lockgate_ledger::{Error, Storage, ValueChanges, Values};
use lockgate_runtime::{NamespaceChanges, NamespaceError, Namespaces, check_namespace};
use parking_lot::Mutex;

/// What the ledger calls a plugin's namespace begins with this: other values may be kept there as well.
const PREFIX: &str = "plugin/";

/// What the ledger calls a plugin's namespace.
pub(crate) fn ledger_name(namespace: &str) -> String {
    format!("{PREFIX}{namespace}")
}

/// Namespaces in a ledger.
pub struct LedgerNamespaces {
    storage: Arc<dyn Storage>,
}

impl LedgerNamespaces {
    /// Reads namespaces in that ledger.
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    fn values(&self, namespace: &str) -> Result<Values, NamespaceError> {
        check_namespace(namespace)?;
        self.storage.values(&ledger_name(namespace), "").map_err(|error: Error| NamespaceError::Store(Box::new(error)))
    }
}

impl Namespaces for LedgerNamespaces {
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        Ok(self.values(namespace)?.values)
    }
}

impl fmt::Debug for LedgerNamespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerNamespaces").finish_non_exhaustive()
    }
}

/// The values of namespaces as all calls of one write see them, with the changes that these calls make.
///
/// A namespace is read once, when the first call asks for it. Calls see the changes that were [added](Self::add) before
/// they asked, so calls that run side by side and are added afterwards all see the values from before the write.
#[derive(Debug)]
pub(crate) struct PendingValues {
    store: ValueStore,
    namespaces: Mutex<BTreeMap<String, PendingNamespace>>,
}

/// Where values are read.
#[derive(Debug)]
enum ValueStore {
    /// In a ledger, which has a version of each namespace.
    Ledger(LedgerNamespaces),
    /// In the store of the runtime, for evaluations that are written nowhere; none: no plugin was granted any values.
    Runtime(Option<Arc<dyn Namespaces>>),
}

/// One namespace that was read.
#[derive(Clone, Debug)]
struct PendingNamespace {
    /// The version that it had.
    version: u64,
    /// Its values, with the changes made.
    values: BTreeMap<String, Vec<u8>>,
    changes: BTreeMap<String, Option<Vec<u8>>>,
}

impl PendingValues {
    /// Those of a write to that ledger.
    pub(crate) fn of_ledger(storage: Arc<dyn Storage>) -> Arc<Self> {
        Self::of(ValueStore::Ledger(LedgerNamespaces::new(storage)))
    }

    /// Those of an evaluation that is written nowhere.
    pub(crate) fn of_runtime(namespaces: Option<Arc<dyn Namespaces>>) -> Arc<Self> {
        Self::of(ValueStore::Runtime(namespaces))
    }

    fn of(store: ValueStore) -> Arc<Self> {
        Arc::new(Self { store, namespaces: Mutex::default() })
    }

    /// Adds what a call changed on top of what was added before: of two changes of one key the later one holds.
    ///
    /// # Errors
    /// The failure of the call, if its changes do not fit into the quota with those that were added before, or the
    /// namespace cannot be read. Nothing of them is added then.
    pub(crate) fn add(&self, changes: &NamespaceChanges) -> Result<(), Failure> {
        let mut namespaces = self.namespaces.lock();
        let not_kept = |error: NamespaceError| NamespaceChanges::not_kept(&error);
        let mut pending = self.pending(&mut namespaces, &changes.namespace).map_err(not_kept)?.clone();
        changes.apply(&mut pending.values).map_err(not_kept)?;
        let changed = changes.changes.iter().map(|(key, value)| (key.to_owned(), value.map(<[u8]>::to_vec)));
        pending.changes.extend(changed);
        namespaces.insert(changes.namespace.clone(), pending);
        Ok(())
    }

    /// All changes that were added, for the append of the write that the calls belong to.
    pub(crate) fn changes(&self) -> Vec<ValueChanges> {
        let namespaces = self.namespaces.lock();
        let changed = namespaces.iter().filter(|(_, pending)| !pending.changes.is_empty());
        let changes = changed.map(|(namespace, pending)| ValueChanges {
            namespace: ledger_name(namespace),
            expect: Some(pending.version),
            changes: pending.changes.clone(),
        });
        changes.collect()
    }

    /// The namespace, read if it was not read before.
    fn pending<'a>(
        &self,
        namespaces: &'a mut BTreeMap<String, PendingNamespace>,
        namespace: &str,
    ) -> Result<&'a PendingNamespace, NamespaceError> {
        if !namespaces.contains_key(namespace) {
            let Values { version, values } = self.store.values(namespace)?;
            let pending = PendingNamespace { version, values, changes: BTreeMap::new() };
            namespaces.insert(namespace.to_owned(), pending);
        }
        namespaces.get(namespace).ok_or_else(|| NamespaceError::InvalidName { namespace: namespace.to_owned() })
    }
}

impl Namespaces for PendingValues {
    fn read(&self, namespace: &str) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
        let mut namespaces = self.namespaces.lock();
        Ok(self.pending(&mut namespaces, namespace)?.values.clone())
    }
}

impl ValueStore {
    fn values(&self, namespace: &str) -> Result<Values, NamespaceError> {
        match self {
            Self::Ledger(namespaces) => namespaces.values(namespace),
            Self::Runtime(Some(namespaces)) => Ok(Values { version: 0, values: namespaces.read(namespace)? }),
            Self::Runtime(None) => Ok(Values::default()),
        }
    }
}
