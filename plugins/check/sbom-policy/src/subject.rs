//! Whether the SBOM is about what is deployed.

use lockgate_plugin::Finding;
use lockgate_plugin::types::{Component, Severity};

use crate::SbomPolicy;
use crate::document::{Package, Sbom};
use crate::findings::Findings;

/// Compares what the SBOM is about with the components of the release: by digest if it names one, else by name and version.
pub(crate) fn compare(sbom: &Sbom<'_>, components: &[Component], check: &SbomPolicy, findings: &mut Findings) {
    let remedy = || check.hand_in("the SBOM of one of the release's components");
    let subjects = sbom.subjects();
    let Some(first) = subjects.first() else {
        return findings.unknown("sbom-subject-missing", |code| {
            let message = format!("the SBOM does not say what it is about ({})", sbom.place_of_subject());
            Finding::new(code, message).remedy(remedy())
        });
    };
    if !subjects.iter().any(|subject| components.iter().any(|component| is_about(subject, component))) {
        findings.wrong(Severity::High, "sbom-of-something-else", |code| {
            let by = if first.digests.is_empty() { "name and version" } else { "digest" };
            let name = first.in_words();
            let message = format!("the SBOM is about {name}, and no component of the release has that {by}");
            Finding::new(code, message).about(name).remedy(remedy())
        });
    }
}

fn is_about(subject: &Package<'_>, component: &Component) -> bool {
    if subject.digests.is_empty() {
        return component.name == subject.name && subject.version == Some(component.version.as_str());
    }
    component.digest.as_ref().is_some_and(|digest| subject.digests.contains(digest))
}
