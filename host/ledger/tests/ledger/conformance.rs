//! SQLite, put through what every storage has to do.

use std::sync::Arc;

use lockgate_ledger::conformance::CASES;
use lockgate_ledger::{SqliteOptions, SqliteStorage, Storage};

fn run(group: usize) {
    for case in CASES.get(group).unwrap().iter() {
        println!("{}", case.name);
        let folder = tempfile::tempdir().unwrap();
        case.run(&|name, key| -> Arc<dyn Storage> {
            let path = folder.path().join(format!("{name}.db"));
            Arc::new(SqliteStorage::open(&path, key, SqliteOptions::default()).unwrap())
        });
    }
}

#[test]
fn sqlite_keeps_entries_in_streams_under_conditions() {
    run(0);
}

#[test]
fn sqlite_answers_the_same_request_once() {
    run(1);
}

#[test]
fn sqlite_keeps_content_and_deletes_it() {
    run(2);
}

#[test]
fn sqlite_keeps_values() {
    run(3);
}

#[test]
fn sqlite_keeps_an_audit_log_that_can_be_proved() {
    run(4);
}

#[test]
fn there_are_five_groups_of_cases() {
    assert_eq!(CASES.len(), 5);
}
