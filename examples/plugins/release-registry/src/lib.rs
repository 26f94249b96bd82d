#![doc = include_str!("../README.md")]

mod allow_list;
mod scanner;
mod settings;
mod waits;

#[cfg(test)]
mod tests;

use lockgate_plugin::key_value::Access;
use lockgate_plugin::roles::RELEASE_MANAGER;
use lockgate_plugin::types::{Release, Scenario, Severity};
use lockgate_plugin::{Capability, CorrectionNeeded, Evaluation, Finding, Plugin, PluginError, Pointer, Report, SettingsFinding, ValidationCheck};

use scanner::Scan;
use settings::Settings;

/// Looks whether a release is on the list, and whether the scanner has found it clean.
#[derive(Debug)]
struct ReleaseRegistry(Settings);

impl Plugin for ReleaseRegistry {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        let findings = settings.findings();
        if findings.is_empty() { Ok(Self(settings)) } else { Err(findings) }
    }

    fn capabilities() -> Vec<Capability> {
        vec![
            Capability::directory([allow_list::DIRECTORY], "to read which releases may be deployed"),
            Capability::http("to ask the scanner about the digest of the release"),
            Capability::key_value(Access::ReadWrite, "to count how often the scanner was asked in vain"),
        ]
    }
}

impl ValidationCheck for ReleaseRegistry {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let Self(settings) = self;
        let release = evaluation.release();
        if evaluation.scenario() == Scenario::Removal {
            return Ok(Report::skipped(format!("a removal does not bring {} to anybody", release.name)));
        }
        let Some(digest) = release.digest.as_deref() else {
            let summary = format!("{} has no digest, so nobody can tell what the scanner has seen", release.name);
            return Ok(Report::inconclusive(summary).findings([no_digest(&release)]));
        };
        let unlisted = allow_list::finding(evaluation, &release)?;
        let (scan, why) = match scanner::ask(settings, evaluation, digest)? {
            Scan::Clean => {
                waits::forget(evaluation, digest)?;
                let passed = format!("{} is on the list, and the scanner has found it clean", release.name);
                return Ok(match unlisted {
                    None => Report::passed(passed),
                    Some(_) => Report::failed(format!("{} may not be deployed", release.name)).findings(unlisted),
                });
            }
            Scan::Found(findings) => {
                waits::forget(evaluation, digest)?;
                let summary = format!("the scanner has found {} not to be clean", release.name);
                return Ok(Report::failed(summary).findings(unlisted).findings(findings));
            }
            Scan::Missing(finding, why) => (finding, why),
        };
        let times = waits::count(evaluation, digest)?;
        let summary = format!("{}: {why}, asked {}", release.name, waits::in_words(times));
        let report = match (&unlisted, times > settings.most_waits) {
            (None, false) => Report::inconclusive(summary),
            _ => Report::failed(summary),
        };
        Ok(report.findings(unlisted).findings([scan]))
    }
}

fn no_digest(release: &Release) -> Finding {
    let place = Pointer::root().key("release").key("digest");
    let finding = Finding::new("release-without-digest", format!("{} has no digest", release.name));
    let need = CorrectionNeeded::new(&place, "the digest of the published release");
    finding.correct("name-the-digest", need, RELEASE_MANAGER).severity(Severity::Medium)
}

lockgate_plugin::export!(ReleaseRegistry: validation_check);
