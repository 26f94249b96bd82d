//! Each requirement names its owner: the role that has to approve, or the person who rejected.

use std::collections::BTreeSet;

use lockgate_plugin::testing::{Requiring, assert_all_codes};

use super::*;

#[test]
fn each_code_asks_the_role_or_the_person_who_can_turn_it() {
    let settings = r#"{ "required": [{ "role": "authority" }], "people": 2, "max-age": "30m" }"#;
    let rejected = Fixture::person("bob", &["operations"]);
    let fixture = Fixture::new().answered(rejected, "operations", ApprovalAnswer::Rejected);
    let mut void = Fixture::new()
        .approved_by("ann", "authority")
        .approved_by("old", "authority")
        .approved_by("eve", "authority")
        .approved_by("hal", "authority")
        .approved_by("rita", "authority")
        .answered(Fixture::person("cy", &["sales"]), "authority", ApprovalAnswer::Approved)
        .answered(Fixture::person("di", &["authority"]), "authority", ApprovalAnswer::Approved)
        .answered(Fixture::person("di", &["authority"]), "authority", ApprovalAnswer::Rejected)
        .approved_by("ed", "authority");
    void.approvals.iter_mut().for_each(|approval| approval.at = void.now.as_millis());
    void.approvals[0].subject = "sha256:0".to_owned();
    void.approvals[1].at -= 3_600_000;
    void.approvals[2].expires = Some(void.now.as_millis());
    void.approvals[3].at += 1;
    let alone = r#"{ "required": [{ "role": "authority" }] }"#;
    let idle = Fixture::new().approved_by("ed", "sales");
    let answers = [
        ask(settings, &fixture),
        ask(settings, &Fixture::new()),
        ask(settings, &void),
        ask(alone, &idle),
        ask(alone, &Fixture::new().approved_by("ann", "authority")),
    ];
    assert_all_codes(&answers, include_str!("../../README.md"), "code");
    let owners = answers.iter().flat_map(Requiring::required);
    let owners: BTreeSet<(&str, &str)> =
        owners.map(|(_, one)| (one.code.as_str(), one.owner.as_deref().unwrap_or_default())).collect();
    let expected = [
        ("approval-after-rejection", "bob"),
        ("approval-after-rejection", "di"),
        ("approvals-missing", "authority"),
        ("people-missing", "change-authority"),
    ];
    assert_eq!(owners, BTreeSet::from(expected));
}
