#![doc = include_str!("../README.md")]

mod defects;
mod knowledge;

#[cfg(test)]
mod tests;

use lockgate_plugin::roles::RELEASE_MANAGER;
use lockgate_plugin::types::{Release, ReleaseStatus, Scenario, Severity};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, Finding, Plugin, PluginError, Pointer, Report, SettingsFinding, ValidationCheck,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for a release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ReleaseReadiness {
    /// The greatest severity that a defect without a decision may have. If absent, any.
    worst_open_defect: Option<Severity>,
    /// The greatest severity that an accepted defect may have. If absent, any.
    worst_accepted_defect: Option<Severity>,
    /// The ids of the knowledge items that must exist, validated and not expired.
    #[schemars(extend("items" = {"type": "string", "format": "lockgate-name"}, "uniqueItems" = true))]
    knowledge_items: Vec<String>,
    /// The least number of knowledge items that must exist, validated and not expired. The named ones count too.
    least_knowledge_items: u32,
}

impl Default for ReleaseReadiness {
    fn default() -> Self {
        Self {
            worst_open_defect: None,
            worst_accepted_defect: None,
            knowledge_items: Vec::new(),
            least_knowledge_items: 1,
        }
    }
}

impl Plugin for ReleaseReadiness {
    type Settings = Self;

    fn configure(settings: Self) -> Result<Self, Vec<SettingsFinding>> {
        let asks_for_nothing = settings.worst_open_defect.is_none()
            && settings.worst_accepted_defect.is_none()
            && settings.knowledge_items.is_empty()
            && settings.least_knowledge_items == 0;
        if asks_for_nothing {
            let message = "neither knowledge items nor a limit on defects are asked for: leave it out, or name `knowledge-items`, \
                           `worst-open-defect` or `worst-accepted-defect`";
            return Err(vec![SettingsFinding::new(Pointer::root().key("least-knowledge-items"), message)]);
        }
        Ok(settings)
    }
}

impl ValidationCheck for ReleaseReadiness {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let release = evaluation.release();
        if evaluation.scenario() == Scenario::Removal {
            return Ok(Report::skipped(format!("a removal does not bring {} to anybody", release.name)));
        }
        let findings: Vec<Finding> = status(&release)
            .into_iter()
            .chain(protection(&release))
            .chain(defects::findings(self, evaluation))
            .chain(knowledge::findings(self, evaluation))
            .collect();
        let name = &release.name;
        Ok(match findings.len() {
            0 => Report::passed(format!(
                "{name} is accepted, published and protected, its notes list its defects, and its knowledge items are valid"
            )),
            1 => Report::failed(format!("1 thing is missing before {name} is ready")),
            count => Report::failed(format!("{count} things are missing before {name} is ready")),
        }
        .findings(findings))
    }
}

/// The release can be chosen for deployment.
fn status(release: &Release) -> Option<Finding> {
    let name = &release.name;
    let (code, why) = match release.status {
        ReleaseStatus::Published => return None,
        ReleaseStatus::Accepted => ("release-not-published", format!("{name} is accepted, but not published")),
        ReleaseStatus::Draft => ("release-not-accepted", format!("{name} is a draft: nobody has accepted it")),
        ReleaseStatus::Withdrawn => ("release-withdrawn", format!("{name} was withdrawn and must not be deployed")),
    };
    let place = Pointer::root().key("release").key("status");
    Some(wrong(Severity::High, Finding::new(code, why), &place, "published", Some(release.status.word())))
}

/// Nobody can change the release unnoticed.
fn protection(release: &Release) -> Option<Finding> {
    if release.digest.as_deref().is_some_and(|digest| !digest.is_empty()) {
        return None;
    }
    let message = format!("{} has no digest, so nobody can tell whether it was changed", release.name);
    let place = Pointer::root().key("release").key("digest");
    Some(wrong(
        Severity::High,
        Finding::new("release-not-protected", message),
        &place,
        "the digest of the published release",
        None,
    ))
}

/// A finding with what would be accepted in its place.
fn wrong(severity: Severity, finding: Finding, place: &Pointer, expected: &str, found: Option<&str>) -> Finding {
    let need = CorrectionNeeded { found: found.map(str::to_owned), ..CorrectionNeeded::new(place, expected) };
    finding.correct("correct-release", need, RELEASE_MANAGER).severity(severity)
}

lockgate_plugin::export!(ReleaseReadiness: validation_check);
