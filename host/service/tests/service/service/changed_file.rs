//! A ledger whose file somebody changes without the ledger: what was changed is not gone by.

use lockgate_domain::{Phase, Stage};
use lockgate_service::ServiceError;
use rusqlite::Connection;

use crate::gate_support::load;
use crate::service::stand::{MODEL, Stand, ben, open, rita};

/// The approval of another change authority, filed under the stream of the deployment.
const BY_SOMEBODY_ELSE: &str =
    "UPDATE entries SET leaf = CAST(replace(CAST(leaf AS TEXT), '\"ben\"', '\"eve\"') AS BLOB)
     WHERE idx = (SELECT max(idx) FROM entries WHERE stream LIKE 'deployment/%')";
const ELSEWHERE: &str = "UPDATE entries SET stream = stream || 'x'
     WHERE idx = (SELECT max(idx) FROM entries WHERE stream LIKE 'deployment/%' AND sequence < 3)";
const AT_ANOTHER_TIME: &str =
    "UPDATE entries SET at = at + 60000 WHERE idx = (SELECT max(idx) FROM entries WHERE stream LIKE 'deployment/%')";
const GONE: &str = "DELETE FROM entries WHERE stream LIKE 'deployment/%' AND sequence = 2";

/// What is said after a change of the file, to who reads the deployment and to who drives it.
fn said_after(change: &str) -> [String; 2] {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let approval = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &approval).unwrap();
    let connection = Connection::open(stand.folder.path().join("ledger.db")).unwrap();
    assert_eq!(connection.execute(change, []).unwrap(), 1);
    // What was read before is known; an engine that starts reads the file.
    let engine = open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]);
    let stand = Stand::of(engine, stand.folder);
    let asked = || match stand.engine.deployment(&rita(), "dep-1".into(), stand.now()) {
        Err(ServiceError::Damaged(said)) => said,
        other => panic!("{change}: {other:?}"),
    };
    let passed = || match stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit) {
        Err(ServiceError::Damaged(said)) => said,
        other => panic!("{change}: {other:?}"),
    };
    [asked(), passed()]
}

#[test]
fn an_entry_that_was_changed_is_not_gone_by() {
    for (change, says) in [
        (BY_SOMEBODY_ELSE, "its bytes have the hash"),
        (AT_ANOTHER_TIME, "it says that its moment is"),
        (ELSEWHERE, "has no entry 2"),
        (GONE, "has no entry 2"),
    ] {
        for said in said_after(change) {
            assert!(said.contains(says), "{change}: {said}");
        }
    }
}
