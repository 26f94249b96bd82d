//! The log as a team sees it: an audit still finds every change, and a source that withholds too much is noticed.

use std::collections::BTreeSet;

use lockgate_domain::{Digest, TeamName};
use lockgate_ledger::audit::{Audit, AuditReport, FindingPlace, audit};
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::tree::{Hash, leaf_hash};
use lockgate_ledger::{
    Append, ContentState, EntryQuery, Error, LogHead, LogSource, SourceEntry, Storage as _, StoredContent, TeamView,
    WithheldEntry,
};
use rusqlite::{Connection, params};

use super::support::{Ledger, NAME, content, event};

/// That many entries in the stream `shared`, of `shop` and `billing` in turn, after the one that names the key.
fn of_two_teams(entries: u64) -> Ledger {
    let ledger = Ledger::new();
    let team = |n| if n % 2 == 1 { "shop" } else { "billing" };
    ledger.append((1..=entries).map(|n| event("shared", n).of_team(team(n)).unwrap()).collect());
    ledger
}

fn shop() -> BTreeSet<TeamName> {
    BTreeSet::from(["shop".parse().unwrap()])
}

/// A source that changes what it hands out.
struct Changed<'a, F> {
    view: TeamView<'a>,
    change: F,
}

impl<F: Fn(&mut Vec<SourceEntry>) + Send + Sync> LogSource for Changed<'_, F> {
    fn head(&self) -> Result<LogHead, Error> {
        self.view.head()
    }
    fn entries(&self, query: &EntryQuery) -> Result<Vec<lockgate_ledger::StoredEntry>, Error> {
        self.view.entries(query)
    }
    fn entries_with_withheld(&self, query: &EntryQuery) -> Result<Vec<SourceEntry>, Error> {
        let mut entries = self.view.entries_with_withheld(query)?;
        (self.change)(&mut entries);
        Ok(entries)
    }
    fn nodes(&self, nodes: &[u64]) -> Result<Vec<Hash>, Error> {
        self.view.nodes(nodes)
    }
    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<(u64, String)>, Error> {
        self.view.checkpoints(above, limit)
    }
    fn content(&self, digest: &Digest) -> Result<Option<StoredContent>, Error> {
        self.view.content(digest)
    }
    fn contents(&self, after: Option<Digest>, limit: usize) -> Result<Vec<Digest>, Error> {
        self.view.contents(after, limit)
    }
}

/// What an audit of `shop` finds if its source changes what it hands out.
fn audited(ledger: &Ledger, change: impl Fn(&mut Vec<SourceEntry>) + Send + Sync) -> AuditReport {
    let teams = shop();
    let source = Changed { view: TeamView::new(&ledger.storage, &teams), change };
    audit(&source, &Audit { key: Some(ledger.key.clone()), ..Audit::default() }).unwrap()
}

fn places(report: &AuditReport) -> Vec<FindingPlace> {
    report.findings.iter().map(|finding| finding.place).collect()
}

/// Withholds an entry that could be seen.
fn withhold(entry: &mut SourceEntry) {
    if let SourceEntry::Whole(stored) = entry {
        *entry = SourceEntry::Withheld(WithheldEntry { index: stored.index, hash: stored.hash });
    }
}

#[test]
fn a_log_of_several_pages_is_verified_with_every_second_entry_withheld() {
    let ledger = of_two_teams(1400);
    let report = audited(&ledger, |_| {});
    assert_eq!((report.findings, report.entries, report.withheld), (vec![], 701, 700));
    let teams = shop();
    let view = TeamView::new(&ledger.storage, &teams);
    let newest = EntryQuery { newest_first: true, from: 100, limit: usize::MAX, ..EntryQuery::default() };
    let indexes: Vec<u64> = view.entries_with_withheld(&newest).unwrap().iter().map(SourceEntry::index).collect();
    assert_eq!(indexes, (100..1401).rev().collect::<Vec<_>>());
}

#[test]
fn a_changed_hash_of_a_withheld_entry_is_found() {
    let ledger = of_two_teams(8);
    let report = audited(&ledger, |entries| {
        for entry in entries {
            if let SourceEntry::Withheld(WithheldEntry { index: 4, hash }) = entry {
                *hash = leaf_hash(b"another");
            }
        }
    });
    let places = places(&report);
    assert!(
        places.contains(&FindingPlace::Entries { first: 4, last: 5 }) && places.contains(&FindingPlace::Head),
        "{places:?}"
    );
}

#[test]
fn a_changed_entry_of_the_team_is_found_between_withheld_ones() {
    let ledger = of_two_teams(8);
    for forge_hash in [false, true] {
        let report = audited(&ledger, |entries| {
            for entry in entries {
                if let SourceEntry::Whole(stored) = entry
                    && stored.index == 3
                {
                    let forged = String::from_utf8(stored.leaf.clone()).unwrap().replace("\"n\":3", "\"n\":9");
                    stored.leaf = forged.into_bytes();
                    if forge_hash {
                        stored.hash = leaf_hash(&stored.leaf);
                    }
                }
            }
        });
        let expected = if forge_hash { FindingPlace::Entries { first: 2, last: 3 } } else { FindingPlace::Entry(3) };
        assert!(places(&report).contains(&expected), "{:?}", report.findings);
    }
}

#[test]
fn an_entry_that_is_left_out_is_not_taken_for_a_withheld_one() {
    let ledger = of_two_teams(8);
    for left_out in [3, 4] {
        let report = audited(&ledger, |entries| entries.retain(|entry| entry.index() != left_out));
        assert!(places(&report).contains(&FindingPlace::Entry(left_out)), "{:?}", report.findings);
    }
}

#[test]
fn more_entries_of_a_stream_cannot_be_withheld_than_are_withheld_of_the_log() {
    // Entry 5 is number 5 of `shared`, after number 3: one is withheld between them. As number 6, one more would have to be.
    let ledger = of_two_teams(8);
    let as_number = |number: u64| {
        audited(&ledger, |entries| {
            for entry in entries {
                if let SourceEntry::Whole(stored) = entry
                    && stored.index == 5
                {
                    stored.sequence = number;
                }
            }
        })
    };
    let said = |report: AuditReport| report.findings.into_iter().map(|found| found.message).collect::<Vec<_>>();
    assert_eq!(said(as_number(5)), [] as [&str; 0]);
    let more = said(as_number(6));
    assert!(more.contains(&"it is number 6 of `shared`, after number 3".to_owned()), "{more:?}");
    let again = said(as_number(3));
    assert!(again.contains(&"it is number 3 of `shared`, after number 3".to_owned()), "{again:?}");
}

#[test]
fn an_entry_of_the_ledgers_own_cannot_be_withheld() {
    let ledger = of_two_teams(4);
    let rotate = || ledger.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
    let (first, second) = (rotate().entries[0].index, rotate().entries[0].index);
    assert_eq!(audited(&ledger, |_| {}).findings, []);
    let withheld = |index: u64| {
        let report = audited(&ledger, |entries| {
            entries.iter_mut().filter(|entry| entry.index() == index).for_each(withhold);
        });
        places(&report)
    };
    assert!(withheld(0).contains(&FindingPlace::Entry(0)));
    // The next of its stream has a number too many.
    assert!(withheld(first).contains(&FindingPlace::Entry(second)));
    // Nobody named the key that signs now.
    assert!(withheld(second).contains(&FindingPlace::Head));
}

#[test]
fn what_is_withheld_without_need_is_counted() {
    let ledger = of_two_teams(8);
    let report = audited(&ledger, |entries| {
        entries.iter_mut().filter(|entry| entry.index() == 3).for_each(withhold);
    });
    assert_eq!((report.entries, report.withheld, report.findings), (4, 5, vec![]));
}

#[test]
fn a_damaged_file_is_told_apart_from_what_is_withheld() {
    let gone = of_two_teams(8);
    gone.tamper("DELETE FROM entries WHERE idx = 4");
    assert!(places(&audited(&gone, |_| {})).contains(&FindingPlace::Entry(4)));
    let forged = of_two_teams(8);
    let file = Connection::open(forged.path()).unwrap();
    let hash = leaf_hash(b"another");
    file.execute("UPDATE entries SET hash = ?1 WHERE idx = 4", params![hash.as_bytes()]).unwrap();
    assert!(places(&audited(&forged, |_| {})).contains(&FindingPlace::Entries { first: 4, last: 5 }));
}

#[test]
fn content_of_another_team_is_as_content_that_never_was() {
    let ledger = Ledger::new();
    let (own, other) = (content(b"own"), content(b"other"));
    for (team, content) in [("shop", &own), ("billing", &other)] {
        let entry = event("shared", 1).referring_to(content.digest()).of_team(team).unwrap();
        ledger
            .storage
            .append(Append { entries: vec![entry], content: vec![content.clone()], ..Append::default() })
            .unwrap();
    }
    let teams = shop();
    let view = TeamView::new(&ledger.storage, &teams);
    assert_eq!(view.contents(None, 10).unwrap(), [own.digest()]);
    let found = view.content(&own.digest()).unwrap().unwrap();
    assert_eq!(found.state, ContentState::Present(b"own".to_vec()));
    assert_eq!(view.content(&other.digest()).unwrap(), None);
    let report = audited(&ledger, |_| {});
    assert_eq!((report.content, report.findings), (1, vec![]));
    // What the team's entries refer to is missed, and what others refer to is not.
    ledger.tamper("DELETE FROM content");
    let found = audited(&ledger, |_| {}).findings;
    let places: Vec<FindingPlace> = found.iter().map(|finding| finding.place).collect();
    assert!(places.contains(&FindingPlace::Content(own.digest())), "{found:?}");
    assert!(!places.contains(&FindingPlace::Content(other.digest())), "{found:?}");
}

#[test]
fn pages_of_many_teams_hold_what_comes_first_of_all_of_them() {
    let ledger = Ledger::new();
    let teams: BTreeSet<TeamName> = (0..5).map(|n| format!("team-{n}").parse().unwrap()).collect();
    ledger.append((1..=100).map(|n| event("a", n).of_team(&format!("team-{}", n * n % 7)).unwrap()).collect());
    let seen = |n: u64| n * n % 7 < 5;
    let view = TeamView::new(&ledger.storage, &teams);
    let kind = Some("event".to_owned());
    let indexes = |query: EntryQuery| {
        let found = view.entries(&query).unwrap();
        found.iter().map(|entry| entry.index).collect::<Vec<_>>()
    };
    let first: Vec<u64> = (20..=100).filter(|n| seen(*n)).take(10).collect();
    assert_eq!(indexes(EntryQuery { kind: kind.clone(), from: 20, limit: 10, ..EntryQuery::default() }), first);
    let last: Vec<u64> = (1..80).rev().filter(|n| seen(*n)).take(10).collect();
    assert_eq!(
        indexes(EntryQuery { kind, before: Some(80), newest_first: true, limit: 10, ..EntryQuery::default() }),
        last
    );
}
