//! The documents of the domain that are read from files.

use std::path::Path;

use lockgate_domain::{Decision, Deployment, Snapshot};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::json::Json;
use super::{LARGEST_DOCUMENT, read_text, shape};
use crate::diagnostic::InvalidInput;

/// A deployment, and the document that it was read from, so that answers can point into it.
///
/// # Errors
/// All that is wrong with the file.
pub(crate) fn read_deployment(path: &Path) -> Result<(Deployment, Json), InvalidInput> {
    read(path, "deployment")
}

/// A decision that was made earlier.
///
/// # Errors
/// All that is wrong with the file.
pub(crate) fn read_decision(path: &Path) -> Result<(Decision, Json), InvalidInput> {
    read(path, "decision")
}

/// A snapshot as `lockgate eval --save-snapshot` wrote it; the content of its evidence travels beside it.
///
/// # Errors
/// All that is wrong with the file.
pub(crate) fn read_snapshot(path: &Path) -> Result<(Snapshot, Json), InvalidInput> {
    read(path, "snapshot")
}

fn read<T: JsonSchema + DeserializeOwned>(path: &Path, what: &str) -> Result<(T, Json), InvalidInput> {
    let json = Json::parse(read_text(path, what, LARGEST_DOCUMENT)?, what)?;
    let value = shape::read(&json)?;
    Ok((value, json))
}
