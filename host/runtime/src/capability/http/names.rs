//! Which addresses a name stands for, once and for all of an evaluation.
//!
//! Who owns a name can let it stand for a public address while it is checked, and for a private one when the
//! connection is made. Here there is nothing between the two: a name is looked up once in an evaluation, the answer is
//! kept, and connections go to the addresses in it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};

/// How many of a plugin's names are looked up at the same time, so that a name server that does not answer holds this
/// many threads, and those of nobody else.
const MOST_AT_ONCE: usize = 8;

/// The names that were looked up in one evaluation, with what came of it.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, Found>);

type Found = Result<Vec<IpAddr>, NotFound>;

/// Why a name stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotFound {
    /// What the system says.
    Unknown(String),
    TookTooLong,
}

impl Names {
    /// The addresses of a name, in the order in which to try them.
    pub(super) fn addresses(&mut self, lookups: &Lookups, name: &str, until: Instant) -> Found {
        match self.0.get(name) {
            Some(found) => found.clone(),
            None => {
                let found = lookups.look_up(name, until);
                self.0.insert(name.to_owned(), found.clone());
                found
            }
        }
    }
}

type LookUp = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Looks up the names of one plugin.
#[derive(Clone)]
pub(super) struct Lookups {
    look_up: Arc<LookUp>,
    running: Arc<Running>,
}

#[derive(Default)]
struct Running {
    count: Mutex<usize>,
    one_ended: Condvar,
}

/// A place among those that run; given back when it is dropped.
struct Place(Arc<Running>);

impl Lookups {
    /// By the system: its name servers, its hosts file, and what else it is set up to ask.
    pub(super) fn by_the_system() -> Self {
        Self::by(|name| Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    pub(super) fn by(look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { look_up: Arc::new(look_up), running: Arc::default() }
    }

    /// The system cannot be asked to stop looking, so it is asked on a thread of its own, which ends when the system
    /// does.
    fn look_up(&self, name: &str, until: Instant) -> Found {
        let place = Place::take(&self.running, until).ok_or(NotFound::TookTooLong)?;
        let (answer, answered) = mpsc::sync_channel(1);
        let (look_up, asked) = (Arc::clone(&self.look_up), name.to_owned());
        let ask = move || {
            let found = look_up(&asked);
            drop(place);
            // Nobody waits for it any more if it took too long.
            let _ = answer.send(found);
        };
        let unknown = |error: io::Error| NotFound::Unknown(error.to_string());
        thread::Builder::new().name("lockgate-names".into()).spawn(ask).map_err(unknown)?;
        match answered.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(found) => found.map_err(unknown),
            Err(_) => Err(NotFound::TookTooLong),
        }
    }
}

impl Place {
    /// Waits for a place, until then.
    fn take(running: &Arc<Running>, until: Instant) -> Option<Self> {
        let left = until.saturating_duration_since(Instant::now());
        let mut count = running.count.lock();
        if running.one_ended.wait_while_for(&mut count, |count| *count >= MOST_AT_ONCE, left).timed_out() {
            return None;
        }
        *count += 1;
        Some(Self(Arc::clone(running)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.count.lock() -= 1;
        self.0.one_ended.notify_one();
    }
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}
