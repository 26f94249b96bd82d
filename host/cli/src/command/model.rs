//! `lockgate model`: for who writes deployment models.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use lockgate_domain::Digest;
use lockgate_engine::LoadedModel;
use lockgate_engine::model::{self, Findings, Severity, Source};
use lockgate_runtime::Runtime;

use crate::args::Global;
use crate::diagnostic::InvalidInput;
use crate::exit::Exit;
use crate::host;
use crate::input::read_bytes;
use crate::models;
use crate::print;
use crate::report::grid;
use crate::terminal::{FAINT, GOOD, WAITING, styled};

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Finds everything that is wrong with models: their text, their conditions, and how they use their plugins.
    Check(Check),
    /// Writes the digests of the plugins' files into a model.
    Pin(Pin),
}

/// Which models to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The models' files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Looks at the text alone, not at the plugins.
    #[arg(long)]
    text_only: bool,
    /// How to tell what was found.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// For tools.
    Json,
}

/// Which model to pin.
#[derive(Debug, clap::Args)]
pub(crate) struct Pin {
    /// The model's file. Only the digests in it change.
    file: PathBuf,
    /// Writes nothing, and ends as denied if a digest would change.
    #[arg(long)]
    check: bool,
}

impl Model {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Check(command) => command.run(global),
            Self::Pin(command) => command.run(),
        }
    }
}

impl Check {
    fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let runtime = if self.text_only { None } else { Some(host::runtime(global)?) };
        let mut unreadable = InvalidInput::default();
        let mut found = Vec::new();
        for path in &self.files {
            if let Some(source) = unreadable.keep(models::read(path)) {
                let findings = check(&source, path, runtime.as_ref());
                found.push((source, findings));
            }
        }
        let usable = found.iter().all(|(_, findings)| !findings.has_errors());
        match self.output {
            Form::Json => {
                let located: Vec<_> = found.iter().flat_map(|(source, findings)| findings.located(source)).collect();
                print::data(serde_json::to_string_pretty(&located)?)?;
            }
            Form::Table => {
                for (source, findings) in &found {
                    if findings.is_empty() {
                        print::text(format!("{}: {}", source.name, styled(GOOD, "nothing found")))?;
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

/// All that is wrong with a model. That a plugin is not pinned keeps it from deciding, but it is not wrong: it is being
/// written.
fn check(source: &Source, path: &std::path::Path, runtime: Option<&Runtime>) -> Findings {
    let checked = match runtime {
        None => model::check(source).map(|read| read.warnings),
        Some(runtime) => LoadedModel::load(runtime, source, models::folder_of(path)).map(|ready| ready.warnings),
    };
    let (Ok(findings) | Err(findings)) = checked;
    findings
        .into_iter()
        .map(|mut finding| {
            if finding.code == "unpinned-plugin" {
                finding.severity = Severity::Warning;
            }
            finding
        })
        .collect()
}

impl Pin {
    fn run(self) -> anyhow::Result<Exit> {
        const LARGEST: u64 = 64 << 20;
        let source = models::read(&self.file)?;
        let read = model::read(&source).map_err(|findings| models::invalid(&source, &findings))?;
        let folder = models::folder_of(&self.file);
        let mut invalid = InvalidInput::default();
        let mut digests: BTreeMap<String, Digest> = BTreeMap::new();
        let mut rows = Vec::new();
        for (name, plugin) in &read.model.plugins {
            let bytes = read_bytes(&folder.join(&plugin.component), &format!("plugin `{name}`"), LARGEST);
            let Some(bytes) = invalid.keep(bytes) else { continue };
            let digest = Digest::of(&bytes);
            let change = match plugin.digest {
                Some(pinned) if pinned == digest => styled(FAINT, "as it was"),
                Some(_) => styled(WAITING, "changed"),
                None => styled(GOOD, "new"),
            };
            rows.push(vec![name.clone(), change, digest.to_string()]);
            digests.insert(name.clone(), digest);
        }
        if !invalid.is_empty() {
            return Err(invalid.into());
        }
        let pinned = model::pin(&source.text, &digests)?;
        print::text(grid(&["plugin", "digest is", "digest"], rows))?;
        let is_new = pinned != source.text;
        if is_new && !self.check {
            fs::write(&self.file, pinned).with_context(|| format!("cannot write `{}`", self.file.display()))?;
        }
        Ok(if is_new && self.check { Exit::Denied } else { Exit::Success })
    }
}
