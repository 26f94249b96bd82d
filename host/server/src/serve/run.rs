//! A server as a process: its log, its threads, and the signals that end it.

use std::sync::Arc;
use std::time::Duration;

use super::start::{RunningServer, Server, StartError};
use crate::config::Config;
use crate::observe::{self, Metrics};

/// How long threads may continue whose result nobody needs any more.
const LAST_THREADS: Duration = Duration::from_secs(1);

/// Runs a server until a signal ends it (`SIGTERM`, `SIGINT`); `SIGHUP` reloads models, plugins and certificates.
/// `started` is called once, when the server takes requests. A second signal ends it without waiting for answers in
/// progress.
///
/// # Errors
/// If it does not start.
pub fn serve(config: Config, started: impl FnOnce(&RunningServer)) -> Result<(), StartError> {
    let metrics = Arc::new(Metrics::new());
    let log = observe::init(&config.observe.log, &config.observe.traces, &metrics)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Threads)?;
    let outcome = runtime.block_on(async {
        let mut signals = ProcessSignals::new().map_err(StartError::Threads)?;
        let running = Server::new(config).observed(metrics, log.traces()).start().await?;
        started(&running);
        while signals.next().await == ProcessSignal::Reload {
            running.reload();
        }
        tokio::select! {
            _ = running.shutdown() => {}
            () = signals.end() => tracing::warn!("ended at once by a second signal"),
        }
        Ok(())
    });
    runtime.shutdown_timeout(LAST_THREADS);
    outcome
}

/// The request of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProcessSignal {
    End,
    Reload,
}

#[cfg(unix)]
struct ProcessSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl ProcessSignals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> ProcessSignal {
        tokio::select! {
            _ = self.interrupt.recv() => ProcessSignal::End,
            _ = self.terminate.recv() => ProcessSignal::End,
            _ = self.hang_up.recv() => ProcessSignal::Reload,
        }
    }

    async fn end(&mut self) {
        while self.next().await != ProcessSignal::End {}
    }
}

#[cfg(not(unix))]
struct ProcessSignals;

#[cfg(not(unix))]
impl ProcessSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> ProcessSignal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => ProcessSignal::End,
            Err(_) => std::future::pending().await,
        }
    }

    async fn end(&mut self) {
        self.next().await;
    }
}
