//! Settings that are refused.

use super::*;

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

#[test]
fn licences_that_can_never_fit_are_refused_with_place_and_hint() {
    let findings = |settings: &str| -> Vec<(String, String)> {
        let found = configure::<SbomPolicy>(settings).expect_err("the settings are wrong");
        found.into_iter().map(|finding| (finding.pointer, finding.message)).collect()
    };
    let found = findings(
        r#"{
            "only-permitted": true,
            "denied-licences": ["AGPL3", "AGPL-3.0", "GPL-4.0-only", "AGPL-3.0-only OR GPL-3.0-only", "Shop licence"],
            "permitted-licences": ["Apache 2.0"],
            "denied-licence-names": ["MIT"]
        }"#,
    );
    let expected = [
        ("/denied-licences/0", "did you mean `AGPL-3.0-only`?"),
        ("/denied-licences/2", "did you mean `GPL-3.0-only`?"),
        ("/denied-licences/3", "write each of them as an entry of its own"),
        ("/denied-licences/4", "`denied-licence-names` and `permitted-licence-names` hold the names"),
        ("/denied-licence-names/0", "write `MIT` among the licences"),
        ("/permitted-licences/0", "did you mean `Apache-2.0`?"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((place, message), (expected_place, expected_message)) in found.iter().zip(expected) {
        assert_eq!(place, expected_place);
        assert!(message.contains(expected_message), "{message}");
    }
}

#[test]
fn packages_that_can_never_fit_are_refused_with_their_places() {
    let found = configure::<SbomPolicy>(
        r#"{
            "denied-licences": ["AGPL-*"],
            "licence-exceptions": [{ "package": "ring", "reason": "y" }, { "package": "pkg:cargo/ring", "reason": "y" }],
            "denied-packages": [
                { "package": "left-pad", "reason": "y" },
                { "package": "pkg:npm/left-pad@1.0.0", "versions": "old", "reason": "y" },
                { "package": "npm/left-pad", "reason": "y" }
            ],
            "minimum-versions": [{ "package": "pkg:maven/log4j", "version": "2.17" }]
        }"#,
    )
    .expect_err("the settings are wrong");
    let places: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
    let expected = [
        "/licence-exceptions/0/package",
        "/denied-packages/0/package",
        "/denied-packages/1/package",
        "/denied-packages/1/versions",
        "/denied-packages/2/package",
        "/minimum-versions/0/package",
    ];
    assert_eq!(places, expected, "{found:?}");
    assert!(found[4].message.contains("`pkg:npm/left-pad`"), "{}", found[4].message);
}

#[test]
fn ranges_that_no_version_can_be_in_are_refused() {
    for versions in [">2, <1", "=1.0.0, =2.0.0", "old", "<1.4 || >2", " "] {
        let settings = format!(
            r#"{{ "denied-packages": [{{ "package": "pkg:npm/x", "versions": "{versions}", "reason": "y" }}] }}"#
        );
        let found = configure::<SbomPolicy>(&settings).expect_err("the range is wrong");
        assert_eq!((found.len(), found[0].pointer.as_str()), (1, "/denied-packages/0/versions"), "{versions}");
    }
}

#[test]
fn package_urls_in_which_something_is_not_seen_are_refused() {
    for purl in [
        " pkg:npm/x",
        "pkg:npm/x ",
        "pkg:npm/x\\u200b",
        "pkg:npm/x%20",
        "pkg:npm/%E2%80%8Bx",
        "pkg:npm/x\\n",
        "pkg:nmp/x",
    ] {
        let settings = format!(
            r#"{{ "licence-exceptions": [{{ "package": "{purl}", "reason": "y" }}],
                  "denied-packages": [{{ "package": "{purl}", "reason": "y" }}],
                  "minimum-versions": [{{ "package": "{purl}", "version": "1" }}] }}"#
        );
        let found = configure::<SbomPolicy>(&settings).expect_err("the package URL is wrong");
        let mut places: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
        places.sort_unstable();
        let expected = ["/denied-packages/0/package", "/licence-exceptions/0/package", "/minimum-versions/0/package"];
        assert_eq!(places, expected, "{purl}: {found:?}");
    }
}

#[test]
fn reasons_that_say_nothing_and_entries_that_stand_twice_are_refused() {
    let found = configure::<SbomPolicy>(
        r#"{
            "evidence": "sbom-\u200b", "denied-licences": ["AGPL-*", "MIT", "AGPL-*"],
            "licence-exceptions": [{ "package": "pkg:npm/x", "reason": " " }],
            "denied-packages": [{ "package": "pkg:npm/x", "reason": "\u200b" }],
            "minimum-versions": [{ "package": "pkg:npm/x", "version": "1", "reason": "" }]
        }"#,
    )
    .expect_err("the settings are wrong");
    let places: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
    let expected = [
        "/denied-licences/2",
        "/denied-packages/0/reason",
        "/evidence",
        "/licence-exceptions/0/reason",
        "/minimum-versions/0/reason",
    ];
    assert_eq!(places, expected);
}
