//! The values of plugins during one write.
//!
//! A plugin only reads values; its changes come back with its answer. [`PendingValues`] collects the changes of all
//! calls that belong to one write, so that they can be kept together with that write, on the condition that nobody has
//! changed the namespace since it was read. An evaluation without a write drops them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_domain::Failure;
use lockgate_runtime::{NamespaceChanges, NamespaceError, Namespaces};
use parking_lot::Mutex;

/// All values of one namespace, and its version.
#[derive(Clone, Debug, Default)]
pub struct VersionedValues {
    /// How often the namespace was written to. 0 if the store does not count.
    pub version: u64,
    pub values: BTreeMap<String, Vec<u8>>,
}

/// A store for the values of namespaces.
pub trait ValueStore: fmt::Debug + Send + Sync {
    /// All values of this namespace. Empty if nobody wrote to it.
    ///
    /// # Errors
    /// If the name cannot be that of a namespace, or the store cannot be read.
    fn values(&self, namespace: &str) -> Result<VersionedValues, NamespaceError>;
}

/// The changes in one namespace, on the condition that it still has the version that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingChanges {
    /// The namespace, by its name in the plugin's grant.
    pub namespace: String,
    pub version: u64,
    /// The new values by key. None: the key is removed.
    pub changes: BTreeMap<String, Option<Vec<u8>>>,
}

/// The values of namespaces as all calls of one write see them, with the changes that these calls make.
///
/// A namespace is read once, when the first call asks for it. Calls see the changes that were [added](Self::add) before
/// they asked, so calls that run side by side and are added afterwards all see the values from before the write.
#[derive(Debug)]
pub struct PendingValues {
    store: Box<dyn ValueStore>,
    namespaces: Mutex<BTreeMap<String, PendingNamespace>>,
}

/// A namespace that was read.
#[derive(Clone, Debug)]
struct PendingNamespace {
    version: u64,
    /// The values, with the changes made.
    values: BTreeMap<String, Vec<u8>>,
    changes: BTreeMap<String, Option<Vec<u8>>>,
}

/// The store of the runtime, for evaluations without a write. None: no plugin was granted any values.
#[derive(Debug)]
struct RuntimeValues(Option<Arc<dyn Namespaces>>);

impl ValueStore for RuntimeValues {
    fn values(&self, namespace: &str) -> Result<VersionedValues, NamespaceError> {
        match &self.0 {
            Some(namespaces) => Ok(VersionedValues { version: 0, values: namespaces.read(namespace)? }),
            None => Ok(VersionedValues::default()),
        }
    }
}

impl PendingValues {
    /// The values of a write to this store.
    pub fn of(store: impl ValueStore + 'static) -> Arc<Self> {
        Arc::new(Self { store: Box::new(store), namespaces: Mutex::default() })
    }

    /// The values of an evaluation without a write.
    pub(crate) fn of_runtime(namespaces: Option<Arc<dyn Namespaces>>) -> Arc<Self> {
        Self::of(RuntimeValues(namespaces))
    }

    /// Adds the changes of a call to those that were added before. Of two changes of one key, the later one holds.
    ///
    /// # Errors
    /// The failure of the call, if its changes do not fit into the quota together with the earlier ones, or the
    /// namespace cannot be read. Then none of its changes are added.
    pub fn add(&self, changes: &NamespaceChanges) -> Result<(), Failure> {
        let mut namespaces = self.namespaces.lock();
        let not_kept = |error: NamespaceError| NamespaceChanges::not_kept(&error);
        let mut pending = self.pending(&mut namespaces, &changes.namespace).map_err(not_kept)?.clone();
        changes.apply(&mut pending.values).map_err(not_kept)?;
        let changed = changes.changes.iter().map(|(key, value)| (key.to_owned(), value.map(<[u8]>::to_vec)));
        pending.changes.extend(changed);
        namespaces.insert(changes.namespace.clone(), pending);
        Ok(())
    }

    /// All changes that were added, for the write that the calls belong to.
    pub fn changes(&self) -> Vec<PendingChanges> {
        let namespaces = self.namespaces.lock();
        let changed = namespaces.iter().filter(|(_, pending)| !pending.changes.is_empty());
        let changes = changed.map(|(namespace, pending)| PendingChanges {
            namespace: namespace.clone(),
            version: pending.version,
            changes: pending.changes.clone(),
        });
        changes.collect()
    }

    /// The namespace, which is read on the first use.
    fn pending<'a>(
        &self,
        namespaces: &'a mut BTreeMap<String, PendingNamespace>,
        namespace: &str,
    ) -> Result<&'a PendingNamespace, NamespaceError> {
        if !namespaces.contains_key(namespace) {
            let VersionedValues { version, values } = self.store.values(namespace)?;
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
