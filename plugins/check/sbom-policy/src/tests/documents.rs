//! What is read from documents, and which are refused.

use super::*;

#[test]
fn a_broken_bill_fails_and_names_the_place() {
    let mut broken = sbom();
    broken["components"][1]["licenses"][0]["license"] = json!("MIT");
    let report = run(NO_AGPL, &broken);
    assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("sbom-malformed", "")]));
    let message = &report.findings[0].message;
    assert!(
        message.starts_with(
            "the SBOM cannot be read: evidence `sbom` at `/components/1/licenses/0/license`: invalid type"
        ),
        "{message}"
    );

    for content in ["", "{", "null", "[]", "\u{0}", r#"{"bomFormat":"CycloneDX","specVersion":"1.5"} x"#] {
        assert_eq!(found(&text(content)), [("sbom-malformed", "")], "{content}");
    }
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
        (r#"{"spdxVersion":"SPDX-2.1","packages":[]}"#, "is `SPDX-2.1`"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.1"}"#, "is CycloneDX 1.1"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"2.0","components":{}}"#, "is CycloneDX 2.0"),
        (r#"{"bomFormat":"Other","specVersion":"1.5"}"#, "is of the format `Other`"),
        (r#"{"@context":"https://spdx.org/rdf/3.1.0/spdx-context.jsonld","@graph":[]}"#, "is SPDX 3.1.0"),
        (r#"{"@context":"https://spdx.org/rdf/3.0.x/spdx-context.jsonld","@graph":[]}"#, "is SPDX 3.0.x"),
        (r#"{"@context":"https://schema.org","@graph":[]}"#, "has a `@context` that is not SPDX's"),
        (r#"{"@context":{"a":"b"},"@graph":[]}"#, "has a `@context` that is not SPDX's"),
        ("{}", "says neither its `bomFormat` nor its `spdxVersion` nor its `@context`"),
        (" \n<bom xmlns=\"http://cyclonedx.org/schema/bom/1.5\"/>", "is XML"),
        ("\u{feff}<?xml version=\"1.0\"?><bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\"/>", "is XML"),
    ] {
        let report = text(content);
        assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("sbom-not-understood", "")]));
        let message = &report.findings[0].message;
        assert!(message.contains(says), "{message}");
        assert!(message.ends_with("what is read is CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 and 3.0, in JSON"), "{message}");
    }
}

#[test]
fn a_bill_that_does_not_say_its_version_or_says_two_formats_fails() {
    for (content, says) in [
        (r#"{"bomFormat":"CycloneDX"}"#, "does not say its version in `specVersion`"),
        (r#"{"bomFormat":"CycloneDX","specVersion":""}"#, "does not say its version in `specVersion`"),
        (r#"{"spdxVersion":" "}"#, "does not say its version in `spdxVersion`"),
        (r#"{"bomFormat":"CycloneDX","specVersion":"1.5","spdxVersion":"SPDX-2.3"}"#, "says that it is of two formats"),
        (
            r#"{"spdxVersion":"SPDX-2.3","@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}"#,
            "says that it is of two formats",
        ),
        (r#"{"bomFormat":"CycloneDX","specVersion":1.5}"#, "at `/specVersion`: invalid type"),
    ] {
        let report = text(content);
        assert_eq!(found(&report), [("sbom-malformed", "")], "{content}");
        assert!(report.findings[0].message.contains(says), "{:?}", report.findings);
    }
}

#[test]
fn every_version_of_cyclonedx_that_is_named_is_read() {
    for version in ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"] {
        let mut sbom = sbom();
        sbom["specVersion"] = json!(version);
        assert_eq!(run(NO_AGPL, &sbom).outcome, Outcome::Passed);
        sbom["components"][0]["licenses"] = json!([{ "license": { "id": "AGPL-3.0-only" } }]);
        assert_eq!(run(NO_AGPL, &sbom).outcome, Outcome::Failed);
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let marked = format!("\u{feff}{}", sbom());
    assert_eq!(text(&marked).outcome, Outcome::Passed);
    let marked_twice = format!("\u{feff}{marked}");
    assert_eq!(found(&text(&marked_twice)), [("sbom-malformed", "")]);
}

#[test]
fn keys_that_stand_twice_are_refused_wherever_they_stand() {
    for (place, document) in [
        ("/components", r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[],"components":[]}"#),
        ("/bomFormat", r#"{"bomFormat":"CycloneDX","specVersion":"1.5","bomFormat":"Other"}"#),
        (
            "/components/0/licenses",
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
                {"type":"library","name":"x","licenses":[{"expression":"AGPL-3.0-only"}],"licenses":[{"expression":"MIT"}]}]}"#,
        ),
        (
            "/components/0/properties/0/value",
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[
                {"type":"library","name":"x","properties":[{"name":"a","value":"b","value":"c"}]}]}"#,
        ),
    ] {
        let report = text(document);
        assert_eq!(found(&report), [("sbom-malformed", "")], "{document}");
        let message = &report.findings[0].message;
        assert!(message.contains(&format!("at `{place}`: the key")), "{message}");
    }
}

/// A package that is denied by its name and by its licence.
fn evil() -> Value {
    json!({ "type": "library", "name": "evil", "version": "1.0.0", "purl": "pkg:npm/evil@1.0.0",
            "licenses": [{ "expression": "AGPL-3.0-only" }] })
}

const NO_EVIL: &str =
    r#"{ "denied-licences": ["AGPL-*"], "denied-packages": [{ "package": "pkg:npm/evil", "reason": "r" }] }"#;

#[test]
fn packages_are_found_at_every_depth() {
    let mut at_several_places = sbom();
    at_several_places["metadata"]["component"]["components"] = json!([evil()]);
    at_several_places["components"][1]["components"][0]["components"] = json!([evil()]);
    let report = run(NO_EVIL, &at_several_places);
    let about: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    for place in ["`/metadata/component/components/0`", "`/components/1/components/0/components/0`"] {
        assert_eq!(about.iter().filter(|message| message.contains(place)).count(), 2, "{place}: {about:?}");
    }

    let alone = json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "components": [],
        "metadata": { "component": { "type": "application", "name": "app", "components": [evil()] } } });
    assert_eq!(run(NO_EVIL, &alone).outcome, Outcome::Failed);
}

#[test]
fn what_is_excluded_or_no_part_of_the_release_is_passed_over() {
    let mut excluded = sbom();
    excluded["components"][2]["components"] = json!([evil()]);
    excluded["metadata"]["tools"] = json!({ "components": [evil()] });
    excluded["components"][0]["pedigree"] = json!({ "ancestors": [evil()] });
    excluded["formulation"] = json!([{ "components": [evil()] }]);
    excluded["services"] = json!([{ "name": "evil", "licenses": [{ "expression": "AGPL-3.0-only" }] }]);
    assert_eq!(run(NO_EVIL, &excluded).outcome, Outcome::Passed);
}

#[test]
fn what_the_bill_is_about_is_looked_at_but_need_not_tell_anything() {
    let mut about_evil = sbom();
    about_evil["metadata"]["component"] = evil();
    let report = run(NO_EVIL, &about_evil);
    let expected = [("licence-denied", "`pkg:npm/evil@1.0.0`"), ("package-denied", "`pkg:npm/evil@1.0.0`")];
    assert_eq!(found(&report), expected);
    assert!(report.findings[0].message.contains("`/metadata/component`"));

    for subject in [
        json!({ "type": "library", "name": "shop" }),
        json!({ "type": "application", "name": "shop", "licenses": [{ "license": { "name": "Shop licence" } }] }),
    ] {
        let mut silent = sbom();
        silent["metadata"]["component"] = subject;
        assert_eq!(run(NO_EVIL, &silent).outcome, Outcome::Passed);
    }
}

#[test]
fn a_bill_without_packages_is_inconclusive() {
    let report = text(r#"{"bomFormat":"CycloneDX","specVersion":"1.5"}"#);
    assert_eq!((report.outcome, found(&report)), (Outcome::Inconclusive, vec![("sbom-empty", "")]));
}

#[test]
fn a_nested_package_is_looked_at_too() {
    let report = run(r#"{ "denied-licences": ["BSD-*"] }"#, &sbom());
    assert_eq!(found(&report), [("licence-denied", "`pkg:npm/inner@0.9.0`")]);
    assert!(report.findings[0].message.contains("`/components/1/components/0`"));
}

#[test]
fn the_bill_has_to_be_about_a_component_of_the_release_if_the_settings_say_so() {
    let settings = r#"{ "require-component-match": true }"#;
    let check = |sbom: &Value, component: (&str, &str, Option<String>)| {
        let mut fixture = Fixture::new().with_evidence("sbom", "application/json", sbom.to_string());
        fixture.components = vec![Component {
            digest: component.2,
            ..Fixture::component(component.0, component_kind::SOFTWARE, component.1)
        }];
        let report = ask(settings, &fixture).expect("it can look");
        (report.outcome, report.findings.first().map(|finding| finding.code.clone()))
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
fn types_and_scopes_of_components_are_read_in_any_case_or_refused() {
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/evil", "reason": "r" }] }"#;
    let mut without_purl = sbom();
    without_purl["components"][0].as_object_mut().expect("a table").remove("purl");
    for kind in ["Library", "LIBRARY", "FrameWork"] {
        without_purl["components"][0]["type"] = json!(kind);
        assert_eq!(found(&run(settings, &without_purl)), [("package-url-missing", "`anyhow@1.0.100`")], "{kind}");
    }
    for kind in ["Operating_System", "machine-learning-model", "cryptographic-asset", "device-driver", "platform"] {
        without_purl["components"][0]["type"] = json!(kind);
        assert_eq!(run(settings, &without_purl).outcome, Outcome::Passed, "{kind}");
    }
    for (member, word, says) in [
        ("type", "libary", "`libary` is no type of component in CycloneDX: did you mean `library`?"),
        ("type", "x", "`x` is no type of component in CycloneDX"),
        ("type", "", "`` is no type of component in CycloneDX"),
        ("scope", "exclude", "`exclude` is no scope of a component in CycloneDX: did you mean `excluded`?"),
    ] {
        let mut wrong = sbom();
        wrong["components"][1]["components"][0][member] = json!(word);
        let report = run(settings, &wrong);
        assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("sbom-malformed", "")]), "{word}");
        let message = &report.findings[0].message;
        assert!(message.contains(&format!("at `/components/1/components/0/{member}`: {says}")), "{message}");
    }
    let mut excluded = sbom();
    excluded["components"][0] = evil();
    excluded["components"][0]["scope"] = json!("EXCLUDED");
    assert_eq!(run(NO_EVIL, &excluded).outcome, Outcome::Passed);
}

#[test]
fn keys_that_are_nearly_known_are_refused() {
    for (place, known, written) in [
        ("/components/0", "purl", "Purl"),
        ("/components/0", "licenses", "Licenses"),
        ("/components/1", "components", "COMPONENTS"),
        ("", "components", "Components"),
        ("/components/0/licenses/0", "expression", "Expression"),
    ] {
        let mut wrong = sbom();
        let members = wrong.pointer_mut(place).and_then(Value::as_object_mut).expect("an object");
        let value = members.remove(known).unwrap_or_default();
        members.insert(written.to_owned(), value);
        let report = run(NO_AGPL, &wrong);
        assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("sbom-malformed", "")]), "{written}");
        let message = &report.findings[0].message;
        assert!(
            message.contains(&format!("the key `{written}` is not known: write `{known}`, in this case")),
            "{message}"
        );
        assert!(message.contains(&format!("at `{place}/{written}`")), "{message}");
    }
    let other = json!({ "bomFormat": "CycloneDX", "specVersion": "1.5", "X": 1, "Signature": {}, "components": [
        { "type": "library", "name": "x", "purl": "pkg:npm/x@1", "bom-ref": "x", "PURLS": [], "licenses": [{ "expression": "MIT" }] }
    ] });
    assert_eq!(run(NO_AGPL, &other).outcome, Outcome::Passed, "what is not known at all is passed over");
}

#[test]
fn an_iri_in_place_of_a_key_is_refused() {
    let term = "https://spdx.org/rdf/3.0.1/terms/Software/packageUrl";
    for key in [term, "spdx:Software/packageUrl"] {
        let sbom = json!({ "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
            { "type": "software_Package", "spdxId": "https://example.com/x", "name": "x", key: "pkg:npm/evil@1" }
        ] });
        let report = run(NO_EVIL, &sbom);
        assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("sbom-malformed", "")]));
        let message = &report.findings[0].message;
        assert!(message.contains("at `/@graph/0/"), "{message}");
        assert!(message.contains(&format!("the key `{key}` is written as an IRI")), "{message}");
    }
}

#[test]
fn a_list_in_place_of_an_object_is_refused() {
    let content = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[["library","x"]]}"#;
    assert_eq!(found(&text(content)), [("sbom-malformed", "")]);
}
