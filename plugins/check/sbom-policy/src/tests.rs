#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use lockgate_plugin::testing::{Fixture, configure};
use lockgate_plugin::types::{Component, ComponentKind, Severity};
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
    ask(settings, &fixture).expect("it can look")
}

fn text(content: &str) -> Report {
    let fixture = Fixture::new().with_evidence("sbom", "application/json", content);
    ask(NO_AGPL, &fixture).expect("it can look")
}

/// Code and subject of each finding.
fn found(report: &Report) -> Vec<(&str, &str)> {
    let violations = report.findings.iter().map(|finding| &finding.violation);
    violations.map(|violation| (violation.code.as_str(), violation.subject.as_deref().unwrap_or_default())).collect()
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
fn a_bill_in_which_nothing_is_forbidden_passes_and_shows_its_licences() {
    let report = run(NO_AGPL, &sbom());
    assert_eq!(
        (report.outcome, report.summary.as_str()),
        (Outcome::Passed, "nothing in the SBOM's 3 packages is forbidden")
    );
    assert_eq!(report.findings, []);
    let licences: Value = serde_json::from_str(&report.exhibits[0].content.json).expect("JSON");
    assert_eq!(licences["licences"], json!({ "MIT OR Apache-2.0": 1, "MIT": 1, "BSD-3-Clause": 1 }));
    assert_eq!(licences["packages"], 3);
}

#[test]
fn every_version_of_the_standard_that_is_named_is_read() {
    for version in ["1.4", "1.5", "1.6"] {
        let mut sbom = sbom();
        sbom["specVersion"] = json!(version);
        assert_eq!(run(NO_AGPL, &sbom).outcome, Outcome::Passed);
    }
}

#[test]
fn a_missing_bill_is_inconclusive_and_says_what_to_hand_in() {
    let report = ask(NO_AGPL, &Fixture::new()).expect("it can look");
    assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("sbom-missing", "")]));
    let violation = &report.findings[0].violation;
    assert_eq!(violation.pointer.as_deref(), Some("/evidence/sbom"));
    assert_eq!(
        violation.remedies[0].message,
        "hand in the SBOM of the release, as CycloneDX in JSON, as evidence `sbom`"
    );
    let Need::Evidence(need) = &violation.remedies[0].need else { panic!("{violation:?}") };
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
fn a_broken_bill_fails_and_names_the_place() {
    let mut broken = sbom();
    broken["components"][1]["licenses"][0]["license"] = json!("MIT");
    let report = run(NO_AGPL, &broken);
    assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("sbom-malformed", "")]));
    let message = &report.findings[0].violation.message;
    assert!(
        message.starts_with(
            "the SBOM cannot be read: evidence `sbom` at `/components/1/licenses/0/license`: invalid type"
        ),
        "{message}"
    );

    for content in ["", "{", "null", "[]", "\u{0}", r#"{"bomFormat":"CycloneDX","specVersion":"1.5"} x"#] {
        assert_eq!(found(&text(content)), [("sbom-malformed", "")], "{content}");
    }
    assert_eq!(found(&text(r#"{"bomFormat":"CycloneDX"}"#)), [("sbom-malformed", "")]);
}

#[test]
fn a_bill_that_is_nested_without_end_fails() {
    let deep = format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.5","components":{}"#,
        r#"[{"type":"library","name":"x","components":"#.repeat(5000)
    );
    assert_eq!(found(&text(&deep)), [("sbom-malformed", "")]);
}

#[test]
fn a_bill_in_another_format_is_inconclusive() {
    for (content, says) in [
        (r#"{"spdxVersion":"SPDX-2.3","packages":[]}"#, "is SPDX-2.3"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.3"}"#, "is CycloneDX 1.3"),
        (r#"{"bomFormat":"Other","specVersion":"1.5"}"#, "is of the format `Other`"),
        ("{}", "does not say its `bomFormat`"),
        (" \n<bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\"/>", "is XML"),
    ] {
        let report = text(content);
        assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("sbom-not-understood", "")]));
        assert!(report.findings[0].violation.message.contains(says), "{:?}", report.findings);
    }
}

#[test]
fn a_bill_without_packages_is_inconclusive() {
    let report = text(r#"{"bomFormat":"CycloneDX","specVersion":"1.5"}"#);
    assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("sbom-empty", "")]));
}

#[test]
fn a_denied_licence_fails_and_names_package_and_place() {
    let report = run(NO_AGPL, &with_licences(json!([{ "license": { "id": "AGPL-3.0-only" } }])));
    assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("licence-denied", "`pkg:cargo/odd@1.0.0`")]));
    assert_eq!(report.summary, "1 thing is not allowed in the SBOM's 4 packages");
    let violation = &report.findings[0].violation;
    assert_eq!(
        violation.message,
        "`pkg:cargo/odd@1.0.0` is under `AGPL-3.0-only`, which is not allowed (at `/components/3` of the SBOM)"
    );
    assert_eq!(
        violation.remedies[0].message,
        "replace `pkg:cargo/odd@1.0.0`, or have it excused, and hand in the new SBOM as evidence `sbom`"
    );
}

#[test]
fn a_nested_package_is_looked_at_too() {
    let report = run(r#"{ "denied-licences": ["BSD-*"] }"#, &sbom());
    assert_eq!(found(&report), [("licence-denied", "`pkg:npm/inner@0.9.0`")]);
    assert!(report.findings[0].violation.message.contains("`/components/1/components/0`"));
}

#[test]
fn expressions_are_read_as_the_licensee_may_choose() {
    let outcome = |expression: &str| run(NO_AGPL, &with_licences(json!([{ "expression": expression }]))).outcome;
    assert_eq!(outcome("MIT OR AGPL-3.0-only"), Outcome::Passed);
    assert_eq!(outcome("MIT AND AGPL-3.0-only"), Outcome::Failed);
    assert_eq!(outcome("(MIT OR AGPL-3.0-only) AND Apache-2.0"), Outcome::Passed);
    assert_eq!(outcome("(MIT AND AGPL-3.0-only) OR AGPL-3.0-or-later"), Outcome::Failed);
    assert_eq!(outcome("MIT/Apache-2.0"), Outcome::Passed);
    assert_eq!(outcome("LicenseRef-Proprietary"), Outcome::Passed);
}

#[test]
fn several_licences_hold_together() {
    let licences = json!([{ "license": { "id": "MIT" } }, { "license": { "id": "AGPL-3.0-only" } }]);
    assert_eq!(run(NO_AGPL, &with_licences(licences)).outcome, Outcome::Failed);
}

#[test]
fn old_names_of_gnu_licences_mean_the_same() {
    let outcome = |text: &str| run(NO_AGPL, &with_licences(json!([{ "license": { "id": text } }]))).outcome;
    assert_eq!(outcome("GPL-2.0"), Outcome::Failed);
    assert_eq!(outcome("GPL-2.0-only"), Outcome::Failed);
    assert_eq!(outcome("GPL-2.0+"), Outcome::Passed);
    assert_eq!(outcome("GPL-2.0-or-later"), Outcome::Passed);
}

#[test]
fn a_licence_with_an_exception_can_be_permitted() {
    let sbom = with_licences(json!([{ "expression": "GPL-2.0-only WITH Classpath-exception-2.0" }]));
    assert_eq!(run(NO_AGPL, &sbom).outcome, Outcome::Failed);
    let settings = r#"{
        "denied-licences": ["GPL-*"], "permitted-licences": ["gpl-* WITH classpath-exception-2.0"]
    }"#;
    assert_eq!(run(settings, &sbom).outcome, Outcome::Passed);
    let without = with_licences(json!([{ "expression": "GPL-2.0-only" }]));
    assert_eq!(run(settings, &without).outcome, Outcome::Failed);
}

#[test]
fn only_what_is_permitted_may_be_there_if_the_settings_say_so() {
    let settings = r#"{ "only-permitted": true, "permitted-licences": ["MIT", "Apache-2.0"] }"#;
    assert_eq!(found(&run(settings, &sbom())), [("licence-denied", "`pkg:npm/inner@0.9.0`")]);
    let unknown = with_licences(json!([{ "license": { "name": "Shop licence" } }]));
    let settings =
        r#"{ "only-permitted": true, "permitted-licences": ["MIT", "Apache-2.0", "BSD-3-Clause", "Shop licence"] }"#;
    assert_eq!(run(settings, &unknown).outcome, Outcome::Passed);
}

#[test]
fn a_licence_that_is_not_told_is_handled_as_the_settings_say() {
    for licences in [json!([]), json!([{ "license": { "name": " " } }])] {
        let sbom = with_licences(licences);
        let outcome = |unknown: &str| {
            let report = run(&format!(r#"{{ "denied-licences": ["AGPL-*"], "unknown": "{unknown}" }}"#), &sbom);
            (report.outcome, report.findings.first().map(|finding| finding.violation.code.clone()))
        };
        assert_eq!(outcome("inconclusive"), (Outcome::Inconclusive, Some("licence-missing".to_owned())));
        assert_eq!(outcome("fail"), (Outcome::Failed, Some("licence-missing".to_owned())));
        assert_eq!(outcome("ignore"), (Outcome::Passed, None));
    }
    let strange = with_licences(json!([{ "license": { "name": "Ask my lawyer" } }]));
    assert_eq!(found(&run(NO_AGPL, &strange)), [("licence-unknown", "`pkg:cargo/odd@1.0.0`")]);
    let named = r#"{ "denied-licences": ["ask my *"] }"#;
    assert_eq!(found(&run(named, &strange)), [("licence-denied", "`pkg:cargo/odd@1.0.0`")]);
}

#[test]
fn a_package_can_be_excused_for_a_time() {
    let settings = |until: &str| {
        format!(
            r#"{{ "denied-licences": ["AGPL-*"],
                  "licence-exceptions": [{{ "package": "pkg:cargo/odd", "reason": "being replaced"{until} }}] }}"#
        )
    };
    let sbom = with_licences(json!([{ "license": { "id": "AGPL-3.0-only" } }]));
    let report = run(&settings(""), &sbom);
    assert_eq!((report.outcome, found(&report)), (Outcome::Passed, vec![("licence-excused", "`pkg:cargo/odd@1.0.0`")]));
    assert_eq!(report.findings[0].severity, Severity::Info);
    // The fixture's time is noon on 2026-11-24.
    assert_eq!(run(&settings(r#", "until": "2026-11-24T12:00:01Z""#), &sbom).outcome, Outcome::Passed);
    let report = run(&settings(r#", "until": "2026-11-24T12:00:00Z""#), &sbom);
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.findings[0].violation.message.ends_with("it was excused until 2026-11-24T12:00:00Z"));
}

#[test]
fn denied_packages_fail_in_the_versions_that_are_named() {
    let settings = r#"{
        "denied-packages": [
            { "package": "pkg:npm/event-stream", "versions": "=3.3.6", "reason": "steals wallets" },
            { "package": "pkg:npm/@evil/*", "reason": "known to be hostile" },
            { "package": "pkg:cargo/openssl*", "versions": ">=0.10, <0.10.60", "reason": "CVE-2023-0001" }
        ]
    }"#;
    let codes = |purl: &str, version: &str| {
        let report = run(settings, &with_package(purl, version));
        report.findings.iter().map(|finding| finding.violation.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        codes("pkg:npm/event-stream@3.3.6", "3.3.6"),
        [
            "`pkg:npm/event-stream@3.3.6` is not allowed in the versions `=3.3.6`: steals wallets (at `/components/3` of the SBOM)"
        ]
    );
    assert_eq!(codes("pkg:npm/event-stream@3.3.7", "3.3.7"), [""; 0]);
    assert_eq!(codes("pkg:npm/%40evil/thing@1.0.0?x=y", "1.0.0").len(), 1);
    assert_eq!(codes("pkg:npm/%40evil/deep/thing@1.0.0", "1.0.0").len(), 0);
    assert_eq!(codes("pkg:cargo/openssl-sys@0.10.59", "0.10.59").len(), 1);
    assert_eq!(codes("pkg:cargo/openssl-sys@0.10.60", "0.10.60").len(), 0);
    // A pre-release of a version that is denied is denied too.
    assert_eq!(codes("pkg:cargo/openssl@0.10.59-rc.1", "0.10.59-rc.1").len(), 1);
}

#[test]
fn packages_older_than_the_first_allowed_version_fail() {
    let settings = r#"{ "minimum-versions": [{ "package": "pkg:cargo/odd", "version": "1.4", "reason": "bug" }] }"#;
    let code = |version: &str| {
        let report = run(settings, &with_package(&format!("pkg:cargo/odd@{version}"), version));
        report.findings.first().map(|finding| finding.violation.code.clone()).unwrap_or_default()
    };
    assert_eq!(code("1.3.9"), "package-outdated");
    assert_eq!(code("1.4.0-rc.1"), "package-outdated");
    assert_eq!(code("1.4.0"), "");
    assert_eq!(code("v1.5"), "");
    assert_eq!(code("2024a"), "version-unknown");
}

#[test]
fn the_version_of_the_package_url_counts_if_there_is_no_other() {
    let mut sbom = with_package("pkg:cargo/odd@1.3.9", "");
    sbom["components"][3].as_object_mut().expect("a table").remove("version");
    let settings = r#"{ "minimum-versions": [{ "package": "pkg:cargo/odd", "version": "1.4.0" }] }"#;
    assert_eq!(found(&run(settings, &sbom)), [("package-outdated", "`pkg:cargo/odd@1.3.9`")]);
}

#[test]
fn a_library_without_a_package_url_cannot_be_told() {
    let mut sbom = sbom();
    sbom["components"][0].as_object_mut().expect("a table").remove("purl");
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/x", "reason": "y" }] }"#;
    let report = run(settings, &sbom);
    assert_eq!(
        (report.outcome, found(&report)),
        (Outcome::Inconclusive, vec![("package-url-missing", "`anyhow@1.0.100`")])
    );
    sbom["components"][0]["type"] = json!("file");
    assert_eq!(run(settings, &sbom).outcome, Outcome::Passed);
}

#[test]
fn the_bill_has_to_be_about_a_component_of_the_release_if_the_settings_say_so() {
    let settings = r#"{ "require-component-match": true }"#;
    let check = |sbom: &Value, component: (&str, &str, Option<String>)| {
        let mut fixture = Fixture::new().with_evidence("sbom", "application/json", sbom.to_string());
        fixture.components = vec![Component {
            name: component.0.to_owned(),
            kind: ComponentKind::Software,
            version: component.1.to_owned(),
            digest: component.2,
            media_type: None,
            origin: None,
        }];
        let report = ask(settings, &fixture).expect("it can look");
        (report.outcome, report.findings.first().map(|finding| finding.violation.code.clone()))
    };
    assert_eq!(check(&sbom(), ("shop", "2.4.0", None)), (Outcome::Passed, None));
    let other = (Outcome::Failed, Some("sbom-of-something-else".to_owned()));
    assert_eq!(check(&sbom(), ("shop", "2.4.1", None)), other);
    assert_eq!(check(&sbom(), ("ship", "2.4.0", None)), other);

    // If the bill names a digest, only that counts.
    let mut hashed = sbom();
    hashed["metadata"]["component"]["hashes"] = json!([{ "alg": "SHA-256", "content": "C".repeat(64) }]);
    assert_eq!(check(&hashed, ("binary", "1", Some(format!("sha256:{}", "c".repeat(64))))), (Outcome::Passed, None));
    assert_eq!(check(&hashed, ("shop", "2.4.0", Some(format!("sha256:{}", "d".repeat(64))))), other);

    let mut about_nothing = sbom();
    about_nothing["metadata"] = json!({});
    let unknown = (Outcome::Inconclusive, Some("sbom-subject-missing".to_owned()));
    assert_eq!(check(&about_nothing, ("shop", "2.4.0", None)), unknown);
}

#[test]
fn a_report_does_not_grow_with_the_bill() {
    let package = json!({ "type": "library", "name": "x", "licenses": [{ "license": { "id": "AGPL-3.0-only" } }] });
    let sbom = json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "components": vec![package; 250] });
    let report = run(NO_AGPL, &sbom);
    assert_eq!(report.summary, "250 things are not allowed in the SBOM's 250 packages");
    assert_eq!(report.findings.len(), 101);
    assert_eq!(report.findings[100].violation.message, "150 more findings are not shown here");
}

#[test]
fn all_that_is_wrong_with_the_settings_is_reported() {
    let places = |settings: &str| -> Vec<String> {
        let found = configure::<SbomPolicy>(settings).expect_err("the settings are wrong");
        found.into_iter().map(|finding| finding.pointer).collect()
    };
    assert_eq!(places("{}"), [""]);
    assert_eq!(
        places(
            r#"{
                "evidence": "secrets", "only-permitted": true,
                "denied-packages": [{ "package": "pkg:npm/x", "versions": "old", "reason": "y" }],
                "minimum-versions": [{ "package": "pkg:npm/x", "version": "new" }]
            }"#
        ),
        ["/evidence", "/only-permitted", "/denied-packages/0/versions", "/minimum-versions/0/version"]
    );
    assert_eq!(
        places(
            r#"{ "denied-licences": [""], "licence-exceptions": [{ "package": "p", "until": "soon" }], "unknown": "maybe" }"#
        ),
        ["/denied-licences/0", "/licence-exceptions/0", "/licence-exceptions/0/until", "/unknown"]
    );
}
