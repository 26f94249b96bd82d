//! What a scanner has found in a release.
//!
//! It is asked about the digest, so that what it has seen is what is deployed. It answers 404 until it has seen it, and
//! then `{"findings": [{"id": "CVE-2026-1", "severity": "high"}]}`.

use lockgate_plugin::http::{HttpError, Request, Response};
use lockgate_plugin::types::{Document, Severity};
use lockgate_plugin::{Evaluation, Finding, PluginError, Pointer, Requirement};
use serde::Deserialize;
use serde_json::json;

use crate::settings::Settings;

/// What came of asking.
pub(crate) enum Scan {
    /// It has found nothing that is not borne.
    Clean,
    /// It has.
    Found(Vec<Finding>),
    /// There is no answer yet: what to say of that, and why in few words.
    Missing(Finding, &'static str),
}

#[derive(Deserialize)]
struct Seen {
    findings: Vec<Flaw>,
}

#[derive(Deserialize)]
struct Flaw {
    id: String,
    severity: Severity,
}

/// Asks the scanner about a digest.
///
/// That it is down for a while is no fault of the plugin or its settings, and is told as something that is not known;
/// that the operator did not allow to ask, or that it answers something else, is an error.
pub(crate) fn ask(settings: &Settings, evaluation: &Evaluation, digest: &str) -> Result<Scan, PluginError> {
    let url = format!("{}{digest}", settings.scanner);
    let response = match Request::get(&url).header("accept", "application/json").send(evaluation) {
        Ok(Response { status: 404, .. }) => {
            return Ok(missing(&url, "release-not-scanned", "the scanner has not seen it yet"));
        }
        Ok(Response { status: 502..=504, .. }) | Err(HttpError::Unreachable(_) | HttpError::TimedOut(_)) => {
            return Ok(missing(&url, "scanner-silent", "the scanner does not answer"));
        }
        other => other?.success()?,
    };
    let Seen { findings } = response.json()?;
    let findings: Vec<Finding> =
        findings.iter().filter(|flaw| flaw.severity > settings.worst_finding).map(|flaw| found(flaw, &url)).collect();
    Ok(if findings.is_empty() { Scan::Clean } else { Scan::Found(findings) })
}

fn missing(url: &str, code: &str, why: &'static str) -> Scan {
    let finding = Finding::new(code, why).at(place()).remedy(Requirement::new(
        "scan-release",
        format!("the scanner has to answer at `{url}`"),
        scan_of(url),
    ));
    Scan::Missing(finding.severity(Severity::Medium), why)
}

fn found(Flaw { id, severity }: &Flaw, url: &str) -> Finding {
    let message = format!("the scanner has found `{id}`, of severity {}", severity.word());
    let fix = format!("`{id}` has to be fixed, and the release built anew");
    let finding = Finding::new("release-not-clean", message).about(id).at(place()).remedy(Requirement::new(
        "fix-release",
        fix,
        scan_of(url),
    ));
    finding.severity(*severity)
}

fn scan_of(url: &str) -> Document {
    Document::new("release-registry/scan", json!({ "url": url }).to_string())
}

fn place() -> Pointer {
    Pointer::root().key("release").key("digest")
}
