//! What a process has once: threads for work that takes long, the signals for a shutdown and a reload, and its HTTP client.
//!
//! Work that takes long would keep the threads that serve connections from them. The threads that compute and those that read are
//! few, whatever comes in, because each takes memory of its own. The runtime itself has many threads that may wait; it begins one
//! whenever none is free at that moment, so a burst of short reads would leave it with a hundred.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// How long a thread stays without work.
const KEPT_IDLE: Duration = Duration::from_secs(600);

/// How many requests read at once for each core.
pub(crate) const READS_PER_CORE: u32 = 2;

/// How many of those who have waited read at once, for each core.
pub(crate) const READS_AFTER_WAIT_PER_CORE: usize = 1;

/// The threads that compute. They belong to the machine, not to one server: more of them than cores help nobody.
static COMPUTING: LazyLock<Option<Runtime>> = LazyLock::new(|| few(cores(), "decide"));

/// The threads that read: as many as there are turns for reading, so what has its turn does not wait again.
static READING: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let turns = usize::try_from(READS_PER_CORE).unwrap_or(usize::MAX);
    few(cores().saturating_mul(turns.saturating_add(READS_AFTER_WAIT_PER_CORE)), "read")
});

/// The number of cores, or 1 if the system does not tell it.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn few(threads: usize, name: &str) -> Option<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.max_blocking_threads(threads).thread_keep_alive(KEPT_IDLE).thread_name(name).build().ok()
}

/// Hands work to the threads that compute; to those of the runtime, if the machine gives none. It may be called from any thread.
pub(crate) fn compute<T: Send + 'static>(runtime: &Handle, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    COMPUTING.as_ref().map_or(runtime, Runtime::handle).spawn_blocking(work)
}

/// Hands work to the threads that read; to those of the runtime, if the machine gives none.
pub(crate) fn read<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    match &*READING {
        Some(few) => few.spawn_blocking(work),
        None => Handle::current().spawn_blocking(work),
    }
}

/// Told of a shutdown and of reloads; cheap to clone.
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

    /// Ends when a shutdown begins: streams and clients that wait for something are to be ended then.
    pub async fn stopping(&self) {
        // The sender lives as long as this does.
        let _ = self.0.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Counts how often models and plugins were asked to be loaded anew by a signal; it changes with each.
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

/// A client for requests to other servers. It gives each request at most that long, follows no redirect, and returns answers of
/// any status. It trusts the certificates that the system trusts; `SSL_CERT_FILE` names others. It blocks, so it is used on threads
/// that may wait.
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

    /// The threads of a runtime would be as many as there were looks that did not find one free.
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
