//! Limits how many requests are open and in progress at once, in all and for one credential.
//!
//! A request takes a [`QueuePlace`] before its body is read, and its [`Turn`] when the body is there. Requests beyond
//! the turns wait. Requests beyond the places are refused at once, so that waiting ones are still answered in time. A
//! client that waits for something to happen gives its turn back ([`Turn::watch`]): a thousand pipelines that wait for
//! an approval do not block the request that gives it. One credential gets only a share of each, so it cannot hold all
//! of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use lockgate_service::authority::Actor;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::config::LimitsConfig;
use crate::observe::{Metrics, ShedReason};
use crate::problem::{OVERLOADED_RETRY_AFTER, Problem};
use crate::process::{READS_PER_CORE, cores};

/// The steps, in bytes, in which memory is reserved for a body of unknown length.
const STEP: u64 = 64 << 10;

/// The places and turns of a server. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<AdmissionState>);

#[derive(Debug)]
struct AdmissionState {
    all: Capacity,
    limits: CapacityLimits,
    by_credential: Mutex<HashMap<String, Arc<Capacity>>>,
    metrics: Arc<Metrics>,
}

/// The capacity, for all or for one credential.
#[derive(Clone, Copy, Debug)]
struct CapacityLimits {
    requests: u32,
    reads: u32,
    queue: u32,
    watchers: u32,
    bodies: u64,
    answers: u64,
}

/// The free capacity, for all or for one credential.
#[derive(Debug)]
struct Capacity {
    open: Arc<Semaphore>,
    working: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    watching: Arc<Semaphore>,
    /// How many more bytes of bodies may be held in memory.
    bodies: FreeBytes,
    /// How many more bytes of answers may be held in memory. Answers that nobody takes leave the bytes for bodies free.
    answers: FreeBytes,
}

/// How many bytes are free.
#[derive(Debug)]
struct FreeBytes(AtomicU64);

impl Capacity {
    fn new(limits: CapacityLimits) -> Self {
        let permits = |number: u32| {
            let number = usize::try_from(number).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(number.min(Semaphore::MAX_PERMITS)))
        };
        Self {
            open: permits(limits.requests.saturating_add(limits.queue)),
            working: permits(limits.requests),
            reading: permits(limits.reads),
            watching: permits(limits.watchers),
            bodies: FreeBytes(AtomicU64::new(limits.bodies)),
            answers: FreeBytes(AtomicU64::new(limits.answers)),
        }
    }
}

impl FreeBytes {
    fn take_bytes(&self, bytes: u64) -> bool {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(bytes));
        taken.is_ok()
    }

    /// Takes bytes even if there are too few: then no other request gets any until they are given back.
    fn take_bytes_anyway(&self, bytes: u64) -> u64 {
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| Some(free.saturating_sub(bytes)));
        taken.map_or(0, |free| free.min(bytes))
    }

    fn give_back_bytes(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::AcqRel);
    }
}

/// The capacities that a request uses: that of its credential, if it has one, and that of all.
#[derive(Clone, Debug)]
struct RequestCapacity {
    own: Option<Arc<CredentialCapacity>>,
    admissions: Arc<AdmissionState>,
}

/// The capacity of one credential. It is dropped when none of it is in use.
#[derive(Debug)]
struct CredentialCapacity {
    credential: String,
    capacity: Arc<Capacity>,
    admissions: Arc<AdmissionState>,
}

impl Drop for CredentialCapacity {
    fn drop(&mut self) {
        let mut capacities = self.admissions.capacities();
        // One reference is this one, the other the map's.
        if Arc::strong_count(&self.capacity) <= 2 {
            capacities.remove(&self.credential);
        }
    }
}

/// The kind of turn that a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TurnKind {
    /// A turn that may decide or write, and wait for the disk or for plugins.
    Work,
    /// A turn that reads. It uses a core and memory as long as it lasts, so more at once than cores help nobody.
    Read,
}

/// The permits of one request for a kind of capacity. That of the credential is given back first.
type Permits = (Option<OwnedSemaphorePermit>, OwnedSemaphorePermit);

/// The place of an admitted request: it may send its body, and wait for its turn.
#[derive(Debug)]
pub(super) struct QueuePlace {
    open: Permits,
    capacity: RequestCapacity,
}

/// The turn of a request, in its extensions.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The permits of the request: its place in the queue, and its turn.
    permits: Arc<Mutex<Option<(Permits, Permits)>>>,
    capacity: RequestCapacity,
}

/// The place of a client that waits for something to happen. It is free again when this is dropped.
#[derive(Debug)]
pub struct WatcherPlace {
    _permits: Permits,
    _capacity: RequestCapacity,
}

/// The memory of one body or answer. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct HeldMemory {
    capacity: RequestCapacity,
    of: fn(&Capacity) -> &FreeBytes,
    /// How many bytes count for the credential: as many as for all, unless there were too few.
    own_bytes: u64,
    bytes: u64,
}

/// The capacity that an answer holds until it is delivered: the place of its request, and memory.
#[derive(Debug)]
pub(super) struct AnswerDelivery {
    _open: Permits,
    memory: HeldMemory,
}

impl AnswerDelivery {
    /// Reserves memory for an answer of this many bytes.
    ///
    /// # Errors
    /// If there is too little.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), Problem> {
        self.memory.grow_to(bytes)
    }

    /// Reserves memory for an answer to a write, which must be sent: all that there is, if that is too little.
    pub(super) fn take_anyway(&mut self, bytes: u64) {
        let HeldMemory { capacity, of, own_bytes, bytes: of_all } = &mut self.memory;
        *own_bytes += capacity.own().map_or(0, |own| of(own).take_bytes_anyway(bytes));
        *of_all += of(&capacity.admissions.all).take_bytes_anyway(bytes);
    }
}

impl Admission {
    /// The places and turns for these limits.
    pub(super) fn new(limits: &LimitsConfig, metrics: Arc<Metrics>) -> Self {
        let cores = u32::try_from(cores()).unwrap_or(u32::MAX);
        let all = CapacityLimits {
            requests: limits.requests,
            reads: cores.saturating_mul(READS_PER_CORE),
            queue: limits.queue,
            watchers: limits.watchers,
            bodies: limits.bodies.as_u64(),
            answers: limits.bodies.as_u64(),
        };
        let of_credential = CapacityLimits {
            requests: limits.requests_per_credential,
            reads: (cores / 2).max(1),
            queue: limits.queue_per_credential,
            watchers: limits.watchers_per_credential,
            bodies: limits.bodies_per_credential.as_u64(),
            // Half as much, but enough for the largest answer, which is a piece of evidence.
            answers: (limits.bodies_per_credential.as_u64() / 2).max(limits.evidence.as_u64()),
        };
        let (all, by_credential) = (Capacity::new(all), Mutex::default());
        Self(Arc::new(AdmissionState { all, limits: of_credential, by_credential, metrics }))
    }

    /// A place for a request of an actor. Requests without an actor share the capacity of all.
    ///
    /// # Errors
    /// If there is none.
    pub(super) fn place(&self, actor: Option<&Actor>) -> Result<QueuePlace, Problem> {
        let own = actor.map(|actor| {
            let credential = format!("{} {}", actor.credential, actor.person.id.written());
            let capacity = self.0.capacity_of(&credential);
            Arc::new(CredentialCapacity { credential, capacity, admissions: Arc::clone(&self.0) })
        });
        let capacity = RequestCapacity { own, admissions: Arc::clone(&self.0) };
        let open = capacity.try_take(|capacity| &capacity.open, "open requests")?;
        Ok(QueuePlace { capacity, open })
    }
}

impl AdmissionState {
    fn capacities(&self) -> MutexGuard<'_, HashMap<String, Arc<Capacity>>> {
        self.by_credential.lock()
    }

    fn capacity_of(&self, credential: &str) -> Arc<Capacity> {
        let mut capacities = self.capacities();
        match capacities.get(credential) {
            Some(capacity) => Arc::clone(capacity),
            None => Arc::clone(
                capacities.entry(credential.to_owned()).or_insert_with(|| Arc::new(Capacity::new(self.limits))),
            ),
        }
    }
}

impl RequestCapacity {
    fn own(&self) -> Option<&Capacity> {
        self.own.as_ref().map(|own| &*own.capacity)
    }

    fn try_take(&self, of: impl Fn(&Capacity) -> &Arc<Semaphore>, what: &str) -> Result<Permits, Problem> {
        let own = self.own().map(|own| Arc::clone(of(own)).try_acquire_owned()).transpose();
        let own = own.map_err(|_| self.too_many(what))?;
        let all = Arc::clone(of(&self.admissions.all)).try_acquire_owned();
        let all = all.map_err(|_| self.overloaded(&format!("too many {what}")))?;
        Ok((own, all))
    }

    async fn take_turn(&self, kind: TurnKind) -> Result<Permits, AcquireError> {
        let of = |capacity: &Capacity| match kind {
            TurnKind::Work => Arc::clone(&capacity.working),
            TurnKind::Read => Arc::clone(&capacity.reading),
        };
        // First the turn of the credential: a request that waits here takes no turn from others.
        let own = match self.own() {
            Some(own) => Some(of(own).acquire_owned().await?),
            None => None,
        };
        Ok((own, of(&self.admissions.all).acquire_owned().await?))
    }

    fn overloaded(&self, detail: &str) -> Problem {
        self.admissions.metrics.shed(ShedReason::Busy);
        Problem::overloaded(detail)
    }

    fn too_many(&self, what: &str) -> Problem {
        self.admissions.metrics.shed(ShedReason::CredentialBusy);
        let title = "Too Many Requests";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", title)
            .detail(format!(
                "this credential has too many {what}. Nothing was done. Retry when some of them have ended"
            ))
            .retry_after(OVERLOADED_RETRY_AFTER)
    }
}

impl QueuePlace {
    /// Memory for a body, which is empty at first.
    pub(super) fn body(&self) -> HeldMemory {
        HeldMemory::new(&self.capacity, |capacity| &capacity.bodies)
    }

    /// Waits for the request's turn.
    pub(super) async fn turn(self, kind: TurnKind) -> Result<Turn, Problem> {
        let Self { capacity, open } = self;
        let working = capacity.take_turn(kind).await.map_err(|_| capacity.overloaded("the server is shutting down"))?;
        Ok(Turn { permits: Arc::new(Mutex::new(Some((open, working)))), capacity })
    }
}

impl HeldMemory {
    fn new(capacity: &RequestCapacity, of: fn(&Capacity) -> &FreeBytes) -> Self {
        Self { capacity: capacity.clone(), of, own_bytes: 0, bytes: 0 }
    }

    /// Reserves enough memory for this many bytes of a body of unknown length.
    ///
    /// # Errors
    /// If there is not that much memory.
    pub(super) fn grow_for(&mut self, bytes: u64) -> Result<(), Problem> {
        if bytes <= self.bytes { Ok(()) } else { self.grow_to(bytes.next_multiple_of(STEP)) }
    }

    /// Raises the reserved memory to this many bytes.
    ///
    /// # Errors
    /// If there is not that much memory.
    pub(super) fn grow_to(&mut self, bytes: u64) -> Result<(), Problem> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return Ok(());
        }
        let Self { capacity, of, .. } = self;
        if capacity.own().is_some_and(|own| !of(own).take_bytes(more)) {
            return Err(capacity.too_many("bytes of requests and answers in memory"));
        }
        if !of(&capacity.admissions.all).take_bytes(more) {
            if let Some(own) = capacity.own() {
                of(own).give_back_bytes(more);
            }
            return Err(capacity.overloaded("the memory for requests and answers is full"));
        }
        self.bytes += more;
        self.own_bytes += more;
        Ok(())
    }
}

impl Drop for HeldMemory {
    fn drop(&mut self) {
        if let Some(own) = self.capacity.own() {
            (self.of)(own).give_back_bytes(self.own_bytes);
        }
        (self.of)(&self.capacity.admissions.all).give_back_bytes(self.bytes);
    }
}

impl Turn {
    /// Gives the turn back, to wait for something to happen. Such a request answers without much work afterwards.
    ///
    /// # Errors
    /// If too many are waiting already.
    pub fn watch(&self) -> Result<WatcherPlace, Problem> {
        let permits = self.capacity.try_take(|capacity| &capacity.watching, "waiting clients")?;
        self.end();
        Ok(WatcherPlace { _permits: permits, _capacity: self.capacity.clone() })
    }

    /// Gives back the turn, and the place of the request.
    fn end(&self) {
        drop(self.take());
    }

    fn take(&self) -> Option<(Permits, Permits)> {
        self.permits.lock().take()
    }

    /// Gives the turn back when the answer is ready. The place of the request stays taken until the answer is
    /// delivered. None if the request waits for something to happen.
    pub(super) fn answered(&self) -> Option<AnswerDelivery> {
        let (open, _working) = self.take()?;
        Some(AnswerDelivery { _open: open, memory: HeldMemory::new(&self.capacity, |capacity| &capacity.answers) })
    }
}
