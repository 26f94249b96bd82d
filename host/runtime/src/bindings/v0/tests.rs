//! What the contract rules out, one case each; what it allows arrives as it was said.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use lockgate_domain as domain;

use super::generated::lockgate::types::rollouts as seen;
use super::{AnswerIntake, ContractBreach, check, plugin, policy, strategy, types as wit};
use crate::capability::ReadGrants;

fn reason(code: &str, message: &str, pointer: &str) -> wit::Reason {
    wit::Reason {
        code: code.to_owned(),
        message: message.to_owned(),
        pointers: vec![pointer.to_owned()],
        references: Vec::new(),
        details: None,
    }
}

fn requirement(need: wit::Need) -> wit::Requirement {
    wit::Requirement { code: "needed".to_owned(), message: "do it".to_owned(), way: 0, owner: None, need }
}

fn finding(code: &str, remedies: Vec<wit::Requirement>) -> wit::Finding {
    wit::Finding {
        severity: wit::Severity::High,
        code: code.to_owned(),
        message: "wrong".to_owned(),
        about: None,
        pointers: Vec::new(),
        remedies,
        references: Vec::new(),
        details: None,
    }
}

fn obligation() -> wit::Obligation {
    wit::Obligation {
        code: "tell".to_owned(),
        kind: "report".to_owned(),
        message: "tell them".to_owned(),
        owner: None,
        not_before: None,
        due: None,
        proof: None,
        details: Some(wit::Document { schema: "s".to_owned(), json: "{\"a\":1}".to_owned() }),
    }
}

/// An answer with nothing but its verdict.
fn bare(verdict: policy::Verdict) -> policy::Answer {
    policy::Answer {
        verdict,
        findings: Vec::new(),
        requirements: Vec::new(),
        reasons: Vec::new(),
        obligations: Vec::new(),
    }
}

fn taken(answer: policy::Answer) -> Result<domain::Answer, ContractBreach> {
    super::answer(&mut AnswerIntake::default(), answer)
}

fn denial(findings: Vec<wit::Finding>) -> policy::Answer {
    policy::Answer { findings, ..bare(policy::Verdict::Deny) }
}

fn requiring(requirements: Vec<wit::Requirement>) -> policy::Answer {
    policy::Answer { requirements, ..bare(policy::Verdict::Require) }
}

/// What is wrong with an answer that needs this.
fn needing(need: wit::Need) -> String {
    taken(requiring(vec![requirement(need)])).unwrap_err().0
}

#[test]
fn an_answer_arrives_as_it_was_said_and_its_text_is_counted() {
    let mut intake = AnswerIntake::default();
    let answer = policy::Answer {
        reasons: vec![reason("why", "because", "/change/risk")],
        obligations: vec![obligation()],
        ..denial(vec![finding("too-old", Vec::new())])
    };
    let answer = super::answer(&mut intake, answer).unwrap();
    assert_eq!(answer.verdict, domain::PolicyVerdict::Deny);
    assert_eq!((&*answer.findings[0].code, &*answer.findings[0].message), ("too-old", "wrong"));
    assert_eq!(answer.reasons[0].pointers, ["/change/risk"]);
    assert_eq!(answer.obligations[0].details.as_ref().unwrap().json, serde_json::json!({ "a": 1 }));
    // too-old wrong + why because /change/risk + tell report "tell them" s {"a":1}
    assert_eq!(intake.size(), 7 + 5 + 3 + 7 + 12 + 4 + 6 + 9 + 1 + 7);
}

#[test]
fn approvals_are_asked_for_the_subject_of_the_snapshot_alone() {
    let subject = domain::Digest::of(b"what is deployed");
    let asking = |named: String| {
        let need = wit::Need::Approvals(wit::ApprovalsNeeded {
            roles: Vec::new(),
            competence: None,
            missing: 1,
            excluded: Vec::new(),
            subject: named,
        });
        let answer = requiring(vec![requirement(need)]);
        super::answer(&mut AnswerIntake::about(subject), answer).map(drop).map_err(|breach| breach.0)
    };
    assert_eq!(asking(subject.text()), Ok(()));
    for other in ["sha256:zz".to_owned(), domain::Digest::of(b"something else").text()] {
        let said = asking(other.clone()).unwrap_err();
        let start = format!("`requirements[0].need.approvals.subject` is `{}", &other[..9]);
        let end = format!("`, and the subject of the snapshot is `{}`", subject.text());
        assert!(said.starts_with(&start) && said.ends_with(&end), "{said}");
    }
}

#[test]
fn denials_and_requirements_name_something() {
    assert_eq!(taken(denial(Vec::new())).unwrap_err().0, "`findings` is empty: a denial needs at least one finding");
    assert_eq!(taken(requiring(Vec::new())).unwrap_err().0, "`requirements` is empty: require something, or allow");
}

#[test]
fn an_answer_that_stops_nothing_requires_nothing() {
    let time = || wit::Need::Time(wit::TimeNeeded { not_before: Some(1), not_after: None });
    for (verdict, name) in [(policy::Verdict::Allow, "allow"), (policy::Verdict::Abstain, "abstain")] {
        let answer = policy::Answer { requirements: vec![requirement(time())], ..bare(verdict) };
        let why = format!("`requirements` is not empty, and the verdict is `{name}`: answer `require`");
        assert_eq!(taken(answer).unwrap_err().0, why);
    }
    let remark = |verdict| taken(policy::Answer { findings: vec![finding("a", Vec::new())], ..bare(verdict) });
    assert!(remark(policy::Verdict::Allow).is_ok());
    let abstains = "`findings` is not empty: a policy that abstains has found nothing";
    assert_eq!(remark(policy::Verdict::Abstain).unwrap_err().0, abstains);
}

#[test]
fn codes_are_lower_case_words_joined_by_hyphens() {
    for code in ["", "Too-old", "too_old", "too--old", "-old", "old-", "zu-spät"] {
        let broken = taken(denial(vec![finding(code, Vec::new())])).unwrap_err();
        assert_eq!(broken.0, format!("`findings[0].code` is `{code}`: a code is lower-case words joined by hyphens"));
    }
    assert!(taken(denial(vec![finding("cve-2026-1", Vec::new())])).is_ok());
}

fn evidence(name: &str, max_age: Option<i64>) -> wit::Need {
    wit::Need::Evidence(wit::EvidenceNeeded {
        name: name.to_owned(),
        media_type: None,
        attesters: Vec::new(),
        max_age,
        verified: false,
    })
}

#[test]
fn a_remedy_is_judged_where_it_stands() {
    let remedy = requirement(evidence(" ", None));
    let broken = taken(denial(vec![finding("a", Vec::new()), finding("b", vec![remedy])]));
    assert_eq!(broken.unwrap_err().0, "`findings[1].remedies[0].need.evidence.name` is empty: write one");
}

#[test]
fn what_is_needed_is_something_that_is_missing() {
    let approvals = |missing, role: &str| {
        wit::Need::Approvals(wit::ApprovalsNeeded {
            roles: vec![role.to_owned()],
            competence: None,
            missing,
            excluded: Vec::new(),
            subject: "sha256:00".to_owned(),
        })
    };
    assert_eq!(
        needing(approvals(0, "change-authority")),
        "`requirements[0].need.approvals.missing` is 0: at least one approval has to be missing"
    );
    assert_eq!(needing(approvals(1, "")), "`requirements[0].need.approvals.roles[0]` is empty: write one");
    let time = |not_before, not_after| wit::Need::Time(wit::TimeNeeded { not_before, not_after });
    assert_eq!(
        needing(time(None, None)),
        "`requirements[0].need.time` has neither `not-before` nor `not-after`: set at least one"
    );
    assert_eq!(needing(time(Some(2), Some(2))), "`requirements[0].need.time` ends before it begins");
    let correction = |pointer: &str, accepted: &str| {
        wit::Need::Correction(wit::CorrectionNeeded {
            pointer: pointer.to_owned(),
            expected: "b".to_owned(),
            accepted: vec![accepted.to_owned()],
            found: None,
        })
    };
    assert_eq!(
        needing(correction("a", "1")),
        "`requirements[0].need.correction.pointer` is `a`, which is not a JSON Pointer (RFC 6901)"
    );
    let accepted = needing(correction("/a", "one"));
    assert!(accepted.starts_with("`requirements[0].need.correction.accepted[0]` is not JSON: "), "{accepted}");
    assert_eq!(
        needing(evidence("pentest", Some(-1))),
        "`requirements[0].need.evidence.max-age` is -1 ms: a length of time is not negative"
    );
    let nowhere = wit::DeploymentNeeded {
        environment: None,
        release: None,
        digest: None,
        deployment: None,
        outcome: wit::DeploymentResult::Operational,
    };
    assert_eq!(
        needing(wit::Need::Deployment(nowhere)),
        "`requirements[0].need.deployment` names no deployment: set `environment`, `release`, `digest` or `deployment`"
    );
}

#[test]
fn every_need_arrives_as_it_was_said() {
    let needs = [
        evidence("pentest", Some(86_400_000)),
        wit::Need::Fact(wit::FactNeeded {
            pointer: "/registers/incidents".to_owned(),
            kind: Some("incidents".to_owned()),
            id: Some("INC-1".to_owned()),
            max_age: Some(1_000),
        }),
        wit::Need::Activity(wit::ActivityNeeded {
            activity: "raise-defects".to_owned(),
            role: Some("tester".to_owned()),
            due: Some(0),
        }),
        wit::Need::Deployment(wit::DeploymentNeeded {
            environment: Some("staging".to_owned()),
            release: None,
            digest: None,
            deployment: None,
            outcome: wit::DeploymentResult::RolledBack,
        }),
        wit::Need::Exemption(wit::ExemptionNeeded { roles: vec!["risk-owner".to_owned()], codes: vec![] }),
    ];
    let requirements = needs.into_iter().enumerate().map(|(way, need)| wit::Requirement {
        way: u32::try_from(way).unwrap(),
        owner: Some("risk-owner".to_owned()),
        ..requirement(need)
    });
    let answer = serde_json::to_value(taken(requiring(requirements.collect())).unwrap()).unwrap();
    let needs: Vec<_> =
        answer["requirements"].as_array().unwrap().iter().map(|needed| needed["need"].clone()).collect();
    assert_eq!(
        needs,
        [
            serde_json::json!({"evidence": {"name": "pentest", "max_age": "86400s"}}),
            serde_json::json!({"fact": {
                "pointer": "/registers/incidents", "kind": "incidents", "id": "INC-1", "max_age": "1s",
            }}),
            serde_json::json!({"activity": {
                "activity": "raise-defects", "role": "tester", "due": "1970-01-01T00:00:00Z",
            }}),
            serde_json::json!({"deployment": {"environment": "staging", "outcome": "rolled-back"}}),
            serde_json::json!({"exemption": {"roles": ["risk-owner"]}}),
        ]
    );
    assert_eq!(
        (&answer["requirements"][0]["way"], &answer["requirements"][1]["way"]),
        (&serde_json::Value::Null, &1.into())
    );
    assert_eq!(answer["requirements"][0]["owner"], "risk-owner");
}

#[test]
fn documents_are_json_under_a_schema() {
    let other = |schema: &str, json: &str| {
        needing(wit::Need::Other(wit::Document { schema: schema.to_owned(), json: json.to_owned() }))
    };
    assert_eq!(other("", "{}"), "`requirements[0].need.other.schema` is empty: write one");
    assert!(other("s", "{").starts_with("`requirements[0].need.other.json` is not JSON: "));
    let deep = "[".repeat(100_000);
    assert!(other("s", &deep).contains("is not JSON"));
}

#[test]
fn pointers_follow_rfc_6901() {
    let with = |pointer: &str| {
        taken(policy::Answer { reasons: vec![reason("a", "b", pointer)], ..bare(policy::Verdict::Allow) }).is_ok()
    };
    assert!(["", "/", "/a/0", "/a~0b~1c"].into_iter().all(with));
    assert!(!["a", "/a~", "/a~2"].into_iter().any(with));
}

/// A report with nothing but its outcome.
fn bare_report(outcome: check::Outcome) -> check::Report {
    check::Report {
        outcome,
        summary: "looked".to_owned(),
        findings: Vec::new(),
        requirements: Vec::new(),
        measurements: Vec::new(),
        exhibits: Vec::new(),
        advice: None,
        again: None,
    }
}

fn reported(report: check::Report) -> Result<domain::Report, ContractBreach> {
    super::report(&mut AnswerIntake::default(), report)
}

fn report(outcome: check::Outcome, findings: usize, exhibits: &[&str]) -> Result<domain::Report, ContractBreach> {
    let exhibit = |name: &&str| wit::Exhibit {
        name: (*name).to_owned(),
        title: "An exhibit".to_owned(),
        content: wit::Document { schema: "s".to_owned(), json: "1".to_owned() },
    };
    reported(check::Report {
        findings: (0..findings).map(|_| finding("bad", Vec::new())).collect(),
        exhibits: exhibits.iter().map(exhibit).collect(),
        ..bare_report(outcome)
    })
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
fn a_check_that_waits_says_for_what() {
    let waits =
        |requirements, again| reported(check::Report { requirements, again, ..bare_report(check::Outcome::Pending) });
    assert_eq!(
        waits(Vec::new(), None).unwrap_err().0,
        "`requirements` is empty: the outcome `pending` needs a requirement, or a time in `again`"
    );
    assert!(waits(Vec::new(), Some(0)).is_ok());
    assert!(waits(vec![requirement(evidence("samples", None))], None).is_ok());
    let done = check::Report {
        requirements: vec![requirement(evidence("samples", None))],
        ..bare_report(check::Outcome::Passed)
    };
    let why = "`requirements` is not empty: the outcome `passed` needs nothing";
    assert_eq!(reported(done).unwrap_err().0, why);
}

#[test]
fn measurements_are_finite_and_have_names_of_their_own() {
    let measured = |value, at_most, names: &[&str]| {
        let measurement = |name: &&str| wit::Measurement {
            name: (*name).to_owned(),
            value,
            unit: "ms".to_owned(),
            at_least: None,
            at_most,
            samples: 3,
        };
        let measurements = names.iter().map(measurement).collect();
        reported(check::Report { measurements, ..bare_report(check::Outcome::Passed) }).map_err(|breach| breach.0)
    };
    let good = measured(1.5, Some(2.0), &["latency"]).unwrap().measurements;
    assert_eq!((good[0].value, good[0].at_most, good[0].samples), (1.5, Some(2.0), 3));
    assert_eq!(measured(f64::NAN, None, &["a"]).unwrap_err(), "`measurements[0].value` is NaN: numbers are finite");
    let infinite = measured(1.0, Some(f64::INFINITY), &["a"]).unwrap_err();
    assert_eq!(infinite, "`measurements[0].at-most` is inf: numbers are finite");
    assert_eq!(measured(1.0, None, &["a", "a"]).unwrap_err(), "`measurements` has two entries named `a`");
}

#[test]
fn exhibits_have_names_of_their_own() {
    assert!(report(check::Outcome::Passed, 0, &["a", "b"]).is_ok());
    assert_eq!(
        report(check::Outcome::Passed, 0, &["a", "b", "a"]).unwrap_err().0,
        "`exhibits` has two entries named `a`"
    );
}

fn step(id: &str, action: seen::StepAction) -> seen::Step {
    let title = "a step".to_owned();
    seen::Step { id: id.to_owned(), title, action, planned: 60_000, at_most: None, repeatable: true }
}

fn bare_rollout(steps: &[(&str, seen::StepAction)], no_return: Option<&str>) -> seen::Rollout {
    seen::Rollout {
        steps: steps.iter().map(|(id, action)| step(id, action.clone())).collect(),
        back: Vec::new(),
        point_of_no_return: no_return.map(str::to_owned),
        way_back: wit::WayBack { kind: wit::WayBackKind::Removal, release: None, digest: None, rehearsed_by: None },
        summary: "all at once".to_owned(),
    }
}

fn laid_out(rollout: seen::Rollout) -> Result<domain::Rollout, ContractBreach> {
    super::rollout(&mut AnswerIntake::default(), rollout)
}

fn rollout(steps: &[(&str, seen::StepAction)], no_return: Option<&str>) -> Result<domain::Rollout, ContractBreach> {
    laid_out(bare_rollout(steps, no_return))
}

fn route(weight: u16) -> seen::StepAction {
    seen::StepAction::Route(seen::RouteAction { slot: "canary".to_owned(), weight, audience: None })
}

fn hold(length: i64) -> seen::StepAction {
    seen::StepAction::Hold(seen::HoldAction { length: Some(length), role: None })
}

#[test]
fn a_text_of_which_nobody_sees_anything_is_empty() {
    let summary =
        |summary: &str| reported(check::Report { summary: summary.to_owned(), ..bare_report(check::Outcome::Passed) });
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
        "`steps` has a second step with the id `a`"
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
        rollout(&[("a", route(10_001))], None).unwrap_err().0,
        "`steps[0].action.route.weight` is 10001: use 0 to 10000 hundredths of a percent"
    );
    let to = seen::Target { slot: Some("green".to_owned()), instances: Vec::new() };
    let deploy = seen::DeployAction { to, components: Vec::new(), capacity: u16::MAX };
    assert_eq!(
        rollout(&[("a", seen::StepAction::Deploy(deploy))], None).unwrap_err().0,
        "`steps[0].action.deploy.capacity` is 65535: use 0 to 10000 hundredths of a percent"
    );
}

#[test]
fn an_analysis_names_checks_and_each_once() {
    let analyze = |checks: &[&str]| {
        let checks = checks.iter().map(|check| (*check).to_owned()).collect();
        seen::StepAction::Analyze(seen::AnalyzeAction { checks, candidate: None, baseline: None })
    };
    assert_eq!(
        rollout(&[("a", analyze(&[]))], None).unwrap_err().0,
        "`steps[0].action.analyze.checks` is empty: an analysis needs at least one check"
    );
    assert_eq!(
        rollout(&[("a", analyze(&["one", "one"]))], None).unwrap_err().0,
        "`steps[0].action.analyze.checks` names `one` twice"
    );
}

#[test]
fn a_rollout_has_steps_that_fit_their_length() {
    assert_eq!(rollout(&[], None).unwrap_err().0, "`steps` is empty: a rollout needs at least one step");
    let mut short = bare_rollout(&[("a", route(0))], None);
    short.steps[0].at_most = Some(59_999);
    assert_eq!(laid_out(short).unwrap_err().0, "`steps[0].at-most` is shorter than `planned`");
}

#[test]
fn the_way_back_undoes_steps_of_the_way_forward() {
    let back = |ids: &[&str]| {
        let undoes = ids.iter().map(|id| (*id).to_owned()).collect();
        let back = vec![seen::BackStep { step: step("undo", route(0)), undoes }];
        seen::Rollout { back, ..bare_rollout(&[("a", route(0))], None) }
    };
    assert!(laid_out(back(&["a"])).is_ok());
    assert!(laid_out(back(&[])).is_ok());
    let unknown = laid_out(back(&["b"])).unwrap_err().0;
    assert_eq!(unknown, "`back[0].undoes` names `b`, which is not a step of the way forward");
    let itself = laid_out(back(&["undo"])).unwrap_err().0;
    assert_eq!(itself, "`back[0].undoes` names `undo`, which is not a step of the way forward");
    let mut same_id = back(&["a"]);
    same_id.back[0].step.id = "a".to_owned();
    assert_eq!(laid_out(same_id).unwrap_err().0, "`back` has a second step with the id `a`");
    let mut forward_only = back(&["a"]);
    forward_only.way_back.kind = wit::WayBackKind::ForwardOnly;
    assert_eq!(laid_out(forward_only).unwrap_err().0, "`back` is not empty, and the way back is `forward-only`");
    let mut nowhere = back(&["a"]);
    nowhere.way_back.kind = wit::WayBackKind::LastKnownGood;
    let why = "`way-back` contradicts itself: `last-known-good` needs the `release` that it returns to";
    assert_eq!(laid_out(nowhere).unwrap_err().0, why);
}

#[test]
fn what_is_done_next_is_a_step_of_the_rollout_in_its_direction() {
    let mut plan = bare_rollout(&[("a", route(0)), ("b", route(1))], None);
    plan.back = vec![seen::BackStep { step: step("undo-b", route(0)), undoes: vec!["b".to_owned()] }];
    let mut progress = domain::Progress::new(laid_out(plan).unwrap());
    let next = |progress: &domain::Progress, ids: &[&str]| {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        super::action(&mut AnswerIntake::default(), strategy::Action::Perform(ids), progress).map_err(|breach| breach.0)
    };
    let both = domain::Action::Perform(vec!["a".to_owned(), "b".to_owned()]);
    assert_eq!(next(&progress, &["a", "b"]).unwrap(), both);
    assert_eq!(next(&progress, &["c"]).unwrap_err(), "`perform[0]` is `c`, which is not a step of the rollout");
    assert_eq!(
        next(&progress, &["undo-b"]).unwrap_err(),
        "`perform[0]` is `undo-b`, which is not a step of the rollout"
    );
    assert_eq!(next(&progress, &[]).unwrap_err(), "`perform` is empty: name at least one step, or wait");
    assert_eq!(next(&progress, &["a", "a"]).unwrap_err(), "`perform` names the step `a` twice");

    progress.turn_back(lockgate_domain::Timestamp::from_millis(0));
    let not_due = "`perform[0]` is `undo-b`, which is not a step of the way back that is due";
    assert_eq!(next(&progress, &["undo-b"]).unwrap_err(), not_due);
    progress.begin("b", domain::Timestamp::from_millis(0));
    assert!(next(&progress, &["undo-b"]).is_ok());
    assert!(next(&progress, &["a"]).is_err());
}

#[test]
fn a_rollout_survives_the_way_there_and_back() {
    let mut plan = bare_rollout(&[("a", route(10)), ("b", hold(60_000))], Some("b"));
    let target = || seen::Target { slot: Some("blue".to_owned()), instances: vec!["i-1".to_owned()] };
    let document = wit::Document { schema: "s".to_owned(), json: "1".to_owned() };
    let work = seen::WorkAction {
        instructions: "carry it in".to_owned(),
        role: Some("mover".to_owned()),
        supplier: Some("acme".to_owned()),
        evidence: vec!["delivery".to_owned()],
    };
    let input = wit::Attribute { name: "rack".to_owned(), value: "7".to_owned() };
    let analyze = seen::AnalyzeAction {
        checks: vec!["latency".to_owned()],
        candidate: Some("canary".to_owned()),
        baseline: Some("stable".to_owned()),
    };
    let actions = [
        seen::StepAction::Deploy(seen::DeployAction { to: target(), components: vec!["api".to_owned()], capacity: 1 }),
        seen::StepAction::Analyze(analyze),
        seen::StepAction::Disable(target()),
        seen::StepAction::Remove(target()),
        seen::StepAction::Work(work),
        seen::StepAction::Activity(seen::CallAction { name: "tell".to_owned(), inputs: vec![input] }),
        seen::StepAction::Custom(document),
    ];
    let more = actions.into_iter().enumerate().map(|(place, action)| step(&format!("more-{place}"), action));
    plan.steps.extend(more);
    plan.back = vec![seen::BackStep { step: step("undo", route(0)), undoes: vec!["a".to_owned()] }];
    let once = laid_out(plan).unwrap();
    assert_eq!(laid_out((&once).into()).unwrap(), once);
    let stored: domain::Rollout = serde_json::from_value(serde_json::to_value(&once).unwrap()).unwrap();
    assert_eq!(stored, once);
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
        kind: "finding".to_owned(),
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
    assert!(rollout(&[("a", hold(0))], None).is_ok());
    let broken = rollout(&[("a", hold(-1))], None).unwrap_err();
    assert!(broken.0.ends_with("is -1 ms: a length of time is not negative"), "{}", broken.0);
}

#[test]
fn long_text_of_a_guest_is_cut_in_messages() {
    let broken = taken(denial(vec![finding(&"É".repeat(500), Vec::new())])).unwrap_err();
    assert_eq!(broken.0.chars().filter(|letter| *letter == 'É').count(), 60);
}

#[test]
fn sections_say_when_a_part_of_them_is_withheld() {
    let snapshot = lockgate_tests::everything();
    let granted = |evidence: &[&str], facts: &[&str]| {
        let sections = super::sections::list(&snapshot, None, &ReadGrants::of(evidence, facts)).unwrap();
        let granted = |pointer: &str| sections.iter().find(|section| section.pointer == pointer).unwrap().granted;
        ["/facts", "/evidence", "/registers/incidents", "/change"].map(granted)
    };
    assert_eq!(granted(&[], &[]), [false, false, false, true]);
    assert_eq!(granted(&["sbom"], &["fact:cost", "incidents"]), [false, false, true, true]);
    assert_eq!(granted(&["*"], &["*", "fact:*"]), [true; 4]);
}

#[test]
fn the_methods_that_a_component_may_import_are_those_of_the_contract() {
    let methods = lockgate_tests::methods();
    assert_eq!(super::METHODS, methods.iter().map(|method| method.name.as_str()).collect::<Vec<_>>());
}
