//! Converts the description of a plugin, and what it says about its settings.

use lockgate_domain::{Capability, CodeDescription, Description, PluginReadiness, SettingsFinding};

use super::intake::{AnswerIntake, AnswerPath, Conversion, excerpt};
use super::plugin;
use crate::settings::NormalSettings;

/// Converts the description of a plugin.
pub(crate) fn description(intake: &mut AnswerIntake, description: plugin::Description) -> Conversion<Description> {
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
        title: intake.perhaps_text(&AnswerPath::Root("title"), description.title)?,
        summary: intake.some_text(&summary, description.summary)?,
        documentation: intake.perhaps_text(&AnswerPath::Root("documentation"), description.documentation)?,
        licence: intake.perhaps_text(&AnswerPath::Root("licence"), description.licence)?,
        settings_schema,
        capabilities: intake.each(&AnswerPath::Root("capabilities"), description.capabilities, capability)?,
    })
}

/// Converts settings. Deployment models name no files yet.
pub(crate) fn settings(settings: &NormalSettings) -> plugin::Settings {
    plugin::Settings { json: settings.json().to_owned(), files: Vec::new() }
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
    intake.each(&at, findings, settings_finding)
}

/// Converts what a configured plugin needs, and the codes that it can give.
pub(crate) fn readiness(intake: &mut AnswerIntake, readiness: plugin::Readiness) -> Conversion<PluginReadiness> {
    Ok(PluginReadiness {
        capabilities: intake.each(&AnswerPath::Root("capabilities"), readiness.capabilities, capability)?,
        codes: intake.each(&AnswerPath::Root("codes"), readiness.codes, code_description)?,
        warnings: intake.each(&AnswerPath::Root("warnings"), readiness.warnings, settings_finding)?,
    })
}

fn settings_finding(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    finding: plugin::SettingsFinding,
) -> Conversion<SettingsFinding> {
    Ok(SettingsFinding {
        pointer: intake.pointer(&AnswerPath::Field(at, "pointer"), finding.pointer)?,
        file: finding.file.map(|file| intake.name(&AnswerPath::Field(at, "file"), file)).transpose()?,
        line: finding.line,
        column: finding.column,
        message: intake.some_text(&AnswerPath::Field(at, "message"), finding.message)?,
    })
}

fn code_description(
    intake: &mut AnswerIntake,
    at: &AnswerPath<'_>,
    described: plugin::CodeDescription,
) -> Conversion<CodeDescription> {
    Ok(CodeDescription {
        code: intake.code(&AnswerPath::Field(at, "code"), described.code)?,
        kind: intake.code(&AnswerPath::Field(at, "kind"), described.kind)?,
        severity: described.severity.map(super::answers::severity),
        summary: intake.some_text(&AnswerPath::Field(at, "summary"), described.summary)?,
        references: described.references.into_iter().map(|reference| intake.text(reference)).collect(),
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
        optional: capability.optional,
    })
}

fn version(intake: &mut AnswerIntake, version: String) -> Conversion<String> {
    match version.parse::<semver::Version>() {
        Ok(_) => Ok(intake.text(version)),
        Err(error) => AnswerPath::Root("version")
            .broken(format_args!("is `{}`, which is not a semantic version: {error}", excerpt(&version))),
    }
}
