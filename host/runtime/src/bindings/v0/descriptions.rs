//! What a plugin says of itself and of its settings.

use lockgate_domain::{Capability, Description, Kind, SettingsFinding};

use super::intake::{Intake, Place, Taken, excerpt};
use super::plugin;

/// What a plugin says of itself.
pub(crate) fn description(intake: &mut Intake, description: plugin::Description) -> Taken<Description> {
    let kinds = Place::Root("kinds");
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
    let schema = Place::Root("settings-schema");
    let text = intake.text(description.settings_schema);
    let settings_schema = match serde_json::from_str::<serde_json::Value>(&text) {
        Ok(json) if json.is_object() || json.is_boolean() => json,
        Ok(_) => return schema.broken("is no JSON Schema: that is an object, `true` or `false`"),
        Err(error) => return schema.broken(format_args!("is not JSON: {error}")),
    };
    Ok(Description {
        name: intake.code(&Place::Root("name"), description.name)?,
        version: version(intake, description.version)?,
        kinds: named,
        summary: intake.some_text(&Place::Root("summary"), description.summary)?,
        settings_schema,
        capabilities: intake.each(&Place::Root("capabilities"), description.capabilities, capability)?,
    })
}

/// What a plugin finds wrong with its settings; at least one thing, as it refuses them.
pub(crate) fn settings_findings(
    intake: &mut Intake,
    findings: Vec<plugin::SettingsFinding>,
) -> Taken<Vec<SettingsFinding>> {
    let at = Place::Root("settings-findings");
    if findings.is_empty() {
        return at.broken("is empty: settings are refused for at least one reason");
    }
    intake.each(&at, findings, |intake, at, finding| {
        Ok(SettingsFinding {
            pointer: intake.pointer(&Place::Field(at, "pointer"), finding.pointer)?,
            message: intake.some_text(&Place::Field(at, "message"), finding.message)?,
        })
    })
}

fn capability(intake: &mut Intake, at: &Place<'_>, capability: plugin::Capability) -> Taken<Capability> {
    Ok(Capability {
        name: intake.code(&Place::Field(at, "name"), capability.name)?,
        scope: capability.scope.into_iter().map(|part| intake.text(part)).collect(),
        reason: intake.some_text(&Place::Field(at, "reason"), capability.reason)?,
    })
}

fn version(intake: &mut Intake, version: String) -> Taken<String> {
    match version.parse::<semver::Version>() {
        Ok(_) => Ok(intake.text(version)),
        Err(error) => {
            Place::Root("version").broken(format_args!("is `{}`, no semantic version: {error}", excerpt(&version)))
        }
    }
}
