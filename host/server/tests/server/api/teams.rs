//! Teams over HTTP: which deployment is meant, and what nobody of another team is told.

use lockgate_domain::{Duration, Teams, Timestamp};
use lockgate_server::auth::token::{NewToken, issue, revoke, rotate};
use lockgate_service::authority::Actor;
use lockgate_service::lifecycle::EventActor;
use serde_json::{Value, json};

use crate::api::stand::{Stand, in_a_week};
use crate::decision_support::{deployment, person, token};
use crate::http_support::Answer;

/// A credential of somebody in these teams; none: in all.
fn bearer(stand: &Stand, who: &str, roles: &[&str], teams: Option<&[&str]>) -> String {
    let teams = match teams {
        Some(teams) => Teams::Named(teams.iter().map(|team| team.parse().unwrap()).collect()),
        None => Teams::All,
    };
    let actor = Actor { teams, ..person(who, roles) };
    format!("authorization: Bearer {}", token(&*stand.storage(), &actor))
}

async fn send(stand: &Stand, bearer: &str, line: &str, body: Option<Value>) -> Answer {
    match body {
        Some(body) => stand.send_with(&[bearer, "content-type: application/json"], line, &body.to_string()).await,
        None => stand.send_with(&[bearer], line, "").await,
    }
}

/// Asks for `d-1` in a team, for the product `shop` of that team.
async fn request(stand: &Stand, bearer: &str, team: &str) -> Answer {
    let mut document = deployment("d-1");
    document["labels"] = json!({"of": team});
    send(stand, bearer, "POST /api/v1/deployments", Some(json!({"team": team, "deployment": document}))).await
}

#[tokio::test]
async fn an_id_is_unique_within_a_team_and_of_several_teams_one_is_named() {
    let stand = Stand::new().await;
    let shop = bearer(&stand, "rita", &["pipeline"], Some(&["shop"]));
    let search = bearer(&stand, "rita", &["pipeline"], Some(&["search"]));
    let both = bearer(&stand, "rita", &["pipeline"], Some(&["search", "shop"]));
    let all = bearer(&stand, "rita", &["pipeline"], None);
    let created = request(&stand, &shop, "shop").await;
    assert_eq!((created.status, created.header("location")), (201, Some("/api/v1/deployments/d-1?team=shop")));
    assert_eq!(request(&stand, &search, "search").await.status, 201);
    let twice = request(&stand, &shop, "shop").await;
    assert_eq!((twice.status, &twice.json()["type"]), (409, &json!("urn:lockgate:problem:exists")));

    let line = "/api/v1/deployments/d-1";
    for (bearer, team) in [(&shop, "shop"), (&search, "search")] {
        let seen = send(&stand, bearer, &format!("GET {line}"), None).await.json();
        assert_eq!((&seen["team"], &seen["deployment"]["labels"]["of"]), (&json!(team), &json!(team)));
    }
    for bearer in [&both, &all] {
        let asked = send(&stand, bearer, &format!("GET {line}"), None).await;
        assert_eq!((asked.status, &asked.json()["type"]), (409, &json!("urn:lockgate:problem:several-teams")));
        assert_eq!(asked.json()["teams"], json!(["search", "shop"]));
        for team in ["shop", "search"] {
            let named = send(&stand, bearer, &format!("GET {line}?team={team}"), None).await.json();
            assert_eq!(named["team"], team);
        }
    }
    let foreign = send(&stand, &shop, &format!("GET {line}?team=search"), None).await;
    let missing = send(&stand, &shop, "GET /api/v1/deployments/d-2?team=search", None).await;
    assert_eq!((foreign.status, missing.status), (404, 404));
    assert_eq!(foreign.json()["detail"].as_str().unwrap().replace("d-1", "d-2"), missing.json()["detail"]);

    // What is done is done to the team's own one.
    let entrance = format!("POST {line}/gates/plan-and-approve/entrance?team=shop");
    assert_eq!(send(&stand, &both, &entrance, None).await.json()["passed"], true);
    let events = |team: &str| format!("GET {line}/events?team={team}");
    let count = async |team| send(&stand, &both, &events(team), None).await.json()["items"].as_array().unwrap().len();
    assert_eq!((count("shop").await, count("search").await), (2, 1));
}

#[tokio::test]
async fn every_route_of_a_deployment_takes_the_team() {
    let stand = Stand::new().await;
    let everything =
        bearer(&stand, "rita", &["release-manager", "change-authority", "pipeline"], Some(&["search", "shop"]));
    for team in ["search", "shop"] {
        request(&stand, &everything, team).await;
    }
    let subject = send(&stand, &everything, "GET /api/v1/deployments/d-1?team=shop", None).await.json();
    let approval = json!({"role": "change-authority", "answer": "approved", "subject": subject["subject"]});
    let gate = json!({"stage": "plan-and-approve", "phase": "exit"});
    for (method, path, body) in [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"labels": {"a": "b"}}))),
        ("GET", "/events", None),
        ("GET", "/overlaps", None),
        ("GET", "/bookings", None),
        ("POST", "/gates/plan-and-approve/entrance", None),
        ("GET", "/evidence/sbom", None),
        ("POST", "/approvals", Some(approval)),
        ("GET", "/approvals/none", None),
        ("DELETE", "/approvals/none", None),
        ("POST", "/activities", Some(json!([]))),
        ("POST", "/moves", Some(json!({"move": "abort", "reason": "r"}))),
        ("POST", "/rollout/next", None),
        ("POST", "/rollout/steps/one", Some(json!({"outcome": "succeeded"}))),
        ("POST", "/overrides", Some(json!({"gate": gate, "binding": "people", "reason": "r"}))),
        ("GET", "/overrides/none", None),
        ("POST", "/overrides/none/confirmation", None),
    ] {
        let line = format!("{method} /api/v1/deployments/d-1{path}");
        let several = send(&stand, &everything, &line, body.clone()).await;
        assert_eq!(several.json()["type"], "urn:lockgate:problem:several-teams", "{line}: {}", several.body);
        let named = send(&stand, &everything, &format!("{line}?team=shop"), body).await;
        assert!(!matches!(named.status, 0 | 400 | 401 | 500..), "{line}: {} {}", named.status, named.body);
        assert!(!named.body.contains("several-teams"), "{line}: {}", named.body);
    }
}

#[tokio::test]
async fn policy_decision_apis_take_the_team() {
    let stand = Stand::new().await;
    let both = bearer(&stand, "rita", &["pipeline"], Some(&["search", "shop"]));
    for team in ["search", "shop"] {
        request(&stand, &both, team).await;
    }
    let evaluation = |properties: Value| {
        json!({
            "subject": {"type": "user", "id": "RITA"}, "action": {"name": "plan-and-approve.entrance"},
            "resource": {"type": "deployment", "id": "d-1", "properties": properties}
        })
    };
    let asked =
        async |properties| send(&stand, &both, "POST /access/v1/evaluation", Some(evaluation(properties))).await;
    assert_eq!(asked(json!({})).await.status, 409);
    assert_eq!(asked(json!({"team": 7})).await.status, 400);
    assert_eq!(asked(json!({"team": "shop", "other": 7})).await.json()["decision"], true);
    let line = "POST /v1/data/lockgate/plan-and-approve/entrance/allow";
    let asked = async |input: Value| send(&stand, &both, line, Some(json!({"input": input}))).await;
    assert_eq!(asked(json!({"deployment": "d-1"})).await.status, 409);
    assert_eq!(asked(json!({"deployment": "d-1", "team": ["shop"]})).await.status, 400);
    assert_eq!(asked(json!({"deployment": "d-1", "team": "search"})).await.json()["result"], true);
    let decisions = send(&stand, &both, "GET /api/v1/decisions?deployment=d-1&team=search", None).await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1);
    assert_eq!(send(&stand, &both, "GET /api/v1/decisions?team=search", None).await.status, 400);
}

#[tokio::test]
async fn who_waits_for_a_deployment_is_not_told_of_another_teams() {
    let stand = Stand::new().await;
    let shop = bearer(&stand, "rita", &["pipeline"], Some(&["shop"]));
    let search = bearer(&stand, "rita", &["pipeline"], Some(&["search"]));
    request(&stand, &shop, "shop").await;
    request(&stand, &search, "search").await;
    let waiting = send(&stand, &shop, "GET /api/v1/deployments/d-1/wait?after=1&timeout=1s", None);
    let entrance = "POST /api/v1/deployments/d-1/gates/plan-and-approve/entrance";
    let (waited, passed) = tokio::join!(waiting, send(&stand, &search, entrance, None));
    assert_eq!((passed.json()["passed"].clone(), waited.status), (json!(true), 204));
    let waiting = send(&stand, &shop, "GET /api/v1/deployments/d-1/wait?after=1&timeout=20s", None);
    let (waited, _) = tokio::join!(waiting, send(&stand, &shop, entrance, None));
    assert_eq!((waited.status, &waited.json()["version"]), (200, &json!(2)));
}

#[tokio::test]
async fn metrics_are_for_who_sees_all_teams() {
    let stand = Stand::new().await;
    let one = send(&stand, &bearer(&stand, "pam", &["auditor"], Some(&["shop"])), "GET /metrics", None).await;
    assert_eq!((one.status, &one.json()["type"]), (403, &json!("urn:lockgate:problem:of-all-teams")));
    assert!(stand.metrics().await.contains("lockgate_"));
}

/// A token of Ben's as change authority, of the team of the other tests.
fn of_ben(stand: &Stand, expires: Option<Timestamp>) -> (String, String) {
    let ben = person("ben", &["change-authority"]);
    let new = NewToken {
        person: ben.person.clone(),
        kind: None,
        teams: ben.teams.clone(),
        scopes: None,
        expires,
        note: None,
        by: (&ben).into(),
    };
    let issued = issue(&*stand.storage(), new, Timestamp::now()).unwrap();
    (issued.token.id.clone(), format!("authorization: Bearer {}", issued.secret.expose()))
}

#[tokio::test]
async fn a_lent_role_ends_with_the_last_token_of_the_lender_in_the_role() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let (first, ben) = of_ben(&stand, None);
    let new = json!({"to": "mia", "role": "change-authority", "expires": in_a_week(), "reason": "holidays"});
    let lent = send(&stand, &ben, "POST /api/v1/delegations", Some(new)).await;
    assert_eq!((lent.status, &lent.json()["ends_with_tokens"]), (201, &json!(true)));
    // Another one, which is valid while the first one ends.
    let until = Timestamp::now().saturating_add(Duration::from_millis(60_000));
    let (second, _) = of_ben(&stand, Some(until));
    let storage = stand.storage();
    let ended = |id: &str| {
        revoke(&*storage, id, &(&person("ada", &["administrator"])).into(), None, Timestamp::now()).unwrap();
    };
    let subject = stand.get("mia", "/deployments/d-1").await.json()["subject"].clone();
    let approve = async || {
        let answer =
            json!({"role": "change-authority", "answer": "approved", "subject": subject, "on_behalf_of": "ben"});
        stand.post("mia", "/deployments/d-1/approvals", answer).await
    };
    ended(&first);
    // The token that all tests share is Ben's too.
    ended(&stand.token_id("ben"));
    assert_eq!(approve().await.status, 201);
    ended(&second);
    let refused = approve().await;
    assert_eq!((refused.status, &refused.json()["type"]), (403, &json!("urn:lockgate:problem:role-not-held")));
    let place = lent.header("location").unwrap().trim_start_matches("/api/v1");
    assert!(stand.get("mia", place).await.json()["ended"].is_string());
}

#[tokio::test]
async fn an_administrator_ends_all_that_somebody_lent() {
    let stand = Stand::new().await;
    let new = json!({"to": "mia", "role": "change-authority", "expires": in_a_week(), "reason": "holidays"});
    assert_eq!(stand.post("ben", "/delegations", new).await.status, 201);
    let line = "DELETE /api/v1/delegations?from=BEN";
    assert_eq!(stand.send("ben", line, &[], "").await.status, 403);
    let ended = stand.send("ada", line, &[], "").await;
    assert_eq!((ended.status, ended.json()["items"].as_array().unwrap().len()), (200, 1));
    assert_eq!(stand.send("ada", "DELETE /api/v1/delegations", &[], "").await.status, 400);
    assert_eq!(stand.send("ada", "DELETE /api/v1/delegations?from=%20", &[], "").await.status, 400);
}

#[tokio::test]
async fn a_delegation_that_ended_with_a_token_stays_ended_and_tokens_of_other_kinds_do_not_keep_it() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let storage = stand.storage();
    let ada = EventActor::from(&person("ada", &["administrator"]));
    let now = Timestamp::now();
    let (id, ben) = of_ben(&stand, None);
    let new = json!({"to": "mia", "role": "change-authority", "expires": in_a_week(), "reason": "holidays"});
    assert_eq!(send(&stand, &ben, "POST /api/v1/delegations", Some(new)).await.status, 201);
    // Ben's other tokens: of another team, for reading alone, of another account.
    bearer(&stand, "ben", &["change-authority"], Some(&["search"]));
    bearer(&stand, "Ben", &["change-authority"], Some(&["checkout"]));
    let mut reading = person("ben", &["change-authority"]);
    reading.scopes = Some([lockgate_domain::Right::Read].into());
    token(&*storage, &reading);
    revoke(&*storage, &stand.token_id("ben"), &ada, None, now).unwrap();
    let subject = stand.get("mia", "/deployments/d-1").await.json()["subject"].clone();
    let approve = async || {
        let answer =
            json!({"role": "change-authority", "answer": "approved", "subject": subject, "on_behalf_of": "ben"});
        stand.post("mia", "/deployments/d-1/approvals", answer).await.status
    };
    assert_eq!(approve().await, 201);
    // It expires, and lives again.
    let soon = Timestamp::now().saturating_add(Duration::from_millis(50));
    rotate(&*storage, &id, &ada, Duration::from_millis(0), Some(soon), Timestamp::now()).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(approve().await, 403);
    rotate(&*storage, &id, &ada, Duration::from_millis(0), Some(in_a_week()), Timestamp::now()).unwrap();
    assert_eq!(approve().await, 403);
}

#[tokio::test]
async fn what_was_answered_under_a_key_is_not_answered_to_another_credential_of_the_same_person() {
    let stand = Stand::new().await;
    let shop = bearer(&stand, "rita", &["pipeline"], Some(&["shop"]));
    let search = bearer(&stand, "rita", &["pipeline"], Some(&["search"]));
    request(&stand, &shop, "shop").await;
    let line = "POST /api/v1/deployments/d-1/gates/plan-and-approve/entrance";
    let first = stand.send_with(&[&shop, "idempotency-key: k-1"], line, "").await;
    let again = stand.send_with(&[&shop, "idempotency-key: k-1"], line, "").await;
    assert_eq!((first.status, again.header("idempotent-replayed")), (200, Some("true")));
    let other = stand.send_with(&[&search, "idempotency-key: k-1"], line, "").await;
    assert_eq!(other.status, 404);
}
