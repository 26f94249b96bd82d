//! Whether the SBOM is about what is deployed.

use lockgate_plugin::Violation;
use lockgate_plugin::types::{Component, Severity};

use crate::SbomPolicy;
use crate::cyclonedx::{Package, Sbom};
use crate::findings::Findings;

/// Compares what the SBOM is about with the components of the release: by hash if it names one, else by name and version.
pub(crate) fn compare(sbom: &Sbom, components: &[Component], check: &SbomPolicy, findings: &mut Findings) {
    let remedy = || check.hand_in("the SBOM of one of the release's components");
    let Some(subject) = sbom.metadata.as_ref().and_then(|metadata| metadata.component.as_ref()) else {
        let message = "the SBOM does not say what it is about (`/metadata/component`)";
        return findings.unknown(Violation::new("sbom-subject-missing", message).remedy(remedy()));
    };
    let digests = digests(subject);
    let same_content = |component: &Component| component.digest.as_ref().is_some_and(|digest| digests.contains(digest));
    let same_name = |component: &Component| {
        component.name == subject.name && subject.version.as_deref() == Some(component.version.as_str())
    };
    let found = if digests.is_empty() { components.iter().any(same_name) } else { components.iter().any(same_content) };
    if !found {
        let by = if digests.is_empty() { "name and version" } else { "digest" };
        let name = subject.in_words();
        let message = format!("the SBOM is about {name}, and no component of the release has that {by}");
        findings.wrong(Severity::High, Violation::new("sbom-of-something-else", message).about(name).remedy(remedy()));
    }
}

/// The digests that the subject names, in the form of the contract.
fn digests(subject: &Package) -> Vec<String> {
    let sha256 = subject.hashes.iter().filter(|hash| hash.alg == "SHA-256");
    sha256.map(|hash| format!("sha256:{}", hash.content.to_ascii_lowercase())).collect()
}
