//! What people do: approve, lend roles, waive, break the glass.

use serde_json::json;

use crate::api::stand::{LATER, Stand, in_a_week};
use crate::http_support::exchange;

#[tokio::test]
async fn whoever_asked_for_it_does_not_approve_it() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    // Rita has no role that approves. Ben has, until he contributes.
    assert_eq!(stand.approve("rita", "d-1").await.status, 403);
    let patch = json!({"contributors": [{"id": "ben", "roles": []}]}).to_string();
    let kind = ["content-type: application/merge-patch+json"];
    assert_eq!(stand.send("rita", "PATCH /api/v1/deployments/d-1", &kind, &patch).await.status, 200);
    let refused = stand.approve("ben", "d-1").await;
    assert_eq!(refused.status, 403);
    assert_eq!(refused.json()["type"], "urn:lockgate:problem:separation-of-duties");
}

#[tokio::test]
async fn an_approval_of_something_else_is_refused_and_what_there_is_is_named() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let subject = stand.get("ben", "/deployments/d-1").await.json()["subject"].clone();
    let other = lockgate_domain::Digest::of(b"something else");
    let answer = json!({"role": "change-authority", "answer": "approved", "subject": other});
    let refused = stand.post("ben", "/deployments/d-1/approvals", answer).await;
    assert_eq!((refused.status, &refused.json()["current"]), (409, &subject));
}

#[tokio::test]
async fn an_approval_can_be_taken_back() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let given = stand.approve("ben", "d-1").await;
    let line = format!("DELETE {}?reason=too+early", given.header("location").unwrap());
    let revoked = stand.send("ben", &line, &[], "").await;
    assert_eq!((revoked.status, &revoked.json()["void"]), (200, &json!({"because": "revoked"})));
    let again = stand.send("ben", &line, &[], "").await;
    assert_eq!((again.status, &again.json()["type"]), (409, &json!("urn:lockgate:problem:over")));
}

#[tokio::test]
async fn a_role_is_lent_and_comes_back() {
    let stand = Stand::new().await;
    let new = json!({"to": "mia", "role": "change-authority", "expires": in_a_week(), "reason": "holidays"});
    let lent = stand.post("ben", "/delegations", new).await;
    assert_eq!(lent.status, 201, "{}", lent.body);
    let place = lent.header("location").unwrap().to_owned();
    let path = place.trim_start_matches("/api/v1");
    assert_eq!(stand.get("mia", path).await.json()["from"], "ben");
    assert_eq!(stand.get("olga", path).await.status, 404);

    stand.request("d-1").await;
    let subject = stand.get("mia", "/deployments/d-1").await.json()["subject"].clone();
    let answer = json!({"role": "change-authority", "answer": "approved", "subject": subject, "on_behalf_of": "ben"});
    assert_eq!(stand.post("mia", "/deployments/d-1/approvals", answer).await.status, 201);

    let ended = stand.send("ben", &format!("DELETE {place}"), &[], "").await;
    assert!(ended.json()["ended"].is_string(), "{}", ended.body);
    assert_eq!(stand.get("ben", "/delegations").await.json()["items"][0]["ended"], ended.json()["ended"]);
}

#[tokio::test]
async fn a_waiver_is_granted_seen_and_ended() {
    let stand = Stand::new().await;
    let new = json!({"reason": "the vendor mends it", "ticket": "OPS-7", "scope": {"bindings": ["people"], "product": "shop"}, "expires": LATER});
    let granted = stand.post("ben", "/waivers", new.clone()).await;
    assert_eq!(granted.status, 201, "{}", granted.body);
    assert_eq!(stand.post("rita", "/waivers", new).await.status, 403);
    let place = granted.header("location").unwrap().to_owned();
    assert_eq!(stand.get("rita", place.trim_start_matches("/api/v1")).await.json()["ticket"], "OPS-7");
    assert_eq!(stand.send("ben", &format!("DELETE {place}"), &[], "").await.status, 200);
    assert_eq!(stand.send("ben", &format!("DELETE {place}"), &[], "").await.status, 409);
}

#[tokio::test]
async fn breaking_the_glass_takes_two_and_is_reviewed_by_a_third() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    stand.pass("d-1", "plan-and-approve/entrance").await;
    let gate = json!({"stage": "plan-and-approve", "phase": "exit"});
    let new = json!({"gate": gate, "binding": "people", "reason": "the shop is down"});
    let taken = stand.post("mia", "/deployments/d-1/overrides", new).await;
    assert_eq!(taken.status, 201, "{}", taken.body);
    let place = taken.header("location").unwrap().trim_start_matches("/api/v1").to_owned();
    assert_eq!(stand.pass("d-1", "plan-and-approve/exit").await.json()["passed"], false);

    let alone = stand.post("mia", &format!("{place}/confirmation"), json!(null)).await;
    assert_eq!((alone.status, &alone.json()["type"]), (403, &json!("urn:lockgate:problem:second-person")));
    assert_eq!(stand.post("olga", &format!("{place}/confirmation"), json!(null)).await.status, 200);
    assert_eq!(stand.pass("d-1", "plan-and-approve/exit").await.json()["passed"], true);

    let queue = stand.get("gus", "/overrides?reviewed=false").await.json();
    let id = queue["items"][0]["id"].as_str().unwrap().to_owned();
    let review = json!({"deployment": "d-1", "finding": "justified", "comment": "it was down"});
    let reviewed = stand.post("gus", &format!("/overrides/{id}/review"), review).await;
    assert_eq!(reviewed.status, 200, "{}", reviewed.body);
    assert_eq!(stand.get("gus", "/overrides?reviewed=false").await.json()["items"], json!([]));
    assert_eq!(stand.get("gus", &place).await.json()["review"]["finding"], "justified");
}

#[tokio::test]
async fn everybody_can_see_who_they_are() {
    let stand = Stand::new().await;
    let me = stand.get("ada", "/me").await.json();
    assert_eq!(me["person"]["id"], "ada");
    assert_eq!(me["rights"], json!(["read", "audit", "govern", "administer"]));
    assert_eq!(me["teams"], json!({"named": ["checkout"]}));
    assert_eq!(me["kind"], "person");
    assert_eq!(stand.get("rita", "/me").await.json()["kind"], "service");
}

#[tokio::test]
async fn models_and_plugins_are_seen_and_loaded_anew_and_a_bad_one_is_refused() {
    let stand = Stand::new().await;
    let models = stand.get("rita", "/models").await.json();
    assert_eq!(models["items"][0]["id"], "shop");
    assert_eq!(stand.get("rita", "/plugins").await.json()["items"][0]["models"][0]["id"], "shop");
    assert_eq!(stand.send("rita", "POST /api/v1/reload", &[], "").await.status, 403);
    let same = stand.send("gus", "POST /api/v1/reload", &[], "").await;
    assert_eq!(same.json()["unchanged"][0]["id"], "shop", "{}", same.body);

    std::fs::write(stand.folder.path().join("model.toml"), "id = 7").unwrap();
    let refused = stand.send("gus", "POST /api/v1/reload", &[], "").await;
    assert_eq!((refused.status, &refused.json()["type"]), (422, &json!("urn:lockgate:problem:models-refused")));
    assert_eq!(stand.get("rita", "/models").await.json()["items"][0]["id"], "shop");

    let wrong = format!("GET /api/v1/me HTTP/1.1\r\nauthorization: Bearer lgt_0123456789ab_{}", "0".repeat(64));
    assert_eq!(exchange(stand.running.address(), &wrong, "").await.status, 401);
    let metrics = stand.metrics().await;
    for counted in [
        "lockgate_models_reloads_total{outcome=\"failure\"} 1",
        "lockgate_models_reloads_total{outcome=\"success\"} 2",
        "lockgate_authentication_failures_total{kind=\"unknown-token\"} 1",
    ] {
        assert!(metrics.contains(counted), "{metrics}");
    }
}

#[tokio::test]
async fn the_audit_log_is_for_auditors() {
    let stand = Stand::new().await;
    assert_eq!(stand.get("gus", "/audit/head").await.status, 200);
    let refused = stand.get("rita", "/audit/head").await;
    assert_eq!((refused.status, &refused.json()["right"]), (403, &json!("audit")));
}
