//! Whether the server goes on: what a shutdown and a reload are told by, and to whom.

use std::sync::Arc;

use tokio::sync::watch;

/// Told of a shutdown and of reloads; cheap to clone.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<Channels>);

#[derive(Debug)]
struct Channels {
    stopping: watch::Sender<bool>,
    reloads: watch::Sender<u64>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self(Arc::new(Channels { stopping: watch::Sender::new(false), reloads: watch::Sender::new(0) }))
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
    pub(super) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Asks for a reload.
    pub(super) fn reload(&self) {
        self.0.reloads.send_modify(|count| *count = count.wrapping_add(1));
    }
}
