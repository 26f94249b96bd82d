//! The values of plugins while one write is decided on.
//!
//! A plugin only reads values; what it changes comes back with its answer. [`PendingValues`] gathers the changes of all
//! calls that belong to one write, so that they can be kept together with that write, under the condition that nobody has
//! changed the namespace since it was read. A look that is not written drops them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use lockgate_domain::Failure;
use lockgate_runtime::{NamespaceChanges, NamespaceError, Namespaces};
use parking_lot::Mutex;

/// All values of one namespace, and the version that it had.
#[derive(Clone, Debug, Default)]
pub struct VersionedValues {
    /// How often the namespace was written to; 0 where nobody counts.
    pub version: u64,
    /// The values by key.
    pub values: BTreeMap<String, Vec<u8>>,
}

/// Where the values of namespaces are kept.
pub trait ValueStore: fmt::Debug + Send + Sync {
    /// All values of that namespace. One that nobody wrote to is empty.
    ///
    /// # Errors
    /// If no namespace can have that name, or the store cannot be read.
    fn values(&self, namespace: &str) -> Result<VersionedValues, NamespaceError>;
}

/// What changed in one namespace, under the condition that it still has the version that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingChanges {
    /// The namespace, by the name that the plugin's grant has for it.
    pub namespace: String,
    /// The version that was read.
    pub version: u64,
    /// The new values by key; none: the key is removed.
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

/// One namespace that was read.
#[derive(Clone, Debug)]
struct PendingNamespace {
    /// The version that it had.
    version: u64,
    /// Its values, with the changes made.
    values: BTreeMap<String, Vec<u8>>,
    changes: BTreeMap<String, Option<Vec<u8>>>,
}

/// The store of the runtime, for evaluations that are written nowhere. None: no plugin was granted any values.
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
    /// Those of a write to that store.
    pub fn of(store: impl ValueStore + 'static) -> Arc<Self> {
        Arc::new(Self { store: Box::new(store), namespaces: Mutex::default() })
    }

    /// Those of an evaluation that is written nowhere.
    pub(crate) fn of_runtime(namespaces: Option<Arc<dyn Namespaces>>) -> Arc<Self> {
        Self::of(RuntimeValues(namespaces))
    }

    /// Adds what a call changed on top of what was added before: of two changes of one key the later one holds.
    ///
    /// # Errors
    /// The failure of the call, if its changes do not fit into the quota with those that were added before, or the
    /// namespace cannot be read. Nothing of them is added then.
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

    /// The namespace, read if it was not read before.
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
