#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod owners;

use lockgate_plugin::testing::{Fixture, answer_of, configure};
use lockgate_plugin::types::{ApprovalAnswer, Level};
use lockgate_plugin::{Answer, Finding, Need, Requirement, Verdict};

use super::FourEyes;

const AUTHORITY: &str = r#"{ "required": [{ "role": "authority" }] }"#;
const BOTH: &str = r#"{ "required": [{ "role": "authority" }, { "role": "operations" }] }"#;

fn ask(settings: &str, fixture: &Fixture) -> Answer {
    answer_of::<FourEyes>(settings, fixture)
}

#[test]
fn the_schema_marks_the_roles_for_the_host() {
    let schema = schemars::schema_for!(crate::settings::Settings).to_value();
    assert_eq!(schema["$defs"]["RoleCount"]["properties"]["role"]["format"], "lockgate-role");
    assert_eq!(schema["properties"]["people"]["format"], "lockgate-people");
    assert_eq!(schema["$defs"]["Extra"]["properties"]["people"]["format"], "lockgate-people");
}

fn findings(settings: &str) -> Vec<(String, String)> {
    let found = configure::<FourEyes>(settings).expect_err("the settings are wrong");
    found.into_iter().map(|finding| (finding.pointer, finding.message)).collect()
}

fn allowed(answer: &Answer) -> bool {
    matches!(answer.verdict, Verdict::Allow)
}

fn required(answer: &Answer) -> &[Requirement] {
    match answer.verdict {
        Verdict::Require => &answer.requirements,
        other => panic!("not a requirement: {other:?}"),
    }
}

fn denied(answer: &Answer) -> &[Finding] {
    match answer.verdict {
        Verdict::Deny => &answer.findings,
        other => panic!("not a denial: {other:?}"),
    }
}

/// Role, missing number and excluded people of each requirement.
fn needs(answer: &Answer) -> Vec<(&str, u32, Vec<&str>)> {
    let need = |requirement| match requirement {
        &Requirement { need: Need::Approvals(ref need), .. } => (
            need.roles.first().map_or("any", String::as_str),
            need.missing,
            need.excluded.iter().map(String::as_str).collect(),
        ),
        other => panic!("not approvals: {other:?}"),
    };
    required(answer).iter().map(need).collect()
}

fn codes(answer: &Answer) -> Vec<&str> {
    answer.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn an_approval_in_the_role_is_enough() {
    let answer = ask(AUTHORITY, &Fixture::new().approved_by("ann", "authority"));
    assert_eq!(answer, Answer::allow().because("enough-approvals", "approved by `ann` (authority)"));
}

#[test]
fn without_approvals_it_says_how_many_of_whom_are_missing() {
    let fixture = Fixture::new();
    let answer = ask(r#"{ "required": [{ "role": "authority", "count": 2 }] }"#, &fixture);
    assert_eq!(needs(&answer), [("authority", 2, vec!["rita"])]);
    let requirement = &required(&answer)[0];
    assert_eq!(requirement.code, "approvals-missing");
    assert_eq!(requirement.message, "2 approvals in role `authority` are missing; not eligible: `rita` (requester)");
    let Need::Approvals(need) = &requirement.need else { panic!("{requirement:?}") };
    assert_eq!(need.subject, fixture.subject);
}

#[test]
fn the_same_person_counts_once() {
    let fixture = Fixture::new().approved_by("ann", "authority").approved_by("ann", "authority");
    let answer = ask(r#"{ "required": [{ "role": "authority", "count": 2 }] }"#, &fixture);
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita", "ann"])]);
    assert_eq!(
        required(&answer)[0].message,
        "1 approval in role `authority` is missing; not eligible: `rita` (requester), `ann` (approved already)"
    );
}

#[test]
fn one_person_with_two_roles_does_not_fill_both() {
    let roles = ["authority", "operations"];
    let fixture = Fixture::new()
        .answered(Fixture::person("ann", &roles), "authority", ApprovalAnswer::Approved)
        .answered(Fixture::person("ann", &roles), "operations", ApprovalAnswer::Approved);
    assert_eq!(needs(&ask(BOTH, &fixture)), [("operations", 1, vec!["rita", "ann"])]);
}

#[test]
fn a_person_with_two_roles_counts_where_nobody_else_can() {
    let roles = ["authority", "operations"];
    let fixture = Fixture::new()
        .answered(Fixture::person("ann", &roles), "authority", ApprovalAnswer::Approved)
        .answered(Fixture::person("ann", &roles), "operations", ApprovalAnswer::Approved)
        .approved_by("bob", "authority");
    let answer = ask(BOTH, &fixture);
    assert!(allowed(&answer));
    assert_eq!(answer.reasons[0].message, "approved by `ann` (authority, operations) and `bob` (authority)");
}

#[test]
fn somebody_who_counts_nowhere_yet_may_still_approve_in_the_missing_role() {
    let fixture = Fixture::new().approved_by("ann", "authority").approved_by("bob", "authority");
    assert_eq!(needs(&ask(BOTH, &fixture)), [("operations", 1, vec!["rita", "ann"])]);
}

#[test]
fn the_requester_cannot_approve() {
    let answer = ask(AUTHORITY, &Fixture::new().approved_by("rita", "authority"));
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita"])]);
    assert_eq!(codes(&answer), ["approval-by-outsider"]);
    assert_eq!(answer.reasons[0].message, "the approval of `rita` does not count: `rita` asked for the deployment");
    assert_eq!(answer.reasons[0].pointers.first().map(String::as_str), Some("/approvals/0"));
}

#[test]
fn a_contributor_can_approve_only_if_the_settings_say_so() {
    let mut fixture = Fixture::new().approved_by("carl", "authority");
    fixture.contributors = vec![Fixture::person("carl", &["authority"]), Fixture::person("rita", &[])];
    let answer = ask(AUTHORITY, &fixture);
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita", "carl"])]);
    assert_eq!(codes(&answer), ["approval-by-outsider"]);

    let lenient = r#"{ "required": [{ "role": "authority" }], "exclude-contributors": false }"#;
    assert!(allowed(&ask(lenient, &fixture)));
}

#[test]
fn an_approval_of_something_else_is_void() {
    let mut fixture = Fixture::new().approved_by("ann", "authority");
    fixture.subject = format!("sha256:{}", "6".repeat(64));
    let answer = ask(AUTHORITY, &fixture);
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita"])]);
    assert_eq!(codes(&answer), ["approval-of-something-else"]);
}

#[test]
fn an_approval_counts_until_the_moment_it_expires() {
    let mut fixture = Fixture::new().approved_by("ann", "authority");
    fixture.approvals[0].expires = Some(fixture.now.as_millis() + 1);
    assert!(allowed(&ask(AUTHORITY, &fixture)));
    fixture.approvals[0].expires = Some(fixture.now.as_millis());
    let answer = ask(AUTHORITY, &fixture);
    assert_eq!(codes(&answer), ["approval-expired"]);
    assert_eq!(answer.reasons[0].message, "the approval of `ann` does not count: it expired at 2026-11-24T12:00:00Z");
}

#[test]
fn an_approval_may_be_as_old_as_the_settings_say() {
    // The fixture's approvals are an hour old.
    let fixture = Fixture::new().approved_by("ann", "authority");
    let settings = |age: &str| format!(r#"{{ "required": [{{ "role": "authority" }}], "max-age": "{age}" }}"#);
    assert!(allowed(&ask(&settings("1h"), &fixture)));
    let answer = ask(&settings("59m"), &fixture);
    assert_eq!(codes(&answer), ["approval-too-old"]);
    assert_eq!(
        answer.reasons[0].message,
        "the approval of `ann` does not count: it was given at 2026-11-24T11:00:00Z, more than 59m ago"
    );
}

#[test]
fn an_approval_from_the_future_is_void() {
    let mut fixture = Fixture::new().approved_by("ann", "authority");
    fixture.approvals[0].at = fixture.now.as_millis() + 1;
    assert_eq!(codes(&ask(AUTHORITY, &fixture)), ["approval-from-the-future"]);
}

#[test]
fn an_approval_in_a_role_that_the_person_does_not_hold_is_void() {
    let person = Fixture::person("ann", &["developer"]);
    let fixture = Fixture::new().answered(person, "authority", ApprovalAnswer::Approved);
    let answer = ask(AUTHORITY, &fixture);
    assert_eq!(codes(&answer), ["approval-role-not-held"]);
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita"])]);
}

#[test]
fn an_approval_in_a_role_that_nobody_asked_for_is_told() {
    let answer = ask(AUTHORITY, &Fixture::new().approved_by("ann", "marketing"));
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita"])]);
    assert_eq!(codes(&answer), ["approval-role-not-asked"]);
}

#[test]
fn nobody_is_said_to_have_approved_whose_approval_does_not_count() {
    let answer = ask(AUTHORITY, &Fixture::new().approved_by("ann", "authority").approved_by("cy", "sales"));
    let messages: Vec<&str> = answer.reasons.iter().map(|reason| reason.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "approved by `ann` (authority)",
            "the approval of `cy` does not count: it was given as `sales`, and this gate asks for `authority`"
        ]
    );
}

#[test]
fn somebody_who_approved_twice_is_told_that_one_approval_does_not_count_and_not_that_none_does() {
    let mut fixture = Fixture::new().approved_by("ann", "authority").approved_by("ann", "authority");
    fixture.approvals[0].subject = "sha256:0".to_owned();
    let answer = ask(AUTHORITY, &fixture);
    assert!(allowed(&answer));
    assert_eq!(codes(&answer), ["enough-approvals", "approval-of-something-else"]);
    assert_eq!(answer.reasons[0].message, "approved by `ann` (authority)");
    assert!(
        answer.reasons[1].message.starts_with(
            "`ann` approved more than once, and one of these approvals does not count: it was given to something else"
        ),
        "{}",
        answer.reasons[1].message
    );
    assert_eq!(answer.reasons[1].pointers.first().map(String::as_str), Some("/approvals/0"));
    fixture.approvals[1].expires = Some(0);
    let messages: Vec<String> = ask(AUTHORITY, &fixture).reasons.into_iter().map(|reason| reason.message).collect();
    assert!(messages.iter().all(|message| message.starts_with("the approval of `ann` does not count")), "{messages:?}");
}

#[test]
fn a_rejection_denies_whoever_else_approved() {
    let mut fixture = Fixture::new().approved_by("ann", "authority").answered(
        Fixture::person("bob", &["operations"]),
        "operations",
        ApprovalAnswer::Rejected,
    );
    fixture.approvals[1].comment = Some("not before the sale".to_owned());
    let answer = ask(AUTHORITY, &fixture);
    let finding = &denied(&answer)[0];
    assert_eq!(finding.code, "rejected");
    assert_eq!(finding.message, "`bob` rejected the deployment as `operations`: “not before the sale”");
    assert_eq!(finding.about.as_deref(), Some("bob"));
    assert_eq!(finding.pointers.first().map(String::as_str), Some("/approvals/1"));
    assert_eq!(finding.remedies[0].code, "approval-after-rejection");
}

#[test]
fn a_rejection_does_not_hide_that_approvals_are_missing() {
    let settings = r#"{ "required": [{ "role": "authority" }], "people": 2 }"#;
    let reject = |fixture: Fixture| {
        fixture.answered(Fixture::person("bob", &["operations"]), "operations", ApprovalAnswer::Rejected)
    };
    let codes = |fixture: &Fixture| {
        denied(&ask(settings, fixture)).iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&reject(Fixture::new())), ["rejected", "approvals-missing", "people-missing"]);
    let approved = Fixture::new().approved_by("ann", "authority");
    assert_eq!(codes(&reject(approved)), ["rejected", "people-missing"]);
    let approved = Fixture::new().approved_by("ann", "authority").approved_by("cy", "sales");
    assert_eq!(codes(&reject(approved)), ["rejected"]);
    let answer = ask(settings, &reject(Fixture::new()));
    let remedies: Vec<&str> =
        denied(&answer).iter().flat_map(|finding| &finding.remedies).map(|remedy| remedy.code.as_str()).collect();
    assert_eq!(remedies, ["approval-after-rejection", "approvals-missing", "people-missing"]);
}

#[test]
fn whoever_rejected_can_come_round() {
    let bob = || Fixture::person("bob", &["authority"]);
    let mut fixture = Fixture::new().answered(bob(), "authority", ApprovalAnswer::Approved).answered(
        bob(),
        "authority",
        ApprovalAnswer::Rejected,
    );
    fixture.approvals[1].at -= 1;
    assert!(allowed(&ask(AUTHORITY, &fixture)));
    // In the same millisecond the rejection wins, and an approval before it is taken back.
    for later in [0, 1] {
        fixture.approvals[1].at = fixture.approvals[0].at + later;
        let answer = ask(AUTHORITY, &fixture);
        assert_eq!(denied(&answer)[0].code, "rejected");
        assert_eq!(codes(&answer), ["approval-taken-back"]);
    }
}

#[test]
fn a_rejection_of_something_else_or_one_that_expired_does_not_deny() {
    let reject = |fixture: Fixture| {
        fixture.answered(Fixture::person("bob", &["authority"]), "authority", ApprovalAnswer::Rejected)
    };
    let mut fixture = reject(Fixture::new().approved_by("ann", "authority"));
    fixture.approvals[1].subject = "sha256:0".to_owned();
    let answer = ask(AUTHORITY, &fixture);
    assert!(allowed(&answer));
    assert_eq!(codes(&answer), ["enough-approvals", "approval-of-something-else"]);
    assert!(answer.reasons[1].message.starts_with("the rejection of `bob` does not count"));

    let mut fixture = reject(Fixture::new().approved_by("ann", "authority"));
    fixture.approvals[1].expires = Some(fixture.now.as_millis());
    assert!(allowed(&ask(AUTHORITY, &fixture)));
}

#[test]
fn even_the_requester_can_reject() {
    let rita = Fixture::person("rita", &["developer"]);
    let fixture = Fixture::new().approved_by("ann", "authority").answered(rita, "developer", ApprovalAnswer::Rejected);
    assert_eq!(denied(&ask(AUTHORITY, &fixture)).len(), 1);
}

#[test]
fn ids_are_compared_as_the_host_hands_them_over() {
    let two = r#"{ "people": 2 }"#;
    let twice = Fixture::new().approved_by("ann", "authority").approved_by("ann", "sales");
    assert_eq!(needs(&ask(two, &twice)), [("any", 1, vec!["rita", "ann"])]);
    // The host never shows both, because their normal form is one.
    let spelt = Fixture::new().approved_by("ann", "authority").approved_by("Ann", "sales");
    assert!(allowed(&ask(two, &spelt)));
}

#[test]
fn a_number_of_people_in_any_role_can_be_asked_for() {
    let settings = r#"{ "required": [{ "role": "authority" }], "people": 3 }"#;
    let answer = ask(settings, &Fixture::new().approved_by("ann", "marketing"));
    // Whoever approves as authority is the second person, so one more of any role makes three.
    assert_eq!(needs(&answer), [("authority", 1, vec!["rita"]), ("any", 1, vec!["rita", "ann"])]);
    assert_eq!(codes(&answer), [""; 0]);
    let fixture =
        Fixture::new().approved_by("ann", "marketing").approved_by("bob", "authority").approved_by("carl", "sales");
    assert!(allowed(&ask(settings, &fixture)));
}

#[test]
fn a_higher_risk_asks_for_more() {
    let settings = r#"{
        "required": [{ "role": "authority" }],
        "by-risk": {
            "medium": { "required": [{ "role": "authority" }] },
            "critical": { "required": [{ "role": "authority" }, { "role": "security" }], "people": 4 }
        }
    }"#;
    let mut fixture = Fixture::new();
    let mut at = |risk| {
        fixture.change.risk = risk;
        needs(&ask(settings, &fixture)).into_iter().map(|(role, count, _)| (role.to_owned(), count)).collect::<Vec<_>>()
    };
    assert_eq!(at(Level::Low), [("authority".to_owned(), 1)]);
    assert_eq!(at(Level::Medium), [("authority".to_owned(), 2)]);
    assert_eq!(at(Level::High), [("authority".to_owned(), 2)]);
    let critical = [("authority".to_owned(), 2), ("security".to_owned(), 1), ("any".to_owned(), 1)];
    assert_eq!(at(Level::Critical), critical);
}

#[test]
fn a_higher_risk_that_asks_for_less_is_refused() {
    let settings = r#"{
        "required": [{ "role": "authority" }],
        "by-risk": {
            "low": { "required": [{ "role": "authority", "count": 2 }], "people": 1 },
            "high": { "required": [{ "role": "authority" }, { "role": "security" }] }
        }
    }"#;
    assert_eq!(
        findings(settings),
        [
            (
                "/by-risk/high/required".to_owned(),
                "a high risk asks for 1 more of `authority`, a low risk for 2: \
                 a higher risk never needs fewer approvals"
                    .to_owned()
            ),
            (
                "/by-risk/high/people".to_owned(),
                "a high risk asks for 0 more people, a low risk for 1: a higher risk never needs fewer approvals"
                    .to_owned()
            ),
        ]
    );
}

#[test]
fn settings_that_ask_for_nobody_are_refused() {
    assert_eq!(findings("{}")[0].0, "");
    assert!(findings("{}")[0].1.starts_with("nobody has to approve"));
}

#[test]
fn a_role_that_stands_twice_is_refused() {
    let found = findings(r#"{ "required": [{ "role": "a" }, { "role": "b" }, { "role": "a", "count": 2 }] }"#);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "/required/2/role");
}

#[test]
fn a_role_that_says_nothing_is_refused() {
    for role in [" ", "\\u200b", "authority ", "auth\\u200bority", "a\\nb"] {
        let required = findings(&format!(r#"{{ "required": [{{ "role": "{role}" }}] }}"#));
        assert_eq!(required[0].0, "/required/0/role", "{role}");
        let extra =
            format!(r#"{{ "people": 1, "by-risk": {{ "high": {{ "required": [{{ "role": "{role}" }}] }} }} }}"#);
        assert_eq!(findings(&extra)[0].0, "/by-risk/high/required/0/role", "{role}");
    }
}

#[test]
fn numbers_and_ages_that_make_no_sense_are_refused_with_their_range() {
    for age in ["0d", "59s", "3651d", "5000w"] {
        let found = findings(&format!(r#"{{ "people": 1, "max-age": "{age}" }}"#));
        let is = if age.ends_with('d') && age != "0d" || age.ends_with('w') { "long" } else { "short" };
        let message = format!("`{age}` is too {is}: use a duration from `1m` to `3650d`");
        assert_eq!(found, [("/max-age".to_owned(), message)]);
    }
    assert_eq!(findings(r#"{ "people": 101 }"#)[0].0, "/people");
}

#[test]
fn mistakes_of_shape_are_all_reported() {
    let found = findings(r#"{ "required": [{ "role": "", "count": 0 }], "max-age": "soon", "poeple": 2 }"#);
    let places: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(places, ["/max-age", "/poeple", "/required/0/count", "/required/0/role"]);
}
