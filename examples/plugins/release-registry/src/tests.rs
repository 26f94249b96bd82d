#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use lockgate_plugin::directory::DirectoryError;
use lockgate_plugin::http::{HttpError, Response};
use lockgate_plugin::testing::{Fixture, configure};
use lockgate_plugin::types::Scenario;
use lockgate_plugin::{Outcome, PluginError, Report, ValidationCheck};

use super::ReleaseRegistry;

const SETTINGS: &str = r#"{ "scanner": "https://scanner.example.com/scans/", "most-waits": 2 }"#;

/// Where the scanner answers about the release of a plain fixture.
fn url() -> String {
    format!("https://scanner.example.com/scans/sha256:{}", "a".repeat(64))
}

fn key() -> String {
    format!("waits/sha256:{}", "a".repeat(64))
}

/// The release is on the list; the scanner is for the test to say.
fn listed() -> Fixture {
    Fixture::new().with_file("catalog", "releases.json", r#"{ "releases": ["shop-2.3.0", "shop-2.4.0"] }"#)
}

fn scanned(fixture: Fixture, findings: &str) -> Fixture {
    fixture.with_answer(&url(), Response::new(200).with_body(format!(r#"{{ "findings": [{findings}] }}"#)))
}

fn run(fixture: &Fixture) -> Result<Report, PluginError> {
    configure::<ReleaseRegistry>(SETTINGS).unwrap().run(&fixture.evaluation())
}

/// The outcome, and the codes of the findings.
fn found(fixture: &Fixture) -> (Outcome, Vec<String>) {
    let report = run(fixture).unwrap();
    (report.outcome, report.findings.into_iter().map(|finding| finding.code).collect())
}

fn codes(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn a_release_on_the_list_that_is_clean_passes() {
    let fixture = scanned(listed(), r#"{ "id": "CVE-2026-1", "severity": "low" }"#);
    assert_eq!(run(&fixture).unwrap(), Report::passed("Shop 2.4 is on the list, and the scanner has found it clean"));
    assert_eq!(fixture.requests().len(), 1);
    assert_eq!(fixture.requests()[0].url, url());
}

#[test]
fn a_release_that_is_not_on_the_list_fails_and_is_told_how_it_gets_there() {
    let fixture = scanned(Fixture::new().with_file("catalog", "releases.json", r#"{ "releases": [] }"#), "");
    let report = run(&fixture).unwrap();
    assert_eq!((report.outcome, report.findings.len()), (Outcome::Failed, 1));
    let finding = &report.findings[0];
    assert_eq!((finding.code.as_str(), finding.pointers.first().map(String::as_str)), ("release-not-listed", Some("/release/id")));
    assert_eq!(
        finding.remedies[0].message,
        "somebody has to put `shop-2.4.0` on the list `releases.json` in the directory `catalog`"
    );
}

#[test]
fn what_the_scanner_finds_fails_unless_it_is_borne() {
    let findings = r#"{ "id": "CVE-2026-1", "severity": "medium" }, { "id": "CVE-2026-2", "severity": "info" }"#;
    assert_eq!(found(&scanned(listed(), findings)), (Outcome::Failed, codes(&["release-not-clean"])));
}

#[test]
fn a_release_that_was_not_scanned_is_waited_for_and_then_fails() {
    let fixture = listed().with_answer(&url(), Response::new(404));
    for times in 1..=2 {
        let report = run(&fixture).unwrap();
        assert_eq!(report.outcome, Outcome::Inconclusive);
        assert_eq!(fixture.value(&key()).unwrap(), times.to_string().as_bytes());
    }
    let report = run(&fixture).unwrap();
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.summary, "Shop 2.4: the scanner has not seen it yet, asked 3 times");
}

#[test]
fn an_answer_ends_the_waiting() {
    let fixture = scanned(listed().with_answer(&url(), Response::new(404)), "");
    assert_eq!(found(&fixture), (Outcome::Inconclusive, codes(&["release-not-scanned"])));
    assert_eq!(found(&fixture), (Outcome::Passed, vec![]));
    assert_eq!(fixture.value(&key()), None);
}

#[test]
fn a_scanner_that_is_down_is_not_taken_for_one_that_finds_nothing() {
    for fixture in [
        listed().without_answer(&url(), HttpError::TimedOut(2_000)),
        listed().without_answer(&url(), HttpError::Unreachable("no such host".to_owned())),
        listed().with_answer(&url(), Response::new(503)),
    ] {
        assert_eq!(found(&fixture), (Outcome::Inconclusive, codes(&["scanner-silent"])));
    }
}

#[test]
fn a_release_that_is_neither_listed_nor_scanned_fails_at_once() {
    let fixture = Fixture::new()
        .with_file("catalog", "releases.json", r#"{ "releases": [] }"#)
        .with_answer(&url(), Response::new(404));
    assert_eq!(found(&fixture), (Outcome::Failed, codes(&["release-not-listed", "release-not-scanned"])));
}

#[test]
fn without_the_list_or_the_right_to_ask_there_is_no_answer() {
    let code = |fixture: Fixture| run(&fixture).unwrap_err().code;
    assert_eq!(code(listed()), "request-failed");
    assert_eq!(code(listed().with_answer(&url(), Response::new(401))), "response-unusable");
    assert_eq!(code(listed().with_answer(&url(), Response::new(200).with_body("ok"))), "response-unusable");
    assert_eq!(code(scanned(Fixture::new(), "")), "file-unreadable");
    let unlisted = Fixture::new().without_file("catalog", "releases.json", DirectoryError::Outside);
    assert_eq!(code(scanned(unlisted, "")), "file-unreadable");
    let read_alone = listed().with_answer(&url(), Response::new(404)).with_values_to_read_alone();
    assert_eq!(code(read_alone), "values-unusable");
}

#[test]
fn without_a_digest_nothing_can_be_asked() {
    let mut fixture = scanned(listed(), "");
    fixture.release.digest = None;
    assert_eq!(found(&fixture), (Outcome::Inconclusive, codes(&["release-without-digest"])));
    assert_eq!(fixture.requests(), []);
}

#[test]
fn a_removal_is_not_looked_at() {
    let mut fixture = Fixture::new();
    fixture.scenario = Scenario::Removal;
    assert_eq!(run(&fixture).unwrap().outcome, Outcome::Skipped);
}

#[test]
fn a_scanner_that_is_no_url_is_refused() {
    for scanner in ["scanner.example.com/scans/", "https://scanner.example.com/scans"] {
        let findings = configure::<ReleaseRegistry>(&format!(r#"{{ "scanner": "{scanner}" }}"#)).unwrap_err();
        assert_eq!(findings[0].pointer, "/scanner");
    }
}
