//! The parts of which a process has one: threads for long work, the signals for a shutdown and a reload, and its HTTP
//! client.
//!
//! Long work would block the threads that serve connections. There are only a few threads for computing and for
//! reading, whatever the load, because each takes memory of its own. The runtime itself has many threads that may wait.
//! It starts one whenever none is free, so a burst of short reads would leave it with a hundred.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long a thread stays without work.
const KEPT_IDLE: Duration = Duration::from_secs(600);

/// How many requests read at once, for each core.
pub(crate) const READS_PER_CORE: u32 = 2;

/// How many requests that have waited read at once, for each core.
pub(crate) const READS_AFTER_WAIT_PER_CORE: usize = 1;

/// The threads for computing. All servers of the process share them, because more threads than cores help nobody.
static COMPUTING: LazyLock<Option<Runtime>> = LazyLock::new(|| few(cores(), "decide"));

/// The threads for reading: as many as there are turns for reading, so that a request with a turn does not wait again.
static READING: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let turns = usize::try_from(READS_PER_CORE).unwrap_or(usize::MAX);
    few(cores().saturating_mul(turns.saturating_add(READS_AFTER_WAIT_PER_CORE)), "read")
});

/// The number of cores, or 1 if the system does not know it.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn few(threads: usize, name: &str) -> Option<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.max_blocking_threads(threads).thread_keep_alive(KEPT_IDLE).thread_name(name).build().ok()
}

/// Runs work on the threads for computing, or on the runtime's if the machine gave none. Any thread may call it.
pub(crate) fn compute<T: Send + 'static>(runtime: &Handle, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    COMPUTING.as_ref().map_or(runtime, Runtime::handle).spawn_blocking(work)
}

/// Runs work on the threads for reading, or on the runtime's if the machine gave none.
pub(crate) fn read<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*READING {
        Some(few) => few.spawn_blocking(work),
        None => Handle::current().spawn_blocking(work),
    }
}

/// Signals a shutdown and reloads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<LifecycleChannels>);

#[derive(Debug)]
struct LifecycleChannels {
    stopping: watch::Sender<bool>,
    reloads: watch::Sender<u64>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(LifecycleChannels { stopping: watch::Sender::new(false), reloads: watch::Sender::new(0) }))
    }
}

impl Lifecycle {
    /// Whether a shutdown has begun.
    pub fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Returns when a shutdown begins: then all streams and waits should end.
    pub async fn stopping(&self) {
        // The sender lives as long as this does.
        let _ = self.0.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// The number of reload signals so far.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.0.reloads.subscribe()
    }

    /// Begins a shutdown.
    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Asks for a reload.
    pub(crate) fn reload(&self) {
        self.0.reloads.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// A client for requests to other servers. It gives each request at most `timeout`, follows no redirect, and returns
/// answers of any status. It trusts the system's certificates, or those that `SSL_CERT_FILE` names. It blocks, so use
/// it on threads that may wait.
pub(crate) fn outbound_agent(timeout: Duration) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{READS_AFTER_WAIT_PER_CORE, READS_PER_CORE, cores, read};

    /// The runtime would start a thread for each read that did not find a free one.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_burst_of_reads_begins_few_threads() {
        let at_most = cores() * (READS_PER_CORE as usize + READS_AFTER_WAIT_PER_CORE);
        let look = || {
            std::thread::sleep(std::time::Duration::from_millis(1));
            std::thread::current().id()
        };
        let looks: Vec<_> = (0..at_most * 20).map(|_| read(look)).collect();
        let mut threads = HashSet::new();
        for look in looks {
            threads.extend(look.await.ok());
        }
        assert!(!threads.is_empty() && threads.len() <= at_most, "{} threads, at most {at_most}", threads.len());
    }
}
