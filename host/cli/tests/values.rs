//! The values of a plugin: a run stores them for the next one, and an evaluation only reads them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use lockgate_domain::Digest;
use lockgate_tests::{Guest, counting, repository};

fn lockgate(folder: &Path, arguments: &[&str]) -> String {
    let cache = folder.join("cache");
    let state = folder.join("state");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    command.current_dir(folder).arg("--cache").arg(cache).arg("--state").arg(state).args(arguments);
    let output = command.arg("--deployment").arg(repository("examples/new-version/deployment.json")).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {words}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_quiet_run_prints_only_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("guest.wasm"), Guest::default().component()).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.current_dir(folder.path()).args(["--cache", "cache", "plugin", "run", "guest.wasm"]).args(arguments);
        command.args(["--stage", "plan-and-approve", "--phase", "entrance", "--deployment"]);
        let output = command.arg(repository("examples/new-version/deployment.json")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (answer, words) = run(&[]);
    assert!(answer.contains("abstain"), "{answer}");
    assert!(words.contains("fuel") && words.contains("host effort"), "{words}");
    assert_eq!(run(&["--quiet"]), (answer, String::new()));
}

#[test]
fn a_run_stores_values_for_the_next_and_an_evaluation_changes_none() {
    let folder = tempfile::tempdir().unwrap();
    let component = counting("count");
    fs::write(folder.path().join("counter.wasm"), &component).unwrap();
    let gate = ["--stage", "plan-and-approve", "--phase", "entrance"];
    let run = ["plugin", "run", "counter.wasm", "--grant", "key-value=counter,read-write"];
    let values = || fs::read_to_string(folder.path().join("state/counter.json")).unwrap();
    for counted in ["AQ==", "Ag=="] {
        lockgate(folder.path(), &[&run[..], &gate].concat());
        assert!(values().contains(&format!("\"count\": \"{counted}\"")), "{}", values());
    }

    let model = format!(
        r#"
        id = "shop"
        version = "1.0.0"
        title = "Shop"
        unguarded = "allow"
        facts = {{ change.from = "told", environment.from = "told", instances.from = "told" }}
        [plugins.counter]
        component = "counter.wasm"
        digest = "{}"
        [[gates]]
        stage = "plan-and-approve"
        phase = "entrance"
        [[gates.bindings]]
        id = "counter"
        plugin = "counter"
        enforcement = "advisory"
        grants.key-value = {{ namespace = "counter", access = "read-write" }}
        "#,
        Digest::of(&component)
    );
    fs::write(folder.path().join("model.toml"), model).unwrap();
    let before = values();
    let told = lockgate(folder.path(), &[&["eval", "--model", "model.toml", "--output", "json"], &gate[..]].concat());
    assert!(told.contains("key-value.set"), "the plugin was asked: {told}");
    assert_eq!(values(), before);
}
