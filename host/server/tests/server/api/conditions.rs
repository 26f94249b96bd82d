//! Idempotency keys and `If-Match`.

use serde_json::json;

use crate::api::stand::Stand;
use crate::decision_support::deployment;

#[tokio::test]
async fn the_same_request_with_the_same_key_gets_the_first_answer_again() {
    let stand = Stand::new().await;
    let (body, key) = (json!({"deployment": deployment("d-1")}), ["idempotency-key: run-1"]);
    let first = stand.post_with("rita", "/deployments", &key, body.clone()).await;
    let again = stand.post_with("rita", "/deployments", &key, body).await;
    assert_eq!((first.status, again.status), (201, 201), "{}", again.body);
    assert_eq!(first.body, again.body);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let stand = Stand::new().await;
    let key = ["idempotency-key: run-1"];
    stand.post_with("rita", "/deployments", &key, json!({"deployment": deployment("d-1")})).await;
    let other = stand.post_with("rita", "/deployments", &key, json!({"deployment": deployment("d-2")})).await;
    assert_eq!(other.status, 422);
    assert_eq!(other.json()["type"], "urn:lockgate:problem:idempotency-key-reused");
}

#[tokio::test]
async fn of_two_who_saw_the_same_version_one_writes() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let seen = ["if-match: \"1\""];
    let abort = json!({"move": "abort", "reason": "no longer needed"});
    let gate = "POST /api/v1/deployments/d-1/gates/plan-and-approve/entrance";
    assert_eq!(stand.send("rita", gate, &seen, "").await.status, 200);
    let late = stand.post_with("rita", "/deployments/d-1/moves", &seen, abort).await;
    assert_eq!((late.status, late.header("etag")), (412, Some("\"2\"")), "{}", late.body);
    let problem = late.json();
    assert_eq!(problem["type"], "urn:lockgate:problem:version-differs");
    assert_eq!((&problem["expected"], &problem["actual"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn of_many_pipelines_that_race_for_a_gate_one_passes_it() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let tries = (0..8).map(|_| stand.pass("d-1", "plan-and-approve/entrance"));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(tries).await.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}
