//! Converts the description of a plugin and its findings about settings.

use lockgate_domain::{Capability, Description, Kind, SettingsFinding};

use super::intake::{AnswerIntake, AnswerPath, Conversion, excerpt};
use super::plugin;

/// Converts the description of a plugin.
pub(crate) fn description(intake: &mut AnswerIntake, description: plugin::Description) -> Conversion<Description> {
    let kinds = AnswerPath::Root("kinds");
    let mut named: Vec<Kind> = description
        .kinds
        .into_iter()
        .map(|kind| match kind {
            plugin::Kind::ApprovalPolicy => Kind::ApprovalPolicy,
            plugin::Kind::ValidationCheck => Kind::ValidationCheck,
            plugin::Kind::Strategy => Kind::Strategy,
        })
        .collect();
    named.sort_unstable();
    if named.windows(2).any(|pair| pair.first() == pair.last()) {
        return kinds.broken("names a kind twice");
    }
    let schema = AnswerPath::Root("settings-schema");
    let text = intake.text(description.settings_schema);
    let settings_schema = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) if json.is_object() || json.is_boolean() => json,
        Ok(_) => return schema.broken("is not a JSON Schema: write an object, `true` or `false`"),
        Err(error) => return schema.broken(format_args!("is not JSON: {error}")),
    };
    let summary = AnswerPath::Root("summary");
    if description.summary.trim().is_empty() {
        return summary.broken("is empty: say what the plugin does; in Rust, add `description` to Cargo.toml");
    }
    Ok(Description {
        name: intake.code(&AnswerPath::Root("name"), description.name)?,
        version: version(intake, description.version)?,
        kinds: named,
        summary: intake.some_text(&summary, description.summary)?,
        settings_schema,
        capabilities: intake.each(&AnswerPath::Root("capabilities"), description.capabilities, capability)?,
    })
}

/// Converts the findings of a plugin that refuses its settings. There is at least one.
pub(crate) fn settings_findings(
    intake: &mut AnswerIntake,
    findings: Vec<plugin::SettingsFinding>,
) -> Conversion<Vec<SettingsFinding>> {
    let at = AnswerPath::Root("settings-findings");
    if findings.is_empty() {
        return at.broken("is empty: refused settings need at least one finding");
    }
    intake.each(&at, findings, |intake, at, finding| {
        Ok(SettingsFinding {
            pointer: intake.pointer(&AnswerPath::Field(at, "pointer"), finding.pointer)?,
            message: intake.some_text(&AnswerPath::Field(at, "message"), finding.message)?,
        })
    })
}

fn capability(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    capability: plugin::Capability,
) -> Conversion<Capability> {
    Ok(Capability {
        name: intake.code(&AnswerPath::Field(at, "name"), capability.name)?,
        scope: capability.scope.into_iter().map(|part| intake.text(part)).collect(),
        reason: intake.some_text(&AnswerPath::Field(at, "reason"), capability.reason)?,
    })
}

fn version(intake: &mut AnswerIntake, version: String) -> Conversion<String> {
    match version.parse::<semver::Version>() {
        Ok(_) => Ok(intake.text(version)),
        Err(error) => AnswerPath::Root("version")
            .broken(format_args!("is `{}`, which is not a semantic version: {error}", excerpt(&version))),
    }
}
