//! A ledger that counts how many appends come to the disk together: those that are answered with the same checkpoint.

use std::sync::{Arc, Mutex};

use lockgate_domain::Digest;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::tree::Hash;
use lockgate_ledger::{
    Append, AppendCallback, CommittedAppend, EntryQuery, Error, LedgerClock, LogHead, LogSource, NamespaceValues,
    RetentionReport, RetentionRule, Storage, StorageHealth, StoredContent, StoredEntry,
};
use serde::{Deserialize, Serialize};

/// How much was written in how many groups.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    appends: u64,
    groups: u64,
}

impl Counts {
    /// How many appends a group had in the mean since then.
    pub(crate) fn since(self, before: Self) -> Option<f64> {
        let groups = self.groups - before.groups;
        (groups > 0).then(|| (self.appends - before.appends) as f64 / groups as f64)
    }
}

/// What was counted, and the last checkpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted(Arc<Mutex<(Counts, String)>>);

impl Counted {
    pub(crate) fn now(&self) -> Counts {
        self.0.lock().unwrap().0
    }
}

/// A ledger, counted.
pub(crate) struct Grouped {
    pub(crate) inner: Arc<dyn Storage>,
    pub(crate) counted: Counted,
}

impl LogSource for Grouped {
    fn head(&self) -> Result<LogHead, Error> {
        self.inner.head()
    }
    fn entries(&self, query: &EntryQuery) -> Result<Vec<StoredEntry>, Error> {
        self.inner.entries(query)
    }
    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        self.inner.nodes(nodes)
    }
    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.inner.checkpoints(above, limit)
    }
    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        self.inner.content(digest)
    }
    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.inner.contents(after, limit)
    }
}

impl Storage for Grouped {
    fn submit(&self, append: Append, done: AppendCallback) {
        let counted = self.counted.clone();
        let count = move |outcome: Result<CommittedAppend, Error>| {
            if let Ok(appended) = &outcome {
                let mut counted = counted.0.lock().unwrap();
                counted.0.appends += 1;
                if counted.1 != appended.checkpoint {
                    counted.0.groups += 1;
                    counted.1.clone_from(&appended.checkpoint);
                }
            }
            done(outcome);
        };
        self.inner.submit(append, Box::new(count));
    }
    fn answered(&self, scope: &str, key: &str, digest: &Digest) -> Result<Option<Vec<u8>>, Error> {
        self.inner.answered(scope, key, digest)
    }
    fn versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error> {
        self.inner.versions(streams)
    }
    fn recent_versions(&self, streams: &[&str]) -> Result<Vec<u64>, Error> {
        self.inner.recent_versions(streams)
    }
    fn values(&self, namespace: &str, prefix: &str) -> Result<NamespaceValues, Error> {
        self.inner.values(namespace, prefix)
    }
    fn value(&self, namespace: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.inner.value(namespace, key)
    }
    fn contents_of_team(&self, team: &str, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.inner.contents_of_team(team, after, limit)
    }
    fn team_refers_to(&self, team: &str, digest: &Digest) -> Result<bool, Error> {
        self.inner.team_refers_to(team, digest)
    }
    fn forget(&self, rule: &RetentionRule) -> Result<RetentionReport, Error> {
        self.inner.forget(rule)
    }
    fn rotate(&self, next: SigningKey) -> Result<CommittedAppend, Error> {
        self.inner.rotate(next)
    }
    fn clock(&self) -> &Arc<LedgerClock> {
        self.inner.clock()
    }
    fn health(&self) -> StorageHealth {
        self.inner.health()
    }
}
