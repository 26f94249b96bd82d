//! Contracts with suppliers.

use super::*;

fn look(contracts: Vec<ServiceContract>) -> Report {
    let mut fixture = fixture();
    fixture.registers.service_contracts = Some(contracts);
    run(&fixture)
}

fn term(start: &str, end: &str) -> ServiceContract {
    let term = TimeWindow { start: moment(start), end: moment(end) };
    ServiceContract { term: Some(term), ..contract("UC-1", "acme") }
}

#[test]
fn the_provider_is_the_supplier_by_its_id_or_its_name_in_the_register() {
    let missing = (Outcome::Failed, vec![("contract-missing", "/registers/service_contracts")]);
    for provider in ["acme", "Acme Ltd"] {
        assert_eq!(look(vec![contract("UC-1", provider)]).outcome, Outcome::Passed, "{provider}");
    }
    for provider in ["ACME", "hoster", "Hoster", "shop-team"] {
        assert_eq!(found(&look(vec![contract("UC-1", provider)])), missing, "{provider}");
    }
    let consumer = ServiceContract { consumer: "acme".to_owned(), ..contract("UC-1", "shop-team") };
    assert_eq!(found(&look(vec![consumer])), missing, "it is the consumer");
}

#[test]
fn only_a_contract_with_a_supplier_counts() {
    for kind in ["sla", "ola", "UC"] {
        let report = look(vec![ServiceContract { kind: kind.to_owned(), ..contract("C-1", "acme") }]);
        assert_eq!(found(&report), (Outcome::Failed, vec![("contract-missing", "/registers/service_contracts")]));
        assert_eq!(
            report.findings[0].message,
            "the register has no contract of the kind `uc` with the supplier `acme`"
        );
        assert_eq!(report.findings[0].remedies[0].owner.as_deref(), Some("service-owner"));
    }
}

/// At a gate of fulfill at noon, with a slot until 14:00.
#[test]
fn the_term_holds_the_rest_of_the_slot() {
    for (start, end, holds) in [
        ("12:00", "14:00", true),
        ("12:01", "14:00", false),
        ("12:00", "13:59", false),
        ("08:00", "12:00", false),
        ("14:00", "15:00", false),
    ] {
        let expected = match holds {
            true => (Outcome::Passed, vec![]),
            false => (Outcome::Failed, vec![("contract-outside-term", "/registers/service_contracts/0/term")]),
        };
        assert_eq!(found(&look(vec![term(start, end)])), expected, "{start} {end}");
    }
    assert_eq!(look(vec![ServiceContract { term: None, ..contract("UC-1", "acme") }]).outcome, Outcome::Passed);
}

#[test]
fn while_it_is_planned_the_term_holds_the_slot() {
    let planned = |contract: ServiceContract| {
        let mut fixture = fixture().gate(Stage::PlanAndApprove, Phase::Exit).now("2026-11-20T12:00:00Z");
        fixture.registers.service_contracts = Some(vec![contract]);
        run(&fixture).outcome
    };
    assert_eq!(planned(term("10:00", "14:00")), Outcome::Passed);
    assert_eq!(planned(term("10:01", "14:00")), Outcome::Failed);
}

#[test]
fn of_several_contracts_one_in_force_is_enough() {
    let inactive = || ServiceContract { active: false, ..contract("UC-0", "acme") };
    let over = || term("08:00", "09:00");
    assert_eq!(look(vec![inactive(), over(), contract("UC-9", "acme")]).outcome, Outcome::Passed);
    let report = look(vec![inactive(), over(), contract("UC-2", "hoster")]);
    let expected = vec![
        ("contract-not-active", "/registers/service_contracts/0/active"),
        ("contract-outside-term", "/registers/service_contracts/1/term"),
    ];
    assert_eq!(found(&report), (Outcome::Failed, expected));
    assert_eq!(report.findings[0].message, "the contract `UC-0` with the supplier `acme` is not active");
    assert_eq!(
        report.findings[1].message,
        "the contract `UC-1` with the supplier `acme` ends at 2026-11-24T09:00:00Z, which is too early"
    );
}

#[test]
fn a_name_that_the_register_does_not_have_is_nobody() {
    let mut fixture = fixture();
    fixture.registers.suppliers = None;
    fixture.registers.service_contracts = Some(vec![contract("UC-1", "acme")]);
    assert_eq!(found(&run(&fixture)), (Outcome::Inconclusive, vec![("suppliers-not-kept", "/registers/suppliers")]));
    fixture.registers.service_contracts = Some(vec![contract("UC-1", "Acme Ltd")]);
    let expected =
        vec![("contract-missing", "/registers/service_contracts"), ("suppliers-not-kept", "/registers/suppliers")];
    assert_eq!(found(&run(&fixture)), (Outcome::Failed, expected));
}

#[test]
fn where_no_contract_is_asked_for_the_register_is_not_read() {
    let mut fixture = fixture();
    fixture.registers.service_contracts = None;
    let report = run_with(r#"{ "contract": false }"#, &fixture);
    assert_eq!(report, Report::passed("the supplier involved (`acme`) is known and has attested what it has to"));
}
