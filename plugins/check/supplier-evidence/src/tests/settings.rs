//! Settings that are refused, and the capabilities that follow from them.

use lockgate_plugin::Plugin;

use super::*;

fn places(settings: &str) -> Vec<String> {
    let findings = configure::<SupplierEvidence>(settings).expect_err("the settings are wrong");
    findings.into_iter().map(|finding| finding.pointer).collect()
}

#[test]
fn it_asks_for_the_registers_and_the_evidence_that_its_settings_need_and_no_others() {
    let asked = |settings: &str| -> Vec<String> {
        configured::<SupplierEvidence>(settings)
            .needs()
            .into_iter()
            .map(|needed| format!("{} {}", needed.name, needed.scope.join(" ")))
            .collect()
    };
    assert_eq!(
        asked("{}"),
        ["facts suppliers", "facts service-contracts", "evidence third-party-readiness third-party-result"]
    );
    let none = r#"{ "contract": false, "readiness-evidence": [], "result-evidence": [] }"#;
    assert_eq!(asked(none), ["facts suppliers"]);
    let several = r#"{
        "contract": false, "release-evidence": ["report"], "readiness-evidence": ["report"], "result-evidence": ["result"],
        "suppliers": [{ "id": "acme", "evidence": ["audit", "report"] }]
    }"#;
    assert_eq!(asked(several), ["facts suppliers", "evidence report result audit"]);
    assert!(SupplierEvidence::capabilities().is_empty());
}

#[test]
fn suppliers_that_are_listed_twice_or_for_nothing_are_refused() {
    assert_eq!(
        places(
            r#"{ "suppliers": [
                { "id": "acme" }, { "id": "acme", "verified": true }, { "id": "hoster", "always": false },
                { "id": "carrier", "always": false, "attesters": ["cy"] }
            ] }"#
        ),
        ["/suppliers/1/id", "/suppliers/2"]
    );
}

#[test]
fn a_piece_of_evidence_is_asked_of_one_supplier() {
    let settings = r#"{ "suppliers": [
        { "id": "acme", "evidence": ["audit"] }, { "id": "hoster", "evidence": ["report", "audit"] }
    ] }"#;
    let findings = configure::<SupplierEvidence>(settings).expect_err("the settings are wrong");
    assert_eq!(findings[0].pointer, "/suppliers/1/evidence/1");
    assert_eq!(
        findings[0].message,
        "`audit` is asked of the supplier `acme`, too, and each attests evidence of its own: use another name"
    );
}

#[test]
fn evidence_is_named_and_not_described_by_patterns() {
    assert_eq!(
        places(
            r#"{ "release-evidence": ["report-*"], "readiness-evidence": ["*"], "result-evidence": ["result"],
                 "suppliers": [{ "id": "acme", "evidence": ["a", "b*"] }] }"#
        ),
        ["/release-evidence/0", "/readiness-evidence/0", "/suppliers/0/evidence/1"]
    );
}

#[test]
fn settings_of_the_wrong_shape_are_refused_with_their_places() {
    assert_eq!(
        places(
            r#"{ "max-age": "1s", "verified": "yes", "release-evidence": ["a", "a"], "third-parties": [],
                 "suppliers": [{ "id": "" }, { "evidence": [] }, { "id": "acme", "attesters": ["", "cy"] }] }"#
        ),
        [
            "/max-age",
            "/release-evidence/1",
            "/suppliers/0/id",
            "/suppliers/1",
            "/suppliers/2/attesters/0",
            "/third-parties",
            "/verified",
        ]
    );
}

#[test]
fn the_schema_marks_ids_of_services_and_people_among_those_who_attest() {
    let schema = lockgate_plugin::testing::settings_schema::<SupplierEvidence>();
    let attesters = &schema["$defs"]["SupplierRule"]["properties"]["attesters"];
    assert_eq!(attesters["items"]["$ref"], "#/$defs/Attester");
    let marked = json!({ "pattern": "^(service|person):", "format": "lockgate-person" });
    assert_eq!(schema["$defs"]["Attester"]["anyOf"][0], marked);
}
