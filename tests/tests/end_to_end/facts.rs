//! Numbers of facts decide alike before and after a restart, and in a replay.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_tests::served::{Served, send, token};
use lockgate_tests::tree;
use serde_json::{Value, json};

/// A folder with a model whose one policy counts where this condition holds.
fn set_up(name: &str, condition: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("facts").join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(tree("plugins/four-eyes.wasm"), folder.join("four-eyes.wasm")).unwrap();
    let digest = lockgate_domain::Digest::of(&fs::read(folder.join("four-eyes.wasm")).unwrap());
    let model = format!(
        r#"
        id = "facts"
        version = "1.0.0"
        title = "Facts"
        unguarded = "allow"
        facts = {{ change.from = "told", environment.from = "told", instances.from = "told" }}
        [plugins.four-eyes]
        component = "four-eyes.wasm"
        digest = "{digest}"
        [[gates]]
        stage = "plan-and-approve"
        phase = "entrance"
        [[gates.bindings]]
        id = "people"
        plugin = "four-eyes"
        enforcement = "hard-mandatory"
        when = '{condition}'
        settings.required = [{{ role = "change-authority" }}]
        "#
    );
    fs::write(folder.join("model.toml"), model).unwrap();
    folder
}

fn serve(folder: &Path) -> Served {
    let mut command = Command::new(tree("bin/lockgate"));
    command.args(["serve", "--data"]).arg(folder.join("data")).arg("--models").arg(folder.join("model.toml"));
    Served::by(command)
}

/// A request for a deployment with a fact of this number.
fn request(number: &str) -> String {
    let text = fs::read_to_string(tree("examples/quick-start/request.json")).unwrap();
    let mut request: Value = serde_json::from_str(&text).unwrap();
    request["deployment"]["id"] = json!("d-1");
    request["deployment"]["facts"] = json!({"cost": {"schema": "acme:cost@1", "json": {"v": "HERE"}}});
    request.to_string().replace("\"HERE\"", number)
}

#[test]
fn a_number_decides_alike_before_and_after_a_restart_and_in_a_replay() {
    for (name, number, condition) in [
        ("fraction", "1000.0", "has(facts.cost) && facts.cost.json.v * 1.19 > 500.0"),
        ("division", "3.0", "has(facts.cost) && facts.cost.json.v / 2 == 1"),
        ("exponent", "1E2", "has(facts.cost) && facts.cost.json.v + 0.5 == 100.5"),
        ("largest", "9007199254740992", "has(facts.cost) && facts.cost.json.v == 9007199254740992"),
    ] {
        let folder = set_up(name, condition);
        let data = folder.join("data");
        let mut server = serve(&folder);
        let token = token(&data);
        let ask = |server: &Served| {
            let path = "/api/v1/deployments/d-1/gates/plan-and-approve/entrance?ask=true";
            let answer = send(&server.address, "POST", path, &token, "").unwrap();
            assert_eq!(answer.status, 200, "{number}: {}", answer.body);
            answer.json()["verdict"].clone()
        };
        let asked = send(&server.address, "POST", "/api/v1/deployments", &token, &request(number)).unwrap();
        assert_eq!(asked.status, 201, "{number}: {}", asked.body);
        assert_eq!(ask(&server), "pending", "{number}");
        let other = serve(&folder);
        assert_eq!(ask(&other), "pending", "{number}, another server on the same ledger");
        drop(other);
        server.signal("TERM");
        server.ended();
        let mut server = serve(&folder);
        assert_eq!(ask(&server), "pending", "{number}, after a restart");
        server.signal("TERM");
        server.ended();
        let replayed = Command::new(tree("bin/lockgate")).args(["replay", "--ledger"]).arg(&data).output().unwrap();
        assert_eq!(replayed.status.code(), Some(0), "{number}: {}", String::from_utf8_lossy(&replayed.stderr));
    }
}
