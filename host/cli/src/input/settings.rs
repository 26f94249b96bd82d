//! Settings of a plugin: a JSON file, or the JSON itself as it stands on the command line.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Json, LARGEST_DOCUMENT, read_text};
use crate::diagnostic::{InvalidInput, Source};

/// Reads them. What begins with a brace is JSON, everything else a file.
///
/// # Errors
/// If the file cannot be read, or it is not JSON.
pub(crate) fn read_settings(argument: &str) -> Result<Value, InvalidInput> {
    let source = match argument.trim_start().starts_with('{') {
        true => Arc::new(Source { name: "--settings".to_owned(), text: argument.to_owned() }),
        false => read_text(Path::new(argument), "settings", LARGEST_DOCUMENT)?,
    };
    Ok(Json::parse(source, "settings")?.value)
}
