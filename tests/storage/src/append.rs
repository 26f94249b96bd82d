//! Entries, streams, conditions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::json;

use super::{Ledger, append, at, bodies, conflicts, event, expecting, places};
use lockgate_ledger::{Append, Conflict, EntryDraft, EntryQuery, Error, ExpectedVersion};

super::cases! {
    a_new_log_begins_with_its_key,
    entries_are_numbered_in_the_log_and_in_their_stream,
    an_append_is_there_for_whoever_opens_the_ledger_later,
    a_stream_with_another_version_than_expected_is_a_conflict,
    a_condition_may_name_a_stream_that_is_not_written_to,
    recent_versions_are_those_of_the_last_own_write_at_least,
    recent_versions_are_up_to_date_after_a_conflict,
    nothing_of_an_append_that_is_turned_away_is_left,
    of_many_who_expect_the_same_version_one_wins,
    many_processes_write_one_log,
    what_is_submitted_is_called_back,
    entries_are_found_by_stream_kind_and_id,
    entries_are_found_by_their_team,
    an_entry_is_kept_byte_for_byte,
    an_entry_of_a_team_ends_with_it,
}

fn a_new_log_begins_with_its_key(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let head = storage.head().unwrap();
    assert_eq!(head.size, 1);
    assert_eq!(&head.key, ledger.key().verifying_key());
    assert_eq!(bodies(&*storage, "ledger"), [json!({ "key": head.key.to_string() })]);
}

fn entries_are_numbered_in_the_log_and_in_their_stream(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let first = storage.append(append(vec![event("a", 1), event("b", 2), event("a", 3)])).unwrap();
    assert_eq!(places(&first), [(1, 1), (2, 1), (3, 2)]);
    let second = storage.append(append(vec![event("b", 4)])).unwrap();
    assert_eq!(places(&second), [(4, 2)]);
    assert_eq!((storage.version("a").unwrap(), storage.version("b").unwrap()), (2, 2));
    assert_eq!(storage.version("c").unwrap(), 0);
    assert_eq!(storage.versions(&["c", "b", "a"]).unwrap(), [0, 2, 2]);
    assert_eq!(storage.versions(&["a"; 20]).unwrap(), [2; 20]);
    assert!(storage.versions(&[]).unwrap().is_empty());
    assert_eq!(storage.head().unwrap().size, 5);
}

fn an_append_is_there_for_whoever_opens_the_ledger_later(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(append(vec![event("a", 1)])).unwrap();
    let head = storage.head().unwrap();
    drop(storage);
    let storage = ledger.open();
    assert_eq!(storage.head().unwrap(), head);
    assert_eq!(bodies(&*storage, "a"), [json!({ "n": 1 })]);
    assert_eq!(places(&storage.append(append(vec![event("a", 2)])).unwrap()), [(2, 2)]);
}

fn a_stream_with_another_version_than_expected_is_a_conflict(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(expecting(vec![event("a", 1)], "a", 0)).unwrap();
    let outcome = storage.append(expecting(vec![event("a", 2)], "a", 0));
    let Err(Error::Conflict(conflict)) = outcome else { unreachable!("{outcome:?}") };
    assert_eq!(conflict, Conflict::Stream { stream: "a".to_owned(), expected: 0, actual: 1 });
    storage.append(expecting(vec![event("a", 2)], "a", 1)).unwrap();
    assert_eq!(storage.version("a").unwrap(), 2);
}

fn a_condition_may_name_a_stream_that_is_not_written_to(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(append(vec![event("environment/live", 1)])).unwrap();
    assert!(conflicts(storage.append(expecting(vec![event("a", 1)], "environment/live", 0))));
    storage.append(expecting(vec![event("a", 1)], "environment/live", 1)).unwrap();
    assert_eq!(storage.version("environment/live").unwrap(), 1);
}

fn recent_versions_are_those_of_the_last_own_write_at_least(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    assert_eq!(storage.recent_versions(&["a", "b"]).unwrap(), [0, 0]);
    storage.append(append(vec![event("a", 1), event("b", 2), event("a", 3)])).unwrap();
    assert_eq!(storage.recent_versions(&["b", "c", "a"]).unwrap(), [1, 0, 2]);
    assert!(conflicts(storage.append(expecting(vec![event("b", 4)], "a", 1))));
    assert_eq!(storage.recent_versions(&["a", "b"]).unwrap(), [2, 1]);
    storage.append(append(vec![event("c", 5)])).unwrap();
    assert_eq!(storage.recent_versions(&["a", "b", "c"]).unwrap(), [2, 1, 1]);
}

fn recent_versions_are_up_to_date_after_a_conflict(ledger: &Ledger<'_>) {
    let (here, there) = (ledger.open(), ledger.open());
    assert_eq!(here.recent_versions(&["a", "b"]).unwrap(), [0, 0]);
    for round in 1..=3 {
        there.append(append(vec![event("a", 1), event("b", 2), event("b", 3)])).unwrap();
        assert_eq!(there.recent_versions(&["a", "b"]).unwrap(), [round, 2 * round]);
        for (stream, version) in [("a", round), ("b", 2 * round)] {
            let wrong = version - 1;
            assert!(conflicts(here.append(expecting(vec![event("c", 4)], stream, wrong))));
            assert_eq!(here.recent_versions(&[stream]).unwrap(), [version]);
            here.append(expecting(vec![event("c", 4)], stream, version)).unwrap();
        }
    }
    assert_eq!((here.version("c").unwrap(), there.version("c").unwrap()), (6, 6));
}

fn nothing_of_an_append_that_is_turned_away_is_left(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(append(vec![event("a", 1)])).unwrap();
    let head = storage.head().unwrap();
    let expect = |stream: &str, version| ExpectedVersion { stream: stream.to_owned(), version };
    // The first condition holds, the second does not.
    let expect = vec![expect("a", 1), expect("b", 1)];
    let both = Append { entries: vec![event("a", 2), event("b", 3)], expect, ..Append::default() };
    assert!(conflicts(storage.append(both)));
    assert_eq!(storage.head().unwrap(), head);
    assert_eq!((storage.version("a").unwrap(), storage.version("b").unwrap()), (1, 0));
}

fn of_many_who_expect_the_same_version_one_wins(ledger: &Ledger<'_>) {
    let processes = [ledger.open(), ledger.open()];
    for version in 0..20 {
        let won = AtomicU64::new(0);
        thread::scope(|scope| {
            for n in 0..8 {
                let (storage, won) = (&processes[n % 2], &won);
                scope.spawn(move || {
                    let outcome = storage.append(expecting(vec![event("a", n as i64)], "a", version));
                    match outcome {
                        Ok(_) => drop(won.fetch_add(1, Ordering::Relaxed)),
                        Err(error) => assert!(matches!(error, Error::Conflict(_)), "{error}"),
                    }
                });
            }
        });
        assert_eq!(won.into_inner(), 1);
    }
    assert_eq!(processes[0].version("a").unwrap(), 20);
}

fn many_processes_write_one_log(ledger: &Ledger<'_>) {
    let processes = [ledger.open(), ledger.open(), ledger.open()];
    thread::scope(|scope| {
        for (n, storage) in processes.iter().enumerate() {
            scope.spawn(move || {
                for i in 0..30 {
                    storage.append(append(vec![event("shared", i), event(&format!("own/{n}"), i)])).unwrap();
                }
            });
        }
    });
    for storage in &processes {
        assert_eq!(storage.head().unwrap().size, 1 + 3 * 30 * 2);
        assert_eq!(storage.version("shared").unwrap(), 90);
        assert_eq!(storage.version("own/2").unwrap(), 30);
    }
    let report = lockgate_ledger::audit::audit(&*processes[0], &Default::default()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.entries, 181);
}

fn what_is_submitted_is_called_back(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let (answer, answers) = std::sync::mpsc::channel();
    for n in 0..50 {
        let answer = answer.clone();
        storage.submit(append(vec![event("a", n)]), Box::new(move |outcome| answer.send(outcome).unwrap()));
    }
    drop(answer);
    let sequences: Vec<u64> = answers.iter().map(|outcome| outcome.unwrap().entries[0].sequence).collect();
    // Called back in the order in which they were submitted, and in no other.
    assert_eq!(sequences, (1..=50).collect::<Vec<_>>());
}

fn entries_are_found_by_stream_kind_and_id(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let decision =
        |stream: &str, id: &str| EntryDraft::new(stream, "decision", at(0), &json!({})).unwrap().with_id(id).unwrap();
    let entries = vec![event("a", 1), decision("a", "d-1"), event("b", 2), decision("b", "d-2"), decision("b", "d-1")];
    storage.append(append(entries)).unwrap();
    let find =
        |query: EntryQuery| -> Vec<u64> { storage.entries(&query).unwrap().iter().map(|entry| entry.index).collect() };
    let all = || EntryQuery { limit: 100, ..EntryQuery::default() };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(find(all()), [0, 1, 2, 3, 4, 5]);
    assert_eq!(find(EntryQuery { stream: text("b"), ..all() }), [3, 4, 5]);
    assert_eq!(find(EntryQuery { kind: text("decision"), ..all() }), [2, 4, 5]);
    assert_eq!(find(EntryQuery { id: text("d-1"), ..all() }), [2, 5]);
    assert_eq!(find(EntryQuery { id: text("d-1"), stream: text("a"), ..all() }), [2]);
    assert_eq!(find(EntryQuery { from: 2, before: Some(5), ..all() }), [2, 3, 4]);
    assert_eq!(find(EntryQuery { kind: text("decision"), newest_first: true, limit: 2, ..all() }), [5, 4]);
    assert_eq!(find(EntryQuery { kind: text("decision"), newest_first: true, before: Some(4), ..all() }), [2]);
    assert_eq!(find(EntryQuery { stream: text("b"), newest_first: true, ..all() }), [5, 4, 3]);
    assert_eq!(find(EntryQuery { stream: text("nobody"), ..all() }), [] as [u64; 0]);
    assert_eq!(find(EntryQuery { limit: 0, ..all() }), [] as [u64; 0]);
}

fn entries_are_found_by_their_team(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    // Stream, kind and id are the same for two teams; each has an entry of its own besides, and one has no team.
    let decision =
        |stream: &str| EntryDraft::new(stream, "decision", at(0), &json!({})).unwrap().with_id("d-1").unwrap();
    let shop = |entry: EntryDraft| entry.of_team("shop").unwrap();
    let billing = |entry: EntryDraft| entry.of_team("billing").unwrap();
    let entries = vec![
        shop(decision("live")),
        billing(decision("live")),
        shop(event("live", 1)),
        billing(event("b", 2)),
        decision("live"),
        shop(decision("a")),
    ];
    storage.append(append(entries)).unwrap();
    let find =
        |query: EntryQuery| -> Vec<u64> { storage.entries(&query).unwrap().iter().map(|entry| entry.index).collect() };
    let text = |text: &str| Some(text.to_owned());
    let of = |team: &str| EntryQuery { team: text(team), limit: 100, ..EntryQuery::default() };
    assert_eq!(find(of("shop")), [1, 3, 6]);
    assert_eq!(find(of("billing")), [2, 4]);
    assert_eq!(find(of("nobody")), [] as [u64; 0]);
    assert_eq!(find(EntryQuery { kind: text("decision"), ..of("shop") }), [1, 6]);
    assert_eq!(find(EntryQuery { kind: text("decision"), newest_first: true, limit: 1, ..of("shop") }), [6]);
    assert_eq!(find(EntryQuery { kind: text("decision"), newest_first: true, before: Some(6), ..of("shop") }), [1]);
    assert_eq!(find(EntryQuery { kind: text("decision"), id: text("d-1"), ..of("billing") }), [2]);
    assert_eq!(find(EntryQuery { id: text("d-1"), newest_first: true, ..of("shop") }), [6, 1]);
    assert_eq!(find(EntryQuery { id: text("d-1"), from: 2, ..of("shop") }), [6]);
    assert_eq!(find(EntryQuery { stream: text("live"), ..of("shop") }), [1, 3]);
    assert_eq!(find(EntryQuery { stream: text("live"), newest_first: true, ..of("billing") }), [2]);
    assert_eq!(find(EntryQuery { stream: text("live"), kind: text("event"), ..of("billing") }), [] as [u64; 0]);
    // Whoever asks for no team finds all of them.
    assert_eq!(find(EntryQuery { id: text("d-1"), limit: 3, ..EntryQuery::default() }), [1, 2, 5]);
    let teams: Vec<Option<String>> = storage
        .entries(&EntryQuery { from: 4, limit: 3, ..EntryQuery::default() })
        .unwrap()
        .into_iter()
        .map(|e| e.team)
        .collect();
    assert_eq!(teams, [text("billing"), None, text("shop")]);
}

fn an_entry_of_a_team_ends_with_it(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let entry = event("a", 1).of_team("team \"ü\"").unwrap();
    storage.append(append(vec![entry])).unwrap();
    let stored = storage.entries(&EntryQuery { from: 1, limit: 1, ..EntryQuery::default() }).unwrap().remove(0);
    assert_eq!(
        String::from_utf8(stored.leaf.clone()).unwrap(),
        concat!(
            r#"{"at":"1970-01-01T00:00:01Z","body":{"n":1},"index":1,"kind":"event","references":[],"#,
            r#""sequence":1,"stream":"a","team":"team \"ü\""}"#,
        )
    );
    assert_eq!(stored.read().unwrap().team.as_deref(), Some("team \"ü\""));
    assert_eq!(stored.team, stored.read().unwrap().team);
}

fn an_entry_is_kept_byte_for_byte(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let body = json!({ "z": [1.5, null, true], "a": "quote \" backslash \\ newline \n umlaut ü" });
    let entry = EntryDraft::new("deployment/ü \"1\"", "decision", at(1500), &body).unwrap().with_id("d\\1").unwrap();
    storage.append(append(vec![entry])).unwrap();
    let stored = storage.entries(&EntryQuery { from: 1, limit: 1, ..EntryQuery::default() }).unwrap().remove(0);
    assert_eq!(
        String::from_utf8(stored.leaf.clone()).unwrap(),
        concat!(
            r#"{"at":"1970-01-01T00:00:01.500Z","#,
            r#""body":{"a":"quote \" backslash \\ newline \n umlaut ü","z":[1.5,null,true]},"#,
            r#""id":"d\\1","index":1,"kind":"decision","references":[],"sequence":1,"stream":"deployment/ü \"1\""}"#,
        )
    );
    assert_eq!(stored.read().unwrap().body, body);
}
