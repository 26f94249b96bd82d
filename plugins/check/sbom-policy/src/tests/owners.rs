//! Each requirement names its owner.

use lockgate_plugin::testing::{Requiring, assert_all_codes};

use super::*;

/// One report for each code that stands alone, and one with all codes about packages.
fn reports() -> Vec<Report> {
    let settings = r#"{
        "denied-licences": ["AGPL-*"], "require-component-match": true, "unknown": "fail",
        "licence-exceptions": [{ "package": "pkg:cargo/excused", "reason": "r" }],
        "denied-packages": [
            { "package": "pkg:cargo/evil", "reason": "r" },
            { "package": "pkg:cargo/old", "versions": "<2.0.0", "reason": "r" }
        ],
        "minimum-versions": [{ "package": "pkg:cargo/behind", "version": "2.0.0", "reason": "r" }]
    }"#;
    let agpl = json!([{ "license": { "id": "AGPL-3.0-only" } }]);
    let mit = json!([{ "license": { "id": "MIT" } }]);
    let package = |name: &str, version: Value, purl: Value, licences: &Value| json!({ "type": "library", "name": name, "version": version, "purl": purl, "licenses": licences });
    let mut bill = sbom();
    let listed = bill["components"].as_array_mut().expect("a list");
    listed.extend([
        package("agpl", json!("1.0.0"), json!("pkg:cargo/agpl@1.0.0"), &agpl),
        package("excused", json!("1.0.0"), json!("pkg:cargo/excused@1.0.0"), &agpl),
        package("silent", json!("1.0.0"), json!("pkg:cargo/silent@1.0.0"), &json!([])),
        package("odd", json!("1.0.0"), json!("pkg:cargo/odd@1.0.0"), &json!([{ "license": { "id": "Odd" } }])),
        package("evil", json!("1.0.0"), json!("pkg:cargo/evil@1.0.0"), &mit),
        package("behind", json!("1.0.0"), json!("pkg:cargo/behind@1.0.0"), &mit),
        package("nowhere", json!("1.0.0"), Value::Null, &mit),
        package("broken", json!("1.0.0"), json!("cargo/broken"), &mit),
        package("old", json!("soon"), json!("pkg:cargo/old"), &mit),
        package("old", json!("3.0.0"), json!("pkg:cargo/old@4.0.0"), &mit),
    ]);
    let mut nameless = sbom();
    nameless["metadata"].as_object_mut().expect("an object").remove("component");
    let mut empty = sbom();
    empty["components"] = json!([]);
    let mut many = sbom();
    let silent = package("silent", json!("1.0.0"), json!("pkg:cargo/silent@1.0.0"), &json!([]));
    many["components"] = Value::Array(vec![silent; 101]);
    vec![
        run(settings, &bill),
        run(settings, &nameless),
        run(settings, &empty),
        run(settings, &many),
        text("<bom/>"),
        text("{"),
        report_of::<SbomPolicy>(NO_AGPL, &Fixture::new()),
    ]
}

#[test]
fn each_code_asks_the_release_manager_for_another_sbom() {
    let reports = reports();
    assert_all_codes(&reports, include_str!("../../README.md"), "finding");
    for (code, required) in reports.iter().flat_map(Requiring::required) {
        assert_eq!(required.owner.as_deref(), Some("release-manager"), "{code}");
    }
    let informs = |code: &str| matches!(code, "licence-excused" | "more-findings");
    for finding in reports.iter().flat_map(|report| &report.findings) {
        assert_eq!(finding.remedies.is_empty(), informs(&finding.code), "{finding:?}");
    }
}
