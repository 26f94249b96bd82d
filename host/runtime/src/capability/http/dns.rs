//! Resolves host names, each once in an evaluation.
//!
//! The owner of a name can answer with a public address while the address is checked, and with a private one when the
//! connection is made (DNS rebinding). So a name is looked up once in an evaluation, the answer is kept, and connections go
//! to the addresses that were checked.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// The most lookups that one plugin has under way: a name server that does not answer blocks this many threads, and
/// none that other plugins use.
const MOST_AT_ONCE: usize = 8;

/// The names that were looked up in one evaluation, with their addresses or the error.
#[derive(Debug, Default)]
pub(crate) struct NameCache(BTreeMap<String, LookupResult>);

type LookupResult = Result<Vec<IpAddr>, LookupError>;

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LookupError {
    /// The error of the system's resolver.
    Failed(String),
    /// The deadline has passed.
    TimedOut,
}

impl NameCache {
    /// The addresses of a name, in the order in which to try them: from the cache, or looked up until the deadline.
    pub(super) fn addresses(&mut self, resolver: &NameResolver, name: &str, until: Instant) -> LookupResult {
        match self.0.get(name) {
            Some(found) => found.clone(),
            None => {
                let found = resolver.look_up(name, until);
                self.0.insert(name.to_owned(), found.clone());
                found
            }
        }
    }
}

type LookUpFunction = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Looks up the names that one plugin asks for.
#[derive(Clone)]
pub(super) struct NameResolver {
    look_up: Arc<LookUpFunction>,
    running: Arc<RunningLookups>,
}

/// The lookups of one plugin that are under way.
#[derive(Default)]
struct RunningLookups {
    count: Mutex<usize>,
    one_ended: Condvar,
}

/// The right to run one lookup, given back when it is dropped.
struct LookupSlot(Arc<RunningLookups>);

impl NameResolver {
    /// Asks the system: its name servers, its hosts file, and whatever else it is configured to ask.
    pub(super) fn system() -> Self {
        Self::with(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    pub(super) fn with(look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { look_up: Arc::new(look_up), running: Arc::default() }
    }

    /// A lookup of the system cannot be cancelled, so it runs on a thread of its own, which ends when the lookup does.
    fn look_up(&self, name: &str, until: Instant) -> LookupResult {
        let slot = LookupSlot::take(&self.running, until).ok_or(LookupError::TimedOut)?;
        let (answer, answered) = mpsc::sync_channel(1);
        let (look_up, asked) = (Arc::clone(&self.look_up), name.to_owned());
        let ask = move || {
            let found = look_up(&asked);
            drop(slot);
            // Nobody waits for it any more if it took too long.
            let _ = answer.send(found);
        };
        let failed = |error: io::Error| LookupError::Failed(error.to_string());
        thread::Builder::new().name("lockgate-dns".into()).spawn(ask).map_err(failed)?;
        match answered.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(found) => found.map_err(failed),
            Err(_) => Err(LookupError::TimedOut),
        }
    }
}

impl LookupSlot {
    /// Waits for a slot until the deadline.
    fn take(running: &Arc<RunningLookups>, until: Instant) -> Option<Self> {
        let left = until.saturating_duration_since(Instant::now());
        let mut count = running.count.lock();
        if running.one_ended.wait_while_for(&mut count, |count| *count >= MOST_AT_ONCE, left).timed_out() {
            return None;
        }
        *count += 1;
        Some(Self(Arc::clone(running)))
    }
}

impl Drop for LookupSlot {
    fn drop(&mut self) {
        *self.0.count.lock() -= 1;
        self.0.one_ended.notify_one();
    }
}

impl fmt::Debug for NameResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameResolver").finish_non_exhaustive()
    }
}
