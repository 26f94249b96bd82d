//! Each requirement names its owner: those who made the release, those who operate the instances, or those who asked for the
//! deployment.

use std::collections::BTreeSet;

use lockgate_plugin::testing::assert_all_codes;

use super::*;

const LIMITED: &str = r#"{ "allowed-origins": ["oci://registry.example.com/**"] }"#;

/// A release that is not what was approved in any respect.
fn other_release() -> Fixture {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.release.id = "shop-2.5.0".to_owned();
    let mut changed = component("manual", component_kind::SOFTWARE, Some("c"));
    (changed.version, changed.origin) = ("2.5.0".to_owned(), None);
    let mut bare = component("scanner", component_kind::HARDWARE, Some("e"));
    bare.origin = Some("oci://evil.example/scanner".to_owned());
    let undigested = component("extra", component_kind::SOFTWARE, None);
    fixture.components = vec![changed.clone(), changed, bare, undigested];
    fixture
}

/// Instances that are neither desired nor approved.
fn other_instances() -> Fixture {
    let mut fixture = fixture(Stage::Validate);
    let shop_3 = Instance { environment: "LIVE".to_owned(), ..Fixture::instance("shop-3") };
    let desired = [components(), vec![component("unapproved", component_kind::SOFTWARE, Some("f"))]].concat();
    let there = vec![component("unapproved", component_kind::SOFTWARE, Some("f"))];
    fixture = fixture.with_desired(Fixture::instance("shop-2"), holding(desired.clone()));
    fixture = fixture.with_desired(shop_3.clone(), holding(desired));
    fixture.with_actual(shop_3, holding(there)).with_actual(Fixture::instance("shop-4"), holding(components()))
}

#[test]
fn each_code_asks_those_who_can_correct_its_place() {
    let mut empty = fixture(Stage::Validate);
    (empty.components, empty.approved) = (Vec::new(), None);
    (empty.desired_instances, empty.actual_instances) = (Vec::new(), Vec::new());
    let mut factless = fixture(Stage::PlanAndApprove);
    let kinds =
        [component_kind::HARDWARE, component_kind::LICENCE, component_kind::DATA, component_kind::DOCUMENTATION];
    let bare = |kind: &str| Component { origin: None, digest: None, ..Fixture::component(kind, kind, "1") };
    factless.components = kinds.map(bare).into();
    let defined = r#"{ "environment-definition": true, "allowed-definitions": ["https://definitions.example/*"] }"#;
    let mut undefined = factless.clone().gate(Stage::Fulfill, Phase::Exit);
    undefined.environment.version = Some("sha256:1".to_owned());
    undefined.environment.definition = Some("https://other.example/live".to_owned());
    let mut outdated = undefined.clone();
    outdated.environment.applied = Some("sha256:2".to_owned());
    let reports = [
        run_with(defined, &factless),
        run_with(defined, &undefined),
        run_with(defined, &outdated),
        run_with(LIMITED, &other_release()),
        run_with(LIMITED, &other_instances()),
        run(&empty),
    ];
    assert_all_codes(&reports, include_str!("../../README.md"), "finding");
    let mut owners: BTreeSet<(String, &str)> = BTreeSet::new();
    for finding in reports.iter().flat_map(|report| &report.findings) {
        let [remedy] = finding.remedies.as_slice() else { panic!("{finding:?}") };
        let part = finding.pointers[0].split('/').nth(1).unwrap_or_default().to_owned();
        let part = if finding.code == "release-differs" { finding.pointers[0].clone() } else { part };
        owners.insert((part, remedy.owner.as_deref().unwrap_or_default()));
    }
    let expected = [
        ("/release/id", "deployment-manager"),
        ("actual_instances", "operations-manager"),
        ("approved", "deployment-manager"),
        ("desired_instances", "deployment-manager"),
        ("environment", "operations-manager"),
        ("release", "release-manager"),
    ];
    assert_eq!(owners, BTreeSet::from(expected.map(|(part, owner)| (part.to_owned(), owner))));
}
