#![doc = include_str!("../README.md")]

mod authorisation;
mod settings;
mod window;

#[cfg(test)]
mod tests;

use lockgate_plugin::roles::CHANGE_AUTHORITY;
use lockgate_plugin::types::{Change, Release};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, Finding, Findings, Outcome, Plugin, PluginError, Pointer, Report, SettingsFinding,
    ValidationCheck, counted, listed,
};

use settings::Settings;

/// Looks whether a change authorises the deployment.
#[derive(Debug)]
struct ChangeAuthorized {
    settings: Settings,
}

impl Plugin for ChangeAuthorized {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        SettingsFinding::refuse_any(settings.findings())?;
        Ok(Self { settings })
    }

    fn warnings(&self) -> Vec<SettingsFinding> {
        self.settings.warnings()
    }
}

impl ValidationCheck for ChangeAuthorized {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let (change, release) = (evaluation.change(), evaluation.release());
        let mut findings = Findings::default();
        authorisation::check(&self.settings, &change, evaluation, &mut findings);
        single_release(&change, &release, &mut findings);
        window::check(&self.settings, &change, evaluation, &mut findings);
        Ok(findings.report(|outcome, count| {
            let (id, release) = (&change.id, &release.name);
            let things = counted(count, "thing", "things");
            match outcome {
                Outcome::Passed | Outcome::Skipped => format!("change `{id}` authorises the deployment of {release}"),
                Outcome::Failed => {
                    format!("change `{id}` does not authorise the deployment of {release}: {things} to correct")
                }
                Outcome::Inconclusive => {
                    format!(
                        "nobody can tell whether change `{id}` authorises the deployment of {release}: {things} unknown"
                    )
                }
                Outcome::Pending => {
                    format!("change `{id}` does not authorise the deployment of {release} yet: {things} to wait for")
                }
            }
        }))
    }
}

/// The change resolves to the release that is deployed, and to no other.
fn single_release(change: &Change, release: &Release, findings: &mut Findings) {
    let (id, wanted) = (change.id.as_str(), release.id.as_str());
    let (code, found) = match change.releases.as_slice() {
        [one] if one == wanted => return,
        [] => ("change-without-release", "no release".to_owned()),
        [other] => ("change-of-another-release", format!("`{other}`")),
        several => ("change-with-several-releases", listed(several, "and")),
    };
    findings.wrong(code, |code| {
        let message = format!("change `{id}` resolves to {found}, and the deployment is of release `{wanted}` alone");
        let need = CorrectionNeeded::new(place().key("releases"), format!("release `{wanted}` alone"));
        correct_change(Finding::new(code, message).about(id), need.found(found))
    });
}

/// The place of the change.
fn place() -> Pointer {
    Pointer::root().key("change")
}

/// The finding with what would be accepted in its place, which those who authorise changes can supply.
fn correct_change(finding: Finding, need: CorrectionNeeded) -> Finding {
    finding.correct("correct-change", need, CHANGE_AUTHORITY)
}

lockgate_plugin::export!(ChangeAuthorized: validation_check);
