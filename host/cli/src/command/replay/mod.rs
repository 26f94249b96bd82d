//! `lockgate replay`: runs recordings again, as they were or with a candidate.

mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::args::Global;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{read_bytes, read_settings};
use crate::print;
use crate::recordings;
use crate::report::Form;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lockgate_engine::replay::{Candidate, Ended, Replayer};
use rayon::prelude::*;
use report::Report;

/// What to run again.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Recordings, and folders of them, as `eval --record` makes them.
    #[arg(required = true, value_name = "RECORDING|FOLDER")]
    recordings: Vec<PathBuf>,
    /// Where the recorded components are: files, or folders of `.wasm` files. Those in `components` beside the
    /// recordings are found without it.
    #[arg(long, value_name = "FILE|FOLDER")]
    plugins: Vec<PathBuf>,
    /// A candidate: runs all recordings of that plugin with this component, and reports what it would turn.
    #[arg(long, value_name = "PLUGIN=FILE", value_parser = named)]
    with: Option<(String, PathBuf)>,
    /// Runs the recordings with these settings instead of the recorded ones: JSON, or a file of it.
    #[arg(long, value_name = "FILE|JSON")]
    settings: Option<String>,
    /// The plugin whose settings are to be replaced. Needed only if there are recordings of several.
    #[arg(long, value_name = "NAME", requires = "settings", conflicts_with = "with")]
    plugin: Option<String>,
    /// How many threads run recordings. Without it: as many as the machine has cores.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// How to tell what came of it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

/// One recording that was run again.
pub(super) struct Run {
    pub(super) file: PathBuf,
    pub(super) plugin: String,
    pub(super) ended: Ended,
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
        let files = recordings::find(&self.recordings)?;
        let components = recordings::components(&files, &self.plugins)?;
        let candidate = self.candidate()?;
        let compares = candidate.is_some();
        let replayer = Replayer::new(host::runtime(global)?, components, candidate);
        let threads = self.threads.map_or(0, usize::from);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
        let bar = bar(files.len(), global.quiet);
        let began = Instant::now();
        let runs: Vec<Run> = pool.install(|| {
            let runs = files.into_par_iter().map(|file| {
                let run = match recordings::read(&file) {
                    Ok(recording) => Run { ended: replayer.replay(&recording), file, plugin: recording.plugin.name },
                    Err(why) => Run { ended: Ended::NotRun { why }, file, plugin: String::new() },
                };
                bar.inc(1);
                run
            });
            runs.collect()
        });
        let took = began.elapsed();
        bar.finish_and_clear();
        let report = Report::of(&runs, compares);
        if self.settings.is_some() && self.with.is_none() && self.plugin.is_none() && report.plugins.len() > 1 {
            return Err(InvalidInput::from(
                Diagnostic::error("it is not said whose settings these are")
                    .note(format!("there are recordings of {}", report.plugins()))
                    .help("name the plugin with `--plugin`"),
            )
            .into());
        }
        if report.concerned == 0 {
            let name = self.with.map(|(name, _)| name).or(self.plugin).unwrap_or_default();
            return Err(InvalidInput::from(
                Diagnostic::error(format!("there is no recording of a plugin `{name}` among the {}", runs.len()))
                    .note(format!("there are recordings of {}", report.plugins())),
            )
            .into());
        }
        match self.output {
            Form::Table => {
                print::text(report.table())?;
                if !global.quiet {
                    print::words(pace(runs.len(), took));
                }
            }
            Form::Json => print::data(serde_json::to_string_pretty(&report.document())?)?,
        }
        Ok(report.exit())
    }

    fn candidate(&self) -> anyhow::Result<Option<Candidate>> {
        let component: Option<Arc<[u8]>> = match &self.with {
            Some((_, file)) => Some(read_bytes(file, "plugin", 64 << 20)?.into()),
            None => None,
        };
        let settings = self.settings.as_deref().map(read_settings).transpose()?;
        if component.is_none() && settings.is_none() {
            return Ok(None);
        }
        let plugin = self.with.as_ref().map(|(name, _)| name.clone()).or_else(|| self.plugin.clone());
        Ok(Some(Candidate { plugin, component, settings }))
    }
}

/// Shows how far it has come, on a terminal.
fn bar(recordings: usize, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let form = "  {bar:40} {human_pos} of {human_len} recordings, {per_sec}, {eta} left";
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(recordings as u64), target).with_style(style)
}

fn pace(recordings: usize, took: Duration) -> String {
    let rate = recordings as f64 / took.as_secs_f64().max(f64::MIN_POSITIVE);
    format!("  {recordings} recordings in {:.1} s: {rate:.0} a second", took.as_secs_f64())
}
