#![doc = include_str!("../README.md")]

mod document;
mod findings;
mod licence;
mod package;
mod settings;
mod subject;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use lockgate_plugin::roles::RELEASE_MANAGER;
use lockgate_plugin::types::{Document, Severity};
use lockgate_plugin::{
    Capability, Evaluation, EvidenceFile, EvidenceNeeded, Finding, Plugin, PluginError, Pointer, ReadError, Report,
    Requirement, SettingsFinding, ValidationCheck,
};

use document::{MEDIA_TYPE, PackageKind, Sbom, TAKEN, Unread};
use findings::Findings;
use licence::LicenceJudge;
use settings::{EVIDENCE, Policy, Settings};

/// Reads the SBOM of a release and looks for what is not allowed.
#[derive(Debug)]
struct SbomPolicy {
    policy: Policy,
}

impl Plugin for SbomPolicy {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        Ok(Self { policy: settings.policy()? })
    }

    fn capabilities() -> Vec<Capability> {
        vec![Capability::evidence(EVIDENCE, "to read the software bill of materials, whatever it is called").optional()]
    }

    fn needs(&self) -> Vec<Capability> {
        vec![Capability::evidence([&self.policy.evidence], "to read the software bill of materials of the release")]
    }
}

impl ValidationCheck for SbomPolicy {
    fn run(&self, evaluation: &Evaluation) -> Result<Report, PluginError> {
        let name = self.policy.evidence.as_str();
        let evidence = match evaluation.evidence_file(name) {
            Ok(evidence) => evidence,
            Err(ReadError::Unknown(_)) => return Ok(self.missing()),
            Err(ReadError::NotGranted(_)) => {
                let message =
                    format!("the operator did not grant the evidence `{name}`, in which the SBOM is looked for");
                return Err(PluginError::new("evidence-not-granted", message));
            }
            Err(ReadError::TooLarge(_) | ReadError::Failed(_)) => {
                let message = format!("the evidence `{name}`, in which the SBOM is looked for, cannot be read");
                return Err(PluginError::new("evidence-unreadable", message));
            }
        };
        Ok(match Sbom::read(&evidence) {
            Ok(sbom) => self.judge(evaluation, &evidence, &sbom),
            Err(unread) => self.unread(unread),
        })
    }
}

impl SbomPolicy {
    /// Where the evidence lies in the snapshot.
    fn place(&self) -> Pointer {
        Pointer::root().key("evidence").key(&self.policy.evidence)
    }

    /// What has to be handed in.
    fn hand_in(&self, message: &str) -> Requirement {
        let need = EvidenceNeeded::named(&self.policy.evidence).media_type(MEDIA_TYPE);
        let message = format!("hand in {message} as evidence `{}`", self.policy.evidence);
        Requirement::new("hand-in-sbom", message, need).owner(RELEASE_MANAGER)
    }

    fn missing(&self) -> Report {
        let finding = Finding::new("sbom-missing", "nobody handed in a software bill of materials (SBOM)");
        let remedy = self.hand_in("the SBOM of the release, as CycloneDX or SPDX in JSON,");
        Report::inconclusive("there is no SBOM to look at")
            .finding(finding.severity(Severity::Medium).at(self.place()).remedy(remedy))
    }

    /// Another format cannot be judged; a broken document is wrong.
    fn unread(&self, unread: Unread) -> Report {
        let remedy = self.hand_in(&format!("the SBOM of the release, as one of {TAKEN},"));
        let finding = |code: &str, message: String| Finding::new(code, message).at(self.place()).remedy(remedy);
        match unread {
            Unread::OtherFormat(message) => Report::inconclusive("the SBOM is in a format that is not understood")
                .finding(finding("sbom-not-understood", message).severity(Severity::Medium)),
            Unread::Broken(message) => {
                Report::failed("the SBOM cannot be read").finding(finding("sbom-malformed", message))
            }
        }
    }

    fn judge(&self, evaluation: &Evaluation, evidence: &EvidenceFile, sbom: &Sbom<'_>) -> Report {
        let mut findings = Findings::new(self.place());
        if self.policy.require_component_match {
            subject::compare(sbom, &evaluation.components(), self, &mut findings);
        }
        let mut judge = LicenceJudge::new(&self.policy, sbom.references());
        let mut licences: BTreeMap<String, u32> = BTreeMap::new();
        let mut packages: usize = 0;
        sbom.each_package(|package, place| {
            if package.kind != PackageKind::Subject {
                packages += 1;
                *licences.entry(package.licence_text()).or_default() += 1;
            }
            judge.judge(package, place, evaluation, &mut findings);
            package::judge(&self.policy, package, place, &mut findings);
        });
        if packages == 0 {
            findings.unknown("sbom-empty", |code| {
                let message = "the SBOM names no packages, so nothing can be said about them";
                let remedy = self.hand_in("an SBOM that names the packages of the release");
                Finding::new(code, message).remedy(remedy)
            });
        }
        findings.report(packages).exhibit(
            "licences",
            "Licences of the packages",
            exhibit(&evidence.head.digest, packages, licences),
        )
    }
}

/// The schema of the exhibit: the digest of the SBOM, the number of packages, how many have which licence, and how many
/// have a licence that is not listed.
const LICENCES: &str = "lockgate:sbom-policy/licences@1";

/// How many licences the exhibit lists: those that the most packages have.
const MOST_LICENCES: usize = 100;

fn exhibit(digest: &str, packages: usize, licences: BTreeMap<String, u32>) -> Document {
    let mut by_count: Vec<(String, u32)> = licences.into_iter().collect();
    by_count.sort_by(|(_, a), (_, b)| b.cmp(a));
    let others: u32 = by_count.iter().skip(MOST_LICENCES).map(|(_, count)| count).sum();
    by_count.truncate(MOST_LICENCES);
    let listed: BTreeMap<String, u32> = by_count.into_iter().collect();
    let exhibit = serde_json::json!({ "sbom": digest, "packages": packages, "licences": listed, "others": others });
    Document::new(LICENCES, exhibit.to_string())
}

/// What turns a finding about one package.
fn replace(policy: &Policy, message: String) -> Requirement {
    let need = EvidenceNeeded::named(&policy.evidence).media_type(MEDIA_TYPE);
    let message = format!("{message}, and hand in the new SBOM as evidence `{}`", policy.evidence);
    Requirement::new("replace-package", message, need).owner(RELEASE_MANAGER)
}

lockgate_plugin::export!(SbomPolicy: validation_check);
