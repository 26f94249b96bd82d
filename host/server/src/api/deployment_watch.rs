//! Who waits for which deployment, and who tells them.
//!
//! What this server writes, it tells at once. Other servers write into the same ledger, so while somebody waits, the
//! versions of what is waited for are read a few times a second; the cost goes with the deployments that are waited for,
//! not with what is written. While nobody waits, nothing is read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lockgate_ledger::Storage;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::process::read;

/// How often the ledger is asked what others wrote.
const INTERVAL: Duration = Duration::from_millis(200);

/// How many versions are read at once.
const AT_ONCE: usize = 256;

/// Tells those who wait that a deployment has changed. Cheap to clone.
#[derive(Clone)]
pub struct DeploymentWatch(Arc<DeploymentWatchState>);

struct DeploymentWatchState {
    /// Not held: a server that shuts down closes its ledger.
    storage: Weak<dyn Storage>,
    watched: Mutex<WatchedVersions>,
}

#[derive(Default)]
struct WatchedVersions {
    /// The last known version by stream of a deployment.
    versions: HashMap<String, watch::Sender<u64>>,
    /// Whether there is a task that reads them.
    polled: bool,
}

impl DeploymentWatch {
    pub(super) fn new(storage: Weak<dyn Storage>) -> Self {
        Self(Arc::new(DeploymentWatchState { storage, watched: Mutex::default() }))
    }

    /// The versions of a deployment, by its stream in the ledger, from now on. It may begin with an older one than there is:
    /// look after subscribing.
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

    /// Tells those who wait for it that the deployment of a stream has that version.
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

    /// What is waited for; nothing: the task that reads it is to end.
    fn names(&self) -> Vec<String> {
        let mut watched = self.lock();
        watched.versions.retain(|_, known| known.receiver_count() > 0);
        watched.polled = !watched.versions.is_empty();
        watched.versions.keys().cloned().collect()
    }
}

/// Reads the versions of what is waited for, until nobody waits.
async fn poll(deployment_watch: DeploymentWatch) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let names = deployment_watch.names();
        if names.is_empty() {
            return;
        }
        let looking = deployment_watch.clone();
        // What cannot be read now can be read the next time; whoever waits is answered by their own time-out.
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
