//! Settings that are refused, and the capabilities that follow from them.

use lockgate_plugin::Plugin;

use super::*;

fn places(settings: &str) -> Vec<String> {
    let findings = configure::<ServiceReadiness>(settings).expect_err("the settings are wrong");
    findings.into_iter().map(|finding| finding.pointer).collect()
}

/// The scope of each capability that the settings ask for.
fn asked(settings: &str) -> Vec<String> {
    configured::<ServiceReadiness>(settings)
        .needs()
        .into_iter()
        .map(|needed| format!("{} {}", needed.name, needed.scope.join(" ")))
        .collect()
}

#[test]
fn it_asks_for_the_registers_that_its_settings_need_and_no_others() {
    assert_eq!(
        asked("{}"),
        ["facts service-contracts", "facts kpis", "facts monitors", "facts incidents", "facts runbooks"]
    );
    for (part, register) in [
        ("contract", "facts service-contracts"),
        ("blackouts", "facts service-contracts"),
        ("kpis", "facts kpis"),
        ("monitors", "facts monitors"),
        ("incidents", "facts incidents"),
        ("runbooks", "facts runbooks"),
    ] {
        assert_eq!(asked(&only(part, "")), [register], "{part}");
    }
    assert_eq!(asked(&only("knowledge", "")), [""; 0]);
    assert_eq!(asked(&only("", r#""maintenance": true"#)), ["facts service-contracts"]);
    assert_eq!(asked(&only("", r#""training": { "evidence": "training" }"#)), ["evidence training"]);
    assert!(ServiceReadiness::capabilities().is_empty());
}

#[test]
fn each_capability_says_what_it_is_for() {
    let reasons: Vec<String> =
        configured::<ServiceReadiness>("{}").needs().into_iter().map(|needed| needed.reason).collect();
    assert_eq!(reasons[0], "to tell whether a service contract is in force");
    assert!(configured::<ServiceReadiness>("{}").needs().iter().all(|needed| !needed.optional));
}

#[test]
fn settings_that_ask_for_nothing_are_refused() {
    assert_eq!(places(&only("", "")), [""]);
}

#[test]
fn keys_of_a_part_that_is_switched_off_are_refused() {
    let settings = only(
        "",
        r#""training": { "evidence": "training" }, "contract-kinds": ["sla"], "contracts": ["SLA-1"], "kpi-ids": ["k"],
           "kpi-max-age": "1h", "monitor-max-age": "1h", "incident-severity": "low", "except-trigger": true,
           "runbook-kinds": ["restart"], "knowledge-published": true"#,
    );
    let expected = [
        "/contract-kinds",
        "/contracts",
        "/kpi-ids",
        "/kpi-max-age",
        "/monitor-max-age",
        "/incident-severity",
        "/except-trigger",
        "/runbook-kinds",
        "/knowledge-published",
    ];
    assert_eq!(places(&settings), expected);
}

#[test]
fn kinds_beside_named_contracts_are_refused() {
    assert_eq!(places(r#"{ "contracts": ["SLA-1"], "contract-kinds": ["sla"] }"#), ["/contract-kinds"]);
}

#[test]
fn settings_of_the_wrong_shape_are_refused_with_their_places() {
    assert_eq!(
        places(
            r#"{ "contract": "yes", "contract-kinds": [], "kpi-max-age": "0s", "monitor-max-age": "soon",
                 "incident-severity": "worst", "runbook-kinds": ["a", "a", " b"], "training": { "max-age": "1h" },
                 "kpi": true }"#
        ),
        [
            "/contract",
            "/contract-kinds",
            "/incident-severity",
            "/kpi",
            "/kpi-max-age",
            "/monitor-max-age",
            "/runbook-kinds/2",
            "/runbook-kinds/1",
            "/training",
        ]
    );
}

#[test]
fn evidence_is_named_and_not_described_by_a_pattern() {
    assert_eq!(places(r#"{ "training": { "evidence": "train*" } }"#), ["/training/evidence"]);
    assert_eq!(places(r#"{ "training": { "evidence": "" } }"#), ["/training/evidence"]);
}
