//! The documents of the domain that are read from files.

use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{Decision, Deployment, Snapshot};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::file::{LARGEST_DOCUMENT, read_text};
use super::json::Json;
use super::shape;
use crate::diagnostic::{Diagnostic, InvalidInput, Source};

/// A deployment, and the document that it was read from, so that answers can point into it.
///
/// # Errors
/// All that is wrong with the file.
pub(crate) fn read_deployment(path: &Path) -> Result<(Deployment, Json), InvalidInput> {
    let json = parse(path, "deployment")?;
    let deployment = shape::read(&json).map_err(|error| inside_of_another(&json).unwrap_or(error))?;
    Ok((deployment, json))
}

/// That the document is one that holds a deployment, as the body of a request to a server does, or a snapshot.
fn inside_of_another(json: &Json) -> Option<InvalidInput> {
    let document = json.value.as_object().filter(|document| !document.contains_key("product"))?;
    document.get("deployment")?.as_object()?;
    let span = json.locate("/deployment").span(&json.source);
    let diagnostic = Diagnostic::error("this is not a deployment: it holds one, under `deployment`");
    let help = "hand in what lies there, for example with `jq .deployment <file> | lockgate eval --deployment - …`";
    Some(diagnostic.at(&json.source, span, "the deployment").help(help).into())
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

/// Reads the settings of a plugin: a JSON file, or the JSON itself, which begins with a brace.
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

fn parse(path: &Path, what: &str) -> Result<Json, InvalidInput> {
    Json::parse(read_text(path, what, LARGEST_DOCUMENT)?, what)
}

fn read<T: JsonSchema + DeserializeOwned>(path: &Path, what: &str) -> Result<(T, Json), InvalidInput> {
    let json = parse(path, what)?;
    let value = shape::read(&json)?;
    Ok((value, json))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("document.json");
        std::fs::write(&path, text).unwrap();
        read_deployment(&path).unwrap_err().mistakes.iter().map(Diagnostic::render).collect()
    }

    #[test]
    fn a_request_is_told_to_hold_the_deployment() {
        let said = told(r#"{ "team": "shop", "deployment": { "id": "d-42" } }"#);
        assert_eq!(said.len(), 1, "{said:?}");
        let only = said.concat();
        assert!(only.contains("it holds one, under `deployment`") && only.contains("jq .deployment"), "{only}");
        // A deployment with a mistake stays one.
        let said = told(r#"{ "product": { "id": "shop" }, "deployment": { "id": "d-42" } }"#);
        assert!(said.len() > 1 && said.iter().any(|one| one.contains("`id` is missing")), "{said:?}");
    }
}
