//! Content: kept once, referred to, deleted.

use std::sync::Arc;

use lockgate_domain::{Digest, Timestamp};

use super::{Ledger, append, at, event};
use lockgate_ledger::audit::audit;
use lockgate_ledger::{Append, ContentBlob, ContentState, Error, RetentionRule, Storage};

super::cases! {
    content_comes_with_the_entry_that_refers_to_it,
    content_may_come_first,
    a_reference_to_unknown_content_is_turned_away,
    content_that_nothing_referred_to_lately_is_deleted,
    content_of_the_newest_entry_of_a_register_is_kept,
    content_that_was_deleted_cannot_be_referred_to_until_it_comes_again,
    more_content_than_goes_into_one_transaction_is_deleted,
    content_is_found_by_the_teams_that_refer_to_it,
}

fn content(text: &str) -> ContentBlob {
    ContentBlob::new("evidence", "text/plain", Arc::new(text.as_bytes().to_vec()))
}

fn with(contents: Vec<ContentBlob>, stream: &str, second: i64) -> Append {
    let entry = contents.iter().fold(event(stream, second), |entry, content| entry.referring_to(content.digest()));
    Append { content: contents, ..append(vec![entry]) }
}

fn state(storage: &dyn Storage, digest: &Digest) -> Option<ContentState> {
    storage.content(digest).unwrap().map(|content| content.state)
}

fn text(text: &str) -> Option<ContentState> {
    Some(ContentState::Present(text.as_bytes().to_vec()))
}

fn far() -> Timestamp {
    at(i64::MAX)
}

fn forget(storage: &dyn Storage, before: Timestamp) -> u64 {
    storage.forget(&RetentionRule::Content { kind: "evidence".to_owned(), before }).unwrap().count
}

fn content_comes_with_the_entry_that_refers_to_it(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(with(vec![content("report"), content("")], "a", 1)).unwrap();
    storage.append(with(vec![content("report")], "b", 2)).unwrap();
    let digest = Digest::of(b"report");
    assert_eq!(state(&*storage, &digest), text("report"));
    assert_eq!(state(&*storage, &Digest::of(b"")), text(""));
    assert_eq!(state(&*storage, &Digest::of(b"else")), None);
    let stored = storage.content(&digest).unwrap().unwrap();
    assert_eq!((stored.kind.as_str(), stored.media_type.as_str(), stored.size), ("evidence", "text/plain", 6));
    let mut both = [digest, Digest::of(b"")];
    both.sort();
    assert_eq!(storage.contents(None, 10).unwrap(), both);
    assert_eq!(storage.contents(Some(both[0]), 10).unwrap(), [both[1]]);
}

fn content_may_come_first(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let size = storage.head().unwrap().size;
    storage.append(Append { content: vec![content("report")], ..Append::default() }).unwrap();
    assert_eq!(storage.head().unwrap().size, size);
    storage.append(append(vec![event("a", 1).referring_to(Digest::of(b"report"))])).unwrap();
}

fn a_reference_to_unknown_content_is_turned_away(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let digest = Digest::of(b"report");
    let outcome = storage.append(append(vec![event("a", 1).referring_to(digest)]));
    assert!(matches!(outcome, Err(Error::UnknownContent(unknown)) if unknown == digest), "{outcome:?}");
    assert_eq!(storage.version("a").unwrap(), 0);
}

fn content_that_nothing_referred_to_lately_is_deleted(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(with(vec![content("old"), content("in use")], "a", 10)).unwrap();
    storage.append(with(vec![content("in use")], "a", 30)).unwrap();
    storage
        .append(Append {
            content: vec![ContentBlob::new("snapshot", "text/plain", Arc::new(vec![1]))],
            ..Append::default()
        })
        .unwrap();
    // Just stored, so not before 1970.
    assert_eq!(forget(&*storage, at(0)), 0);
    // "in use" is named by an entry of a moment that is not before the far end: so none is, and both go.
    let head = storage.head().unwrap().size;
    assert_eq!(forget(&*storage, far()), 2);
    assert!(matches!(state(&*storage, &Digest::of(b"old")), Some(ContentState::Deleted(_))));
    // Of another kind.
    assert!(matches!(state(&*storage, &Digest::of(&[1])), Some(ContentState::Present(_))));
    assert_eq!(storage.head().unwrap().size, head + 1);
    let report = audit(&*storage, &Default::default()).unwrap();
    assert_eq!((report.findings, report.deleted, report.content), (vec![], 2, 1));
    assert_eq!(forget(&*storage, far()), 0);
}

fn content_of_the_newest_entry_of_a_register_is_kept(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let kept = |text: &str| matches!(state(&*storage, &Digest::of(text.as_bytes())), Some(ContentState::Present(_)));
    let (one, other) = ("register/shared/people/ann", "register/team/shop/people/ann");
    storage.append(with(vec![content("first")], one, 1)).unwrap();
    storage.append(with(vec![content("second")], one, 2)).unwrap();
    // Of the same moment, another entry refers to the same content.
    storage.append(with(vec![content("second")], other, 2)).unwrap();
    storage.append(with(vec![content("no register")], "registers/ann", 2)).unwrap();
    assert_eq!(forget(&*storage, far()), 2);
    assert_eq!((kept("first"), kept("second"), kept("no register")), (false, true, false));
    // The one is replaced, and the other still says it.
    storage.append(with(vec![content("third")], one, 3)).unwrap();
    assert_eq!(forget(&*storage, far()), 0);
    // An entry that refers to nothing withdraws the other.
    storage.append(append(vec![event(other, 4)])).unwrap();
    assert_eq!(forget(&*storage, far()), 1);
    assert_eq!((kept("second"), kept("third")), (false, true));
    assert_eq!(audit(&*storage, &Default::default()).unwrap().findings, []);
}

fn content_that_was_deleted_cannot_be_referred_to_until_it_comes_again(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    storage.append(with(vec![content("report")], "a", 1)).unwrap();
    assert_eq!(forget(&*storage, far()), 1);
    let again = || append(vec![event("a", 2).referring_to(Digest::of(b"report"))]);
    assert!(matches!(storage.append(again()), Err(Error::UnknownContent(_))));
    storage.append(Append { content: vec![content("report")], ..again() }).unwrap();
    assert_eq!(state(&*storage, &Digest::of(b"report")), text("report"));
    assert_eq!(audit(&*storage, &Default::default()).unwrap().findings, []);
}

fn more_content_than_goes_into_one_transaction_is_deleted(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let many: Vec<ContentBlob> = (0..700).map(|n| content(&n.to_string())).collect();
    storage.append(Append { content: many, ..Append::default() }).unwrap();
    assert_eq!(forget(&*storage, far()), 700);
    let report = audit(&*storage, &Default::default()).unwrap();
    assert_eq!((report.findings, report.deleted), (vec![], 700));
}

fn content_is_found_by_the_teams_that_refer_to_it(ledger: &Ledger<'_>) {
    let storage = ledger.open();
    let refer = |team: Option<&str>, content: &str| {
        let entry = event("a", 1).referring_to(Digest::of(content.as_bytes()));
        append(vec![match team {
            Some(team) => entry.of_team(team).unwrap(),
            None => entry,
        }])
    };
    let contents = ["both", "own", "nobody's", "referred to by no entry"].map(content).to_vec();
    storage.append(Append { content: contents, ..Append::default() }).unwrap();
    // The same moment each time: that another team has just referred to content does not hide that this one did.
    for (team, content) in [
        (Some("shop"), "both"),
        (Some("billing"), "both"),
        (Some("billing"), "both"),
        (Some("shop"), "own"),
        (None, "nobody's"),
    ] {
        storage.append(refer(team, content)).unwrap();
    }
    let (both, own) = (Digest::of(b"both"), Digest::of(b"own"));
    let mut of_shop = [both, own];
    of_shop.sort();
    let all = |team: &str| storage.contents_of_team(team, None, 10).unwrap();
    assert_eq!(all("shop"), of_shop);
    assert_eq!(all("billing"), [both]);
    assert_eq!(all("nobody"), []);
    assert_eq!(storage.contents_of_team("shop", None, 1).unwrap(), [of_shop[0]]);
    assert_eq!(storage.contents_of_team("shop", Some(of_shop[0]), 10).unwrap(), [of_shop[1]]);
    let refers = |team: &str, digest: &Digest| storage.team_refers_to(team, digest).unwrap();
    assert!(refers("shop", &both) && refers("billing", &both) && refers("shop", &own));
    assert!(!refers("billing", &own) && !refers("shop", &Digest::of(b"nobody's")) && !refers("nobody", &both));
    // What was deleted was referred to all the same.
    assert_eq!(forget(&*storage, far()), 4);
    assert_eq!(all("shop"), of_shop);
}
