//! Killed at random moments, under load, again and again: whatever was answered is there.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lockgate_domain::Digest;
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{
    Append, EntryQuery, ExpectedVersion, IdempotentRequest, KeyFile, LogSource as _, SqliteOptions, SqliteStorage,
    Storage as _, prove_consistency, verify,
};
use lockgate_repeat::Repeat;

use super::support::{NAME, content, event};

const FOLDER: &str = "LOCKGATE_CRASH_FOLDER";
/// After so many crashes, a new ledger begins: so that making one is interrupted as well.
const CRASHES_EACH: usize = 20;

/// One thing that the child was told is on the disk.
struct Answered {
    stream: String,
    sequence: u64,
    index: u64,
    evidence: String,
}

fn open(folder: &std::path::Path) -> SqliteStorage {
    KeyFile::new(folder.join("ledger.key")).open(&folder.join("ledger.db"), NAME, SqliteOptions::default()).unwrap()
}

/// Appends from several threads, as fast as it can, and says what was answered, after it was.
#[test]
#[ignore = "the other test starts it, and kills it"]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let storage = open(folder.as_ref());
    thread::scope(|scope| {
        for writer in 0..4 {
            let storage = &storage;
            scope.spawn(move || {
                let stream = format!("writer/{writer}");
                for sequence in storage.version(&stream).unwrap() + 1.. {
                    let content = content(evidence_of(&stream, &sequence.to_string()).as_bytes());
                    let appended = storage
                        .append(Append {
                            entries: vec![event(&stream, sequence).referring_to(content.digest()), event("all", 0)],
                            content: vec![content],
                            expect: vec![ExpectedVersion { stream: stream.clone(), version: sequence - 1 }],
                            request: Some(IdempotentRequest {
                                scope: stream.clone(),
                                key: sequence.to_string(),
                                digest: Digest::of(b""),
                                answer: vec![],
                            }),
                            ..Append::default()
                        })
                        .unwrap();
                    let index = appended.entries[0].index;
                    let checkpoint = appended.checkpoint.replace('\n', "|");
                    let line = format!("answered {stream} {sequence} {index} {checkpoint}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            });
        }
    });
}

/// The evidence of an entry: some kilobytes, at least one after compression.
fn evidence_of(stream: &str, sequence: &str) -> String {
    let digests = (0..32).map(|n| Digest::of(format!("{stream} {sequence} {n}").as_bytes()).hex());
    format!("{stream} {sequence} {}", digests.collect::<String>())
}

/// Starts the child, kills it after a while, and returns what it answered, and the last checkpoint that it printed.
fn crash(folder: &std::path::Path, after: Duration) -> (Vec<Answered>, Option<String>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["crash::child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let reader = thread::spawn(move || lines.map(|line| String::from_utf8(line.unwrap()).unwrap()).collect::<Vec<_>>());
    thread::sleep(after);
    // With SIGKILL: it gets no chance to do anything more.
    child.kill().unwrap();
    child.wait().unwrap();
    let (mut answered, mut last) = (vec![], None);
    for line in reader.join().unwrap() {
        // The harness prints before the first one, on the same line.
        let Some((_, line)) = line.split_once("answered ") else { continue };
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().map(str::to_owned);
        // The last line may be cut off.
        let (Some(stream), Some(sequence), Some(index), Some(checkpoint)) = (word(), word(), word(), word()) else {
            continue;
        };
        answered.push(Answered {
            evidence: evidence_of(&stream, &sequence),
            sequence: sequence.parse().unwrap(),
            index: index.parse().unwrap(),
            stream,
        });
        if checkpoint.ends_with('|') {
            last = Some(checkpoint.replace('|', "\n"));
        }
    }
    (answered, last)
}

/// Everything of `answered` is in the ledger, at its place and with its content.
fn is_there(storage: &SqliteStorage, answered: &[Answered]) {
    for Answered { stream, sequence, index, evidence } in answered {
        let query = EntryQuery { stream: Some(stream.clone()), from: *index, limit: 1, ..EntryQuery::default() };
        let found = storage.entries(&query).unwrap();
        assert_eq!(found.first().map(|entry| (entry.index, entry.sequence)), Some((*index, *sequence)));
        let content = storage.content(&Digest::of(evidence.as_bytes())).unwrap().unwrap();
        assert_eq!(content.size, evidence.len() as u64);
    }
}

/// The log is whole, continues each of these checkpoints, and holds entries that were written together both or not at all.
fn is_whole(storage: &SqliteStorage, checkpoints: &[String], answered: u64) {
    let key = storage.head().unwrap().key;
    for checkpoint in checkpoints {
        let proof = serde_json::to_string(&prove_consistency(storage, checkpoint).unwrap()).unwrap();
        verify::consistency(&proof, &key).unwrap();
    }
    let report = audit(storage, &Audit { key: Some(key), checkpoints: checkpoints.to_vec() }).unwrap();
    assert_eq!(report.findings, []);
    let written: u64 = (0..4).map(|writer| storage.version(&format!("writer/{writer}")).unwrap()).sum();
    assert_eq!(storage.version("all").unwrap(), written);
    assert!(written >= answered);
}

/// After each crash the test looks for what that round answered. Before a new ledger begins, it looks for everything once
/// more, and audits the whole log.
#[test]
fn what_was_answered_is_there_after_the_process_was_killed() {
    let repeat = Repeat::new(100, 1000);
    let (mut random, crashes, mut total) = (repeat.random(), repeat.count as usize, 0);
    for first in (0..crashes).step_by(CRASHES_EACH) {
        let folder = tempfile::tempdir().unwrap();
        let (mut answered, mut checkpoints) = (vec![], vec![]);
        for _ in first..crashes.min(first + CRASHES_EACH) {
            let (new, checkpoint) = crash(folder.path(), Duration::from_millis(random.u64(0..150)));
            is_there(&open(folder.path()), &new);
            answered.extend(new);
            checkpoints.extend(checkpoint);
        }
        let storage = open(folder.path());
        is_there(&storage, &answered);
        is_whole(&storage, &checkpoints, answered.len() as u64);
        total += answered.len();
    }
    println!("{crashes} crashes, {total} answers, none lost");
    assert!(total > crashes, "hardly anything was answered: {total} answers in {crashes} rounds");
}
