//! The real command as a service manager has it: what it prints it takes again, and what signals tell it it does.

#![cfg(unix)]
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use lockgate_domain::Decision;
use lockgate_tests::served::{Answer, Served, connect, head, send, token, token_of};
use lockgate_tests::tree;
use serde_json::{Value, json};

const DEPLOYMENTS: &str = "/api/v1/deployments";
/// How long is waited for something that happens by itself.
const LONGEST: Duration = Duration::from_secs(60);

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("serving").join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A copy of the quick start's model that can be changed: its plugins are where it looks for them.
fn model(folder: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let models = folder.join("models/quick-start");
    fs::create_dir_all(&models).unwrap();
    if !folder.join("plugins").exists() {
        symlink(tree("plugins"), folder.join("plugins")).unwrap();
    }
    let text = fs::read_to_string(tree("examples/quick-start/model.toml")).unwrap();
    let (fresh, file) = (models.join("model.new"), models.join("model.toml"));
    fs::write(&fresh, change(text)).unwrap();
    fs::rename(fresh, &file).unwrap();
    file
}

fn request() -> String {
    fs::read_to_string(tree("examples/quick-start/request.json")).unwrap()
}

#[test]
fn the_configuration_that_it_prints_is_one_that_it_takes() {
    let folder = folder("configuration");
    let print = |arguments: &[&str]| {
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&folder).env_remove("LOCKGATE_CONFIG").args(["serve", "--print-config"]).args(arguments);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let changed = ["--listen", "127.0.0.1:9", "--data", "elsewhere", "--set", "limits.body=2MiB"];
    let first = print(&[&changed[..], &["--set", "ledger.retention.snapshots=400d"]].concat());
    fs::write(folder.join("printed.toml"), &first).unwrap();
    let second = print(&["--config", "printed.toml"]);
    let values = |text: &str| text.parse::<toml::Table>().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(values(&second), values(&first));
    assert_eq!(values(&second)["listen"].as_str(), Some("127.0.0.1:9"), "{second}");
    assert_ne!(values(&second), values(&print(&[])), "what was said is in it");
}

#[test]
fn a_request_that_is_under_way_when_it_is_told_to_end_is_answered_and_the_end_is_a_good_one() {
    let data = folder("end").join("data");
    let mut server = Served::start(&data, &[]);
    let (token, body) = (token(&data), request());
    let mut stream = connect(&server.address).unwrap();
    let (sent, rest) = body.split_at(body.len() / 2);
    let begin = head(&server.address, "POST", DEPLOYMENTS, &token, body.len()) + sent;
    stream.write_all(begin.as_bytes()).unwrap();
    // Until it has begun to read it.
    thread::sleep(Duration::from_millis(500));
    server.signal("TERM");
    let began = Instant::now();
    while server.get("/livez").is_some() {
        assert!(began.elapsed() < LONGEST, "it still takes new connections");
        thread::sleep(Duration::from_millis(20));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let answer = Answer::read(&answer).unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((answer.status, &answer.json()["id"]), (201, &json!("hello-2")), "{}", answer.body);
    assert_eq!(server.ended().code(), Some(0));

    let again = Served::start(&data, &[]);
    let kept = send(&again.address, "GET", &format!("{DEPLOYMENTS}/hello-2"), &token, "").unwrap();
    assert_eq!(kept.json()["id"], "hello-2", "what was answered is kept: {}", kept.body);
}

#[test]
fn models_are_loaded_anew_when_it_is_told_to() {
    let folder = folder("reload");
    let data = folder.join("data");
    let file = model(&folder, |text| text);
    let mut command = Command::new(tree("bin/lockgate"));
    // Nobody looks at the files by themselves, so what is loaded is what the signal loads.
    command.args(["serve", "--set", "reload.watch=false", "--data"]).arg(&data).arg("--models").arg(file);
    let server = Served::by(command);
    let token = token(&data);
    let version = || {
        let models = send(&server.address, "GET", "/api/v1/models", &token, "").unwrap().json();
        models["items"][0]["version"].as_str().unwrap_or_else(|| panic!("{models}")).to_owned()
    };
    assert_eq!(version(), "1.0.0");
    model(&folder, |text| text.replace("version = \"1.0.0\"", "version = \"1.1.0\""));
    assert_eq!(version(), "1.0.0");
    server.signal("HUP");
    let began = Instant::now();
    while version() != "1.1.0" {
        assert!(began.elapsed() < LONGEST, "the models are not loaded anew");
        thread::sleep(Duration::from_millis(50));
    }
}

/// What of a decision does not depend on who asked, and what the ledger knows beside.
fn said(decision: &Decision) -> Value {
    let bindings = decision.bindings.iter().map(|binding| json!([binding.id, binding.standing, binding.exemption]));
    json!({
        "verdict": decision.verdict,
        "reasons": decision.reasons,
        "requirements": decision.requirements,
        "bindings": bindings.collect::<Vec<_>>(),
        "model": decision.model.digest,
    })
}

#[test]
fn a_waiver_counts_for_the_server_as_it_does_for_eval() {
    let folder = folder("waiver");
    let data = folder.join("data");
    let file = model(&folder, |text| {
        let strict = "settings.worst-open-defect = \"low\"\n";
        // What a waiver cannot make good, a change that is only told, is no topic here.
        let text = text.replace("change.from = \"register\"", "change.from = \"told\"");
        text.replacen(strict, &format!("{strict}waivable = true\n"), 1)
    });
    let mut command = Command::new(tree("bin/lockgate"));
    command.args(["serve", "--data"]).arg(&data).arg("--models").arg(&file);
    let server = Served::by(command);
    let (ada, bo) = (token(&data), token_of(&data, "bo@example.org", "change-authority"));
    let post = |path: &str, token: &str, body: &str| {
        let answer = send(&server.address, "POST", path, token, body).unwrap();
        assert!(answer.status < 300, "{path}: {}", answer.body);
        answer.json()
    };
    post(DEPLOYMENTS, &ada, &request());
    let gate = format!("{DEPLOYMENTS}/hello-2/gates/plan-and-approve/entrance?ask=true");
    let ask = || -> Decision { serde_json::from_value(post(&gate, &ada, "")).unwrap() };
    let deployment: Value = serde_json::from_str::<Value>(&request()).unwrap()["deployment"].take();
    let eval = |waivers: &[&Value], now: &str| -> Decision {
        let mut deployment = deployment.clone();
        // In the order in which the server has them.
        let mut waivers = waivers.to_vec();
        waivers.sort_by_key(|waiver| waiver["id"].as_str());
        deployment["waivers"] = json!(waivers);
        let document = folder.join("deployment.json");
        fs::write(&document, deployment.to_string()).unwrap();
        let mut command = Command::new(tree("bin/lockgate"));
        command.args(["eval", "-s", "plan-and-approve", "-p", "entrance", "-o", "json", "--now", now, "-m"]);
        let output = command.arg(&file).arg("-d").arg(document).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    let alike = |decision: &Decision, waivers: &[&Value]| {
        assert_eq!(said(&eval(waivers, &decision.at.to_string())), said(decision));
        decision.verdict.as_str()
    };
    let denied = ask();
    assert_eq!(alike(&denied, &[]), "deny");
    let code = denied.reasons.iter().find(|reason| reason.blocking).unwrap().code.clone();

    let grant = |codes: &[&str], gate: Value| {
        let new = json!({
            "reason": "nobody greets on Sundays", "ticket": "H-7", "expires": "2100-01-01T00:00:00Z",
            "scope": { "bindings": ["release"], "codes": codes, "gate": gate, "product": "hello" },
        });
        let mut granted = post("/api/v1/waivers", &bo, &new.to_string());
        // What the ledger knows beside the waiver.
        granted.as_object_mut().unwrap().retain(|name, _| !["by", "ended", "warnings"].contains(&name.as_str()));
        granted
    };
    let entrance = json!({ "stage": "plan-and-approve", "phase": "entrance" });
    let of_another_code = grant(&["another-code"], entrance.clone());
    let decision = ask();
    assert_eq!(alike(&decision, &[&of_another_code]), "deny");
    assert_ne!(decision.reasons, denied.reasons, "why it does not count is said");
    let counts = grant(&[&code], entrance);
    let decision = ask();
    assert_eq!(alike(&decision, &[&of_another_code, &counts]), "allow");
    assert!(decision.bindings[0].exemption.is_some(), "{:?}", decision.bindings[0]);
}

#[test]
fn a_token_is_listed_with_its_kind() {
    let data = folder("kinds").join("data");
    let _server = Served::start(&data, &[]);
    let token = |arguments: &[&str]| {
        let mut command = Command::new(tree("bin/lockgate"));
        let output = command.arg("token").args(arguments).arg("--data").arg(&data).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let create = |person, role, more: &[&str]| {
        let arguments = ["create", "--for", person, "--role", role, "--team", "shop", "--expires-in", "1d"];
        token(&[&arguments, more].concat())
    };
    assert!(create("ci", "pipeline", &[]).0);
    assert!(create("bot", "pipeline", &["--kind", "agent"]).0);
    assert!(create("bo", "change-authority", &[]).0);
    let (refused, _, why) = create("bo", "change-authority", &["--kind", "robot"]);
    assert!(!refused && why.contains("`robot` is not a kind of credential: they are person, service, agent"), "{why}");

    let tokens: Value = serde_json::from_str(&token(&["list", "--output", "json"]).1).unwrap();
    let tokens = tokens["items"].as_array().unwrap();
    let kind = |id: &str| tokens.iter().find(|token| token["person"]["id"] == id).map(|token| &token["kind"]);
    assert_eq!([kind("ci"), kind("bot"), kind("bo")].map(Option::unwrap), ["service", "agent", "person"]);
    let table = token(&["list"]).1;
    let row = table.lines().find(|line| line.contains(" bot ")).unwrap();
    assert!(row.split_whitespace().any(|cell| cell == "agent"), "{table}");
}

#[test]
fn a_role_that_nobody_knows_is_warned_of_when_a_token_is_issued_in_it() {
    let data = folder("roles").join("data");
    let _server = Served::start(&data, &[]);
    let warned = |role: &str| {
        let mut command = Command::new(tree("bin/lockgate"));
        command.args(["token", "create", "--for", "bo@example.org", "--team", "shop", "--expires-in", "1d"]);
        let output = command.args(["--role", role, "--data"]).arg(&data).env("NO_COLOR", "1").output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let typo = warned("change-authorty");
    assert!(typo.contains("`change-authorty` is a custom role"), "{typo}");
    assert!(typo.contains("If you meant `change-authority`, revoke this token"), "{typo}");
    let of_a_model = warned("cab-member");
    assert!(of_a_model.contains("The built-in roles are administrator, auditor, "), "{of_a_model}");
    let known = warned("change-authority");
    assert!(!known.contains("custom role"), "{known}");
}
