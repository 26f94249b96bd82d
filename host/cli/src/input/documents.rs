//! Reads deployments, decisions, snapshots and settings.

use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{Decision, Deployment, Snapshot};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::file::{LARGEST_DOCUMENT, read_text};
use super::json::JsonDocument;
use super::registers::RegisterFiles;
use super::shape;
use crate::diagnostic::{Diagnostic, InvalidInput, SourceText};

/// Reads a deployment. Diagnostics can point into the document that it was read from.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_deployment(path: &Path) -> Result<(Deployment, JsonDocument), InvalidInput> {
    read_deployment_with(path, &mut RegisterFiles::default())
}

/// Reads a deployment, which may name entries of these registers by their ids.
///
/// # Errors
/// Everything that is wrong with the file, and what contradicts the registers.
pub(crate) fn read_deployment_with(
    path: &Path,
    registers: &mut RegisterFiles,
) -> Result<(Deployment, JsonDocument), InvalidInput> {
    let mut json = parse(path, "deployment")?;
    if let Some(error) = contains_deployment(&json) {
        return Err(error);
    }
    registers.complete(&mut json)?;
    let deployment = shape::read(&json)?;
    Ok((deployment, json))
}

/// The error for a document that contains a deployment, like the body of a request to a server, or a snapshot.
fn contains_deployment(json: &JsonDocument) -> Option<InvalidInput> {
    let document = json.value.as_object().filter(|document| !document.contains_key("product"))?;
    document.get("deployment")?.as_object()?;
    let diagnostic = Diagnostic::error("this is not a deployment: it contains one, under `deployment`");
    let help = "extract it, for example with `jq .deployment <file> | lockgate eval --deployment - …`";
    Some(diagnostic.at_value(json.locate("/deployment"), "the deployment").help(help).into())
}

/// Reads a decision, as `lockgate eval --output json` printed it.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_decision(path: &Path) -> Result<(Decision, JsonDocument), InvalidInput> {
    read(path, "decision")
}

/// Reads a snapshot, as `lockgate eval --save-snapshot` wrote it. It does not contain the content of evidence.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_snapshot(path: &Path) -> Result<(Snapshot, JsonDocument), InvalidInput> {
    read(path, "snapshot")
}

/// Reads the settings of a plugin: a JSON file, or the JSON itself, which begins with a brace.
///
/// # Errors
/// If the file cannot be read, or it is not JSON.
pub(crate) fn read_settings(argument: &str) -> Result<Value, InvalidInput> {
    let source = match argument.trim_start().starts_with('{') {
        true => Arc::new(SourceText { name: "--settings".to_owned(), text: argument.to_owned() }),
        false => read_text(Path::new(argument), "settings", LARGEST_DOCUMENT)?,
    };
    Ok(JsonDocument::parse(source, "settings")?.value)
}

fn parse(path: &Path, what: &str) -> Result<JsonDocument, InvalidInput> {
    JsonDocument::parse(read_text(path, what, LARGEST_DOCUMENT)?, what)
}

fn read<T: JsonSchema + DeserializeOwned>(path: &Path, what: &str) -> Result<(T, JsonDocument), InvalidInput> {
    let json = parse(path, what)?;
    let value = shape::read(&json)?;
    Ok((value, json))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("document.json");
        std::fs::write(&path, text).unwrap();
        read_deployment(&path).unwrap_err().diagnostics.iter().map(Diagnostic::render).collect()
    }

    #[test]
    fn a_request_that_contains_a_deployment_is_recognised() {
        let said = messages(r#"{ "team": "shop", "deployment": { "id": "d-42" } }"#);
        assert_eq!(said.len(), 1, "{said:?}");
        let only = said.concat();
        assert!(only.contains("it contains one, under `deployment`") && only.contains("jq .deployment"), "{only}");
        // A deployment that is invalid is still one.
        let said = messages(r#"{ "product": { "id": "shop" }, "deployment": { "id": "d-42" } }"#);
        assert!(said.len() > 1 && said.iter().any(|one| one.contains("`id` is missing")), "{said:?}");
    }
}
