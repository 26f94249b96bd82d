//! `lockgate replay`: replays recordings or the decisions of a ledger, unchanged or with a candidate.

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
use crate::layout::OutputFormat;
use crate::options::GlobalOptions;
use crate::{host, print, recordings, terminal};
use decisions::LedgerArguments;
use report::{ReplayKind, ReplayReport, ReplayedItem};

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayCommand {
    /// Recordings or folders of recordings, from `lockgate eval --record`. With `--ledger`: ids of decisions [default: all].
    #[arg(required_unless_present = "ledger", value_name = "RECORDING|FOLDER|DECISION")]
    what: Vec<PathBuf>,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// The recorded components: `.wasm` files, or folders with them. Components in `components` beside the recordings are
    /// found automatically.
    #[arg(long, value_name = "FILE|FOLDER", conflicts_with = "ledger")]
    plugins: Vec<PathBuf>,
    /// Replay the recordings of a plugin with this component instead, and report which results change.
    #[arg(long, value_name = "PLUGIN=FILE", value_parser = parse_candidate, conflicts_with = "ledger")]
    with: Option<(String, PathBuf)>,
    /// Replay the recordings with these settings instead: a JSON file, or JSON.
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "ledger")]
    settings: Option<String>,
    /// The plugin that `--settings` is for. Required if there are recordings of several plugins.
    #[arg(long, value_name = "NAME", requires = "settings", conflicts_with_all = ["with", "ledger"])]
    plugin: Option<String>,
    /// The number of threads [default: the number of cores].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

fn parse_candidate(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("write `<plugin>=<file>`, with the name of the plugin in the recordings".to_owned()),
    }
}

impl ReplayCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        if self.ledger.is_given() {
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
        let runs: Vec<ReplayedItem> = pool.install(|| {
            let runs = files.into_par_iter().map(|file| {
                let (ended, plugin) = match recordings::read(&file) {
                    Ok(recording) => (replayer.replay(&recording), recording.plugin.name),
                    Err(why) => (ReplayOutcome::NotRun { why }, String::new()),
                };
                bar.inc(1);
                ReplayedItem::of_recording(&file, plugin, ended)
            });
            runs.collect()
        });
        let took = began.elapsed();
        bar.finish_and_clear();
        let report = ReplayReport::of(&runs, ReplayKind::Recordings, compares);
        if self.settings.is_some() && self.with.is_none() && self.plugin.is_none() && report.by.len() > 1 {
            return Err(InvalidInput::from(
                Diagnostic::error("`--settings` needs `--plugin`: there are recordings of several plugins")
                    .note(format!("the plugins are {}", report.all_by()))
                    .help("give the plugin with `--plugin <name>`"),
            )
            .into());
        }
        if report.concerned == 0 {
            let name = self.with.map(|(name, _)| name).or(self.plugin).unwrap_or_default();
            return Err(InvalidInput::from(
                Diagnostic::error(format!("none of the {} recordings is of the plugin `{name}`", runs.len()))
                    .note(format!("the plugins are {}", report.all_by())),
            )
            .into());
        }
        self.print(&report, runs.len(), took, global)?;
        Ok(report.exit())
    }

    fn run_decisions(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let ids = self.what.iter().map(|id| id.to_string_lossy().into_owned()).collect();
        let replayed = self.ledger.replay(ids, &self.pool()?, global)?;
        let report = ReplayReport::of(&replayed.runs, ReplayKind::Decisions, replayed.candidate.is_some());
        if let Some(id) = replayed.candidate.filter(|_| report.concerned == 0) {
            let title = format!("none of the {} decisions is by the model `{id}`", replayed.runs.len());
            let note = format!("the models are {}", report.all_by());
            return Err(InvalidInput::from(Diagnostic::error(title).note(note)).into());
        }
        self.print(&report, report.concerned, replayed.took, global)?;
        Ok(report.exit())
    }

    fn print(
        &self,
        report: &ReplayReport<'_>,
        runs: usize,
        took: Duration,
        global: &GlobalOptions,
    ) -> anyhow::Result<()> {
        match self.output {
            OutputFormat::Table => {
                print::text(report.table())?;
                if !global.quiet {
                    print::message(speed(runs, &report.kind.counted(runs), took));
                }
            }
            OutputFormat::Json => print::data(print::json(&report.document())?)?,
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

impl ReplayedItem {
    fn of_recording(file: &Path, plugin: String, ended: ReplayOutcome) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let facts = [("recording", json!(file)), ("plugin", json!(plugin))];
        Self { name, facts: report::facts(facts), by: plugin, ended }
    }
}

fn speed(runs: usize, counted: &str, took: Duration) -> String {
    let rate = runs as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
    format!("  {counted} in {:.1} s: {rate:.0} a second", took.as_secs_f64())
}
