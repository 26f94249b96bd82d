//! AuthZEN 1.0 over real sockets: what the standard says, and what it means for gates.

use crate::decision_support::person;
use crate::decision_support::served::Served;
use serde_json::{Value, json};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const ENTRANCE: &str = "plan-and-approve.entrance";
const EXIT: &str = "plan-and-approve.exit";

fn question(action: &str, deployment: &str) -> Value {
    json!({
        "subject": {"type": "service", "id": "pipeline"},
        "action": {"name": action},
        "resource": {"type": "deployment", "id": deployment}
    })
}

fn decisions(answer: &Value) -> Vec<bool> {
    let evaluations = answer["evaluations"].as_array().unwrap();
    evaluations.iter().map(|evaluation| evaluation["decision"].as_bool().unwrap()).collect()
}

#[test]
fn a_gate_that_allows_is_true_and_is_in_the_ledger() {
    let served = Served::start();
    let before = served.entries();
    let answer = served.post(EVALUATION, &question(ENTRANCE, "shop-1"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let told = answer.json();
    assert_eq!((&told["decision"], &told["context"]["verdict"]), (&json!(true), &json!("allow")));
    assert_eq!(served.entries(), before + 1);
    let id = told["context"]["id"].as_str().unwrap();
    let record = served.engine.decision(&person("ada", &["auditor"]), id).unwrap();
    assert_eq!((record.asked.path.as_str(), record.actor.person.written()), ("authzen", "pipeline"));
    assert_eq!((record.passed, record.asked.input), (false, None));
    assert_eq!(told["context"]["receipt"]["proof"], json!(format!("/api/v1/decisions/{id}/proof")));
}

#[test]
fn a_denial_is_an_answer_that_says_why_to_two_kinds_of_reader() {
    let served = Served::start();
    let answer = served.post(EVALUATION, &question(ENTRANCE, "shop-2"));
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!((&told["decision"], &told["context"]["verdict"]), (&json!(false), &json!("deny")));
    let admin = told["context"]["reason_admin"]["en"].as_str().unwrap();
    assert!(
        admin.starts_with("deny at plan-and-approve entrance by model `shop` 1.0.0; binding `components`: "),
        "{admin}"
    );
    let user = told["context"]["reason_user"]["en"].as_str().unwrap();
    assert!(user.starts_with("Gate `plan-and-approve entrance` denies the deployment: "), "{user}");
    assert!(!user.contains("binding"), "{user}");
    assert_eq!(told["context"]["reasons"][0]["source"], json!({"binding": "components"}));
}

#[test]
fn a_gate_that_waits_for_people_is_false_and_says_whom_it_waits_for() {
    let served = Served::start();
    let told = served.post(EVALUATION, &question(EXIT, "shop-1")).json();
    assert_eq!((&told["decision"], &told["context"]["verdict"]), (&json!(false), &json!("pending")));
    assert_eq!(told["context"]["requirements"][0]["need"]["approvals"]["roles"], json!(["change-authority"]));
}

#[test]
fn an_error_is_never_a_decision() {
    let served = Served::start();
    let before = served.entries();
    let unknown = served.post(EVALUATION, &question(ENTRANCE, "shop-9"));
    assert_eq!((unknown.status, unknown.header("content-type")), (404, "application/problem+json"));
    assert_eq!(unknown.json()["detail"], json!("there is no deployment `shop-9`"));
    assert_eq!(unknown.json().get("decision"), None);
    let nobody = served.send("POST", EVALUATION, &[], &question(ENTRANCE, "shop-1").to_string());
    assert_eq!(nobody.status, 401);
    let token = served.token_of(&person("ada", &["auditor"]));
    let authorization = ("authorization", &*format!("Bearer {token}"));
    let mut asked = question(ENTRANCE, "shop-1");
    asked["subject"]["id"] = json!("ada");
    let auditor = served.send("POST", EVALUATION, &[authorization], &asked.to_string());
    assert_eq!((auditor.status, &auditor.json()["right"]), (403, &json!("decide")));
    // One token was issued meanwhile; nothing was decided.
    assert_eq!(served.entries(), before + 1);
}

#[test]
fn all_that_the_standard_requires_is_told_at_once_when_it_is_missing() {
    let served = Served::start();
    let answer = served.post(EVALUATION, &json!({"subject": {"type": "user"}, "resource": {"id": "shop-1"}}));
    assert_eq!(answer.status, 400);
    let told = answer.json();
    let pointers: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/subject/id", "/action", "/resource/type"]);
    let wrong = served.post(EVALUATION, &json!({"subject": {"type": "user", "id": 7}}));
    assert_eq!((wrong.status, &wrong.json()["errors"][0]["pointer"]), (400, &json!("/subject/id")));
    let text = served.send("POST", EVALUATION, &[("authorization", "Bearer x"), ("content-type", "text/plain")], "{}");
    assert_eq!(text.status, 401);
}

#[test]
fn what_is_no_gate_and_what_is_no_deployment_is_a_bad_request_that_says_what_there_is() {
    let served = Served::start();
    let gate = served.post(EVALUATION, &question("fulfill", "shop-1"));
    assert_eq!(gate.status, 400);
    let detail = gate.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("at `/action/name`: `fulfill` is not a gate: write one of `plan-and-approve.entrance`"),
        "{detail}"
    );
    let mut asked = question(ENTRANCE, "shop-1");
    asked["resource"]["type"] = json!("document");
    let resource = served.post(EVALUATION, &asked);
    assert_eq!((resource.status, &resource.json()["errors"][0]["pointer"]), (400, &json!("/resource/type")));
}

#[test]
fn members_that_nobody_knows_are_ignored_and_properties_make_no_difference() {
    let served = Served::start();
    let mut asked = question(ENTRANCE, "shop-2");
    asked["resource"]["properties"] =
        json!({"release": {"components": []}, "approvals": [{"role": "change-authority"}]});
    asked["context"] = json!({"time": "1985-10-26T01:22-07:00"});
    asked["hint"] = json!(true);
    assert_eq!(served.post(EVALUATION, &asked).json()["decision"], json!(false));
}

#[test]
fn for_somebody_else_asks_who_may_and_the_ledger_says_for_whom() {
    let served = Served::start();
    let mut asked = question(ENTRANCE, "shop-1");
    asked["subject"] = json!({"type": "user", "id": "rita"});
    let told = served.post(EVALUATION, &asked).json();
    let id = told["context"]["id"].as_str().unwrap();
    let record = served.engine.decision(&person("ada", &["auditor"]), id).unwrap();
    assert_eq!(record.actor.person.written(), "pipeline");
    assert_eq!(record.asked.input, Some(json!({"subject": {"type": "user", "id": "rita"}})));
    let token = served.token_of(&person("dev", &["developer"]));
    let refused = served.send("POST", EVALUATION, &[("authorization", &format!("Bearer {token}"))], &asked.to_string());
    assert_eq!((refused.status, &refused.json()["right"]), (403, &json!("request-for-others")));
}

#[test]
fn the_id_of_a_request_comes_back_and_is_kept() {
    let served = Served::start();
    let token = served.token_of(&person("pipeline", &["pipeline"]));
    let headers = [("authorization", &*format!("Bearer {token}")), ("x-request-id", "bfe9eb29-ab87")];
    let answer = served.send("POST", EVALUATION, &headers, &question(ENTRANCE, "shop-1").to_string());
    assert_eq!(answer.header("x-request-id"), "bfe9eb29-ab87");
    let id = answer.json()["context"]["id"].as_str().unwrap().to_owned();
    let record = served.engine.decision(&person("ada", &["auditor"]), &id).unwrap();
    assert_eq!(record.asked.request.id.as_deref(), Some("bfe9eb29-ab87"));
    assert_eq!(record.asked.request.peer.as_deref(), Some("127.0.0.1"));
}

#[test]
fn several_evaluations_take_their_defaults_and_are_answered_in_order() {
    let served = Served::start();
    let mut asked = question(ENTRANCE, "shop-1");
    asked["evaluations"] = json!([
        {},
        {"resource": {"type": "deployment", "id": "shop-2"}},
        {"resource": {"type": "deployment", "id": "shop-9"}},
        {"action": {"name": EXIT}}
    ]);
    let before = served.entries();
    let answer = served.post(EVALUATIONS, &asked);
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!(decisions(&told), [true, false, false, false]);
    assert_eq!(told["evaluations"][2]["context"]["error"]["status"], json!(404));
    assert_eq!(told["evaluations"][2]["context"]["error"]["message"], json!("there is no deployment `shop-9`"));
    assert_eq!(told["evaluations"][3]["context"]["verdict"], json!("pending"));
    assert_eq!(told.get("decision"), None);
    assert_eq!(served.entries(), before + 3, "three were decided, and one could not be");
}

#[test]
fn evaluations_stop_where_they_are_told_to() {
    let served = Served::start();
    let mut asked = question(ENTRANCE, "shop-1");
    let of = |id: &str| json!({"resource": {"type": "deployment", "id": id}});
    asked["evaluations"] = json!([of("shop-1"), of("shop-2"), of("shop-1")]);
    let semantics = [
        ("execute_all", vec![true, false, true]),
        ("deny_on_first_deny", vec![true, false]),
        ("permit_on_first_permit", vec![true]),
    ];
    for (semantic, expected) in semantics {
        asked["options"] = json!({"evaluations_semantic": semantic, "another_option": "value"});
        assert_eq!(decisions(&served.post(EVALUATIONS, &asked).json()), expected, "{semantic}");
    }
    asked["evaluations"] = json!([of("shop-9"), of("shop-1")]);
    asked["options"] = json!({"evaluations_semantic": "deny_on_first_deny"});
    assert_eq!(decisions(&served.post(EVALUATIONS, &asked).json()), [false], "a failure counts as a denial");
}

#[test]
fn without_a_list_evaluations_are_one_evaluation() {
    let served = Served::start();
    let mut asked = question(ENTRANCE, "shop-1");
    assert_eq!(served.post(EVALUATIONS, &asked).json()["decision"], json!(true));
    asked["evaluations"] = json!([]);
    assert_eq!(served.post(EVALUATIONS, &asked).json()["decision"], json!(true));
}

#[test]
fn a_list_with_a_mistake_is_refused_before_anything_is_decided() {
    let served = Served::start();
    let before = served.entries();
    let mut asked = question(ENTRANCE, "shop-1");
    asked["action"].take();
    asked["evaluations"] = json!([{"action": {"name": ENTRANCE}}, {}]);
    let answer = served.post(EVALUATIONS, &asked);
    assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (400, &json!("/evaluations/1/action")));
    asked["evaluations"] = (0..101).map(|_| json!({"action": {"name": ENTRANCE}})).collect();
    let answer = served.post(EVALUATIONS, &asked);
    assert_eq!((answer.status, &answer.json()["errors"][0]["pointer"]), (400, &json!("/evaluations")));
    assert_eq!(served.entries(), before);
}

#[test]
fn what_there_is_and_where_is_open_to_everybody() {
    let served = Served::start();
    let answer = served.send("GET", "/.well-known/authzen-configuration", &[], "");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let url = served.url();
    let expected = json!({
        "policy_decision_point": url,
        "access_evaluation_endpoint": format!("{url}/access/v1/evaluation"),
        "access_evaluations_endpoint": format!("{url}/access/v1/evaluations"),
    });
    assert_eq!(answer.json(), expected);
    let proxied = [("host", "lockgate.example.org"), ("x-forwarded-proto", "https")];
    let answer = served.send("GET", "/.well-known/authzen-configuration", &proxied, "");
    assert_eq!(answer.json()["policy_decision_point"], json!("https://lockgate.example.org"));
}
