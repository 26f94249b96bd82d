//! The suppliers that are involved.

use lockgate_plugin::strategy::{Rollout, Step, StepAction, WorkAction};
use lockgate_plugin::types::{WayBack, WayBackKind};

use super::*;

/// The suppliers that are found to be unknown, each with the places that name it.
fn unknown(settings: &str, fixture: &Fixture) -> Vec<(String, Vec<String>)> {
    let mut fixture = fixture.clone();
    fixture.registers.suppliers = Some(vec![supplier("somebody-else", "Somebody else")]);
    fixture.registers.service_contracts = None;
    let report = run_with(settings, &fixture);
    let findings = report.findings.into_iter().filter(|finding| finding.code == "supplier-unknown");
    findings.map(|finding| (finding.about.unwrap_or_default(), finding.pointers)).collect()
}

fn places(places: &[&str]) -> Vec<String> {
    places.iter().copied().chain(["/registers/suppliers"]).map(str::to_owned).collect()
}

#[test]
fn release_environment_and_settings_name_suppliers() {
    let fixture = hosted(EnvironmentControl::Full);
    let settings = r#"{ "suppliers": [{ "id": "carrier" }, { "id": "depot", "always": false, "verified": true }] }"#;
    let expected = [
        ("acme".to_owned(), places(&["/release/supplier"])),
        ("hoster".to_owned(), places(&["/environment/third_party"])),
        ("carrier".to_owned(), places(&[])),
    ];
    assert_eq!(unknown(settings, &fixture), expected);
}

#[test]
fn a_supplier_that_is_named_twice_is_one() {
    let mut fixture = hosted(EnvironmentControl::Full);
    fixture.environment.third_party = Some("acme".to_owned());
    let settings = r#"{ "suppliers": [{ "id": "acme" }] }"#;
    let expected = [("acme".to_owned(), places(&["/release/supplier", "/environment/third_party"]))];
    assert_eq!(unknown(settings, &fixture), expected);
    fixture.registers.suppliers = Some(vec![supplier("hoster", "Hoster")]);
    let report = run_with(settings, &fixture);
    assert_eq!(
        report.findings[0].message,
        "the supplier `acme` is not in the register of suppliers; it is the supplier of the release, the third party of the \
         environment and a supplier that the settings name"
    );
}

/// The host joins the suppliers that the release and the environment name. Of one that only the settings name, nobody can tell
/// whether the register has it.
#[test]
fn a_supplier_that_only_the_settings_name_is_perhaps_not_mentioned() {
    let settings = r#"{ "suppliers": [{ "id": "pentesters" }], "contract": false }"#;
    for joined in [vec![supplier("acme", "Acme Ltd")], vec![]] {
        let mut fixture = fixture();
        fixture.release.supplier = None;
        fixture.registers.suppliers = Some(joined);
        let report = run_with(settings, &fixture);
        assert_eq!(found(&report), (Outcome::Failed, vec![("supplier-unknown", "/registers/suppliers")]));
        let finding = &report.findings[0];
        assert_eq!(
            finding.message,
            "the supplier `pentesters` is not among the suppliers of this deployment; it is a supplier that the settings name. \
             Either the register has no such supplier, or nothing about the deployment mentions it"
        );
        assert_eq!(
            finding.remedies[0].message,
            "enter the supplier `pentesters` in the register `suppliers`, and have the deployment mention it: as the provider of \
             an entry of `service-contracts`, in an order, in the release or in the environment"
        );
    }
    let mut mentioned = fixture();
    mentioned.registers.suppliers = Some(vec![supplier("pentesters", "Pentesters")]);
    let report = run_with(settings, &mentioned);
    assert_eq!(report.findings[0].remedies[0].message, "enter the supplier `acme` in the register `suppliers`");
}

#[test]
fn suppliers_of_steps_are_involved_unless_the_settings_leave_them_out() {
    let work = |supplier: Option<&str>| {
        StepAction::Work(WorkAction {
            instructions: "mount it".to_owned(),
            role: None,
            supplier: supplier.map(str::to_owned),
            evidence: Vec::new(),
        })
    };
    let mut fixture = fixture();
    fixture.release.supplier = None;
    fixture.rollout = Some(Rollout {
        steps: vec![Step::new("look", "Look", work(None)), Step::new("mount", "Mount", work(Some("carrier")))],
        back: vec![Step::new("fetch", "Fetch", work(Some("depot"))).undoes(["mount"])],
        point_of_no_return: None,
        way_back: WayBack { kind: WayBackKind::Removal, release: None, digest: None, rehearsed_by: None },
        summary: "It is mounted".to_owned(),
    });
    let expected = [
        ("carrier".to_owned(), places(&["/rollout/steps/1/action/work/supplier"])),
        ("depot".to_owned(), places(&["/rollout/back/0/step/action/work/supplier"])),
    ];
    assert_eq!(unknown("{}", &fixture), expected);
    assert_eq!(run_with(r#"{ "rollout": false }"#, &fixture).outcome, Outcome::Skipped);
}

#[test]
fn a_release_from_a_supplier_names_it() {
    let mut fixture = fixture();
    fixture.release.supplier = None;
    for (sourcing, code) in
        [(None, None), (Some("in-house"), None), (Some("supplier"), Some("release-supplier-missing"))]
    {
        fixture.release.sourcing = sourcing.map(str::to_owned);
        let report = run(&fixture);
        let expected: Vec<(&str, &str)> = code.into_iter().map(|code| (code, "/release/supplier")).collect();
        let outcome = if code.is_some() { Outcome::Failed } else { Outcome::Skipped };
        assert_eq!(found(&report), (outcome, expected), "{sourcing:?}");
    }
}

#[test]
fn an_environment_that_is_not_controlled_names_its_third_party() {
    for (control, word) in [(EnvironmentControl::Limited, "limited"), (EnvironmentControl::None, "none")] {
        let mut fixture = hosted(control);
        fixture.environment.third_party = None;
        let report = run(&fixture);
        assert_eq!(found(&report), (Outcome::Failed, vec![("third-party-missing", "/environment/third_party")]));
        assert_eq!(
            report.findings[0].message,
            format!("the control of the environment `live` is {word}, and it names no third party")
        );
        assert_eq!(report.findings[0].remedies[0].owner.as_deref(), Some("operations-manager"));
    }
}

#[test]
fn evidence_of_the_third_party_has_to_be_named_where_it_is_due() {
    for (control, key) in
        [(EnvironmentControl::Limited, "readiness-evidence"), (EnvironmentControl::None, "result-evidence")]
    {
        let report = run_with(&format!(r#"{{ "{key}": [] }}"#), &hosted(control));
        let expected = vec![("third-party-evidence-not-named", "/environment/control")];
        assert_eq!(found(&report), (Outcome::Failed, expected), "{control:?}");
        let remedy = &report.findings[0].remedies[0];
        assert_eq!(remedy.message, format!("name the evidence in `{key}` of the settings"));
        assert_eq!(remedy.owner.as_deref(), Some("governance"));
    }
    let neither = r#"{ "readiness-evidence": [], "result-evidence": [] }"#;
    assert_eq!(run_with(neither, &hosted(EnvironmentControl::Full)).outcome, Outcome::Passed);
}
