//! Evidence that suppliers attest.

use lockgate_plugin::Need;
use lockgate_plugin::types::GatePassage;

use super::*;

const REPORT: &str = r#"{ "release-evidence": ["report"], "max-age": "2h", "verified": true }"#;

/// A report that `acme` attested an hour before noon, after a change.
fn report(change: impl FnOnce(&mut Evidence)) -> Report {
    let mut fixture = attested(fixture(), "report", "acme", "11:00");
    head(&mut fixture, "report").verification = Verification::Verified;
    change(head(&mut fixture, "report"));
    run_with(REPORT, &fixture)
}

#[test]
fn evidence_that_the_supplier_attested_on_the_terms_passes() {
    assert_eq!(found(&report(|_| {})), (Outcome::Passed, vec![]));
}

#[test]
fn evidence_that_nobody_handed_in_fails_and_asks_the_supplier() {
    let report = run_with(REPORT, &fixture());
    assert_eq!(found(&report), (Outcome::Failed, vec![("evidence-missing", "/evidence/report")]));
    assert_eq!(
        report.findings[0].message,
        "nobody handed in the evidence `report`, which the supplier `acme` has to attest"
    );
    let remedy = &report.findings[0].remedies[0];
    assert_eq!((remedy.code.as_str(), remedy.owner.as_deref()), ("hand-in-evidence", Some("supplier:acme")));
    assert_eq!(
        remedy.message,
        "have the supplier `acme` attest the evidence `report`: signed with a key that the register `suppliers` has for it, or \
         attested by `service:acme`"
    );
    let Need::Evidence(need) = &remedy.need else { panic!("{remedy:?}") };
    assert_eq!((need.name.as_str(), need.verified, need.max_age), ("report", true, Some(7_200_000)));
    assert_eq!(need.attesters, ["supplier:acme", "service:acme"]);
}

#[test]
fn evidence_that_is_not_granted_is_inconclusive() {
    let mut fixture = fixture();
    fixture.withheld = vec!["report".to_owned()];
    let report = run_with(REPORT, &fixture);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("evidence-not-granted", "/evidence/report")]));
}

#[test]
fn each_flaw_has_its_own_code() {
    let at = |time: &str| Some(moment(time));
    type Change = Box<dyn FnOnce(&mut Evidence)>;
    let cases: [(Change, Outcome, &str); 9] = [
        (Box::new(|head| head.attester = None), Outcome::Inconclusive, "evidence-attester-unknown"),
        (Box::new(|head| head.attester = Some("rita".to_owned())), Outcome::Failed, "evidence-attester-not-accepted"),
        (Box::new(|head| head.attester = Some("Acme".to_owned())), Outcome::Failed, "evidence-attester-not-accepted"),
        (Box::new(|head| head.attested = None), Outcome::Inconclusive, "evidence-age-unknown"),
        (Box::new(move |head| head.made = at("09:59")), Outcome::Failed, "evidence-too-old"),
        (Box::new(move |head| head.valid_until = at("12:00")), Outcome::Failed, "evidence-expired"),
        (Box::new(|head| head.verification = Verification::Absent), Outcome::Failed, "evidence-not-verified"),
        (Box::new(|head| head.verification = Verification::Unchecked), Outcome::Failed, "evidence-not-verified"),
        (Box::new(|head| head.verification = Verification::Failed), Outcome::Failed, "evidence-signature-wrong"),
    ];
    for (change, outcome, code) in cases {
        assert_eq!(found(&report(change)), (outcome, vec![(code, "/evidence/report")]));
    }
}

#[test]
fn evidence_that_the_supplier_signed_passes_whoever_attached_it() {
    let by = |key: &str| run_with(REPORT, &signed(fixture(), "report", key, "11:00"));
    for key in ["supplier:acme#build", "person:rita#k\nsupplier:acme#build"] {
        assert_eq!(found(&by(key)), (Outcome::Passed, vec![]), "{key}");
    }
    for key in ["supplier:hoster#build", "person:acme#build", "person:rita#supplier:acme", "supplier:Acme#build"] {
        assert_eq!(
            found(&by(key)),
            (Outcome::Failed, vec![("evidence-attester-not-accepted", "/evidence/report")]),
            "{key}"
        );
    }
    assert_eq!(
        by("supplier:hoster#build").findings[0].message,
        "the evidence `report`, which the supplier `acme` has to attest, was attached by `person:rita` and signed by \
         `supplier:hoster`, and none of them may attest it"
    );
}

#[test]
fn a_signature_that_was_not_verified_attests_nothing() {
    for (verification, code) in
        [(Verification::Unchecked, "evidence-not-verified"), (Verification::Failed, "evidence-signature-wrong")]
    {
        let mut fixture = signed(fixture(), "report", "supplier:acme#build", "11:00");
        head(&mut fixture, "report").verification = verification;
        let place = "/evidence/report";
        let expected = vec![("evidence-attester-not-accepted", place), (code, place)];
        assert_eq!(found(&run_with(r#"{ "release-evidence": ["report"] }"#, &fixture)), (Outcome::Failed, expected));
    }
}

#[test]
fn a_person_or_a_role_with_the_id_of_the_supplier_is_not_the_supplier() {
    let lenient = r#"{ "release-evidence": ["report"] }"#;
    let service = attested(fixture(), "report", "acme", "11:00");
    assert_eq!(run_with(lenient, &service).outcome, Outcome::Passed);
    for (id, kind, role) in
        [("acme", person_kind::PERSON, "acme"), ("acme", "agent", "x"), ("ci", person_kind::SERVICE, "acme")]
    {
        let other = service.clone().attested_by("report", id, kind, &[role]);
        let expected = vec![("evidence-attester-not-accepted", "/evidence/report")];
        assert_eq!(found(&run_with(lenient, &other)), (Outcome::Failed, expected), "{kind}:{id}");
    }
    let mut upper = attested(fixture(), "report", "acme", "11:00");
    upper.release.supplier = Some("ACME".to_owned());
    let codes = found(&run_with(r#"{ "release-evidence": ["report"], "contract": false }"#, &upper)).1.len();
    assert_eq!(codes, 1, "the supplier is unknown, and its service attests");
}

#[test]
fn a_source_that_the_evidence_claims_is_no_attester() {
    let report = report(|head| {
        head.attester = Some("rita".to_owned());
        head.claimed_source = Some("acme".to_owned());
    });
    assert_eq!(
        report.findings[0].message,
        "the evidence `report`, which the supplier `acme` has to attest, was attached by `service:rita`, who may not attest it"
    );
}

#[test]
fn an_expired_report_and_a_wrong_signature_are_accepted_on_no_terms() {
    let mut fixture = attested(fixture(), "report", "acme", "11:00");
    let lenient = r#"{ "release-evidence": ["report"] }"#;
    assert_eq!(run_with(lenient, &fixture).outcome, Outcome::Passed);
    head(&mut fixture, "report").verification = Verification::Failed;
    head(&mut fixture, "report").valid_until = Some(0);
    let expected = vec![("evidence-signature-wrong", "/evidence/report"), ("evidence-expired", "/evidence/report")];
    assert_eq!(found(&run_with(lenient, &fixture)), (Outcome::Failed, expected));
}

#[test]
fn those_who_attest_for_a_supplier_and_its_terms_can_be_named() {
    let settings = r#"{
        "release-evidence": ["report"], "max-age": "1m", "verified": true,
        "suppliers": [{ "id": "acme", "attesters": ["service:ci@acme.example", "account-manager"], "max-age": "2h", "verified": false }]
    }"#;
    let by = |attester: &str| found(&run_with(settings, &attested(fixture(), "report", attester, "11:00"))).0;
    assert_eq!((by("ci@acme.example"), by("acme")), (Outcome::Passed, Outcome::Failed));
    let manager = attested(fixture(), "report", "mia", "11:00");
    let manager = manager.attested_by("report", "mia", person_kind::PERSON, &["account-manager"]);
    assert_eq!(run_with(settings, &manager).outcome, Outcome::Passed);
    let own = signed(fixture(), "report", "supplier:acme#build", "11:00");
    assert_eq!(run_with(settings, &own).outcome, Outcome::Passed, "its own key counts besides them");
    let strict = settings.replace(r#", "max-age": "2h", "verified": false"#, "");
    let report = run_with(&strict, &attested(fixture(), "report", "ci@acme.example", "11:00"));
    let expected = vec![("evidence-not-verified", "/evidence/report"), ("evidence-too-old", "/evidence/report")];
    assert_eq!(found(&report), (Outcome::Failed, expected), "the terms of all count");
}

#[test]
fn a_supplier_attests_its_own_evidence_besides_that_of_the_release_and_each_piece_once() {
    let settings = r#"{
        "release-evidence": ["report"], "suppliers": [{ "id": "acme", "always": false, "evidence": ["report", "audit"] }]
    }"#;
    let report = run_with(settings, &fixture());
    let expected = vec![("evidence-missing", "/evidence/report"), ("evidence-missing", "/evidence/audit")];
    assert_eq!(found(&report), (Outcome::Failed, expected));
    let mut other = fixture();
    other.release.supplier = Some("hoster".to_owned());
    assert_eq!(found(&run_with(settings, &other)).1, [("evidence-missing", "/evidence/report")]);
}

#[test]
fn limited_control_needs_evidence_of_the_third_party_at_every_gate() {
    for (stage, phase) in
        [(Stage::PlanAndApprove, Phase::Entrance), (Stage::Fulfill, Phase::Entrance), (Stage::Observe, Phase::Exit)]
    {
        let fixture = hosted(EnvironmentControl::Limited).gate(stage, phase);
        let missing = vec![("evidence-missing", "/evidence/third-party-readiness")];
        assert_eq!(found(&run(&fixture)), (Outcome::Failed, missing), "{stage:?}");
        let by = |attester: &str| run(&attested(fixture.clone(), "third-party-readiness", attester, "11:00")).outcome;
        assert_eq!((by("hoster"), by("acme")), (Outcome::Passed, Outcome::Failed), "{stage:?}");
    }
    assert_eq!(run(&hosted(EnvironmentControl::Full)).outcome, Outcome::Passed);
}

/// In an environment without control, with the entrance of fulfill passed at these times.
fn result_at(stage: Stage, phase: Phase, entered: &[&str], evidence: Option<&str>) -> Report {
    let mut fixture = hosted(EnvironmentControl::None).gate(stage, phase);
    let passage = |time: &&str| GatePassage {
        stage: Stage::Fulfill,
        phase: Phase::Entrance,
        at: moment(time),
        decision: "decision-1".to_owned(),
    };
    fixture.gates_passed = entered.iter().map(passage).collect();
    let planned = GatePassage { stage: Stage::PlanAndApprove, at: moment("11:59"), ..passage(&"11:59") };
    fixture.gates_passed.push(planned);
    run(&match evidence {
        Some(time) => attested(fixture, "third-party-result", "hoster", time),
        None => fixture,
    })
}

#[test]
fn without_control_the_third_party_attests_the_result_once_there_is_one() {
    assert_eq!(result_at(Stage::PlanAndApprove, Phase::Exit, &[], None).outcome, Outcome::Passed);
    assert_eq!(result_at(Stage::Fulfill, Phase::Entrance, &[], None).outcome, Outcome::Passed);
    for (stage, phase) in
        [(Stage::Fulfill, Phase::Exit), (Stage::Validate, Phase::Entrance), (Stage::Observe, Phase::Exit)]
    {
        let missing = vec![("evidence-missing", "/evidence/third-party-result")];
        assert_eq!(found(&result_at(stage, phase, &["10:00"], None)), (Outcome::Failed, missing));
        assert_eq!(result_at(stage, phase, &["10:00"], Some("11:00")).outcome, Outcome::Passed);
    }
}

#[test]
fn a_result_is_not_attested_before_fulfill_began() {
    let at = |entered: &[&str], time| result_at(Stage::Fulfill, Phase::Exit, entered, Some(time));
    assert_eq!(at(&["10:00"], "10:00").outcome, Outcome::Passed);
    let early = (Outcome::Failed, vec![("evidence-before-result", "/evidence/third-party-result")]);
    let report = at(&["10:00"], "09:59");
    assert_eq!(found(&report), early);
    assert_eq!(
        report.findings[0].message,
        "the evidence `third-party-result` of the result is of 2026-11-24T09:59:00Z, before fulfill began"
    );
    assert_eq!(found(&at(&["09:00", "10:00"], "09:30")), early, "fulfill began again");
    assert_eq!(at(&[], "09:00").outcome, Outcome::Passed, "nobody recorded when fulfill began");
}

#[test]
fn a_result_that_somebody_attaches_later_was_not_made_before_fulfill_began() {
    let mut fixture = hosted(EnvironmentControl::None).gate(Stage::Fulfill, Phase::Exit);
    let (stage, phase) = (Stage::Fulfill, Phase::Entrance);
    fixture.gates_passed = vec![GatePassage { stage, phase, at: moment("10:00"), decision: "decision-1".to_owned() }];
    let mut fixture = signed(fixture, "third-party-result", "supplier:hoster#k", "11:00");
    head(&mut fixture, "third-party-result").made = Some(moment("10:30"));
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    head(&mut fixture, "third-party-result").made = Some(moment("09:59"));
    let early = (Outcome::Failed, vec![("evidence-before-result", "/evidence/third-party-result")]);
    assert_eq!(found(&run(&fixture)), early);
}

#[test]
fn a_result_without_a_time_is_inconclusive() {
    let mut fixture = hosted(EnvironmentControl::None).gate(Stage::Fulfill, Phase::Exit);
    fixture = attested(fixture, "third-party-result", "hoster", "11:00");
    head(&mut fixture, "third-party-result").attested = None;
    let expected = (Outcome::Inconclusive, vec![("evidence-age-unknown", "/evidence/third-party-result")]);
    assert_eq!(found(&run(&fixture)), expected);
    assert_eq!(found(&run_with(r#"{ "max-age": "1h" }"#, &fixture)), expected, "it is told once");
}
