//! What every storage has to do, as tests that any of them can be put through: `for case in CASES { case.run(&open) }`.
//!
//! A case asks for an empty ledger of its own and panics if the storage does not do what [`Storage`] says. It sees
//! nothing of the storage but the trait, so that it means the same for one process with a file as for many with a
//! database between them; those that need two processes open the same ledger twice.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests: a panic is how they fail")]

mod append;
mod content;
mod log;
mod requests;
mod values;

use std::sync::Arc;

use lockgate_domain::Timestamp;
use serde_json::{Value, json};

use crate::note::SigningKey;
use crate::{Append, Appended, Error, Expect, NewEntry, Query, Storage};

/// Opens the ledger of a case, under its name, with a key: the same ledger each time. Several may be open at once.
pub type Open<'a> = &'a dyn Fn(&str, SigningKey) -> Arc<dyn Storage>;

/// One thing that a storage has to do.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it has to do, as a sentence in words joined by `_`.
    pub name: &'static str,
    run: fn(&Ledger<'_>),
}

impl Case {
    /// Puts a storage through it.
    ///
    /// # Panics
    /// If the storage does not do it.
    pub fn run(&self, open: Open<'_>) {
        let key = SigningKey::generate("conformance.example/ledger").unwrap();
        (self.run)(&Ledger { name: self.name, secret: key.to_secret(), open });
    }
}

/// All of them.
pub const CASES: &[&[Case]] = &[append::CASES, requests::CASES, content::CASES, values::CASES, log::CASES];

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case { name: stringify!($name), run: $name }),+];
    };
}
use cases;

/// The ledger of one case.
struct Ledger<'a> {
    name: &'a str,
    secret: String,
    open: Open<'a>,
}

impl Ledger<'_> {
    fn open(&self) -> Arc<dyn Storage> {
        (self.open)(self.name, self.key())
    }

    fn key(&self) -> SigningKey {
        SigningKey::from_secret(&self.secret).unwrap()
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// An entry of the kind `event`, at second `n`, that says `n`.
fn event(stream: &str, n: i64) -> NewEntry {
    NewEntry::new(stream, "event", at(n * 1000), &json!({ "n": n })).unwrap()
}

fn append(entries: Vec<NewEntry>) -> Append {
    Append { entries, ..Append::default() }
}

/// On condition that the stream has that version.
fn expecting(entries: Vec<NewEntry>, stream: &str, version: u64) -> Append {
    Append { entries, expect: vec![Expect { stream: stream.to_owned(), version }], ..Append::default() }
}

fn places(appended: &Appended) -> Vec<(u64, u64)> {
    appended.entries.iter().map(|placed| (placed.index, placed.sequence)).collect()
}

/// The bodies of the entries of a stream, in order.
fn bodies(storage: &dyn Storage, stream: &str) -> Vec<Value> {
    let query = Query { stream: Some(stream.to_owned()), limit: 1000, ..Query::default() };
    storage.entries(&query).unwrap().iter().map(|entry| entry.read().unwrap().body).collect()
}

fn conflicts<T: std::fmt::Debug>(outcome: Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Conflict(_)))
}
