//! `lockgate change show` and `lockgate drift` against a real server.

use serde_json::{Value, json};

use super::stand::{Stand, deployment};

#[test]
fn a_change_is_shown_with_its_deployments_and_what_went_round_the_gates_is_found() {
    let stand = Stand::start("changes");
    let token = stand.token("itsm", &["--team", "shop"]);
    let missing = stand.run(&token, &["change", "show", "CHG-404"]);
    assert!(missing.code == 1 && missing.words.contains("there is no change `CHG-404`"), "{missing:?}");
    let nothing = stand.run(&token, &["drift"]);
    assert!(nothing.code == 1 && nothing.words.contains("nothing was compared"), "{nothing:?}");
    assert!(nothing.words.contains("`lockgate register put instances <file>`"), "{nothing:?}");

    let mut document = deployment();
    let (change, product) = (document["change"].clone(), document["product"]["id"].clone());
    let id = change["id"].as_str().unwrap().to_owned();
    stand.write("change.json", json!({ "value": change }).to_string());
    stand.run(&token, &["register", "put", "changes", "change.json"]).printed();
    document["change"] = json!(id);
    document["requester"] = json!({"id": "itsm"});
    stand.send(&token, "POST", "/api/v1/deployments", &json!({ "deployment": document }).to_string());
    let shown = stand.run(&token, &["change", "show", &id]).printed();
    for part in [&*id, "approved", "by itsm, as of ", document["id"].as_str().unwrap(), "awaiting-entrance"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let shown = stand.run(&token, &["change", "show", &id, "-o", "json"]).printed();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["deployments"][0]["id"], document["id"]);
    assert_eq!(shown["entry"]["version"], 1);

    let instance = json!({
        "value": {"id": "web-1", "environment": "live", "status": "running"}, "concerns": {"products": [product]},
    });
    stand.write("instance.json", instance.to_string());
    stand.run(&token, &["register", "put", "instances", "instance.json"]).printed();
    let drift = stand.run(&token, &["drift", "--environment", "live"]);
    assert_eq!(drift.code, 2, "{drift:?}");
    assert!(drift.out.contains("web-1") && drift.out.contains("content-unknown"), "{drift:?}");
    let nothing = stand.run(&token, &["drift", "--environment", "test"]);
    assert!(nothing.code == 1 && nothing.words.contains("nothing was compared"), "{nothing:?}");
    let drift: Value = serde_json::from_str(&stand.run(&token, &["drift", "-o", "json"]).out).unwrap();
    assert_eq!(drift["items"][0]["code"], "content-unknown");
}
