//! The thread that delivers decisions from the ledger to one sink.
//!
//! It reads from a cursor, delivers, and then moves the cursor, which the ledger keeps too. So a crash at any moment
//! means at worst that an event is sent again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use lockgate_ledger::{Append, EntryQuery, Storage, ValueChanges};
use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::event::EventWriter;
use super::sink::{DeliveryFailure, Sink};
use crate::observe::metrics::SinkMetrics;

/// The namespace of the cursors in the ledger: the index of the next entry to read, by the name of the sink.
pub(super) const NAMESPACE: &str = "decision-log";

/// How many entries are read at once, and about how many bytes of events are collected at once.
const PAGE: usize = 128;
const GATHERED: usize = 8 << 20;
/// How long events are collected after the first one.
const GATHERING: Duration = Duration::from_millis(20);
/// The first wait after a failure.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The state that the senders share with those who wait for them.
#[derive(Debug, Default)]
pub(super) struct SenderSignals {
    /// How many entries the ledger has, as far as this process knows.
    pub(super) head: AtomicU64,
    /// Notifies when a sink has made progress.
    pub(super) moved: Notify,
    state: Mutex<SenderState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct SenderState {
    /// How often a new entry was reported.
    nudges: u64,
    /// Whether the senders should end.
    stop: bool,
}

impl SenderSignals {
    fn change(&self, change: impl FnOnce(&mut SenderState)) {
        change(&mut self.state.lock());
        self.changed.notify_all();
    }

    /// Reports a new entry.
    pub(super) fn nudge(&self) {
        self.change(|state| state.nudges = state.nudges.wrapping_add(1));
    }

    /// Tells the senders to end.
    pub(super) fn stop(&self) {
        self.change(|state| state.stop = true);
    }

    fn stopped(&self) -> bool {
        self.state.lock().stop
    }

    fn nudges(&self) -> u64 {
        self.state.lock().nudges
    }

    /// Waits for `time`, or until the senders should end, or, if `beyond` is given, until there were more nudges than
    /// that.
    fn wait(&self, time: Duration, beyond: Option<u64>) {
        let until = Instant::now() + time;
        let mut state = self.state.lock();
        while !state.stop && beyond.is_none_or(|seen| seen == state.nudges) {
            let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return;
            };
            self.changed.wait_for(&mut state, left);
        }
    }
}

/// Delivers decisions to one sink.
pub(super) struct SinkSender {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) events: Arc<EventWriter>,
    pub(super) sink: Box<dyn Sink>,
    pub(super) shared: Arc<SenderSignals>,
    /// The index of the next entry to read.
    pub(super) cursor: Arc<AtomicU64>,
    pub(super) metrics: SinkMetrics,
    pub(super) interval: Duration,
    pub(super) max_delay: Duration,
}

/// The result of a round.
enum RoundOutcome {
    /// There is more to read.
    More,
    /// Everything was delivered.
    Idle,
}

impl SinkSender {
    /// The cursor of this sink. For a new sink, the first entry or the one after the last.
    ///
    /// # Errors
    /// If the ledger cannot be read or written, or the stored value is no cursor.
    pub(super) fn cursor(storage: &dyn Storage, sink: &str, from_start: bool) -> Result<u64, String> {
        let noted = storage.value(NAMESPACE, sink).map_err(|error| error.to_string())?;
        if let Some(bytes) = noted {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return text.parse().map_err(|_| format!("invalid cursor `{text}` of the sink `{sink}`"));
        }
        let first = if from_start { 0 } else { storage.head().map_err(|error| error.to_string())?.size };
        // At once: decisions that are made before the sink first works belong to it already.
        note(storage, sink, first).map_err(|error| error.to_string())?;
        Ok(first)
    }

    /// Works until it is told to stop, and then once more.
    pub(super) fn run(mut self) {
        let mut delays = self.delays();
        let mut failing = false;
        loop {
            // Both are read before the ledger: changes in between are seen in the next round.
            let (stopped, nudges) = (self.shared.stopped(), self.shared.nudges());
            let outcome = self.round();
            self.metrics.behind(self.behind());
            match outcome {
                Ok(next) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!(sink = self.sink.name(), "the decision log is delivered again");
                        delays = self.delays();
                    }
                    match next {
                        RoundOutcome::More => {}
                        RoundOutcome::Idle if stopped => return,
                        RoundOutcome::Idle => {
                            self.shared.wait(self.interval, Some(nudges));
                            // Entries that arrive together are delivered together.
                            self.shared.wait(GATHERING.min(self.interval), None);
                        }
                    }
                }
                Err(failure) => {
                    self.metrics.failed();
                    // Logs once, and not for each attempt.
                    if !std::mem::replace(&mut failing, true) {
                        let (sink, behind) = (self.sink.name(), self.behind());
                        tracing::warn!(
                            sink,
                            behind,
                            "the decision log could not be delivered, retrying: {}",
                            failure.message
                        );
                    }
                    if stopped {
                        return;
                    }
                    let delay = delays.next().unwrap_or(self.max_delay);
                    let longest = self.max_delay.max(delay);
                    self.pause(failure.retry_after.map_or(delay, |asked| asked.clamp(delay, longest)));
                }
            }
        }
    }

    /// Waits for `time`, and meanwhile reads the size of the ledger, so that the backlog is known.
    fn pause(&self, time: Duration) {
        let until = Instant::now() + time;
        while !self.shared.stopped() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.shared.wait(left.min(self.interval), None);
            if let Ok(head) = self.storage.head() {
                self.shared.head.fetch_max(head.size, Ordering::Relaxed);
            }
            self.metrics.behind(self.behind());
        }
    }

    fn behind(&self) -> u64 {
        self.shared.head.load(Ordering::Relaxed).saturating_sub(self.cursor.load(Ordering::Relaxed))
    }

    fn delays(&self) -> backon::ExponentialBackoff {
        let delays = ExponentialBuilder::new().with_min_delay(FIRST_DELAY.min(self.max_delay));
        delays.with_max_delay(self.max_delay).with_jitter().without_max_times().build()
    }

    /// Reads a page, delivers it, and moves the cursor.
    fn round(&mut self) -> Result<RoundOutcome, DeliveryFailure> {
        let ledger = |error: lockgate_ledger::Error| DeliveryFailure::from(error.to_string());
        let head = self.storage.head().map_err(ledger)?.size;
        self.shared.head.fetch_max(head, Ordering::Relaxed);
        let from = self.cursor.load(Ordering::Relaxed);
        let kind = Some("decision".to_owned());
        let query = EntryQuery { kind, from, before: Some(head), limit: PAGE, ..EntryQuery::default() };
        let page = self.storage.entries(&query).map_err(ledger)?;
        let (mut lines, mut after, mut size) = (Vec::new(), Vec::new(), 0_usize);
        for entry in &page {
            let line = self.events.line(entry, self.storage.as_ref()).map_err(ledger)?;
            size = size.saturating_add(line.len());
            lines.push(line);
            after.push(entry.index + 1);
            if size >= GATHERED {
                break;
            }
        }
        let whole = lines.len() == page.len() && page.len() < PAGE;
        if lines.is_empty() {
            // No entry before the head is for the sink. This is not stored: a restart finds it out again.
            self.move_to(head.max(from));
            return Ok(RoundOutcome::Idle);
        }
        let delivered = self.sink.deliver(&lines);
        if let Some(&next) = delivered.count.checked_sub(1).and_then(|last| after.get(last)) {
            self.metrics.sent(delivered.count as u64);
            self.move_to(if whole && delivered.failure.is_none() { head } else { next });
            if let Err(error) = note(self.storage.as_ref(), self.sink.name(), next) {
                // The events are sent, and the next note will store the cursor; after a crash some are sent twice.
                tracing::debug!(sink = self.sink.name(), "the cursor of the decision log could not be stored: {error}");
            }
        }
        match delivered.failure {
            Some(failure) => Err(failure),
            None if whole => Ok(RoundOutcome::Idle),
            None => Ok(RoundOutcome::More),
        }
    }

    fn move_to(&self, cursor: u64) {
        self.cursor.store(cursor, Ordering::Relaxed);
        self.shared.moved.notify_waiters();
    }
}

fn note(storage: &dyn Storage, sink: &str, cursor: u64) -> Result<(), lockgate_ledger::Error> {
    let changes = BTreeMap::from([(sink.to_owned(), Some(cursor.to_string().into_bytes()))]);
    let values = vec![ValueChanges { namespace: NAMESPACE.to_owned(), expect: None, changes }];
    storage.append(Append { values, ..Append::default() }).map(drop)
}
