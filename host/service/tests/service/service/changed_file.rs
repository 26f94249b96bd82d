//! A ledger whose file somebody changes without the ledger: what was changed is not gone by.

use std::path::Path;

use lockgate_domain::{Phase, Stage};
use lockgate_service::ServiceError;
use rusqlite::Connection;

use crate::gate_support::load;
use crate::ledger_support::forge;
use crate::service::stand::{MODEL, Stand, ben, open, rita};

const ELSEWHERE: &str = "UPDATE entries SET stream = stream || 'x'
     WHERE idx = (SELECT max(idx) FROM entries WHERE stream LIKE 'deployment/%' AND sequence < 3)";
const AT_ANOTHER_TIME: &str =
    "UPDATE entries SET at = at + 60000 WHERE idx = (SELECT max(idx) FROM entries WHERE stream LIKE 'deployment/%')";
const GONE: &str = "DELETE FROM entries WHERE stream LIKE 'deployment/%' AND sequence = 2";

/// Changes the one row that a statement is about.
fn change_row(ledger: &Path, statement: &str) {
    assert_eq!(Connection::open(ledger).unwrap().execute(statement, []).unwrap(), 1);
}

/// What is said after a change of the file, to who reads the deployment and to who drives it.
fn said_after(change: impl Fn(&Path)) -> [String; 2] {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let approval = stand.answer("dep-1", "change-authority");
    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &approval).unwrap();
    change(&stand.folder.path().join("ledger.db"));
    // What was read before is known; an engine that starts reads the file.
    let engine = open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]);
    let stand = Stand::of(engine, stand.folder);
    let asked = || match stand.engine.deployment(&rita(), "dep-1".into(), stand.now()) {
        Err(ServiceError::Damaged(said)) => said,
        other => panic!("{other:?}"),
    };
    let passed = || match stand.pass("dep-1", Stage::PlanAndApprove, Phase::Exit) {
        Err(ServiceError::Damaged(said)) => said,
        other => panic!("{other:?}"),
    };
    [asked(), passed()]
}

#[test]
fn an_entry_that_was_changed_is_not_gone_by() {
    // The approval of another change authority, filed under the stream of the deployment.
    let by_somebody_else = |ledger: &Path| forge(ledger, "approval-given", "\"ben\"", "\"eve\"", false);
    for said in said_after(by_somebody_else) {
        assert!(said.contains("its bytes have the hash"), "{said}");
    }
    for (change, says) in
        [(AT_ANOTHER_TIME, "it says that its moment is"), (ELSEWHERE, "has no entry 2"), (GONE, "has no entry 2")]
    {
        for said in said_after(|ledger| change_row(ledger, change)) {
            assert!(said.contains(says), "{change}: {said}");
        }
    }
}
