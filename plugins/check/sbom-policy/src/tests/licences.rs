//! The rules about licences.

use super::*;

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
fn a_denied_licence_fails_and_names_package_and_place() {
    let report = run(NO_AGPL, &with_licences(json!([{ "license": { "id": "AGPL-3.0-only" } }])));
    assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("licence-denied", "`pkg:cargo/odd@1.0.0`")]));
    assert_eq!(report.summary, "1 thing is not allowed in the SBOM's 4 packages");
    let finding = &report.findings[0];
    assert_eq!(
        finding.message,
        "`pkg:cargo/odd@1.0.0` is under `AGPL-3.0-only`, which is not allowed (at `/components/3` of the SBOM)"
    );
    assert_eq!(
        finding.remedies[0].message,
        "replace `pkg:cargo/odd@1.0.0`, or have it excused, and hand in the new SBOM as evidence `sbom`"
    );
}

#[test]
fn expressions_are_read_as_the_licensee_may_choose() {
    let outcome = |expression: &str| run(NO_AGPL, &with_licences(json!([{ "expression": expression }]))).outcome;
    assert_eq!(outcome("MIT OR AGPL-3.0-only"), Outcome::Passed);
    assert_eq!(outcome("MIT AND AGPL-3.0-only"), Outcome::Failed);
    assert_eq!(outcome("(MIT OR AGPL-3.0-only) AND Apache-2.0"), Outcome::Passed);
    assert_eq!(outcome("(MIT AND AGPL-3.0-only) OR AGPL-3.0-or-later"), Outcome::Failed);
    // Old Cargo manifests have a `/` for `OR`, and others for `AND`.
    assert_eq!(outcome("MIT/Apache-2.0"), Outcome::Inconclusive);
    assert_eq!(outcome("MIT, Apache-2.0"), Outcome::Inconclusive);
}

#[test]
fn a_reference_that_nothing_knows_is_unknown() {
    let findings = |settings: &str, expression: &str| {
        let report = run(settings, &with_licences(json!([{ "expression": expression }])));
        let findings = report.findings.into_iter();
        findings.map(|finding| (finding.code, finding.message)).collect::<Vec<_>>()
    };
    let codes = |settings: &str, expression: &str| {
        findings(settings, expression).into_iter().map(|(code, _)| code).collect::<Vec<_>>()
    };
    for expression in [
        "LicenseRef-Proprietary",
        "DocumentRef-spdx-tool:LicenseRef-x",
        "MIT AND LicenseRef-x",
        "AGPL-3.0-only OR LicenseRef-x",
        "MIT WITH AdditionRef-x",
    ] {
        assert_eq!(codes(NO_AGPL, expression), ["licence-unknown"], "{expression}");
    }
    assert_eq!(codes(NO_AGPL, "MIT OR LicenseRef-x"), [""; 0]);
    assert_eq!(codes(NO_AGPL, "AGPL-3.0-only AND LicenseRef-x"), ["licence-denied"]);
    let message = &findings(NO_AGPL, "AGPL-3.0-only AND LicenseRef-x")[0].1;
    assert!(message.contains("of which `AGPL-3.0-only` is not allowed"), "{message}");
    let message = &findings(NO_AGPL, "LicenseRef-X AND MIT AND LicenseRef-y")[0].1;
    assert!(
        message.contains("of which neither SPDX nor the settings know `LicenseRef-x` and `LicenseRef-y`"),
        "{message}"
    );

    let permitted =
        |pattern: &str| format!(r#"{{ "denied-licences": ["AGPL-*"], "permitted-licences": ["{pattern}"] }}"#);
    for pattern in ["LicenseRef-x", "licenseref-X", "LicenseRef-*", "*"] {
        assert_eq!(codes(&permitted(pattern), "MIT AND LicenseRef-x"), [""; 0], "{pattern}");
    }
    for pattern in ["LicenseRef-y", "DocumentRef-*:LicenseRef-x"] {
        assert_eq!(codes(&permitted(pattern), "MIT AND LicenseRef-x"), ["licence-unknown"], "{pattern}");
    }
    assert_eq!(codes(&permitted("MIT WITH AdditionRef-x"), "MIT WITH AdditionRef-x"), [""; 0]);
    let only = r#"{ "only-permitted": true, "permitted-licences": ["MIT", "Apache-2.0", "BSD-3-Clause"] }"#;
    assert_eq!(codes(only, "LicenseRef-x"), ["licence-denied"]);
    let ignored = r#"{ "denied-licences": ["AGPL-*"], "unknown": "ignore" }"#;
    assert_eq!(codes(ignored, "LicenseRef-x"), [""; 0]);
}

#[test]
fn a_licence_that_is_not_asserted_is_unknown_within_an_expression() {
    for nothing in ["NOASSERTION", "NONE", "noassertion"] {
        for expression in ["AGPL-3.0-only OR _", "MIT OR _", "MIT AND _", "_ AND MIT", "MIT AND (_ OR ISC)", "(_)"] {
            let expression = expression.replace('_', nothing);
            assert_eq!(under(NO_AGPL, &expression), Outcome::Inconclusive, "{expression}");
        }
        let expression = format!("AGPL-3.0-only AND {nothing}");
        assert_eq!(under(NO_AGPL, &expression), Outcome::Failed, "{expression}");
    }
}

#[test]
fn a_denied_licence_is_denied_whatever_else_cannot_be_read() {
    let unread = [
        "AGPL-3.0-only AND Proprietary",
        "Proprietary and (agpl-3.0 OR GPL-2.0)",
        "AGPL-3.0-only, MIT",
        "MIT;AGPL-3.0-only",
        "AGPL-3.0-only/MIT",
        "AGPL-3.0-only & MIT",
        "AGPL-3.0-only+MIT",
        "MIT AND (AGPL-3.0-only",
        "MIT And AGPL-3.0-only.",
        "AGPL-3.0-only WITH foo",
        "AGPL-3.0-only AND NONE",
        "GNU Affero General Public License v3.0, MIT License",
    ];
    for unknown in ["ignore", "inconclusive", "fail"] {
        let denied = format!(
            r#"{{ "denied-licences": ["AGPL-*", "GPL-*"], "permitted-licence-names": ["*"], "unknown": "{unknown}" }}"#
        );
        for text in unread {
            for licence in [json!({ "expression": text }), json!({ "license": { "id": "MIT", "name": text } })] {
                let report = run(&denied, &with_licences(json!([licence])));
                assert_eq!(found(&report), [("licence-denied", "`pkg:cargo/odd@1.0.0`")], "{unknown}: {text}");
            }
        }
        for text in ["MIT AND Proprietary", "AGPL-3.0-only OR Proprietary", "MIT, ISC", "MIT WITH foo"] {
            assert_ne!(under(&denied, text), Outcome::Failed, "{unknown}: {text}");
        }
    }
    let message = |text: &str| {
        let report = run(NO_AGPL, &with_licences(json!([{ "expression": text }])));
        report.findings[0].message.clone()
    };
    let listed = message("agpl-3.0-only, MIT");
    assert!(listed.contains("of which `AGPL-3.0-only` is not allowed"), "{listed}");
    let message = message("Odd AND AGPL-3.0-only WITH foo");
    assert!(message.contains("of which `AGPL-3.0-only WITH foo` is not allowed"), "{message}");
    let named = r#"{ "denied-licence-names": ["Proprietary"], "unknown": "ignore" }"#;
    assert_eq!(under(named, "MIT AND Proprietary"), Outcome::Failed);
    assert_eq!(under(named, "MIT OR Proprietary"), Outcome::Passed);
}

#[test]
fn an_exception_that_nobody_knows_is_not_permitted() {
    let settings = r#"{ "denied-licences": ["GPL-*"], "permitted-licences": ["GPL-* WITH *", "MIT"] }"#;
    assert_eq!(under(settings, "GPL-2.0-only WITH Classpath-exception-2.0"), Outcome::Passed);
    assert_eq!(under(settings, "GPL-2.0-only WITH foo"), Outcome::Failed);
    assert_eq!(under(settings, "MIT WITH foo"), Outcome::Inconclusive);
}

#[test]
fn names_with_stars_are_held_against_the_names_that_spdx_knows_too() {
    let denied = |pattern: &str, licence: Value| {
        run(&format!(r#"{{ "denied-licence-names": ["{pattern}"] }}"#), &with_licences(json!([licence]))).outcome
    };
    let name = json!({ "license": { "name": "GNU Affero General Public License v3.0" } });
    let id = json!({ "license": { "id": "AGPL-3.0-only" } });
    for pattern in ["GNU Affero*", "*affero*", "*GPL*", "AGPL-3.0-o*", "*License v3.0"] {
        assert_eq!(denied(pattern, name.clone()), Outcome::Failed, "{pattern}");
        assert_eq!(denied(pattern, id.clone()), Outcome::Failed, "{pattern}");
    }
    assert_eq!(denied("*Lesser*", id.clone()), Outcome::Passed);
    assert_eq!(denied("*", id.clone()), Outcome::Passed, "stars alone stand for what SPDX does not know");
    let permitted = r#"{ "denied-licence-names": ["*GPL*"], "permitted-licences": ["AGPL-3.0-only"] }"#;
    assert_eq!(run(permitted, &with_licences(json!([id]))).outcome, Outcome::Passed);
}

#[test]
fn what_is_said_of_invariant_sections_makes_it_no_other_licence() {
    let settings = r#"{ "denied-licences": ["GFDL-1.3"] }"#;
    for licence in
        ["GFDL-1.3-only", "GFDL-1.3-invariants-only", "GFDL-1.3-no-invariants-only", "GFDL-1.3-invariants-or-later"]
    {
        assert_eq!(under(settings, licence), Outcome::Failed, "{licence}");
    }
    assert_eq!(under(settings, "GFDL-1.2-invariants-only"), Outcome::Passed);
    let permitted = r#"{ "denied-licences": ["GFDL-1.3"], "permitted-licences": ["GFDL-1.3-no-invariants-only"] }"#;
    assert_eq!(under(permitted, "GFDL-1.3-no-invariants-only"), Outcome::Passed);
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
    let settings = r#"{ "only-permitted": true, "permitted-licences": ["MIT", "Apache-2.0", "BSD-3-Clause"],
             "permitted-licence-names": ["Shop licence"] }"#;
    assert_eq!(run(settings, &unknown).outcome, Outcome::Passed);
}

#[test]
fn a_licence_that_is_not_told_is_handled_as_the_settings_say() {
    for licences in [json!([]), json!([{ "license": { "name": " " } }])] {
        let sbom = with_licences(licences);
        let outcome = |unknown: &str| {
            let report = run(&format!(r#"{{ "denied-licences": ["AGPL-*"], "unknown": "{unknown}" }}"#), &sbom);
            (report.outcome, report.findings.first().map(|finding| finding.code.clone()))
        };
        assert_eq!(outcome("inconclusive"), (Outcome::Inconclusive, Some("licence-missing".to_owned())));
        assert_eq!(outcome("fail"), (Outcome::Failed, Some("licence-missing".to_owned())));
        assert_eq!(outcome("ignore"), (Outcome::Passed, None));
    }
    let strange = with_licences(json!([{ "license": { "name": "Ask my lawyer" } }]));
    assert_eq!(found(&run(NO_AGPL, &strange)), [("licence-unknown", "`pkg:cargo/odd@1.0.0`")]);
    let named = r#"{ "denied-licence-names": ["ask my *"] }"#;
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
    assert!(report.findings[0].message.ends_with("it was excused until 2026-11-24T12:00:00Z (being replaced)"));
}

/// The outcome for a package under that expression.
fn under(settings: &str, expression: &str) -> Outcome {
    run(settings, &with_licences(json!([{ "expression": expression }]))).outcome
}

#[test]
fn old_ids_in_settings_mean_what_they_are_called_now() {
    let denied = |setting: &str, licence: &str| under(&format!(r#"{{ "denied-licences": ["{setting}"] }}"#), licence);
    for (setting, licence) in [
        ("AGPL-3.0", "AGPL-3.0-only"),
        ("AGPL-3.0", "AGPL-3.0"),
        // There is no later version to choose instead.
        ("AGPL-3.0", "AGPL-3.0-or-later"),
        ("GPL-3.0+", "GPL-3.0+"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("agpl-3.0-ONLY", "AGPL-3.0-only"),
        ("Apache-2.0", "Apache-2.0+"),
    ] {
        assert_eq!(denied(setting, licence), Outcome::Failed, "{setting}, {licence}");
    }
    assert_eq!(denied("GPL-2.0", "GPL-2.0+"), Outcome::Passed, "the licensee may choose version 3");
    assert_eq!(denied("GPL-3.0+", "GPL-3.0-only"), Outcome::Passed);
}

#[test]
fn a_permitted_version_permits_or_later() {
    let permitted = |setting: &str, licence: &str| {
        under(
            &format!(r#"{{ "only-permitted": true, "permitted-licences": ["MIT", "{setting}", "BSD-3-Clause"] }}"#),
            &format!("MIT AND {licence}"),
        )
    };
    for (setting, licence) in [
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("LGPL-2.1", "LGPL-2.1-or-later"),
        ("Apache-2.0", "Apache-2.0+"),
        ("Apache-2.0", "Apache-1.1+"),
        ("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-with-classpath-exception+"),
    ] {
        assert_eq!(permitted(setting, licence), Outcome::Passed, "{setting}, {licence}");
    }
    for (setting, licence) in [
        ("LGPL-3.0-or-later", "LGPL-2.1-or-later"),
        ("Apache-2.0+", "Apache-2.0"),
        ("GPL-2.0 WITH Classpath-exception-2.0", "GPL-2.0-or-later"),
    ] {
        assert_eq!(permitted(setting, licence), Outcome::Failed, "{setting}, {licence}");
    }
}

#[test]
fn licence_texts_are_read_in_any_case() {
    let settings = r#"{ "denied-licences": ["AGPL-*", "GPL-*"],
                        "permitted-licences": ["GPL-* WITH Classpath-exception-2.0"], "unknown": "ignore" }"#;
    for text in ["agpl-3.0-only", "MIT AND agpl-3.0-only", "mit and AGPL-3.0-only", "(mit or isc) AND Gpl-2.0"] {
        assert_eq!(under(settings, text), Outcome::Failed, "{text}");
    }
    for text in ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-with-classpath-exception", "mit or agpl-3.0"] {
        assert_eq!(under(settings, text), Outcome::Passed, "{text}");
    }
    let permitted = r#"{ "only-permitted": true, "permitted-licences": ["MIT", "Apache-2.0", "BSD-3-Clause"] }"#;
    assert_eq!(under(permitted, "mit OR apache-2.0"), Outcome::Passed);
}

#[test]
fn a_guess_at_a_licence_is_no_licence() {
    for text in ["GPL", "BSD", "apache", "gnu gpl v2", "AGPLv3"] {
        let report = run(NO_AGPL, &with_licences(json!([{ "license": { "name": text } }])));
        assert_eq!(found(&report), [("licence-unknown", "`pkg:cargo/odd@1.0.0`")], "{text}");
    }
    let named = with_licences(json!([{ "license": { "name": "GNU Affero General Public License v3.0 or later" } }]));
    assert_eq!(run(NO_AGPL, &named).outcome, Outcome::Failed, "the list has a licence of that name");
}

#[test]
fn the_message_names_what_of_an_expression_is_denied() {
    let message = |expression: &str| {
        let report = run(r#"{ "denied-licences": ["GPL-*"] }"#, &with_licences(json!([{ "expression": expression }])));
        report.findings[0].message.clone()
    };
    let message_of_one = message("MIT AND (GPL-2.0+ OR GPL-3.0)");
    assert!(
        message_of_one.starts_with(
            "`pkg:cargo/odd@1.0.0` is under `MIT AND (GPL-2.0+ OR GPL-3.0)`, of which `GPL-2.0-or-later` and \
             `GPL-3.0-only` are not allowed"
        ),
        "{message_of_one}"
    );
    assert!(message("GPL-2.0").contains("`GPL-2.0`, of which `GPL-2.0-only` is not allowed"), "{}", message("GPL-2.0"));
}

#[test]
fn stars_alone_deny_licences_that_spdx_does_not_know_too() {
    let strange = with_licences(json!([{ "license": { "name": "Ask my lawyer" } }]));
    assert_eq!(found(&run(r#"{ "denied-licences": ["*"] }"#, &strange)).len(), 5);
    let permitted = r#"{ "denied-licences": ["GPL-*"], "permitted-licences": ["*"] }"#;
    assert_eq!(run(permitted, &strange).outcome, Outcome::Passed);
}

#[test]
fn everything_that_is_said_of_a_licence_holds_together() {
    let outcome = |licences: Value, evidence: Value| {
        let mut sbom = with_licences(licences);
        sbom["components"][3]["evidence"] = json!({ "licenses": evidence });
        let report = run(NO_AGPL, &sbom);
        report.findings.first().map_or_else(String::new, |finding| finding.code.clone())
    };
    let mit = json!([{ "license": { "id": "MIT" } }]);
    let agpl = json!([{ "license": { "id": "AGPL-3.0-only" } }]);
    assert_eq!(outcome(mit.clone(), agpl.clone()), "licence-denied");
    assert_eq!(outcome(agpl, mit.clone()), "licence-denied");
    assert_eq!(outcome(json!([]), mit.clone()), "");
    assert_eq!(outcome(mit.clone(), json!([{ "license": { "name": "Ask my lawyer" } }])), "licence-unknown");
    for licences in [
        json!([{ "license": { "id": "MIT", "acknowledgement": "declared" } }, { "expression": "AGPL-3.0-only", "acknowledgement": "concluded" }]),
        json!([{ "license": { "id": "MIT", "name": "AGPL-3.0-only" } }]),
        json!([{ "license": { "id": "MIT", "name": "GNU Affero General Public License v3.0 or later" } }]),
        json!([{ "license": { "id": "MIT" }, "expression": "AGPL-3.0-only" }]),
        json!([{ "license": { "id": "agpl-3.0" } }]),
    ] {
        assert_eq!(outcome(licences.clone(), json!([])), "licence-denied", "{licences}");
    }
    // A name beside an id says the same in other words.
    assert_eq!(outcome(json!([{ "license": { "id": "MIT", "name": "The MIT License (Expat)" } }]), json!([])), "");
    let unreadable = json!([{ "license": { "id": "MIT" } }, { "license": { "text": { "content": "GNU AFFERO" } } }]);
    assert_eq!(outcome(unreadable, json!([])), "licence-unknown");
    let nothing = json!([{ "license": { "name": "NOASSERTION" } }, { "expression": "NONE" }]);
    assert_eq!(outcome(nothing, json!([])), "licence-missing");
}

#[test]
fn a_name_beside_an_id_can_be_denied() {
    let sbom = with_licences(json!([{ "license": { "id": "MIT", "name": "MIT with Commons Clause" } }]));
    assert_eq!(run(r#"{ "denied-licence-names": ["*commons clause*"] }"#, &sbom).outcome, Outcome::Failed);
}

#[test]
fn an_expired_exception_hides_none_that_counts() {
    let expired = r#"{ "package": "pkg:cargo/odd", "reason": "for 2025", "until": "2025-12-31T00:00:00Z" }"#;
    let wide = r#"{ "package": "pkg:cargo/*", "reason": "for 2024", "until": "2024-12-31T00:00:00Z" }"#;
    let renewed =
        r#"{ "package": "pkg:cargo/Odd", "reason": "renewed", "until": "2027-12-31T00:00:00Z" }"#.replace("Odd", "odd");
    let for_good = r#"{ "package": "pkg:cargo/o*", "reason": "for good" }"#;
    let sbom = with_licences(json!([{ "license": { "id": "AGPL-3.0-only" } }]));
    let report = |exceptions: &[&str]| {
        let exceptions = exceptions.join(",");
        run(&format!(r#"{{ "denied-licences": ["AGPL-*"], "licence-exceptions": [{exceptions}] }}"#), &sbom)
    };
    for exceptions in [[expired, &renewed], [&renewed, expired], [wide, for_good], [for_good, wide]] {
        let report = report(&exceptions);
        let expected = vec![("licence-excused", "`pkg:cargo/odd@1.0.0`")];
        assert_eq!((report.outcome, found(&report)), (Outcome::Passed, expected), "{exceptions:?}");
    }
    let excused = report(&[expired, for_good, &renewed]);
    let message = &excused.findings[0].message;
    assert!(message.ends_with("it is excused: renewed; for good"), "{message}");
    let ended = report(&[expired, wide]);
    let message = &ended.findings[0].message;
    assert!(
        message
            .ends_with("it was excused until 2025-12-31T00:00:00Z (for 2025), until 2024-12-31T00:00:00Z (for 2024)"),
        "{message}"
    );
}

#[test]
fn every_package_url_of_a_package_has_to_be_excused() {
    let check = |purls: &[&str], exceptions: &[&str]| {
        let refs: Vec<Value> = purls
            .iter()
            .map(|purl| {
                json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl })
            })
            .collect();
        let sbom = json!({ "spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": [
            { "SPDXID": "SPDXRef-x", "name": "x", "licenseDeclared": "AGPL-3.0-only", "externalRefs": refs }
        ] });
        let exceptions: Vec<Value> =
            exceptions.iter().map(|package| json!({ "package": package, "reason": "r" })).collect();
        let settings = json!({ "denied-licences": ["AGPL-*"], "licence-exceptions": exceptions });
        run(&settings.to_string(), &sbom).findings[0].code.clone()
    };
    let both = ["pkg:cargo/good@1", "pkg:npm/evil@1"];
    assert_eq!(check(&both, &["pkg:cargo/good"]), "licence-denied");
    assert_eq!(check(&both, &["pkg:npm/evil"]), "licence-denied");
    assert_eq!(check(&both, &["pkg:npm/evil", "pkg:cargo/*"]), "licence-excused");
    assert_eq!(check(&["pkg:cargo/good@1", "pkg:cargo/good@1"], &["pkg:cargo/good"]), "licence-excused");
    assert_eq!(check(&["pkg:cargo/good@1", "no package URL"], &["pkg:cargo/good"]), "licence-denied");
    assert_eq!(check(&[], &["pkg:cargo/good"]), "licence-denied");
}

#[test]
fn all_that_is_wrong_with_the_licences_of_a_package_is_reported() {
    let sbom = with_licences(json!([
        { "license": { "name": "Ask my lawyer" } },
        { "license": { "id": "AGPL-3.0-only" } },
        { "expression": "GPL-2.0-only AND MIT" },
        { "license": { "id": "AGPL-3.0-only" } },
        { "license": { "name": "Shop terms" } }
    ]));
    let codes =
        |settings: &str| run(settings, &sbom).findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>();
    let all = ["licence-denied", "licence-denied", "licence-unknown", "licence-unknown"];
    assert_eq!(codes(NO_AGPL), all);
    let excused = r#"{ "denied-licences": ["AGPL-*", "GPL-2.0-only"], "unknown": "ignore",
                       "licence-exceptions": [{ "package": "pkg:cargo/odd", "reason": "r" }] }"#;
    assert_eq!(codes(excused), ["licence-excused", "licence-excused"], "what is ignored needs no excuse");
}
