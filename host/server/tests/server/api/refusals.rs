//! What is not done, and how that is said.

use serde_json::json;

use crate::api::stand::Stand;
use crate::decision_support::{deployment, person, token};
use crate::http_support::exchange;

#[tokio::test]
async fn whoever_has_no_credentials_hears_nothing_but_the_description() {
    let stand = Stand::new().await;
    let address = stand.running.address();
    let refused = exchange(address, "GET /api/v1/deployments HTTP/1.1", "").await;
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/problem+json")));
    let described = exchange(address, "GET /openapi.json HTTP/1.1", "").await;
    assert_eq!((described.status, &described.json()["openapi"]), (200, &json!("3.1.0")));
}

#[tokio::test]
async fn a_role_that_is_missing_is_named() {
    let stand = Stand::new().await;
    let refused = stand.post("ben", "/deployments", json!({"deployment": deployment("d-1")})).await;
    assert_eq!(refused.status, 403);
    let problem = refused.json();
    assert_eq!(problem["type"], "urn:lockgate:problem:forbidden");
    assert_eq!(problem["right"], "request");
    assert!(problem["roles"].as_array().unwrap().contains(&json!("developer")), "{problem}");
}

#[tokio::test]
async fn an_illegal_move_names_the_legal_ones() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let refused = stand.pass("d-1", "fulfill/entrance").await;
    assert_eq!(refused.status, 409);
    let problem = refused.json();
    assert_eq!(problem["type"], "urn:lockgate:problem:illegal-move");
    assert_eq!(problem["position"], json!({"status": "awaiting-entrance", "stage": "plan-and-approve"}));
    let legal: Vec<_> = problem["legal_moves"].as_array().unwrap().iter().map(|legal| legal["move"].clone()).collect();
    assert_eq!(legal, ["pass", "reject", "abort"]);
    assert!(problem["instance"].as_str().unwrap().starts_with("urn:lockgate:request:"));
}

#[tokio::test]
async fn a_document_that_is_wrong_is_told_by_places() {
    let stand = Stand::new().await;
    let mut wrong = deployment("d-1");
    wrong["change"]["risk"] = json!("huge");
    let refused = stand.post("rita", "/deployments", json!({"deployment": wrong})).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/deployment/change/risk");

    let mut wrong = deployment("no blanks");
    wrong["requester"]["id"] = json!("somebody");
    let refused = stand.post("mia", "/deployments", json!({"deployment": wrong})).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "/deployment/id", "{}", refused.body);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_from_one_that_is_wrong() {
    let stand = Stand::new().await;
    let (line, json) = ("POST /api/v1/deployments", "content-type: application/json");
    let statuses = [
        stand.send("rita", line, &[json], "{").await.status,
        stand.send("rita", line, &["content-type: text/plain"], "{}").await.status,
        stand.send("rita", line, &[], "{}").await.status,
        stand.send("rita", line, &[json], "{}").await.status,
    ];
    assert_eq!(statuses, [400, 415, 415, 422]);
}

#[tokio::test]
async fn more_than_is_taken_is_refused_and_evidence_may_be_larger() {
    let stand = Stand::with(|config| {
        config.limits.body = "1 KiB".parse().unwrap();
        config.limits.evidence = "4 KiB".parse().unwrap();
    })
    .await;
    let body = "x".repeat(2000);
    let refused = stand.send("rita", "POST /api/v1/deployments", &["content-type: application/json"], &body).await;
    assert_eq!((refused.status, refused.header("content-type")), (413, Some("application/problem+json")));
    let put = "PUT /api/v1/deployments/d-1/evidence/log";
    // It is read, and then there is no such deployment.
    assert_eq!(stand.send("rita", put, &["content-type: text/plain"], &body).await.status, 404);
    assert_eq!(stand.send("rita", put, &["content-type: text/plain"], &"x".repeat(5000)).await.status, 413);
}

#[tokio::test]
async fn what_belongs_to_other_teams_is_not_there() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let mut other = person("eve", &["release-manager"]);
    other.teams = lockgate_engine::authority::Teams::Named(["search".to_owned()].into());
    let storage = stand.storage();
    let secret = token(&*storage, &other);
    drop(storage);
    let line = format!("GET /api/v1/deployments/d-1 HTTP/1.1\r\nauthorization: Bearer {secret}");
    assert_eq!(exchange(stand.running.address(), &line, "").await.status, 404);
    let line = format!("GET /api/v1/deployments HTTP/1.1\r\nauthorization: Bearer {secret}");
    assert_eq!(exchange(stand.running.address(), &line, "").await.json()["items"], json!([]));
}

#[tokio::test]
async fn parameters_that_do_not_exist_are_told() {
    let stand = Stand::new().await;
    let wrong =
        ["limit=0", "limit=201", "stat=x", "status=done", "stage=fulfil", "cursor=-1", "cursor=9007199254740992"];
    for path in wrong.map(|query| format!("/deployments?{query}")) {
        let refused = stand.get("rita", &path).await;
        assert_eq!((refused.status, refused.header("content-type")), (400, Some("application/problem+json")), "{path}");
    }
    assert_eq!(stand.pass("d-1", "fulfil/exit").await.status, 404);
}
