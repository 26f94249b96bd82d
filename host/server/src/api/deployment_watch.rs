//! Wakes requests that wait for a deployment to change.
//!
//! A write of this server wakes them at once. Other servers write into the same ledger, so, while a request waits, the
//! versions of the deployments in question are read a few times a second. The cost depends on the deployments that
//! requests wait for, not on the writes. While no request waits, nothing is read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lockgate_ledger::Storage;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::process::read;

/// How often the versions are read from the ledger.
const INTERVAL: Duration = Duration::from_millis(200);

/// How many versions are read at once.
const AT_ONCE: usize = 256;

/// Tells waiting requests that a deployment has changed. Cheap to clone.
#[derive(Clone)]
pub struct DeploymentWatch(Arc<DeploymentWatchState>);

struct DeploymentWatchState {
    /// A weak reference: a server that shuts down closes its ledger.
    storage: Weak<dyn Storage>,
    watched: Mutex<WatchedVersions>,
}

#[derive(Default)]
struct WatchedVersions {
    /// The last known version, by stream of the deployment.
    versions: HashMap<String, watch::Sender<u64>>,
    /// Whether a task reads the versions.
    polled: bool,
}

impl DeploymentWatch {
    pub(super) fn new(storage: Weak<dyn Storage>) -> Self {
        Self(Arc::new(DeploymentWatchState { storage, watched: Mutex::default() }))
    }

    /// The versions of a deployment from now on, by its stream in the ledger. The first one may be older than the
    /// present version, so read the deployment after subscribing.
    pub fn watch(&self, stream: &str) -> watch::Receiver<u64> {
        let mut watched = self.lock();
        let receiver = match watched.versions.entry(stream.to_owned()) {
            Entry::Occupied(known) => known.get().subscribe(),
            Entry::Vacant(new) => new.insert(watch::Sender::new(0)).subscribe(),
        };
        if !watched.polled {
            watched.polled = true;
            tokio::spawn(poll(self.clone()));
        }
        receiver
    }

    /// Tells requests that wait for the deployment of a stream that it has this version.
    pub fn wrote(&self, stream: &str, version: u64) {
        if let Some(known) = self.lock().versions.get(stream) {
            known.send_if_modified(|known| {
                let newer = version > *known;
                *known = version.max(*known);
                newer
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, WatchedVersions> {
        self.0.watched.lock()
    }

    /// The streams that requests wait for. Empty: the task that reads them should end.
    fn names(&self) -> Vec<String> {
        let mut watched = self.lock();
        watched.versions.retain(|_, known| known.receiver_count() > 0);
        watched.polled = !watched.versions.is_empty();
        watched.versions.keys().cloned().collect()
    }
}

/// Reads the versions of those streams until no request waits.
async fn poll(deployment_watch: DeploymentWatch) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let names = deployment_watch.names();
        if names.is_empty() {
            return;
        }
        let looking = deployment_watch.clone();
        // A failed read is repeated the next time. Waiting requests have their own time-out.
        let _ = read(move || looking.look(&names)).await;
    }
}

impl DeploymentWatch {
    fn look(&self, names: &[String]) {
        let Some(storage) = self.0.storage.upgrade() else { return };
        for names in names.chunks(AT_ONCE) {
            let streams: Vec<_> = names.iter().map(String::as_str).collect();
            match storage.versions(&streams) {
                Ok(versions) => names.iter().zip(versions).for_each(|(name, version)| self.wrote(name, version)),
                Err(error) => return tracing::debug!(%error, "deployment versions could not be read"),
            }
        }
    }
}
