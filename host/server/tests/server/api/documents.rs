//! Documents are understood wholly or refused, at every route: no key twice, and no number that the ledger cannot keep.

use serde_json::{Value, json};

use crate::api::stand::Stand;
use crate::decision_support::deployment;
use crate::http_support::Answer;

const JSON: &str = "content-type: application/json";

/// A request for a deployment with a fact, whose JSON is this text.
fn with_fact(id: &str, json: &str) -> String {
    let mut deployment = deployment(id);
    deployment["facts"] = json!({"cost": {"schema": "acme:cost@1", "json": "HERE"}});
    json!({"deployment": deployment}).to_string().replace("\"HERE\"", json)
}

async fn send(stand: &Stand, line: &str, body: &str) -> Answer {
    stand.send("rita", line, &[JSON], body).await
}

/// The pointers of what is wrong.
fn places(answer: &Answer) -> Vec<String> {
    let problem = answer.json();
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{problem}")).iter();
    errors.map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn numbers_of_facts_are_the_same_at_the_door_and_in_the_ledger() {
    let stand = Stand::new().await;
    for (id, written, kept) in [
        ("d-0", "1000.0", "1000"),
        ("d-1", "1000", "1000"),
        ("d-2", "1E2", "100"),
        ("d-3", "-0.0", "0"),
        ("d-4", "100.5", "100.5"),
        ("d-5", "1e-7", "1e-7"),
        ("d-6", "9007199254740992.0", "9007199254740992"),
        ("d-7", "0.12345678901234568", "0.12345678901234568"),
    ] {
        let asked = send(&stand, "POST /api/v1/deployments", &with_fact(id, &format!("[{written}]"))).await;
        assert_eq!(asked.status, 201, "{written}: {}", asked.body);
        let here = stand.get("rita", &format!("/deployments/{id}")).await.json()["deployment"].clone();
        let there = stand.document_of_another_server(id).await;
        let kept: Value = serde_json::from_str(kept).unwrap();
        for document in [&asked.json()["deployment"], &here, &there] {
            assert_eq!(document["facts"]["cost"]["json"][0], kept, "{written}");
        }
        assert_eq!(here, there);
        let patch = format!(r#"{{"facts": {{"cost": {{"json": [{written}]}}}}}}"#);
        let patched = send(&stand, &format!("PATCH /api/v1/deployments/{id}"), &patch).await;
        // It was that number already, so there is nothing to write.
        assert_eq!((patched.status, patched.header("etag")), (200, Some("\"1\"")), "{written}: {}", patched.body);
    }
}

#[tokio::test]
async fn numbers_that_the_ledger_cannot_keep_are_refused_with_their_place() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    for number in [
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551616",
        "1e17",
        "123456789012345678901",
        "0.1234567890123456789",
        "9007199254740991.5",
        "1e400",
    ] {
        let fact = format!(r#"{{"a": [0, {{"v": {number}}}]}}"#);
        let refused = send(&stand, "POST /api/v1/deployments", &with_fact("d-2", &fact)).await;
        assert_eq!(refused.status, 422, "{number}: {}", refused.body);
        assert_eq!(places(&refused), ["/deployment/facts/cost/json/a/1/v"]);
        assert!(refused.json()["detail"].as_str().unwrap().contains("write it as a text"), "{}", refused.body);
        let patch = format!(r#"{{"facts": {{"cost": {{"schema": "acme:cost@1", "json": {fact}}}}}}}"#);
        let refused = send(&stand, "PATCH /api/v1/deployments/d-1", &patch).await;
        assert_eq!((refused.status, places(&refused)), (422, vec!["/facts/cost/json/a/1/v".to_owned()]), "{number}");
    }
}

#[tokio::test]
async fn two_requests_that_differ_in_a_number_are_two_requests() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let patch = async |key: &str, number: &str| {
        let body = format!(r#"{{"facts": {{"cost": {{"schema": "acme:cost@1", "json": {{"v": {number}}}}}}}}}"#);
        let key = format!("idempotency-key: {key}");
        stand.send("rita", "PATCH /api/v1/deployments/d-1", &[JSON, key.as_str()], &body).await
    };
    assert_eq!(patch("job-1", "9007199254740992").await.status, 200);
    assert_eq!(patch("job-1", "9007199254740993").await.status, 422);
    let reused = patch("job-1", "9007199254740991").await;
    let kind = reused.json()["type"].clone();
    assert_eq!((reused.status, kind), (422, json!("urn:lockgate:problem:idempotency-key-reused")));
    let fact = stand.get("rita", "/deployments/d-1").await.json()["deployment"]["facts"]["cost"]["json"].clone();
    assert_eq!(fact, json!({"v": 9_007_199_254_740_992_u64}));
    // One number, written in two ways: one request.
    assert_eq!(patch("job-2", "1000.0").await.status, 200);
    assert_eq!(patch("job-2", "1000").await.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused_at_every_route() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let asked = json!({"deployment": deployment("d-2")}).to_string();
    let with = |members: &str| asked.replacen("\"scenario\"", &format!("{members}, \"scenario\""), 1);
    let fact = r#"{"schema": "a@1", "json": 1}"#;
    for (line, body, place) in [
        ("POST /api/v1/deployments", with(r#""labels": {"tier": "gold", "tier": "none"}"#), "/deployment/labels/tier"),
        ("POST /api/v1/deployments", with(&format!(r#""facts": {{"a": {fact}, "a": {fact}}}"#)), "/deployment/facts/a"),
        (
            "POST /api/v1/deployments",
            with(r#""facts": {"a": {"schema": "a@1", "json": [{"b": 1, "b": 1}]}}"#),
            "/deployment/facts/a/json/0/b",
        ),
        ("POST /api/v1/deployments", with(r#""scenario": "removal""#), "/deployment/scenario"),
        (
            "PATCH /api/v1/deployments/d-1",
            r#"{"change": {"risk": "critical", "risk": "medium"}}"#.to_owned(),
            "/change/risk",
        ),
        ("PATCH /api/v1/deployments/d-1", r#"{"labels": {}, "l\u0061bels": {}}"#.to_owned(), "/labels"),
        ("POST /api/v1/deployments/d-1/approvals", r#"{"role": "a", "role": "b"}"#.to_owned(), "/role"),
        (
            "POST /api/v1/deployments/d-1/activities",
            r#"[{"activity": "a", "activity": "b"}]"#.to_owned(),
            "/0/activity",
        ),
        ("POST /api/v1/deployments/d-1/moves", r#"{"move": "abort", "move": "reject"}"#.to_owned(), "/move"),
    ] {
        let who = if line.ends_with("approvals") { "ben" } else { "rita" };
        let refused = stand.send(who, line, &[JSON], &body).await;
        assert_eq!(
            (refused.status, places(&refused)),
            (422, vec![place.to_owned()]),
            "{line} {body}: {}",
            refused.body
        );
    }
    for (who, line, body) in [
        ("ben", "POST /api/v1/waivers", r#"{"reason": "a", "reason": "b"}"#),
        ("mia", "POST /api/v1/deployments/d-1/overrides", r#"{"reason": "a", "reason": "b"}"#),
    ] {
        let refused = stand.send(who, line, &[JSON], body).await;
        assert_eq!((refused.status, places(&refused)), (422, vec!["/reason".to_owned()]), "{line}: {}", refused.body);
    }
    let lent = r#"{"to": {"id": "a", "id": "b"}, "role": "change-authority", "reason": "r"}"#;
    let refused = stand.send("ben", "POST /api/v1/delegations", &[JSON], lent).await;
    assert_eq!((refused.status, places(&refused)), (422, vec!["/to/id".to_owned()]), "{}", refused.body);
}

#[tokio::test]
async fn characters_that_people_do_not_see_are_refused_with_their_place() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let with = |members: Value| {
        let mut document = deployment("d-2");
        let (Value::Object(document), Value::Object(members)) = (&mut document, members) else { panic!() };
        document.extend(members);
        json!({"deployment": document}).to_string()
    };
    let fact = json!({"schema": "acme:cost@1", "json": 1});
    for character in ['\u{7}', '\u{1b}', '\u{9b}', '\u{202e}', '\u{2067}'] {
        let text = format!("a{character}b");
        for (who, line, body, place) in [
            (
                "rita",
                "POST /api/v1/deployments",
                with(json!({"labels": {"tier": text}})),
                "/deployment/labels/tier".to_owned(),
            ),
            (
                "rita",
                "POST /api/v1/deployments",
                with(json!({"labels": {&text: "gold"}})),
                format!("/deployment/labels/{text}"),
            ),
            (
                "rita",
                "POST /api/v1/deployments",
                with(json!({"facts": {&text: fact}})),
                format!("/deployment/facts/{text}"),
            ),
            (
                "rita",
                "POST /api/v1/deployments",
                with(json!({"product": {"id": text}})),
                "/deployment/product/id".to_owned(),
            ),
            (
                "rita",
                "POST /api/v1/deployments",
                json!({"team": text, "deployment": deployment("d-2")}).to_string(),
                "/team".to_owned(),
            ),
            (
                "rita",
                "PATCH /api/v1/deployments/d-1",
                json!({"change": {"title": text}}).to_string(),
                "/change/title".to_owned(),
            ),
            ("ben", "POST /api/v1/waivers", json!({"reason": text}).to_string(), "/reason".to_owned()),
            (
                "ben",
                "POST /api/v1/deployments/d-1/approvals",
                json!({"role": "r", "answer": "approved", "subject": "s", "comment": text}).to_string(),
                "/comment".to_owned(),
            ),
        ] {
            let refused = stand.send(who, line, &[JSON], &body).await;
            assert_eq!((refused.status, places(&refused)), (422, vec![place]), "{line} {body}: {}", refused.body);
            let said = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
            assert!(said.contains(&format!("(U+{:04X})", u32::from(character))), "{said}");
        }
        // A fact is somebody else's document.
        let taken = send(
            &stand,
            "PATCH /api/v1/deployments/d-1",
            &json!({"facts": {"log": {"schema": "acme:log@1", "json": text}}}).to_string(),
        )
        .await;
        assert_eq!(taken.status, 200, "{}", taken.body);
    }
}

#[tokio::test]
async fn two_spellings_of_a_teams_name_are_one_team() {
    let stand = Stand::new().await;
    for (team, status) in [("CHECKOUT", 201), (" Checkout ", 409), ("checkout", 409)] {
        let new = json!({"team": team, "deployment": deployment("d-1")}).to_string();
        let answer = send(&stand, "POST /api/v1/deployments", &new).await;
        assert_eq!(answer.status, status, "{team}: {}", answer.body);
    }
    let gate = "/v1/data/lockgate/plan-and-approve/entrance/allow";
    for (line, body) in [
        ("GET /api/v1/deployments/d-1?team=ChEcKoUt".to_owned(), String::new()),
        (format!("POST {gate}"), r#"{"input": {"deployment": "d-1", "team": "CheckOut"}}"#.to_owned()),
    ] {
        let answer = send(&stand, &line, &body).await;
        assert_eq!(answer.status, 200, "{line}: {}", answer.body);
    }
    let seen = stand.get("rita", "/deployments?team=CHECKOUT").await.json();
    assert_eq!((&seen["items"][0]["id"], &seen["items"][0]["team"]), (&json!("d-1"), &json!("checkout")));
    let refused = stand.get("rita", "/deployments/d-1?team=check%E2%80%8Bout").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("the name of a team holds an invisible character (U+200B)"), "{}", refused.body);
}

#[tokio::test]
async fn a_key_that_stands_twice_is_a_bad_request_to_the_decision_apis() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let gate = "/v1/data/lockgate/plan-and-approve/entrance";
    for (path, body, place) in [
        (gate.to_owned(), r#"{"input": {"deployment": "another", "deployment": "d-1"}}"#, "/input/deployment"),
        (format!("{gate}/verdict"), r#"{"input": {"deployment": "a"}, "input": {"deployment": "d-1"}}"#, "/input"),
        ("/access/v1/evaluation".to_owned(), r#"{"subject": {"type": "user", "id": "a", "id": "b"}}"#, "/subject/id"),
        (
            "/access/v1/evaluations".to_owned(),
            r#"{"evaluations": [{"context": {"a": {"b": 1, "b": 2}}}]}"#,
            "/evaluations/0/context/a/b",
        ),
    ] {
        let refused = send(&stand, &format!("POST {path}"), body).await;
        assert_eq!(refused.status, 400, "{path}: {}", refused.body);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("at `{place}`: the key ")), "{path}: {detail}");
    }
    let query = "%7B%22deployment%22:%22a%22,%22deployment%22:%22d-1%22%7D";
    let refused = send(&stand, &format!("GET {gate}?input={query}"), "").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body.contains("appears twice"), "{}", refused.body);
}

/// What is not kept need not be kept exactly: the standard has clients send what they like.
#[tokio::test]
async fn numbers_in_the_context_of_an_evaluation_may_be_large() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let body = r#"{"subject": {"type": "user", "id": "rita"}, "action": {"name": "plan-and-approve.entrance"},
        "resource": {"type": "deployment", "id": "d-1"}, "context": {"at": 1764400000000000001}}"#;
    let answer = send(&stand, "POST /access/v1/evaluation", body).await;
    assert_eq!((answer.status, &answer.json()["decision"]), (200, &json!(true)), "{}", answer.body);
}

#[tokio::test]
async fn a_byte_order_mark_before_a_body_is_skipped() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let evaluation = r#"{"subject": {"type": "user", "id": "rita"}, "action": {"name": "plan-and-approve.entrance"},
        "resource": {"type": "deployment", "id": "d-1"}}"#;
    for (line, body, status) in [
        ("POST /api/v1/deployments", json!({"deployment": deployment("d-2")}).to_string(), 201),
        ("PATCH /api/v1/deployments/d-1", r#"{"labels": {"a": "b"}}"#.to_owned(), 200),
        ("POST /access/v1/evaluation", evaluation.to_owned(), 200),
        ("POST /v1/data/lockgate/plan-and-approve/entrance", r#"{"input": {"deployment": "d-1"}}"#.to_owned(), 200),
    ] {
        let answer = send(&stand, line, &format!("\u{feff}{body}")).await;
        assert_eq!(answer.status, status, "{line}: {}", answer.body);
        let twice = send(&stand, line, &format!("\u{feff}\u{feff}{body}")).await;
        assert_eq!(twice.status, 400, "{line}: {}", twice.body);
    }
}
