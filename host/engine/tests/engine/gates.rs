//! Gates, with the bundled plugins.

use crate::gate_support::{EXIT, FULFILL, approve, blocking, decide, deployment, load, wrong};
use lockgate_domain::{BindingAnswer, Digest, FailureKind, Need, PolicyVerdict, Standing, Verdict};
use lockgate_engine::model::Source;
use lockgate_engine::{LoadedModel, SnapshotRequest, select_model};
use lockgate_tests::Guest;
use proptest::prelude::*;
use serde_json::json;

fn four_eyes(more: &str) -> LoadedModel {
    load(
        &["four-eyes"],
        &format!(
            r#"
            [[gates]]
            stage = "plan-and-approve"
            phase = "exit"
            [[gates.bindings]]
            id = "people"
            plugin = "four-eyes"
            enforcement = "hard-mandatory"
            settings.required = [{{ role = "change-authority" }}]
            {more}
            "#
        ),
    )
}

#[test]
fn a_gate_is_pending_until_the_missing_approver_has_approved() {
    let model = four_eyes("");
    let mut deployment = deployment();
    let pending = decide(&model, EXIT, deployment.clone());
    assert_eq!(pending.verdict, Verdict::Pending);
    assert_eq!(blocking(&pending), ["approvals-missing"]);
    let Need::Approvals(needed) = &pending.requirements[0].requirement.need else { panic!("{pending:?}") };
    assert_eq!((needed.roles.first().map(String::as_str), needed.missing), (Some("change-authority"), 1));
    assert_eq!(needed.excluded, ["rita"], "who asks cannot approve");
    assert_eq!(needed.subject, pending.subject.to_string());
    assert_eq!(pending.approved, None);

    approve(&model, &mut deployment, "ben", "change-authority");
    let allowed = decide(&model, EXIT, deployment);
    assert_eq!(allowed.verdict, Verdict::Allow);
    let approved = allowed.approved.unwrap();
    assert_eq!((approved.release.as_str(), approved.decision, approved.model), ("shop-2", allowed.id, model.digest()));
}

#[test]
fn what_was_approved_opens_the_next_gate_and_nothing_else_does() {
    let model = four_eyes("");
    let mut deployment = deployment();
    approve(&model, &mut deployment, "ben", "change-authority");
    deployment["approved"] = json!(decide(&model, EXIT, deployment.clone()).approved);
    assert_eq!(decide(&model, FULFILL, deployment.clone()).verdict, Verdict::Allow);

    deployment["release"]["components"][0]["digest"] = json!(lockgate_domain::Digest::of(b"tampered"));
    let stopped = decide(&model, FULFILL, deployment);
    assert_eq!(stopped.verdict, Verdict::Deny);
    assert_eq!(blocking(&stopped), ["digest-differs-from-approved"]);
}

#[test]
fn the_same_question_gets_the_same_decision_with_the_same_id() {
    let model = four_eyes("");
    let (one, other) = (decide(&model, EXIT, deployment()), decide(&model, EXIT, deployment()));
    assert_eq!(one.id, other.id);
    assert_eq!(one.bindings[0].receipt.as_ref().unwrap().fuel, other.bindings[0].receipt.as_ref().unwrap().fuel);
    let mut changed = deployment();
    changed["labels"] = json!({"team": "checkout"});
    assert_ne!(decide(&model, EXIT, changed).id, one.id);
}

#[test]
fn a_plugin_that_cannot_answer_is_an_error_where_it_must_and_a_remark_where_it_need_not() {
    let starved = four_eyes("limits.fuel = 10");
    let decision = decide(&starved, EXIT, deployment());
    assert_eq!(decision.verdict, Verdict::Error);
    assert_eq!(blocking(&decision), ["out-of-fuel"]);
    let BindingAnswer::Failed(failure) = &decision.bindings[0].answer else { panic!("{decision:?}") };
    assert_eq!((failure.kind, failure.limit), (FailureKind::OutOfFuel, Some(10)));
    assert_eq!(decision.approved, None);
}

#[test]
fn a_binding_whose_condition_does_not_hold_is_not_asked() {
    let model = four_eyes(r#"when = 'change.category == "emergency"'"#);
    let decision = decide(&model, EXIT, deployment());
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(decision.bindings[0].standing, Standing::NotApplicable);
    assert!(matches!(decision.bindings[0].answer, BindingAnswer::NotAsked { .. }));
}

#[test]
fn a_condition_cannot_ask_fewer_people_at_a_higher_risk() {
    let model = four_eyes(r#"when = 'change.risk == "low"'"#);
    let mut deployment = deployment();
    deployment["change"]["risk"] = json!("critical");
    assert_eq!(decide(&model, EXIT, deployment).verdict, Verdict::Pending);
}

#[test]
fn a_gate_at_which_nothing_can_stop_a_deployment_denies_unless_the_model_allows_it() {
    let told = "facts = { change.from = \"told\", environment.from = \"told\", instances.from = \"told\", release.from = \"told\" }\n";
    let gate = |enforcement: &str, more: &str| {
        format!(
            "[[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n{more}[[gates.bindings]]\nid = \"people\"\n\
             plugin = \"four-eyes\"\nenforcement = \"{enforcement}\"\nsettings.required = [{{ role = \"change-authority\" }}]\n"
        )
    };
    let codes = |head: &str, gates: &str, at: lockgate_domain::Gate| {
        let model = load(&["four-eyes"], &format!("{told}{head}{gates}"));
        let decision = decide(&model, at, deployment());
        blocking(&decision).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let entrance = lockgate_domain::Gate { phase: lockgate_domain::Phase::Entrance, ..EXIT };
    assert_eq!(codes("", &gate("hard-mandatory", ""), entrance), ["unguarded-gate"]);
    assert_eq!(codes("", &gate("advisory", ""), EXIT), ["unguarded-gate"]);
    assert_eq!(codes("", &gate("advisory", "unguarded = \"allow\"\n"), EXIT), [""; 0]);
    assert_eq!(codes("unguarded = \"allow\"\n", &gate("advisory", ""), entrance), [""; 0]);
    // The criteria of the value stream guard every gate.
    assert_eq!(
        codes("criteria = \"deploy-value-stream\"\n", &gate("advisory", ""), entrance),
        ["release-not-protected", "release-notes-incomplete"]
    );
}

#[test]
fn a_binding_that_is_never_asked_about_such_a_deployment_does_not_guard_the_gate() {
    let codes = |when: &str, in_group: bool| {
        let (group, groups) = match in_group {
            false => ("enforcement = \"hard-mandatory\"", ""),
            true => (
                "group = \"people\"",
                "[[gates.groups]]\nid = \"people\"\nenforcement = \"hard-mandatory\"\n\
                 expression = 'members.all(m, m.standing == \"allow\")'\n",
            ),
        };
        let model = format!(
            "facts = {{ change.from = \"told\", environment.from = \"told\", instances.from = \"told\" }}\n\
             [[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n[[gates.bindings]]\nid = \"four\"\n\
             plugin = \"four-eyes\"\nwhen = '{when}'\n{group}\n\
             settings.required = [{{ role = \"change-authority\" }}]\n{groups}"
        );
        let decision = decide(&load(&["four-eyes"], &model), EXIT, deployment());
        let reasons = decision.reasons.into_iter().filter(|reason| reason.blocking);
        reasons.map(|reason| (reason.code, reason.message)).collect::<Vec<_>>()
    };
    for in_group in [false, true] {
        for (when, part) in [
            ("stage == \"validate\"", "stage == \"validate\""),
            ("scenario == \"removal\"", "scenario == \"removal\""),
            ("environment.name in [\"test\", \"qa\"]", "environment.name in [\"test\", \"qa\"]"),
            ("change.risk == \"high\" && product.id == \"till\"", "product.id == \"till\""),
        ] {
            let found = codes(when, in_group);
            assert_eq!(found.len(), 1, "{when}: {found:?}");
            assert_eq!(found[0].0, "unguarded-gate", "{when}");
            assert!(found[0].1.contains(&format!("`four` is asked only if `{part}`")), "{}", found[0].1);
        }
        // The same deployment would meet these bindings with another change, or later.
        for when in ["change.category == \"emergency\"", "stage == \"validate\" || change.category == \"emergency\""] {
            assert_eq!(codes(when, in_group), [], "{when}");
        }
        let asked = codes("environment.name == \"live\"", in_group);
        assert!(asked.iter().all(|(code, _)| code != "unguarded-gate") && !asked.is_empty(), "{asked:?}");
    }
}

#[test]
fn in_continuous_delivery_a_person_decides_and_in_continuous_deployment_a_service_starts() {
    let model = |mode: &str| load(&[], &format!("mode = \"{mode}\"\n"));
    let delivery = model("continuous-delivery");
    let mut document = deployment();
    let denied = decide(&delivery, EXIT, document.clone());
    assert_eq!(blocking(&denied), ["deployment-unattended"]);
    assert_eq!(serde_json::to_value(denied.model.mode).unwrap(), json!("continuous-delivery"));
    assert!(matches!(&denied.requirements[0].requirement.need, Need::Approvals(needed) if needed.excluded == ["rita"]));
    approve(&delivery, &mut document, "ben", "change-authority");
    assert_eq!(decide(&delivery, EXIT, document.clone()).verdict, Verdict::Allow);
    document["approvals"][0]["person"]["kind"] = json!("agent");
    assert_eq!(blocking(&decide(&delivery, EXIT, document)), ["deployment-unattended"]);

    let by_gates = model("continuous-deployment");
    let mut document = deployment();
    assert_eq!(blocking(&decide(&by_gates, EXIT, document.clone())), ["deployment-not-by-service"]);
    document["requester"]["kind"] = json!("service");
    assert_eq!(decide(&by_gates, EXIT, document).verdict, Verdict::Allow);
}

#[test]
fn a_gate_that_no_plugin_guards_says_so() {
    let decision =
        decide(&four_eyes(""), lockgate_domain::Gate { phase: lockgate_domain::Phase::Entrance, ..EXIT }, deployment());
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(decision.reasons[0].code, "gate-not-guarded");
}

/// Three reviewers in a group of which two are enough; the letters say who is bound first.
fn two_of_three(order: [&str; 3]) -> LoadedModel {
    let bindings: String = order
        .iter()
        .map(|role| {
            format!(
                "[[gates.bindings]]\nid = \"{role}\"\nplugin = \"four-eyes\"\ngroup = \"reviews\"\n\
                 settings.required = [{{ role = \"{role}\" }}]\n"
            )
        })
        .collect();
    load(
        &["four-eyes"],
        &format!(
            "[[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n{bindings}\
             [[gates.groups]]\nid = \"reviews\"\nenforcement = \"hard-mandatory\"\n\
             expression = 'members.filter(m, m.standing == \"allow\").size() >= 2'\n"
        ),
    )
}

#[test]
fn a_group_is_satisfied_when_its_expression_holds() {
    let model = two_of_three(["a", "b", "c"]);
    let mut deployment = deployment();
    approve(&model, &mut deployment, "ben", "a");
    let pending = decide(&model, EXIT, deployment.clone());
    assert_eq!((pending.verdict, pending.groups[0].standing), (Verdict::Pending, Standing::Pending));
    approve(&model, &mut deployment, "cleo", "c");
    let allowed = decide(&model, EXIT, deployment);
    assert_eq!((allowed.verdict, allowed.groups[0].standing), (Verdict::Allow, Standing::Allow));
    assert!(blocking(&allowed).is_empty(), "the third reviewer is no longer needed");
}

#[test]
fn the_order_of_bindings_changes_neither_model_nor_decision() {
    let (one, other) = (two_of_three(["a", "b", "c"]), two_of_three(["c", "a", "b"]));
    assert_eq!(one.digest(), other.digest());
    assert_eq!(decide(&one, EXIT, deployment()).id, decide(&other, EXIT, deployment()).id);
}

#[test]
fn two_models_that_fit_equally_well_are_an_error_that_names_both() {
    let question = || SnapshotRequest {
        deployment: serde_json::from_value(deployment()).unwrap(),
        gate: EXIT,
        now: "2026-11-24T20:30:00Z".parse().unwrap(),
        evidence: Default::default(),
    };
    let tied = select_model(&[four_eyes(""), two_of_three(["a", "b", "c"])], question()).err().unwrap().to_string();
    assert!(tied.contains("`shop` 1.0.0 and `shop` 1.0.0") && tied.contains("rank"), "{tied}");
    let ranked = load(&[], "rank = 1\n");
    let chosen = select_model(&[four_eyes(""), ranked], question()).unwrap();
    assert_eq!(chosen.model.model().rank, 1);
    assert!(chosen.because.contains("highest"), "{}", chosen.because);
}

#[test]
fn all_that_is_wrong_with_plugins_is_found_at_once_and_at_its_line() {
    let text = crate::gate_support::model_text(
        &["four-eyes", "canary"],
        r#"
[plugins.gone]
component = "gone.wasm"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
[plugins.other]
component = "change-window.wasm"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
[plugins.unpinned]
component = "change-window.wasm"
[[gates]]
stage = "plan-and-approve"
phase = "exit"
[[gates.bindings]]
id = "settings"
plugin = "four-eyes"
enforcement = "hard-mandatory"
settings.required = [{ role = "change-authority", count = "two" }]
[[gates.bindings]]
id = "rollout"
plugin = "canary"
enforcement = "hard-mandatory"
settings.steps = [{ weight = 10 }]
[[gates.bindings]]
id = "gone"
plugin = "gone"
enforcement = "hard-mandatory"
[[gates.bindings]]
id = "other"
plugin = "other"
enforcement = "hard-mandatory"
[[gates.bindings]]
id = "unpinned"
plugin = "unpinned"
enforcement = "hard-mandatory"
"#,
    );
    let line = |needle: &str| text.lines().position(|line| line.contains(needle)).unwrap() + 1;
    let found: Vec<(&str, usize)> = wrong(&text).iter().map(|(code, line, _)| (*code, *line)).collect();
    let expected = [
        ("plugin-file", line("gone.wasm")),
        ("digest-differs", line("[plugins.other]") + 2),
        ("unpinned-plugin", line("[plugins.unpinned]") + 1),
        ("settings-refused", line("count = \"two\"")),
        ("wrong-kind", line("id = \"rollout\"") + 1),
    ];
    assert_eq!(found, expected, "{:#?}", wrong(&text));
}

#[test]
fn what_is_wrong_with_settings_is_found_behind_other_mistakes_too() {
    let text = crate::gate_support::model_text(
        &["four-eyes"],
        r#"
[[gates]]
stage = "plan-and-approve"
phase = "exit"
[[gates.bindings]]
id = "people"
plugin = "four-eyes"
enforcement = "hard-mandatroy"
settings.people = "two"
"#,
    );
    let codes: Vec<&str> = wrong(&text).iter().map(|(code, ..)| *code).collect();
    assert_eq!(codes, ["unknown-enforcement", "settings-refused"]);
}

#[test]
fn an_id_in_settings_that_is_none_is_refused_at_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let schema = r#"{"properties": {"people": {"items": {"format": "lockgate-person"}}}}"#;
    let component = Guest { schema, ..Guest::default() }.component();
    std::fs::write(folder.path().join("guest.wasm"), &component).unwrap();
    let load = |people: &str| {
        let text = format!(
            r#"
id = "shop"
version = "1.0.0"
title = "Shop"
unguarded = "allow"
[plugins.guest]
component = "guest.wasm"
digest = "{}"
[[gates]]
stage = "plan-and-approve"
phase = "exit"
[[gates.bindings]]
id = "people"
plugin = "guest"
enforcement = "hard-mandatory"
settings.people = [
    "Kim@example.org",
    "{people}",
]
"#,
            Digest::of(&component)
        );
        let source = Source::new("model.toml", &text);
        let line = |line: usize| text.lines().nth(line - 1).unwrap().trim().to_owned();
        let loaded = LoadedModel::load(&lockgate_tests::runtime(), &source, folder.path());
        loaded.map_err(|findings| {
            findings.located(&source).into_iter().map(|f| (f.code, line(f.line), f.message)).collect()
        })
    };
    assert!(load("Ann@example.org").is_ok());
    let findings: Vec<(&str, String, String)> = load("ann@ex\u{430}mple.org").unwrap_err();
    let [(code, line, message)] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((*code, line.as_str()), ("settings-refused", "\"ann@ex\u{430}mple.org\","));
    assert!(message.starts_with("the settings of `guest` are refused: the id of a person mixes scripts"), "{message}");
}

/// How many approvals are missing, over all bindings.
fn missing(model: &LoadedModel, risk: &str, approvals: &[(&str, &str)]) -> u32 {
    let mut deployment = deployment();
    deployment["change"]["risk"] = json!(risk);
    // Approvals name the subject, which does not depend on the risk.
    for (person, role) in approvals {
        approve(model, &mut deployment, person, role);
    }
    let missing = |answer: &BindingAnswer| match answer {
        BindingAnswer::Policy(answer) if answer.verdict == PolicyVerdict::Require => {
            let missing = answer.requirements.iter().map(|requirement| match &requirement.need {
                Need::Approvals(needed) => needed.missing,
                other => panic!("{other:?}"),
            });
            missing.sum()
        }
        _ => 0,
    };
    decide(model, EXIT, deployment).bindings.iter().map(|binding| missing(&binding.answer)).sum()
}

#[test]
fn spellings_of_one_id_are_one_person_to_four_eyes() {
    let model = four_eyes("settings.people = 2\n");
    let left = |approvals: &[(&str, &str)]| missing(&model, "low", approvals);
    let authority = |id| (id, "change-authority");
    assert_eq!(left(&[authority("kim@example.org"), ("ben@example.org", "security-officer")]), 0);
    for (one, other) in [
        ("Kim@example.org", "kim@Example.ORG"),
        ("STRASSE@example.org", "stra\u{df}e@example.org"),
        ("Jos\u{e9}", "jose\u{301}"),
    ] {
        assert_eq!(left(&[authority(one), (other, "security-officer")]), 1, "{one} {other}");
    }
    // Rita asked for the deployment: one approval as change authority is missing, and one of anybody.
    assert_eq!(left(&[authority("RITA"), ("Rita", "security-officer")]), 2);
}

#[test]
fn a_higher_risk_never_needs_fewer_approvals() {
    const RISKS: [&str; 4] = ["low", "medium", "high", "critical"];
    let conditions =
        ["true", "change.risk == \"low\"", "change.risk != \"medium\"", "change.risk in [\"high\", \"low\"]"];
    let models: Vec<LoadedModel> = conditions
        .iter()
        .map(|when| {
            four_eyes(&format!(
                "when = '{when}'\nsettings.by-risk.medium = {{ people = 2 }}\n\
                 settings.by-risk.critical = {{ required = [{{ role = \"security-officer\" }}], people = 2 }}\n"
            ))
        })
        .collect();
    let who = [("ben", "change-authority"), ("cleo", "security-officer"), ("dora", "product-manager")];
    proptest!(lockgate_repeat::Repeat::new(64, 3_200).property(), |(
        model in 0..conditions.len(), lower in 0_usize..4, higher in 0_usize..4,
        approvals in prop::sample::subsequence(who.to_vec(), 0..=3),
    )| {
        let (lower, higher) = (lower.min(higher), lower.max(higher));
        let missing = |risk: usize| missing(&models[model], RISKS[risk], &approvals);
        prop_assert!(missing(lower) <= missing(higher));
    });
}
