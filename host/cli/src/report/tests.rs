//! What people read of answers that use everything that the contract knows.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{
    Advice, Answer, ApprovalsNeeded, BindingAnswer, BindingOutcome, CheckOutcome, CorrectionNeeded, Decision,
    DecisionReason, DecisionRequirement, Digest, Enforcement, EvidenceNeeded, Failure, FailureKind, Finding, Gate,
    GroupOutcome, Kind, Measurement, ModelRef, Need, Obligation, Phase, PluginRef, PolicyVerdict, Reason, ReasonSource,
    Report, Requirement, Severity, Stage, Standing, TimeNeeded, Timestamp, Verdict, combine,
};
use serde_json::json;

use super::{DecisionFormat, DecisionReport, InputDocuments};
use crate::diagnostic::SourceText;
use crate::input::JsonDocument;

const DEPLOYMENT: &str = "{\n  \"change\": {\n    \"title\": \"to live\",\n    \"risk\": \"medium\"\n  }\n}\n";

/// What `eval` prints, without colours, and with one space between words: terminals differ in width.
fn printed(decision: &Decision, format: DecisionFormat, details: bool) -> String {
    let source = SourceText { name: "deployment.json".to_owned(), text: DEPLOYMENT.to_owned() };
    let document = JsonDocument::parse(Arc::new(source), "deployment").unwrap();
    let documents = InputDocuments { deployment: &document, approved: None };
    let report = DecisionReport { decisions: std::slice::from_ref(decision), documents, single: true, details };
    let text = anstream::adapter::strip_str(&format.render(&report).unwrap()).to_string();
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(" ")
}

fn terminal(decision: &Decision) -> String {
    printed(decision, DecisionFormat::Table, false)
}

fn verbose(decision: &Decision) -> String {
    printed(decision, DecisionFormat::Table, true)
}

fn github(decision: &Decision) -> String {
    printed(decision, DecisionFormat::Github, false)
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A requirement whose code says all.
fn required(code: &str, way: u32) -> Requirement {
    let need = Need::Evidence(EvidenceNeeded {
        name: code.to_owned(),
        media_type: None,
        attesters: Vec::new(),
        max_age: None,
        verified: false,
    });
    Requirement { way, ..Requirement::new(code, format!("hand in {code}"), need) }
}

fn answer(verdict: PolicyVerdict) -> Answer {
    Answer { verdict, findings: vec![], requirements: vec![], reasons: vec![], obligations: vec![] }
}

fn requiring(requirements: Vec<Requirement>) -> BindingAnswer {
    BindingAnswer::Policy(Answer { requirements, ..answer(PolicyVerdict::Require) })
}

fn report(outcome: CheckOutcome, summary: &str) -> Report {
    Report {
        outcome,
        summary: summary.to_owned(),
        findings: vec![],
        requirements: vec![],
        measurements: vec![],
        exhibits: vec![],
        advice: None,
        again: None,
    }
}

fn binding(id: &str, answer: BindingAnswer) -> BindingOutcome {
    let (kind, standing) = match &answer {
        BindingAnswer::Check(report) => (Kind::ValidationCheck, combine::of_report(report)),
        BindingAnswer::Policy(answer) => (Kind::ApprovalPolicy, combine::of_answer(answer)),
        _ => (Kind::ApprovalPolicy, Standing::Error),
    };
    BindingOutcome {
        id: id.to_owned(),
        plugin: PluginRef { name: id.to_owned(), version: "1.0.0".to_owned(), digest: Digest::of(b"") },
        kind,
        enforcement: Enforcement::HardMandatory,
        group: None,
        standing,
        exemption: None,
        answer,
        receipt: None,
        log: Vec::new(),
        log_dropped: 0,
    }
}

/// The decision about mandatory bindings, with the reasons and requirements as the engine writes them.
fn decision(verdict: Verdict, bindings: Vec<BindingOutcome>) -> Decision {
    let (mut reasons, mut requirements, mut obligations) = (Vec::new(), Vec::new(), BTreeMap::new());
    for binding in &bindings {
        let source = ReasonSource::Binding(binding.id.clone());
        let blocks = !matches!(binding.standing, Standing::Allow | Standing::NotApplicable);
        let mut needs = |needed: &[Requirement]| {
            requirements.extend(needed.iter().map(|requirement| DecisionRequirement {
                source: source.clone(),
                blocking: blocks,
                requirement: requirement.clone(),
            }));
        };
        let sentence = |blocks, code: &str, message: &str| DecisionReason::new(source.clone(), blocks, code, message);
        let found = |finding: &Finding| DecisionReason {
            severity: Some(finding.severity),
            about: finding.about.clone(),
            pointers: finding.pointers.clone(),
            references: finding.references.clone(),
            ..sentence(blocks, &finding.code, &finding.message)
        };
        match &binding.answer {
            BindingAnswer::Policy(answer) => {
                reasons.extend(answer.findings.iter().map(found));
                answer.findings.iter().for_each(|finding| needs(&finding.remedies));
                needs(&answer.requirements);
                if answer.verdict == PolicyVerdict::Require {
                    let needed = answer.requirements.iter();
                    reasons.extend(needed.map(|needed| sentence(blocks, &needed.code, &needed.message)));
                }
                reasons.extend(answer.reasons.iter().map(|reason| sentence(false, &reason.code, &reason.message)));
                if !answer.obligations.is_empty() {
                    obligations.insert(binding.id.clone(), answer.obligations.clone());
                }
            }
            BindingAnswer::Check(report) => {
                let is_why = blocks && report.findings.is_empty();
                reasons.push(sentence(is_why, report.outcome.as_str(), &report.summary));
                reasons.extend(report.findings.iter().map(found));
                report.findings.iter().for_each(|finding| needs(&finding.remedies));
                needs(&report.requirements);
            }
            BindingAnswer::Failed(failure) => reasons.push(sentence(blocks, failure.kind.as_str(), &failure.message)),
            _ => {}
        }
    }
    reasons.sort_by_key(|reason| !reason.blocking);
    Decision {
        id: "dec-1".to_owned(),
        deployment: "deployment-1".to_owned(),
        gate: Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit },
        rollout: None,
        at: time("2026-11-24T20:30:00Z"),
        verdict,
        reasons,
        requirements,
        obligations,
        bindings,
        groups: Vec::new(),
        model: ModelRef {
            id: "shop".to_owned(),
            version: "1.0.0".to_owned(),
            digest: Digest::of(b""),
            chosen_because: "it applies to every deployment".to_owned(),
            mode: None,
        },
        snapshot: Digest::of(b""),
        subject: Digest::of(b""),
        approved: None,
    }
}

#[track_caller]
fn assert_says(text: &str, expected: &[&str]) {
    let mut rest = text;
    for words in expected {
        let found = rest.split_once(words);
        assert!(found.is_some(), "`{words}` is not at its place in:\n{text}");
        rest = found.unwrap().1;
    }
}

#[test]
fn pending_requirements_in_several_ways_say_their_way_and_that_one_is_enough() {
    // The plugin mixes them; people read a way after the other.
    let needed = vec![required("a", 7), required("b", 9), required("c", 7)];
    let pending = decision(Verdict::Pending, vec![binding("p", requiring(needed))]);
    assert_says(
        &terminal(&pending),
        &[
            "pending[p/a]: way 1 of 2: hand in a",
            "note: one way is enough: a and c; or b",
            "pending[p/c]: way 1 of 2: hand in c",
            "pending[p/b]: way 2 of 2: hand in b",
            "pending p hard-mandatory a and c; or b",
        ],
    );
    assert_says(
        &github(&pending),
        &[
            "title=p/a::way 1 of 2: hand in a%0Aone way is enough: a and c; or b%0A",
            "title=p/c::way 1 of 2: hand in c%0A",
            "title=p/b::way 2 of 2: hand in b%0A",
        ],
    );
    let junit = printed(&pending, DecisionFormat::Junit, false);
    assert_says(&junit, &["message=\"way 1 of 2: hand in a\"", "a: way 1", "c: way 1", "b: way 2 of 2: hand in b"]);
}

#[test]
fn requirements_that_are_all_needed_have_no_way() {
    let pending = decision(Verdict::Pending, vec![binding("p", requiring(vec![required("a", 3), required("b", 3)]))]);
    let text = terminal(&pending);
    assert_says(&text, &["pending[p/a]: hand in a", "pending[p/b]: hand in b", "hard-mandatory a, b"]);
    assert!(!text.contains("way 1") && !text.contains("enough"), "{text}");
}

#[test]
fn equal_requirements_of_two_ways_are_told_apart() {
    let approvals = |role: &str, way| {
        let roles = vec![role.to_owned()];
        let (missing, subject) = (1, "sha256:1".to_owned());
        let need = Need::Approvals(ApprovalsNeeded { roles, competence: None, missing, excluded: vec![], subject });
        Requirement { way, ..Requirement::new("approval", "somebody has to approve", need) }
    };
    let ways = vec![approvals("lead", 1), approvals("owner", 2)];
    assert_says(
        &terminal(&decision(Verdict::Pending, vec![binding("p", requiring(ways))])),
        &[
            "way 1 of 2: somebody has to approve",
            "one way is enough: approval (2 ways)",
            "1 approval in role `lead` is missing",
            "way 2 of 2: somebody has to approve",
            "1 approval in role `owner` is missing",
        ],
    );
}

#[test]
fn ways_of_a_member_of_a_group_are_told_with_the_group() {
    let needed = vec![required("a", 1), required("b", 2)];
    let mut pending = decision(
        Verdict::Pending,
        vec![BindingOutcome { group: Some("g".to_owned()), ..binding("p", requiring(needed)) }],
    );
    let source = ReasonSource::Group("g".to_owned());
    pending.reasons.insert(0, DecisionReason::new(source, true, "pending", "a member is pending"));
    pending.groups.push(GroupOutcome {
        id: "g".to_owned(),
        expression: "p".to_owned(),
        enforcement: Enforcement::HardMandatory,
        members: BTreeMap::new(),
        standing: Standing::Pending,
        exemption: None,
        message: "a member is pending".to_owned(),
    });
    let expected = ["pending[g/pending]", "p: way 1 of 2: hand in a", "one way is enough: a; or b", "p: way 2 of 2"];
    assert_says(&terminal(&pending), &expected);
}

#[test]
fn the_requirements_of_a_denial_are_shown_after_its_findings() {
    let denial = Answer {
        findings: vec![Finding::new(Severity::High, "wrong", "it is wrong")],
        requirements: vec![required("a", 1), required("b", 2)],
        ..answer(PolicyVerdict::Deny)
    };
    let failed = Report {
        findings: vec![Finding::new(Severity::High, "bad", "it is bad")],
        requirements: vec![required("c", 0)],
        ..report(CheckOutcome::Inconclusive, "too little data")
    };
    let bindings = vec![binding("p", BindingAnswer::Policy(denial)), binding("q", BindingAnswer::Check(failed))];
    let denied = decision(Verdict::Deny, bindings);
    assert_says(
        &terminal(&denied),
        &[
            "error[p/wrong]: it is wrong",
            "pending[p/a]: way 1 of 2: hand in a",
            "pending[p/b]: way 2 of 2: hand in b",
            "pending[q/bad]: it is bad",
            "pending[q/c]: hand in c",
        ],
    );
    assert_says(&printed(&denied, DecisionFormat::Junit, false), &["wrong: it is wrong", "a: way 1 of 2: hand in a"]);
}

#[test]
fn each_requirement_says_its_details_also_if_another_has_the_same() {
    let time = |code: &str| {
        let need = TimeNeeded { not_before: Some(time("2026-11-25T08:00:00Z")), not_after: None };
        Requirement::new(code, "wait", Need::Time(need))
    };
    let text = terminal(&decision(Verdict::Pending, vec![binding("p", requiring(vec![time("a"), time("b")]))]));
    assert_says(&text, &["[p/a]: wait", "try again after", "[p/b]: wait", "try again after 2026-11-25T08:00:00Z"]);
}

#[test]
fn a_correction_is_told_at_each_of_its_places() {
    let correct = |pointer: &str| {
        let (pointer, expected) = (pointer.to_owned(), "a better value".to_owned());
        Finding::breach(
            "bad",
            "it is bad",
            "mend it",
            CorrectionNeeded { pointer, expected, accepted: vec![], found: None },
        )
    };
    let findings = vec![correct("/change/title"), correct("/change/risk")];
    let denial = BindingAnswer::Policy(Answer { findings, ..answer(PolicyVerdict::Deny) });
    let text = terminal(&decision(Verdict::Deny, vec![binding("p", denial)]));
    assert_eq!(text.matches("help: expected a better value").count(), 2, "{text}");
}

#[test]
fn all_places_of_a_finding_are_details_and_the_first_is_its_place() {
    let mut finding = Finding::new(Severity::Critical, "bad", "it is bad").about("tracker");
    finding.pointers = ["/change/risk", "/change/title", "/now"].map(str::to_owned).to_vec();
    let denial = Answer { findings: vec![finding], ..answer(PolicyVerdict::Deny) };
    let denied = decision(Verdict::Deny, vec![binding("p", BindingAnswer::Policy(denial))]);
    let text = terminal(&denied);
    assert!(text.contains("deployment.json:4:13") && !text.contains("also about"), "{text}");
    assert_says(
        &verbose(&denied),
        &[
            "deployment.json:4:13",
            "also about `/change/title` (deployment.json:3:14)",
            "also about `/now` in the snapshot",
            "it concerns `tracker`",
            "its severity is critical",
        ],
    );
}

#[test]
fn an_allowed_answer_shows_its_reason_as_why_and_its_findings_as_remarks() {
    let mut finding = Finding::new(Severity::Low, "old", "it is old");
    finding.pointers = vec!["/change/title".to_owned()];
    finding.remedies = vec![required("renew", 0)];
    let allowance = Answer {
        findings: vec![finding],
        reasons: vec![Reason::new("fine", "all is fine")],
        ..answer(PolicyVerdict::Allow)
    };
    let allowed = decision(Verdict::Allow, vec![binding("p", BindingAnswer::Policy(allowance))]);
    let text = terminal(&allowed);
    assert_says(&text, &["allow p hard-mandatory all is fine", "remark what p/old it is old", "exit: allow"]);
    assert!(!text.contains("hand in renew"), "{text}");
    assert_says(&verbose(&allowed), &["remark[p/old]: it is old", "deployment.json:3:14", "help: hand in renew"]);
    assert_says(&github(&allowed), &["::notice file=deployment.json,line=3,col=14,title=p/old::remark: it is old"]);
}

#[test]
fn an_obligation_names_its_owner_its_times_and_its_proof() {
    let obligation = Obligation {
        code: "look".to_owned(),
        kind: "review".to_owned(),
        message: "review it afterwards".to_owned(),
        owner: Some("service-owner".to_owned()),
        not_before: Some(time("2026-11-25T08:00:00Z")),
        due: Some(time("2026-11-26T08:00:00Z")),
        proof: Some(required("minutes", 0)),
        details: None,
    };
    let allowance = Answer { obligations: vec![obligation], ..answer(PolicyVerdict::Allow) };
    let allowed = decision(Verdict::Allow, vec![binding("p", BindingAnswer::Policy(allowance))]);
    let times = "owner: `service-owner`, from: 2026-11-25T08:00:00Z, due: 2026-11-26T08:00:00Z";
    let proof = ["proof: hand in minutes", "pass it with `--evidence minutes=<file>`"];
    let expected = ["obligation (p): review it afterwards", times, proof[0], proof[1]];
    assert_says(&terminal(&allowed), &expected);
    assert_says(&github(&allowed), &["::notice title=p/look::obligation: review it afterwards%0A", times, proof[0]]);
    assert_says(&verbose(&allowed), &["review `look`, owner"]);
}

#[test]
fn a_check_says_when_to_try_again_and_what_is_out_of_bounds() {
    let measured = |name: &str, value, at_least, at_most| Measurement {
        name: name.to_owned(),
        value,
        unit: if name == "errors" { "1" } else { "min" }.to_owned(),
        at_least,
        at_most,
        samples: 34,
    };
    let pending = Report {
        measurements: vec![measured("stable", 34.0, Some(60.0), None), measured("errors", 0.0, None, Some(0.5))],
        advice: Some(Advice::Wait),
        again: Some(time("2026-11-25T08:00:00Z")),
        ..report(CheckOutcome::Pending, "not stable yet")
    };
    let pending = decision(Verdict::Pending, vec![binding("p", BindingAnswer::Check(pending))]);
    let expected = [
        "pending[p/pending]: not stable yet",
        "measured stable: 34 min, at least 60 min required (34 samples)",
        "try again after 2026-11-25T08:00:00Z",
    ];
    assert_says(&terminal(&pending), &expected);
    assert_says(&github(&pending), &["pending::not stable yet%0Ameasured stable: 34 min", "%0Atry again after 2026"]);
    assert!(!terminal(&pending).contains("errors"), "what is within its bounds is a detail");
    let details = ["p stable: 34 min, at", "p errors: 0, at most 0.5 required (34 samples)", "p advice: wait"];
    assert_says(&verbose(&pending), &details);
    assert_says(&printed(&pending, DecisionFormat::Github, true), &["::notice title=p::stable: 34", "advice: wait"]);
}

#[test]
fn a_failure_that_may_pass_says_so() {
    let failure = |transient| {
        let (kind, message) = (FailureKind::PluginError, "no answer".to_owned());
        let failed = Failure { kind, message, code: None, transient, limit: None, used: None };
        terminal(&decision(Verdict::Error, vec![binding("p", BindingAnswer::Failed(failed))]))
    };
    assert_says(&failure(true), &["error[p/plugin-error]: no answer", "try again"]);
    assert!(!failure(false).contains("try again"));
}

#[test]
fn accepted_values_and_what_was_found_are_told() {
    let correction = CorrectionNeeded {
        pointer: "/change/title".to_owned(),
        expected: "a better title".to_owned(),
        accepted: vec![json!("good"), json!(7)],
        found: Some("bad".to_owned()),
    };
    let needed = vec![Requirement::new("title", "correct the title", Need::Correction(correction))];
    let pending = decision(Verdict::Pending, vec![binding("p", requiring(needed))]);
    let expected = "expected a better title; accepted: `\"good\"` or `7`; found `bad`";
    assert_says(&terminal(&pending), &["deployment.json:3:14", expected]);
    assert_says(&github(&pending), &[expected]);
}
