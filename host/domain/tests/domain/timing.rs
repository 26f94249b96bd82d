//! How long a rollout takes, and which rollouts and windows are none.

use lockgate_domain::{Deployment, StepEnd, StepStatus, Timestamp, read_value};
use serde_json::{Value, json};

/// A rollout of three steps, of 10, 20 and 40 minutes. Undoing the first takes 5 minutes, undoing the last one 60; telling people
/// takes one.
fn rollout() -> Value {
    let step = |id: &str, planned: &str| {
        json!({
            "id": id, "title": id, "action": {"activity": {"name": id, "inputs": {}}}, "planned": planned, "repeatable": true,
        })
    };
    json!({
        "steps": [step("one", "10m"), step("two", "20m"), step("three", "40m")],
        "back": [
            {"step": step("tell", "1m"), "undoes": []},
            {"step": step("undo-three", "1h"), "undoes": ["three"]},
            {"step": step("undo-one", "5m"), "undoes": ["one", "two"]},
        ],
        "point_of_no_return": "three",
        "way_back": {"kind": "last-known-good", "release": "shop-1"},
        "summary": "one, two, three",
    })
}

fn deployment(change: impl FnOnce(&mut Value)) -> Result<Deployment, String> {
    let mut document: Value =
        serde_json::from_str(include_str!("../../../../examples/new-version/deployment.json")).unwrap();
    document["rollout"] = rollout();
    document["plan"]["slot"] = json!({"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z"});
    change(&mut document);
    read_value(&document).map_err(|error| format!("{}: {}", error.pointer, error.fault))
}

fn timing(deployment: &Deployment) -> Value {
    serde_json::to_value(deployment.timing()).unwrap()
}

#[test]
fn lengths_are_added_up_and_the_way_back_ends_before_the_point_of_no_return() {
    let expected = json!({
        "window": {"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T23:00:00Z"},
        "forward": "4200s", "back": "360s", "rest": "4200s", "moment_of_no_return": "2026-11-24T22:54:00Z",
    });
    assert_eq!(timing(&deployment(|_| {}).unwrap()), expected);
    let all = deployment(|document| drop(document["rollout"].as_object_mut().unwrap().remove("point_of_no_return")));
    assert_eq!(timing(&all.unwrap())["back"], "3960s", "without a point of no return, all of it can be undone");
}

#[test]
fn the_window_is_the_slot_or_that_of_the_change_and_without_one_there_is_no_last_moment() {
    let without = |both: bool| {
        deployment(|document| {
            drop(document["plan"].as_object_mut().unwrap().remove("slot"));
            document["change"]["window"] = json!({"start": "2026-11-24T20:00:00Z", "end": "2026-11-25T00:00:00Z"});
            if both {
                drop(document["change"].as_object_mut().unwrap().remove("window"));
            }
        })
        .unwrap()
    };
    assert_eq!(timing(&without(false))["moment_of_no_return"], "2026-11-24T23:54:00Z");
    assert_eq!(timing(&without(true)).get("moment_of_no_return"), None);
    let nothing = deployment(|document| drop(document.as_object_mut().unwrap().remove("rollout"))).unwrap();
    assert_eq!(nothing.timing(), None);
}

#[test]
fn the_rest_is_what_is_left_in_the_present_direction() {
    let mut deployment = deployment(|_| {}).unwrap();
    let mut progress = lockgate_domain::Progress::new(deployment.rollout.clone().unwrap());
    let now = Timestamp::from_millis(1_795_000_000_000);
    progress.begin("one", now);
    progress.end("one", StepEnd::new(StepStatus::Succeeded, None), now);
    deployment.progress = Some(progress.clone());
    assert_eq!(timing(&deployment)["rest"], "3600s");
    progress.turn_back(now);
    progress.begin("tell", now);
    progress.end("tell", StepEnd::new(StepStatus::Succeeded, None), now);
    deployment.progress = Some(progress);
    assert_eq!(timing(&deployment)["rest"], "300s");
}

#[test]
fn a_rollout_whose_ids_do_not_fit_together_is_refused() {
    let wrong = |change: fn(&mut Value)| deployment(|document| change(&mut document["rollout"])).unwrap_err();
    assert_eq!(
        wrong(|rollout| rollout["back"][2]["undoes"] = json!(["nope"])),
        "/rollout: step `undo-one` of the way back undoes `nope`, which is not a step of the way forward"
    );
    assert_eq!(
        wrong(|rollout| rollout["back"][0]["step"]["id"] = json!("two")),
        "/rollout: `two` is a step of the way back, and of the way forward: call one of them otherwise"
    );
    assert!(wrong(|rollout| rollout["steps"][1]["id"] = json!("one")).contains("`one` is in the list twice"));
}

#[test]
fn a_window_ends_after_it_begins_wherever_it_stands() {
    for end in ["2026-11-24T20:00:00Z", "2026-11-24T19:00:00Z"] {
        let window = json!({"start": "2026-11-24T20:00:00Z", "end": end});
        for pointer in ["/plan/slot", "/plan/suppression", "/change/window"] {
            let refused = deployment(|document| {
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                document.pointer_mut(parent).unwrap()[name] = window.clone();
            });
            let refused = refused.unwrap_err();
            assert!(refused.starts_with(&format!("{pointer}: the time window ends at {end}")), "{refused}");
        }
    }
}

#[test]
fn numbers_and_texts_out_of_their_range_are_refused_at_their_place() {
    let refused = |change: &dyn Fn(&mut Value)| deployment(|document| change(document)).unwrap_err();
    let kpi = |budget: f64| {
        json!({"kpis": [{
            "id": "k", "objective": "o", "metric": "m", "unit": "1", "samples": 0, "budget": budget,
        }]})
    };
    for budget in [5.0, -1.0] {
        let said = refused(&|document| document["registers"] = kpi(budget));
        assert_eq!(said, format!("/registers/kpis/0/budget: {budget} is no share: write a number from 0 to 1"));
    }
    for currency in ["euro", "eur", "€"] {
        let said = refused(&|document| document["change"]["planned_cost"] = json!({"amount": 1, "currency": currency}));
        assert!(said.starts_with(&format!("/change/planned_cost/currency: `{currency}` is not a currency")), "{said}");
    }
    let long = refused(&|document| document["change"]["attributes"] = json!({"note": "x".repeat(1025)}));
    assert_eq!(
        long,
        "/change/attributes/note: the text has 1025 bytes, and at most 1024 are allowed: use a fact or evidence for long texts"
    );
    let many: serde_json::Map<String, Value> = (0..65).map(|number| (format!("a-{number}"), json!("x"))).collect();
    let many = refused(&|document| document["change"]["attributes"] = many.clone().into());
    assert_eq!(many, "/change/attributes: 65 entries: at most 64 are allowed");
}
