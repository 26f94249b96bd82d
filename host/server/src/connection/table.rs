//! The open connections: how many there may be, for one address and in all, and which are closed for a new one.
//!
//! If a limit refused new connections, clients that hold the old ones could lock everybody else out. So a new
//! connection replaces the one that has kept the server waiting for longest: a client that sends its request is
//! answered, however many connections are silent.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use slab::Slab;

use super::activity::ConnectionActivity;
use super::client_address::AddressKey;
use crate::observe::{CloseReason, Metrics};

/// How many more connections are accepted for health requests, when all others are being answered.
const HEALTH_ROOM: usize = 64;

/// How many connections for health requests one address may have.
const HEALTH_ROOM_PER_ADDRESS: usize = 8;

/// How many connections may be closing before no further ones are accepted.
const CLOSING: usize = 64;

/// The most connections that are closed at once: finding many costs as much as finding one.
const EVICTED_AT_ONCE: usize = 64;

/// The connections that are open. Cheap to clone.
#[derive(Clone)]
pub(super) struct ConnectionTable(Arc<ConnectionTableState>);

struct ConnectionTableState {
    limit: usize,
    limit_per_address: usize,
    metrics: Arc<Metrics>,
    open: Mutex<OpenConnections>,
}

#[derive(Default)]
struct OpenConnections {
    connections: Slab<OpenConnection>,
    /// Evicted connections, and those for health requests, are not counted.
    counted: usize,
    for_health: usize,
    by_address: HashMap<AddressKey, usize>,
}

struct OpenConnection {
    activity: Arc<ConnectionActivity>,
    address: Option<AddressKey>,
    kind: ConnectionKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ConnectionKind {
    Usual,
    ForHealth,
    Evicted,
}

/// A connection's place in the table. It is free again when this is dropped.
pub(super) struct ConnectionPlace {
    table: ConnectionTable,
    key: usize,
    /// Whether only health requests are answered.
    pub(super) for_health: bool,
}

impl ConnectionTable {
    pub(super) fn new(limit: usize, limit_per_address: usize, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(ConnectionTableState { limit, limit_per_address, metrics, open: Mutex::default() }))
    }

    /// How many connections for health requests there may be: few, if the system allows few files.
    fn health_room(&self) -> usize {
        (self.0.limit / 4).clamp(1, HEALTH_ROOM)
    }

    /// How many connections there may be together, including closing ones.
    pub(super) fn most_tasks(&self) -> usize {
        self.0.limit.saturating_add(self.health_room()).saturating_add((self.0.limit / 4).clamp(1, CLOSING))
    }

    /// Admits a connection. None: close it, because its address, or the server, has too many connections with requests
    /// in progress. A connection without an address is that of a proxy, which has many clients.
    pub(super) fn take(&self, activity: &Arc<ConnectionActivity>, address: Option<IpAddr>) -> Option<ConnectionPlace> {
        let address = address.map(AddressKey::from);
        let mut open = self.lock();
        if !self.makes_room_for(&mut open, address) {
            return None;
        }
        let for_health = open.counted >= self.0.limit && self.evict(&mut open, ConnectionKind::Usual, None) == 0;
        if for_health && !self.has_room_for_health(&mut open, address) {
            self.0.metrics.connection_closed(CloseReason::TooMany);
            return None;
        }
        let kind = if for_health { ConnectionKind::ForHealth } else { ConnectionKind::Usual };
        match kind {
            ConnectionKind::ForHealth => open.for_health += 1,
            ConnectionKind::Usual | ConnectionKind::Evicted => open.counted += 1,
        }
        if let Some(address) = address {
            *open.by_address.entry(address).or_default() += 1;
        }
        let key = open.connections.insert(OpenConnection { activity: Arc::clone(activity), address, kind });
        Some(ConnectionPlace { table: self.clone(), key, for_health })
    }

    /// Whether the address may have another connection, after closing some of its own if needed.
    fn makes_room_for(&self, open: &mut OpenConnections, address: Option<AddressKey>) -> bool {
        let Some(address) = address else { return true };
        let full = open.by_address.get(&address).is_some_and(|count| *count >= self.0.limit_per_address);
        if full && self.evict(open, ConnectionKind::Usual, Some(address)) == 0 {
            self.0.metrics.connection_closed(CloseReason::TooManyOfAddress);
            return false;
        }
        true
    }

    /// Whether the address may have another connection for health requests. Silent ones make room here, too.
    fn has_room_for_health(&self, open: &mut OpenConnections, address: Option<AddressKey>) -> bool {
        let is_of_address = |connection: &OpenConnection| connection.address == address && address.is_some();
        let for_health = open.connections.iter().filter(|(_, connection)| connection.kind == ConnectionKind::ForHealth);
        let of_address = for_health.filter(|(_, connection)| is_of_address(connection)).count();
        (of_address < HEALTH_ROOM_PER_ADDRESS || self.evict(open, ConnectionKind::ForHealth, address) > 0)
            && (open.for_health < self.health_room() || self.evict(open, ConnectionKind::ForHealth, None) > 0)
    }

    /// Closes the connections of a kind that have kept the server waiting for longest, of one address or of all: one in
    /// sixteen, and at least one. Those on which no credential was accepted are closed first. Returns their number.
    fn evict(&self, open: &mut OpenConnections, kind: ConnectionKind, address: Option<AddressKey>) -> usize {
        let of_address =
            |connection: &OpenConnection| address.is_none_or(|address| connection.address == Some(address));
        let candidates =
            open.connections.iter().filter(|(_, connection)| connection.kind == kind && of_address(connection));
        let waiting = candidates.filter_map(|(key, connection)| {
            Some((!connection.activity.is_known(), connection.activity.keeps_waiting()?, key))
        });
        let mut waiting: Vec<(bool, u64, usize)> = waiting.collect();
        let count = (waiting.len() / 16).clamp(1, EVICTED_AT_ONCE).min(waiting.len());
        if count == 0 {
            return 0;
        }
        waiting.select_nth_unstable_by(count - 1, |a, b| b.cmp(a));
        waiting.truncate(count);
        for (_, _, key) in waiting {
            open.close(key);
            self.0.metrics.connection_closed(CloseReason::ForAnother);
        }
        count
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.0.open.lock()
    }
}

impl OpenConnections {
    /// Closes a connection. Its place is free from now on.
    fn close(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (kind, address) = (std::mem::replace(&mut connection.kind, ConnectionKind::Evicted), connection.address);
        connection.activity.evict();
        match kind {
            ConnectionKind::Usual => self.counted -= 1,
            ConnectionKind::ForHealth => self.for_health -= 1,
            ConnectionKind::Evicted => return,
        }
        self.leave(address);
    }

    fn leave(&mut self, address: Option<AddressKey>) {
        let Some(address) = address else { return };
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl ConnectionPlace {
    /// Counts the connection for an address that is known only now. Returns whether it may stay.
    pub(super) fn belongs_to(&self, address: IpAddr) -> bool {
        let address = AddressKey::from(address);
        let mut open = self.table.lock();
        // A connection that was evicted meanwhile is not counted any more.
        if open.connections.get(self.key).is_none_or(|connection| connection.kind == ConnectionKind::Evicted)
            || !self.table.makes_room_for(&mut open, Some(address))
        {
            return false;
        }
        *open.by_address.entry(address).or_default() += 1;
        if let Some(connection) = open.connections.get_mut(self.key) {
            connection.address = Some(address);
        }
        true
    }
}

impl Drop for ConnectionPlace {
    fn drop(&mut self) {
        let mut open = self.table.lock();
        let Some(connection) = open.connections.try_remove(self.key) else { return };
        match connection.kind {
            ConnectionKind::Evicted => return,
            ConnectionKind::ForHealth => open.for_health -= 1,
            ConnectionKind::Usual => open.counted -= 1,
        }
        open.leave(connection.address);
    }
}

/// How many connections there may be: each takes a file, and the ledger needs some, too.
pub(super) fn connection_limit(configured: u32) -> usize {
    let configured = usize::try_from(configured).unwrap_or(usize::MAX);
    let Some(files) = raise_limit() else { return configured };
    let room = files.saturating_sub(FILES_BESIDE_CONNECTIONS.min(files / 2)).max(1);
    if room < configured {
        tracing::warn!(
            connections = configured,
            open_files = files,
            "this process may open too few files for `limits.connections`: it takes {room} at once; raise the limit with \
             `ulimit -n`"
        );
    }
    configured.min(room)
}

/// The files that are reserved for everything else: the ledger and its readers, caches, logs, files of plugins.
const FILES_BESIDE_CONNECTIONS: usize = 512;

/// Raises the limit as far as the system allows, and returns it. None: there is no limit, or it is unknown.
#[cfg(unix)]
fn raise_limit() -> Option<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
fn raise_limit() -> Option<usize> {
    None
}
