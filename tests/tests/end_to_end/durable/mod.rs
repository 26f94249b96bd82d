//! Durable before answered: the real binary is killed under load, and its disk takes no more.

#[cfg(target_os = "linux")]
mod disk;
mod killed;
mod lost;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockgate_ledger::{EntryQuery, LogSource as _, SqliteStorage, audit};
use lockgate_tests::served::send;
use lockgate_tests::tree;

/// A gate that is only asked.
const GATE: &str = "/api/v1/deployments/hello-2/gates/plan-and-approve/entrance?ask=true";

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Asks for the deployment that the gate is about.
fn request(address: &str, token: &str) {
    let request = fs::read_to_string(tree("examples/quick-start/request.json")).unwrap();
    let asked = send(address, "POST", "/api/v1/deployments", token, &request).unwrap();
    assert_eq!(asked.json()["id"], "hello-2", "{}", asked.body);
}

/// The decisions that the ledger has, whose log holds together.
fn kept(data: &Path) -> BTreeSet<String> {
    let ledger = SqliteStorage::open_read_only(&data.join("ledger.db")).unwrap();
    let report = audit::audit(&ledger, &audit::Audit::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let mut kept = BTreeSet::new();
    let mut query = EntryQuery { kind: Some("decision".to_owned()), limit: 1000, ..EntryQuery::default() };
    loop {
        let entries = ledger.entries(&query).unwrap();
        let Some(last) = entries.last() else { return kept };
        query.from = last.index + 1;
        kept.extend(entries.into_iter().filter_map(|entry| entry.id));
    }
}
