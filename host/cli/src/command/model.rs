//! `lockgate model`: for the authors of deployment models.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use lockgate_domain::{AttestRules, Digest};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::{self, ModelFindings, Source};
use lockgate_runtime::Runtime;
use lockgate_server::config::ConfigInput;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{read_bytes, time_of_this_machine};
use crate::layout::{OutputFormat, grid};
use crate::models;
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{FAINT, GOOD, STRONG, WAITING, styled};

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Check models: their text, their conditions, and the settings and grants of their plugins.
    Check(CheckModelCommand),
    /// Write the digests of the plugins' files into models.
    Pin(PinCommand),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CheckModelCommand {
    /// The files of the models.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Check only the text, without loading plugins.
    #[arg(long)]
    text_only: bool,
    /// The configuration file of the server: also warn of demands that nobody can meet whom it lets attest.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PinCommand {
    /// The files of the models. Only the digests in them change.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Dry run; exit 2 if a digest differs.
    #[arg(long)]
    check: bool,
}

impl ModelCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        match self {
            Self::Check(command) => command.run(global),
            Self::Pin(command) => command.run(),
        }
    }
}

impl CheckModelCommand {
    fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let runtime = if self.text_only { None } else { Some(host::runtime(global)?) };
        let mut unreadable = InvalidInput::default();
        let attest = self.config.as_deref().and_then(|config| unreadable.collect(attest_rules(config)));
        let mut found = Vec::new();
        for path in &self.files {
            if let Some(source) = unreadable.collect(models::read(path)) {
                let mut findings = check(&source, path, runtime.as_ref());
                if let (Some(rules), (Some(read), _)) = (&attest, model::read_partly(&source)) {
                    findings.extend(model::attesters_without_rule(&read, rules));
                }
                found.push((source, findings));
            }
        }
        let usable = found.iter().all(|(_, findings)| !findings.has_errors());
        match self.output {
            OutputFormat::Json => {
                let located: Vec<_> = found.iter().flat_map(|(source, findings)| findings.located(source)).collect();
                print::data(print::list(&located)?)?;
            }
            OutputFormat::Table => {
                for (source, findings) in &found {
                    if findings.is_empty() {
                        print::text(format!("{}: {}", source.name, styled(GOOD, "OK, no problems")))?;
                    } else {
                        print::text(findings.render(source, true).trim_end())?;
                    }
                }
            }
        }
        if unreadable.is_empty() {
            return Ok(if usable { Exit::Success } else { Exit::InvalidInput });
        }
        Err(unreadable.into())
    }
}

/// Who may attest entries of registers by the configuration of a server.
fn attest_rules(config: &Path) -> Result<AttestRules, InvalidInput> {
    let mut input = ConfigInput::default();
    let loaded = input.read_file(Some(config)).and_then(|()| input.load());
    let loaded = loaded.map_err(|error| Diagnostic::error(error.to_string()))?;
    Ok(AttestRules::new(loaded.config.attest))
}

/// The errors and warnings about a model.
fn check(source: &Source, path: &Path, runtime: Option<&Runtime>) -> ModelFindings {
    match runtime {
        Some(runtime) => LoadedModel::check(runtime, source, models::folder_of(path), time_of_this_machine()),
        None => match model::check(source) {
            Ok(read) => read.warnings,
            Err(findings) => findings,
        },
    }
}

/// A model with the digests of its plugins, before it is written.
struct PinnedModel<'a> {
    path: &'a Path,
    source: Source,
    text: String,
    rows: Vec<Vec<String>>,
}

impl PinCommand {
    /// Pins all models, or none if one cannot be pinned.
    fn run(self) -> anyhow::Result<Exit> {
        let mut invalid = InvalidInput::default();
        let mut all = Vec::new();
        for path in &self.files {
            all.extend(invalid.collect(PinnedModel::of(path)));
        }
        if !invalid.is_empty() {
            return Err(invalid.into());
        }
        let several = all.len() > 1;
        for pinned in &all {
            let table = grid(&["plugin", "digest is", "digest"], pinned.rows.clone());
            let name = styled(STRONG, print::plain(&pinned.source.name));
            print::text(if several { format!("{name}\n{table}") } else { table })?;
        }
        let changed = all.iter().filter(|pinned| pinned.text != pinned.source.text);
        let mut differs = false;
        for PinnedModel { path, text, .. } in changed {
            differs = true;
            if !self.check {
                fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
            }
        }
        Ok(if differs && self.check { Exit::Denied } else { Exit::Success })
    }
}

impl<'a> PinnedModel<'a> {
    fn of(path: &'a Path) -> Result<Self, InvalidInput> {
        const LARGEST: u64 = 64 << 20;
        let source = models::read(path)?;
        let read = model::read(&source).map_err(|findings| models::invalid(&source, &findings))?;
        let folder = models::folder_of(path);
        let mut invalid = InvalidInput::default();
        let mut digests: BTreeMap<String, Digest> = BTreeMap::new();
        let mut rows = Vec::new();
        for (name, plugin) in &read.model.plugins {
            let bytes = read_bytes(&folder.join(&plugin.component), &format!("plugin `{name}`"), LARGEST);
            let Some(bytes) = invalid.collect(bytes) else { continue };
            let digest = Digest::of(&bytes);
            let change = match plugin.digest {
                Some(pinned) if pinned == digest => styled(FAINT, "unchanged"),
                Some(_) => styled(WAITING, "changed"),
                None => styled(GOOD, "new"),
            };
            rows.push(vec![name.clone(), change, digest.to_string()]);
            digests.insert(name.clone(), digest);
        }
        if !invalid.is_empty() {
            return Err(invalid);
        }
        let text = model::pin(&source.text, &digests).map_err(|error| Diagnostic::error(error.to_string()))?;
        Ok(Self { path, source, text, rows })
    }
}
