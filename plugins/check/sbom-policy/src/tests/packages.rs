//! The rules about packages and their versions.

use super::*;

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
        report.findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        codes("pkg:npm/event-stream@3.3.6", "3.3.6"),
        [
            "`pkg:npm/event-stream@3.3.6` is not allowed in the versions `=3.3.6`: steals wallets (at `/components/3` of the SBOM)"
        ]
    );
    assert_eq!(codes("pkg:npm/event-stream@3.3.7", "3.3.7"), [""; 0]);
    assert_eq!(codes("pkg:npm/%40evil/thing@1.0.0?x=y", "1.0.0").len(), 1);
    assert_eq!(codes("pkg:cargo/openssl-sys@0.10.59", "0.10.59").len(), 1);
    assert_eq!(codes("pkg:cargo/openssl-sys@0.10.60", "0.10.60").len(), 0);
    // A pre-release of a version that is denied is denied too.
    assert_eq!(codes("pkg:cargo/openssl@0.10.59-rc.1", "0.10.59-rc.1").len(), 1);
}

#[test]
fn pre_releases_are_held_against_ranges_by_precedence() {
    let code = |versions: &str, version: &str| {
        let settings = format!(
            r#"{{ "denied-packages": [{{ "package": "pkg:cargo/odd", "versions": "{versions}", "reason": "r" }}] }}"#
        );
        let report = run(&settings, &with_package(&format!("pkg:cargo/odd@{version}"), version));
        report.findings.first().map_or_else(String::new, |finding| finding.code.clone())
    };
    assert_eq!(code("<1.4.0", "1.4.0-rc.1"), "package-denied");
    assert_eq!(code(">=1.0, <1.4", "v1.4-rc.1"), "package-denied");
    assert_eq!(code("<1.4.0", "1.4.0"), "");
    assert_eq!(code("<1.4.0", "1.4.1-rc.1"), "");
}

#[test]
fn packages_older_than_the_first_allowed_version_fail() {
    let settings = r#"{ "minimum-versions": [{ "package": "pkg:cargo/odd", "version": "1.4", "reason": "bug" }] }"#;
    let code = |version: &str| {
        let report = run(settings, &with_package(&format!("pkg:cargo/odd@{version}"), version));
        report.findings.first().map(|finding| finding.code.clone()).unwrap_or_default()
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

/// The codes of what is found about a package that is denied.
fn denied(rule: &str, purl: &str) -> Vec<String> {
    let settings = format!(r#"{{ "denied-packages": [{{ "package": "{rule}", "reason": "r" }}] }}"#);
    let report = run(&settings, &with_package(purl, "1.0.0"));
    report.findings.iter().map(|finding| finding.code.clone()).collect()
}

#[test]
fn packages_are_the_same_however_they_are_written() {
    for (rule, purl) in [
        ("pkg:pypi/pyyaml", "pkg:pypi/PyYAML@5.3"),
        ("pkg:pypi/charset-normalizer", "pkg:pypi/charset_normalizer@2.0.0"),
        ("pkg:pypi/PyYAML", "pkg:pypi/pyyaml@5.3"),
        ("pkg:nuget/newtonsoft.json", "pkg:nuget/Newtonsoft.Json@12.0.1"),
        ("pkg:github/acme/tool", "pkg:github/Acme/Tool@1.0.0"),
        ("pkg:composer/laravel/framework", "pkg:composer/Laravel/Framework@1.0.0"),
        ("pkg:NPM/left-pad", "pkg:npm/left-pad@1.0.0"),
        ("pkg:npm/left-pad", "pkg:npm//left-pad@1.0.0"),
        ("pkg:npm/left-pad", "PKG:npm/left-pad@1.0.0"),
        ("pkg:npm/left-pad", " pkg:npm/left-pad@1.0.0\n"),
        ("pkg:gitlab/acme/tool", "pkg:gitlab/Acme/Tool@1.0.0"),
        ("pkg:docker/library/nginx", "pkg:docker/Library/NGINX@1.0.0"),
        ("pkg:swift/github.com/alamofire/alamofire", "pkg:swift/github.com/Alamofire/Alamofire@5.4.3"),
        ("pkg:npm/left-pad", "pkg:npm/left-pad@feature/x"),
        ("pkg:npm/left-pad", "pkg:npm/left-pad@git+https://example.com/x.git"),
        ("pkg:npm/left-pad", "pkg:npm/left-pad%2f@1.0.0"),
        ("pkg:npm/@bad/*", "pkg:npm/@bad/left-pad@feature/x"),
        ("pkg:npm/café", "pkg:npm/cafe\u{301}@1.0.0"),
    ] {
        assert_eq!(denied(rule, purl), ["package-denied"], "{rule}, {purl}");
    }
    assert_eq!(denied("pkg:cargo/inflector", "pkg:cargo/Inflector@1.0.0"), [""; 0]);
}

#[test]
fn a_package_url_that_is_none_cannot_be_told_whatever_the_component_is() {
    for purl in [
        "left-pad",
        "pkg:npm",
        "npm/left-pad",
        "pkg:pypi/a/b@1",
        "pkg:nmp/left-pad@1",
        "pkg:npm/left-pad%20@1",
        "pkg:npm/left\u{200b}pad@1",
        "pkg:npm/left-pad@npm:@x/y@1",
        "pkg:npm/left-pad%401.0.0",
        "pkg:npm/x/../left-pad@1",
        "pkg:npm/acme/left-pad@1",
        "pkg:maven/org.acme:left-pad@1",
        "pkg:deb/left-pad@1",
    ] {
        assert_eq!(denied("pkg:npm/left-pad", purl), ["package-url-invalid"], "{purl}");
    }
    let mut sbom = with_package("left-pad", "1.0.0");
    sbom["components"][3]["type"] = json!("application");
    let report = run(r#"{ "denied-packages": [{ "package": "pkg:npm/left-pad", "reason": "r" }] }"#, &sbom);
    assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("package-url-invalid", "`left-pad`")]));
}

#[test]
fn versions_in_both_places_count() {
    let settings =
        r#"{ "denied-packages": [{ "package": "pkg:npm/event-stream", "versions": "=3.3.6", "reason": "r" }] }"#;
    let codes = |version: &str, purl: &str| {
        let report = run(settings, &with_package(purl, version));
        report.findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes("", "pkg:npm/event-stream@3.3.6"), ["package-denied"]);
    assert_eq!(codes("4.0.1", "pkg:npm/event-stream@3.3.6"), ["package-denied"]);
    assert_eq!(codes("3.3.6", "pkg:npm/event-stream@4.0.1"), ["package-denied"]);
    assert_eq!(codes("3.3.6", "pkg:npm/event-stream"), ["package-denied"]);
    assert_eq!(codes("4.0.1", "pkg:npm/event-stream@4.0.2"), ["version-conflict"]);
    assert_eq!(codes("v4", "pkg:npm/event-stream@4.0.0+build"), [""; 0]);
    assert_eq!(codes("latest", "pkg:npm/event-stream@4.0.0"), ["version-unknown"]);
    assert_eq!(codes("latest", "pkg:npm/event-stream@3.3.6"), ["package-denied"]);
    assert_eq!(codes(" ", "pkg:npm/event-stream@"), ["version-unknown"]);
}

#[test]
fn every_rule_that_fits_a_package_is_held_against_it() {
    let settings = r#"{
        "denied-packages": [
            { "package": "pkg:npm/**", "reason": "no npm" },
            { "package": "pkg:npm/event-stream", "reason": "steals wallets" },
            { "package": "pkg:npm/event-stream", "versions": "<4", "reason": "too old" },
            { "package": "pkg:npm/event-stream", "versions": ">=4", "reason": "too new" }
        ],
        "minimum-versions": [{ "package": "pkg:npm/event-*", "version": "5" }]
    }"#;
    let report = run(settings, &with_package("pkg:npm/event-stream@3.3.6", "3.3.6"));
    let about = |text: &str| report.findings.iter().filter(|it| it.message.contains(text)).count();
    // The bill has two more packages of npm.
    assert_eq!((about("no npm"), about("steals wallets"), about("too old"), about("too new")), (3, 1, 1, 0));
    assert_eq!(about("older than `5.0.0`"), 1);
}
