//! SPDX documents.

use super::*;

/// As [`super::NO_AGPL`], and it knows the licence that only the documents here name.
const NO_AGPL: &str = r#"{ "denied-licences": ["AGPL-*", "GPL-2.0-only"], "permitted-licences": ["LicenseRef-Odd"] }"#;

/// A document as `syft` and others write it, of which one package is what it is about.
fn spdx2() -> Value {
    json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "shop",
        "documentNamespace": "https://example.com/shop-2.4.0",
        "creationInfo": { "created": "2026-11-21T21:40:00Z", "creators": ["Tool: syft-1.0.0"] },
        "packages": [
            {
                "SPDXID": "SPDXRef-shop", "name": "shop", "versionInfo": "2.4.0", "downloadLocation": "NOASSERTION",
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "NOASSERTION", "primaryPackagePurpose": "APPLICATION",
                "checksums": [{ "algorithm": "SHA256", "checksumValue": "C".repeat(64) }]
            },
            {
                "SPDXID": "SPDXRef-serde", "name": "serde", "versionInfo": "1.0.200", "downloadLocation": "NOASSERTION",
                "licenseConcluded": "NOASSERTION", "licenseDeclared": "MIT OR Apache-2.0",
                "externalRefs": [
                    { "referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:s:s:1" },
                    { "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:cargo/serde@1.0.200" }
                ]
            },
            {
                "SPDXID": "SPDXRef-odd", "name": "odd", "versionInfo": "1.0.0", "downloadLocation": "NOASSERTION",
                "licenseConcluded": "LicenseRef-Odd", "licenseDeclared": "NONE",
                "externalRefs": [
                    { "referenceCategory": "PACKAGE_MANAGER", "referenceType": "purl", "referenceLocator": "pkg:npm/odd@1.0.0" }
                ]
            }
        ],
        "hasExtractedLicensingInfos": [
            { "licenseId": "LicenseRef-Odd", "extractedText": "Do what is odd.", "name": "The Odd Licence" }
        ],
        "files": [{ "SPDXID": "SPDXRef-file", "fileName": "./a", "checksums": [], "licenseConcluded": "AGPL-3.0-only" }],
        "relationships": [
            { "spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": "SPDXRef-shop", "relationshipType": "DESCRIBES" },
            { "spdxElementId": "SPDXRef-shop", "relatedSpdxElement": "SPDXRef-serde", "relationshipType": "DEPENDS_ON" },
            { "spdxElementId": "SPDXRef-shop", "relatedSpdxElement": "NOASSERTION", "relationshipType": "CONTAINS" }
        ]
    })
}

/// The same in SPDX 3.
fn spdx3() -> Value {
    let id = |name: &str| format!("https://example.com/shop-2.4.0/{name}");
    let relation = |from: &str, kind: &str, to: String| {
        json!({
            "type": "Relationship", "spdxId": id(&format!("{kind}-{from}")), "creationInfo": "_:info",
            "from": id(from), "relationshipType": kind, "to": [to]
        })
    };
    json!({
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            { "type": "CreationInfo", "@id": "_:info", "specVersion": "3.0.1", "created": "2026-11-21T21:40:00Z",
              "createdBy": [id("ada")] },
            { "type": "Person", "spdxId": id("ada"), "creationInfo": "_:info", "name": "Ada",
              "externalIdentifier": [{ "type": "ExternalIdentifier", "externalIdentifierType": "email", "identifier": "ada@example.com" }] },
            { "type": "SpdxDocument", "spdxId": id("document"), "creationInfo": "_:info", "rootElement": [id("sbom")] },
            { "type": "software_Sbom", "spdxId": id("sbom"), "creationInfo": "_:info", "rootElement": [id("shop")] },
            { "type": "software_Package", "spdxId": id("shop"), "creationInfo": "_:info", "name": "shop",
              "software_packageVersion": "2.4.0", "software_primaryPurpose": "application",
              "verifiedUsing": [{ "type": "Hash", "algorithm": "sha256", "hashValue": "c".repeat(64) }] },
            { "type": "software_Package", "spdxId": id("serde"), "creationInfo": "_:info", "name": "serde",
              "software_packageVersion": "1.0.200", "software_packageUrl": "pkg:cargo/serde@1.0.200" },
            { "type": "software_Package", "spdxId": id("odd"), "creationInfo": "_:info", "name": "odd",
              "software_packageVersion": "1.0.0",
              "externalIdentifier": [{ "type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": "pkg:npm/odd@1.0.0" }] },
            { "type": "software_File", "spdxId": id("file"), "creationInfo": "_:info", "name": "a" },
            { "type": "simplelicensing_LicenseExpression", "spdxId": id("mit"), "creationInfo": "_:info",
              "simplelicensing_licenseExpression": "MIT OR Apache-2.0" },
            { "type": "simplelicensing_LicenseExpression", "spdxId": id("odd-licence"), "creationInfo": "_:info",
              "simplelicensing_licenseExpression": "LicenseRef-Odd",
              "simplelicensing_customIdToUri": [{ "type": "DictionaryEntry", "key": "LicenseRef-Odd", "value": id("custom") }] },
            { "type": "expandedlicensing_CustomLicense", "spdxId": id("custom"), "creationInfo": "_:info",
              "name": "The Odd Licence", "simplelicensing_licenseText": "Do what is odd." },
            { "type": "simplelicensing_LicenseExpression", "spdxId": id("agpl"), "creationInfo": "_:info",
              "simplelicensing_licenseExpression": "AGPL-3.0-only" },
            { "type": "simplelicensing_LicenseExpression", "spdxId": id("nothing"), "creationInfo": "_:info",
              "simplelicensing_licenseExpression": "NOASSERTION" },
            relation("shop", "hasDeclaredLicense", id("nothing")),
            relation("serde", "hasDeclaredLicense", id("mit")),
            relation("serde", "hasConcludedLicense", "expandedlicensing_NoAssertionLicense".to_owned()),
            relation("odd", "hasConcludedLicense", id("odd-licence")),
            relation("file", "hasConcludedLicense", id("agpl")),
            relation("shop", "dependsOn", id("serde"))
        ]
    })
}

#[test]
fn both_generations_are_read_alike() {
    for sbom in [spdx2(), spdx3()] {
        let report = run(NO_AGPL, &sbom);
        assert_eq!(found(&report), [], "{:?}", report.findings);
        assert_eq!(report.summary, "nothing in the SBOM's 2 packages is forbidden");
        let exhibit: Value = serde_json::from_str(&report.exhibits[0].content.json).expect("it is JSON");
        assert_eq!(exhibit["licences"], json!({ "LicenseRef-Odd": 1, "MIT OR Apache-2.0": 1 }));

        let denied =
            run(r#"{ "denied-licences": ["MIT", "apache-*"], "permitted-licences": ["LicenseRef-Odd"] }"#, &sbom);
        assert_eq!(found(&denied), [("licence-denied", "`pkg:cargo/serde@1.0.200`")]);
        let denied = run(r#"{ "denied-licences": ["licenseref-odd"] }"#, &sbom);
        assert_eq!(found(&denied), [("licence-denied", "`pkg:npm/odd@1.0.0`")]);
        let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/Odd", "versions": "<2", "reason": "r" }] }"#;
        let denied = run(settings, &sbom);
        assert_eq!(found(&denied), [("package-denied", "`pkg:npm/odd@1.0.0`")]);
    }
}

#[test]
fn a_licence_that_only_the_document_knows_goes_by_its_name_too() {
    for (mut sbom, name) in [(spdx2(), "/hasExtractedLicensingInfos/0/name"), (spdx3(), "/@graph/10/name")] {
        let codes = |settings: &str, sbom: &Value| {
            run(settings, sbom).findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
        };
        assert_eq!(codes(r#"{ "denied-licence-names": ["* odd licence"] }"#, &sbom), ["licence-denied"]);
        let permitted = r#"{ "only-permitted": true, "permitted-licences": ["MIT"], "permitted-licence-names": ["the odd licence"] }"#;
        assert_eq!(codes(permitted, &sbom), [""; 0]);
        let not_permitted = r#"{ "only-permitted": true, "permitted-licences": ["MIT"] }"#;
        assert_eq!(codes(not_permitted, &sbom), ["licence-denied"]);
        assert_eq!(codes(super::NO_AGPL, &sbom), ["licence-unknown"]);
        assert_eq!(codes(NO_AGPL, &sbom), [""; 0]);
        *sbom.pointer_mut(name).expect("it is there") = json!("GNU Affero General Public License v3.0 only");
        assert_eq!(codes(super::NO_AGPL, &sbom), ["licence-denied"]);
        *sbom.pointer_mut(name).expect("it is there") = json!("MIT License");
        assert_eq!(codes(super::NO_AGPL, &sbom), [""; 0]);
    }
}

#[test]
fn every_place_where_spdx_2_states_a_licence_counts() {
    for (member, value) in [
        ("licenseConcluded", json!("AGPL-3.0-only")),
        ("licenseDeclared", json!("MIT AND agpl-3.0")),
        ("licenseInfoFromFiles", json!(["MIT", "AGPL-3.0-or-later"])),
    ] {
        let mut sbom = spdx2();
        sbom["packages"][1][member] = value;
        assert_eq!(found(&run(NO_AGPL, &sbom)), [("licence-denied", "`pkg:cargo/serde@1.0.200`")], "{member}");
    }
    let mut silent = spdx2();
    silent["packages"][1]["licenseDeclared"] = json!("NOASSERTION");
    assert_eq!(found(&run(NO_AGPL, &silent)), [("licence-missing", "`pkg:cargo/serde@1.0.200`")]);
    let mut older = spdx2();
    older["spdxVersion"] = json!("SPDX-2.2");
    assert_eq!(run(NO_AGPL, &older).outcome, Outcome::Passed);
}

#[test]
fn every_kind_of_licence_of_spdx_3_is_read_or_said_to_be_unknown() {
    let with = |to: &str, element: Option<Value>| {
        let mut sbom = spdx3();
        let graph = sbom["@graph"].as_array_mut().expect("a list");
        graph.extend(element);
        graph.push(json!({ "type": "Relationship", "spdxId": "https://example.com/r", "relationshipType": "hasConcludedLicense",
            "from": "https://example.com/shop-2.4.0/serde", "to": [to] }));
        let report = run(NO_AGPL, &sbom);
        report.findings.first().map_or_else(String::new, |finding| finding.code.clone())
    };
    assert_eq!(with("https://example.com/shop-2.4.0/agpl", None), "licence-denied");
    assert_eq!(with("https://spdx.org/licenses/AGPL-3.0-only", None), "licence-denied");
    assert_eq!(with("https://spdx.org/licenses/MIT", None), "");
    let listed =
        json!({ "type": "expandedlicensing_ListedLicense", "spdxId": "http://spdx.org/licenses/AGPL-3.0-only" });
    assert_eq!(with("http://spdx.org/licenses/AGPL-3.0-only", Some(listed)), "licence-denied");
    assert_eq!(with("https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense", None), "");
    assert_eq!(with("https://example.com/elsewhere", None), "licence-unknown");
    let set = json!({ "type": "expandedlicensing_ConjunctiveLicenseSet", "spdxId": "https://example.com/set",
        "expandedlicensing_member": ["https://spdx.org/licenses/AGPL-3.0-only"] });
    assert_eq!(with("https://example.com/set", Some(set)), "licence-unknown");
    let text = json!({ "type": "simplelicensing_SimpleLicensingText", "spdxId": "https://example.com/text",
        "simplelicensing_licenseText": "Do what you want." });
    assert_eq!(with("https://example.com/text", Some(text)), "licence-unknown");
}

#[test]
fn a_library_of_spdx_has_to_have_a_package_url() {
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/x", "reason": "r" }] }"#;
    let mut old = spdx2();
    old["packages"][1]["externalRefs"] = json!([]);
    let mut new = spdx3();
    new["@graph"][5].as_object_mut().expect("an element").remove("software_packageUrl");
    for sbom in [&old, &new] {
        assert_eq!(found(&run(settings, sbom)), [("package-url-missing", "`serde@1.0.200`")]);
    }
    old["packages"][1]["primaryPackagePurpose"] = json!("CONTAINER");
    new["@graph"][5]["software_primaryPurpose"] = json!("container");
    for sbom in [&old, &new] {
        assert_eq!(run(settings, sbom).outcome, Outcome::Passed);
    }
}

#[test]
fn several_package_urls_of_one_package_all_count() {
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/evil", "reason": "r" }] }"#;
    let mut old = spdx2();
    let purl = |text: &str| json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text });
    old["packages"][1]["externalRefs"] = json!([purl("pkg:cargo/serde@1"), purl("pkg:npm/evil@1")]);
    let mut new = spdx3();
    new["@graph"][5]["externalIdentifier"] = json!([{ "type": "ExternalIdentifier", "externalIdentifierType": "packageURL", "identifier": "pkg:npm/evil@1" }]);
    for sbom in [old, new] {
        assert_eq!(run(settings, &sbom).outcome, Outcome::Failed);
    }
}

#[test]
fn a_document_about_several_packages_has_none_that_need_not_tell_anything() {
    let mut old = spdx2();
    old["documentDescribes"] = json!(["SPDXRef-serde"]);
    let mut new = spdx3();
    new["@graph"][3]["rootElement"] =
        json!(["https://example.com/shop-2.4.0/shop", "https://example.com/shop-2.4.0/serde"]);
    for sbom in [old, new] {
        let report = run(NO_AGPL, &sbom);
        assert_eq!(found(&report), [("licence-missing", "`shop@2.4.0`")]);
        assert_eq!(report.summary, "1 thing cannot be told about the SBOM's 3 packages");
    }
}

#[test]
fn an_spdx_document_can_have_to_be_about_a_component() {
    let check = |sbom: &Value, digest: &str| {
        let mut fixture = Fixture::new().with_evidence("sbom", "application/spdx+json", sbom.to_string());
        fixture.components = vec![Component {
            digest: Some(format!("sha256:{}", digest.repeat(64))),
            ..Fixture::component("binary", component_kind::SOFTWARE, "1")
        }];
        let report = ask(r#"{ "require-component-match": true }"#, &fixture).expect("it can look");
        report.findings.first().map_or_else(String::new, |finding| finding.code.clone())
    };
    for sbom in [spdx2(), spdx3()] {
        assert_eq!(check(&sbom, "c"), "");
        assert_eq!(check(&sbom, "d"), "sbom-of-something-else");
    }
    let mut about_nothing = spdx2();
    about_nothing["relationships"] = json!([]);
    assert_eq!(check(&about_nothing, "c"), "sbom-subject-missing");
}

#[test]
fn elements_of_another_version_are_refused() {
    let mut mixed = spdx3();
    mixed["@graph"][0]["specVersion"] = json!("3.1.0");
    let report = run(NO_AGPL, &mixed);
    assert_eq!(found(&report), [("sbom-not-understood", "")]);
    assert!(report.findings[0].message.contains("is of SPDX 3.1.0 at `/@graph/0`"), "{:?}", report.findings);
}

#[test]
fn a_broken_spdx_document_fails_and_names_the_place() {
    let mut old = spdx2();
    old["packages"][1]["versionInfo"] = json!(1);
    let mut new = spdx3();
    new["@graph"][5]["software_packageUrl"] = json!(["pkg:cargo/serde"]);
    for (sbom, place) in [(old, "`/packages/1/versionInfo`"), (new, "`/@graph/5/software_packageUrl`")] {
        let report = run(NO_AGPL, &sbom);
        assert_eq!(found(&report), [("sbom-malformed", "")]);
        assert!(report.findings[0].message.contains(place), "{:?}", report.findings);
    }
    assert_eq!(
        found(&text(r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}"#)),
        [("sbom-malformed", "")]
    );
}

/// The document with each type, and each type of a relationship and an identifier, written as an IRI.
fn with_iris(sbom: &Value, namespace: &str) -> Value {
    let mut sbom = sbom.clone();
    for element in sbom["@graph"].as_array_mut().expect("a list") {
        let kind = element["type"].as_str().expect("a type").to_owned();
        let path = match kind.split_once('_') {
            None => format!("Core/{kind}"),
            Some(("software", name)) => format!("Software/{name}"),
            Some(("simplelicensing", name)) => format!("SimpleLicensing/{name}"),
            Some((_, name)) => format!("ExpandedLicensing/{name}"),
        };
        element["type"] = json!(format!("{namespace}{path}"));
        for (member, vocabulary) in
            [("relationshipType", "Core/RelationshipType"), ("software_primaryPurpose", "Software/SoftwarePurpose")]
        {
            if let Some(word) = element.get(member).and_then(Value::as_str) {
                element[member] = json!(format!("{namespace}{vocabulary}/{word}"));
            }
        }
        if let Some(identifier) = element.pointer_mut("/externalIdentifier/0/externalIdentifierType") {
            let kind = identifier.as_str().expect("a type").to_owned();
            *identifier = json!(format!("{namespace}Core/ExternalIdentifierType/{kind}"));
        }
    }
    sbom
}

#[test]
fn terms_of_spdx_3_may_be_iris() {
    let settings = r#"{ "denied-licences": ["MIT", "Apache-2.0", "LicenseRef-Odd"],
                        "denied-packages": [{ "package": "pkg:npm/odd", "reason": "r" }] }"#;
    let expected = run(settings, &spdx3());
    assert_eq!(expected.findings.len(), 3, "{:?}", expected.findings);
    for namespace in ["https://spdx.org/rdf/3.0.1/terms/", "https://spdx.org/rdf/3.0.0/terms/", "spdx:"] {
        let report = run(settings, &with_iris(&spdx3(), namespace));
        assert_eq!((report.outcome, found(&report)), (expected.outcome, found(&expected)), "{namespace}");
        assert_eq!(report.summary, expected.summary);
    }
}

/// The message about a document that is refused.
fn refusal(sbom: &Value) -> String {
    let report = run(NO_AGPL, sbom);
    assert_eq!((report.outcome, found(&report)), (Outcome::Failed, vec![("sbom-malformed", "")]), "{sbom}");
    report.findings[0].message.clone()
}

#[test]
fn elements_of_spdx_3_that_are_written_in_place_are_refused() {
    let package = json!({ "type": "software_Package", "spdxId": "https://example.com/evil", "name": "evil",
        "software_packageUrl": "pkg:npm/evil@1.0.0" });
    let iri =
        json!({ "@type": ["https://spdx.org/rdf/3.0.1/terms/Software/Package"], "@id": "https://example.com/evil" });
    let without_type = json!({ "@id": "https://example.com/evil", "software_packageUrl": "pkg:npm/evil@1.0.0" });
    let relationship = json!({ "type": "Relationship", "relationshipType": "hasConcludedLicense", "to": [],
        "from": "https://example.com/shop-2.4.0/serde" });
    for element in [package, iri, without_type, relationship] {
        let annotation = json!({ "type": "Annotation", "spdxId": "https://example.com/a", "subject": element });
        let mut annotated = spdx3();
        annotated["@graph"].as_array_mut().expect("a list").push(annotation);
        let with = |place: &str, key: &str, value: Value| {
            let mut sbom = spdx3();
            sbom.pointer_mut(place)
                .expect("it is there")
                .as_object_mut()
                .expect("an object")
                .insert(key.to_owned(), value);
            sbom
        };
        for sbom in [
            annotated,
            with("/@graph/3", "element", json!([element])),
            with("/@graph/3", "element", json!([["x", { "@set": [element] }]])),
            with("/@graph/5", "extension", json!([{ "type": "https://acme.example/Extension", "of": element }])),
            with("/@graph/6/externalIdentifier/0", "issuingAuthority", element.clone()),
            with("/@graph/4/verifiedUsing/0", "x", json!({ "type": "Hash", "y": element })),
            with("/@graph/5", "creationInfo", json!({ "type": "CreationInfo", "createdBy": [element] })),
            with("/@graph/5", "@included", json!([element])),
            with("/@graph/5", "@reverse", json!({ "from": [element] })),
            with("", "@included", json!([element])),
        ] {
            refusal(&sbom);
        }
    }
    let mut sbom = spdx3();
    sbom["element"] = json!([{ "type": "software_Package", "software_packageUrl": "pkg:npm/evil@1.0.0" }]);
    assert!(refusal(&sbom).contains("an element is written in place: write it in `@graph`, and name its id here"));
    sbom = spdx3();
    sbom["@graph"][3]["element"] = json!(["https://example.com/shop-2.4.0/serde", { "type": "software_Package" }]);
    assert!(refusal(&sbom).contains("`/@graph/3/element/1"), "{}", refusal(&sbom));
}

#[test]
fn parts_of_elements_of_spdx_3_are_written_in_place() {
    let mut sbom = spdx3();
    sbom["@graph"][5]["creationInfo"] = json!({ "type": "CreationInfo", "@id": "_:two", "specVersion": "3.0.1",
        "created": "2026-11-21T21:40:00Z", "createdBy": ["https://example.com/shop-2.4.0/ada"] });
    sbom["@graph"][3]["element"] = json!([{ "@id": "https://example.com/shop-2.4.0/serde" }, "https://example.com/x"]);
    sbom["@graph"][2]["namespaceMap"] = json!([{ "type": "NamespaceMap", "prefix": "a", "namespace": "https://a" }]);
    sbom["@graph"][5]["extension"] =
        json!([{ "type": "https://acme.example/Extension", "acme:size": [1, 2.5, true, null] }]);
    sbom["@graph"][5]["externalRef"] =
        json!([{ "type": "ExternalRef", "locator": ["https://x"], "comment": { "@value": "x" } }]);
    assert_eq!(found(&run(NO_AGPL, &sbom)), []);
    let mut cyclonedx = super::sbom();
    cyclonedx["acme"] = json!({ "type": "Person", "type-of": [{ "name": "x", "type": { "a": 1 } }] });
    assert_eq!(found(&run(NO_AGPL, &cyclonedx)), []);
}

#[test]
fn terms_that_spdx_3_does_not_have_are_refused_with_their_place() {
    for (place, term, hint) in [
        ("/@graph/5/type", "software_package", ": did you mean `software_Package`?"),
        ("/@graph/5/type", "SOFTWARE_PACKAGE", ": did you mean `software_Package`?"),
        ("/@graph/5/type", "https://spdx.org/rdf/3.0.1/terms/software/Package", ""),
        ("/@graph/5/type", "https://example.com/Package", ""),
        ("/@graph/5/type", "software_SoftwareArtifact", ""),
        ("/@graph/11/type", "simplelicensing_licenseexpression", ": did you mean `simplelicensing_LicenseExpression`?"),
        ("/@graph/14/relationshipType", "hasdeclaredlicense", ": did you mean `hasDeclaredLicense`?"),
        ("/@graph/14/relationshipType", "HAS_DECLARED_LICENSE", ""),
        ("/@graph/4/software_primaryPurpose", "Library", ": did you mean `library`?"),
    ] {
        let mut sbom = spdx3();
        *sbom.pointer_mut(place).expect("it is there") = json!(term);
        let message = refusal(&sbom);
        assert!(message.contains(&format!("at `{place}`: `{term}` is no")), "{message}");
        assert!(message.contains(hint), "{message}");
    }
    let mut untyped = spdx3();
    untyped["@graph"][14].as_object_mut().expect("an element").remove("relationshipType");
    assert!(refusal(&untyped).contains("the relationship at `/@graph/14` has no `relationshipType`"));
}

#[test]
fn a_package_with_the_members_of_a_relationship_is_a_package() {
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/odd", "reason": "r" }] }"#;
    for relationship in ["hasDeclaredLicense", "describes", "contains"] {
        let mut sbom = spdx3();
        sbom["@graph"][6]["relationshipType"] = json!(relationship);
        sbom["@graph"][6]["from"] = json!("https://example.com/x");
        sbom["@graph"][6]["to"] = json!([]);
        assert_eq!(found(&run(settings, &sbom)), [("package-denied", "`pkg:npm/odd@1.0.0`")], "{relationship}");
    }
}

#[test]
fn an_id_that_stands_twice_is_refused() {
    for (index, other) in [(5, 6), (8, 11), (7, 13), (0, 14)] {
        let mut sbom = spdx3();
        let id = sbom["@graph"][index]["spdxId"].clone();
        let id = if id.is_null() { sbom["@graph"][index]["@id"].clone() } else { id };
        sbom["@graph"][other]["spdxId"] = id.clone();
        let message = refusal(&sbom);
        let id = id.as_str().expect("an id");
        assert!(
            message.contains(&format!("`/@graph/{index}` and `/@graph/{other}` have the same id, `{id}`")),
            "{message}"
        );
    }
    let mut twice = spdx3();
    twice["@graph"][5]["@id"] = json!("https://example.com/x");
    assert!(refusal(&twice).contains("at `/@graph/5"), "{}", refusal(&twice));
}

#[test]
fn a_package_url_is_read_whatever_its_type_is_called() {
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/odd", "reason": "r" }] }"#;
    let denied = vec![("package-denied", "`pkg:npm/odd@1.0.0`")];
    for (category, kind) in [
        ("PACKAGE-MANAGER", "purl"),
        ("PACKAGE_MANAGER", "PURL"),
        ("package manager", "package-url"),
        ("OTHER", "http://spdx.org/rdf/references/purl"),
        ("OTHER", "x"),
    ] {
        let mut sbom = spdx2();
        let reference = sbom.pointer_mut("/packages/2/externalRefs/0").expect("it is there");
        reference["referenceCategory"] = json!(category);
        reference["referenceType"] = json!(kind);
        assert_eq!(found(&run(settings, &sbom)), denied, "{category} {kind}");
    }
    for kind in ["packageUrl", "packageURL", "purl", "package-url", "other"] {
        let mut sbom = spdx3();
        sbom["@graph"][6]["externalIdentifier"][0]["externalIdentifierType"] = json!(kind);
        assert_eq!(found(&run(settings, &sbom)), denied, "{kind}");
    }
    let mut sbom = spdx2();
    sbom["packages"][2]["externalRefs"][0]["referenceLocator"] = json!("npm/odd");
    assert_eq!(found(&run(settings, &sbom)), [("package-url-invalid", "`npm/odd`")]);
}

#[test]
fn purposes_of_spdx_2_are_read_in_any_spelling_or_refused() {
    let settings = r#"{ "denied-packages": [{ "package": "pkg:npm/x", "reason": "r" }] }"#;
    let mut sbom = spdx2();
    sbom["packages"][1]["externalRefs"] = json!([]);
    for (purpose, codes) in [
        ("library", vec![("package-url-missing", "`serde@1.0.200`")]),
        ("Framework", vec![("package-url-missing", "`serde@1.0.200`")]),
        ("OPERATING_SYSTEM", vec![]),
        ("operating-system", vec![]),
    ] {
        sbom["packages"][1]["primaryPackagePurpose"] = json!(purpose);
        assert_eq!(found(&run(settings, &sbom)), codes, "{purpose}");
    }
    sbom["packages"][1]["primaryPackagePurpose"] = json!("LIBARY");
    let message = refusal(&sbom);
    let says = "at `/packages/1/primaryPackagePurpose`: `LIBARY` is no purpose of a package in SPDX 2: did you mean `LIBRARY`?";
    assert!(message.contains(says), "{message}");
}
