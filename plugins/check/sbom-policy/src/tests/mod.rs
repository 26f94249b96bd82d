#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod documents;
mod licences;
mod owners;
mod packages;
mod settings;
mod spdx;

use lockgate_plugin::testing::{Fixture, configure, report_of};
use lockgate_plugin::types::{Component, Severity, component_kind};
use lockgate_plugin::{Need, Outcome, PluginError, Report, ValidationCheck};
use serde_json::{Value, json};

use super::SbomPolicy;

/// A document as `cargo cyclonedx` writes it, of which one component is nested and one was needed for the build only.
fn sbom() -> Value {
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "serialNumber": "urn:uuid:18d81327-c0a4-44df-82ef-0b3eab5a8c5f",
        "metadata": {
            "timestamp": "2026-11-21T21:40:00Z",
            "tools": [{ "vendor": "CycloneDX", "name": "cargo-cyclonedx", "version": "0.5.7" }],
            "component": {
                "type": "application", "bom-ref": "pkg:cargo/shop@2.4.0", "name": "shop", "version": "2.4.0",
                "purl": "pkg:cargo/shop@2.4.0", "licenses": [{ "expression": "Apache-2.0" }]
            }
        },
        "components": [
            {
                "type": "library", "bom-ref": "a", "author": "x", "name": "anyhow", "version": "1.0.100", "scope": "required",
                "hashes": [{ "alg": "SHA-256", "content": "a".repeat(64) }],
                "licenses": [{ "expression": "MIT OR Apache-2.0" }], "purl": "pkg:cargo/anyhow@1.0.100",
                "externalReferences": [{ "type": "vcs", "url": "https://example.com/anyhow" }]
            },
            {
                "type": "library", "name": "widgets", "version": "3.1.0", "purl": "pkg:npm/%40acme/widgets@3.1.0",
                "licenses": [{ "license": { "id": "MIT" } }],
                "components": [
                    { "type": "library", "name": "inner", "version": "0.9.0", "purl": "pkg:npm/inner@0.9.0",
                      "licenses": [{ "license": { "name": "BSD-3-Clause" } }] }
                ]
            },
            { "type": "library", "name": "builder", "version": "1.0.0", "scope": "excluded",
              "licenses": [{ "license": { "id": "AGPL-3.0-only" } }], "purl": "pkg:cargo/builder@1.0.0" }
        ],
        "dependencies": [{ "ref": "a", "dependsOn": [] }]
    })
}

fn ask(settings: &str, fixture: &Fixture) -> Result<Report, PluginError> {
    let check: SbomPolicy = configure(settings).unwrap_or_else(|findings| panic!("{findings:?}"));
    check.run(&fixture.evaluation())
}

fn run(settings: &str, sbom: &Value) -> Report {
    let fixture = Fixture::new().with_evidence("sbom", "application/vnd.cyclonedx+json", sbom.to_string());
    report_of::<SbomPolicy>(settings, &fixture)
}

fn text(content: &str) -> Report {
    let fixture = Fixture::new().with_evidence("sbom", "application/json", content);
    report_of::<SbomPolicy>(NO_AGPL, &fixture)
}

/// Code and subject of each finding.
fn found(report: &Report) -> Vec<(&str, &str)> {
    let findings = report.findings.iter();
    findings.map(|finding| (finding.code.as_str(), finding.about.as_deref().unwrap_or_default())).collect()
}

/// The bill with one more package under these licences.
fn with_licences(licences: Value) -> Value {
    let mut sbom = sbom();
    let package = json!({
        "type": "library", "name": "odd", "version": "1.0.0", "purl": "pkg:cargo/odd@1.0.0", "licenses": licences
    });
    sbom["components"].as_array_mut().expect("a list").push(package);
    sbom
}

/// The bill with one package more.
fn with_package(purl: &str, version: &str) -> Value {
    let mut sbom = sbom();
    let package = json!({
        "type": "library", "name": "odd", "version": version, "purl": purl, "licenses": [{ "license": { "id": "MIT" } }]
    });
    sbom["components"].as_array_mut().expect("a list").push(package);
    sbom
}

const NO_AGPL: &str = r#"{ "denied-licences": ["AGPL-*", "GPL-2.0-only"] }"#;

#[test]
fn a_missing_bill_is_inconclusive_and_says_what_to_hand_in() {
    let report = ask(NO_AGPL, &Fixture::new()).expect("it can look");
    assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("sbom-missing", "")]));
    let finding = &report.findings[0];
    assert_eq!(finding.pointers.first().map(String::as_str), Some("/evidence/sbom"));
    assert_eq!(
        finding.remedies[0].message,
        "hand in the SBOM of the release, as CycloneDX or SPDX in JSON, as evidence `sbom`"
    );
    let Need::Evidence(need) = &finding.remedies[0].need else { panic!("{finding:?}") };
    assert_eq!((need.name.as_str(), need.media_type.as_deref()), ("sbom", Some("application/vnd.cyclonedx+json")));
}

#[test]
fn evidence_that_was_not_granted_is_an_error_and_no_answer() {
    let mut fixture = Fixture::new().with_evidence("sbom", "application/json", sbom().to_string());
    fixture.withheld = vec!["sbom".to_owned()];
    assert_eq!(ask(NO_AGPL, &fixture).expect_err("it cannot look").code, "evidence-not-granted");
}

#[test]
fn the_bill_can_go_by_another_name() {
    let fixture = Fixture::new().with_evidence("sbom-web", "application/json", sbom().to_string());
    let settings = r#"{ "evidence": "sbom-web", "denied-licences": ["AGPL-*"] }"#;
    assert_eq!(ask(settings, &fixture).expect("it can look").outcome, Outcome::Passed);
}

#[test]
fn a_report_does_not_grow_with_the_bill() {
    let package = json!({ "type": "library", "name": "x", "licenses": [{ "license": { "id": "AGPL-3.0-only" } }] });
    let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": vec![package; 250] });
    let report = run(NO_AGPL, &sbom);
    assert_eq!(report.summary, "250 things are not allowed in the SBOM's 250 packages");
    assert_eq!(report.findings.len(), 101);
    assert_eq!(report.findings[100].message, "150 more findings are not shown here");
}

#[test]
fn each_code_is_told_however_many_findings_there_are() {
    let library = |licence: &str, purl: &str| json!({ "type": "library", "name": "x", "purl": purl, "licenses": [{ "expression": licence }] });
    let mut packages = vec![library("AGPL-3.0-only", "pkg:npm/a@1"); 250];
    packages.extend(vec![library("Odd", "pkg:npm/a@1"); 120]);
    packages.extend([
        library("MIT", "pkg:npm/evil@1"),
        library("MIT", "pkg:npm/old@1"),
        library("MIT", "pkg:npm/@x"),
        library("MIT", "pkg:npm/old@latest"),
        library("AGPL-3.0-only", "pkg:npm/excused@1"),
    ]);
    let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": packages });
    let settings = r#"{ "denied-licences": ["AGPL-*"], "denied-packages": [{ "package": "pkg:npm/evil", "reason": "r" }],
                        "minimum-versions": [{ "package": "pkg:npm/old", "version": "2" }],
                        "licence-exceptions": [{ "package": "pkg:npm/excused", "reason": "r" }] }"#;
    let report = run(settings, &sbom);
    assert_eq!((report.outcome, report.findings.len()), (Outcome::Failed, 101));
    for code in [
        "licence-denied",
        "licence-unknown",
        "package-denied",
        "package-outdated",
        "package-url-invalid",
        "version-unknown",
        "licence-excused",
        "more-findings",
    ] {
        assert!(report.findings.iter().any(|finding| finding.code == code), "{code}");
    }
    assert_eq!(report.findings[100].message, "275 more findings are not shown here");
}

#[test]
fn the_exhibit_does_not_grow_with_the_bill() {
    let package = |number: u32| json!({ "type": "library", "name": "x", "licenses": [{ "license": { "name": format!("{number} {}", "x".repeat(5000)) } }] });
    let packages: Vec<Value> = (0..150).flat_map(|number| [package(number), package(number.min(2))]).collect();
    let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": packages });
    let report = run(NO_AGPL, &sbom);
    let exhibit: Value = serde_json::from_str(&report.exhibits[0].content.json).expect("it is JSON");
    assert_eq!(exhibit["licences"].as_object().map(serde_json::Map::len), Some(100));
    assert_eq!((&exhibit["packages"], &exhibit["others"]), (&json!(300), &json!(50)));
    assert!(report.exhibits[0].content.json.len() < 30_000);
    assert!(report.findings.iter().all(|finding| finding.message.len() < 1000));
}

#[test]
fn many_of_one_thing_are_judged_in_proportion_to_their_number() {
    const MANY: usize = 30_000;
    let licences: Vec<Value> =
        (0..MANY).map(|number| json!({ "license": { "name": format!("Licence {number}") } })).collect();
    let members: serde_json::Map<String, Value> = (0..MANY).map(|number| (format!("k{number}"), json!(0))).collect();
    let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "x": members,
        "components": [{ "type": "library", "name": "x", "licenses": licences }] });
    let report = run(NO_AGPL, &sbom);
    assert_eq!(report.summary, format!("{MANY} things cannot be told about the SBOM's 1 package"));

    let id = |number: usize| format!("https://example.com/an-sbom-with-a-long-name/{number}");
    let mut graph = Vec::new();
    for number in 0..MANY / 2 {
        graph.push(json!({ "type": "software_Package", "spdxId": id(number), "name": "x", "software_packageUrl": "pkg:npm/x" }));
        graph.push(json!({ "type": "Relationship", "from": id(number), "relationshipType": "hasDeclaredLicense",
            "to": ["https://spdx.org/licenses/AGPL-3.0-only"] }));
    }
    let sbom = json!({ "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph });
    let report = run(NO_AGPL, &sbom);
    assert_eq!(report.summary, "15000 things are not allowed in the SBOM's 15000 packages");
}
