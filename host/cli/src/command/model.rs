//! `lockgate model`: for who writes deployment models.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use lockgate_domain::Digest;
use lockgate_engine::LoadedModel;
use lockgate_engine::model::{self, Findings, Source};
use lockgate_runtime::Runtime;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{read_bytes, time_of_this_machine};
use crate::layout::grid;
use crate::models;
use crate::options::Global;
use crate::print;
use crate::terminal::{FAINT, GOOD, STRONG, WAITING, styled};

/// What to do with models.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Finds everything that is wrong with models: their text, their conditions, and how they use their plugins.
    Check(Check),
    /// Writes the digests of the plugins' files into models.
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
    /// The format of the output.
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

/// Which models to pin.
#[derive(Debug, clap::Args)]
pub(crate) struct Pin {
    /// The models' files. Only the digests in them change.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only checks: writes no file, and exits with 2 if a digest would change.
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
                print::data(print::list(&located)?)?;
            }
            Form::Table => {
                for (source, findings) in &found {
                    if findings.is_empty() {
                        print::text(format!("{}: {}", source.name, styled(GOOD, "no mistakes")))?;
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

/// All that is wrong with a model, and all that looks wrong.
fn check(source: &Source, path: &Path, runtime: Option<&Runtime>) -> Findings {
    match runtime {
        Some(runtime) => LoadedModel::check(runtime, source, models::folder_of(path), time_of_this_machine()),
        None => match model::check(source) {
            Ok(read) => read.warnings,
            Err(findings) => findings,
        },
    }
}

/// A model whose plugins were looked at, before anything is written.
struct Pinned<'a> {
    path: &'a Path,
    source: Source,
    text: String,
    rows: Vec<Vec<String>>,
}

impl Pin {
    /// Nothing is written unless all models can be pinned.
    fn run(self) -> anyhow::Result<Exit> {
        let mut invalid = InvalidInput::default();
        let mut all = Vec::new();
        for path in &self.files {
            all.extend(invalid.keep(Pinned::of(path)));
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
        let mut is_new = false;
        for Pinned { path, text, .. } in changed {
            is_new = true;
            if !self.check {
                fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
            }
        }
        Ok(if is_new && self.check { Exit::Denied } else { Exit::Success })
    }
}

impl<'a> Pinned<'a> {
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
            return Err(invalid);
        }
        let text = model::pin(&source.text, &digests).map_err(|error| Diagnostic::error(error.to_string()))?;
        Ok(Self { path, source, text, rows })
    }
}
