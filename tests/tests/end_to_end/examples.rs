//! Every example, as its README walks through it: the command, the plugins and the models of the tree that a release
//! holds; the verdicts, reasons and requirements that `expected.json` names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_tests::tree;
use serde::Deserialize;
use serde_json::Value;

/// What an example is expected to show.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The time of every decision that does not say another.
    now: String,
    /// The deployment whose approvals are given, and whose approval the later gates go by.
    approve: String,
    /// The evidence of every decision that does not say other.
    evidence: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    deployment: String,
    gate: String,
    /// Whether the approvals in the deployment name what is decided on.
    #[serde(default)]
    signed: bool,
    /// Whether the decision that allowed the exit of plan-and-approve is handed in.
    #[serde(default)]
    approved: bool,
    now: Option<String>,
    evidence: Option<BTreeMap<String, String>>,
    verdict: String,
    /// `<who says so>/<code>` of all that stands in the way.
    #[serde(default)]
    reasons: BTreeSet<String>,
    /// The codes of what would turn it.
    #[serde(default)]
    requirements: BTreeSet<String>,
}

struct Example {
    folder: PathBuf,
    scratch: PathBuf,
    expected: Expected,
}

impl Example {
    fn open(name: &str) -> Self {
        let folder = tree("examples").join(name);
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(name);
        fs::create_dir_all(&scratch).unwrap();
        let expected = fs::read_to_string(folder.join("expected.json")).unwrap();
        Self { folder, scratch, expected: serde_json::from_str(&expected).unwrap() }
    }

    /// Asks the command about one gate, and checks that its exit code says what its decision says.
    fn ask(&self, case: &Case, deployment: &Path, approved: Option<&Path>) -> Value {
        let (stage, phase) = case.gate.split_once(' ').unwrap();
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&self.folder).args(["eval", "--model", "model.toml", "--output", "json"]);
        command.args(["--stage", stage, "--phase", phase, "--now", case.now.as_ref().unwrap_or(&self.expected.now)]);
        command.arg("--deployment").arg(deployment);
        for (name, file) in case.evidence.as_ref().unwrap_or(&self.expected.evidence) {
            command.arg("--evidence").arg(format!("{name}={file}"));
        }
        if let Some(approved) = approved {
            command.arg("--approved").arg(approved);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let decision: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let code = match decision["verdict"].as_str().unwrap() {
            "allow" => 0,
            "deny" => 2,
            "pending" => 4,
            _ => 1,
        };
        assert_eq!(output.status.code(), Some(code), "{said}");
        decision
    }

    /// The deployment with its approvals bound to what is decided on, as its approvers would have done it: they name
    /// the subject, which the gate says when it is asked.
    fn sign(&self, name: &str) -> PathBuf {
        let exit = Case {
            deployment: name.to_owned(),
            gate: "plan-and-approve exit".to_owned(),
            signed: false,
            approved: false,
            now: None,
            evidence: None,
            verdict: String::new(),
            reasons: BTreeSet::new(),
            requirements: BTreeSet::new(),
        };
        let decision = self.ask(&exit, Path::new(name), None);
        let nothing = format!("sha256:{}", "0".repeat(64));
        let text = fs::read_to_string(self.folder.join(name)).unwrap();
        assert!(text.contains(&nothing), "{name} has approvals of nothing yet");
        let signed = self.scratch.join(name);
        fs::write(&signed, text.replace(&nothing, decision["subject"].as_str().unwrap())).unwrap();
        signed
    }

    /// The decision that allows the exit of plan-and-approve, in a file.
    fn approve(&self) -> PathBuf {
        let signed = self.sign(&self.expected.approve);
        let exit = self.expected.cases.iter().find(|case| {
            case.signed && case.deployment == self.expected.approve && case.gate == "plan-and-approve exit"
        });
        let decision = self.ask(exit.unwrap(), &signed, None);
        let file = self.scratch.join("approved.json");
        fs::write(&file, decision.to_string()).unwrap();
        file
    }

    fn holds(&self) {
        let approved = self.approve();
        for case in &self.expected.cases {
            let deployment = if case.signed { self.sign(&case.deployment) } else { case.deployment.clone().into() };
            let decision = self.ask(case, &deployment, case.approved.then_some(approved.as_path()));
            let what = format!("{} at {}", case.deployment, case.gate);
            assert_eq!(decision["verdict"], case.verdict.as_str(), "{what}: {decision:#}");
            assert_eq!(blocking_reasons(&decision), case.reasons, "{what}");
            assert_eq!(blocking_requirements(&decision), case.requirements, "{what}");
        }
    }
}

fn blocking(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().unwrap().iter().filter(|entry| entry["blocking"] == true)
}

fn blocking_reasons(decision: &Value) -> BTreeSet<String> {
    blocking(&decision["reasons"])
        .map(|reason| {
            let source = &reason["source"];
            let name = source.get("binding").or_else(|| source.get("group")).and_then(Value::as_str);
            format!("{}/{}", name.unwrap_or("lockgate"), reason["code"].as_str().unwrap())
        })
        .collect()
}

fn blocking_requirements(decision: &Value) -> BTreeSet<String> {
    blocking(&decision["requirements"]).map(|required| required["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_version_goes_from_plan_to_operation_or_is_stopped_where_its_readme_says() {
    Example::open("new-version").holds();
}

#[test]
fn a_first_release_goes_live_in_office_hours_while_nobody_uses_it() {
    Example::open("first-release").holds();
}

#[test]
fn a_removal_needs_a_decision_about_data_and_leaves_no_instance_behind() {
    Example::open("removal").holds();
}

#[test]
fn without_a_gate_all_gates_are_tried_up_to_the_first_that_does_not_allow() {
    let example = Example::open("removal");
    let signed = example.sign("deployment.json");
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(&example.folder)
        .args(["eval", "--model", "model.toml", "--now", &example.expected.now, "--output", "json", "--deployment"])
        .arg(signed)
        .output()
        .unwrap();
    let decisions: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdicts: Vec<&str> =
        decisions["items"].as_array().unwrap().iter().map(|decision| decision["verdict"].as_str().unwrap()).collect();
    // Both gates of planning, both of fulfillment, the entrance of validation; then the instances are still there.
    assert_eq!(verdicts, ["allow", "allow", "allow", "allow", "allow", "deny"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn of_several_models_the_one_that_applies_is_chosen_and_the_decision_says_why() {
    let example = Example::open("removal");
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(&example.folder)
        .args(["eval", "--model", "model.toml", "--model", "../new-version/model.toml"])
        .args(["--deployment", "deployment.json", "--now", &example.expected.now])
        .args(["--stage", "plan-and-approve", "--phase", "entrance", "--output", "json"])
        .output()
        .unwrap();
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(decision["model"]["id"], "removal");
    let because = decision["model"]["chosen_because"].as_str().unwrap();
    assert!(because.contains("`in-house-software` 1.0.0 does not apply"), "{because}");
}
