//! How much room a ledger takes.

use std::fs;
use std::ops::Range;
use std::sync::mpsc;

use lockgate_ledger::Storage as _;
use rusqlite::Connection;

use super::decisions::{DEPLOYMENTS, decision};
use super::support::Ledger;

/// How many bytes of the file a decision may take at most, with its indexes and its part of the tree.
const GOAL: u64 = 1200;

/// Writes decisions, as many at once as a queue holds.
fn write(ledger: &Ledger, numbers: Range<u64>) {
    for number in numbers.clone().step_by(500) {
        let (answer, answers) = mpsc::channel();
        for number in number..numbers.end.min(number + 500) {
            let answer = answer.clone();
            ledger.storage.submit(decision(number), Box::new(move |outcome| answer.send(outcome).unwrap()));
        }
        drop(answer);
        answers.iter().for_each(|outcome| drop(outcome.unwrap()));
    }
}

#[test]
fn a_decision_takes_at_most_1200_bytes_of_the_file() {
    let ledger = Ledger::new();
    let size = || {
        Connection::open(ledger.path()).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        fs::metadata(ledger.path()).unwrap().len()
    };
    // Each of the first brings the snapshot of its deployment, which is kept once.
    write(&ledger, 0..DEPLOYMENTS);
    let before = size();
    write(&ledger, DEPLOYMENTS..DEPLOYMENTS + 3000);
    let each = (size() - before) / 3000;
    let sql = "SELECT CAST(avg(length(text)) AS INTEGER) FROM entries WHERE kind = 'decision'";
    let text: i64 = Connection::open(ledger.path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap();
    println!("{each} bytes each, of which the text has {text}");
    assert!(each <= GOAL, "{each} bytes each, of at most {GOAL}");
}
