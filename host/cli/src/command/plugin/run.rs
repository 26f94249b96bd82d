//! `lockgate plugin run`: one plugin, one snapshot, one answer; for who writes the plugin.

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
use crate::options::{Global, parse_phase, parse_stage};
use crate::print;

/// What to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// The component's file.
    file: PathBuf,
    /// The snapshot, as `eval --save-snapshot` writes it.
    #[arg(long, value_name = "FILE", required_unless_present = "deployment", conflicts_with = "deployment")]
    snapshot: Option<PathBuf>,
    /// The deployment of which to take a snapshot. No model is involved: its subject is not the one that `eval` has.
    #[arg(short, long, value_name = "FILE", requires_all = ["stage", "phase"])]
    deployment: Option<PathBuf>,
    /// The stage of the gate.
    #[arg(short, long, value_parser = parse_stage, conflicts_with = "snapshot")]
    stage: Option<Stage>,
    /// The phase of the gate.
    #[arg(short, long, value_parser = parse_phase, conflicts_with = "snapshot")]
    phase: Option<Phase>,
    /// The time of the snapshot. Without it: now.
    #[arg(long, value_name = "RFC3339", conflicts_with = "snapshot")]
    now: Option<Timestamp>,
    /// Evidence: a name and a file.
    #[arg(short, long, value_name = "NAME=FILE")]
    evidence: Vec<EvidenceArgument>,
    /// The settings: a JSON file, or the JSON itself.
    #[arg(long, value_name = "FILE|JSON", default_value = "{}")]
    settings: String,
    #[command(flatten)]
    grants: GrantArguments,
    /// Which function to call. Needed only if the plugin is of several kinds.
    #[arg(long, value_enum)]
    function: Option<Function>,
}

/// The functions that take nothing but a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Function {
    /// Of an approval policy.
    Decide,
    /// Of a validation check.
    Run,
    /// Of a strategy.
    Plan,
}

impl Function {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::ApprovalPolicy => Self::Decide,
            Kind::ValidationCheck => Self::Run,
            Kind::Strategy => Self::Plan,
        }
    }
}

impl Run {
    /// Asks. What the plugin changes in its namespace is kept in `--state`, for the next run. The answer goes to standard output; what
    /// the call used and logged, to standard error, unless it is to be quiet.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let snapshot = Arc::new(self.take_snapshot()?);
        let settings = read_settings(&self.settings)?;
        let grants = Grants::try_from(self.grants)?;
        host::has_place_for(global, grants.key_value.iter().map(|granted| granted.namespace.as_str()))?;
        let runtime = host::runtime(global)?;
        let component = read_bytes(&self.file, "plugin", 64 << 20)?;
        let request = LoadRequest { component: component.into(), settings, grants, limits: Limits::default() };
        let plugin = runtime.load(request).map_err(|error| refused(&self.file, &error))?;
        match function(self.function, &plugin)? {
            Function::Decide => tell(kept(global, plugin.decide(&snapshot))?, global.quiet),
            Function::Run => tell(kept(global, plugin.check(&snapshot))?, global.quiet),
            Function::Plan => tell(kept(global, plugin.plan(&snapshot))?, global.quiet),
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
                    let span = json.locate(&place).span(&json.source);
                    return Err(InvalidInput::from(
                        Diagnostic::error(format!("the evidence `{name}` is not the one that the snapshot names"))
                            .at(&json.source, span, "")
                            .note(format!("expected {digest}, found {}", piece.digest)),
                    )
                    .into());
                }
                // What the snapshot says of it stays: where it comes from, when it was made and handed in.
                let piece = match known {
                    Some(known) => Evidence { content: piece.content, ..known },
                    None => piece,
                };
                snapshot.evidence.insert(name, piece);
            }
            let absent = snapshot.evidence.iter().find(|(_, piece)| piece.content.len() as u64 != piece.size);
            if let Some((name, _)) = absent {
                return Err(InvalidInput::from(
                    Diagnostic::error(format!("the snapshot names the evidence `{name}`, which was not handed in"))
                        .help(format!("hand it in with `--evidence {name}=<file>`")),
                )
                .into());
            }
            return Ok(snapshot);
        }
        let path = self.deployment.as_deref().context("neither a snapshot nor a deployment was handed in")?;
        let (deployment, _) = read_deployment(path)?;
        let (Some(stage), Some(phase)) = (self.stage, self.phase) else {
            anyhow::bail!("a deployment needs `--stage` and `--phase`");
        };
        let subject = Snapshot::subject_of(&deployment, &evidence, Digest::of(b""))?;
        let now = self.now.unwrap_or_else(time_of_this_machine);
        Ok(Snapshot { deployment: deployment.into(), gate: Gate { stage, phase }, now, subject, evidence })
    }
}

fn function(asked: Option<Function>, plugin: &Plugin) -> anyhow::Result<Function> {
    let offered: Vec<Function> = plugin.kinds().iter().map(|kind| Function::of(*kind)).collect();
    let kinds: Vec<&str> = plugin.kinds().iter().map(|kind| kind.as_str()).collect();
    match (asked, offered.as_slice()) {
        (Some(asked), offered) if offered.contains(&asked) => Ok(asked),
        (None, [only]) => Ok(*only),
        (asked, _) => {
            let title = match asked {
                Some(_) => format!("the plugin is {}, which has no such function", kinds.join(" and ")),
                None => format!("the plugin is {}", kinds.join(" and ")),
            };
            Err(InvalidInput::from(Diagnostic::error(title).help("say with `--function` what to call")).into())
        }
    }
}

fn refused(file: &Path, error: &LoadError) -> InvalidInput {
    let diagnostic = Diagnostic::error(format!("`{}` cannot be loaded", file.display())).note(error.to_string());
    let inspect = format!("`lockgate plugin inspect {}` shows what it takes and asks for", file.display());
    diagnostic.help(inspect).into()
}

/// Keeps what the plugin changed in its namespace. If that cannot be done, the call has failed.
fn kept<T>(global: &Global, mut evaluation: Evaluation<T>) -> anyhow::Result<Evaluation<T>> {
    if let (Some(changes), Some(folder)) = (&evaluation.changes, &global.state)
        && let Err(error) = FolderOfNamespaces::open(folder)?.commit(changes)
    {
        evaluation.outcome = Err(NamespaceChanges::not_kept(&error));
    }
    Ok(evaluation)
}

fn tell<T: Serialize>(evaluation: Evaluation<T>, quiet: bool) -> anyhow::Result<Exit> {
    let Evaluation { outcome, receipt, log, log_dropped, .. } = evaluation;
    if !quiet {
        tell_use(&receipt, &log, log_dropped)?;
    }
    match outcome {
        Ok(answer) => {
            print::data(print::json(&answer)?)?;
            Ok(Exit::Success)
        }
        Err(failure) => Err(anyhow::Error::new(failure).context("the plugin gave no answer")),
    }
}

/// What the call logged and used.
fn tell_use(receipt: &Receipt, log: &[LogLine], log_dropped: u64) -> anyhow::Result<()> {
    for line in log {
        let level = serde_json::to_value(line.level)?;
        print::words(format!("{}: {}", level.as_str().unwrap_or_default(), print::plain(&line.message)));
    }
    if log_dropped > 0 {
        print::words(format!("and {}", counted(log_dropped, "more line", "more lines")));
    }
    let calls: Vec<String> = receipt.host_calls.iter().map(|(name, count)| format!("{name} {count}")).collect();
    print::words(fields(vec![
        ("function", format!("{}, by contract {}", receipt.function, receipt.contract)),
        ("component", receipt.component.to_string()),
        ("settings", receipt.settings.to_string()),
        ("fuel", format!("{}, and {} by the host", receipt.fuel, receipt.host_effort)),
        ("memory", crate::input::size(receipt.peak_memory)),
        ("time", format!("{} µs", receipt.wall_time_us)),
        ("host calls", if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }),
    ]));
    Ok(())
}
