//! Traffic to train the ledger's dictionary on: `cargo xtask dictionary`.
//!
//! Several organisations each drive a server as it is shipped, with models of their own, through whole lives of deployments:
//! asked for, denied, approved, rolled out, rolled back, excepted. Then every entry of its ledger is written to a file, one a
//! line, as samples. Names, people, versions and what happens are drawn from a seed.
//!
//! Digests are replaced by others, drawn for each sample anew. They are another for each release of Lockgate and of what it
//! decides about, so a dictionary must not learn them.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for contributors: what is wrong here ends it"
)]

mod client;
mod documents;
mod lives;
mod models;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use fastrand::Rng;
use lockgate_domain::Digest;
use lockgate_ledger::{ContentState, EntryQuery, LogSource as _, SqliteStorage};

use client::Client;
use models::Organisation;

/// How many organisations there are, and how many deployments each drives.
const ORGANISATIONS: usize = 8;
const DEPLOYMENTS: usize = 20;
/// The seed of everything that is drawn.
const SEED: u64 = 20_261_129;
/// What there has to be of at least, so that the dictionary is of use for it.
const NEEDED: [(&str, usize); 14] = [
    ("activity-reported", 150),
    ("approval-given", 100),
    ("decision", 800),
    ("delegation", 3),
    ("evidence-attached", 20),
    ("gate-passed", 200),
    ("override-confirmed", 3),
    ("override-reviewed", 3),
    ("override-taken", 3),
    ("requested", ORGANISATIONS * DEPLOYMENTS),
    ("rolled-back", 3),
    ("rollout-laid-out", 10),
    ("step-ended", 50),
    ("waiver", 3),
];

fn main() {
    let to = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let to = to.expect("the folder that the samples are written to");
    let _ = fs::remove_dir_all(&to);
    fs::create_dir_all(&to).unwrap();
    let mut random = Rng::with_seed(SEED);
    let mut kinds = BTreeMap::new();
    for number in 0..ORGANISATIONS {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let organisation = Organisation::draw(&mut random, number);
        let client = Client::start(&data, &organisation.write_models(&mut random, folder.path()));
        for number in 0..DEPLOYMENTS {
            lives::live(&client, &organisation, &mut random, number);
        }
        drop(client);
        write_samples(&data.join("ledger.db"), to.as_ref(), number, &mut kinds);
    }
    println!("{} entries: {kinds:?}", kinds.values().sum::<usize>());
    for (kind, least) in NEEDED {
        let count = kinds.get(kind).copied().unwrap_or_default();
        assert!(count >= least, "only {count} entries of the kind `{kind}`, of at least {least}: see `lives.rs`");
    }
}

/// Writes all entries of an organisation's ledger, and all content that is JSON, one a line.
fn write_samples(ledger: &Path, to: &Path, organisation: usize, kinds: &mut BTreeMap<String, usize>) {
    let ledger = SqliteStorage::open_read_only(ledger).unwrap();
    let entries = ledger.entries(&EntryQuery { limit: usize::MAX, ..EntryQuery::default() }).unwrap();
    entries.iter().for_each(|entry| *kinds.entry(entry.kind.clone()).or_default() += 1);
    let lines = entries.iter().map(|entry| String::from_utf8(entry.leaf.clone()).unwrap());
    write_lines(&to.join(format!("{organisation}-entries.jsonl")), lines);
    let documents = ledger.contents(None, usize::MAX).unwrap().into_iter().filter_map(|digest| {
        let content = ledger.content(&digest).unwrap().unwrap();
        match content.state {
            ContentState::Present(bytes) if content.kind != "evidence" => String::from_utf8(bytes).ok(),
            _ => None,
        }
    });
    let lines = documents.filter(|text| text.starts_with('{') && !text.contains('\n'));
    write_lines(&to.join(format!("{organisation}-content.jsonl")), lines);
}

fn write_lines(file: &Path, lines: impl Iterator<Item = String>) {
    let lines = lines.enumerate().map(|(number, line)| with_other_digests(number, &line) + "\n");
    fs::write(file, lines.collect::<String>()).unwrap();
}

/// Replaces what is written in at least 16 hexadecimal digits: the same ones by the same ones.
fn with_other_digests(sample: usize, line: &str) -> String {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut replaced = String::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.bytes().take_while(is_digit).count());
        let (text, next) = after.split_at(after.bytes().take_while(|byte| !is_digit(byte)).count());
        match digits.len() {
            16..=64 => replaced.push_str(&Digest::of(format!("{sample} {digits}").as_bytes()).hex()[..digits.len()]),
            _ => replaced.push_str(digits),
        }
        replaced.push_str(text);
        rest = next;
    }
    replaced
}
