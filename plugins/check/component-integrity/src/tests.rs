#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod environment;
mod facts;
mod owners;

use lockgate_plugin::testing::{Fixture, InstanceContent, configure, outcome_and_findings, report_of};
use lockgate_plugin::types::{
    ApprovedPlan, Component, Instance, InstanceStatus, Phase, Scenario, Stage, component_kind,
};
use lockgate_plugin::{Need, Outcome, Report};

use super::ComponentIntegrity;

/// A component with all facts that any kind needs.
fn component(name: &str, kind: &str, digest: Option<&str>) -> Component {
    let fact = |text: &str| Some(text.to_owned());
    Component {
        serial: fact("S-1"),
        order: fact("O-1"),
        entitlement: fact("50 seats"),
        migration: fact("V12__split_names.sql"),
        reviewer: fact("rex"),
        digest: digest.map(|digit| format!("sha256:{}", digit.repeat(64))),
        origin: Some(format!("oci://registry.example.com/shop/{name}")),
        ..Fixture::component(name, kind, "2.4.0")
    }
}

fn components() -> Vec<Component> {
    vec![
        component("app", component_kind::SOFTWARE, Some("a")),
        component("manual", component_kind::DOCUMENTATION, Some("b")),
        component("scanner", component_kind::HARDWARE, None),
    ]
}

fn holding(components: Vec<Component>) -> InstanceContent {
    InstanceContent { components, configuration: Vec::new() }
}

/// Puts these components into the only actual instance, and into the only desired one.
fn both_hold(fixture: &mut Fixture, components: &[Component]) {
    for contents in [&mut fixture.desired_content, &mut fixture.actual_content] {
        contents.insert("shop-1".to_owned(), holding(components.to_vec()));
    }
}

/// A release whose components were approved as they are, deployed as one instance.
fn fixture(stage: Stage) -> Fixture {
    let mut fixture = Fixture::new().gate(stage, Phase::Entrance);
    fixture.components = components();
    if stage != Stage::PlanAndApprove {
        fixture.approved = Some(ApprovedPlan {
            subject: fixture.subject.clone(),
            decision: "decision-1".to_owned(),
            at: fixture.now.as_millis() - 1,
            release: fixture.release.id.clone(),
            digest: fixture.release.digest.clone(),
            model: format!("sha256:{}", "c".repeat(64)),
            rollout: None,
            parts: Vec::new(),
        });
        fixture.approved_components = components();
    }
    fixture
        .with_desired(Fixture::instance("shop-1"), InstanceContent::default())
        .with_actual(Fixture::instance("shop-1"), holding(components()))
}

fn run_with(settings: &str, fixture: &Fixture) -> Report {
    report_of::<ComponentIntegrity>(settings, fixture)
}

fn run(fixture: &Fixture) -> Report {
    run_with("{}", fixture)
}

/// Code and place of each finding.
fn found(report: &Report) -> Vec<(&str, &str)> {
    outcome_and_findings(report).1
}

#[test]
fn what_is_as_approved_passes_at_every_stage() {
    for (stage, summary) in [
        (Stage::PlanAndApprove, "the 3 components of Shop 2.4 can be told apart from any others"),
        (Stage::Fulfill, "the 3 components of Shop 2.4 are what was approved"),
        (Stage::Validate, "the 3 components of Shop 2.4 are what was approved"),
        (Stage::Observe, "the 3 components of Shop 2.4 are what was approved"),
    ] {
        assert_eq!(run(&fixture(stage)), Report::passed(summary));
    }
}

#[test]
fn one_component_is_spoken_of_in_the_singular() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components.truncate(1);
    fixture.approved_components.truncate(1);
    assert_eq!(run(&fixture), Report::passed("the 1 component of Shop 2.4 is what was approved"));
}

#[test]
fn a_digest_that_differs_fails_and_names_both() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components[0].digest = Some(format!("sha256:{}", "f".repeat(64)));
    let report = run(&fixture);
    assert_eq!(
        (report.outcome, found(&report)),
        (Outcome::Failed, vec![("digest-differs", "/release/components/0/digest")])
    );
    let finding = &report.findings[0];
    assert_eq!(
        finding.message,
        format!(
            "`app` in the release is not what was approved: its digest is `sha256:{}`, not `sha256:{}`",
            "f".repeat(64),
            "a".repeat(64)
        )
    );
    let Need::Correction(need) = &finding.remedies[0].need else { unreachable!() };
    assert_eq!(need.expected, format!("sha256:{}", "a".repeat(64)));
    assert_eq!(report.summary, "1 thing is not as it should be with the 3 components of Shop 2.4");
}

#[test]
fn a_digest_in_capitals_is_another_digest() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components[0].digest = Some(format!("sha256:{}", "A".repeat(64)));
    assert_eq!(found(&run(&fixture)), [("digest-differs", "/release/components/0/digest")]);
}

#[test]
fn version_kind_and_digest_are_each_compared() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components[1].version = "2.4.1".to_owned();
    fixture.components[1].kind = component_kind::DATA.to_owned();
    fixture.components[2].digest = Some("sha256:c".to_owned());
    assert_eq!(
        found(&run(&fixture)),
        [
            ("kind-differs", "/release/components/1/kind"),
            ("version-differs", "/release/components/1/version"),
            ("digest-not-approved", "/release/components/2/digest"),
        ]
    );
}

#[test]
fn the_inventory_is_complete_and_has_nothing_extra() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components[0].name = "application".to_owned();
    assert_eq!(
        found(&run(&fixture)),
        [("component-missing", "/release/components"), ("component-extra", "/release/components/0")]
    );
}

#[test]
fn another_release_than_the_approved_one_fails() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.release.id = "shop-2.5.0".to_owned();
    assert_eq!(found(&run(&fixture)), [("release-differs", "/release/id")]);
}

#[test]
fn without_an_approved_list_the_later_stages_are_inconclusive() {
    for stage in [Stage::Fulfill, Stage::Validate, Stage::Observe] {
        let mut fixture = fixture(stage);
        fixture.approved = None;
        let report = run(&fixture);
        assert_eq!(
            (report.outcome, found(&report)),
            (Outcome::Inconclusive, vec![("approved-list-missing", "/approved")])
        );
    }
}

#[test]
fn a_release_without_components_fails() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components.clear();
    assert_eq!(found(&run(&fixture)), [("inventory-empty", "/release/components")]);
}

#[test]
fn a_name_twice_fails() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components[1].name = "app".to_owned();
    assert_eq!(found(&run(&fixture)), [("component-twice", "/release/components/1/name")]);
}

#[test]
fn what_has_bytes_needs_a_digest_and_what_has_none_does_not() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components[0].digest = None;
    assert_eq!(found(&run(&fixture)), [("digest-missing", "/release/components/0/digest")]);
    assert_eq!(run_with(r#"{ "kinds-with-bytes": ["data"] }"#, &fixture).outcome, Outcome::Passed);
}

#[test]
fn a_missing_digest_is_told_once() {
    let mut fixture = fixture(Stage::Fulfill);
    fixture.components[0].digest = None;
    assert_eq!(found(&run(&fixture)), [("digest-missing", "/release/components/0/digest")]);
}

#[test]
fn origins_are_held_against_the_patterns() {
    let settings = r#"{ "allowed-origins": ["oci://registry.example.com/shop/*"] }"#;
    let mut fixture = fixture(Stage::PlanAndApprove);
    assert_eq!(run_with(settings, &fixture).outcome, Outcome::Passed);
    fixture.components[0].origin = Some("oci://registry.example.com.evil.org/shop/app".to_owned());
    fixture.components[1].origin = None;
    fixture.components[2].origin = None;
    let report = run_with(settings, &fixture);
    assert_eq!(
        found(&report),
        [("origin-not-allowed", "/release/components/0/origin"), ("origin-missing", "/release/components/1/origin")]
    );
    assert_eq!(
        report.findings[1].remedies[0].message,
        "an origin like `oci://registry.example.com/shop/*` is expected at `/release/components/1/origin`"
    );
}

#[test]
fn an_origin_that_climbs_out_of_its_place_is_not_allowed() {
    let settings = r#"{ "allowed-origins": ["https://repo.example/team-a/**"] }"#;
    for rest in [
        "../team-b/x",
        "%2e%2e/team-b/x",
        ".%2e/team-b/x",
        "%2E./team-b/x",
        "..%2fteam-b/x",
        "%2e%2e%2Fteam-b/x",
        "..%5cteam-b/x",
        "x\nhttps://repo.example/team-b",
    ] {
        let mut fixture = fixture(Stage::Fulfill);
        fixture.components.truncate(1);
        fixture.approved_components.truncate(1);
        fixture.components[0].origin = Some(format!("https://repo.example/team-a/{rest}"));
        assert_eq!(found(&run_with(settings, &fixture)), [("origin-not-allowed", "/release/components/0/origin")]);
    }
}

#[test]
fn an_origin_without_a_normal_form_is_told_why_on_one_line() {
    let mut fixture = fixture(Stage::PlanAndApprove);
    fixture.components[0].origin = Some("oci://registry.example.com/shop/a\nb".to_owned());
    let report = run_with(r#"{ "allowed-origins": ["oci://Registry.example.com/shop/*"] }"#, &fixture);
    assert_eq!(
        report.findings[0].message,
        "`app` was taken from `oci://registry.example.com/shop/a\\nb`, which is not an allowed origin: it has a space or a \
         control character in it"
    );
    assert_eq!(report.findings.len(), 1);
}

#[test]
fn a_pattern_that_no_origin_can_fit_is_refused() {
    let settings = r#"{ "allowed-origins": ["https://a.example/*", "https://b.example/../*", "https:c.example/*"] }"#;
    let found = configure::<ComponentIntegrity>(settings).expect_err("two patterns are wrong");
    let found: Vec<(&str, &str)> =
        found.iter().map(|finding| (finding.pointer.as_str(), finding.message.as_str())).collect();
    assert_eq!(
        found,
        [
            (
                "/allowed-origins/1",
                "no origins can be allowed by `https://b.example/../*`: it has a step upwards, `..`, in it"
            ),
            (
                "/allowed-origins/2",
                "no origins can be allowed by `https:c.example/*`: it has no `//` and host after its scheme"
            ),
        ]
    );
}

#[test]
fn an_instance_whose_component_differs_fails() {
    let mut fixture = fixture(Stage::Validate);
    let mut installed = components();
    installed[0].digest = Some("sha256:0".to_owned());
    installed[1].digest = None;
    fixture.actual_content.insert("shop-1".to_owned(), holding(installed));
    assert_eq!(
        found(&run(&fixture)),
        [
            ("digest-differs", "/actual_instances/0/components/0/digest"),
            ("digest-missing", "/actual_instances/0/components/1/digest"),
        ]
    );
}

#[test]
fn an_instance_may_hold_the_part_that_is_desired_there() {
    let mut fixture = fixture(Stage::Validate);
    let part = vec![components()[0].clone()];
    both_hold(&mut fixture, &part);
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    fixture.actual_content.insert("shop-1".to_owned(), holding(components()));
    assert_eq!(
        found(&run(&fixture)),
        [
            ("component-extra", "/actual_instances/0/components/1"),
            ("component-extra", "/actual_instances/0/components/2")
        ]
    );
}

#[test]
fn a_desired_component_that_was_never_approved_fails() {
    let mut fixture = fixture(Stage::Validate);
    let part = vec![component("spy", component_kind::SOFTWARE, Some("c"))];
    both_hold(&mut fixture, &part);
    assert_eq!(found(&run(&fixture)), [("component-not-approved", "/actual_instances/0/components/0")]);
}

#[test]
fn instances_are_complete_and_none_is_extra() {
    let mut fixture = fixture(Stage::Observe);
    fixture.actual_instances[0].id = "shop-7".to_owned();
    fixture.actual_instances.push(Instance { environment: "test".to_owned(), ..Fixture::instance("shop-8") });
    fixture.actual_instances.push(Instance { status: InstanceStatus::Removed, ..Fixture::instance("shop-9") });
    assert_eq!(
        found(&run(&fixture)),
        [("instance-missing", "/actual_instances"), ("instance-extra", "/actual_instances/0")]
    );
}

#[test]
fn an_instance_in_an_environment_of_nearly_that_name_is_not_passed_over() {
    let mut fixture = fixture(Stage::Observe);
    let environment = fixture.environment.name.to_uppercase();
    fixture.actual_instances.push(Instance { environment: environment.clone(), ..Fixture::instance("shop-2") });
    let report = run(&fixture);
    assert_eq!(
        found(&report),
        [("environment-differs", "/actual_instances/1/environment"), ("instance-extra", "/actual_instances/1")]
    );
    fixture.actual_instances.pop();
    fixture.desired_instances.push(Instance { environment, ..Fixture::instance("shop-2") });
    assert_eq!(
        found(&run(&fixture)),
        [("environment-differs", "/desired_instances/1/environment"), ("instance-missing", "/actual_instances")]
    );
}

#[test]
fn what_is_software_by_its_media_type_needs_a_digest_under_any_kind() {
    let codes = |kind: &str, media_type: &str, settings: &str| {
        let mut fixture = fixture(Stage::PlanAndApprove);
        let odd = Component { media_type: Some(media_type.to_owned()), origin: None, ..component("odd", kind, None) };
        fixture.components.push(odd);
        let report = run_with(settings, &fixture);
        report.findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
    };
    for (kind, media_type) in [
        (component_kind::OTHER, "application/octet-stream"),
        (component_kind::OTHER, "image/png"),
        (component_kind::PROCESS, "Application/Vnd.OCI.image.manifest.v1+json"),
        (component_kind::HARDWARE, "application/x-executable; a=b"),
    ] {
        assert_eq!(codes(kind, media_type, "{}"), ["digest-missing"], "{media_type}");
        let origins = r#"{ "allowed-origins": ["oci://registry.example.com/shop/*"] }"#;
        assert_eq!(codes(kind, media_type, origins), ["digest-missing", "origin-missing"], "{media_type}");
        assert_eq!(codes(kind, media_type, r#"{ "kinds-with-bytes": ["data"] }"#), [""; 0], "{media_type}");
    }
    for (kind, media_type) in [(component_kind::OTHER, " "), (component_kind::PROCESS, "application/pdf")] {
        assert_eq!(codes(kind, media_type, "{}"), [""; 0], "{media_type}");
    }
}

#[test]
fn kinds_that_ask_for_nothing_are_refused() {
    for kinds in ["[]", r#"["hardware"]"#, r#"["process", "hardware"]"#] {
        let found = configure::<ComponentIntegrity>(&format!(r#"{{ "kinds-with-bytes": {kinds} }}"#))
            .expect_err("the settings are wrong");
        let places: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
        assert_eq!(places, ["/kinds-with-bytes"], "{kinds}");
    }
    assert!(configure::<ComponentIntegrity>(r#"{ "kinds-with-bytes": ["hardware", "other"] }"#).is_ok());
}

#[test]
fn without_instances_the_later_stages_are_inconclusive() {
    let mut nothing_there = fixture(Stage::Validate);
    nothing_there.actual_instances.clear();
    let report = run(&nothing_there);
    assert_eq!(
        (report.outcome, found(&report)),
        (Outcome::Inconclusive, vec![("actual-instances-unknown", "/actual_instances")])
    );

    let mut nothing_wanted = fixture(Stage::Observe);
    nothing_wanted.desired_instances.clear();
    let report = run(&nothing_wanted);
    assert_eq!(
        (report.outcome, found(&report)),
        (Outcome::Inconclusive, vec![("desired-instances-unknown", "/desired_instances")])
    );
}

#[test]
fn what_is_unknown_does_not_hide_what_else_is_unknown_or_wrong() {
    let mut nothing = fixture(Stage::Validate);
    (nothing.actual_instances, nothing.desired_instances, nothing.approved) = (Vec::new(), Vec::new(), None);
    assert_eq!(
        found(&run(&nothing)),
        [
            ("approved-list-missing", "/approved"),
            ("actual-instances-unknown", "/actual_instances"),
            ("desired-instances-unknown", "/desired_instances"),
        ]
    );
    let mut others = fixture(Stage::Validate);
    others.approved = None;
    let app = holding(vec![component("app", component_kind::SOFTWARE, Some("a"))]);
    others.desired_content.insert("shop-1".to_owned(), app);
    let others = others.with_actual(Fixture::instance("shop-2"), holding(components()));
    assert_eq!(
        found(&run(&others)),
        [
            ("component-extra", "/actual_instances/0/components/1"),
            ("component-extra", "/actual_instances/0/components/2"),
            ("instance-extra", "/actual_instances/1"),
            ("approved-list-missing", "/approved"),
        ]
    );
}

#[test]
fn after_a_removal_nothing_may_be_left_that_shall_not_be() {
    let mut fixture = fixture(Stage::Validate);
    fixture.scenario = Scenario::Removal;
    fixture.desired_instances.clear();
    assert_eq!(found(&run(&fixture)), [("instance-extra", "/actual_instances/0")]);
    fixture.actual_instances[0].status = InstanceStatus::Removed;
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
    fixture.actual_instances.clear();
    assert_eq!(run(&fixture).outcome, Outcome::Passed);
}

#[test]
fn what_is_wrong_outweighs_what_is_unknown() {
    let mut fixture = fixture(Stage::Validate);
    fixture.components[0].version = "1".to_owned();
    fixture.actual_instances.clear();
    let report = run(&fixture);
    assert_eq!(report.outcome, Outcome::Failed);
    assert_eq!(report.findings.len(), 2);
}

#[test]
fn settings_of_the_wrong_shape_are_refused() {
    let found = configure::<ComponentIntegrity>(r#"{ "allowed-origins": [""], "kinds-with-bytes": ["softwear"] }"#)
        .expect_err("the settings are wrong");
    let places: Vec<&str> = found.iter().map(|finding| finding.pointer.as_str()).collect();
    assert_eq!(places, ["/allowed-origins/0", "/kinds-with-bytes/0"]);
}
