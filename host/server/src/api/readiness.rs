//! The checks behind readiness: each part of a server adds its own, and none of them waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_ledger::Storage;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::process::Lifecycle;

/// The result of one readiness check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReadinessCheck {
    /// Whether the check passed.
    pub ok: bool,
    /// Details. They are public and name no path and no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether the server is ready: all checks passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Whether the server can take requests: all checks passed.
    pub ready: bool,
    /// The checks by name: `clock`, `ledger`, `models`, `shutdown`, `signing-key`.
    pub checks: BTreeMap<String, ReadinessCheck>,
}

type CheckFn = Box<dyn Fn() -> ReadinessCheck + Send + Sync>;

/// The checks behind readiness.
pub struct ReadinessChecks(RwLock<BTreeMap<&'static str, CheckFn>>);

impl ReadinessChecks {
    /// Checks that the ledger takes entries, and that no shutdown has begun.
    pub fn new(storage: &Arc<dyn Storage>, lifecycle: &Lifecycle) -> Self {
        let checks = Self(RwLock::default());
        // A check does not keep the ledger open.
        let storage = Arc::downgrade(storage);
        checks.add("ledger", move || {
            let failing = storage.upgrade().map(|storage| storage.health().failing);
            let message = match &failing {
                Some(None) => None,
                Some(Some((since, why))) => Some(format!("{} since {since}", why.cause.as_str())),
                None => Some("closed".to_owned()),
            };
            ReadinessCheck { ok: message.is_none(), message }
        });
        let lifecycle = lifecycle.clone();
        checks.add("shutdown", move || {
            let stopping = lifecycle.is_stopping();
            ReadinessCheck { ok: !stopping, message: stopping.then(|| "a shutdown has begun".to_owned()) }
        });
        checks
    }

    /// Adds a check, or replaces the one with the same name. It is called for each readiness request, and must not wait
    /// for anything.
    pub fn add(&self, name: &'static str, look: impl Fn() -> ReadinessCheck + Send + Sync + 'static) {
        self.0.write().insert(name, Box::new(look));
    }

    /// Runs all checks.
    pub fn readiness(&self) -> Readiness {
        let looks = self.0.read();
        let checks: BTreeMap<String, ReadinessCheck> =
            looks.iter().map(|(name, look)| ((*name).to_owned(), look())).collect();
        Readiness { ready: checks.values().all(|check| check.ok), checks }
    }
}
