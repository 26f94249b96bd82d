//! Contracts in force, and the times that they allow.

use super::*;

fn with_contracts(contracts: Vec<ServiceContract>) -> Fixture {
    let mut fixture = fixture();
    fixture.registers.service_contracts = Some(contracts);
    fixture
}

fn term(start: &str, end: &str) -> Option<TimeWindow> {
    Some(window(&format!("2026-11-24T{start}:00Z"), &format!("2026-11-24T{end}:00Z")))
}

/// What is found of a contract with that term, at a gate at noon and with a slot from 10:00 to 14:00.
fn found_of_term(stage: Stage, term: Option<TimeWindow>) -> Vec<String> {
    let fixture = with_contracts(vec![ServiceContract { term, ..contract("SLA-1") }]).gate(stage, Phase::Entrance);
    let report = run_with(&only("contract", ""), &fixture);
    report.findings.into_iter().map(|finding| finding.code).collect()
}

#[test]
fn a_contract_holds_the_slot_while_it_is_planned_and_the_rest_of_it_later() {
    const OUTSIDE: [&str; 1] = ["contract-outside-term"];
    for (start, end, planned, under_way) in [
        ("10:00", "14:00", true, true),
        ("10:01", "14:00", false, true),
        ("12:00", "14:00", false, true),
        ("12:01", "14:00", false, false),
        ("10:00", "13:59", false, false),
        ("14:00", "15:00", false, false),
    ] {
        let expected = |holds: bool| if holds { [].as_slice() } else { OUTSIDE.as_slice() };
        let term = term(start, end);
        assert_eq!(found_of_term(Stage::PlanAndApprove, term), expected(planned), "{start} {end}");
        assert_eq!(found_of_term(Stage::Fulfill, term), expected(under_way), "{start} {end}");
    }
    assert_eq!(found_of_term(Stage::Fulfill, None), [""; 0], "an active contract without a term");
}

#[test]
fn without_a_slot_the_present_moment_counts() {
    let mut fixture = with_contracts(vec![ServiceContract { term: term("12:00", "12:01"), ..contract("SLA-1") }]);
    fixture.plan = None;
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    fixture.registers.service_contracts =
        Some(vec![ServiceContract { term: term("11:00", "12:00"), ..contract("SLA-1") }]);
    let report = run(&fixture);
    assert_eq!(
        found(&report),
        (Outcome::Failed, vec![("contract-outside-term", "/registers/service_contracts/0/term")])
    );
    assert_eq!(
        report.findings[0].message,
        "the service contract `SLA-1` (sla) ends at 2026-11-24T12:00:00Z, which is too early"
    );
    assert_eq!(report.findings[0].remedies[0].owner.as_deref(), Some("service-owner"));
}

#[test]
fn one_contract_in_force_of_the_kinds_is_enough() {
    let inactive = ServiceContract { active: false, ..contract("SLA-0") };
    let over = ServiceContract { term: term("08:00", "09:00"), ..contract("OLA-1") };
    let expired_and_valid = with_contracts(vec![inactive.clone(), over.clone(), contract("SLA-1")]);
    assert_eq!(found(&run(&expired_and_valid)), (Outcome::Passed, vec![]));
    let none = with_contracts(vec![inactive, over]);
    let expected = vec![
        ("contract-not-active", "/registers/service_contracts/0/active"),
        ("contract-outside-term", "/registers/service_contracts/1/term"),
    ];
    assert_eq!(found(&run(&none)), (Outcome::Failed, expected));
}

#[test]
fn a_contract_of_another_kind_does_not_count() {
    let supplier = ServiceContract { kind: "uc".to_owned(), ..contract("UC-1") };
    let fixture = with_contracts(vec![supplier]);
    let report = run(&fixture);
    assert_eq!(found(&report), (Outcome::Failed, vec![("contract-missing", "/registers/service_contracts")]));
    assert_eq!(
        report.findings[0].message,
        "the register `service-contracts` has no service contract of the kind `sla` or `ola`"
    );
    assert_eq!(run_with(r#"{ "contract-kinds": ["uc"] }"#, &fixture).outcome, Outcome::Passed);
}

#[test]
fn each_contract_that_is_named_has_to_be_in_force() {
    let fixture = with_contracts(vec![
        ServiceContract { kind: "uc".to_owned(), ..contract("UC-1") },
        contract("SLA-1"),
        ServiceContract { active: false, ..contract("SLA-2") },
    ]);
    assert_eq!(run_with(r#"{ "contracts": ["UC-1", "SLA-1"] }"#, &fixture).outcome, Outcome::Passed);
    let report = run_with(r#"{ "contracts": ["SLA-2", "SLA-3", "SLA-1"] }"#, &fixture);
    let expected = vec![
        ("contract-not-active", "/registers/service_contracts/2/active"),
        ("contract-missing", "/registers/service_contracts"),
    ];
    assert_eq!(found(&report), (Outcome::Failed, expected));
}

#[test]
fn a_blackout_that_meets_the_slot_stands_in_the_way() {
    for (start, end, meets) in [
        ("09:00", "10:00", false),
        ("09:00", "10:01", true),
        ("11:00", "11:30", true),
        ("13:59", "18:00", true),
        ("14:00", "18:00", false),
        ("00:00", "23:59", true),
        ("12:00", "12:00", false),
    ] {
        let fixture =
            with_contracts(vec![ServiceContract { blackouts: Vec::from_iter(term(start, end)), ..contract("SLA-1") }]);
        let place = "/registers/service_contracts/0/blackouts/0";
        let expected = match meets {
            true => (Outcome::Failed, vec![("slot-in-blackout", place)]),
            false => (Outcome::Passed, vec![]),
        };
        assert_eq!(found(&run(&fixture)), expected, "{start} {end}");
        assert_eq!(run_with(&only("contract", ""), &fixture).outcome, Outcome::Passed, "it is switched off");
    }
}

#[test]
fn blackouts_of_every_kind_of_contract_count_while_it_is_active() {
    let blackouts = || Vec::from_iter(term("11:00", "12:00"));
    let supplier = ServiceContract { kind: "uc".to_owned(), blackouts: blackouts(), ..contract("UC-1") };
    let inactive = ServiceContract { active: false, blackouts: blackouts(), ..contract("SLA-2") };
    let over = ServiceContract { term: term("08:00", "10:00"), blackouts: blackouts(), ..contract("SLA-3") };
    let fixture = with_contracts(vec![contract("SLA-1"), supplier, inactive, over]);
    let report = run(&fixture);
    assert_eq!(
        found(&report),
        (Outcome::Failed, vec![("slot-in-blackout", "/registers/service_contracts/1/blackouts/0")])
    );
    assert_eq!(
        report.findings[0].message,
        "the slot of the plan, 2026-11-24T10:00:00Z to 2026-11-24T14:00:00Z, meets a blackout of the service contract \
         `UC-1`, 2026-11-24T11:00:00Z to 2026-11-24T12:00:00Z"
    );
    let remedy = &report.findings[0].remedies[0];
    assert_eq!((remedy.code.as_str(), remedy.owner.as_deref()), ("book-slot", Some("deployment-manager")));
}

#[test]
fn a_slot_that_a_contract_limits_is_due_from_the_exit_of_plan_and_approve_on() {
    let limited = ServiceContract { blackouts: Vec::from_iter(term("11:00", "12:00")), ..contract("SLA-1") };
    let mut fixture = with_contracts(vec![limited]);
    fixture.plan = Some(Fixture::plan("P-1"));
    let at = |fixture: &Fixture, phase| run(&fixture.clone().gate(Stage::PlanAndApprove, phase));
    assert_eq!(at(&fixture, Phase::Entrance).outcome, Outcome::Passed);
    let report = at(&fixture, Phase::Exit);
    assert_eq!(found(&report), (Outcome::Inconclusive, vec![("slot-missing", "/plan/slot")]));
    fixture.registers.service_contracts = Some(vec![contract("SLA-1")]);
    assert_eq!(at(&fixture, Phase::Exit).outcome, Outcome::Passed, "no contract limits the slot");
}

#[test]
fn a_slot_lies_within_a_maintenance_window_where_that_is_asked_for() {
    let windows = |windows: &[(&str, &str)]| windows.iter().filter_map(|(start, end)| term(start, end)).collect();
    let settings = r#"{ "maintenance": true }"#;
    for (maintenance, is_within) in [
        (windows(&[]), true),
        (windows(&[("10:00", "14:00")]), true),
        (windows(&[("02:00", "04:00"), ("09:00", "15:00")]), true),
        (windows(&[("10:00", "12:00"), ("12:00", "14:00")]), false),
        (windows(&[("10:01", "14:00")]), false),
    ] {
        let fixture = with_contracts(vec![ServiceContract { maintenance, ..contract("SLA-1") }]);
        let expected = match is_within {
            true => (Outcome::Passed, vec![]),
            false => {
                (Outcome::Failed, vec![("slot-outside-maintenance", "/registers/service_contracts/0/maintenance")])
            }
        };
        assert_eq!(found(&run_with(settings, &fixture)), expected);
        assert_eq!(run(&fixture).outcome, Outcome::Passed, "nobody asked for it");
    }
}

#[test]
fn blackouts_alone_need_no_contract() {
    let settings = only("blackouts", "");
    let empty = with_contracts(Vec::new());
    assert_eq!(
        found(&run_with(&settings, &empty)),
        (Outcome::Passed, vec![("no-contracts", "/registers/service_contracts")])
    );
    let inactive = with_contracts(vec![ServiceContract { active: false, ..contract("SLA-1") }]);
    assert_eq!(found(&run_with(&settings, &inactive)), (Outcome::Passed, vec![]));
    let mut not_kept = fixture();
    not_kept.registers.service_contracts = None;
    assert_eq!(
        found(&run_with(&settings, &not_kept)),
        (Outcome::Inconclusive, vec![("contracts-not-kept", "/registers/service_contracts")])
    );
}
