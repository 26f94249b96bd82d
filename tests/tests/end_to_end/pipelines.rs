//! The example pipelines are what the platforms read: YAML whose scripts a shell takes, and which call functions that exist.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use lockgate_tests::tree;
use serde_yaml_ng::Value;

/// The scripts of a pipeline: each `run` of GitHub Actions, and each item of a `script` of GitLab CI.
fn scripts(file: &str) -> Vec<String> {
    let text = fs::read_to_string(tree("examples/pipelines").join(file)).unwrap();
    let mut found = Vec::new();
    collect(&serde_yaml_ng::from_str(&text).unwrap(), &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Mapping(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    (Some("run"), Value::String(script)) => found.push(script.clone()),
                    (Some("run" | "script"), Value::Sequence(lines)) => {
                        // A line that is no text would be read as something else than a command.
                        found.push(lines.iter().map(|line| format!("{}\n", line.as_str().unwrap())).collect());
                    }
                    _ => collect(value, found),
                }
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// The functions of `lockgate.sh` that a script names.
fn called(script: &str) -> BTreeSet<&str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    script.split(|c| !is_of_name(c)).filter(|word| word.starts_with("lockgate_")).collect()
}

#[test]
fn both_platforms_can_read_the_pipelines_and_a_shell_their_scripts() {
    let functions = fs::read_to_string(tree("examples/pipelines/lockgate.sh")).unwrap();
    let defined: BTreeSet<&str> =
        functions.lines().filter_map(|line| line.strip_suffix("() {")).filter(|name| !name.contains(' ')).collect();
    let mut all_called = Vec::new();
    for file in ["github-actions.yml", "gitlab-ci.yml"] {
        let scripts = scripts(file);
        assert!(scripts.len() >= 4, "{file}: {scripts:?}");
        let mut of_file = BTreeSet::new();
        for script in &scripts {
            assert!(script.trim_start().starts_with(". examples/pipelines/lockgate.sh"), "{file}: {script}");
            // GitHub puts the values of expressions in before a shell reads the script.
            let mut shell =
                Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
            let read = shell.wait_with_output().unwrap();
            assert!(read.status.success(), "{file}: {}\n{script}", String::from_utf8_lossy(&read.stderr));
            for function in called(script) {
                assert!(defined.contains(function), "{file} calls `{function}`, which `lockgate.sh` does not define");
                of_file.insert(function.to_owned());
            }
        }
        all_called.push(of_file);
    }
    assert_eq!(all_called.first(), all_called.last(), "both pipelines go the same way");
}
