//! Every example, with the command, the plugins and the models of the tree that a release holds: the commands of its README
//! and what they print; the verdicts, reasons and requirements that `expected.json` names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_domain::Deployment;
use lockgate_tests::{repository, tree};
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
    /// The registers of every decision, by name, and their files.
    registers: BTreeMap<String, String>,
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
    /// The registers that differ from those of every decision. Null: nobody keeps the register.
    #[serde(default)]
    registers: BTreeMap<String, Option<String>>,
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
        for (name, usual) in &self.expected.registers {
            let file = case.registers.get(name).map_or(Some(usual), Option::as_ref);
            if let Some(file) = file {
                command.arg("--register").arg(format!("{name}={file}"));
            }
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
    fn sign(&self, name: &str, registers: &BTreeMap<String, Option<String>>) -> PathBuf {
        let exit = Case {
            deployment: name.to_owned(),
            gate: "plan-and-approve exit".to_owned(),
            signed: false,
            approved: false,
            now: None,
            evidence: None,
            registers: registers.clone(),
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
        let signed = self.sign(&self.expected.approve, &BTreeMap::new());
        let exit = self.expected.cases.iter().find(|case| {
            let is_exit = case.deployment == self.expected.approve && case.gate == "plan-and-approve exit";
            is_exit && case.signed && case.verdict == "allow"
        });
        let decision = self.ask(exit.unwrap(), &signed, None);
        let file = self.scratch.join("approved.json");
        fs::write(&file, decision.to_string()).unwrap();
        file
    }

    /// The options that hand over the registers of every decision.
    fn registers(&self) -> Vec<String> {
        self.expected.registers.iter().map(|(name, file)| format!("--register={name}={file}")).collect()
    }

    fn holds(&self) {
        let approved = self.approve();
        for case in &self.expected.cases {
            let deployment =
                if case.signed { self.sign(&case.deployment, &case.registers) } else { case.deployment.clone().into() };
            let decision = self.ask(case, &deployment, case.approved.then_some(approved.as_path()));
            let what = format!("{} at {} {:?}", case.deployment, case.gate, case.registers);
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
    let signed = example.sign("request.json", &BTreeMap::new());
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(&example.folder)
        .args(["eval", "--model", "model.toml", "--now", &example.expected.now, "--output", "json", "--deployment"])
        .arg(signed)
        .args(example.registers())
        .output()
        .unwrap();
    let decisions: Value = serde_json::from_slice(&output.stdout).unwrap();
    let verdicts: Vec<&str> =
        decisions["items"].as_array().unwrap().iter().map(|decision| decision["verdict"].as_str().unwrap()).collect();
    // Both gates of planning, and the entrance of fulfill; then nobody has carried the rollout out.
    assert_eq!(verdicts, ["allow", "allow", "allow", "deny"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn of_several_models_the_one_that_applies_is_chosen_and_the_decision_says_why() {
    let example = Example::open("removal");
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(&example.folder)
        .args(["eval", "--model", "model.toml", "--model", "../new-version/model.toml"])
        .args(["--deployment", "request.json", "--now", &example.expected.now])
        .args(example.registers())
        .args(["--stage", "plan-and-approve", "--phase", "entrance", "--output", "json"])
        .output()
        .unwrap();
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(decision["model"]["id"], "removal");
    let because = decision["model"]["chosen_because"].as_str().unwrap();
    assert!(because.contains("`in-house-software` 1.0.0 does not apply"), "{because}");
}

/// A command of a README, and the lines below it that it is said to print.
struct ReadmeCommand {
    command: String,
    printed: String,
    /// The lines of the README that hold what is printed.
    place: Range<usize>,
}

/// The commands in the console blocks: a line after `$ `, and those after `> ` that go on with it.
fn commands_of(readme: &str) -> Vec<ReadmeCommand> {
    let mut commands: Vec<ReadmeCommand> = Vec::new();
    let mut in_block = false;
    for (index, line) in readme.lines().enumerate() {
        if line.starts_with("```") {
            in_block = line == "```console";
        } else if in_block && let Some(command) = line.strip_prefix("$ ") {
            let (command, printed) = (command.to_owned(), String::new());
            commands.push(ReadmeCommand { command, printed, place: index + 1..index + 1 });
        } else if in_block && let Some(last) = commands.last_mut() {
            match line.strip_prefix("> ") {
                Some(more) if last.printed.is_empty() => last.command.push_str(&format!("\n{more}")),
                _ => last.printed.push_str(&format!("{line}\n")),
            }
            let start = if last.printed.is_empty() { index + 1 } else { last.place.start };
            last.place = start..index + 1;
        }
    }
    commands
}

/// Runs the commands of an example's README in one shell, in a copy of its folder, and compares what each prints with what the
/// README shows. With `UPDATE_DOCS=1` the README of the repository gets what they print.
fn walk_through(name: &str) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme").join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&root);
    let (folder, printed) = (root.join("examples").join(name), root.join("printed"));
    fs::create_dir_all(&printed).unwrap();
    copy(&tree("examples").join(name), &folder);
    symlink(tree("plugins"), root.join("plugins")).unwrap();

    let file = repository("examples").join(name).join("README.md");
    let readme = fs::read_to_string(&file).unwrap();
    let commands = commands_of(&readme);
    let file_of = |index: usize| printed.join(index.to_string());
    let script: String = commands
        .iter()
        .enumerate()
        .map(|(index, one)| format!("{{ {}\n}} > '{}' 2>&1\n", one.command, file_of(index).display()))
        .collect();
    let path = format!("{}:{}", tree("bin").display(), std::env::var("PATH").unwrap());
    let run = Command::new("bash")
        .current_dir(&folder)
        .args(["-u", "-c", &script])
        .envs([("PATH", path.as_str()), ("COLUMNS", "110"), ("NO_COLOR", "1")])
        .output()
        .unwrap();
    assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));

    let mut lines: Vec<&str> = readme.lines().collect();
    let outputs: Vec<String> =
        (0..commands.len()).map(|index| fs::read_to_string(file_of(index)).unwrap_or_default()).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        for (command, output) in commands.iter().zip(&outputs).rev() {
            lines.splice(command.place.clone(), output.lines().map(str::trim_end));
        }
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        return;
    }
    for (command, output) in commands.iter().zip(&outputs) {
        let output: String = output.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        assert_eq!(output, command.printed, "`{}` in {}", command.command, file.display());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_readme_of_a_new_version_prints_what_it_shows() {
    walk_through("new-version");
}

#[test]
fn the_readme_of_a_first_release_prints_what_it_shows() {
    walk_through("first-release");
}

#[test]
fn the_readme_of_a_removal_prints_what_it_shows() {
    walk_through("removal");
}

#[test]
fn the_registers_complete_the_request_to_the_deployment_in_full() {
    let example = Example::open("new-version");
    let snapshot = example.scratch.join("snapshot.json");
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(&example.folder)
        .args(["eval", "--model", "model.toml", "--deployment", "request.json", "--now", &example.expected.now])
        .args(["--stage", "plan-and-approve", "--phase", "exit", "--save-snapshot"])
        .arg(&snapshot)
        .args(example.registers())
        .output()
        .unwrap();
    assert!(snapshot.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |file: &Path| fs::read_to_string(file).unwrap();
    let joined: Value = serde_json::from_str(&read(&snapshot)).unwrap();
    let whole: Deployment = serde_json::from_str(&read(&example.folder.join("deployment.json"))).unwrap();
    let whole = serde_json::to_value(whole).unwrap();
    for member in ["product", "release", "environment", "change", "actual_instances", "plan", "desired_instances"] {
        assert_eq!(joined[member], whole[member], "{member}");
    }
}
