//! The quick start of the README, word for word: its blocks are one script, and what it prints is what it tells of. The
//! functions that the pipeline examples share are run against the same endpoint.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockgate_ledger::{KeyFile, Retention, Source as _, SqliteOptions, SqliteStorage, Storage as _};
use lockgate_tests::tree;
use serde_json::Value;

/// The blocks of a section, one after the other.
fn script(readme: &str, section: &str) -> String {
    let (_, rest) = readme.split_once(&format!("## {section}\n")).unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.collect::<Vec<_>>().join("\n")
}

/// A folder with the tree of a distribution in `target/lockgate`.
fn checkout(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    let distribution = folder.join("target/lockgate");
    fs::create_dir_all(&distribution).unwrap();
    for part in ["bin", "plugins", "examples"] {
        symlink(tree(part), distribution.join(part)).unwrap();
    }
    folder
}

fn bash(folder: &Path, script: &str) -> Output {
    let mut command = Command::new("bash");
    command.current_dir(folder).args(["-euo", "pipefail", "-c", script]).env_remove("LOCKGATE_CONFIG");
    command.output().unwrap()
}

/// What a script printed, if it went well.
fn printed(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    told
}

/// The answers that a script printed, one per line.
fn answers(told: &str) -> Vec<Value> {
    told.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
}

#[test]
fn the_quick_start_is_denied_approved_rolled_back_and_in_the_end_operational() {
    let readme = fs::read_to_string(tree("README.md")).unwrap();
    let folder = checkout("quick-start");
    let told = printed(&bash(&folder, &script(&readme, "Quick start")));
    let answers = answers(&told);
    let verdicts: Vec<(&str, &str)> = answers
        .iter()
        .filter(|answer| answer.get("passed").is_some_and(Value::is_boolean))
        .map(|answer| {
            let text = |pointer| answer.pointer(pointer).and_then(Value::as_str).unwrap();
            (text("/deployment/id"), text("/decision/verdict"))
        })
        .collect();
    let first = ["deny", "allow", "pending", "allow", "allow", "deny"].map(|verdict| ("hello-2", verdict));
    let second = ["allow"; 8].map(|verdict| ("hello-2-again", verdict));
    assert_eq!(verdicts, [&first[..], &second[..]].concat(), "{told}");
    let status = |answer: &Value| Some(answer.pointer("/position/status")?.as_str()?.to_owned());
    assert!(answers.iter().any(|answer| status(answer).as_deref() == Some("rolled-back")), "{told}");
    let last = answers.iter().rev().find(|answer| answer.get("passed").is_some()).unwrap();
    assert_eq!(last.pointer("/deployment/position/status").unwrap(), "operational");
    assert!(told.contains("intact"), "{told}");
    assert!(told.contains("14 decisions, 14 the same, 0 differ"), "{told}");
    a_candidate_is_held_against(&folder.join("target/lockgate"));
}

/// Deletes the snapshots of a ledger, as retention does in a year or so.
fn forget(data: &Path) {
    let ledger = data.join("ledger.db");
    let name = SqliteStorage::open_read_only(&ledger).unwrap().head().unwrap().key.name().to_owned();
    let storage = KeyFile::new(data.join("ledger.key")).open(&ledger, &name, SqliteOptions::default()).unwrap();
    let before = "2100-01-01T00:00:00Z".parse().unwrap();
    let forgotten = storage.forget(&Retention::Content { kind: "snapshot".to_owned(), before }).unwrap();
    assert!(forgotten.count > 0);
}

/// The first decision denied for a defect of high severity: with a candidate that bears it, it would have allowed.
fn a_candidate_is_held_against(folder: &Path) {
    let candidate = folder.join("candidates/lenient/model.toml");
    fs::create_dir_all(candidate.parent().unwrap()).unwrap();
    let model = fs::read_to_string(folder.join("examples/quick-start/model.toml")).unwrap();
    let (worst, bears) = ("settings.worst-open-defect = \"low\"", "settings.worst-open-defect = \"high\"");
    assert_eq!(model.matches(worst).count(), 1);
    fs::write(&candidate, model.replace(worst, bears)).unwrap();

    let replay = |more: &[&str]| {
        let mut command = Command::new(folder.join("bin/lockgate"));
        command.current_dir(folder).args(["replay", "--ledger", "quick-start", "--output", "json"]).args(more);
        let output = command.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), told, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told, _) = replay(&["--model", "candidates/lenient/model.toml"]);
    assert_eq!((code, &told["decisions"], &told["flipped"]), (Some(2), &14.into(), &1.into()), "{told:#}");
    let run = told["runs"].as_array().unwrap().iter().find(|run| run["ended"] == "flipped").unwrap();
    assert_eq!((&run["from"], &run["to"], &run["deployment"]), (&"deny".into(), &"allow".into(), &"hello-2".into()));
    assert!(run["differs"].as_array().unwrap().contains(&"/verdict".into()), "{run:#}");

    let id = run["decision"].as_str().unwrap();
    let (code, told, _) = replay(&[id]);
    assert_eq!((code, &told["decisions"], &told["same"]), (Some(0), &1.into(), &1.into()), "{told:#}");
    let (code, told, _) = replay(&["--deployment", "hello-2-again"]);
    assert_eq!((code, &told["decisions"]), (Some(0), &8.into()), "{told:#}");
    let (code, _, words) = replay(&["dec-0", id]);
    assert!(code == Some(3) && words.contains("there is no decision `dec-0`") && !words.contains(id), "{words}");
    let (code, _, words) = replay(&["--model", "examples/first-release/model.toml"]);
    assert!(code == Some(3) && words.contains("there are decisions by `quick-start`"), "{words}");

    // What retention deletes cannot be replayed, and is no match.
    forget(&folder.join("quick-start"));
    let (code, told, _) = replay(&[]);
    let (same, deleted) = (told["same"].as_u64().unwrap(), told["deleted"].as_u64().unwrap());
    assert!(code == Some(4) && deleted > 0 && same + deleted == 14, "{told:#}");
    let run = told["runs"].as_array().unwrap().iter().find(|run| run["ended"] == "deleted").unwrap();
    assert_eq!(run["what"], "the deployment that was looked at");
    assert!(run["digest"].as_str().unwrap().starts_with("sha256:") && run["at"].is_string(), "{run:#}");
}

#[test]
fn the_functions_of_the_pipelines_drive_a_deployment() {
    if !["jq", "curl"].iter().all(|tool| Command::new(tool).arg("--version").output().is_ok()) {
        println!("not run: it takes curl and jq");
        return;
    }
    let folder = checkout("pipeline");
    let script = r#"
        cd target/lockgate
        bin/lockgate serve --data data --models examples/quick-start/model.toml --listen 127.0.0.1:0 >address &
        server=$!
        trap 'kill $server' EXIT
        until grep -q listening address; do sleep 0.1; done
        export LOCKGATE=$(sed 's/listening on //' address) DEPLOYMENT=hello-ci
        export LOCKGATE_TOKEN=$(bin/lockgate token create --data data --for ci --role pipeline --team shop)
        bo=$(bin/lockgate token create --data data --for bo --role change-authority --team shop)
        . examples/pipelines/lockgate.sh
        jq '.deployment.id = "hello-ci"' examples/quick-start/request-again.json >request.json
        lockgate_call POST /api/v1/deployments request.json >/dev/null
        lockgate_call POST /api/v1/deployments request.json >/dev/null
        lockgate_evidence sbom application/json examples/quick-start/request.json >/dev/null
        lockgate_pass plan-and-approve entrance
        lockgate_pass plan-and-approve exit wait &
        waiting=$!
        subject=$(lockgate_curl "$LOCKGATE/api/v1/deployments/$DEPLOYMENT" | jq -r .subject)
        jq -n --arg subject "$subject" '{role: "change-authority", answer: "approved", $subject}' >approval.json
        LOCKGATE_TOKEN=$bo lockgate_call POST /api/v1/deployments/hello-ci/approvals approval.json >/dev/null
        wait $waiting
        lockgate_pass fulfill entrance wait
        if lockgate_move abort "" >/dev/null 2>&1; then exit 1; fi
        lockgate_move abort "only a test" >/dev/null
        lockgate_curl "$LOCKGATE/api/v1/deployments/$DEPLOYMENT" | jq -r .position.status
    "#;
    let told = printed(&bash(&folder, script));
    let said: Vec<&str> = told.lines().filter(|line| !line.starts_with("  ")).collect();
    let Some(last) = said.last() else { panic!("{told}") };
    assert_eq!(*last, "aborted", "{told}");
    assert!(told.contains("plan-and-approve exit: allow"), "{told}");
    assert!(told.contains("fulfill entrance: allow"), "{told}");
}
