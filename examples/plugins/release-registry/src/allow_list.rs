//! Which releases may be deployed: a file that the operator lays out, and that changes without anybody touching the
//! deployment model.

use lockgate_plugin::directory::{Directory, UnreadableFile};
use lockgate_plugin::types::{Document, Release, Severity};
use lockgate_plugin::{Evaluation, Finding, Pointer, Requirement};
use serde::Deserialize;
use serde_json::json;

/// The name by which the directory has to be granted.
pub(crate) const DIRECTORY: &str = "catalog";
const FILE: &str = "releases.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowList {
    /// By id.
    releases: Vec<String>,
}

/// What is wrong, if the release is not on the list.
///
/// Without the list nothing can be told: that is an error, and no answer.
pub(crate) fn finding(evaluation: &Evaluation, release: &Release) -> Result<Option<Finding>, UnreadableFile> {
    let list: AllowList = Directory::named(evaluation, DIRECTORY).json(FILE)?;
    let id = &release.id;
    if list.releases.contains(id) {
        return Ok(None);
    }
    let entry = Document::new("release-registry/entry", json!({ "file": FILE, "release": id }).to_string());
    let listing = format!("somebody has to put `{id}` on the list `{FILE}` in the directory `{DIRECTORY}`");
    let finding = Finding::new("release-not-listed", format!("{} is not on the list", release.name))
        .about(id)
        .at(Pointer::root().key("release").key("id"))
        .remedy(Requirement::new("list-release", listing, entry));
    Ok(Some(finding.severity(Severity::High)))
}
