//! What conditions in CEL see, what they answer, and how they fail.

use crate::model_support::{read, snapshot, snapshot_json};
use lockgate_domain::Standing;
use lockgate_engine::expression::{Expression, ExpressionError, Member, Variables};
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
        r#"records.kpis[0].value > records.kpis[0].at_most"#,
        r#"records.fulfillment_books[0].execution_time > duration("1h")"#,
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

#[test]
fn what_is_absent_is_an_error_unless_it_is_asked_for() {
    let error = holds(r#"plan.id == "p""#).unwrap_err();
    assert_eq!(error, ExpressionError::Absent { expression: r#"plan.id == "p""#.to_owned(), field: "id".to_owned() });
    assert_eq!(error.to_string(), r#"`plan.id == "p"` looks at `id`, which is not there: guard it with `has(…)`"#);
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
        let started = std::time::Instant::now();
        let error = condition(text).holds(&variables).unwrap_err();
        assert_eq!(error, ExpressionError::TooCostly { expression: text.to_owned() });
        assert!(error.to_string().contains("more than 1000000 values"), "{error}");
        assert!(started.elapsed().as_secs() < 20, "{text} took {:?}", started.elapsed());
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
    let text = r#"now - change == duration("1h")"#;
    let failed = ExpressionError::Failed {
        expression: text.to_owned(),
        reason: "there is no `sub` of a value of type timestamp and a value of type map".to_owned(),
    };
    for _ in 0..20 {
        assert_eq!(holds(text), Err(failed.clone()));
    }
}
