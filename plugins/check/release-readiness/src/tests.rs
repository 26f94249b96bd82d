#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

mod owners;

use lockgate_plugin::testing::{Fixture, configure, outcome_and_findings, report_of};
use lockgate_plugin::types::{
    Defect, DefectStatus, KnowledgeItem, KnowledgeStatus, ReleaseNotes, ReleaseStatus, Scenario, Severity,
};
use lockgate_plugin::{Outcome, Report};

use super::ReleaseReadiness;

fn defect(id: &str, severity: Severity, status: DefectStatus) -> Defect {
    Defect { id: id.to_owned(), title: format!("title of {id}"), severity, status }
}

fn item(id: &str, status: KnowledgeStatus) -> KnowledgeItem {
    KnowledgeItem {
        id: id.to_owned(),
        title: "How to run it".to_owned(),
        kind: "article".to_owned(),
        status,
        author: "ann".to_owned(),
        expires: None,
    }
}

/// A release that is ready: one defect of each status, the two that are still there in the notes, and one item.
fn ready() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.defects = vec![
        defect("D-1", Severity::Low, DefectStatus::Open),
        defect("D-2", Severity::Medium, DefectStatus::Accepted),
        defect("D-3", Severity::Critical, DefectStatus::Fixed),
    ];
    fixture.release_notes = Some(ReleaseNotes {
        uri: "https://example.com/notes".to_owned(),
        digest: None,
        defects: vec!["D-1".to_owned(), "D-2".to_owned()],
    });
    fixture.knowledge_items = vec![item("K-1", KnowledgeStatus::Validated)];
    fixture
}

fn run_with(settings: &str, fixture: &Fixture) -> Report {
    report_of::<ReleaseReadiness>(settings, fixture)
}

fn run(fixture: &Fixture) -> Report {
    run_with("{}", fixture)
}

/// Code and place of each finding.
fn found(report: &Report) -> Vec<(&str, &str)> {
    outcome_and_findings(report).1
}

#[test]
fn a_release_that_is_ready_passes() {
    assert_eq!(
        run(&ready()),
        Report::passed(
            "Shop 2.4 is accepted, published and protected, its notes list its defects, and its knowledge items are valid"
        )
    );
}

#[test]
fn a_release_that_cannot_be_chosen_fails() {
    for (status, code) in [
        (ReleaseStatus::Draft, "release-not-accepted"),
        (ReleaseStatus::Accepted, "release-not-published"),
        (ReleaseStatus::Withdrawn, "release-withdrawn"),
    ] {
        let mut fixture = ready();
        fixture.release.status = status;
        let report = run(&fixture);
        assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![(code, "/release/status")]));
    }
}

#[test]
fn a_release_without_a_digest_is_not_protected() {
    for digest in [None, Some(String::new())] {
        let mut fixture = ready();
        fixture.release.digest = digest;
        assert_eq!(found(&run(&fixture)), [("release-not-protected", "/release/digest")]);
    }
}

#[test]
fn without_notes_it_fails_even_if_there_are_no_defects() {
    let mut fixture = ready();
    fixture.release_notes = None;
    fixture.defects.clear();
    assert_eq!(found(&run(&fixture)), [("release-notes-missing", "/release/notes")]);
}

#[test]
fn every_defect_that_is_still_there_has_to_be_in_the_notes() {
    let mut fixture = ready();
    fixture.release_notes.as_mut().unwrap().defects = vec!["D-9".to_owned()];
    let report = run(&fixture);
    assert_eq!(
        found(&report),
        [("defect-not-in-notes", "/release/notes/defects"), ("defect-not-in-notes", "/release/notes/defects")]
    );
    assert_eq!(report.findings[0].message, "the release notes do not list the open defect `D-1` (title of D-1)");
    assert_eq!(report.findings[1].message, "the release notes do not list the accepted defect `D-2` (title of D-2)");
    assert_eq!(report.summary, "2 things are missing before Shop 2.4 is ready");
}

#[test]
fn a_defect_may_be_as_bad_as_the_settings_say_and_no_worse() {
    let fixture = ready();
    let at_the_limit = r#"{ "worst-open-defect": "low", "worst-accepted-defect": "medium" }"#;
    assert_eq!(run_with(at_the_limit, &fixture).outcome, Outcome::Passed);
    let stricter = r#"{ "worst-open-defect": "info", "worst-accepted-defect": "low" }"#;
    let report = run_with(stricter, &fixture);
    assert_eq!(
        found(&report),
        [("defect-too-severe", "/release/defects/0/severity"), ("defect-too-severe", "/release/defects/1/severity")]
    );
    assert_eq!(report.findings[1].severity, Severity::Medium);
    assert_eq!(
        report.findings[1].message,
        "defect `D-2` (title of D-2) is accepted with severity medium; the worst severity allowed is low"
    );
}

#[test]
fn a_named_item_that_is_at_fault_does_not_hide_that_there_are_too_few() {
    let mut fixture = ready();
    fixture.knowledge_items = vec![item("K-1", KnowledgeStatus::Draft), item("K-2", KnowledgeStatus::Archived)];
    let settings = r#"{ "knowledge-items": ["K-1", "K-9"], "least-knowledge-items": 2 }"#;
    assert_eq!(
        found(&run_with(settings, &fixture)),
        [
            ("knowledge-item-not-validated", "/release/knowledge_items/0/status"),
            ("knowledge-item-missing", "/release/knowledge_items"),
            ("knowledge-items-too-few", "/release/knowledge_items"),
            ("knowledge-item-not-validated", "/release/knowledge_items/1/status"),
        ]
    );
}

#[test]
fn at_least_one_knowledge_item_has_to_be_valid() {
    let mut fixture = ready();
    fixture.knowledge_items.clear();
    let report = run(&fixture);
    assert_eq!(found(&report), [("knowledge-items-too-few", "/release/knowledge_items")]);
    let message = &report.findings[0].message;
    assert_eq!(message, "0 knowledge items are validated and not expired, and at least 1 has to be");
    assert!(format!("{:?}", report.findings[0].remedies).contains("at least 1 valid item\""));
    assert_eq!(
        run_with(r#"{ "least-knowledge-items": 0, "worst-open-defect": "critical" }"#, &fixture).outcome,
        Outcome::Passed
    );

    fixture.knowledge_items = vec![item("K-1", KnowledgeStatus::InReview), item("K-2", KnowledgeStatus::Archived)];
    assert_eq!(
        found(&run(&fixture)),
        [
            ("knowledge-items-too-few", "/release/knowledge_items"),
            ("knowledge-item-not-validated", "/release/knowledge_items/0/status"),
            ("knowledge-item-not-validated", "/release/knowledge_items/1/status"),
        ]
    );
}

#[test]
fn an_item_is_valid_until_the_moment_it_expires() {
    let mut fixture = ready();
    fixture.knowledge_items[0].expires = Some(fixture.now.as_millis() + 1);
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    fixture.knowledge_items[0].expires = Some(fixture.now.as_millis());
    let report = run_with(r#"{ "knowledge-items": ["K-1"] }"#, &fixture);
    assert_eq!(
        found(&report),
        [
            ("knowledge-item-expired", "/release/knowledge_items/0/expires"),
            ("knowledge-items-too-few", "/release/knowledge_items"),
        ]
    );
    assert_eq!(report.findings[0].message, "knowledge item `K-1` (How to run it) expired at 2026-11-24T12:00:00Z");
}

#[test]
fn the_items_that_are_named_have_to_be_there_and_others_may_be_drafts() {
    let mut fixture = ready();
    fixture.knowledge_items.push(item("K-2", KnowledgeStatus::Draft));
    assert_eq!(run_with(r#"{ "knowledge-items": ["K-1"] }"#, &fixture).outcome, Outcome::Passed);
    assert_eq!(
        found(&run_with(r#"{ "knowledge-items": ["K-1", "K-2", "K-3"] }"#, &fixture)),
        [
            ("knowledge-item-not-validated", "/release/knowledge_items/1/status"),
            ("knowledge-item-missing", "/release/knowledge_items"),
        ]
    );
}

#[test]
fn a_removal_is_skipped() {
    let mut fixture = Fixture::new();
    fixture.scenario = Scenario::Removal;
    fixture.release.status = ReleaseStatus::Withdrawn;
    assert_eq!(run(&fixture), Report::skipped("a removal does not bring Shop 2.4 to anybody"));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let places = |settings| -> Vec<String> {
        let found = configure::<ReleaseReadiness>(settings).expect_err("the settings are wrong");
        found.into_iter().map(|finding| finding.pointer).collect()
    };
    assert_eq!(
        places(r#"{ "worst-open-defect": "bad", "least-knowledge-items": -1 }"#),
        ["/least-knowledge-items", "/worst-open-defect"]
    );
    assert_eq!(places(r#"{ "least-knowledge-items": 0 }"#), ["/least-knowledge-items"]);
    for more in [r#""knowledge-items": ["K-1"]"#, r#""worst-open-defect": "low""#, r#""worst-accepted-defect": "low""#]
    {
        let settings = format!(r#"{{ "least-knowledge-items": 0, {more} }}"#);
        assert!(configure::<ReleaseReadiness>(&settings).is_ok(), "{settings}");
    }
    assert_eq!(places(r#"{ "knowledge-items": ["a", "b", "a"] }"#), ["/knowledge-items/2"]);
    assert_eq!(places(r#"{ "knowledge-items": ["", "K-1 "] }"#), ["/knowledge-items/0", "/knowledge-items/1"]);
}
