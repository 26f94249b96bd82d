//! `lockgate replay`: runs recordings or the decisions of a ledger again, as they were or with a candidate.

mod decisions;
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_engine::replay::{Replacement, ReplayOutcome, Replayer};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::{read_bytes, read_settings};
use crate::layout::Form;
use crate::options::Global;
use crate::{host, print, recordings, terminal};
use decisions::LedgerArguments;
use report::{Report, Run, Subject};

/// What to run again.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Recordings, and folders of them, as `eval --record` makes them. With `--ledger`: the ids of decisions; without any,
    /// all of them.
    #[arg(required_unless_present = "ledger", value_name = "RECORDING|FOLDER|DECISION")]
    what: Vec<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// Where the recorded components are: files, or folders of `.wasm` files. Those in `components` beside the
    /// recordings are found without it.
    #[arg(long, value_name = "FILE|FOLDER", conflicts_with = "ledger")]
    plugins: Vec<PathBuf>,
    /// A candidate: runs all recordings of that plugin with this component, and reports what it would turn.
    #[arg(long, value_name = "PLUGIN=FILE", value_parser = named, conflicts_with = "ledger")]
    with: Option<(String, PathBuf)>,
    /// Runs the recordings with these settings instead of the recorded ones: JSON, or a file of it.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "ledger")]
    settings: Option<String>,
    /// The plugin whose settings are to be replaced. Needed only if there are recordings of several.
    #[arg(long, value_name = "NAME", requires = "settings", conflicts_with_all = ["with", "ledger"])]
    plugin: Option<String>,
    /// How many threads run them. Without it: as many as the machine has cores.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("write `<plugin>=<file>`, with the name that the plugin has in the recordings".to_owned()),
    }
}

impl Replay {
    /// Runs them, and tells what came of it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        if self.ledger.is_named() {
            return self.run_decisions(global);
        }
        let files = recordings::find(&self.what)?;
        let components = recordings::components(&files, &self.plugins)?;
        let candidate = self.candidate()?;
        let compares = candidate.is_some();
        let replayer = Replayer::new(host::runtime(global)?, components, candidate);
        let pool = self.pool()?;
        let bar = terminal::progress_bar(Some(files.len() as u64), "recordings", global.quiet);
        let began = Instant::now();
        let runs: Vec<Run> = pool.install(|| {
            let runs = files.into_par_iter().map(|file| {
                let (ended, plugin) = match recordings::read(&file) {
                    Ok(recording) => (replayer.replay(&recording), recording.plugin.name),
                    Err(why) => (ReplayOutcome::NotRun { why }, String::new()),
                };
                bar.inc(1);
                Run::of_recording(&file, plugin, ended)
            });
            runs.collect()
        });
        let took = began.elapsed();
        bar.finish_and_clear();
        let report = Report::of(&runs, Subject::Recordings, compares);
        if self.settings.is_some() && self.with.is_none() && self.plugin.is_none() && report.by.len() > 1 {
            return Err(InvalidInput::from(
                Diagnostic::error("it is not said whose settings these are")
                    .note(format!("there are recordings of {}", report.all_by()))
                    .help("name the plugin with `--plugin`"),
            )
            .into());
        }
        if report.concerned == 0 {
            let name = self.with.map(|(name, _)| name).or(self.plugin).unwrap_or_default();
            return Err(InvalidInput::from(
                Diagnostic::error(format!("there is no recording of a plugin `{name}` among the {}", runs.len()))
                    .note(format!("there are recordings of {}", report.all_by())),
            )
            .into());
        }
        self.tell(&report, runs.len(), took, global)?;
        Ok(report.exit())
    }

    /// Makes the decisions of a ledger again, and tells what came of it.
    fn run_decisions(self, global: &Global) -> anyhow::Result<Exit> {
        let ids = self.what.iter().map(|id| id.to_string_lossy().into_owned()).collect();
        let replayed = self.ledger.replay(ids, &self.pool()?, global)?;
        let report = Report::of(&replayed.runs, Subject::Decisions, replayed.candidate.is_some());
        if let Some(id) = replayed.candidate.filter(|_| report.concerned == 0) {
            let title = format!("there is no decision by a model `{id}` among the {}", replayed.runs.len());
            let note = format!("there are decisions by {}", report.all_by());
            return Err(InvalidInput::from(Diagnostic::error(title).note(note)).into());
        }
        self.tell(&report, report.concerned, replayed.took, global)?;
        Ok(report.exit())
    }

    fn tell(&self, report: &Report<'_>, runs: usize, took: Duration, global: &Global) -> anyhow::Result<()> {
        match self.output {
            Form::Table => {
                print::text(report.table())?;
                if !global.quiet {
                    print::words(pace(runs, &report.subject.counted(runs), took));
                }
            }
            Form::Json => print::data(print::json(&report.document())?)?,
        }
        Ok(())
    }

    fn pool(&self) -> anyhow::Result<ThreadPool> {
        let threads = self.threads.map_or(0, usize::from);
        Ok(ThreadPoolBuilder::new().num_threads(threads).build()?)
    }

    fn candidate(&self) -> anyhow::Result<Option<Replacement>> {
        let component: Option<Arc<[u8]>> = match &self.with {
            Some((_, file)) => Some(read_bytes(file, "plugin", 64 << 20)?.into()),
            None => None,
        };
        let settings = self.settings.as_deref().map(read_settings).transpose()?;
        if component.is_none() && settings.is_none() {
            return Ok(None);
        }
        let plugin = self.with.as_ref().map(|(name, _)| name.clone()).or_else(|| self.plugin.clone());
        Ok(Some(Replacement { plugin, component, settings }))
    }
}

impl Run {
    fn of_recording(file: &Path, plugin: String, ended: ReplayOutcome) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let facts = [("recording", json!(file)), ("plugin", json!(plugin))];
        Self { name, facts: report::facts(facts), by: plugin, ended }
    }
}

fn pace(runs: usize, counted: &str, took: Duration) -> String {
    let rate = runs as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
    format!("  {counted} in {:.1} s: {rate:.0} a second", took.as_secs_f64())
}
