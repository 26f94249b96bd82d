//! Auditors of two teams, with their tokens, at a real server.

use lockgate_domain::Timestamp;
use lockgate_ledger::audit::{Audit, audit};
use lockgate_ledger::{Append, NewEntry, Query, Source as _};
use lockgate_server::api::audit::RemoteSource;
use lockgate_service::authority::{Actor, Teams};
use serde_json::json;

use crate::api::stand::Stand;
use crate::decision_support::{person, token};

fn of(team: &str, n: u64) -> NewEntry {
    let entry =
        NewEntry::new("environment/live", "occupied", Timestamp::from_millis(0), &json!({ "n": n, "by": team }));
    entry.unwrap().with_id("d-1").unwrap().of_team(team).unwrap()
}

#[tokio::test]
async fn auditors_see_the_entries_of_their_teams_and_verify_the_whole_log() {
    let stand = Stand::new().await;
    let storage = stand.storage();
    let entries = (0..10).map(|n| of(if n < 4 { "shop" } else { "billing" }, n)).collect();
    storage.append(Append { entries, ..Append::default() }).unwrap();
    let gus = |teams: Teams| token(&*storage, &Actor { teams, ..person("gus", &["auditor"]) });
    let named = |team: &str| gus(Teams::Named([team.parse().unwrap()].into()));
    let tokens = [named("shop"), named("billing"), gus(Teams::All)];
    let (server, head) = (stand.running.url(), storage.head().unwrap());
    let audited = move |token: &String| {
        let remote = RemoteSource::new(&server, Some(token.clone())).unwrap();
        let report = audit(&remote, &Audit { key: Some(head.key.clone()), ..Audit::default() }).unwrap();
        assert_eq!((report.findings, report.entries + report.withheld), (vec![], head.size));
        let occupied = Query { kind: Some("occupied".to_owned()), limit: 100, ..Query::default() };
        (remote.entries(&occupied).unwrap().len(), report.withheld > 0)
    };
    let seen = tokio::task::spawn_blocking(move || tokens.each_ref().map(audited)).await.unwrap();
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
