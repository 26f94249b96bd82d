//! End-to-end tests of Lockgate, through public doors: the WIT contract, the tree that `cargo xtask dist` lays out, and
//! the command in it. The tests are under `tests/`; here stands what they are given: where to find what they test,
//! plugins that do as they are told ([`Guest`]) or what they must not ([`hostile`]), and a snapshot to show them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "for tests alone: what is wrong here ends the test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_domain::{Digest, Snapshot};
use lockgate_runtime::{Runtime, RuntimeConfig};
use serde_json::{Value, json};

mod counting;
pub mod generate;
mod guest;
pub mod hostile;
mod methods;
pub mod served;
pub mod signing;

pub use counting::{COUNTING_IMPORTS, count, counting, counting_strategy, setting};
pub use guest::Guest;
pub use methods::{Method, WITHOUT_FIELD, methods, pointer};

/// The lines of a model that takes the requester's word for the facts of a live environment, and lets deployments pass gates
/// that nothing guards: for tests of other things. They stand before the first table.
pub const TOLD_FACTS: &str = "unguarded = \"allow\"\nfacts = { change.from = \"told\", environment.from = \"told\", instances.from = \"told\", release.from = \"told\", incidents.from = \"told\" }\n";

/// A path in the repository.
#[must_use]
pub fn repository(relative: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).join(relative)
}

/// A path in the tree that `cargo xtask dist` lays out, and a release archive holds.
#[must_use]
pub fn tree(relative: &str) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository("target"), |target| repository("").join(target));
    target.join("lockgate").join(relative)
}

/// A bundled plugin, as it is shipped.
///
/// # Panics
/// If it was not built; the message says how.
#[must_use]
pub fn bundled(name: &str) -> Vec<u8> {
    let directory = std::env::var_os("LOCKGATE_PLUGINS").map_or_else(|| tree("plugins"), Into::into);
    let path = directory.join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run `cargo xtask dist` first", path.display()))
}

/// A runtime with a small pool and without a cache.
///
/// # Panics
/// If the machine has not what it needs.
#[must_use]
pub fn runtime() -> Runtime {
    Runtime::new(RuntimeConfig { pool_size: 4, ..RuntimeConfig::default() }).unwrap()
}

/// A deployment that has everything that the contract knows.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn everything() -> Snapshot {
    serde_json::from_str(include_str!("../fuzz/corpus/snapshot/everything.json")).unwrap()
}

/// As [`everything`], with 1,000 items in each long list of things that have an id or a name.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn large() -> Snapshot {
    fn grow(value: &mut Value) {
        match value {
            Value::Object(members) => members.values_mut().for_each(grow),
            Value::Array(items) => {
                let key = |item: &Value| ["id", "name"].into_iter().find(|key| item.get(key).is_some());
                let Some((item, key)) = items.first().cloned().and_then(|item| key(&item).map(|key| (item, key)))
                else {
                    return;
                };
                let name = item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                items.extend((1..1000).map(|number| {
                    let mut item = item.clone();
                    if let Some(found) = item.get_mut(key) {
                        *found = Value::from(format!("{name}-copy-{number}"));
                    }
                    item
                }));
            }
            _ => {}
        }
    }
    let mut document = serde_json::to_value(everything()).unwrap();
    for section in ["release", "contributors", "desired_instances", "actual_instances", "history", "registers"] {
        document.get_mut(section).into_iter().for_each(grow);
    }
    serde_json::from_value(document).unwrap()
}

/// A deployment about which little is known.
///
/// # Panics
/// Never.
#[must_use]
pub fn snapshot() -> Snapshot {
    serde_json::from_value(json!({
        "id": "deployment-1",
        "scenario": "first-release",
        "requester": { "id": "ann@example.com", "roles": ["release-manager"] },
        "product": { "id": "shop" },
        "release": { "id": "shop-1", "name": "Shop", "version": "1.0.0", "status": "published", "components": [] },
        "environment": { "name": "production", "kind": "live", "control": "full" },
        "change": {
            "id": "CHG-1", "title": "Shop", "category": "normal", "approval": "approved", "risk": "low",
            "releases": ["shop-1"],
        },
        "gate": { "stage": "plan-and-approve", "phase": "exit" },
        "now": "2026-11-21T10:00:00Z",
        "subject": Digest::of(b"release, plan and model"),
    }))
    .unwrap()
}

/// The same, shared.
#[must_use]
pub fn shared_snapshot() -> Arc<Snapshot> {
    Arc::new(snapshot())
}
