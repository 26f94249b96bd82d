//! Auditors of two teams, with their tokens, at a real server.

use lockgate_client::{Client, RequestPath};
use lockgate_domain::api::audit::Entries;
use lockgate_domain::{Teams, Timestamp};
use lockgate_ledger::{Append, EntryDraft};
use lockgate_service::authority::Actor;
use serde_json::json;

use crate::api::stand::Stand;
use crate::decision_support::{person, token};

fn of(team: &str, n: u64) -> EntryDraft {
    let entry =
        EntryDraft::new("environment/live", "occupied", Timestamp::from_millis(0), &json!({ "n": n, "by": team }));
    entry.unwrap().with_id("d-1").unwrap().of_team(team).unwrap()
}

#[tokio::test]
async fn auditors_see_the_entries_of_their_teams_and_of_all_others_the_hash() {
    let stand = Stand::new().await;
    let storage = stand.storage();
    let entries = (0..10).map(|n| of(if n < 4 { "shop" } else { "billing" }, n)).collect();
    storage.append(Append { entries, ..Append::default() }).unwrap();
    let gus = |teams: Teams| token(&*storage, &Actor { teams, ..person("gus", &["auditor"]) });
    let named = |team: &str| gus(Teams::Named([team.parse().unwrap()].into()));
    let tokens = [named("shop"), named("billing"), gus(Teams::All)];
    let size = storage.head().unwrap().size;
    let mut seen = Vec::new();
    for token in tokens {
        let client = Client::new(stand.running.url().parse().unwrap(), Some(token.parse().unwrap()));
        let pages = tokio::task::spawn_blocking(move || {
            let page = |path: RequestPath| client.get::<Entries>(&path.query("limit", 1000)).unwrap();
            let path = RequestPath::new("/api/v1/audit/entries");
            (page(path.clone()), page(path.query("kind", "occupied")))
        });
        let (all, occupied) = pages.await.unwrap();
        assert_eq!((all.entries.len() + all.withheld.len()) as u64, size);
        seen.push((occupied.entries.len(), !all.withheld.is_empty()));
    }
    assert_eq!(seen, [(4, true), (6, true), (10, false)]);
}

#[tokio::test]
async fn who_is_no_auditor_sees_nothing_of_the_log_of_their_own_team_either() {
    let stand = Stand::new().await;
    stand.storage().append(Append { entries: vec![of("checkout", 1)], ..Append::default() }).unwrap();
    assert_eq!(stand.get("rita", "/audit/entries").await.status, 403);
    let seen = stand.get("gus", "/audit/entries?kind=occupied").await;
    assert_eq!(seen.json()["items"][0]["team"], "checkout", "{}", seen.body);
}
