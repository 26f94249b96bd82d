//! `lockgate eval`: may this deployment pass this gate? Or, if no gate is named: how far would it come?

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use lockgate_domain::{ApprovedPlan, Decision, Deployment, Gate, Phase, Stage, Timestamp, Verdict};
use lockgate_engine::model::Model;
use lockgate_engine::{LoadedModel, SelectModelError, SnapshotRequest, select_model};
use lockgate_runtime::Recording;
use lockgate_service::unknown_in_scope;

use crate::diagnostic::{Diagnostic, InvalidInput, Tone};
use crate::exit::Exit;
use crate::host;
use crate::input::{
    EvidenceArgument, Json, MadeArgument, date, read_decision, read_deployment, read_evidence, time_of_this_machine,
};
use crate::models;
use crate::options::{Global, parse_phase, parse_stage};
use crate::print;
use crate::recordings;
use crate::report::{Documents, Output, Told};

/// What to decide on.
#[derive(Debug, clap::Args)]
pub(crate) struct Eval {
    /// A deployment model. Of several, the one that applies to the deployment is chosen.
    #[arg(short, long = "model", value_name = "FILE", required = true)]
    models: Vec<PathBuf>,
    /// The deployment (JSON, see `lockgate schema deployment`); `-` reads standard input.
    #[arg(short, long, value_name = "FILE")]
    deployment: PathBuf,
    /// The stage: plan-and-approve, fulfill, validate or observe. Without it, all gates are tried in order up to the
    /// first that does not allow.
    #[arg(short, long, value_parser = parse_stage, requires = "phase")]
    stage: Option<Stage>,
    /// The phase: entrance or exit.
    #[arg(short, long, value_parser = parse_phase, requires = "stage")]
    phase: Option<Phase>,
    /// Evidence: a name and a file.
    #[arg(short, long, value_name = "NAME=FILE")]
    evidence: Vec<EvidenceArgument>,
    /// When a piece of evidence was made: its name, and a time or a date (the beginning of that day in UTC). Its `attested`,
    /// when it was handed in, is the time of the decision.
    #[arg(long, value_name = "NAME=RFC3339")]
    evidence_made: Vec<MadeArgument>,
    /// The decision (JSON) that allowed the exit of plan-and-approve: what it approved is carried on.
    #[arg(short, long, value_name = "FILE")]
    approved: Option<PathBuf>,
    /// The time of the decision. Without it: now.
    #[arg(long, value_name = "RFC3339")]
    now: Option<Timestamp>,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Writes the snapshot that was decided on, for `plugin run`.
    #[arg(long, value_name = "FILE", requires = "stage")]
    save_snapshot: Option<PathBuf>,
    /// Records every call of a plugin into this folder, for `lockgate replay`.
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
}

impl Eval {
    /// Decides, and tells it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let runtime = host::runtime(global)?;
        let mut invalid = InvalidInput::default();
        let loaded: Vec<Option<LoadedModel>> =
            self.models.iter().map(|path| invalid.keep(models::load(&runtime, path, global.quiet))).collect();
        let deployment = invalid.keep(read_deployment(&self.deployment));
        let now = self.now.unwrap_or_else(time_of_this_machine);
        let mut evidence = invalid.keep(read_evidence(&self.evidence));
        if let Some(evidence) = &mut evidence {
            invalid.keep(date(evidence, &self.evidence_made, now));
        }
        let approved = self.approved.as_deref().and_then(|path| invalid.keep(read_decision(path)));
        let (Some((mut deployment, document)), Some(evidence), true) = (deployment, evidence, invalid.is_empty())
        else {
            return Err(invalid.into());
        };
        let models: Vec<LoadedModel> = loaded.into_iter().flatten().collect();
        let approved = approved
            .map(|(decision, json)| {
                carry(decision, &json, &mut deployment, &document)?;
                Ok::<_, InvalidInput>(json)
            })
            .transpose()?;
        if !global.quiet {
            doubtful_waivers(&deployment, &models, &document)
                .into_iter()
                .for_each(|warning| print::words(warning.render()));
        }
        for model in &models {
            let granted = model.model().uses().filter_map(|used| used.grants.key_value.as_ref());
            host::has_place_for(global, granted.map(|granted| granted.namespace.as_str()))?;
        }
        let record = |chosen: &LoadedModel, recordings: &[Recording]| -> anyhow::Result<()> {
            let Some(folder) = &self.record else { return Ok(()) };
            let file = models.iter().zip(&self.models).find(|(model, _)| model.digest() == chosen.digest());
            let (_, file) = file.context("the model that was chosen is none of those that were handed in")?;
            recordings::keep(folder, recordings, chosen, file)
        };
        let record = self.record.as_ref().map(|_| &record as &Keep<'_>);
        let question = |gate, deployment| SnapshotRequest { deployment, gate, now, evidence: evidence.clone() };
        let asked = self.stage.zip(self.phase).map(|(stage, phase)| Gate { stage, phase });
        let decisions = match asked {
            Some(gate) => {
                let (decision, snapshot) = decide(&models, question(gate, deployment), record)?;
                if let Some(path) = &self.save_snapshot {
                    fs::write(path, snapshot).with_context(|| format!("cannot write `{}`", path.display()))?;
                }
                vec![decision]
            }
            None => walk(&models, deployment, question, record)?,
        };
        let told = Told {
            decisions: &decisions,
            documents: Documents { deployment: &document, approved: approved.as_ref() },
            single: asked.is_some(),
            details: global.verbose > 0,
        };
        let text = self.output.tell(&told)?;
        match self.output {
            Output::Table => print::text(text)?,
            _ => print::data(print::plain(&text))?,
        }
        decisions.last().map(|decision| Exit::from(decision.verdict)).context("no gate was asked")
    }
}

/// What is done with the recordings of a decision, and its model.
type Keep<'a> = dyn Fn(&LoadedModel, &[Recording]) -> anyhow::Result<()> + 'a;

/// One decision, and the snapshot that it was made on.
fn decide(
    models: &[LoadedModel],
    question: SnapshotRequest,
    record: Option<&Keep<'_>>,
) -> anyhow::Result<(Decision, String)> {
    let chosen = select_model(models, question).map_err(|error| match error {
        SelectModelError::Digest(error) => anyhow!(error),
        error => InvalidInput::from(Diagnostic::error(error.to_string())).into(),
    })?;
    let decision = match record {
        Some(keep) => {
            let (decision, recordings) = chosen.model.evaluate_recorded(&chosen.snapshot, &chosen.because)?;
            keep(&chosen.model, &recordings)?;
            decision
        }
        None => chosen.model.evaluate(&chosen.snapshot, &chosen.because)?,
    };
    Ok((decision, print::json(&*chosen.snapshot)?))
}

/// All gates in order, up to the first that does not allow. What the exit of plan-and-approve approves is carried on.
fn walk(
    models: &[LoadedModel],
    mut deployment: Deployment,
    question: impl Fn(Gate, Deployment) -> SnapshotRequest,
    record: Option<&Keep<'_>>,
) -> anyhow::Result<Vec<Decision>> {
    let mut decisions = Vec::new();
    for gate in Gate::all() {
        let (decision, _) = decide(models, question(gate, deployment.clone()), record)?;
        if deployment.approved.is_none() {
            deployment.approved.clone_from(&decision.approved);
        }
        let goes_on = decision.verdict == Verdict::Allow;
        decisions.push(decision);
        if !goes_on {
            break;
        }
    }
    Ok(decisions)
}

/// Warnings of waivers that name what none of the models has or lets be waived, and of waivers of a team. A server grants none of
/// the former; a document may have one for a model that was not handed in, and it names no team.
fn doubtful_waivers(deployment: &Deployment, models: &[LoadedModel], document: &Json) -> Vec<Diagnostic> {
    let models: Vec<&Model> = models.iter().map(LoadedModel::model).collect();
    let mut warnings = Vec::new();
    for (index, waiver) in deployment.waivers.iter().enumerate() {
        if let Some(team) = &waiver.scope.team {
            let title = format!(
                "the waiver `{}` is for the team `{team}`: a document names no team, so it counts here as if the deployment were \
                 that team's",
                waiver.id
            );
            let span = document.locate(&format!("/waivers/{index}/scope/team")).span(&document.source);
            warnings.push(Diagnostic::new(Tone::Warning, title).at(&document.source, span, "").plain());
        }
        for unknown in unknown_in_scope(&waiver.scope, &models) {
            let place = format!("/waivers/{index}/scope{}", unknown.pointer);
            let title = format!("the waiver `{}` does not count here: {}", waiver.id, unknown.message);
            let span = document.locate(&place).span(&document.source);
            warnings.push(Diagnostic::new(Tone::Warning, title).at(&document.source, span, "").plain());
        }
    }
    warnings
}

/// Puts what an earlier decision approved into the deployment.
fn carry(decision: Decision, json: &Json, deployment: &mut Deployment, document: &Json) -> Result<(), InvalidInput> {
    let file = &json.source.name;
    let at = |pointer: &str, title: String| {
        Diagnostic::error(title).at(&json.source, json.locate(pointer).span(&json.source), "")
    };
    let gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
    if decision.gate != gate {
        let title = format!("`{file}` is a decision about {}", decision.gate);
        return Err(at("/gate", title).help(format!("hand in the decision that allowed {gate}")).into());
    }
    if decision.deployment != deployment.id {
        let title =
            format!("`{file}` is a decision about deployment `{}`, not `{}`", decision.deployment, deployment.id);
        return Err(at("/deployment", title).help("hand in the decision about this deployment").into());
    }
    if !lockgate_engine::decision_id(&decision).is_ok_and(|id| id == decision.id) {
        let title =
            format!("`{file}` was changed after it was decided: `{}` is not the id of what it says", decision.id);
        return Err(at("/id", title).help("hand in the decision as `eval` printed it, or ask that gate again").into());
    }
    let approved: ApprovedPlan = match decision.approved {
        Some(approved) if decision.verdict == Verdict::Allow => approved,
        _ => {
            let title = format!("`{file}` did not allow {gate}: its verdict is `{}`", decision.verdict);
            return Err(at("/verdict", title).help("nothing is approved yet: ask that gate again").into());
        }
    };
    if deployment.approved.as_ref().is_some_and(|other| *other != approved) {
        let title = format!("`{}` says something else was approved than `{file}`", document.source.name);
        let span = document.locate("/approved").span(&document.source);
        let diagnostic = Diagnostic::error(title).at(&document.source, span, "");
        return Err(diagnostic.help("leave `approved` out of the deployment: `--approved` brings it").into());
    }
    deployment.approved = Some(approved);
    Ok(())
}
