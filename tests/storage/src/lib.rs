//! What every storage has to do, as tests that any of them can be put through: [`storage_tests!`] makes one named
//! test of each case.
//!
//! A case asks for an empty ledger of its own and panics if the storage does not do what [`Storage`] says. It sees
//! nothing of the storage but the trait, so that it means the same for one process with a file as for many with a
//! database between them; those that need two processes open the same ledger twice.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests: a panic is how they fail"
)]

mod append;
mod content;
mod log;
mod requests;
mod values;

use std::sync::Arc;

use lockgate_domain::Timestamp;
use serde_json::{Value, json};

use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{Append, CommittedAppend, EntryDraft, EntryQuery, Error, ExpectedVersion, KeyFile, Storage};

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
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::new(folder.path().join("ledger.key"));
        key.create("conformance.example/ledger").unwrap();
        (self.run)(&Ledger { name: self.name, key, open });
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
    key: KeyFile,
    open: Open<'a>,
}

impl Ledger<'_> {
    fn open(&self) -> Arc<dyn Storage> {
        (self.open)(self.name, self.key())
    }

    fn key(&self) -> SigningKey {
        self.key.load().unwrap()
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// The case of that name.
///
/// # Panics
/// If there is none.
pub fn case(name: &str) -> &'static Case {
    let mut all = CASES.iter().copied().flatten();
    all.find(|case| case.name == name).unwrap_or_else(|| panic!("there is no case `{name}`"))
}

/// One test for each thing that a storage has to do, in a module for each kind, and one that all are there. Takes how to open
/// the ledger of a case: the path of a function with the parameters and result of [`Open`], and of a
/// folder that is the case's own.
#[macro_export]
macro_rules! storage_tests {
    ($open:path) => {
        $crate::storage_tests! { @all $open;
            append: a_new_log_begins_with_its_key, entries_are_numbered_in_the_log_and_in_their_stream, an_append_is_there_for_whoever_opens_the_ledger_later, a_stream_with_another_version_than_expected_is_a_conflict, a_condition_may_name_a_stream_that_is_not_written_to, recent_versions_are_those_of_the_last_own_write_at_least, recent_versions_are_up_to_date_after_a_conflict, nothing_of_an_append_that_is_turned_away_is_left, of_many_who_expect_the_same_version_one_wins, many_processes_write_one_log, what_is_submitted_is_called_back, entries_are_found_by_stream_kind_and_id, entries_are_found_by_their_team, an_entry_is_kept_byte_for_byte, an_entry_of_a_team_ends_with_it;
            requests: a_request_that_comes_again_is_answered_as_before, a_request_is_remembered_by_whoever_opens_the_ledger_later, a_key_cannot_be_used_for_another_request, two_clients_may_choose_the_same_key, a_request_that_was_turned_away_may_be_tried_again, a_request_that_comes_many_times_at_once_happens_once, a_request_is_new_again_after_it_was_forgotten;
            content: content_comes_with_the_entry_that_refers_to_it, content_may_come_first, a_reference_to_unknown_content_is_turned_away, content_that_nothing_referred_to_lately_is_deleted, content_of_the_newest_entry_of_a_register_is_kept, content_that_was_deleted_cannot_be_referred_to_until_it_comes_again, more_content_than_goes_into_one_transaction_is_deleted, content_is_found_by_the_teams_that_refer_to_it;
            values: values_are_set_replaced_and_taken_away, values_of_one_append_change_together_with_its_entries, a_namespace_with_another_version_than_expected_is_a_conflict, keys_are_found_by_prefix;
            log: every_append_returns_a_signed_checkpoint_that_holds_it, every_entry_can_be_proved, every_checkpoint_can_be_proved_to_have_grown_into_the_head, an_audit_of_an_honest_log_finds_nothing, a_key_can_be_replaced, a_process_with_a_key_that_was_replaced_cannot_write, a_team_sees_its_entries_and_the_ledgers_own_and_of_others_the_hash, a_team_verifies_the_whole_log;
        }
    };
    (@all $open:path; $($group:ident: $($name:ident),+;)+) => {
        $(mod $group {
            $(#[test]
            fn $name() {
                let folder = ::tempfile::tempdir().unwrap();
                let open = |name: &str, key| $open(folder.path(), name, key);
                $crate::case(stringify!($name)).run(&open);
            })+
        })+

        #[test]
        fn every_case_is_a_test() {
            let named = [$($(stringify!($name)),+),+];
            let all: Vec<&str> = $crate::CASES.iter().copied().flatten().map(|case| case.name).collect();
            assert_eq!(named.as_slice(), all);
        }
    };
}

/// An entry of the kind `event`, at second `n`, that says `n`.
fn event(stream: &str, n: i64) -> EntryDraft {
    EntryDraft::new(stream, "event", at(n * 1000), &json!({ "n": n })).unwrap()
}

fn append(entries: Vec<EntryDraft>) -> Append {
    Append { entries, ..Append::default() }
}

/// On condition that the stream has that version.
fn expecting(entries: Vec<EntryDraft>, stream: &str, version: u64) -> Append {
    Append { entries, expect: vec![ExpectedVersion { stream: stream.to_owned(), version }], ..Append::default() }
}

fn places(appended: &CommittedAppend) -> Vec<(u64, u64)> {
    appended.entries.iter().map(|placed| (placed.index, placed.sequence)).collect()
}

/// The bodies of the entries of a stream, in order.
fn bodies(storage: &dyn Storage, stream: &str) -> Vec<Value> {
    let query = EntryQuery { stream: Some(stream.to_owned()), limit: 1000, ..EntryQuery::default() };
    storage.entries(&query).unwrap().iter().map(|entry| entry.read().unwrap().body).collect()
}

fn conflicts<T: std::fmt::Debug>(outcome: Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Conflict(_)))
}
