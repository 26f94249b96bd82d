//! `lockgate demo`: Lockgate's own release passes the stages of the Deploy value stream.
//!
//! The deployment has two builds of Lockgate with their real digests and SBOM, under the model of the example `demo`. Ten folders
//! are the live environment. Each gate is decided like `lockgate eval` does, from files that stay in the demo's folder; nothing in the
//! output is fixed beforehand.

#![allow(clippy::disallowed_methods, reason = "the demo decides without a ledger, by the clock of this machine")]

mod files;
mod live;
mod registers;
mod release;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use lockgate_domain::{
    Decision, Deployment, Digest, Evidence, Gate, Person, Phase, Progress, Stage, StepAction, Timestamp, Verdict,
    counted,
};
use lockgate_engine::rollout::RolloutEnd;
use lockgate_engine::{LoadedModel, SnapshotRequest, select_model};

use crate::exit::Exit;
use crate::input::{EvidenceArgument, JsonDocument, read_deployment, read_evidence, size};
use crate::layout::{fields, grid};
use crate::options::GlobalOptions;
use crate::print;
use crate::report::{DecisionFormat, DecisionReport, InputDocuments};
use crate::terminal::{self, FAINT, GOOD, STRONG, styled};
use crate::{host, models};
use files::{BINARY, LockgateBuild, place, write_model};
use live::{INSTANCES, LiveEnvironment};
use registers::DemoRegisters;
use release::{DeploymentParts, approval, hand_over};
use world::FolderWorld;

#[derive(Debug, clap::Args)]
pub(crate) struct DemoCommand {
    /// The `lockgate` binary that is live at the start.
    #[arg(long, value_name = "FILE")]
    current: PathBuf,
    /// The `lockgate` binary to deploy.
    #[arg(long, value_name = "FILE")]
    candidate: PathBuf,
    /// The CycloneDX SBOM of the candidate.
    #[arg(long, value_name = "FILE")]
    sbom: PathBuf,
    /// The commit that both were built from.
    #[arg(long, value_name = "HASH")]
    commit: String,
    /// The folder with the bundled plugins.
    #[arg(long, value_name = "FOLDER")]
    plugins: PathBuf,
    /// The folder with the examples, whose models are pinned.
    #[arg(long, value_name = "FOLDER")]
    examples: PathBuf,
    /// The folder for the demo's files. Existing files are replaced.
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
}

/// A run of the demo.
struct DemoRun {
    folder: PathBuf,
    model: LoadedModel,
    evidence: BTreeMap<String, Evidence>,
    details: bool,
}

impl DemoCommand {
    pub(crate) fn run(mut self, global: &GlobalOptions) -> Result<Exit> {
        for path in [&mut self.current, &mut self.candidate, &mut self.sbom, &mut self.dir] {
            *path = from_here(path);
        }
        fs::create_dir_all(&self.dir).with_context(|| place(&self.dir))?;
        let bill = self.dir.join("sbom.cdx.json");
        fs::copy(&self.sbom, &bill).with_context(|| place(&self.sbom))?;
        let example = self.examples.join("new-version");
        let model = write_model(&self.examples.join("demo/model.toml"), &self.plugins, &self.dir)?;
        let runtime = host::runtime(global)?;
        let stage = DemoRun {
            model: models::load(&runtime, &model, global.quiet)?,
            evidence: read_evidence(&[EvidenceArgument { name: "sbom".to_owned(), path: bill.clone() }])?,
            folder: self.dir.clone(),
            details: global.verbose > 0,
        };
        let (example, _) = read_deployment(&example.join("deployment.json"))?;
        self.play(&stage, &bill, example)?;
        Ok(Exit::Success)
    }

    fn play(&self, stage: &DemoRun, bill: &Path, example: Deployment) -> Result<()> {
        let current = LockgateBuild::of(&self.current, bill, &self.commit)?;
        let candidate = LockgateBuild::of(&self.candidate, bill, &self.commit)?;
        ensure!(current.digest != candidate.digest, "current and candidate are identical: there is nothing to deploy");
        let live = LiveEnvironment::set_up(self.dir.join("live"), &current.package)?;
        self.introduce(stage, &current, &candidate);
        let approvers: Vec<Person> = example.approvals.iter().map(|approval| approval.person.clone()).collect();
        let [first, second] = approvers.as_slice() else { bail!("the example must name two approvers") };
        let parts = DeploymentParts {
            example,
            current: &current,
            candidate: &candidate,
            commit: &self.commit,
            began: Timestamp::now(),
            inventory: live.inventory()?,
        };
        let mut deployment = parts.compose()?;
        let registers =
            DemoRegisters { folder: self.dir.join("registers"), change_authority: first, operations: second };
        registers.attest(&mut deployment)?;

        heading(1, "Plan & Approve");
        stage.pass("1-planned", &deployment, Stage::PlanAndApprove, Phase::Entrance)?;
        stage.lay_out(&mut deployment)?;
        say(&format!("{} approves, as {}. Then the gate is evaluated.", first.id, role(first)));
        deployment.approvals.push(stage.sign(first, &deployment)?);
        stage.stop("2-one-approver", &deployment, Stage::PlanAndApprove, Phase::Exit, Verdict::Pending)?;
        say(&format!("{} approves the same subject, as {}.", second.id, role(second)));
        anstream::println!();
        deployment.approvals.push(stage.sign(second, &deployment)?);
        let approved = stage.pass("3-two-approvers", &deployment, Stage::PlanAndApprove, Phase::Exit)?;
        stage.keep("approved", &approved)?;
        deployment.approved = approved.approved;

        heading(2, "Fulfill");
        stage.pass("4-approved", &deployment, Stage::Fulfill, Phase::Entrance)?;
        stage.roll_out(&live, &candidate, &mut deployment)?;
        deployment.actual_instances = live.inventory()?;
        registers.attest(&mut deployment)?;
        stage.pass("5-deployed", &deployment, Stage::Fulfill, Phase::Exit)?;

        heading(3, "Validate");
        stage.pass("6-validated", &deployment, Stage::Validate, Phase::Entrance)?;
        stage.pass("6-validated", &deployment, Stage::Validate, Phase::Exit)?;

        heading(4, "Observe");
        stage.pass("7-observed", &deployment, Stage::Observe, Phase::Entrance)?;
        deployment.actual_instances = live.inventory()?;
        registers.attest(&mut deployment)?;
        say(&format!("{} proposes the hand-over, and {} accepts it.", deployment.requester.id, second.id));
        deployment.hand_over = Some(hand_over(&deployment, second, Timestamp::now()));
        stage.pass("7-observed", &deployment, Stage::Observe, Phase::Exit)?;
        say(&format!("{} is operational in {INSTANCES} of {INSTANCES} instances.", candidate.package.release));

        section("What if somebody changes the binary after the approval?");
        let (tampered, byte) = candidate.tampered(&self.dir.join("tampered"), bill, &self.commit)?;
        say(&format!(
            "Byte {byte} of the binary is changed: {} becomes {}.",
            short(candidate.digest),
            short(tampered.digest)
        ));
        deployment.release.components = tampered.package.components;
        stage.stop("8-tampered", &deployment, Stage::Fulfill, Phase::Entrance, Verdict::Deny)?;
        let untouched = live.inventory()?.iter().filter(|instance| runs(instance, candidate.digest)).count();
        say(&format!("Nothing was deployed: {untouched} of {INSTANCES} instances still have the approved binary."));
        self.closing();
        Ok(())
    }

    fn introduce(&self, stage: &DemoRun, current: &LockgateBuild, candidate: &LockgateBuild) {
        let build =
            |build: &LockgateBuild| format!("{}  {}  {}", build.package.release, short(build.digest), size(build.size));
        let model = stage.model.model();
        anstream::println!("{}\n", styled(STRONG, "Lockgate's own release passes its own gates"));
        anstream::println!(
            "{}",
            fields(vec![
                ("live", format!("{}, in {INSTANCES} folders in {}", build(current), self.dir.join("live").display())),
                ("candidate", build(candidate)),
                ("commit", self.commit.clone()),
                (
                    "SBOM",
                    format!(
                        "{}, {}",
                        self.sbom.display(),
                        counted(stage.evidence.get("sbom").map_or(0, packages), "package", "packages")
                    )
                ),
                ("model", format!("{} {}: {}", model.id, model.version, model.title)),
            ])
        );
    }

    fn closing(&self) {
        let at = |name: &str| self.dir.join(name).display().to_string();
        let lockgate = self.current.display();
        section("Try it yourself");
        let model = format!("{lockgate} eval -m {} \\\n      -e sbom={}", at("model.toml"), at("sbom.cdx.json"));
        let lines = [
            ("which gates would pass with one approval?", format!("{model} -d {}", at("2-one-approver.json"))),
            (
                "what stops the changed binary?",
                format!("{model} \\\n      -d {} -s fulfill -p entrance", at("8-tampered.json")),
            ),
            (
                "what does the four-eyes plugin do and need?",
                format!("{lockgate} plugin inspect {}", at("plugins/four-eyes.wasm")),
            ),
        ];
        for (question, command) in lines {
            anstream::println!("  {}\n  {command}", styled(FAINT, format!("# {question}")));
        }
    }
}

impl DemoRun {
    /// Writes the deployment to a file, and decides at a gate from it.
    fn decide(&self, file: &str, deployment: &Deployment, gate: Gate) -> Result<(Decision, JsonDocument)> {
        let path = self.keep(file, deployment)?;
        let (deployment, document) = read_deployment(&path)?;
        let question = SnapshotRequest { deployment, gate, now: Timestamp::now(), evidence: self.evidence.clone() };
        let chosen = select_model(std::slice::from_ref(&self.model), question)?;
        Ok((chosen.model.evaluate(&chosen.snapshot, &chosen.because)?, document))
    }

    /// Evaluates a gate that must allow.
    fn pass(&self, file: &str, deployment: &Deployment, stage: Stage, phase: Phase) -> Result<Decision> {
        let (decision, document) = self.decide(file, deployment, Gate { stage, phase })?;
        if decision.verdict != Verdict::Allow {
            anstream::println!("{}", self.render(&decision, &document)?);
            bail!("the demo stops: {} does not allow", decision.gate);
        }
        let bindings: Vec<&str> = decision.bindings.iter().map(|binding| binding.id.as_str()).collect();
        let bindings = if bindings.is_empty() { "no bindings".to_owned() } else { bindings.join(", ") };
        anstream::println!(
            "  {} {} {}",
            styled(STRONG, format!("{:<8}", phase.as_str())),
            styled(GOOD, "allow"),
            styled(FAINT, bindings)
        );
        Ok(decision)
    }

    /// Evaluates a gate that must not allow.
    fn stop(&self, file: &str, deployment: &Deployment, stage: Stage, phase: Phase, verdict: Verdict) -> Result<()> {
        let (decision, document) = self.decide(file, deployment, Gate { stage, phase })?;
        anstream::println!("\n{}", self.render(&decision, &document)?);
        ensure!(decision.verdict == verdict, "the demo expected `{verdict}` here");
        Ok(())
    }

    fn render(&self, decision: &Decision, document: &JsonDocument) -> Result<String> {
        DecisionFormat::Table.render(&DecisionReport {
            decisions: std::slice::from_ref(decision),
            documents: InputDocuments { deployment: document, approved: None },
            single: true,
            details: self.details,
        })
    }

    /// Lets the strategy plan the rollout, which becomes part of the approved plan.
    fn lay_out(&self, deployment: &mut Deployment) -> Result<()> {
        let gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
        let snapshot = self.model.snapshot(deployment.clone(), gate, Timestamp::now(), self.evidence.clone())?;
        let rollout = self.model.lay_out(&snapshot)?;
        let no_return = rollout.point_of_no_return.clone();
        let rows = rollout.steps.iter().map(|step| {
            let last = if Some(&step.id) == no_return.as_ref() {
                styled(terminal::WAITING, "point of no return")
            } else {
                String::new()
            };
            vec![step.id.clone(), action(&step.action), last]
        });
        anstream::println!("\n{}", grid(&["step", "action", ""], rows.collect()));
        deployment.rollout = Some(rollout);
        Ok(())
    }

    /// A person approves the current release, plan, model and evidence.
    fn sign(&self, person: &Person, deployment: &Deployment) -> Result<lockgate_domain::Approval> {
        let gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
        let now = Timestamp::now();
        let snapshot = self.model.snapshot(deployment.clone(), gate, now, self.evidence.clone())?;
        Ok(approval(person, snapshot.subject, now))
    }

    fn roll_out(&self, live: &LiveEnvironment, candidate: &LockgateBuild, deployment: &mut Deployment) -> Result<()> {
        let rollout = deployment.rollout.clone().context("there is no rollout")?;
        let mut progress = Progress::new(rollout);
        let mut folders = FolderWorld {
            model: &self.model,
            live,
            package: &candidate.package,
            deployment,
            evidence: &self.evidence,
            is_analysing: false,
            results: Vec::new(),
        };
        match self.model.drive(&mut progress, &mut folders)? {
            RolloutEnd::Completed => {
                deployment.progress = Some(progress);
                Ok(())
            }
            end => bail!("the rollout did not complete: {end:?}"),
        }
    }

    /// Writes a document into the demo's folder.
    fn keep<T: serde::Serialize>(&self, name: &str, document: &T) -> Result<PathBuf> {
        let path = self.folder.join(format!("{name}.json"));
        fs::write(&path, print::json(document)?).with_context(|| place(&path))?;
        Ok(path)
    }
}

fn action(action: &StepAction) -> String {
    match action {
        StepAction::Deploy { to, capacity, .. } => format!("deploy {capacity} of {to}"),
        StepAction::Route { slot, weight, .. } => format!("route {weight} to {slot}"),
        StepAction::Hold { length: Some(length), .. } => format!("hold for {length}"),
        StepAction::Hold { length: None, .. } => "wait for a person".to_owned(),
        StepAction::Analyze { checks, .. } => format!("analyse {}", checks.join(", ")),
        StepAction::Disable(target) => format!("disable {target}"),
        StepAction::Remove(target) => format!("remove {target}"),
        StepAction::Work { instructions, .. } => instructions.clone(),
        StepAction::Activity { name, .. } => name.clone(),
        StepAction::Custom(document) => document.schema.clone(),
    }
}

fn runs(instance: &lockgate_domain::Instance, digest: Digest) -> bool {
    instance.components.iter().any(|component| component.name == BINARY && component.digest == Some(digest))
}

/// The path relative to the working folder, if it is in it.
fn from_here(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(here) {
        // A program without a folder in its path would be searched in `PATH`.
        Ok(below) if below.components().count() > 1 => below.to_owned(),
        _ => path.to_owned(),
    }
}

/// How many packages a CycloneDX document lists.
fn packages(bill: &Evidence) -> usize {
    let document: serde_json::Value = serde_json::from_slice(&bill.content).unwrap_or_default();
    document.get("components").and_then(|list| list.as_array()).map_or(0, Vec::len)
}

fn role(person: &Person) -> &str {
    person.roles.first().map_or("nobody", String::as_str)
}

fn short(digest: Digest) -> String {
    let hex = digest.hex();
    format!("sha256:{}…", hex.get(..12).unwrap_or(&hex))
}

fn heading(number: u8, stage: &str) {
    section(&format!("{number}  {stage}"));
}

fn section(title: &str) {
    anstream::println!("\n{}", styled(STRONG, title));
}

fn say(text: &str) {
    anstream::println!("\n{}", terminal::indented(text, "  "));
}
