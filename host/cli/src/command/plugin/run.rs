//! `lockgate plugin run`: runs one plugin on one snapshot, for authors of plugins.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::ValueEnum;
use lockgate_domain::{Digest, Evidence, Gate, Kind, LogLine, Phase, Receipt, Snapshot, Stage, Timestamp, counted};
use lockgate_runtime::{
    Evaluation, FolderOfNamespaces, Grants, Limits, LoadError, LoadRequest, NamespaceChanges, Plugin,
};
use serde::Serialize;

use super::grant::GrantArguments;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{
    EvidenceArgument, read_bytes, read_deployment, read_evidence, read_settings, read_snapshot, time_of_this_machine,
};
use crate::layout::fields;
use crate::options::{GlobalOptions, parse_phase, parse_stage};
use crate::print;

#[derive(Debug, clap::Args)]
pub(crate) struct RunCommand {
    /// The file of the plugin.
    file: PathBuf,
    /// The snapshot, from `lockgate eval --save-snapshot`.
    #[arg(long, value_name = "FILE", required_unless_present = "deployment", conflicts_with = "deployment")]
    snapshot: Option<PathBuf>,
    /// A deployment to make the snapshot from. Without a model, the snapshot's subject differs from that of `lockgate eval`.
    #[arg(short, long, value_name = "FILE", requires_all = ["stage", "phase"])]
    deployment: Option<PathBuf>,
    /// The stage of the gate: plan-and-approve, fulfill, validate or observe.
    #[arg(short, long, value_parser = parse_stage, conflicts_with = "snapshot")]
    stage: Option<Stage>,
    /// The phase of the gate: entrance or exit.
    #[arg(short, long, value_parser = parse_phase, conflicts_with = "snapshot")]
    phase: Option<Phase>,
    /// The time of the snapshot [default: now].
    #[arg(long, value_name = "RFC3339", conflicts_with = "snapshot")]
    now: Option<Timestamp>,
    /// Evidence: its name and a file. Repeatable.
    #[arg(short, long, value_name = "NAME=FILE")]
    evidence: Vec<EvidenceArgument>,
    /// The settings of the plugin: a JSON file, or JSON.
    #[arg(long, value_name = "FILE|JSON", default_value = "{}")]
    settings: String,
    #[command(flatten)]
    grants: GrantArguments,
    /// The function to call. Required if the plugin has several kinds.
    #[arg(long, value_enum)]
    function: Option<CalledFunction>,
}

/// The functions whose only input is a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CalledFunction {
    /// The function of approval policies.
    Decide,
    /// The function of validation checks.
    Run,
    /// The function of strategies.
    Plan,
}

impl CalledFunction {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::ApprovalPolicy => Self::Decide,
            Kind::ValidationCheck => Self::Run,
            Kind::Strategy => Self::Plan,
        }
    }
}

impl RunCommand {
    /// Runs the plugin. Its changes to its namespace are stored in the folder of `--state`. The answer goes to standard output; what the
    /// call used and logged goes to standard error.
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let snapshot = Arc::new(self.take_snapshot()?);
        let settings = read_settings(&self.settings)?;
        let grants = Grants::try_from(self.grants)?;
        host::check_state_folder(global, grants.key_value.iter().map(|granted| granted.namespace.as_str()))?;
        let runtime = host::runtime(global)?;
        let component = read_bytes(&self.file, "plugin", 64 << 20)?;
        let request = LoadRequest { component: component.into(), settings, grants, limits: Limits::default() };
        let plugin = runtime.load(request).map_err(|error| refused(&self.file, &error))?;
        match function(self.function, &plugin)? {
            CalledFunction::Decide => print_evaluation(store_changes(global, plugin.decide(&snapshot))?, global.quiet),
            CalledFunction::Run => print_evaluation(store_changes(global, plugin.check(&snapshot))?, global.quiet),
            CalledFunction::Plan => print_evaluation(store_changes(global, plugin.plan(&snapshot))?, global.quiet),
        }
    }

    fn take_snapshot(&self) -> anyhow::Result<Snapshot> {
        let evidence = read_evidence(&self.evidence)?;
        if let Some(path) = &self.snapshot {
            let (mut snapshot, json) = read_snapshot(path)?;
            for (name, piece) in evidence {
                let known = snapshot.evidence.get(&name).cloned();
                if let Some(digest) = known.as_ref().map(|known| known.digest).filter(|digest| *digest != piece.digest)
                {
                    let place = format!("/evidence/{name}/digest");
                    let span = json.locate(&place).span();
                    return Err(InvalidInput::from(
                        Diagnostic::error(format!("the evidence `{name}` differs from the one in the snapshot"))
                            .at(&json.source, span, "")
                            .note(format!("expected {digest}, found {}", piece.digest)),
                    )
                    .into());
                }
                // The snapshot has its source and dates.
                let piece = match known {
                    Some(known) => Evidence { content: piece.content, ..known },
                    None => piece,
                };
                snapshot.evidence.insert(name, piece);
            }
            let absent = snapshot.evidence.iter().find(|(_, piece)| piece.content.len() as u64 != piece.size);
            if let Some((name, _)) = absent {
                return Err(InvalidInput::from(
                    Diagnostic::error(format!("the snapshot needs the evidence `{name}`"))
                        .help(format!("pass it with `--evidence {name}=<file>`")),
                )
                .into());
            }
            return Ok(snapshot);
        }
        let path = self.deployment.as_deref().context("neither `--snapshot` nor `--deployment` was given")?;
        let (deployment, _) = read_deployment(path)?;
        let (Some(stage), Some(phase)) = (self.stage, self.phase) else {
            anyhow::bail!("a deployment needs `--stage` and `--phase`");
        };
        let subject = Snapshot::subject_of(&deployment, &evidence, Digest::of(b""))?;
        let now = self.now.unwrap_or_else(time_of_this_machine);
        Ok(Snapshot { deployment: deployment.into(), gate: Gate { stage, phase }, now, subject, evidence })
    }
}

fn function(requested: Option<CalledFunction>, plugin: &Plugin) -> anyhow::Result<CalledFunction> {
    let offered: Vec<CalledFunction> = plugin.kinds().iter().map(|kind| CalledFunction::of(*kind)).collect();
    let kinds: Vec<&str> = plugin.kinds().iter().map(|kind| kind.as_str()).collect();
    match (requested, offered.as_slice()) {
        (Some(requested), offered) if offered.contains(&requested) => Ok(requested),
        (None, [only]) => Ok(*only),
        (requested, _) => {
            let title = match requested {
                Some(_) => format!("the plugin does not have this function: its kinds are {}", kinds.join(" and ")),
                None => format!("the plugin has several functions: its kinds are {}", kinds.join(" and ")),
            };
            Err(InvalidInput::from(Diagnostic::error(title).help("choose one with `--function`")).into())
        }
    }
}

fn refused(file: &Path, error: &LoadError) -> InvalidInput {
    let diagnostic = Diagnostic::error(format!("cannot load the plugin `{}`", file.display())).note(error.to_string());
    let inspect = format!("see its settings and capabilities with `lockgate plugin inspect {}`", file.display());
    diagnostic.help(inspect).into()
}

/// Stores what the plugin changed in its namespace. If that fails, the call has failed.
fn store_changes<T>(global: &GlobalOptions, mut evaluation: Evaluation<T>) -> anyhow::Result<Evaluation<T>> {
    if let (Some(changes), Some(folder)) = (&evaluation.changes, &global.state)
        && let Err(error) = FolderOfNamespaces::open(folder)?.commit(changes)
    {
        evaluation.outcome = Err(NamespaceChanges::not_kept(&error));
    }
    Ok(evaluation)
}

fn print_evaluation<T: Serialize>(evaluation: Evaluation<T>, quiet: bool) -> anyhow::Result<Exit> {
    let Evaluation { outcome, receipt, log, log_dropped, .. } = evaluation;
    if !quiet {
        print_usage(&receipt, &log, log_dropped)?;
    }
    match outcome {
        Ok(answer) => {
            print::data(print::json(&answer)?)?;
            Ok(Exit::Success)
        }
        Err(failure) => Err(anyhow::Error::new(failure).context("the plugin failed")),
    }
}

/// Prints what the call logged and used.
fn print_usage(receipt: &Receipt, log: &[LogLine], log_dropped: u64) -> anyhow::Result<()> {
    for line in log {
        let level = serde_json::to_value(line.level)?;
        print::message(format!("{}: {}", level.as_str().unwrap_or_default(), print::plain(&line.message)));
    }
    if log_dropped > 0 {
        print::message(format!("and {}", counted(log_dropped, "more line", "more lines")));
    }
    let calls: Vec<String> = receipt.host_calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
    print::message(fields(vec![
        ("function", format!("{} (contract {})", receipt.function, receipt.contract)),
        ("component", receipt.component.to_string()),
        ("settings", receipt.settings.to_string()),
        ("fuel", format!("{}, host effort {}", receipt.fuel, receipt.host_effort)),
        ("memory", crate::input::size(receipt.peak_memory)),
        ("time", format!("{} µs", receipt.wall_time_us)),
        ("host calls", if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }),
    ]));
    Ok(())
}
