//! What the contract rules out, one case each; what it allows arrives as it was said.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use lockgate_domain as domain;

use super::{AnswerIntake, ContractBreach, check, plugin, policy, strategy, types as wit};

fn reason(code: &str, message: &str, pointer: Option<&str>) -> wit::Reason {
    wit::Reason { code: code.to_owned(), message: message.to_owned(), pointer: pointer.map(str::to_owned) }
}

fn requirement(need: wit::Need) -> wit::Requirement {
    wit::Requirement { code: "needed".to_owned(), message: "do it".to_owned(), need }
}

fn violation(code: &str, remedies: Vec<wit::Requirement>) -> wit::Violation {
    wit::Violation { code: code.to_owned(), message: "wrong".to_owned(), subject: None, pointer: None, remedies }
}

fn ruling(ruling: policy::Ruling) -> Result<domain::Answer, ContractBreach> {
    let answer = policy::Answer { ruling, reasons: Vec::new(), obligations: Vec::new() };
    super::answer(&mut AnswerIntake::default(), answer)
}

fn needing(need: wit::Need) -> String {
    ruling(policy::Ruling::Require(vec![requirement(need)])).unwrap_err().0
}

#[test]
fn an_answer_arrives_as_it_was_said_and_its_text_is_counted() {
    let mut intake = AnswerIntake::default();
    let answer = policy::Answer {
        ruling: policy::Ruling::Deny(vec![violation("too-old", Vec::new())]),
        reasons: vec![reason("why", "because", Some("/change/risk"))],
        obligations: vec![wit::Obligation {
            code: "tell".to_owned(),
            message: "tell them".to_owned(),
            details: Some(wit::Document { schema: "s".to_owned(), json: "{\"a\":1}".to_owned() }),
        }],
    };
    let answer = super::answer(&mut intake, answer).unwrap();
    let domain::Ruling::Deny(violations) = &answer.ruling else { panic!("{answer:?}") };
    assert_eq!((&*violations[0].code, &*violations[0].message), ("too-old", "wrong"));
    assert_eq!(answer.reasons[0].pointer.as_deref(), Some("/change/risk"));
    assert_eq!(answer.obligations[0].details.as_ref().unwrap().json, serde_json::json!({ "a": 1 }));
    // too-old wrong + why because /change/risk + tell "tell them" s {"a":1}
    assert_eq!(intake.size(), 7 + 5 + 3 + 7 + 12 + 4 + 9 + 1 + 7);
}

#[test]
fn denials_and_requirements_name_something() {
    assert_eq!(
        ruling(policy::Ruling::Deny(Vec::new())).unwrap_err().0,
        "`ruling.deny` is empty: a denial needs at least one violation"
    );
    assert_eq!(
        ruling(policy::Ruling::Require(Vec::new())).unwrap_err().0,
        "`ruling.require` is empty: require something, or allow"
    );
}

#[test]
fn codes_are_lower_case_words_joined_by_hyphens() {
    for code in ["", "Too-old", "too_old", "too--old", "-old", "old-", "zu-spät"] {
        let broken = ruling(policy::Ruling::Deny(vec![violation(code, Vec::new())])).unwrap_err();
        assert_eq!(
            broken.0,
            format!("`ruling.deny[0].code` is `{code}`: a code is lower-case words joined by hyphens")
        );
    }
    assert!(ruling(policy::Ruling::Deny(vec![violation("cve-2026-1", Vec::new())])).is_ok());
}

#[test]
fn a_remedy_is_judged_where_it_stands() {
    let remedy = requirement(wit::Need::Evidence(wit::EvidenceNeeded { name: " ".to_owned(), media_type: None }));
    let broken = ruling(policy::Ruling::Deny(vec![violation("a", Vec::new()), violation("b", vec![remedy])]));
    assert_eq!(broken.unwrap_err().0, "`ruling.deny[1].remedies[0].need.evidence.name` is empty: write one");
}

#[test]
fn what_is_needed_is_something_that_is_missing() {
    let approvals = |missing, role: &str| {
        wit::Need::Approvals(wit::ApprovalsNeeded {
            role: Some(role.to_owned()),
            missing,
            excluded: Vec::new(),
            subject: "sha256:00".to_owned(),
        })
    };
    assert_eq!(
        needing(approvals(0, "change-authority")),
        "`ruling.require[0].need.approvals.missing` is 0: at least one approval has to be missing"
    );
    assert_eq!(needing(approvals(1, "")), "`ruling.require[0].need.approvals.role` is empty: write one");
    let time = |not_before, not_after| wit::Need::Time(wit::TimeNeeded { not_before, not_after });
    assert_eq!(
        needing(time(None, None)),
        "`ruling.require[0].need.time` has neither `not-before` nor `not-after`: set at least one"
    );
    assert_eq!(needing(time(Some(2), Some(2))), "`ruling.require[0].need.time` ends before it begins");
    let correction = wit::CorrectionNeeded { pointer: "a".to_owned(), expected: "b".to_owned(), found: None };
    assert_eq!(
        needing(wit::Need::Correction(correction)),
        "`ruling.require[0].need.correction.pointer` is `a`, which is not a JSON Pointer (RFC 6901)"
    );
}

#[test]
fn documents_are_json_under_a_schema() {
    let other = |schema: &str, json: &str| {
        needing(wit::Need::Other(wit::Document { schema: schema.to_owned(), json: json.to_owned() }))
    };
    assert_eq!(other("", "{}"), "`ruling.require[0].need.other.schema` is empty: write one");
    assert!(other("s", "{").starts_with("`ruling.require[0].need.other.json` is not JSON: "));
    let deep = "[".repeat(100_000);
    assert!(other("s", &deep).contains("is not JSON"));
}

#[test]
fn pointers_follow_rfc_6901() {
    let with = |pointer: &str| {
        let answer = policy::Answer {
            ruling: policy::Ruling::Allow,
            reasons: vec![reason("a", "b", Some(pointer))],
            obligations: Vec::new(),
        };
        super::answer(&mut AnswerIntake::default(), answer).is_ok()
    };
    assert!(["", "/", "/a/0", "/a~0b~1c"].into_iter().all(with));
    assert!(!["a", "/a~", "/a~2"].into_iter().any(with));
}

fn report(outcome: check::Outcome, findings: usize, exhibits: &[&str]) -> Result<domain::Report, ContractBreach> {
    let finding = || check::Finding { severity: wit::Severity::High, violation: violation("bad", Vec::new()) };
    let exhibit = |name: &&str| check::Exhibit {
        name: (*name).to_owned(),
        content: wit::Document { schema: "s".to_owned(), json: "1".to_owned() },
    };
    let report = check::Report {
        outcome,
        summary: "looked".to_owned(),
        findings: (0..findings).map(|_| finding()).collect(),
        exhibits: exhibits.iter().map(exhibit).collect(),
    };
    super::report(&mut AnswerIntake::default(), report)
}

#[test]
fn a_check_that_failed_or_could_not_tell_says_what_it_found() {
    assert_eq!(
        report(check::Outcome::Failed, 0, &[]).unwrap_err().0,
        "`findings` is empty: the outcome `failed` needs at least one finding"
    );
    assert!(report(check::Outcome::Inconclusive, 0, &[]).is_err());
    assert!(report(check::Outcome::Failed, 1, &[]).is_ok());
    assert!(report(check::Outcome::Passed, 0, &[]).is_ok());
    assert!(report(check::Outcome::Skipped, 0, &[]).is_ok());
}

#[test]
fn exhibits_have_names_of_their_own() {
    assert!(report(check::Outcome::Passed, 0, &["a", "b"]).is_ok());
    assert_eq!(
        report(check::Outcome::Passed, 0, &["a", "b", "a"]).unwrap_err().0,
        "`exhibits` has two entries named `a`"
    );
}

fn rollout(steps: &[(&str, strategy::StepAction)], no_return: Option<&str>) -> Result<domain::Rollout, ContractBreach> {
    let rollout = strategy::Rollout {
        steps: steps
            .iter()
            .map(|(id, action)| strategy::Step {
                id: (*id).to_owned(),
                title: "a step".to_owned(),
                action: action.clone(),
            })
            .collect(),
        point_of_no_return: no_return.map(str::to_owned),
        way_back: wit::WayBack::Removal,
        summary: "all at once".to_owned(),
    };
    super::rollout(&mut AnswerIntake::default(), rollout)
}

fn route(weight: u8) -> strategy::StepAction {
    strategy::StepAction::Route(strategy::RouteAction { slot: "canary".to_owned(), weight })
}

#[test]
fn a_text_of_which_nobody_sees_anything_is_empty() {
    let summary = |summary: &str| {
        let report = check::Report {
            outcome: check::Outcome::Passed,
            summary: summary.to_owned(),
            findings: Vec::new(),
            exhibits: Vec::new(),
        };
        super::report(&mut AnswerIntake::default(), report)
    };
    for blank in ["", " \n", "\0\0", "\u{200b}", "\u{2800} "] {
        assert_eq!(summary(blank).unwrap_err().0, "`summary` is empty: write one", "{blank:?}");
    }
    assert!(summary("\u{200b}looked").is_ok());
}

#[test]
fn steps_have_ids_of_their_own_and_the_point_of_no_return_is_one() {
    assert!(rollout(&[("a", route(0)), ("b", route(100))], Some("b")).is_ok());
    assert_eq!(
        rollout(&[("a", route(0)), ("a", route(1))], None).unwrap_err().0,
        "`steps` has two steps with the id `a`"
    );
    for id in [".", ".."] {
        let refused = rollout(&[("a", route(0)), (id, route(1))], None).unwrap_err().0;
        assert_eq!(refused, format!("`steps` has a step with the id `{id}`, which cannot be used in a URL"));
    }
    assert_eq!(
        rollout(&[("a", route(0))], Some("z")).unwrap_err().0,
        "`point-of-no-return` is `z`, which is not a step of the rollout"
    );
}

#[test]
fn a_share_is_at_most_all_of_it() {
    assert_eq!(
        rollout(&[("a", route(101))], None).unwrap_err().0,
        "`steps[0].action.weight` is 101: use 0 to 100 percent"
    );
    let deploy = strategy::DeployAction { slot: "green".to_owned(), capacity: 200 };
    assert_eq!(
        rollout(&[("a", strategy::StepAction::Deploy(deploy))], None).unwrap_err().0,
        "`steps[0].action.capacity` is 200: use 0 to 100 percent"
    );
}

#[test]
fn an_analysis_names_checks() {
    assert_eq!(
        rollout(&[("a", strategy::StepAction::Analyze(Vec::new()))], None).unwrap_err().0,
        "`steps[0].action.analyze` is empty: an analysis needs at least one check"
    );
}

#[test]
fn what_is_done_next_is_a_step_of_the_rollout() {
    let progress = domain::Progress::new(rollout(&[("a", route(0))], None).unwrap());
    let next =
        |id: &str| super::action(&mut AnswerIntake::default(), strategy::Action::Perform(id.to_owned()), &progress);
    assert_eq!(next("a").unwrap(), domain::Action::Perform("a".to_owned()));
    assert_eq!(next("b").unwrap_err().0, "`perform` is `b`, which is not a step of the rollout");
}

#[test]
fn progress_and_rollout_survive_the_way_there_and_back() {
    let hold = strategy::StepAction::Hold(Some(60_000));
    let laid_out = rollout(&[("a", route(10)), ("b", hold)], Some("b")).unwrap();
    let seen = super::progress(&domain::Progress::new(laid_out.clone()));
    assert_eq!(seen.steps.len(), 2);
    assert_eq!(super::rollout(&mut AnswerIntake::default(), seen.rollout).unwrap(), laid_out);
}

#[test]
fn a_description_is_held_to_its_words() {
    let described = |name: &str, version: &str, schema: &str| {
        let description = plugin::Description {
            name: name.to_owned(),
            version: version.to_owned(),
            title: String::new(),
            summary: "a plugin".to_owned(),
            documentation: String::new(),
            licence: String::new(),
            settings_schema: schema.to_owned(),
            capabilities: Vec::new(),
        };
        super::description(&mut AnswerIntake::default(), description).map_err(|broken| broken.0)
    };
    let good = described("four-eyes", "1.2.3-rc.1", "{}").unwrap();
    assert_eq!((good.name.as_str(), good.title.as_str()), ("four-eyes", ""));
    assert!(described("Four Eyes", "1.0.0", "{}").unwrap_err().starts_with("`name` is `Four Eyes`"));
    assert!(
        described("a", "1.0", "{}").unwrap_err().starts_with("`version` is `1.0`, which is not a semantic version")
    );
    assert!(described("a", "1.0.0", "[]").unwrap_err().starts_with("`settings-schema` is not a JSON Schema"));
    assert!(described("a", "1.0.0", "{").unwrap_err().starts_with("`settings-schema` is not JSON"));
}

#[test]
fn what_a_configured_plugin_says_is_held_to_its_words() {
    let code = |code: &str| plugin::CodeDescription {
        code: code.to_owned(),
        kind: "violation".to_owned(),
        severity: Some(wit::Severity::High),
        summary: "too few people approved".to_owned(),
        references: vec!["https://example.com/clause".to_owned()],
    };
    let ready = |codes| {
        let readiness = plugin::Readiness { capabilities: Vec::new(), codes, warnings: Vec::new() };
        super::readiness(&mut AnswerIntake::default(), readiness).map_err(|broken| broken.0)
    };
    let good = ready(vec![code("too-few")]).unwrap();
    assert_eq!((good.codes[0].code.as_str(), good.codes[0].severity), ("too-few", Some(domain::Severity::High)));
    assert!(ready(vec![code("Too few")]).unwrap_err().starts_with("`codes[0].code` is `Too few`"));
}

#[test]
fn a_hold_of_negative_length_is_refused() {
    let hold = |time| rollout(&[("a", strategy::StepAction::Hold(Some(time)))], None);
    assert!(hold(0).is_ok());
    let broken = hold(-1).unwrap_err();
    assert!(broken.0.ends_with("is -1 ms: a length of time is not negative"), "{}", broken.0);
}

#[test]
fn long_text_of_a_guest_is_cut_in_messages() {
    let broken = ruling(policy::Ruling::Deny(vec![violation(&"É".repeat(500), Vec::new())])).unwrap_err();
    assert_eq!(broken.0.chars().filter(|letter| *letter == 'É').count(), 60);
}
