//! The quick start of the README, word for word: its blocks are one script, and what it prints is what it tells of. The
//! functions that the pipeline examples share are run against the same endpoint.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockgate_ledger::{KeyFile, LogSource as _, RetentionRule, SqliteOptions, SqliteStorage, Storage as _};
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
    command.current_dir(folder).args(["-euo", "pipefail", "-c", script]);
    // What a job of CI has is not for the scripts: they would write into the one, and go by the other.
    ["LOCKGATE_CONFIG", "GITHUB_ENV"].into_iter().for_each(|name| {
        command.env_remove(name);
    });
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
    let told = printed(&bash(&folder.join("target/lockgate"), &script(&readme, "Quick start")));
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
    let denied = answers.iter().find(|answer| answer.get("passed").is_some_and(Value::is_boolean)).unwrap();
    let codes: Vec<&str> = denied
        .pointer("/decision/reasons")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .filter(|reason| reason["blocking"] == true)
        .filter_map(|reason| reason["code"].as_str())
        .collect();
    assert!(codes.contains(&"fact-missing") && codes.contains(&"defect-too-severe"), "{codes:?}");
    assert!(told.contains("by bo@example.org, as of "), "{told}");
    assert!(told.contains("14 decisions, 14 unchanged, 0 changed"), "{told}");
    a_candidate_is_held_against(&folder.join("target/lockgate"));
}

/// Deletes the snapshots of a ledger, as retention does in a year or so.
fn forget(data: &Path) {
    let ledger = data.join("ledger.db");
    let name = SqliteStorage::open_read_only(&ledger).unwrap().head().unwrap().key.name().to_owned();
    let storage = KeyFile::new(data.join("ledger.key")).open(&ledger, &name, SqliteOptions::default()).unwrap();
    let before = "2100-01-01T00:00:00Z".parse().unwrap();
    let forgotten = storage.forget(&RetentionRule::Content { kind: "snapshot".to_owned(), before }).unwrap();
    assert!(forgotten.count > 0);
}

/// The first decision denied for a defect of high severity and a change that was only told: with a candidate that bears both, it
/// would have allowed.
fn a_candidate_is_held_against(folder: &Path) {
    let candidate = folder.join("candidates/lenient/model.toml");
    fs::create_dir_all(candidate.parent().unwrap()).unwrap();
    let model = fs::read_to_string(folder.join("examples/quick-start/model.toml")).unwrap();
    let (worst, bears) = ("settings.worst-open-defect = \"low\"", "settings.worst-open-defect = \"high\"");
    assert_eq!(model.matches(worst).count(), 1);
    let (attested, told) = ("change.from = \"register\"", "change.from = \"told\"");
    assert_eq!(model.matches(attested).count(), 1);
    fs::write(&candidate, model.replace(worst, bears).replace(attested, told)).unwrap();

    let replay = |more: &[&str]| {
        let mut command = Command::new(folder.join("bin/lockgate"));
        command.current_dir(folder).args(["replay", "--ledger", "quick-start", "--output", "json"]).args(more);
        let output = command.output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), told, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told, _) = replay(&["--model", "candidates/lenient/model.toml"]);
    assert_eq!((code, &told["decisions"], &told["flipped"]), (Some(2), &14.into(), &1.into()), "{told:#}");
    let run = told["items"].as_array().unwrap().iter().find(|run| run["ended"] == "flipped").unwrap();
    assert_eq!((&run["from"], &run["to"], &run["deployment"]), (&"deny".into(), &"allow".into(), &"hello-2".into()));
    assert!(run["differs"].as_array().unwrap().contains(&"/verdict".into()), "{run:#}");

    let id = run["decision"].as_str().unwrap();
    let (code, told, _) = replay(&[id]);
    assert_eq!((code, &told["decisions"], &told["same"]), (Some(0), &1.into(), &1.into()), "{told:#}");
    let (code, told, _) = replay(&["--deployment", "hello-2-again"]);
    assert_eq!((code, &told["decisions"]), (Some(0), &8.into()), "{told:#}");
    let (code, _, words) = replay(&["dec-0", id]);
    assert!(code == Some(3) && words.contains("no decision `dec-0`") && !words.contains(id), "{words}");
    let (code, _, words) = replay(&["--model", "examples/first-release/model.toml"]);
    assert!(code == Some(3) && words.contains("the models are `quick-start`"), "{words}");

    // What retention deletes cannot be replayed, and is no match.
    forget(&folder.join("quick-start"));
    let (code, told, _) = replay(&[]);
    let (same, deleted) = (told["same"].as_u64().unwrap(), told["deleted"].as_u64().unwrap());
    assert!(code == Some(4) && deleted > 0 && same + deleted == 14, "{told:#}");
    let run = told["items"].as_array().unwrap().iter().find(|run| run["ended"] == "deleted").unwrap();
    assert_eq!(run["what"], "the deployment that was looked at");
    assert!(run["digest"].as_str().unwrap().starts_with("sha256:") && run["at"].is_string(), "{run:#}");
}

/// Where the pipelines run: a server of the quick start's model, the tokens of Ada's pipeline and of Bo, and the functions
/// that the pipelines share. `in_run` is a run of a pipeline: a process of its own that reads the functions in, and whose exit
/// code is said.
const PIPELINE: &str = r#"
    cd target/lockgate
    serve() {
        rm -f address
        bin/lockgate serve --data data --models "$1" --listen 127.0.0.1:0 >address 2>log &
        server=$!
        trap 'kill $server' EXIT
        until grep -qs listening address; do sleep 0.1; done
        export LOCKGATE_SERVER=$(sed 's/listening on //' address)
    }
    serve examples/quick-start/model.toml
    export LOCKGATE_TOKEN=$(bin/lockgate token create --data data --for ci --role pipeline --team shop)
    bo=$(bin/lockgate token create --data data --for bo --role change-authority --team shop)
    LOCKGATE_TOKEN=$bo bin/lockgate register put changes examples/quick-start/change.json >/dev/null
    export DEPLOYMENT=hello-ci
    in_run() {
        code=0
        bash -euc ". examples/pipelines/lockgate.sh; $1" || code=$?
        echo "ended with $code"
    }
    approve() {
        subject=$(curl -sS -H "Authorization: Bearer $bo" "$LOCKGATE_SERVER/api/v1/deployments/$1" | jq -r .subject)
        jq -n --arg subject "$subject" '{role: "change-authority", answer: "approved", $subject}' >approval.json
        curl -sS -o /dev/null --fail-with-body -H "Authorization: Bearer $bo" --json @approval.json \
            "$LOCKGATE_SERVER/api/v1/deployments/$1/approvals"
    }
    again=examples/quick-start/request-again.json
    export before=examples/quick-start/rolled-back.json
"#;

/// What is said of a script of [`PIPELINE`], each line but those that say a reason; none where its tools are missing.
fn piped(name: &str, script: &str) -> Option<Vec<String>> {
    if !["jq", "curl"].iter().all(|tool| Command::new(tool).arg("--version").output().is_ok()) {
        lockgate_repeat::skipped("it takes curl and jq");
        return None;
    }
    let told = printed(&bash(&checkout(name), &format!("{PIPELINE}{script}")));
    // A decision has another id in each run.
    let without_id = |line: &str| line.split(" (dec-").next().unwrap_or_default().to_owned();
    Some(told.lines().filter(|line| !line.starts_with("  ")).map(without_id).collect())
}

#[test]
fn the_functions_of_the_pipelines_drive_a_deployment() {
    let script = r#"
        cat >pipeline.sh <<'END'
            lockgate_request examples/quick-start/request-again.json
            lockgate_behind plan-and-approve exit ||
                lockgate_call PUT /evidence/sbom examples/quick-start/request.json >/dev/null
            lockgate_pass plan-and-approve entrance
            lockgate_pass plan-and-approve exit $1
            lockgate_pass fulfill entrance
            if ! lockgate_behind fulfill exit; then
                echo deployed
                lockgate_call POST /activities examples/quick-start/fulfilled.json >/dev/null
                lockgate_call PATCH '' "examples/quick-start/$2.json" >/dev/null
            fi
            lockgate_pass fulfill exit
            lockgate_pass validate entrance
            lockgate_pass validate exit
            lockgate_pass observe entrance
            if ! lockgate_behind observe exit; then
                lockgate_call POST /activities examples/quick-start/observed.json >/dev/null
                lockgate_hand_over examples/quick-start/hand-over.json
            fi
            lockgate_pass observe exit
END
        in_run '. ./pipeline.sh "" deployed'
        in_run '. ./pipeline.sh wait deployed' >waited &
        waiting=$!
        for _ in $(seq 600); do
            if grep -q 'exit: pending' waited; then break; fi
            sleep 0.1
        done
        approve hello-ci
        for _ in $(seq 600); do
            if grep -q 'hand-over: proposed' waited; then break; fi
            sleep 0.1
        done
        olga=$(bin/lockgate token create --data data --for olga --role operations-manager --team shop)
        curl -sS -o /dev/null --fail-with-body -X POST -H "Authorization: Bearer $olga" \
            "$LOCKGATE_SERVER/api/v1/deployments/hello-ci/hand-over/acceptance"
        wait $waiting
        cat waited
        in_run '. ./pipeline.sh "" deployed'
    "#;
    let Some(said) = piped("pipeline", script) else { return };
    let expected = "
        hello-ci: requested
        plan-and-approve entrance: allow
        plan-and-approve exit: pending
        ended with 4
        hello-ci: in-progress
        plan-and-approve entrance: passed before
        plan-and-approve exit: pending
        plan-and-approve exit: allow
        fulfill entrance: allow
        deployed
        fulfill exit: allow
        validate entrance: allow
        validate exit: allow
        observe entrance: allow
        hand-over: proposed
        hand-over: accepted
        observe exit: allow
        ended with 0
        hello-ci: operational
        plan-and-approve entrance: passed before
        plan-and-approve exit: passed before
        fulfill entrance: passed before
        fulfill exit: passed before
        validate entrance: passed before
        validate exit: passed before
        observe entrance: passed before
        observe exit: passed before
        ended with 0";
    assert_eq!(said, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

#[test]
fn a_pipeline_that_is_denied_ends_with_2_is_given_up_and_asks_for_another_deployment_when_it_is_run_again() {
    let script = r#"
        in_run 'lockgate_give_up "nothing is there" $before echo way back'
        in_run 'lockgate_request examples/quick-start/request.json; lockgate_pass plan-and-approve entrance wait'
        in_run 'lockgate_give_up "the pipeline failed" $before echo way back'
        in_run "lockgate_request $again; lockgate_pass plan-and-approve entrance"
        approve hello-ci-2
        in_run 'lockgate_pass plan-and-approve exit; lockgate_pass fulfill entrance'
        in_run 'lockgate_give_up "the pipeline failed" $before false'
        in_run "lockgate_request $again; if ! lockgate_behind fulfill exit; then echo deployed; fi"
        in_run 'lockgate_give_up "the pipeline failed" $before echo way back'
        in_run 'echo "$DEPLOYMENT"'
    "#;
    let Some(said) = piped("pipeline-denied", script) else { return };
    let expected = "
        ended with 0
        hello-ci: requested
        plan-and-approve entrance: deny
        ended with 2
        hello-ci: aborted
        ended with 0
        hello-ci-2: requested
        plan-and-approve entrance: allow
        ended with 0
        plan-and-approve exit: allow
        fulfill entrance: allow
        ended with 0
        hello-ci-2: rolling-back
        ended with 1
        hello-ci-2: rolling-back
        ended with 1
        way back
        hello-ci-2: rolled-back
        ended with 0
        hello-ci-3
        ended with 0";
    assert_eq!(said, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

#[test]
fn a_pipeline_without_an_answer_ends_with_1() {
    let script = r#"
        exec 2>words
        in_run 'lockgate_pass plan-and-approve entrance'
        grep -c 'urn:lockgate:problem:not-found' words
        in_run "lockgate_request $again; lockgate_pass fulfill entrance"
        grep -c 'urn:lockgate:problem:illegal-move' words
        LOCKGATE_TOKEN=lgt_wrong in_run "lockgate_request $again"
        kill $server
        wait $server || true
        mkdir -p models/error
        sed 's/settings.worst-open-defect = "low"/limits.fuel = 1000/' examples/quick-start/model.toml >models/error/model.toml
        serve models/error/model.toml
        in_run "DEPLOYMENT=hello-starved; lockgate_request $again; lockgate_pass plan-and-approve entrance"
        LOCKGATE_SERVER=nowhere://127.0.0.1 in_run 'lockgate_give_up "the pipeline failed" $before echo way back'
    "#;
    let Some(said) = piped("pipeline-error", script) else { return };
    let expected = "
        ended with 1
        1
        hello-ci: requested
        ended with 1
        1
        ended with 1
        hello-starved: requested
        plan-and-approve entrance: error
        ended with 1
        ended with 1";
    assert_eq!(said, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

/// A server whose model has a canary, and a deployment of that model before the exit of plan-and-approve. `deploy.sh` fails at
/// what `FAILS` says.
const ROLLOUT: &str = r#"
    kill $server
    wait $server || true
    mkdir -p models/canary
    cp examples/quick-start/model.toml models/canary/model.toml
    cat >>models/canary/model.toml <<'END'

[plugins.canary]
component = "../../plugins/canary.wasm"

[strategy]
plugin = "canary"
settings.steps = [{ weight = 50, analyze = ["running"], confirm = true }]

[analyses.running]
plugin = "instance-readiness"
END
    bin/lockgate model pin models/canary/model.toml
    serve models/canary/model.toml
    jq '.deployment.plan.point_of_no_return = "replace-stable"' $again >canary.json
    cat >deploy.sh <<'END'
#!/bin/sh
echo "deploy.sh $*"
cp examples/quick-start/deployed.json actual.json
[ "${1:-}" != "${FAILS:-}" ]
END
    chmod +x deploy.sh
    sbom='lockgate_call PUT /evidence/sbom examples/new-version/sbom.cdx.json application/json'
    sbom="$sbom 'X-Evidence-Made: 2026-11-20T08:00:00Z'"
    in_run "lockgate_request canary.json; $sbom | jq -r .made; lockgate_pass plan-and-approve entrance"
"#;

#[test]
fn a_pipeline_carries_out_the_rollout_of_a_strategy_and_goes_on_where_it_stands() {
    let script = r#"
        export LOCKGATE_WAIT=0
        in_run 'lockgate_pass plan-and-approve exit wait'
        LOCKGATE_PENDING=true in_run 'lockgate_give_up "the pipeline failed" $before false'
        approve hello-ci
        in_run 'lockgate_pass plan-and-approve exit; lockgate_pass fulfill entrance'
        in_run 'lockgate_rollout actual.json ./deploy.sh'
        cat lockgate.env
        curl -sS -o /dev/null --fail-with-body -H "Authorization: Bearer $bo" --json '{"outcome": "resumed"}' \
            "$LOCKGATE_SERVER/api/v1/deployments/hello-ci/rollout/steps/canary-1-confirm"
        in_run 'lockgate_rollout actual.json ./deploy.sh'
        in_run 'lockgate_call POST /activities examples/quick-start/fulfilled.json >/dev/null; lockgate_pass fulfill exit'
    "#;
    let Some(said) = piped("pipeline-rollout", &format!("{ROLLOUT}{script}")) else { return };
    let expected = "
        hello-ci: requested
        2026-11-20T08:00:00Z
        plan-and-approve entrance: allow
        ended with 0
        plan-and-approve exit: pending
        ended with 4
        hello-ci is pending, and is not given up
        ended with 0
        plan-and-approve exit: allow
        fulfill entrance: allow
        ended with 0
        deploy.sh deploy canary 50
        canary-1-deploy: succeeded
        deploy.sh route canary 50
        canary-1-route: succeeded
        rollout: waiting-for-person: “Let somebody decide at 50 %”: a person has to say to go on
        ended with 4
        LOCKGATE_PENDING=true
        LOCKGATE_PENDING=true
        deploy.sh deploy canary 100
        shift-deploy: succeeded
        deploy.sh route canary 100
        shift-route: succeeded
        deploy.sh deploy stable 100
        replace-stable: succeeded
        deploy.sh route stable 100
        return-to-stable: succeeded
        deploy.sh remove canary
        retire-canary: succeeded
        ended with 0
        fulfill exit: allow
        ended with 0";
    assert_eq!(said, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

#[test]
fn a_rollout_whose_step_fails_ends_with_2_and_is_led_back() {
    let script = r#"
        approve hello-ci
        in_run 'lockgate_pass plan-and-approve exit; lockgate_pass fulfill entrance'
        FAILS=route in_run 'lockgate_rollout actual.json ./deploy.sh'
        in_run 'lockgate_give_up "the pipeline failed" $before echo way back'
    "#;
    let Some(said) = piped("pipeline-rollout-fails", &format!("{ROLLOUT}{script}")) else { return };
    let expected = "
        hello-ci: requested
        2026-11-20T08:00:00Z
        plan-and-approve entrance: allow
        ended with 0
        plan-and-approve exit: allow
        fulfill entrance: allow
        ended with 0
        deploy.sh deploy canary 50
        canary-1-deploy: succeeded
        deploy.sh route canary 50
        canary-1-route: failed
        rollout: the way back has begun
        ended with 2
        way back route stable 100
        back-route: succeeded
        way back remove canary
        back-remove-canary: succeeded
        hello-ci: rolled-back
        ended with 0";
    assert_eq!(said, expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}
