//! Deployment models from files: read, checked, and made ready to decide.

use std::path::Path;

use lockgate_engine::model::{Findings, Source, SourceError};
use lockgate_engine::{LoadReport, LoadedModel};
use lockgate_runtime::Runtime;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::not_found;
use crate::print;

/// The text of a model.
///
/// # Errors
/// If the file cannot be read as text.
pub(crate) fn read(path: &Path) -> Result<Source, InvalidInput> {
    Source::read(path).map_err(|error| match &error {
        SourceError::Unreadable { reason, .. } if reason.kind() == std::io::ErrorKind::NotFound => {
            not_found(path, "model").into()
        }
        _ if path.is_dir() => Diagnostic::error(format!("the model `{}` is a folder", path.display()))
            .help(format!("name the file in it, for example `{}`", path.join("model.toml").display()))
            .into(),
        _ => Diagnostic::error(error.to_string()).into(),
    })
}

/// A model that can decide. What only looks wrong with it is told on standard error, unless `quiet`.
///
/// # Errors
/// All that is wrong with the model.
pub(crate) fn load(runtime: &Runtime, path: &Path, quiet: bool) -> Result<LoadedModel, InvalidInput> {
    let source = read(path)?;
    match LoadedModel::load(runtime, &source, folder_of(path)) {
        Ok(LoadReport { model, warnings }) => {
            if !warnings.is_empty() && !quiet {
                print::words(warnings.render(&source, true));
            }
            Ok(model)
        }
        Err(findings) => Err(invalid(&source, &findings)),
    }
}

/// What is wrong with a model, as it is told.
pub(crate) fn invalid(source: &Source, findings: &Findings) -> InvalidInput {
    InvalidInput { mistakes: Vec::new(), models: vec![findings.render(source, true)] }
}

/// The folder in which a model looks for its plugins.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
