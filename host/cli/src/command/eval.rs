//! `lockgate eval`: evaluates one gate for a deployment, or all gates in order.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use lockgate_domain::{ApprovedPlan, Decision, Deployment, Gate, Phase, Stage, Timestamp, Verdict};
use lockgate_engine::model::Model;
use lockgate_engine::{LoadedModel, SelectModelError, SnapshotRequest, select_model};
use lockgate_runtime::Recording;
use lockgate_service::unknown_in_scope;

use crate::diagnostic::{Diagnostic, DiagnosticLevel, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{
    EvidenceArgument, EvidenceAttesterArgument, EvidenceDateArgument, EvidenceKeyArgument, EvidenceSignatureArgument,
    JsonDocument, RegisterArgument, RegisterFiles, read_decision, read_deployment_with, read_evidence, read_signatures,
    set_evidence_attesters, set_evidence_dates, time_of_this_machine, verify_signatures,
};
use crate::models;
use crate::options::{GlobalOptions, parse_phase, parse_stage};
use crate::print;
use crate::recordings;
use crate::report::{DecisionFormat, DecisionReport, InputDocuments};
use crate::terminal::{FAINT, styled};

#[derive(Debug, clap::Args)]
pub(crate) struct EvalCommand {
    /// A deployment model. If several are given, the one that applies to the deployment is used.
    #[arg(short, long = "model", value_name = "FILE", required = true)]
    models: Vec<PathBuf>,
    /// The deployment (JSON, see `lockgate schema deployment`); `-` reads standard input.
    #[arg(short, long, value_name = "FILE")]
    deployment: PathBuf,
    /// The stage: plan-and-approve, fulfill, validate or observe. Without it, all gates are evaluated in order, up to the
    /// first that does not allow.
    #[arg(short, long, value_parser = parse_stage, requires = "phase")]
    stage: Option<Stage>,
    /// The phase: entrance or exit.
    #[arg(short, long, value_parser = parse_phase, requires = "stage")]
    phase: Option<Phase>,
    /// Evidence: its name and a file. Repeatable.
    #[arg(short, long, value_name = "NAME=FILE")]
    evidence: Vec<EvidenceArgument>,
    /// A register: its name, and a file with one entry in each line, as `lockgate register list --output ndjson` prints them.
    /// Repeatable.
    #[arg(short, long = "register", value_name = "REGISTER=FILE")]
    registers: Vec<RegisterArgument>,
    /// When a piece of evidence was made: its name, and a time or a date (the start of that day in UTC). Repeatable.
    #[arg(long, value_name = "NAME=RFC3339")]
    evidence_made: Vec<EvidenceDateArgument>,
    /// Who attached a piece of evidence: its name, and a role, `service:<id>` or `person:<id>`, as a server would know it from the
    /// credential. Nothing of it is verified. Repeatable: one service or person, in several roles.
    #[arg(long, value_name = "NAME=ATTESTER")]
    evidence_attester: Vec<EvidenceAttesterArgument>,
    /// A signature beside a piece of evidence: its name and a file, as `cosign sign-blob` or openssl wrote it. It is verified with
    /// the keys of the registers `suppliers` and `people`. Repeatable.
    #[arg(long, value_name = "NAME=FILE")]
    evidence_signature: Vec<EvidenceSignatureArgument>,
    /// The key that made that signature, for example `build` or `supplier:acme#build` [default: any key of the registers].
    /// Repeatable.
    #[arg(long, value_name = "NAME=KEY")]
    evidence_key: Vec<EvidenceKeyArgument>,
    /// The decision (JSON) that allowed the exit of plan-and-approve. The later stages need the plan that it approved.
    #[arg(short, long, value_name = "FILE")]
    approved: Option<PathBuf>,
    /// The time of the decision [default: now].
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: DecisionFormat,
    /// Write the snapshot to this file, for `lockgate plugin run`.
    #[arg(long, value_name = "FILE", requires = "stage")]
    save_snapshot: Option<PathBuf>,
    /// Record every plugin call in this folder, for `lockgate replay`.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
}

impl EvalCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let runtime = host::runtime(global)?;
        let mut invalid = InvalidInput::default();
        let loaded: Vec<Option<LoadedModel>> =
            self.models.iter().map(|path| invalid.collect(models::load(&runtime, path, global.quiet))).collect();
        let registers = invalid.collect(RegisterFiles::read(&self.registers));
        let deployment = match registers {
            Some(mut registers) => {
                let deployment = invalid.collect(read_deployment_with(&self.deployment, &mut registers));
                deployment.map(|(deployment, document)| (deployment, document, registers))
            }
            // What the deployment names cannot be looked up.
            None => None,
        };
        let now = self.now.unwrap_or_else(time_of_this_machine);
        let mut evidence = invalid.collect(read_evidence(&self.evidence));
        let mut attesters = None;
        if let Some(evidence) = &mut evidence {
            invalid.collect(set_evidence_dates(evidence, &self.evidence_made, now));
            attesters = invalid.collect(set_evidence_attesters(evidence, &self.evidence_attester)).flatten();
        }
        let signatures = evidence.as_ref().and_then(|evidence| {
            invalid.collect(read_signatures(evidence, &self.evidence_signature, &self.evidence_key))
        });
        let approved = self.approved.as_deref().and_then(|path| invalid.collect(read_decision(path)));
        let (Some((mut deployment, mut document, mut registers)), Some(mut evidence), Some(signatures), true) =
            (deployment, evidence, signatures, invalid.is_empty())
        else {
            return Err(invalid.into());
        };
        registers.join(&mut deployment, &mut document, now)?;
        deployment.tell_drift();
        let unverified = verify_signatures(&mut evidence, &signatures, &registers.keys(), now)?;
        let models: Vec<LoadedModel> = loaded.into_iter().flatten().collect();
        let approved = approved
            .map(|(decision, json)| {
                carry_approved_plan(decision, &json, &mut deployment, &document)?;
                Ok::<_, InvalidInput>(json)
            })
            .transpose()?;
        if !global.quiet {
            if let Some(note) = registers.note() {
                print::message(format!("{}: {note}", styled(FAINT, "note")));
            }
            for note in attesters.into_iter().chain(unverified) {
                print::message(format!("{}: {note}", styled(FAINT, "note")));
            }
            waiver_warnings(&deployment, &models, &document)
                .into_iter()
                .for_each(|warning| print::message(warning.render()));
        }
        for model in &models {
            let granted = model.model().uses().filter_map(|used| used.grants.key_value.as_ref());
            host::check_state_folder(global, granted.map(|granted| granted.namespace.as_str()))?;
        }
        let record = |chosen: &LoadedModel, recordings: &[Recording]| -> anyhow::Result<()> {
            let Some(folder) = &self.record else { return Ok(()) };
            let file = models.iter().zip(&self.models).find(|(model, _)| model.digest() == chosen.digest());
            let (_, file) = file.context("the chosen model is not one of the given models")?;
            recordings::keep(folder, recordings, chosen, file)
        };
        let record = self.record.as_ref().map(|_| &record as &WriteRecordings<'_>);
        let question = |gate, deployment| SnapshotRequest { deployment, gate, now, evidence: evidence.clone() };
        let requested = self.stage.zip(self.phase).map(|(stage, phase)| Gate { stage, phase });
        let decisions = match requested {
            Some(gate) => {
                let (decision, snapshot) = decide(&models, question(gate, deployment), record)?;
                if let Some(path) = &self.save_snapshot {
                    fs::write(path, snapshot).with_context(|| format!("cannot write `{}`", path.display()))?;
                }
                vec![decision]
            }
            None => decide_all(&models, deployment, question, record)?,
        };
        let report = DecisionReport {
            decisions: &decisions,
            documents: InputDocuments { deployment: &document, approved: approved.as_ref() },
            single: requested.is_some(),
            details: global.verbose > 0,
        };
        let text = self.output.render(&report)?;
        match self.output {
            DecisionFormat::Table => print::text(text)?,
            _ => print::data(print::plain(&text))?,
        }
        decisions.last().map(|decision| Exit::from(decision.verdict)).context("no gate was evaluated")
    }
}

/// Writes the recordings of a decision by a model.
type WriteRecordings<'a> = dyn Fn(&LoadedModel, &[Recording]) -> anyhow::Result<()> + 'a;

/// Decides at one gate. Returns the decision and the snapshot as JSON.
fn decide(
    models: &[LoadedModel],
    question: SnapshotRequest,
    record: Option<&WriteRecordings<'_>>,
) -> anyhow::Result<(Decision, String)> {
    let chosen = select_model(models, question).map_err(|error| match error {
        SelectModelError::Digest(error) => anyhow!(error),
        error => InvalidInput::from(Diagnostic::error(error.to_string())).into(),
    })?;
    let decision = match record {
        Some(write) => {
            let (decision, recordings) = chosen.model.evaluate_recorded(&chosen.snapshot, &chosen.because)?;
            write(&chosen.model, &recordings)?;
            decision
        }
        None => chosen.model.evaluate(&chosen.snapshot, &chosen.because)?,
    };
    Ok((decision, print::json(&*chosen.snapshot)?))
}

/// Decides at all gates in order, up to the first that does not allow. Later gates get the plan that the exit of plan-and-approve
/// approved.
fn decide_all(
    models: &[LoadedModel],
    mut deployment: Deployment,
    question: impl Fn(Gate, Deployment) -> SnapshotRequest,
    record: Option<&WriteRecordings<'_>>,
) -> anyhow::Result<Vec<Decision>> {
    let mut decisions = Vec::new();
    for gate in Gate::all() {
        let (decision, _) = decide(models, question(gate, deployment.clone()), record)?;
        if deployment.approved.is_none() {
            deployment.approved.clone_from(&decision.approved);
        }
        let is_allowed = decision.verdict == Verdict::Allow;
        decisions.push(decision);
        if !is_allowed {
            break;
        }
    }
    Ok(decisions)
}

/// Warns about waivers whose scope no model has or allows, and about waivers for a team. A server never grants the former; a document
/// may have one for another model, and it does not name its team.
fn waiver_warnings(deployment: &Deployment, models: &[LoadedModel], document: &JsonDocument) -> Vec<Diagnostic> {
    let models: Vec<&Model> = models.iter().map(LoadedModel::model).collect();
    let mut warnings = Vec::new();
    for (index, waiver) in deployment.waivers.iter().enumerate() {
        if let Some(team) = &waiver.scope.team {
            let title = format!(
                "the waiver `{}` is for the team `{team}`. A file does not name the deployment's team, so the waiver is \
                 applied here",
                waiver.id
            );
            let location = document.locate(&format!("/waivers/{index}/scope/team"));
            warnings.push(Diagnostic::new(DiagnosticLevel::Warning, title).at_value(location, "").plain());
        }
        for unknown in unknown_in_scope(&waiver.scope, &models) {
            let place = format!("/waivers/{index}/scope{}", unknown.pointer);
            let title = format!("the waiver `{}` has no effect: {}", waiver.id, unknown.message);
            let location = document.locate(&place);
            warnings.push(Diagnostic::new(DiagnosticLevel::Warning, title).at_value(location, "").plain());
        }
    }
    warnings
}

/// Puts the plan that an earlier decision approved into the deployment.
fn carry_approved_plan(
    decision: Decision,
    json: &JsonDocument,
    deployment: &mut Deployment,
    document: &JsonDocument,
) -> Result<(), InvalidInput> {
    let file = &json.source.name;
    let at = |pointer: &str, title: String| Diagnostic::error(title).at_value(json.locate(pointer), "");
    let gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
    if decision.gate != gate {
        let title = format!("`{file}` is a decision of the gate {}", decision.gate);
        return Err(at("/gate", title).help(format!("pass the decision that allowed {gate}")).into());
    }
    if decision.deployment != deployment.id {
        let title = format!("`{file}` is a decision for deployment `{}`, not `{}`", decision.deployment, deployment.id);
        return Err(at("/deployment", title).help("pass the decision for this deployment").into());
    }
    if !lockgate_engine::decision_id(&decision).is_ok_and(|id| id == decision.id) {
        let title = format!("`{file}` was changed: its id `{}` does not match its content", decision.id);
        return Err(at("/id", title)
            .help("pass the decision exactly as `lockgate eval` printed it, or evaluate that gate again")
            .into());
    }
    let approved: ApprovedPlan = match decision.approved {
        Some(approved) if decision.verdict == Verdict::Allow => approved,
        _ => {
            let title = format!("`{file}` did not allow {gate}: its verdict is `{}`", decision.verdict);
            return Err(at("/verdict", title).help("there is no approved plan yet: evaluate that gate again").into());
        }
    };
    if deployment.approved.as_ref().is_some_and(|other| *other != approved) {
        let title = format!("the approved plan in `{}` differs from the one in `{file}`", document.source.name);
        let diagnostic = Diagnostic::error(title).at_value(document.locate("/approved"), "");
        return Err(diagnostic.help("remove `approved` from the deployment: `--approved` adds it").into());
    }
    deployment.approved = Some(approved);
    Ok(())
}
