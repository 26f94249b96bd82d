//! Each requirement names its owner.

use lockgate_plugin::testing::{Requiring, assert_all_codes};

use super::*;

/// Two of each item and defect that can be at fault, so that each code is there.
fn unready() -> Vec<Report> {
    let settings = r#"{
        "worst-open-defect": "low", "knowledge-items": ["K-1", "K-2", "K-3"], "least-knowledge-items": 3
    }"#;
    let mut fixture = ready();
    fixture.release.digest = None;
    fixture.defects = vec![defect("D-1", Severity::High, DefectStatus::Open)];
    fixture.release_notes = Some(ReleaseNotes { uri: String::new(), digest: None, defects: Vec::new() });
    let expired = KnowledgeItem { expires: Some(0), ..item("K-2", KnowledgeStatus::Published) };
    fixture.knowledge_items = vec![item("K-1", KnowledgeStatus::Draft), expired];
    let mut without_notes = fixture.clone();
    without_notes.release_notes = None;
    let of_status = |status: ReleaseStatus| {
        let mut fixture = fixture.clone();
        fixture.release.status = status;
        run_with(settings, &fixture)
    };
    vec![
        of_status(ReleaseStatus::Draft),
        of_status(ReleaseStatus::Accepted),
        of_status(ReleaseStatus::Withdrawn),
        run_with(settings, &without_notes),
    ]
}

#[test]
fn each_code_asks_the_release_manager() {
    let reports = unready();
    assert_all_codes(&reports, include_str!("../../README.md"), "finding");
    for (code, required) in reports.iter().flat_map(Requiring::required) {
        assert_eq!(
            (required.code.as_str(), required.owner.as_deref()),
            ("correct-release", Some("release-manager")),
            "{code}"
        );
    }
    let findings = reports.iter().flat_map(|report| &report.findings);
    assert!(findings.clone().all(|finding| finding.remedies.len() == 1), "{:?}", findings.collect::<Vec<_>>());
}
