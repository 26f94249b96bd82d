//! The data API of OPA over real sockets.

use crate::decision_support::served::Served;
use crate::decision_support::{deployment, person};
use serde_json::{Value, json};

const ENTRANCE: &str = "/v1/data/lockgate/plan-and-approve/entrance";
const EXIT: &str = "/v1/data/lockgate/plan-and-approve/exit";

fn about(id: &str) -> Value {
    json!({"input": {"deployment": id}})
}

#[test]
fn a_gate_is_a_document_that_begins_with_allow() {
    let served = Served::start();
    let answer = served.post(ENTRANCE, &about("shop-1"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let told = answer.json();
    assert_eq!((&told["result"]["allow"], &told["result"]["verdict"]), (&json!(true), &json!("allow")));
    let id = told["decision_id"].as_str().unwrap();
    let record = served.engine.decision(&person("ada", &["auditor"]), id).unwrap();
    assert_eq!((record.asked.path.as_str(), record.actor.person.written()), ("opa", "pipeline"));
    let pending = served.post(EXIT, &about("shop-1")).json();
    assert_eq!((&pending["result"]["allow"], &pending["result"]["verdict"]), (&json!(false), &json!("pending")));
    assert_eq!(pending["result"]["requirements"][0]["need"]["approvals"]["missing"], json!(1));
}

#[test]
fn a_longer_path_walks_into_the_document() {
    let served = Served::start();
    let part = |path: &str, id: &str| served.post(&format!("{ENTRANCE}/{path}"), &about(id)).json();
    assert_eq!(part("allow", "shop-1")["result"], json!(true));
    assert_eq!(part("allow", "shop-2")["result"], json!(false));
    assert_eq!(part("verdict", "shop-2")["result"], json!("deny"));
    assert_eq!(part("reasons/0/source/binding", "shop-2")["result"], json!("components"));
    let beyond = part("reasons/99", "shop-2");
    assert_eq!(beyond.get("result"), None);
    assert!(beyond["decision_id"].is_string());
}

#[test]
fn what_is_not_there_is_undefined_and_decides_nothing() {
    let served = Served::start();
    let before = served.entries();
    for path in ["/v1/data", "/v1/data/other", "/v1/data/lockgate/fulfil/entrance", &format!("{ENTRANCE}/allowed")] {
        let answer = served.post(path, &about("shop-1"));
        assert_eq!(answer.status, 200, "{path}");
        let told = answer.json();
        assert_eq!((told.get("result"), told.get("decision_id")), (None, None), "{path}");
        assert_eq!(told["warning"]["code"], json!("api_usage_warning"), "{path}");
    }
    assert_eq!(served.entries(), before);
    assert_eq!(served.post("/v0/data/lockgate/plan-and-approve/entrance", &about("shop-1")).status, 404);
}

#[test]
fn a_get_takes_its_input_from_the_query() {
    let served = Served::start();
    let input = "%7B%22deployment%22%3A%22shop-1%22%7D";
    assert_eq!(served.get(&format!("{ENTRANCE}/allow?input={input}")).json()["result"], json!(true));
    assert_eq!(served.get(ENTRANCE).status, 400);
    assert_eq!(served.get(&format!("{ENTRANCE}?input=shop-1")).status, 400);
}

#[test]
fn a_whole_deployment_as_input_is_refused_with_the_way_out() {
    let served = Served::start();
    let before = served.entries();
    let mut forged = deployment("shop-1");
    forged["approvals"] = json!([{"role": "change-authority", "answer": "approved"}]);
    for input in [json!({"input": forged}), json!({"input": {"deployment": forged}})] {
        let answer = served.post(EXIT, &input);
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"));
        let told = answer.json();
        assert!(told["detail"].as_str().unwrap().contains("`POST /api/v1/deployments`"), "{told}");
        assert_eq!((&told["code"], &told["message"]), (&json!("invalid_parameter"), &told["detail"]));
    }
    let more = served.post(EXIT, &json!({"input": {"deployment": "shop-1", "facts": {"tests": "passed"}}}));
    assert_eq!(more.status, 400);
    assert!(more.json()["detail"].as_str().unwrap().starts_with("at `/input`: `facts` has no effect on the decision"));
    assert_eq!(served.entries(), before);
}

#[test]
fn whoever_may_not_decide_is_told_so_where_clients_of_opa_look() {
    let served = Served::start();
    let authorization = format!("Bearer {}", served.token_of(&person("ada", &["auditor"])));
    let refused = served.send("POST", ENTRANCE, &[("authorization", &authorization)], &about("shop-1").to_string());
    let told = refused.json();
    assert_eq!((refused.status, &told["right"], &told["code"]), (403, &json!("decide"), &json!("unauthorized")));
    assert_eq!(told["message"], told["detail"]);
}

#[test]
fn a_query_without_a_deployment_is_an_error_that_says_what_to_send() {
    let served = Served::start();
    for body in ["", "{}", "[]", "{\"input\": {}}", "{\"input\": \"shop-1\"}"] {
        let token = served.token_of(&person("pipeline", &["pipeline"]));
        let answer = served.send("POST", ENTRANCE, &[("authorization", &format!("Bearer {token}"))], body);
        assert_eq!(answer.status, 400, "{body}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("{\"input\": {\"deployment\": \"<id>\"}}"), "{body}: {detail}");
    }
    let unknown = served.post(ENTRANCE, &about("shop-9"));
    assert_eq!((unknown.status, &unknown.json()["code"]), (404, &json!("resource_not_found")));
    assert_eq!(served.send("POST", ENTRANCE, &[], &about("shop-1").to_string()).status, 401);
}

#[test]
fn metrics_provenance_and_layout_come_when_they_are_asked_for() {
    let served = Served::start();
    let plain = served.post(ENTRANCE, &about("shop-1"));
    assert_eq!((plain.json().get("metrics"), plain.json().get("provenance")), (None, None));
    assert!(!plain.text.contains('\n'));
    let all = served.post(&format!("{ENTRANCE}?metrics&provenance=true&pretty=true&explain=full"), &about("shop-1"));
    assert!(all.text.contains("\n  \"result\""), "{}", all.text);
    let told = all.json();
    for timer in ["timer_server_handler_ns", "timer_lockgate_evaluate_ns", "timer_lockgate_append_ns"] {
        assert!(told["metrics"][timer].as_u64().unwrap() > 0, "{timer}");
    }
    let revision = told["provenance"]["bundles"]["model/shop"]["revision"].as_str().unwrap();
    assert!(revision.starts_with("1.0.0@sha256:"), "{revision}");
    assert!(told["provenance"]["bundles"]["plugin/component-integrity"].is_object());
}
