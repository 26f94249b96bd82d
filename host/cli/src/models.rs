//! Reads and loads deployment models from files.

use std::path::Path;

use lockgate_engine::model::{ModelFindings, Source, SourceError};
use lockgate_engine::{LoadReport, LoadedModel};
use lockgate_runtime::Runtime;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::not_found;
use crate::print;

/// Reads the text of a model.
///
/// # Errors
/// If the file cannot be read as text.
pub(crate) fn read(path: &Path) -> Result<Source, InvalidInput> {
    Source::read(path).map_err(|error| match &error {
        SourceError::Unreadable { reason, .. } if reason.kind() == std::io::ErrorKind::NotFound => {
            not_found(path, "model").into()
        }
        _ if path.is_dir() => Diagnostic::error(format!("`{}` is a folder, not a model", path.display()))
            .help(format!("give a file, for example `{}`", path.join("model.toml").display()))
            .into(),
        _ => Diagnostic::error(error.to_string()).into(),
    })
}

/// Loads a model. Its warnings are printed, unless `quiet`.
///
/// # Errors
/// Everything that is wrong with the model.
pub(crate) fn load(runtime: &Runtime, path: &Path, quiet: bool) -> Result<LoadedModel, InvalidInput> {
    let source = read(path)?;
    match LoadedModel::load(runtime, &source, folder_of(path)) {
        Ok(LoadReport { model, warnings }) => {
            if !warnings.is_empty() && !quiet {
                print::message(warnings.render(&source, true));
            }
            Ok(model)
        }
        Err(findings) => Err(invalid(&source, &findings)),
    }
}

/// The findings about a model, as invalid input.
pub(crate) fn invalid(source: &Source, findings: &ModelFindings) -> InvalidInput {
    InvalidInput { diagnostics: Vec::new(), models: vec![findings.render(source, true)] }
}

/// The folder that the plugins of a model are looked up in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
