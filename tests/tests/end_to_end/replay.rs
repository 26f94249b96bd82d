//! Recording and replaying, as a governance team does it: the command keeps what it decided on, and later shows that it
//! comes out the same, or what a candidate would turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockgate_domain::{Failure, FailureKind};
use lockgate_runtime::{CapabilityExchange, RecordedOutcome, Recording};
use lockgate_tests::{Guest, repository, tree};
use serde_json::{Value, json};

/// A folder of its own for one test.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("replay").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn lockgate(arguments: &[&str]) -> Output {
    Command::new(tree("bin/lockgate")).args(arguments).output().unwrap()
}

/// What the command says of recordings, and how it ends.
fn replay(folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["replay", folder.to_str().unwrap(), "--output", "json"];
    all.extend(arguments);
    let output = lockgate(&all);
    let said = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), said)
}

/// The registers of the example, which the model of the demo demands.
fn registers() -> Vec<String> {
    let of = |name: &str| {
        let file = tree("examples/new-version/registers").join(format!("{name}.ndjson"));
        ["--register".to_owned(), format!("{name}={}", file.display())]
    };
    ["changes", "environments", "instances"].iter().flat_map(|name| of(name)).collect()
}

/// Records one gate of an example: the exit of plan-and-approve, which waits for approvals.
fn record(name: &str) -> PathBuf {
    let folder = scratch(name);
    let example = tree("examples/new-version");
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(example)
        .args(["eval", "-m", "../demo/model.toml", "-d", "deployment.json", "-s", "plan-and-approve", "-p", "exit"])
        .args(registers())
        .args(["--now", "2026-11-24T20:30:00Z", "--output", "json", "--record"])
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// The recording of a binding.
fn file_of(folder: &Path, binding: &str) -> PathBuf {
    let ending = format!(".{binding}.recording.zst");
    let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|file| file.to_string_lossy().ends_with(&ending)).unwrap()
}

#[test]
fn a_decision_that_was_recorded_comes_out_the_same_in_another_process() {
    let folder = record("same");
    let (code, said) = replay(&folder, &[]);
    assert_eq!(code, Some(0), "{said:#}");
    assert_eq!((&said["recordings"], &said["same"]), (&json!(5), &json!(5)));
}

#[test]
fn a_recording_is_small() {
    let size = fs::metadata(file_of(&record("small"), "four-eyes")).unwrap().len();
    assert!(size < 8 << 10, "{size} bytes");
}

#[test]
fn settings_that_would_turn_a_decision_are_told_by_what_turns_and_why() {
    let folder = scratch("settings");
    let recorded = Command::new(tree("bin/lockgate"))
        .current_dir(tree("examples/new-version"))
        .args(["eval", "-m", "../demo/model.toml", "-d", "deployment.json", "-s", "plan-and-approve", "-p", "entrance"])
        .args(registers())
        .args(["--now", "2026-11-24T20:30:00Z", "--evidence", "sbom=sbom.cdx.json", "--record"])
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(recorded.status.code(), Some(0), "{}", String::from_utf8_lossy(&recorded.stderr));
    let (code, said) = replay(&folder, &["--plugin", "sbom-policy", "--settings", r#"{ "denied-licences": ["*"] }"#]);
    assert_eq!(code, Some(2), "{said:#}");
    assert_eq!((&said["recordings"], &said["flipped"]), (&json!(1), &json!(1)), "the other plugins are not concerned");
    let run = &said["items"][0];
    assert_eq!((&run["ended"], &run["from"], &run["to"]), (&json!("flipped"), &json!("allow"), &json!("deny")));
    assert_eq!(run["is"], json!(["licence-denied"]));
}

#[test]
fn settings_that_say_the_same_otherwise_flip_nothing() {
    let folder = record("otherwise");
    let (code, said) = replay(&folder, &["--plugin", "four-eyes", "--settings", r#"{ "people": 9 }"#]);
    assert_eq!(code, Some(0), "{said:#}");
    assert_eq!((&said["changed"], &said["flipped"]), (&json!(3), &json!(0)));
}

#[test]
fn the_same_component_as_a_candidate_changes_nothing() {
    let folder = record("candidate");
    let candidate = format!("four-eyes={}", tree("plugins/four-eyes.wasm").display());
    let (code, said) = replay(&folder, &["--with", &candidate]);
    assert_eq!(code, Some(0), "{said:#}");
    assert_eq!((&said["recordings"], &said["same"]), (&json!(3), &json!(3)));
}

#[test]
fn a_candidate_that_refuses_the_recorded_settings_is_told_apart_from_one_that_says_no() {
    let folder = record("refuses");
    let candidate = format!("change-window={}", tree("plugins/four-eyes.wasm").display());
    let (code, said) = replay(&folder, &["--with", &candidate]);
    assert_eq!((code, &said["not_run"]), (Some(1), &json!(1)), "{said:#}");
}

#[test]
fn evidence_that_was_exchanged_in_a_recording_is_found_out() {
    let folder = record("tampered");
    let file = file_of(&folder, "four-eyes");
    let recording = Recording::decode(&fs::read(&file).unwrap()).unwrap();
    let mut json: Value = serde_json::from_slice(&recording.to_json().unwrap()).unwrap();
    json["recording"]["plugin"]["settings"]["people"] = json!(0);
    assert!(Recording::from_json(json.to_string().as_bytes()).is_err(), "the settings have another digest");

    json = serde_json::from_slice(&recording.to_json().unwrap()).unwrap();
    json["recording"]["used"]["fuel"] = json!(1);
    let forged = Recording::from_json(json.to_string().as_bytes()).unwrap();
    fs::write(&file, forged.encode().unwrap()).unwrap();
    let (code, said) = replay(&folder, &[]);
    assert_eq!((code, &said["fuel_differs"], &said["same"]), (Some(2), &json!(1), &json!(4)), "{said:#}");
}

#[test]
fn a_recording_that_is_cut_off_is_told_by_name() {
    let folder = record("cut");
    let file = file_of(&folder, "window");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let output = lockgate(&["replay", folder.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "the others are run all the same: {said}");
    assert!(
        said.contains("window.recording.zst") && said.contains("cut off") && said.contains("4 unchanged"),
        "{said}"
    );
}

#[test]
fn a_plugin_whose_component_is_gone_is_told_with_its_digest() {
    let folder = record("gone");
    fs::remove_dir_all(folder.join("components")).unwrap();
    let (code, said) = replay(&folder, &[]);
    assert_eq!((code, &said["not_run"]), (Some(1), &json!(5)), "{said:#}");
    let plugins = tree("plugins");
    let (code, said) = replay(&folder, &["--plugins", plugins.to_str().unwrap()]);
    assert_eq!((code, &said["same"]), (Some(0), &json!(5)), "{said:#}");
}

/// A policy that reads a file of the directory `catalog`, whose name stands at the given place in its memory, and then
/// abstains.
fn reads(name: &str) -> Guest<'static> {
    Guest {
        world: "import lockgate:host/directory@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"(import "lockgate:host/directory@0.2.0-rc.2" "read"
            (func $read (param i32 i32 i32 i32 i32)))"#,
        fields: match name {
            "a" => r#"(data (i32.const 4096) "cataloga")"#,
            _ => r#"(data (i32.const 4096) "catalogb")"#,
        },
        decide: "(call $read (i32.const 4096) (i32.const 7) (i32.const 4103) (i32.const 1) (i32.const 4200))",
        ..Guest::default()
    }
}

#[test]
fn what_a_plugin_was_told_is_told_again_and_what_it_never_asked_is_an_outcome_of_its_own() {
    let folder = scratch("asked");
    let catalog = folder.join("catalog");
    fs::create_dir_all(&catalog).unwrap();
    fs::write(catalog.join("a"), "first").unwrap();
    let plugin = folder.join("reader.wasm");
    fs::write(&plugin, reads("a").component()).unwrap();
    fs::write(folder.join("deployment.json"), fs::read(repository("examples/new-version/deployment.json")).unwrap())
        .unwrap();
    let model = r#"
        id = "reads"
        version = "1.0.0"
        title = "Reads a file"
        unguarded = "allow"
        facts = { change.from = "told", environment.from = "told", instances.from = "told" }
        [plugins.reader]
        component = "reader.wasm"
        [[gates]]
        stage = "plan-and-approve"
        phase = "entrance"
        [[gates.bindings]]
        id = "reader"
        plugin = "reader"
        enforcement = "advisory"
        grants.directory.catalog = "catalog"
    "#;
    fs::write(folder.join("model.toml"), model).unwrap();
    let pinned =
        Command::new(tree("bin/lockgate")).args(["model", "pin"]).arg(folder.join("model.toml")).output().unwrap();
    assert!(pinned.status.success(), "{}", String::from_utf8_lossy(&pinned.stderr));
    let recorded = Command::new(tree("bin/lockgate"))
        .current_dir(&folder)
        .args(["eval", "-m", "model.toml", "-d", "deployment.json", "-s", "plan-and-approve", "-p", "entrance"])
        .args(["--output", "json", "--record", "recordings"])
        .output()
        .unwrap();
    let decision: Value = serde_json::from_slice(&recorded.stdout).unwrap();
    assert_eq!(decision["bindings"][0]["standing"], "not-applicable", "{decision:#}");

    let recordings = folder.join("recordings");
    let recording = Recording::decode(&fs::read(file_of(&recordings, "reader")).unwrap()).unwrap();
    assert!(matches!(recording.outcome, RecordedOutcome::Answered(_)));
    let CapabilityExchange { call, question, answer } = &recording.exchanges[0];
    assert_eq!(call, "directory.read");
    assert_eq!(question, &json!({ "directory": "catalog", "path": "a" }));
    assert_eq!(answer, &json!({ "Ok": "Zmlyc3Q=" }), "`first` in base64");

    // The file changes, and then the folder goes: the recording does not care.
    fs::remove_dir_all(&catalog).unwrap();
    let (code, said) = replay(&recordings, &[]);
    assert_eq!((code, &said["same"]), (Some(0), &json!(1)), "{said:#}");

    let candidate = folder.join("candidate.wasm");
    fs::write(&candidate, reads("b").component()).unwrap();
    let (code, said) = replay(&recordings, &["--with", &format!("test-guest={}", candidate.display())]);
    assert_eq!((code, &said["not_recorded"]), (Some(4), &json!(1)), "{said:#}");
    assert!(said["items"][0]["question"].as_str().unwrap().contains(r#""path":"b""#), "{said:#}");
}

#[test]
fn what_the_clock_decided_is_not_held_against_the_plugin() {
    let folder = record("clock");
    let file = file_of(&folder, "window");
    let mut recording = Recording::decode(&fs::read(&file).unwrap()).unwrap();
    recording.outcome = RecordedOutcome::Failed(Failure {
        kind: FailureKind::TimedOut,
        message: "stopped after 7 ms; the limit is 5 ms".to_owned(),
        code: None,
        transient: false,
        limit: Some(5),
        used: Some(7),
    });
    fs::write(&file, recording.encode().unwrap()).unwrap();
    let (code, said) = replay(&folder, &[]);
    assert_eq!((code, &said["not_comparable"], &said["same"]), (Some(4), &json!(1), &json!(4)), "{said:#}");
}

#[test]
fn recordings_in_folders_below_find_the_components_beside_them_and_are_run_once() {
    let folder = record("below/run");
    let above = folder.parent().unwrap().to_owned();
    let (code, said) = replay(&above, &[folder.to_str().unwrap()]);
    assert_eq!((code, &said["recordings"], &said["same"]), (Some(0), &json!(5), &json!(5)), "{said:#}");
}

#[test]
fn settings_for_nobody_in_particular_are_refused_where_there_are_several_plugins() {
    let output = lockgate(&["replay", record("whose").to_str().unwrap(), "--settings", "{}"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("`change-window`, `four-eyes`") && said.contains("--plugin"), "{said}");
}

#[test]
fn a_recording_as_deep_as_documents_may_be_can_be_read_again() {
    let file = file_of(&record("deep"), "window");
    let mut recording = Recording::decode(&fs::read(&file).unwrap()).unwrap();
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    let fact = json!({ "schema": "deep", "json": deep });
    let deployment = std::sync::Arc::make_mut(&mut recording.snapshot.deployment);
    deployment.facts.insert("deep".to_owned(), serde_json::from_value(fact).unwrap());
    assert_eq!(Recording::decode(&recording.encode().unwrap()).unwrap(), recording);
}

#[test]
fn recordings_that_earlier_builds_made_come_out_the_same() {
    let (code, said) = replay(&repository("tests/recordings/1"), &[]);
    assert_eq!((code, &said["recordings"], &said["same"]), (Some(0), &json!(1), &json!(1)), "{said:#}");
}
