#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod contracts;
mod evidence;
mod involved;
mod settings;

use lockgate_plugin::registers::{ServiceContract, Supplier};
use lockgate_plugin::testing::{
    Fixture, Registers, configure, configured, outcome_and_findings as found, register_entry as entry, report_of,
};
use lockgate_plugin::types::{EnvironmentControl, Evidence, Phase, Plan, Stage, TimeWindow, Verification, person_kind};
use lockgate_plugin::{Outcome, Report};
use serde_json::json;

use super::SupplierEvidence;

fn supplier(id: &str, name: &str) -> Supplier {
    entry(json!({ "id": id, "name": name }))
}

fn contract(id: &str, provider: &str) -> ServiceContract {
    entry(json!({
        "id": id, "kind": "uc", "provider": provider, "consumer": "shop-team", "active": true,
        "term": { "start": "2026-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z" },
    }))
}

fn moment(time: &str) -> i64 {
    Fixture::moment(&format!("2026-11-24T{time}:00Z")).as_millis()
}

/// A release by `acme`, which is known and under contract, at the entrance of fulfill at noon. The environment is under
/// full control.
fn fixture() -> Fixture {
    let mut fixture = Fixture::new().gate(Stage::Fulfill, Phase::Entrance);
    let slot = TimeWindow { start: moment("10:00"), end: moment("14:00") };
    fixture.plan = Some(Plan { slot: Some(slot), ..Fixture::plan("P-1") });
    fixture.release.supplier = Some("acme".to_owned());
    fixture.registers.suppliers = Some(vec![supplier("acme", "Acme Ltd"), supplier("hoster", "Hoster")]);
    fixture.registers.service_contracts = Some(vec![contract("UC-1", "acme"), contract("UC-2", "hoster")]);
    fixture
}

/// As `fixture`, in an environment of the supplier `hoster`.
fn hosted(control: EnvironmentControl) -> Fixture {
    let mut fixture = fixture();
    fixture.environment.control = control;
    fixture.environment.third_party = Some("hoster".to_owned());
    fixture
}

/// Adds evidence that the service with this id attached at that time.
fn attested(fixture: Fixture, name: &str, service: &str, time: &str) -> Fixture {
    let fixture = fixture.with_evidence(name, "text/plain", "fine");
    let mut fixture = fixture.attested_by(name, service, person_kind::SERVICE, &[]);
    head(&mut fixture, name).attested = Some(moment(time));
    fixture
}

/// Adds evidence that the person `rita` attached at that time, signed with this key.
fn signed(fixture: Fixture, name: &str, key: &str, time: &str) -> Fixture {
    let mut fixture = attested(fixture, name, "rita", time).attested_by(name, "rita", person_kind::PERSON, &[]);
    let head = head(&mut fixture, name);
    (head.verification, head.verified_by) = (Verification::Verified, Some(key.to_owned()));
    fixture
}

fn head<'a>(fixture: &'a mut Fixture, name: &str) -> &'a mut Evidence {
    &mut fixture.evidence.get_mut(name).expect("evidence").head
}

fn run_with(settings: &str, fixture: &Fixture) -> Report {
    report_of::<SupplierEvidence>(settings, fixture)
}

fn run(fixture: &Fixture) -> Report {
    run_with("{}", fixture)
}

#[test]
fn a_supplier_that_is_known_and_under_contract_passes() {
    let report = run(&fixture());
    let summary = "the supplier involved (`acme`) is known, under contract, and has attested what it has to";
    assert_eq!(report, Report::passed(summary));
    let report = run(&attested(hosted(EnvironmentControl::Limited), "third-party-readiness", "hoster", "11:00"));
    assert_eq!(
        report.summary,
        "the 2 suppliers involved (`acme` and `hoster`) are known, under contract, and have attested what they have to"
    );
    assert_eq!(report.outcome, Outcome::Passed);
}

#[test]
fn where_no_supplier_is_involved_the_check_is_skipped() {
    let mut fixture = fixture();
    fixture.release.supplier = None;
    fixture.registers = Registers::default();
    assert_eq!(run(&fixture), Report::skipped("no supplier is involved"));
}

#[test]
fn a_register_that_nobody_keeps_is_told_apart_from_one_that_is_not_granted_or_has_nothing() {
    let suppliers = "/registers/suppliers";
    let mut fixture = fixture();
    fixture.registers.suppliers = None;
    assert_eq!(found(&run(&fixture)), (Outcome::Inconclusive, vec![("suppliers-not-kept", suppliers)]));
    fixture.registers.suppliers = Some(Vec::new());
    assert_eq!(found(&run(&fixture)), (Outcome::Failed, vec![("supplier-unknown", "/release/supplier")]));
    fixture.withheld = vec!["suppliers".to_owned()];
    assert_eq!(found(&run(&fixture)), (Outcome::Inconclusive, vec![("suppliers-not-granted", suppliers)]));

    let contracts = "/registers/service_contracts";
    let mut fixture = self::fixture();
    fixture.registers.service_contracts = None;
    assert_eq!(found(&run(&fixture)), (Outcome::Inconclusive, vec![("contracts-not-kept", contracts)]));
    fixture.registers.service_contracts = Some(Vec::new());
    assert_eq!(found(&run(&fixture)), (Outcome::Failed, vec![("contracts-empty", contracts)]));
    fixture.withheld = vec!["service-contracts".to_owned()];
    assert_eq!(found(&run(&fixture)), (Outcome::Inconclusive, vec![("contracts-not-granted", contracts)]));
    assert_eq!(run_with(r#"{ "contract": false }"#, &fixture).outcome, Outcome::Passed);
}

#[test]
fn all_that_is_missing_is_told_of_each_supplier() {
    let mut fixture = hosted(EnvironmentControl::Limited);
    fixture.registers.suppliers = Some(vec![supplier("acme", "Acme Ltd")]);
    fixture.registers.service_contracts = Some(vec![contract("UC-2", "hoster")]);
    let report = run_with(r#"{ "release-evidence": ["report"] }"#, &fixture);
    let expected = vec![
        ("supplier-unknown", "/environment/third_party"),
        ("contract-missing", "/registers/service_contracts"),
        ("evidence-missing", "/evidence/report"),
        ("evidence-missing", "/evidence/third-party-readiness"),
    ];
    assert_eq!(found(&report), (Outcome::Failed, expected));
    let about: Vec<&str> = report.findings.iter().filter_map(|finding| finding.about.as_deref()).collect();
    assert_eq!(about, ["hoster", "acme", "acme", "hoster"]);
    assert_eq!(report.summary, "4 things are missing or wrong with the 2 suppliers involved (`acme` and `hoster`)");
}
