//! The life of a deployment, over HTTP.

use serde_json::json;

use crate::api::stand::Stand;
use crate::http_support::Answer;

#[tokio::test]
async fn a_deployment_goes_from_a_request_to_operational() {
    let stand = Stand::new().await;
    let asked = stand.request("d-1").await;
    assert_eq!(asked.header("location"), Some("/api/v1/deployments/d-1"));
    assert_eq!(asked.header("etag"), Some("\"1\""));
    assert_eq!(asked.json()["position"], json!({"status": "awaiting-entrance", "stage": "plan-and-approve"}));

    let entered = stand.pass("d-1", "plan-and-approve/entrance").await;
    assert_eq!((entered.status, &entered.json()["passed"]), (200, &json!(true)));
    assert_eq!(entered.header("etag"), Some("\"2\""));

    // Nobody has approved: that is an answer, and the deployment stays where it is.
    let denied = stand.pass("d-1", "plan-and-approve/exit").await;
    assert_eq!((denied.status, &denied.json()["passed"]), (200, &json!(false)));
    assert_eq!(denied.header("etag"), Some("\"2\""));

    let approved = stand.approve("ben", "d-1").await;
    assert_eq!(approved.status, 201, "{}", approved.body);
    let place = approved.header("location").unwrap().trim_start_matches("/api/v1").to_owned();
    assert_eq!(stand.get("rita", &place).await.json()["person"]["id"], "ben");
    assert_eq!(stand.pass("d-1", "plan-and-approve/exit").await.json()["passed"], true);
    assert_eq!(stand.pass("d-1", "fulfill/entrance").await.json()["passed"], true);

    let view = stand.get("rita", "/deployments/d-1").await.json();
    for stage in ["fulfill", "validate", "observe"] {
        if stage != "fulfill" {
            assert_eq!(stand.pass("d-1", &format!("{stage}/entrance")).await.json()["passed"], true);
        }
        let view = stand.get("rita", "/deployments/d-1").await.json();
        let shall = view["activities"].as_array().unwrap().iter().filter(|activity| activity["shall"] == true);
        let reports: Vec<_> = shall.map(|activity| json!({"activity": activity["id"], "outcome": "done"})).collect();
        if !reports.is_empty() {
            let reported = stand.post("rita", "/deployments/d-1/activities", json!(reports)).await;
            assert_eq!(reported.status, 200, "{}", reported.body);
        }
        if stage == "observe" {
            let denied = stand.pass("d-1", "observe/exit").await.json();
            assert_eq!(denied["decision"]["reasons"][0]["code"], "hand-over-missing");
            hand_over(&stand).await;
        }
        let left = stand.pass("d-1", &format!("{stage}/exit")).await;
        assert_eq!(left.json()["passed"], true, "{}", left.body);
    }
    assert_eq!(view["position"]["stage"], "fulfill");
    let view = stand.get("rita", "/deployments/d-1").await.json();
    assert_eq!(view["position"], json!({"status": "operational"}));
    assert_eq!(view["legal_moves"], json!([]));
    assert_eq!(view["hand_over"]["accepted_by"], "olga");
    assert_eq!(view["exposure"]["opened_by"], "rita");
    let open = stand.get("ben", "/exposures").await.json();
    let expected = json!({"deployment": "d-1", "team": "checkout", "product": "shop", "release": "shop-2", "environment": "live-d-1"});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(open["items"][0][member], *value, "{open}");
    }
    assert_eq!(open["items"][0]["opened"], view["exposure"]["opened"]);
    let events = stand.get("rita", "/deployments/d-1/events").await.json();
    let kinds: Vec<&str> =
        events["items"].as_array().unwrap().iter().filter_map(|event| event["event"].as_str()).collect();
    assert!(
        kinds.ends_with(&["hand-over-proposed", "hand-over-accepted", "gate-passed", "exposure-opened"]),
        "{kinds:?}"
    );

    let listed = stand.get("rita", "/deployments?status=operational&product=shop").await.json();
    assert_eq!(listed["items"][0]["id"], "d-1");
    let decisions = stand.get("rita", "/decisions?deployment=d-1&limit=3").await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 3);
    let next = format!("/decisions?deployment=d-1&limit=200&cursor={}", decisions["next"]);
    assert_eq!(stand.get("rita", &next).await.json()["items"].as_array().unwrap().len(), 7);
}

/// Rita proposes the hand-over, and Olga accepts it. What nobody may do is a problem with its own code.
async fn hand_over(stand: &Stand) {
    let path = "/deployments/d-1/hand-over";
    let accept = |who: &'static str| stand.send(who, "POST /api/v1/deployments/d-1/hand-over/acceptance", &[], "");
    let code =
        |answer: &Answer| answer.json()["type"].as_str().unwrap_or_default().replace("urn:lockgate:problem:", "");
    let early = accept("olga").await;
    assert_eq!((early.status, code(&early).as_str()), (409, "no-hand-over"), "{}", early.body);
    let unknown = stand.post("rita", path, json!({"receiver": {"team": "checkout"}, "runbooks": ["R-1"]})).await;
    assert_eq!((unknown.status, &unknown.json()["errors"][0]["pointer"]), (422, &json!("/runbooks/0")));
    let proposed = json!({"receiver": {"person": "Olga"}, "knowledge_items": ["K-1"], "note": "mind the night"});
    let proposed = stand.post("rita", path, proposed).await;
    assert_eq!(
        (proposed.status, &proposed.json()["hand_over"]["note"]),
        (200, &json!("mind the night")),
        "{}",
        proposed.body
    );
    let forged = json!({"receiver": {"person": "olga"}, "knowledge_items": ["K-1"], "accepted_by": "olga"});
    assert_eq!(stand.post("rita", path, forged).await.status, 422);
    let other = accept("mia").await;
    assert_eq!(other.status, 403, "{}", other.body);
    let accepted = accept("olga").await;
    assert_eq!(accepted.status, 200, "{}", accepted.body);
    let twice = accept("olga").await;
    assert_eq!(code(&twice), "hand-over-accepted");
}

#[tokio::test]
async fn asking_a_gate_decides_and_moves_nothing() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let asked = stand.pass("d-1", "plan-and-approve/exit?ask=true").await;
    assert_eq!((asked.status, &asked.json()["verdict"]), (200, &json!("pending")), "{}", asked.body);
    assert_eq!(stand.get("rita", "/deployments/d-1").await.header("etag"), Some("\"1\""));

    let id = asked.json()["id"].as_str().unwrap().to_owned();
    let kept = stand.get("rita", &format!("/decisions/{id}")).await.json();
    assert_eq!((&kept["decision"], &kept["passed"]), (&asked.json(), &json!(false)));
    assert_eq!(kept["path"], "api");
    assert_eq!((&kept["actor"]["person"], &kept["actor"]["kind"]), (&json!("rita"), &json!("service")));
    let proof = stand.get("rita", &format!("/decisions/{id}/proof")).await;
    assert_eq!(proof.status, 200, "{}", proof.body);
}

#[tokio::test]
async fn evidence_comes_back_as_it_was_handed_in() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let path = "/api/v1/deployments/d-1/evidence/scan.sarif";
    let headers = ["content-type: application/sarif+json", "x-evidence-source: scanner 3"];
    let put = stand.send("rita", &format!("PUT {path}"), &headers, "{\"runs\": []}").await;
    assert_eq!((put.status, &put.json()["size"]), (200, &json!(12)), "{}", put.body);
    assert_eq!(put.json()["claimed_source"], "scanner 3");
    assert!(put.json().get("made").is_none() && put.json()["attested"].is_string(), "{}", put.body);

    let dated = ["content-type: application/json", "x-evidence-made: 2026-11-01T02:00:00+02:00"];
    let put = stand.send("rita", "PUT /api/v1/deployments/d-1/evidence/old", &dated, "{}").await;
    assert_eq!((put.status, &put.json()["made"]), (200, &json!("2026-11-01T00:00:00Z")), "{}", put.body);
    let vague = ["content-type: application/json", "x-evidence-made: last week"];
    let put = stand.send("rita", "PUT /api/v1/deployments/d-1/evidence/vague", &vague, "{}").await;
    assert!(put.status == 400 && put.body.contains("x-evidence-made"), "{} {}", put.status, put.body);

    let got = stand.send("ben", &format!("GET {path}"), &[], "").await;
    assert_eq!((got.status, got.body.as_str()), (200, "{\"runs\": []}"));
    assert_eq!(got.header("content-type"), Some("application/sarif+json"));
    assert_eq!(got.header("content-disposition"), Some("attachment"));
    let tag = format!("if-none-match: {}", got.header("etag").unwrap());
    assert_eq!(stand.send("ben", &format!("GET {path}"), &[&tag], "").await.status, 304);
}

#[tokio::test]
async fn a_deployment_is_revised_by_a_merge_patch_and_its_approvals_are_void() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    stand.pass("d-1", "plan-and-approve/entrance").await;
    stand.approve("ben", "d-1").await;
    let patch = json!({"plan": {"id": "plan-2"}}).to_string();
    let kind = ["content-type: application/merge-patch+json"];
    let revised = stand.send("rita", "PATCH /api/v1/deployments/d-1", &kind, &patch).await;
    assert_eq!(revised.status, 200, "{}", revised.body);
    assert_eq!(revised.json()["deployment"]["plan"]["id"], "plan-2");
    assert_eq!(revised.json()["approvals"][0]["void"], json!({"because": "changed", "parts": ["plan"]}));
}

#[tokio::test]
async fn a_deployment_that_is_given_up_has_ended() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let aborted =
        stand.post("rita", "/deployments/d-1/moves", json!({"move": "abort", "reason": "no longer needed"})).await;
    assert_eq!(aborted.json()["position"]["status"], "aborted", "{}", aborted.body);
    let events = stand.get("rita", "/deployments/d-1/events").await.json();
    let names: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert_eq!(names, ["requested", "aborted"]);
    let by = &events["items"][1]["by"];
    assert_eq!((&by["person"], &by["kind"]), (&json!("rita"), &json!("service")));
    let rest = stand.get("rita", "/deployments/d-1/events?after=1&limit=1").await.json();
    assert_eq!((&rest["items"][0]["version"], &rest["next"]), (&json!(2), &json!(2)));
}
