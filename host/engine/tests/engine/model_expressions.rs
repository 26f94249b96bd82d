//! What conditions in CEL see, what they answer, and how they fail.

use crate::model_support::{read, snapshot, snapshot_json};
use lockgate_domain::{Digest, Snapshot, Standing};
use lockgate_engine::expression::{Expression, ExpressionError, Member, Variables};
use lockgate_engine::model::ModelFinding;
use serde_json::json;

fn condition(text: &str) -> Expression {
    match Expression::condition(text) {
        Ok((expression, _)) => expression,
        Err(findings) => panic!("`{text}`: {findings:#?}"),
    }
}

fn holds(text: &str) -> Result<bool, ExpressionError> {
    condition(text).holds(&Variables::new(&snapshot()))
}

#[test]
fn conditions_see_every_part_of_the_snapshot() {
    for text in [
        r#"id == "dep-1" && scenario == "new-version""#,
        r#"requester.roles == ["developer"] && contributors[0].id == "carl""#,
        r#""stock" in product.depends_on"#,
        r#"release.components.exists(c, c.name == "größe" && c.kind == "data")"#,
        r#"release.components.filter(c, has(c.origin)).size() == 1"#,
        r#"environment.kind == "live" && environment.control != "none""#,
        r#"change.risk in ["high", "critical"]"#,
        r#"!has(plan.slot) && !has(approved.subject)"#,
        r#"desired_instances.size() == 0 && actual_instances[0].consumers > 1000"#,
        r#"approvals == [] && history.all(past, past.outcome != "failed")"#,
        r#"labels.team == "checkout" && "team" in labels && !("cost" in labels)"#,
        r#"facts["acme.cost"].json.eur > 12.0 && facts["acme.cost"].json.approved"#,
        r#"registers.kpis[0].latest > registers.kpis[0].at_most"#,
        r#"registers.fulfillment_books[0].execution_time > duration("1h")"#,
        r#"gate.stage == stage && stage == "plan-and-approve" && phase == "exit""#,
        r#"subject.startsWith("sha256:0000")"#,
        r#""sbom" in evidence && evidence["sbom"].size >= 2048 && evidence.sbom.media_type.endsWith("json")"#,
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

#[test]
fn every_field_of_a_snapshot_is_a_variable() {
    let mut names: Vec<String> =
        serde_json::to_value(snapshot()).unwrap().as_object().unwrap().keys().cloned().collect();
    names.extend(["stage", "phase", "plan", "approved"].map(str::to_owned));
    for name in names {
        assert_eq!(holds(&format!("{name} == {name}")), Ok(true), "{name}");
    }
}

#[test]
fn what_is_empty_is_an_empty_list_and_not_absent() {
    for text in [
        "overlaps == [] && gates_passed == []",
        "type(overlaps) == type([]) && type(gates_passed) == type([])",
        "product.segments == [] && !(\"tier\" in environment.parameters)",
        "!registers.kpis.exists(kpi, kpi.id == \"none\")",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

/// A snapshot of a deployment whose rollout is under way.
fn under_way() -> Snapshot {
    let mut snapshot = lockgate_tests::everything();
    let deployment = std::sync::Arc::make_mut(&mut snapshot.deployment);
    deployment.rollout = None;
    snapshot
}

#[test]
fn conditions_see_who_says_each_part() {
    let attested = json!({
        "source": "register", "attester": "Ben", "kind": "person", "roles": ["change-authority"], "as_of": "2026-11-24T12:00:00Z"
    });
    let mut document = snapshot_json();
    document["provenance"] = json!({"/change": attested, "/registers/incidents": {"source": "register"}});
    document["registers"]["incidents"] = json!([]);
    document["registers"]["kpis"] = json!([]);
    let snapshot = read(document);
    for text in [
        r#"provenance["/change"].source == "register" && provenance["/change"].attester == "ben""#,
        r#""change-authority" in provenance["/change"].roles && provenance["/change"].as_of < now"#,
        // What nobody attests is told by the requester, and what the host records is in its ledger.
        r#"provenance["/environment"].source == "told" && provenance["/actual_instances"].source == "told""#,
        r#"provenance["/history"].source == "ledger" && !has(provenance["/history"].attester)"#,
        r#"provenance["/registers/incidents"].source == "register" && provenance["/registers/kpis"].source == "told""#,
        // Nobody says what is not kept, or what the host computes.
        r#"!("/registers/orders" in provenance) && !("/now" in provenance)"#,
    ] {
        assert_eq!(condition(text).holds(&Variables::new(&snapshot)), Ok(true), "{text}");
    }
    Expression::condition(r#"provenance["/change"].from == "register""#).expect_err("the member is `source`");
}

#[test]
fn a_rollout_under_way_is_the_rollout_that_was_laid_out_and_its_actions_have_types() {
    let snapshot = under_way();
    for text in [
        "has(rollout.summary) && rollout.steps.size() == 9",
        "rollout.steps.exists(s, has(s.action.hold) && has(s.action.hold.length) && s.action.hold.length > duration(\"5m\"))",
        "rollout.steps[0].planned == duration(\"600s\") && rollout.back[0].undoes == [\"install\", \"switch\"]",
        "progress.steps[0].status == \"succeeded\" && progress.back.size() == 1",
        "timing.back == duration(\"300s\") && has(timing.moment_of_no_return)",
        "exemptions.exists(e, e.kind == \"waiver\") && differences.size() > 0",
    ] {
        assert_eq!(condition(text).holds(&Variables::new(&snapshot)), Ok(true), "{text}");
    }
    for text in [
        "has(progress.rollout)",
        "rollout.steps.all(s, !has(s.action.deply))",
        "rollout.steps.exists(s, has(s.action.deploy) && s.action.deploy.capacty > 3)",
        "rollout.steps.exists(s, has(s.action.hold) && s.action.hold.length == \"600s\")",
    ] {
        Expression::condition(text).expect_err(text);
    }
}

#[test]
fn optional_values_stand_in_for_what_is_absent() {
    assert_eq!(holds("plan.?slot.?start.orValue(now) == now"), Ok(true));
    assert_eq!(holds("change.?window.?start.orValue(now) == now"), Ok(false));
}

#[test]
fn times_are_compared_as_moments_and_read_in_a_time_zone() {
    for (text, expected) in [
        ("has(change.window) && now > change.window.start", false),
        ("has(change.window) && now + duration('31m') > change.window.start", true),
        ("has(change.window) && change.window.end - change.window.start == duration('2h')", true),
        ("now < timestamp('2026-11-24T20:30:00+01:00')", false),
        ("now == timestamp('2026-11-24T20:30:00+01:00')", true),
        // Half past seven in the evening in Greenwich is half past eight in Berlin in November.
        (r#"now.getHours("Europe/Berlin") == 20"#, true),
        ("now.getHours() == 19", true),
        // A Tuesday; Sunday is 0.
        ("now.getDayOfWeek() == 2", true),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
}

/// JSON has one kind of number, so a fact is the same number however it was written.
#[test]
fn numbers_of_facts_count_alike_with_and_without_a_fraction() {
    for (written, text, expected) in [
        (["1000", "1000.0", "1E3"], "facts.cost.json.v * 1.19 > 500.0", true),
        (["1000", "1000.0", "1E3"], "500 < 1.19 * facts.cost.json.v", true),
        (["1000", "1000.0", "1E3"], "facts.cost.json.v == 1000 && facts.cost.json.v == 1000.0", true),
        (["3", "3.0", "30e-1"], "facts.cost.json.v / 2 == 1 && facts.cost.json.v / 2.0 == 1.5", true),
        (["3", "3.0", "30e-1"], "facts.cost.json.v + 0.5 - 1 == 2.5 && 0.5 - facts.cost.json.v == -2.5", true),
        (["3", "3.0", "30e-1"], "string(facts.cost.json.v) == '3' && facts.cost.json.v % 2 == 1", true),
        (["3", "3.0", "30e-1"], "facts.cost.json.v in [1.0, 3.0] && facts.cost.json.v in [3]", true),
        (["0", "-0.0", "-0"], "1.0 / facts.cost.json.v > 0.0 && type(facts.cost.json.v) == int", true),
        (["2.5", "2.50", "25e-1"], "facts.cost.json.v * 2 == 5 && 10 / facts.cost.json.v == 4", true),
        (
            ["9007199254740992", "9007199254740992.0", "9007199254740992e0"],
            "facts.cost.json.v == 9007199254740993",
            false,
        ),
    ] {
        for number in written {
            let fact = format!(r#"{{"schema": "acme:cost@1", "json": {{"v": {number}}}}}"#);
            for fact in [serde_json::from_str(&fact).unwrap(), lockgate_domain::read_json(fact.as_bytes()).unwrap()] {
                let mut json = snapshot_json();
                json["facts"]["cost"] = fact;
                assert_eq!(condition(text).holds(&Variables::new(&read(json))), Ok(expected), "{number}: {text}");
            }
        }
    }
}

#[test]
fn arithmetic_of_other_types_is_as_cel_has_it() {
    for text in [
        r#""a" + "b" == "ab" && [1] + [2.0] == [1, 2.0] && ([1] + [2]).map(x, x * 2.0) == [2.0, 4.0]"#,
        r#"1 + 2 == 3 && 7 / 2 == 3 && 7u - 2u == 5u && 2.0 * 1.5 == 3.0 && 1u * 0.5 == 0.5"#,
        r#"now + duration("1h") - now == duration("1h") && [1, 2, 3].exists_one(x, x - 1 == 1)"#,
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
    for (text, reason) in [
        (r#"id * 2.0 == 1.0"#, "there is no `mul` of a value of type string and a value of type float"),
        ("[id, 1][0] + 1 == 1", "there is no `add` of a value of type string and a value of type int"),
        ("1 / (2 - 2) == 1", "it divides by zero"),
        ("9223372036854775807 + 1 == 0", "the `add` of a value of type int and a value of type int is out of range"),
    ] {
        let failed = ExpressionError::Failed { expression: text.to_owned(), reason: reason.to_owned() };
        assert_eq!(holds(text), Err(failed), "{text}");
    }
}

#[test]
fn what_is_absent_is_an_error_unless_it_is_asked_for() {
    let error = holds(r#"plan.id == "p""#).unwrap_err();
    assert_eq!(error, ExpressionError::Absent { expression: r#"plan.id == "p""#.to_owned(), field: "id".to_owned() });
    assert_eq!(error.to_string(), r#"`plan.id == "p"` looks at `id`, which is missing"#);
    assert_eq!(holds("has(plan.slot) && plan.slot.start < now"), Ok(false));
    assert_eq!(holds(r#"has(labels.cost) && labels.cost == "1""#), Ok(false));
}

#[test]
fn an_expression_that_gives_no_truth_value_names_what_it_gives() {
    let error = holds(r#"facts["acme.cost"].json.eur"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"`facts["acme.cost"].json.eur` gives a value of type double, and not true or false"#
    );
}

#[test]
fn an_expression_that_cannot_be_evaluated_says_so() {
    let error = holds(r#"facts["acme.cost"].json.approved > 3"#).unwrap_err();
    assert!(matches!(error, ExpressionError::Failed { .. }), "{error:?}");
}

#[test]
fn a_group_expression_counts_its_members() {
    let (two_of_three, warnings) =
        Expression::over_members(r#"members.filter(m, m.standing == "allow").size() >= 2"#).unwrap();
    assert_eq!(warnings, []);
    let member = |id, standing| Member { id, plugin: "four-eyes", standing };
    let (allow, deny, pending) = (Standing::Allow, Standing::Deny, Standing::Pending);
    assert_eq!(two_of_three.holds_for(&[member("a", allow), member("b", deny), member("c", allow)]), Ok(true));
    assert_eq!(two_of_three.holds_for(&[member("a", allow), member("b", deny), member("c", pending)]), Ok(false));
    let (by_name, _) =
        Expression::over_members(r#"members.exists(m, m.id == "b" && m.plugin == "four-eyes")"#).unwrap();
    assert_eq!(by_name.holds_for(&[member("b", deny)]), Ok(true));
    assert_eq!(by_name.holds_for(&[]), Ok(false));
}

#[test]
fn an_expression_knows_what_it_looks_at() {
    let expression = condition(r#"change.category == "normal" && contributors.all(change, change.id != "x")"#);
    assert!(expression.looks_at("change") && expression.looks_at("contributors") && !expression.looks_at("plan"));
    assert_eq!(expression.text(), r#"change.category == "normal" && contributors.all(change, change.id != "x")"#);
}

#[test]
fn it_is_known_which_conditions_rise_with_the_risk() {
    for (text, looks, rises) in [
        (r#"environment.kind == "live""#, false, true),
        (r#"change.category == "normal""#, false, true),
        (r#"change.risk == "critical""#, true, true),
        (r#"change.risk in ["critical", "high"] || environment.kind == "live""#, true, true),
        (r#"change.risk != "low" && scenario == "removal""#, true, true),
        (r#"!(change.risk == "low")"#, true, true),
        (r#"!(change.risk in ["low", "medium"])"#, true, true),
        (r#""low" != change.risk"#, true, true),
        (r#"change.risk == "low""#, true, false),
        (r#"change.risk in ["low", "critical"]"#, true, false),
        (r#"change.risk != "critical""#, true, false),
        (r#"!(change.risk == "high")"#, true, false),
        (r#"history.all(past, past.risk == change.risk)"#, true, false),
    ] {
        let expression = condition(text);
        assert_eq!((expression.looks_at_risk(), expression.rises_with_risk()), (looks, rises), "{text}");
    }
}

#[test]
fn the_part_that_makes_an_expression_false_is_found() {
    let snapshot = snapshot();
    let variables = Variables::new(&snapshot);
    let part = |text| condition(text).false_part(&variables);
    assert_eq!(
        part(r#"scenario == "new-version" && (environment.kind == "test" || id == "a && b") && phase == "entrance""#),
        Some(r#"(environment.kind == "test" || id == "a && b")"#.to_owned())
    );
    assert_eq!(part(r#"phase == "entrance""#), Some(r#"phase == "entrance""#.to_owned()));
    assert_eq!(part(r#"phase == "exit" && id == "dep-1""#), None);
}

#[test]
fn nested_loops_over_long_lists_end_with_an_error_that_names_the_budget() {
    let mut json = snapshot_json();
    json["contributors"] = (0..3000).map(|number| json!({"id": format!("p{number}")})).collect();
    let snapshot = read(json);
    let variables = Variables::new(&snapshot);
    let once = condition(r#"contributors.all(c, c.id != "x")"#);
    assert_eq!(once.holds(&variables), Ok(true));
    for text in [
        r#"contributors.all(a, contributors.all(b, a.id != "x" || b.id == "y"))"#,
        r#"contributors.map(a, contributors.map(b, b.id)).size() == 3000"#,
        r#"contributors.exists(a, a in contributors && a.id == "x") || true"#,
    ] {
        let error = condition(text).holds(&variables).unwrap_err();
        assert_eq!(error, ExpressionError::TooCostly { expression: text.to_owned() });
        assert!(error.to_string().contains("more than 1000000 values"), "{error}");
    }
}

#[test]
fn long_and_deep_expressions_are_refused_on_a_small_stack() {
    let small = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let check = || {
        let repeated = |text: &str, times| text.repeat(times);
        for text in [
            format!("1{} == 1", repeated("+1", 2000)),
            format!("labels{} == 1", repeated(".a", 2000)),
            format!("labels{} == 1", repeated("[0]", 1300)),
            format!("{}true{}", repeated("(", 2000), repeated(")", 2000)),
            format!("{}[]{}", repeated("[", 2000), repeated("]", 2000)),
            repeated("[", 4096),
            repeated("!(", 2048),
            format!("{}true", repeated("true ? ", 500)),
            format!("{}true{}", repeated("true ? false : ", 250), ""),
            format!("{}true", repeated("labels.all(x, ", 290)),
            repeated("a", 4097),
        ] {
            let findings = Expression::condition(&text).unwrap_err();
            assert_eq!(findings[0].code, "invalid-expression", "{}", &text[..20]);
        }
        assert!(Expression::condition(&format!("{}true", "!".repeat(4000))).is_ok());
    };
    small.spawn(check).unwrap().join().unwrap();
}

#[test]
fn variables_serve_many_threads() {
    let snapshot = snapshot();
    let variables = Variables::new(&snapshot);
    let expression = condition(r#"release.components.size() == 2 && change.risk == "high""#);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(expression.holds(&variables), Ok(true)));
        }
    });
}

/// CEL leaves the order of a map's keys open, and the interpreter's own differs from run to run.
#[test]
fn the_keys_of_a_map_come_in_the_same_order_each_time() {
    let mut json = snapshot_json();
    json["labels"] = (0..40).map(|number| (format!("label-{number:02}"), json!("x"))).collect();
    let snapshot = read(json);
    for text in [
        r#"labels.map(name, name)[0] == "label-00" && labels.filter(name, name != "label-00")[0] == "label-01""#,
        r#"{"c": 1, "a": 2, "b": 3}.map(key, key) == ["a", "b", "c"]"#,
    ] {
        for _ in 0..20 {
            assert_eq!(condition(text).holds(&Variables::new(&snapshot)), Ok(true), "{text}");
        }
    }
}

/// The interpreter shows the values that it stumbled over, maps in another order in each run.
#[test]
fn a_reason_names_types_and_is_the_same_each_time() {
    let text = r#"now - [id, change][1] == duration("1h")"#;
    let failed = ExpressionError::Failed {
        expression: text.to_owned(),
        reason: "there is no `sub` of a value of type timestamp and a value of type map".to_owned(),
    };
    for _ in 0..20 {
        assert_eq!(holds(text), Err(failed.clone()));
    }
}

#[test]
fn versions_are_compared_by_what_they_mean() {
    let mut json = snapshot_json();
    let mut holds = |version: &str, text: &str| {
        json["release"]["version"] = json!(version);
        condition(text).holds(&Variables::new(&read(json.clone())))
    };
    for (version, other, order) in [
        ("0.9.0", "0.10.0", "<"),
        ("0.2.0", "0.10.0", "<"),
        ("0.10.0", "0.9.0", ">"),
        ("10.0.0", "9.9.9", ">"),
        ("1.0.0-rc.2", "1.0.0-rc.10", "<"),
        ("1.0.0-rc.1", "1.0.0", "<"),
        ("1.0.0-alpha", "1.0.0-1", ">"),
        ("1.0.0+build.2", "1.0.0+build.10", "=="),
        ("1.0.0", "1.0.0", "=="),
    ] {
        for (operator, expected) in [
            ("<", order == "<"),
            ("<=", order != ">"),
            ("==", order == "=="),
            ("!=", order != "=="),
            (">=", order != "<"),
            (">", order == ">"),
        ] {
            let text = format!(r#"semver(release.version) {operator} semver("{other}")"#);
            assert_eq!(holds(version, &text), Ok(expected), "{version} {operator} {other}");
        }
    }
    let exists = r#"release.components.exists(c, semver(c.version) >= semver(release.version))"#;
    assert_eq!(holds("4.10.0", "semver(release.components[0].version) < semver(release.version)"), Ok(true));
    assert_eq!(holds("4.1.0", exists), Ok(true));
}

#[test]
fn lengths_of_time_are_written_as_in_settings_or_in_cel_and_read_wholly() {
    for (text, expected) in [
        (r#"duration("90d") == duration("2160h")"#, true),
        (r#"duration("1h 30m") == duration("90m")"#, true),
        (r#"duration(duration("1d 12h")) == duration("36h")"#, true),
        (r#"duration("15m") < duration("15m1s")"#, true),
        (r#"now + duration("1d") > now + duration("23h59m")"#, true),
        (r#"[duration("90d")].exists(d, d > duration("91d"))"#, false),
        (r#"has(change.window) && change.window.start - duration("-1h") > now"#, true),
    ] {
        assert_eq!(holds(text), Ok(expected), "{text}");
    }
    for wrong in ["1h foo", "1h30", "soon", "-90d"] {
        let error = holds(&format!(r#"duration(string("{wrong}")) < duration("1h")"#)).unwrap_err().to_string();
        assert!(error.contains(&format!("`{wrong}` is no length of time")), "{error}");
    }
}

#[test]
fn a_text_that_is_no_version_is_an_error_that_names_it() {
    let mut json = snapshot_json();
    for version in ["2.4", "v2.4.0", "2026.11", "latest", "01.0.0"] {
        json["release"]["version"] = json!(version);
        let error =
            condition(r#"semver(release.version) < semver("0.10.0")"#).holds(&Variables::new(&read(json.clone())));
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("`{version}` is no semantic version")), "{error}");
    }
}

type Compiled = Result<(Expression, Vec<ModelFinding>), Vec<ModelFinding>>;

/// The expression that the findings propose in that help, and that has no finding any more.
fn proposed_by(compile: fn(&str) -> Compiled, help: usize, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..5 {
        let (_, findings) = compile(&text).unwrap_or_else(|findings| panic!("`{text}`: {findings:#?}"));
        let Some(finding) = findings.first() else { return text };
        assert_eq!(finding.code, "unguarded-field", "{text}");
        let help = &finding.helps[help];
        let (_, written) = help.split_once("write `").unwrap();
        text = written.strip_suffix('`').expect(help).to_owned();
    }
    panic!("`{text}` has findings without end");
}

/// What is proposed for the `when` of a binding.
fn proposed(text: &str) -> String {
    proposed_by(Expression::condition, 0, text)
}

/// Conditions that look at fields that are missing in [`without`].
const UNGUARDED: [&str; 17] = [
    "change.window.start < now",
    "!(change.window.start < now)",
    "!(change.window.start >= now || change.window.end < now)",
    "change.window.start < now && phase == \"entrance\"",
    "!(phase == \"exit\" && change.window.start < now)",
    "plan.id == \"p\"",
    "!(plan.id == \"p\" || plan.priority == \"low\")",
    "plan.slot.start < now",
    "labels.tier == \"one\"",
    "!(change[\"window\"].start < now || plan.slot.end < now)",
    "evidence.sbom.size > 0",
    "release.components.exists(c, c.origin == \"x\")",
    "release.components.all(c, c.origin == \"x\")",
    "!release.components.exists(c, c.origin == \"x\")",
    "!release.components.all(c, c.origin.startsWith(\"https:\"))",
    "!release.components.exists(c, release.components.exists(d, c.origin == d.origin))",
    "actual_instances.exists(i, i.components.exists(c, c.origin == \"x\")) || change.window.start < now",
];

/// The snapshot without what can be missing.
fn without() -> Snapshot {
    let mut json = snapshot_json();
    json["change"].as_object_mut().unwrap().remove("window");
    json["labels"] = json!({});
    json["facts"] = json!({});
    json["evidence"] = json!({});
    read(json)
}

/// A policy that is asked if a condition holds is asked, too, where what the condition looks at is missing.
#[test]
fn what_an_unguarded_field_of_a_when_proposes_holds_where_the_field_is_missing() {
    let without = without();
    for text in UNGUARDED {
        let better = proposed(text);
        assert!(condition(text).holds(&Variables::new(&without)) != Ok(true), "{text}");
        assert_eq!(condition(&better).holds(&Variables::new(&without)), Ok(true), "{better}");
    }
}

/// Whether a model is for deployments where the field is missing is for its author to say: each way is proposed.
#[test]
fn what_an_unguarded_field_of_applies_when_proposes_says_whether_the_model_applies_where_the_field_is_missing() {
    let mut with = snapshot_json();
    with["release"]["components"][1]["origin"] = json!("https://repo.example/größe");
    let (without, with) = (without(), read(with));
    for text in UNGUARDED {
        for (help, applies) in [(0, false), (1, true)] {
            let better = proposed_by(Expression::applies_when, help, text);
            let (expression, _) = Expression::applies_when(&better).unwrap();
            assert_eq!(expression.holds(&Variables::new(&without)), Ok(applies), "{better}");
            if let Ok(holds) = condition(text).holds(&Variables::new(&with)) {
                assert_eq!(expression.holds(&Variables::new(&with)), Ok(holds), "{better}");
            }
        }
    }
}

#[test]
fn what_an_unguarded_field_proposes_changes_nothing_where_the_field_is_there() {
    for text in [
        "change.window.start < now",
        "!(change.window.start < now)",
        "labels.team == \"checkout\"",
        "!(labels[\"team\"] == \"checkout\")",
        "facts[\"acme.cost\"].json.eur > 500.0",
        "facts[\"acme.cost\"].json.eur > 5.0",
        "release.components.filter(c, c.kind == \"software\").exists(c, c.name == \"api\") && change.window.end > now",
    ] {
        assert_eq!(holds(&proposed(text)), holds(text), "{text}");
        assert!(holds(text).is_ok(), "{text}");
    }
}

/// The codes of what is found in a condition, as it stands.
fn codes(text: &str) -> Vec<&'static str> {
    let found = match Expression::condition(text) {
        Ok((_, findings)) => findings,
        Err(findings) => findings,
    };
    found.iter().map(|finding| finding.code).collect()
}

#[test]
fn what_is_made_of_a_version_or_a_word_is_not_ordered_by_its_letters_either() {
    for made in [
        "release.version",
        "string(release.version)",
        "dyn(release.version)",
        "(release.version + \"\")",
        "(\"v\" + release.version)",
        "(id == \"x\" ? release.version : \"0\")",
        "{\"a\": release.version}[\"a\"]",
        "{\"a\": release.version, \"b\": id}.a",
        "[release.version][0]",
        "[id, release.version][1]",
        "[release.version].map(v, v + \"\")[0]",
        "release.?version.orValue(\"0\")",
        "optional.of(release.version).value()",
        "string(string(release.version) + \"\")",
        "change.risk",
        "string(change.risk)",
        "(change.risk + \"\")",
        "(id == \"x\" ? change.risk : \"low\")",
    ] {
        for text in [format!("{made} < \"high\""), format!("\"high\" >= {made}"), format!("!({made} > id)")] {
            assert_eq!(codes(&text), ["ordered-by-letters"], "{text}");
        }
        assert_eq!(codes(&format!("{made} == id")), Vec::<&str>::new(), "{made}");
    }
    // What is made of them and is no text of them is compared as ever.
    for text in [
        "release.version.size() < 7",
        "semver(string(release.version)) < semver(\"2.0.0\")",
        "{\"a\": release.version, \"b\": 7}[\"b\"] == 7",
        "id < product.id",
    ] {
        assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn what_can_never_hold_or_never_be_evaluated_is_found() {
    for (text, code) in [
        ("1 / 0 == 1", "invalid-expression"),
        ("size(id) % 0 == 1", "invalid-expression"),
        ("id + 1 == \"x\"", "wrong-comparison"),
        ("\"x\" + 1 == id", "wrong-comparison"),
        ("id - \"x\" == id", "wrong-comparison"),
        ("now + 5 > now", "wrong-comparison"),
        ("now.getMonth() == 12", "unknown-value"),
        ("now.getMonth(\"Europe/Berlin\") in [11, 12]", "unknown-value"),
        ("12 != now.getMonth()", "unknown-value"),
        ("now.getHours() >= 24", "unknown-value"),
        ("24 <= now.getHours()", "unknown-value"),
        ("now.getDayOfWeek() == 7", "unknown-value"),
        ("now.getDate() == 0", "unknown-value"),
        ("now.getMinutes() < 0", "unknown-value"),
        ("now.getHours() == -1", "unknown-value"),
        ("now.getFullYear() == 26", "unknown-value"),
        ("change.risk in []", "unknown-value"),
        ("release.components.map(c, c.kind) == [\"binary\"]", "unknown-value"),
        ("requester.id.startsWith(\"Ada\")", "unknown-value"),
        ("false", "constant-condition"),
        ("1 > 2", "constant-condition"),
    ] {
        assert_eq!(codes(text), [code], "{text}");
    }
    for text in [
        "now.getMonth() == 11",
        "now.getFullYear() == 2026",
        "requester.id.startsWith(\"ada\")",
        "now.getHours() < 24",
        "now.getDayOfWeek() in [0, 6]",
        "now.getDate() >= 31",
        "(now - change.window.start).getHours() < 48 || !has(change.window)",
        "size(id) % 2 == 1",
        "\"x\" + string(1) == id",
        "now + duration(\"5m\") > now",
    ] {
        assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
    }
}

/// A policy that is asked unless somebody has approved is asked although somebody approved something else.
#[test]
fn approvals_are_those_that_count() {
    let approval = |id: &str, subject: &str, expires: Option<&str>| {
        json!({
            "id": id, "person": {"id": id, "roles": ["risk"]}, "role": "risk", "answer": "approved",
            "at": "2026-11-01T00:00:00Z", "subject": subject, "expires": expires
        })
    };
    let mut json = snapshot_json();
    let (now, other) = (json["subject"].as_str().unwrap().to_owned(), Digest::of(b"other").to_string());
    json["approvals"] = json!([
        approval("a", &now, None),
        approval("b", &other, None),
        approval("c", &now, Some("2026-11-02T00:00:00Z")),
        approval("d", &now, Some("2030-01-01T00:00:00Z")),
    ]);
    let snapshot = read(json);
    for text in [
        r#"approvals.map(a, a.id) == ["a", "d"]"#,
        r#"void_approvals.map(a, a.id) == ["b", "c"]"#,
        "approvals.all(a, a.subject == subject)",
    ] {
        assert_eq!(condition(text).holds(&Variables::new(&snapshot)), Ok(true), "{text}");
    }
}

#[test]
fn a_key_that_can_be_missing_is_found_however_it_is_written() {
    for text in [
        "labels.tier == \"one\"",
        "labels[\"tier\"] == \"one\"",
        "facts[\"cost\"].json == 1",
        "evidence[\"sbom\"].size > 0",
    ] {
        assert_eq!(codes(text), ["unguarded-field"], "{text}");
    }
    for text in [
        "has(labels.tier) && labels[\"tier\"] == \"one\"",
        "\"tier\" in labels && labels[\"tier\"] == \"one\"",
        "!(\"tier\" in labels) || labels.tier == \"one\"",
    ] {
        assert_eq!(codes(text), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn an_expression_that_cannot_be_quoted_is_told_what_to_put_in_front() {
    for text in ["id == \"a//b\" || plan.id == \"p\"", "id == \"x\" ||\nplan.id == \"p\""] {
        let (_, findings) = Expression::condition(text).unwrap();
        assert_eq!(findings[0].helps, ["write `!has(plan.id) || (…)` with the whole expression in the brackets"]);
    }
    let text = "release.components.filter(c, c.kind == \"data\").exists(c, c.origin == \"x\")";
    let (_, findings) = Expression::condition(text).unwrap();
    assert_eq!(findings[0].helps, ["ask with `has(…)`, so that the condition holds where the field is missing"]);
}
