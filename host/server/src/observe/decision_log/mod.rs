//! The decision log: sends each decision as an OPA event to standard output, a file, or a server.
//!
//! # Delivered from the ledger
//!
//! Decision logs that buffer events in memory lose them: when the buffer is full, when the process dies, when the
//! receiver is away for longer than the buffer lasts. This one has no buffer. A decision is in the ledger before it is
//! answered, so each sink just has a *cursor*, the index of the next entry to read, and continues from there. The
//! ledger keeps the cursor too, which moves after the sink has taken the events. That gives:
//!
//! - **at least once, in order**: after a crash between delivery and cursor, some events come again, with the same
//!   `decision_id` and the same `lockgate.index`;
//! - **no loss**, however long a receiver is away, and across restarts: the ledger *is* the spill to disk;
//! - **a request path that no receiver can slow down**, unless that is asked for: with `max-behind`, new decisions wait
//!   when a sink is too far behind, and are refused after a while ([`DecisionLog::admit`]).
//!
//! Masking happens only on the way out. Each of several servers on one ledger delivers everything to its own sinks, so
//! a receiver that they share sees events more than once.

mod event;
mod mask;
mod sender;
mod sink;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use lockgate_domain::counted;
use lockgate_ledger::Storage;
use parking_lot::Mutex;

use super::metrics::Metrics;
use crate::config::DecisionLogConfig;
use event::EventWriter;
use sender::{SenderSignals, SinkSender};
use sink::{ConsoleSink, FileSink, HttpSink, Sink};

/// Why a sink does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sink `{sink}` of the decision log could not start: {message}")]
pub struct SinkStartError {
    pub sink: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

/// A decision has waited long enough for a sink of the decision log. Answer it with 503.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the sink `{sink}` of the decision log is {} behind, of at most {limit}: it has to catch up first",
    counted(*.behind, "entry", "entries")
)]
pub struct TooFarBehind {
    pub sink: &'static str,
    /// How many entries of the ledger it is behind.
    pub behind: u64,
    /// How many it may be behind.
    pub limit: u64,
}

/// The senders of decisions, one for each sink. Dropping it stops them without waiting; [`Self::close`] waits.
#[derive(Debug)]
pub struct DecisionLog {
    shared: Arc<SenderSignals>,
    sinks: Vec<(&'static str, Arc<AtomicU64>)>,
    /// A lock, so that the log can be shared. Only [`Self::close`] uses it.
    ended: Mutex<mpsc::Receiver<()>>,
    max_behind: Option<u64>,
    max_wait: Duration,
}

impl DecisionLog {
    /// Starts a sender for each sink. Without sinks, nothing is started, and nothing ever waits. `server` is the label
    /// `id` of each event.
    ///
    /// # Errors
    /// If a sink cannot be opened, or the ledger cannot be read or written. No sender is left running.
    pub fn start(
        config: &DecisionLogConfig,
        storage: Arc<dyn Storage>,
        metrics: &Metrics,
        server: &str,
    ) -> Result<Self, SinkStartError> {
        let shared = Arc::new(SenderSignals::default());
        let events = Arc::new(EventWriter::new(config, server));
        let longest = Duration::from_millis(60_000);
        let mut wanted: Vec<(Box<dyn Sink>, Duration)> = Vec::new();
        if config.console {
            wanted.push((Box::new(ConsoleSink), longest));
        }
        if let Some(path) = &config.file {
            let file = FileSink::open(path.clone()).map_err(|message| SinkStartError { sink: "file", message })?;
            wanted.push((Box::new(file), longest));
        }
        if let Some(http) = &config.http {
            wanted.push((Box::new(HttpSink::new(http.clone())), Duration::from_millis(http.max_delay.as_millis())));
        }
        let (end, ended) = mpsc::channel();
        let (mut sinks, mut senders) = (Vec::new(), Vec::new());
        for (sink, max_delay) in wanted {
            let name = sink.name();
            let cursor = SinkSender::cursor(storage.as_ref(), name, config.from_start)
                .map_err(|message| SinkStartError { sink: name, message })?;
            let cursor = Arc::new(AtomicU64::new(cursor));
            sinks.push((name, Arc::clone(&cursor)));
            senders.push(SinkSender {
                storage: Arc::clone(&storage),
                events: Arc::clone(&events),
                sink,
                shared: Arc::clone(&shared),
                cursor,
                metrics: metrics.sink(name),
                interval: Duration::from_millis(config.interval.as_millis()),
                max_delay,
            });
        }
        let max_wait = Duration::from_millis(config.max_wait.as_millis());
        // From here on, dropping it stops what was started, also by the `?` below.
        let log = Self { shared, sinks, ended: Mutex::new(ended), max_behind: config.max_behind, max_wait };
        for sender in senders {
            let (name, end) = (sender.sink.name(), end.clone());
            let work = move || {
                // Dropped when the thread ends, however it ends.
                let _end = end;
                sender.run();
            };
            let thread = std::thread::Builder::new().name(format!("decision-log-{name}"));
            thread.spawn(work).map_err(|error| SinkStartError { sink: name, message: error.to_string() })?;
        }
        Ok(log)
    }

    /// Tells the senders that the ledger has an entry with this index, so that they deliver it at once. Never blocks.
    pub fn appended(&self, index: u64) {
        if !self.sinks.is_empty() {
            self.shared.head.fetch_max(index.saturating_add(1), Ordering::Relaxed);
            self.shared.nudge();
        }
    }

    /// Waits until another decision may be made: at once, unless `max-behind` is set and a sink is further behind.
    ///
    /// # Errors
    /// If a sink is still too far behind after `max-wait`.
    pub async fn admit(&self) -> Result<(), TooFarBehind> {
        if self.too_far().is_none() {
            return Ok(());
        }
        let waited = tokio::time::timeout(self.max_wait, async {
            loop {
                // Before the check, so that no progress in between is missed.
                let moved = self.shared.moved.notified();
                if self.too_far().is_none() {
                    return;
                }
                moved.await;
            }
        });
        match waited.await {
            Ok(()) => Ok(()),
            Err(_) => self.too_far().map_or(Ok(()), Err),
        }
    }

    fn too_far(&self) -> Option<TooFarBehind> {
        let limit = self.max_behind?;
        let behind = self.behind().into_iter().max_by_key(|(_, behind)| *behind);
        behind.filter(|(_, behind)| *behind > limit).map(|(sink, behind)| TooFarBehind { sink, behind, limit })
    }

    /// How many entries of the ledger each sink is behind. Not all entries are decisions, so it is an upper bound.
    pub fn behind(&self) -> Vec<(&'static str, u64)> {
        let head = self.shared.head.load(Ordering::Relaxed);
        let behind = |cursor: &AtomicU64| head.saturating_sub(cursor.load(Ordering::Relaxed));
        self.sinks.iter().map(|(name, cursor)| (*name, behind(cursor))).collect()
    }

    /// Lets each sender deliver once what it has, and end. Blocks at most `at_most`; the rest is delivered after the
    /// next start. Returns whether all senders ended.
    pub fn close(self, at_most: Duration) -> bool {
        self.shared.stop();
        // Nobody ever sends on it: it is closed when the last sender is gone.
        let ended = self.ended.lock();
        matches!(ended.recv_timeout(at_most), Err(mpsc::RecvTimeoutError::Disconnected))
    }
}

impl Drop for DecisionLog {
    fn drop(&mut self) {
        self.shared.stop();
    }
}
