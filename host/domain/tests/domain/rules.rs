//! The host's own rules, one by one.
use std::collections::BTreeMap;

use lockgate_domain::rules::{RollbackTimes, breaches, may_roll_back, stopped, unfinished_way_back};
use lockgate_domain::{
    BeforeRollout, DataRetention, Deployment, Digest, Finding, Gate, Phase, Progress, Rollout, Share, Snapshot, Stage,
    WayBack,
};
use serde_json::{Value, json};

const ENTRANCE: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance };
const EXIT: Gate = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
const FULFILL: Gate = Gate { stage: Stage::Fulfill, phase: Phase::Entrance };
const VALIDATE: Gate = Gate { stage: Stage::Validate, phase: Phase::Exit };

fn model() -> Digest {
    Digest::of(b"model")
}

/// A deployment that keeps to every rule up to the exit of plan-and-approve.
fn deployment() -> Value {
    json!({
        "id": "dep-1",
        "scenario": "new-version",
        "requester": {"id": "ana"},
        "product": {"id": "shop"},
        "release": {
            "id": "shop-2", "name": "Shop", "version": "2.0.0", "status": "published",
            "components": [{"name": "shop", "kind": "software", "version": "2.0.0", "digest": Digest::of(b"shop 2")}]
        },
        "environment": {"name": "live", "kind": "live", "control": "full"},
        "change": {
            "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
            "window": {"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z"},
            "releases": ["shop-2"]
        },
        "plan": {
            "id": "plan-1",
            "point_of_no_return": "switch",
            "way_back": {"kind": "last-known-good", "release": "shop-1"}
        }
    })
}

/// The same, with what was approved on record.
fn approved() -> Value {
    approve(deployment())
}

/// With the record of its own approval.
fn approve(mut value: Value) -> Value {
    let deployment: Deployment = serde_json::from_value(value.clone()).unwrap();
    value["approved"] = json!({
        "subject": Snapshot::subject_of(&deployment, &BTreeMap::new(), model()).unwrap(),
        "decision": "dec-1", "at": "2026-11-23T12:00:00Z", "release": "shop-2",
        "components": value["release"]["components"],
        "parts": Snapshot::subject_parts(&deployment, &BTreeMap::new()).unwrap(),
        "plan": Digest::of_canonical(&deployment.plan).unwrap(),
        "model": model(),
    });
    value
}

fn at(gate: Gate, deployment: Value) -> Vec<Finding> {
    let deployment: Deployment = serde_json::from_value(deployment).unwrap();
    let snapshot = Snapshot {
        subject: Snapshot::subject_of(&deployment, &BTreeMap::new(), model()).unwrap(),
        deployment: deployment.into(),
        gate,
        now: "2026-11-24T20:30:00Z".parse().unwrap(),
        evidence: Default::default(),
    };
    breaches(&snapshot, model())
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// The codes and places of the breaches after one edit of the JSON.
fn after(gate: Gate, mut deployment: Value, edit: impl FnOnce(&mut Value)) -> Vec<(String, String)> {
    edit(&mut deployment);
    at(gate, deployment)
        .into_iter()
        .map(|breach| (breach.code, breach.pointers.into_iter().next().unwrap_or_default()))
        .collect()
}

fn one(code: &str, pointer: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), pointer.to_owned())]
}

#[test]
fn a_deployment_that_keeps_to_the_rules_breaks_none() {
    assert_eq!(codes(&at(ENTRANCE, deployment())), [""; 0]);
    assert_eq!(codes(&at(EXIT, deployment())), [""; 0]);
    assert_eq!(codes(&at(FULFILL, approved())), [""; 0]);
    assert_eq!(codes(&at(VALIDATE, approved())), [""; 0]);
}

#[test]
fn a_plan_is_needed_from_the_exit_of_plan_and_approve_on() {
    let unplanned = |value: &mut Value| drop(value.as_object_mut().unwrap().remove("plan"));
    assert_eq!(after(ENTRANCE, deployment(), unplanned), []);
    assert_eq!(after(EXIT, deployment(), unplanned), one("plan-missing", "/plan"));
}

#[test]
fn rule_1_a_new_version_plan_needs_a_point_of_no_return() {
    let edit = |value: &mut Value| value["plan"]["point_of_no_return"] = Value::Null;
    assert_eq!(after(EXIT, deployment(), edit), one("point-of-no-return-missing", "/plan/point_of_no_return"));
}

/// A rollout with the steps `switch` and `retire`.
fn laid_out(point: Value, way_back: Value) -> Value {
    let step = |id: &str| json!({"id": id, "title": id, "action": {"disable": {"slot": "blue"}}, "planned": "5m", "repeatable": true});
    json!({
        "steps": [step("switch"), step("retire")], "point_of_no_return": point, "way_back": way_back, "summary": "two steps"
    })
}

#[test]
fn rule_1_the_point_of_no_return_is_the_one_of_the_rollout_in_every_scenario() {
    let way_back = json!({"kind": "last-known-good", "release": "shop-1"});
    for scenario in ["new-version", "first-release", "removal"] {
        let mut document = if scenario == "removal" { removal() } else { deployment() };
        document["scenario"] = json!(scenario);
        let planned = |plan: Value, rollout: Value| {
            after(EXIT, document.clone(), |value| {
                value["plan"]["point_of_no_return"] = plan;
                value["rollout"] = laid_out(rollout, way_back.clone());
            })
        };
        assert_eq!(planned(json!("retire"), json!("retire")), [], "{scenario}");
        let differs = one("point-of-no-return-unknown", "/plan/point_of_no_return");
        assert_eq!(planned(json!("switch"), json!("retire")), differs, "{scenario}");
        assert_eq!(planned(json!("switch"), Value::Null), differs, "{scenario}");
        let is_no_step = one("point-of-no-return-unknown", "/rollout/point_of_no_return");
        assert_eq!(planned(json!("swich"), json!("swich")), is_no_step, "{scenario}");
    }
    // What the plan leaves open, the rollout may say.
    let edit = |value: &mut Value| {
        value["scenario"] = json!("first-release");
        value["plan"] = json!({"id": "plan-1"});
        value["rollout"] = laid_out(json!("switch"), json!({"kind": "removal"}));
    };
    assert_eq!(after(EXIT, deployment(), edit), []);
}

#[test]
fn rule_1_the_way_back_is_the_one_of_the_rollout() {
    let good = |release: &str, digest: Value| json!({"kind": "last-known-good", "release": release, "digest": digest});
    let (one_digest, other) = (json!(Digest::of(b"one")), json!(Digest::of(b"other")));
    let planned = |plan: &Value, rollout: Value| {
        let edit = |value: &mut Value| {
            value["plan"]["way_back"] = plan.clone();
            value["rollout"] = laid_out(json!("switch"), rollout);
        };
        after(EXIT, deployment(), edit)
    };
    let plan = good("shop-1", one_digest.clone());
    assert_eq!(planned(&plan, good("shop-1", one_digest)), []);
    assert_eq!(planned(&plan, good("shop-1", Value::Null)), [], "nobody named a digest that differs");
    let differs = one("way-back-differs", "/plan/way_back");
    for rollout in [
        good("shop-1", other),
        good("shop-0", Value::Null),
        json!({"kind": "removal"}),
        json!({"kind": "forward-only"}),
    ] {
        assert_eq!(planned(&plan, rollout.clone()), differs, "{rollout}");
    }
}

#[test]
fn rule_1_a_new_version_plan_needs_a_way_back_to_the_last_known_good() {
    for way_back in [json!(null), json!({"kind": "removal"}), json!({"kind": "forward-only"})] {
        let edit = |value: &mut Value| value["plan"]["way_back"] = way_back;
        assert_eq!(after(EXIT, deployment(), edit), one("way-back-missing", "/plan/way_back"));
    }
}

#[test]
fn rule_1_does_not_bind_a_first_release() {
    let edit = |value: &mut Value| {
        value["scenario"] = json!("first-release");
        value["plan"] = json!({"id": "plan-1", "way_back": {"kind": "removal"}});
    };
    assert_eq!(after(EXIT, deployment(), edit), []);
}

#[test]
fn a_way_back_names_a_release_where_it_returns_to_one_and_nowhere_else() {
    let read = |way_back: Value| serde_json::from_value::<WayBack>(way_back).map_err(|error| error.to_string());
    assert!(read(json!({"kind": "last-known-good", "release": "shop-1"})).is_ok());
    assert!(read(json!({"kind": "removal", "rehearsed_by": "staging-1"})).is_ok());
    let nowhere = read(json!({"kind": "last-known-good"})).unwrap_err();
    assert_eq!(nowhere, "`last-known-good` needs the `release` that it returns to");
    let too_much = read(json!({"kind": "removal", "release": "shop-1"})).unwrap_err();
    assert!(too_much.starts_with("only `last-known-good` returns to a `release`"), "{too_much}");
}

#[test]
fn a_share_is_at_most_all_of_it_and_is_shown_in_percent() {
    let read = |hundredths: u32| serde_json::from_value::<Share>(json!(hundredths)).map(|share| share.to_string());
    assert_eq!(read(10_000).unwrap(), "100 %");
    assert_eq!(read(1250).unwrap(), "12.5 %");
    assert_eq!(read(5).unwrap(), "0.05 %");
    assert_eq!(read(10_001).unwrap_err().to_string(), "10001 is more than 10000 hundredths of a percent");
}

#[test]
fn rule_3_the_slot_lies_within_the_change_window() {
    let with_slot = |start: &str, end: &str| {
        let slot = json!({"start": format!("2026-11-24T{start}:00Z"), "end": format!("2026-11-24T{end}:00Z")});
        after(EXIT, deployment(), move |value| value["plan"]["slot"] = slot)
    };
    assert_eq!(with_slot("20:00", "22:00"), []);
    for (start, end) in [("19:59", "21:00"), ("21:00", "22:01"), ("10:00", "11:00")] {
        assert_eq!(with_slot(start, end), one("slot-outside-change-window", "/plan/slot"), "{start} to {end}");
    }
    let edit = |value: &mut Value| {
        value["plan"]["slot"] = value["change"]["window"].clone();
        drop(value["change"].as_object_mut().unwrap().remove("window"));
    };
    assert_eq!(after(EXIT, deployment(), edit), [], "a change without a window has nothing to compare the slot with");
}

#[test]
fn rule_6_the_digest_of_a_release_is_that_of_its_components_and_its_blueprint() {
    let computed = |value: &Value| {
        serde_json::from_value::<lockgate_domain::Release>(value["release"].clone()).unwrap().computed_digest()
    };
    let right = |value: &mut Value| value["release"]["digest"] = json!(computed(value));
    assert_eq!(after(ENTRANCE, deployment(), right), []);
    let swapped = |value: &mut Value| {
        right(value);
        value["release"]["components"][0]["digest"] = json!(Digest::of(b"another build"));
    };
    assert_eq!(after(ENTRANCE, deployment(), swapped), one("release-digest-differs", "/release/digest"));
    let laid_down = |value: &mut Value| {
        right(value);
        let book = json!({"id": "switch", "fulfills": "traffic", "automated": true});
        value["release"]["blueprint"] = json!([{"environment": "live", "fulfillment_books": [book]}]);
    };
    assert_eq!(after(ENTRANCE, deployment(), laid_down), one("release-digest-differs", "/release/digest"));
    let unknown = |value: &mut Value| {
        value["release"]["blueprint"] =
            json!([{"environment": "staging", "instances": [{"id": "shop-a", "components": ["shop", "cart"]}]}]);
    };
    let place = "/release/blueprint/0/instances/0/components/1";
    assert_eq!(after(ENTRANCE, deployment(), unknown), one("blueprint-component-unknown", place));
}

#[test]
fn rule_6_the_order_of_components_does_not_change_the_digest_of_a_release() {
    let of = |names: [&str; 2]| {
        let components = names.map(|name| json!({"name": name, "kind": "software", "version": "1"}));
        let release = json!({"id": "r", "name": "R", "version": "1", "status": "draft", "components": components});
        serde_json::from_value::<lockgate_domain::Release>(release).unwrap().computed_digest()
    };
    assert_eq!(of(["a", "b"]), of(["b", "a"]));
    assert_eq!(
        of(["a", "b"]),
        Digest::of(br#"{"components":[{"name":"a","version":"1"},{"name":"b","version":"1"}]}"#)
    );
}

#[test]
fn rule_6_the_rollout_is_the_approved_one() {
    let edit = |value: &mut Value| {
        value["rollout"] = laid_out(json!("switch"), json!({"kind": "last-known-good", "release": "shop-1"}))
    };
    let found = after(FULFILL, approved(), edit);
    assert!(found.contains(&("rollout-differs-from-approved".to_owned(), "/rollout".to_owned())), "{found:?}");
}

#[test]
fn rule_2_after_the_point_of_no_return_a_rollback_is_refused() {
    let rollout: Rollout = serde_json::from_value(json!({
        "steps": [
            {"id": "deploy", "title": "Deploy", "action": {"deploy": {"to": {"slot": "green"}, "capacity": 10_000}},
             "planned": "10m", "repeatable": true},
            {"id": "switch", "title": "Switch", "action": {"route": {"slot": "green", "weight": 10_000}},
             "planned": "1m", "repeatable": true}
        ],
        "point_of_no_return": "switch", "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "Blue-green"
    }))
    .unwrap();
    let now = "2026-11-24T20:30:00Z".parse().unwrap();
    let mut under_way: Deployment = serde_json::from_value(deployment()).unwrap();
    under_way.progress = Some(Progress::new(rollout));
    under_way.progress.as_mut().unwrap().begin("deploy", now);
    assert_eq!(may_roll_back(&under_way, now), Ok(()));
    under_way.progress.as_mut().unwrap().begin("switch", now);
    let breach = may_roll_back(&under_way, now).unwrap_err();
    assert_eq!(breach.code, "rollback-after-point-of-no-return");
    assert_eq!(breach.about.as_deref(), Some("switch"));
}

/// The code of the rule that refuses a rollback at this time.
fn refused_at(deployment: &Deployment, now: &str) -> Option<String> {
    may_roll_back(deployment, now.parse().unwrap()).err().map(|breach| breach.code)
}

#[test]
fn rule_2_a_rollback_that_would_not_end_within_the_window_is_refused() {
    let late = Some("rollback-after-moment-of-no-return".to_owned());
    let mut value = deployment();
    let without: Deployment = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(refused_at(&without, "2026-11-24T22:00:00Z"), None, "without a rollout: the end of the window");
    assert_eq!(refused_at(&without, "2026-11-24T22:00:00.001Z"), late);
    let step = |id: &str, planned: &str| json!({"id": id, "title": id, "action": {"remove": {}}, "planned": planned, "repeatable": true});
    value["rollout"] = json!({
        "steps": [step("deploy", "10m"), step("switch", "1m")],
        "back": [{"step": step("undo", "20m"), "undoes": ["deploy"]}, {"step": step("never", "1h"), "undoes": ["switch"]}],
        "point_of_no_return": "switch", "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "two steps"
    });
    let laid_out: Deployment = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(refused_at(&laid_out, "2026-11-24T21:40:00Z"), None, "twenty minutes fit");
    assert_eq!(refused_at(&laid_out, "2026-11-24T21:40:00.001Z"), late);
    value["plan"]["slot"] = json!({"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T21:00:00Z"});
    let with_slot: Deployment = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(refused_at(&with_slot, "2026-11-24T21:40:00Z"), None, "the window of the change counts");
    value["change"].as_object_mut().unwrap().remove("window");
    let slot_alone: Deployment = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(refused_at(&slot_alone, "2026-11-24T20:40:00.001Z"), late);
    value["rollout"]["way_back"] = json!({"kind": "forward-only"});
    let forward: Deployment = serde_json::from_value(value).unwrap();
    assert_eq!(refused_at(&forward, "2026-11-24T20:00:00Z").as_deref(), Some("rollback-forward-only"));
}

/// What the inventory is, and what was there before, as far as these edits change it: what is missing.
fn missing(before: &dyn Fn(&mut Value), after: &dyn Fn(&mut Value), times: RollbackTimes) -> Vec<String> {
    let mut value = deployment();
    value["plan"]["targets"] = json!(["live-1", "live-2"]);
    let component = |version: &str| json!([{"name": "shop", "kind": "software", "version": version}]);
    let instance = |id: &str, release: &str, version: &str| json!({"id": id, "environment": "live", "status": "running", "release": release, "components": component(version)});
    value["actual_instances"] = json!([
        instance("live-1", "shop-1", "1"),
        instance("live-2", "shop-1", "1"),
        instance("live-3", "shop-0", "0")
    ]);
    before(&mut value);
    let was = BeforeRollout::of(&serde_json::from_value(value.clone()).unwrap());
    after(&mut value);
    let mut deployment: Deployment = serde_json::from_value(value).unwrap();
    was.restore(&mut deployment);
    let found = unfinished_way_back(&deployment, &was, times, "2026-11-24T20:30:00Z".parse().unwrap());
    assert!(found.iter().all(|finding| finding.code == "rollback-incomplete"), "{found:?}");
    found.into_iter().map(|finding| finding.about.unwrap_or_default()).collect()
}

#[test]
fn rule_2_a_rollback_is_complete_when_the_inventory_is_as_it_was() {
    let nothing = |_: &mut Value| {};
    let found = |edit: &dyn Fn(&mut Value)| missing(&nothing, edit, RollbackTimes::default());
    assert_eq!(found(&nothing), [""; 0]);
    assert_eq!(found(&|value| value["actual_instances"][1]["release"] = json!("shop-2")), ["live-2"]);
    assert_eq!(found(&|value| value["actual_instances"][1]["components"][0]["version"] = json!("2")), ["live-2"]);
    assert_eq!(found(&|value| value["actual_instances"][0]["status"] = json!("removed")), ["live-1"]);
    assert_eq!(found(&|value| value["actual_instances"][0]["status"] = json!("disabled")), ["live-1"]);
    assert_eq!(found(&|value| value["actual_instances"] = json!([])), ["live-1", "live-2", "shop-1"]);
    // What is no target stays out of it, unless it has the new release now.
    assert_eq!(found(&|value| value["actual_instances"][2]["status"] = json!("stopped")), [""; 0]);
    assert_eq!(found(&|value| value["actual_instances"][2]["release"] = json!("shop-2")), ["live-3"]);
    let canary = json!({"id": "canary-1", "environment": "live", "status": "running", "release": "shop-2"});
    let with_canary = |value: &mut Value| value["actual_instances"].as_array_mut().unwrap().push(canary.clone());
    assert_eq!(found(&with_canary), ["canary-1"]);
    // One that had the new release before may keep it, and a target that was new is gone again.
    assert_eq!(missing(&with_canary, &nothing, RollbackTimes::default()), [""; 0]);
    let new_target = |value: &mut Value| value["plan"]["targets"] = json!(["live-1", "live-2", "canary-1"]);
    assert_eq!(missing(&new_target, &nothing, RollbackTimes::default()), [""; 0]);
    // Nothing that is written into the deployment afterwards changes what is compared.
    let other_plan = |value: &mut Value| {
        value["plan"]["targets"] = json!([]);
        value["plan"].as_object_mut().unwrap().remove("way_back");
        value["scenario"] = json!("removal");
        value["actual_instances"][0]["release"] = json!("shop-2");
    };
    assert_eq!(found(&other_plan), ["live-1"]);
    // The release that the plan returns to runs nowhere, and did not before.
    let other_good = |value: &mut Value| value["plan"]["way_back"]["release"] = json!("shop-9");
    assert_eq!(missing(&other_good, &nothing, RollbackTimes::default()), ["shop-9"]);
    // Nobody knew what was there.
    let unknown = |value: &mut Value| value["actual_instances"] = json!([]);
    assert_eq!(missing(&unknown, &nothing, RollbackTimes::default()), ["shop-1"]);
    let first = |value: &mut Value| {
        unknown(value);
        value["scenario"] = json!("first-release");
        value["plan"].as_object_mut().unwrap().remove("way_back");
    };
    assert_eq!(missing(&first, &nothing, RollbackTimes::default()), [""; 0]);
    assert_eq!(missing(&first, &with_canary, RollbackTimes::default()), ["canary-1"]);
}

#[test]
fn rule_2_an_inventory_from_before_the_way_back_says_nothing_of_its_result() {
    let nothing = |_: &mut Value| {};
    let began = Some("2026-11-24T20:10:00Z".parse().unwrap());
    let told = |told: Option<&str>| {
        let told = told.map(|told| told.parse().unwrap());
        missing(&nothing, &nothing, RollbackTimes { began, told }).len()
    };
    assert_eq!(told(None), 1);
    assert_eq!(told(Some("2026-11-24T20:09:59Z")), 1);
    assert_eq!(told(Some("2026-11-24T20:10:00Z")), 0);
    let attested = |at: &str| {
        let entry = json!({"source": "register", "credential": "token:cmdb", "as_of": at, "recorded": at});
        let list = json!({"source": "register", "credential": "token:cmdb"});
        let edit = |value: &mut Value| {
            value["provenance"] = json!({
                "/actual_instances": list, "/actual_instances/0": entry, "/actual_instances/1": entry,
                "/actual_instances/2": entry
            });
        };
        missing(&nothing, &edit, RollbackTimes { began, told: None }).len()
    };
    assert_eq!(attested("2026-11-24T20:05:00Z"), 1);
    assert_eq!(attested("2026-11-24T20:15:00Z"), 0);
}

#[test]
fn rule_1_a_way_back_that_does_not_fit_into_the_window_is_not_approved_and_does_not_begin() {
    let step = |id: &str, planned: &str| json!({"id": id, "title": id, "action": {"remove": {}}, "planned": planned, "repeatable": true});
    let with = |planned: &str| {
        let mut value = deployment();
        value["rollout"] = json!({
            "steps": [step("deploy", "10m"), step("switch", "1m")],
            "back": [{"step": step("undo", planned), "undoes": ["deploy"]}],
            "point_of_no_return": "switch", "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "two"
        });
        value
    };
    let breach = one("way-back-too-long", "/change/window");
    assert_eq!(after(EXIT, with("2h"), |_| {}), []);
    assert_eq!(after(EXIT, with("2h 1s"), |_| {}), breach);
}

#[test]
fn rule_1_a_rehearsal_is_proved_by_a_deployment_that_was_rolled_back_in_another_environment() {
    let record = json!({
        "id": "in-staging", "product": "shop", "release": "shop-2", "environment": "staging", "scenario": "new-version",
        "components": [{"name": "shop", "version": "2.0.0", "digest": Digest::of(b"shop 2")}],
        "risk": "low", "requested": "2026-11-20T10:00:00Z", "ended": "2026-11-20T11:00:00Z", "outcome": "rolled-back"
    });
    let found = |edit: &dyn Fn(&mut Value)| {
        let mut record = record.clone();
        edit(&mut record);
        after(EXIT, deployment(), move |value| {
            value["plan"]["way_back"]["rehearsed_by"] = json!("in-staging");
            value["history"] = json!([record]);
        })
    };
    let breach = one("rehearsal-not-proved", "/plan/way_back/rehearsed_by");
    assert_eq!(found(&|_| {}), []);
    assert_eq!(found(&|record| record["id"] = json!("another")), breach);
    assert_eq!(found(&|record| record["outcome"] = json!("operational")), breach);
    assert_eq!(found(&|record| record["environment"] = json!("live")), breach);
    assert_eq!(found(&|record| record["components"][0]["digest"] = json!(Digest::of(b"another"))), breach);
}

#[test]
fn rule_8_every_step_is_done_before_the_exit_of_fulfill() {
    let exit = Gate::FULFILL_EXIT;
    let rollout = laid_out(json!("switch"), json!({"kind": "last-known-good", "release": "shop-1"}));
    let mut planned = deployment();
    planned["rollout"] = rollout.clone();
    let mut value = approve(planned);
    value["approved"]["rollout"] =
        json!(Digest::of_canonical(&serde_json::from_value::<Rollout>(rollout.clone()).unwrap()).unwrap());
    let found = |status: Option<&str>| {
        let rollout = rollout.clone();
        let value = value.clone();
        let done = after(exit, value, move |value| {
            if let Some(status) = status {
                let steps = rollout["steps"].as_array().unwrap().iter();
                let steps: Vec<Value> = steps.map(|step| json!({"id": step["id"], "status": status})).collect();
                value["progress"] = json!({"rollout": rollout, "steps": steps, "past_point_of_no_return": true});
            }
        });
        done.into_iter().any(|(code, _)| code == "rollout-unfinished")
    };
    assert!(found(None), "no step was carried out");
    assert!(found(Some("failed")));
    assert!(found(Some("running")));
    assert!(!found(Some("succeeded")));
    assert!(!found(Some("skipped")));
}

#[test]
fn rule_3_suppression_never_outlives_the_change_window() {
    let suppress = |start: &str, end: &str| {
        let window = json!({"start": start, "end": end});
        after(EXIT, deployment(), move |value| value["plan"]["suppression"] = window)
    };
    assert_eq!(suppress("2026-11-24T20:00:00Z", "2026-11-24T22:00:00Z"), []);
    let breach = one("suppression-outlives-change-window", "/plan/suppression");
    assert_eq!(suppress("2026-11-24T20:00:00Z", "2026-11-24T22:00:00.001Z"), breach);
    assert_eq!(suppress("2026-11-24T19:59:59Z", "2026-11-24T21:00:00Z"), breach);
    let windowless = after(EXIT, deployment(), |value| {
        value["plan"]["suppression"] = value["change"]["window"].clone();
        value["change"]["window"] = Value::Null;
    });
    assert_eq!(windowless, breach);
}

#[test]
fn rule_4_the_office_hours_exception_needs_zero_consumers() {
    let with = |consumers: Value| {
        after(EXIT, deployment(), move |value| {
            value["plan"]["office_hours_exception"] = json!(true);
            value["actual_instances"] =
                json!([{"id": "i-1", "environment": "live", "status": "running", "consumers": consumers}]);
        })
    };
    let breach = one("office-hours-with-consumers", "/actual_instances/0/consumers");
    assert_eq!(with(json!(0)), []);
    assert_eq!(with(json!(1)), breach);
    assert_eq!(with(json!(null)), breach, "not knowing is not zero");
    let of_product = after(EXIT, deployment(), |value| {
        value["plan"]["office_hours_exception"] = json!(true);
        value["product"]["consumers"] = json!(3);
    });
    assert_eq!(of_product, one("office-hours-with-consumers", "/product/consumers"));
}

fn removal() -> Value {
    let mut value = deployment();
    value["scenario"] = json!("removal");
    value["plan"] = json!({
        "id": "plan-1",
        "targets": ["i-1", "i-2"],
        "notice": "2026-08-01T00:00:00Z",
        "data_retention": {"keep": "90d", "viewable_by_customer": true, "decided_by": "ben"}
    });
    value["actual_instances"] = json!([
        {"id": "i-2", "environment": "live", "status": "stopped"},
        {"id": "i-1", "environment": "live", "status": "running"},
        {"id": "i-0", "environment": "live", "status": "removed"}
    ]);
    value
}

#[test]
fn rule_5_a_removal_needs_a_data_retention_decision() {
    assert_eq!(after(EXIT, removal(), |_| ()), []);
    let undecided = after(EXIT, removal(), |value| value["plan"]["data_retention"] = Value::Null);
    assert_eq!(undecided, one("data-retention-undecided", "/plan/data_retention"));
    for nothing in ["0s", "0d", "0m"] {
        let kept = after(EXIT, removal(), |value| value["plan"]["data_retention"]["keep"] = json!(nothing));
        assert_eq!(kept, one("data-retention-undecided", "/plan/data_retention/keep"), "{nothing}");
    }
    assert_eq!(after(EXIT, removal(), |value| value["plan"]["data_retention"]["keep"] = json!("1ms")), []);
}

#[test]
fn rule_5_a_data_retention_decision_names_who_decided() {
    for nobody in ["", "  "] {
        let mut retention = removal()["plan"]["data_retention"].take();
        retention["decided_by"] = json!(nobody);
        let error = serde_json::from_value::<DataRetention>(retention).unwrap_err().to_string();
        assert!(error.contains("the id of a person is empty: write one"), "{error}");
    }
}

#[test]
fn rule_5_the_targets_of_a_removal_are_the_inventory_of_actual_instances() {
    let targets = |targets: Value| after(EXIT, removal(), move |value| value["plan"]["targets"] = targets);
    let breach = one("removal-targets-differ", "/plan/targets");
    assert_eq!(targets(json!(["i-2", "i-1"])), []);
    assert_eq!(targets(json!(["i-1"])), breach);
    assert_eq!(targets(json!(["i-1", "i-2", "i-3"])), breach);
    assert_eq!(targets(json!(["i-0", "i-1", "i-2"])), breach, "what is already removed is not in the inventory");
}

#[test]
fn rule_6_a_change_resolves_to_exactly_one_release() {
    for releases in [json!([]), json!(["shop-1"]), json!(["shop-2", "shop-3"])] {
        let breached = after(ENTRANCE, deployment(), |value| value["change"]["releases"] = releases);
        assert_eq!(breached, one("change-without-single-release", "/change/releases"));
    }
}

#[test]
fn rule_6_past_plan_and_approve_what_was_approved_is_on_record() {
    assert_eq!(after(FULFILL, deployment(), |_| ()), one("approved-plan-missing", "/approved"));
}

#[test]
fn rule_6_a_digest_that_differs_from_the_approved_one_stops_the_deployment() {
    let breached = after(FULFILL, approved(), |value| {
        value["release"]["components"][0]["digest"] = json!(Digest::of(b"tampered"));
    });
    assert_eq!(breached, one("digest-differs-from-approved", "/release/components/0/digest"));
    let without = after(FULFILL, approved(), |value| value["release"]["components"][0]["digest"] = Value::Null);
    assert_eq!(without, one("digest-differs-from-approved", "/release/components/0/digest"));
}

#[test]
fn rule_6_a_component_too_many_or_too_few_stops_the_deployment() {
    let extra = after(FULFILL, approved(), |value| {
        let more = json!({"name": "miner", "kind": "software", "version": "1"});
        value["release"]["components"].as_array_mut().unwrap().push(more);
    });
    assert_eq!(extra, one("release-differs-from-approved", "/release/components/1"));
    let missing = after(FULFILL, approved(), |value| value["release"]["components"] = json!([]));
    assert_eq!(missing, one("release-differs-from-approved", "/release/components"));
}

#[test]
fn rule_6_the_plan_the_model_and_the_release_are_the_approved_ones() {
    let plan = after(FULFILL, approved(), |value| value["plan"]["priority"] = json!("high"));
    assert_eq!(plan, one("plan-differs-from-approved", "/plan"));
    let model = after(FULFILL, approved(), |value| value["approved"]["model"] = json!(Digest::of(b"other")));
    assert_eq!(model, one("model-differs-from-approved", "/approved/model"));
    let release = after(FULFILL, approved(), |value| value["approved"]["release"] = json!("shop-1"));
    assert_eq!(release, one("release-differs-from-approved", "/release/id"));
}

#[test]
fn rule_6_what_was_approved_is_bound_to_where_for_what_for_whom_and_under_which_change() {
    let differs = |edit: fn(&mut Value)| after(FULFILL, approved(), edit);
    let breach = |pointer| one("subject-differs-from-approved", pointer);
    assert_eq!(differs(|value| value["environment"]["name"] = json!("staging")), breach("/environment"));
    assert_eq!(differs(|value| value["change"]["risk"] = json!("critical")), breach("/change"));
    assert_eq!(differs(|value| value["change"]["window"]["end"] = json!("2030-01-01T00:00:00Z")), breach("/change"));
    assert_eq!(differs(|value| value["product"]["id"] = json!("till")), breach("/product"));
    assert_eq!(differs(|value| value["requester"]["id"] = json!("mallory")), breach("/requester"));
    assert_eq!(differs(|value| value["contributors"] = json!([{"id": "mallory"}])), breach("/requester"));
    assert_eq!(differs(|value| value["id"] = json!("dep-2")), breach("/id"));
    assert_eq!(differs(|value| value["release"]["version"] = json!("2.0.1")), breach("/approved/subject"));
    assert_eq!(differs(|value| value["approved"]["subject"] = json!(model())), breach("/approved/subject"));
}

#[test]
fn rule_6_the_desired_instances_are_the_approved_ones() {
    let instance = |location: &str| json!({"id": "shop-a", "environment": "live", "release": "shop-2", "status": "running", "location": location});
    let desired = |instances: Value| {
        let mut value = deployment();
        value["desired_instances"] = instances;
        value
    };
    let breach = one("subject-differs-from-approved", "/desired_instances");
    let later = |approved: Value, instances: Value| {
        after(VALIDATE, approve(desired(approved)), |value| value["desired_instances"] = instances)
    };
    let two = |first: &str, second: &str| {
        json!([first, second].map(|id| json!({"id": id, "environment": "live", "status": "running"})))
    };
    assert_eq!(later(json!([instance("eu")]), json!([instance("eu")])), []);
    assert_eq!(later(two("a", "b"), two("b", "a")), [], "the order does not matter");
    assert_eq!(later(json!([instance("eu")]), json!([instance("us")])), breach);
    assert_eq!(later(json!([instance("eu")]), json!([])), breach);
    assert_eq!(later(json!([]), json!([instance("eu")])), breach);
    // What the blueprint lays down is approved with the blueprint.
    let mut value = desired(json!([]));
    value["release"]["blueprint"] = json!([{"environment": "live", "instances": [{"id": "shop-a"}]}]);
    let read: Deployment = serde_json::from_value(value.clone()).unwrap();
    value["desired_instances"] = json!(read.release.desired_instances("live"));
    let read: Deployment = serde_json::from_value(value).unwrap();
    let parts = Snapshot::subject_parts(&read, &BTreeMap::new()).unwrap();
    assert!(!parts.contains_key("desired-instances"), "{parts:?}");
}

#[test]
fn rule_6_what_only_tells_how_far_something_has_come_may_move_on() {
    let moved_on = after(FULFILL, approved(), |value| {
        value["release"]["description"] = json!("now with a description");
        value["release"]["knowledge_items"] =
            json!([{"id": "k", "title": "t", "status": "published", "author": "ana"}]);
        value["change"]["assignee"] = json!("ben");
        value["labels"] = json!({"team": "shop"});
    });
    assert_eq!(moved_on, []);
}

#[test]
fn rule_6_an_approval_is_not_dated_later_than_now() {
    let later = after(FULFILL, approved(), |value| value["approved"]["at"] = json!("2030-01-01T00:00:00Z"));
    assert_eq!(later, one("approved-in-the-future", "/approved/at"));
}

#[test]
fn rule_6_what_really_runs_holds_the_approved_components() {
    let with = |gate, digest: Digest| {
        after(gate, approved(), move |value| {
            value["actual_instances"] = json!([{
                "id": "i-1", "environment": "live", "status": "running", "release": "shop-2",
                "components": [{"name": "shop", "kind": "software", "version": "2.0.0", "digest": digest}]
            }]);
        })
    };
    assert_eq!(with(VALIDATE, Digest::of(b"shop 2")), []);
    let breach = one("digest-differs-from-approved", "/actual_instances/0/components/0/digest");
    assert_eq!(with(VALIDATE, Digest::of(b"tampered")), breach);
    assert_eq!(with(FULFILL, Digest::of(b"tampered")), [], "nothing has been deployed yet");
}

#[test]
fn a_digest_that_differs_is_mended_by_the_owner_of_the_place_where_it_stands() {
    let owner = |edit: &dyn Fn(&mut Value)| {
        let mut value = approved();
        edit(&mut value);
        let found = at(VALIDATE, value);
        let breach = found.iter().find(|breach| breach.code == "digest-differs-from-approved").unwrap();
        breach.remedies[0].owner.clone().unwrap()
    };
    let tampered = json!({"name": "shop", "kind": "software", "version": "2.0.0", "digest": Digest::of(b"tampered")});
    let instance = json!([{"id": "i-1", "environment": "live", "status": "running", "release": "shop-2", "components": [tampered]}]);
    assert_eq!(owner(&|value| value["actual_instances"] = instance.clone()), "operations-manager");
    assert_eq!(owner(&|value| value["release"]["components"] = json!([tampered])), "release-manager");
}

#[test]
fn rule_5_what_stays_of_a_removal_is_neither_taken_away_by_a_step_nor_gone_afterwards() {
    let part = |step: Value| {
        let mut value = removal();
        let instance = |id: &str, slot: &str| json!({"id": id, "environment": "live", "status": "running", "release": "shop-1", "location": slot});
        value["actual_instances"] = json!([instance("a", "blue"), instance("b", "blue"), instance("c", "green")]);
        value["plan"]["targets"] = json!(["a"]);
        value["plan"]["staying"] = json!(["b", "c"]);
        value["rollout"] = json!({
            "steps": [{"id": "off", "title": "off", "action": step, "planned": "1m", "repeatable": true}],
            "way_back": {"kind": "forward-only"}, "summary": "one"
        });
        let found = after(EXIT, value, |_| {});
        found.contains(&("removal-targets-differ".to_owned(), "/rollout/steps/0/action".to_owned()))
    };
    assert!(part(json!({"disable": {"slot": "blue"}})), "b is in that slot");
    assert!(part(json!({"route": {"slot": "blue", "weight": 0}})));
    assert!(part(json!({"disable": {}})));
    assert!(part(json!({"disable": {"instances": ["a", "b"]}})));
    assert!(!part(json!({"disable": {"instances": ["a"]}})));
    assert!(!part(json!({"disable": {"slot": "red"}})));

    let mut value = removal();
    value["actual_instances"] = json!([{"id": "b", "environment": "live", "status": "running", "release": "shop-1"}]);
    value["plan"]["targets"] = json!(["a"]);
    value["plan"]["staying"] = json!(["b"]);
    let gone = ("removal-targets-differ".to_owned(), "/plan/staying".to_owned());
    let value = approve(value);
    assert!(!after(VALIDATE, value.clone(), |_| {}).contains(&gone));
    assert!(after(VALIDATE, value, |value| value["actual_instances"][0]["status"] = json!("removed")).contains(&gone));
}

#[test]
fn every_breach_says_what_would_mend_it() {
    let mut value = removal();
    value["plan"] = json!({"id": "p", "office_hours_exception": true, "suppression": value["change"]["window"]});
    value["change"] = json!({
        "id": "C", "title": "t", "category": "normal", "approval": "approved", "risk": "low", "releases": []
    });
    let breaches = at(FULFILL, value);
    assert_eq!(breaches.len(), 9, "{:?}", codes(&breaches));
    assert!(breaches.iter().all(|breach| !breach.remedies.is_empty() && !breach.pointers.is_empty()));
}

#[test]
fn deployments_that_get_in_each_others_way_are_fulfilled_one_after_the_other() {
    let other = |relation: &str, under_way: bool| {
        json!([{"deployment": "dep-2", "product": "till", "environment": "live", "relation": relation,
                "under_way": under_way}])
    };
    let at_fulfill = |overlaps: Value| after(FULFILL, approved(), |value| value["overlaps"] = overlaps);
    for relation in ["same-product", "depended-on", "dependent"] {
        let breach = ("overlapping-deployment".to_owned(), "/overlaps/0".to_owned());
        assert_eq!(at_fulfill(other(relation, true)), [breach], "{relation}");
        assert_eq!(at_fulfill(other(relation, false)), [], "{relation}, only planned");
    }
    assert_eq!(at_fulfill(other("same-environment", true)), []);
    assert_eq!(after(EXIT, deployment(), |value| value["overlaps"] = other("same-product", true)), []);
}

#[test]
fn a_deployment_waits_across_environments_for_resources_and_for_dependencies_where_both_are_live() {
    let said = |environment: Value, overlap: Value| {
        let mut deployment = deployment();
        deployment["environment"] = environment;
        let mut deployment = approve(deployment);
        deployment["overlaps"] = json!([overlap]);
        at(FULFILL, deployment).into_iter().map(|breach| breach.message).collect::<Vec<_>>()
    };
    let live = || json!({"name": "live", "kind": "live", "control": "full"});
    let test = || json!({"name": "test", "kind": "test", "control": "full"});
    let elsewhere = |relation: &str| {
        let (environment, under_way) = ("live-eu", true);
        json!({
            "deployment": "dep-2", "product": "till", "environment": environment, "relation": relation,
            "under_way": under_way
        })
    };
    let under_way = "deployment `dep-2` is under way in `live-eu`, and it";
    let both = "consumers depend on `live-eu` and on `live`";
    for (relation, why) in [
        ("depended-on", "changes `till`, which `shop` depends on"),
        ("dependent", "changes `till`, which depends on `shop`"),
        ("conflicting", "changes a product that `shop` depends on, or that depends on it"),
    ] {
        assert_eq!(said(live(), elsewhere(relation)), [format!("{under_way} {why}; {both}")]);
        assert_eq!(said(test(), elsewhere(relation)), [""; 0], "{relation}, from an environment without consumers");
    }
    for relation in ["same-product", "same-environment", "related"] {
        assert_eq!(said(live(), elsewhere(relation)), [""; 0], "{relation}");
    }
    let shared = json!({"environment": "live-eu", "relation": "shared-resource", "shared": "crane", "under_way": true});
    let needs = "a deployment of another team is under way in `live-eu`, and it needs the resource `crane`, which this \
                 deployment needs for itself";
    assert_eq!(said(live(), shared.clone()), [needs]);
    assert_eq!(said(test(), shared), [needs]);
}

#[test]
fn evidence_that_was_approved_may_not_be_replaced_and_more_may_be_handed_in() {
    let evidence = |content: &str| lockgate_domain::Evidence::new(content.as_bytes().to_vec(), "text/plain");
    let with = |value: Value, evidence: BTreeMap<String, lockgate_domain::Evidence>| {
        let deployment: Deployment = serde_json::from_value(value).unwrap();
        let subject = Snapshot::subject_of(&deployment, &evidence, model()).unwrap();
        let now = "2026-11-24T20:30:00Z".parse().unwrap();
        Snapshot { deployment: deployment.into(), gate: FULFILL, now, subject, evidence }
    };
    let sbom = BTreeMap::from([("sbom".to_owned(), evidence("sbom"))]);
    let seen = with(deployment(), sbom.clone());
    let mut approved = approve(deployment());
    approved["approved"]["subject"] = json!(seen.subject);
    approved["approved"]["parts"] = json!(Snapshot::subject_parts(&seen.deployment, &sbom).unwrap());
    approved["approved"]["evidence"] = json!({"sbom": sbom["sbom"].statement()});
    let codes_with = |evidence| {
        let breaches = breaches(&with(approved.clone(), evidence), model());
        breaches.into_iter().map(|breach| (breach.code, breach.about.unwrap_or_default())).collect::<Vec<_>>()
    };
    assert_eq!(codes_with(sbom.clone()), []);
    assert_eq!(codes_with(BTreeMap::new()), [], "what is not handed in again has not changed");
    let more = [sbom.clone(), BTreeMap::from([("scan".to_owned(), evidence("scan"))])].into_iter().flatten().collect();
    assert_eq!(codes_with(more), []);
    // Other bytes, or another word about the same bytes.
    let made = Some("2026-11-24T00:00:00Z".parse().unwrap());
    for replaced in [
        evidence("another"),
        lockgate_domain::Evidence { made, ..evidence("sbom") },
        lockgate_domain::Evidence { claimed_source: Some("ci".to_owned()), ..evidence("sbom") },
        lockgate_domain::Evidence { media_type: "application/json".to_owned(), ..evidence("sbom") },
    ] {
        let replaced = BTreeMap::from([("sbom".to_owned(), replaced)]);
        assert_eq!(codes_with(replaced), [("subject-differs-from-approved".to_owned(), "evidence".to_owned())]);
    }
    let attested = lockgate_domain::Evidence { attested: made, ..evidence("sbom") };
    assert_eq!(codes_with(BTreeMap::from([("sbom".to_owned(), attested)])), [], "it was handed in once more");
}

#[test]
fn rule_6_what_the_release_lays_down_is_what_is_desired() {
    let laid_down = json!([{"environment": "live", "instances": [{"id": "shop-a", "location": "eu"}]}]);
    let desired = |location: &str| {
        json!([{"id": "shop-a", "environment": "live", "release": "shop-2", "status": "running", "location": location,
                "monitored": true, "documented": true, "components": deployment()["release"]["components"]}])
    };
    let with = |instances: Value| {
        let laid_down = laid_down.clone();
        after(EXIT, deployment(), move |value| {
            value["release"]["blueprint"] = laid_down;
            value["desired_instances"] = instances;
        })
    };
    assert_eq!(with(desired("eu")), []);
    assert_eq!(with(desired("us")), one("desired-instances-differ", "/desired_instances"));
    assert_eq!(with(json!([])), one("desired-instances-differ", "/desired_instances"));
}

#[test]
fn rule_6_a_fulfillment_book_of_the_release_is_the_one_of_the_register() {
    let book = |digest: &[u8]| json!({"id": "switch", "fulfills": "traffic", "automated": true, "verified": true, "digest": Digest::of(digest)});
    let with = |digest: &'static [u8]| {
        after(EXIT, deployment(), move |value| {
            value["release"]["blueprint"] = json!([{"environment": "live", "fulfillment_books": [book(b"switch 1")]}]);
            value["registers"] = json!({"fulfillment_books": [book(digest)]});
        })
    };
    assert_eq!(with(b"switch 1"), []);
    assert_eq!(with(b"switch 2"), one("fulfillment-book-differs", "/registers/fulfillment_books/0/digest"));
}

#[test]
fn rule_8_a_third_party_attests_its_part_of_an_environment_or_the_result() {
    use lockgate_domain::{CredentialKind, Evidence, PersonId, Verification};
    let with = |gate: Gate, control: &str, third_party: Value, name: &str, edit: &dyn Fn(&mut Evidence)| {
        let mut value = deployment();
        value["environment"]["control"] = json!(control);
        value["environment"]["third_party"] = third_party;
        let mut evidence = Evidence::new(b"ready".to_vec(), "text/plain");
        edit(&mut evidence);
        let evidence = BTreeMap::from([(name.to_owned(), evidence)]);
        let deployment: Deployment = serde_json::from_value(approve(value)).unwrap();
        let snapshot = Snapshot {
            subject: Snapshot::subject_of(&deployment, &evidence, model()).unwrap(),
            deployment: deployment.into(),
            gate,
            now: "2026-11-24T20:30:00Z".parse().unwrap(),
            evidence,
        };
        let found = breaches(&snapshot, model());
        found.into_iter().filter(|breach| breach.code.starts_with("third-party")).collect::<Vec<_>>()
    };
    let signed = |key: &'static str| {
        move |evidence: &mut Evidence| {
            evidence.verification = Verification::Verified;
            evidence.verified_by = Some(key.to_owned());
            evidence.subjects = vec![Digest::of(b"shop 2")];
        }
    };
    let attached = |id: &'static str, kind| {
        move |evidence: &mut Evidence| {
            evidence.attester = Some(PersonId::new(id).unwrap());
            evidence.attester_kind = Some(kind);
        }
    };
    let acme = || json!("acme");
    let ready = "third-party-readiness";
    let right = signed("supplier:acme#2026");
    assert!(with(EXIT, "limited", acme(), "other", &right).is_empty(), "not before fulfillment");
    assert!(with(FULFILL, "full", acme(), "other", &right).is_empty());
    assert!(with(FULFILL, "limited", acme(), ready, &right).is_empty());
    assert!(with(FULFILL, "limited", acme(), ready, &attached("acme", CredentialKind::Service)).is_empty());
    let missing = with(FULFILL, "limited", acme(), "other", &right);
    assert_eq!(codes(&missing), ["third-party-evidence-missing"]);
    assert_eq!(missing[0].remedies[0].owner.as_deref(), Some("supplier:acme"));
    let of_nobody = with(FULFILL, "limited", Value::Null, ready, &right);
    assert_eq!(codes(&of_nobody), ["third-party-evidence-missing"]);
    assert_eq!(of_nobody[0].remedies[0].owner.as_deref(), Some("operations-manager"));
    for wrong in [signed("supplier:acme-2#2026"), signed("person:acme#2026")] {
        assert_eq!(codes(&with(FULFILL, "limited", acme(), ready, &wrong)), ["third-party-evidence-missing"]);
    }
    let of_another_release = |evidence: &mut Evidence| {
        right(evidence);
        evidence.subjects = vec![Digest::of(b"shop 1")];
    };
    let replayed = with(FULFILL, "limited", acme(), ready, &of_another_release);
    assert_eq!(codes(&replayed), ["third-party-evidence-missing"]);
    assert!(replayed[0].message.contains("not about this release"), "{}", replayed[0].message);
    let by_person = attached("acme", CredentialKind::Person);
    assert_eq!(codes(&with(FULFILL, "limited", acme(), ready, &by_person)), ["third-party-evidence-missing"]);
    let unverified = |evidence: &mut Evidence| evidence.verified_by = Some("supplier:acme#2026".to_owned());
    assert_eq!(codes(&with(FULFILL, "limited", acme(), ready, &unverified)), ["third-party-evidence-missing"]);

    assert!(with(FULFILL, "none", acme(), "other", &right).is_empty());
    assert_eq!(codes(&with(VALIDATE, "none", acme(), ready, &right)), ["third-party-result-missing"]);
    assert!(with(VALIDATE, "none", acme(), "third-party-result", &right).is_empty());
}

#[test]
fn rule_6_a_refused_change_goes_no_further_at_any_gate() {
    for approval in ["rejected", "withdrawn"] {
        for (gate, deployment) in
            [(ENTRANCE, deployment()), (EXIT, deployment()), (FULFILL, approved()), (VALIDATE, approved())]
        {
            let edit = |value: &mut Value| value["change"]["approval"] = json!(approval);
            assert_eq!(after(gate, deployment, edit), one("change-refused", "/change/approval"), "{approval} {gate}");
        }
    }
    let requested = |value: &mut Value| value["change"]["approval"] = json!("requested");
    assert_eq!(after(EXIT, deployment(), requested), []);
}

#[test]
fn rule_6_a_withdrawn_release_goes_no_further_at_any_gate_and_can_be_removed() {
    let withdrawn = |value: &mut Value| value["release"]["status"] = json!("withdrawn");
    for (gate, deployment) in
        [(ENTRANCE, deployment()), (EXIT, deployment()), (FULFILL, approved()), (VALIDATE, approved())]
    {
        assert_eq!(after(gate, deployment, withdrawn), one("release-refused", "/release/status"), "{gate}");
    }
    assert_eq!(after(EXIT, removal(), withdrawn), []);
}

#[test]
fn rule_6_a_release_is_one_of_the_product() {
    let of = |product: &str| after(EXIT, deployment(), |value| value["release"]["product"] = json!(product));
    assert_eq!(of("shop"), []);
    assert_eq!(of("basket"), one("release-of-another-product", "/product/id"));
}

#[test]
fn rule_5_a_first_release_has_no_instance_and_no_consumer() {
    let first = |edit: &dyn Fn(&mut Value)| {
        after(EXIT, deployment(), |value| {
            value["scenario"] = json!("first-release");
            value["plan"] = json!({"id": "plan-1", "way_back": {"kind": "removal"}});
            edit(value);
        })
    };
    assert_eq!(first(&|_| {}), []);
    let instance = |environment: &str, status: &str| json!([{"id": "a", "environment": environment, "status": status}]);
    let running = |value: &mut Value| value["actual_instances"] = instance("live", "running");
    assert_eq!(first(&running), one("not-the-first-release", "/scenario"));
    assert_eq!(first(&|value| value["actual_instances"] = instance("live", "removed")), []);
    assert_eq!(first(&|value| value["actual_instances"] = instance("staging", "running")), []);
    let consumed = |value: &mut Value| value["product"]["consumers"] = json!(3);
    assert_eq!(first(&consumed), one("not-the-first-release", "/product/consumers"));
}

#[test]
fn rule_5_targets_and_staying_instances_are_the_inventory() {
    let with = |targets: Value, staying: Value| {
        after(EXIT, deployment(), |value| {
            value["scenario"] = json!("removal");
            value["actual_instances"] = json!([
                {"id": "a", "environment": "live", "status": "running"},
                {"id": "b", "environment": "live", "status": "running"},
            ]);
            value["plan"] = json!({"id": "p", "targets": targets, "staying": staying, "notice": "2026-08-01T00:00:00Z",
                "data_retention": {"keep": "90d", "viewable_by_customer": true, "decided_by": "ada"}});
        })
    };
    assert_eq!(with(json!(["a", "b"]), json!([])), []);
    assert_eq!(with(json!(["a"]), json!(["b"])), []);
    let differ = one("removal-targets-differ", "/plan/targets");
    for (targets, staying) in [
        (json!(["a"]), json!([])),
        (json!(["a", "b"]), json!(["b"])),
        (json!([]), json!(["a", "b"])),
        (json!(["a"]), json!(["c"])),
    ] {
        assert_eq!(with(targets.clone(), staying.clone()), differ, "{targets} {staying}");
    }
}

#[test]
fn rule_5_consumers_are_told_before_a_removal_from_a_live_environment_begins() {
    let with = |gate: Gate, notice: Value, live: bool| {
        let mut document = removal();
        document["plan"]["slot"] = json!({"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z"});
        document["change"]["window"] = document["plan"]["slot"].clone();
        document["plan"]["notice"] = notice;
        if !live {
            document["environment"] = json!({"name": "test", "kind": "test", "control": "full"});
            for instance in document["actual_instances"].as_array_mut().unwrap() {
                instance["environment"] = json!("test");
            }
        }
        let found = after(gate, document, |_| ());
        found
            .into_iter()
            .filter(|(code, _)| code == "removal-notice-missing")
            .map(|(_, place)| place)
            .collect::<Vec<_>>()
    };
    let breach = ["/plan/notice"];
    assert_eq!(with(ENTRANCE, Value::Null, true), [""; 0]);
    assert_eq!(with(EXIT, Value::Null, true), breach);
    assert_eq!(with(EXIT, Value::Null, false), [""; 0]);
    assert_eq!(with(EXIT, json!("2026-11-24T19:59:00Z"), true), [""; 0]);
    assert_eq!(with(EXIT, json!("2026-11-24T20:00:00Z"), true), breach);
    // The plan says so, and at the entrance of fulfill it has happened: it is 20:30.
    let told = |notice: &str| {
        let found = after(FULFILL, approve(removal()), |value| {
            value["plan"]["notice"] = json!(notice);
        });
        found.iter().any(|(code, _)| code == "removal-notice-missing")
    };
    assert!(told("2026-11-24T20:31:00Z"));
    assert!(!told("2026-11-24T20:30:00Z"));
}

#[test]
fn rule_5_nothing_is_removed_that_consumers_may_still_use() {
    let with = |before: Value, scenario: &str| {
        let step = |id: &str, action: &Value| json!({"id": id, "title": id, "action": action, "planned": "5m", "repeatable": true});
        let mut document = if scenario == "removal" { removal() } else { deployment() };
        document["scenario"] = json!(scenario);
        document["plan"]["point_of_no_return"] = json!("remove");
        document["rollout"] = json!({
            "steps": [step("before", &before), step("remove", &json!({"remove": {"slot": "blue"}}))],
            "point_of_no_return": "remove",
            "way_back": {"kind": "last-known-good", "release": "shop-1"}, "summary": "two steps"
        });
        after(EXIT, document, |_| ())
    };
    let breach = one("removed-before-disabled", "/rollout/steps/1/action");
    assert_eq!(with(json!({"disable": {"slot": "blue"}}), "removal"), []);
    assert_eq!(with(json!({"disable": {}}), "removal"), [], "all of them");
    assert_eq!(with(json!({"disable": {"slot": "blue", "instances": ["i-1"]}}), "removal"), breach);
    assert_eq!(with(json!({"route": {"slot": "blue", "weight": 0}}), "removal"), []);
    assert_eq!(with(json!({"route": {"slot": "blue", "weight": 1}}), "removal"), breach);
    assert_eq!(with(json!({"route": {"slot": "blue", "weight": 0, "audience": "staff"}}), "removal"), breach);
    assert_eq!(with(json!({"disable": {"slot": "green"}}), "removal"), breach);
    assert_eq!(with(json!({"hold": {"length": "5m"}}), "removal"), breach);
    assert_eq!(with(json!({"hold": {"length": "5m"}}), "new-version"), [], "the old version is replaced");
}

/// A removal that was carried out an hour ago, under a plan that keeps its data for some time.
fn removed(keep: &str, edit: impl FnOnce(&mut Value)) -> Vec<(String, String)> {
    let mut document = removal();
    document["plan"]["data_retention"]["keep"] = json!(keep);
    for instance in document["actual_instances"].as_array_mut().unwrap() {
        instance["status"] = json!("removed");
    }
    document["gates_passed"] =
        json!([{"stage": "fulfill", "phase": "exit", "at": "2026-11-24T19:30:00Z", "decision": "dec-2"}]);
    after(Gate { stage: Stage::Observe, phase: Phase::Exit }, approve(document), edit)
}

#[test]
fn rule_5_the_data_of_what_was_removed_is_not_disposed_of_too_early() {
    let disposed = |keep: &str, index: usize| {
        removed(keep, |value| value["actual_instances"][index]["status"] = json!("disposed"))
    };
    assert_eq!(removed("90d", |_| ()), []);
    assert_eq!(disposed("90d", 0), one("data-disposed-early", "/actual_instances/0/status"));
    assert_eq!(disposed("61m", 1), one("data-disposed-early", "/actual_instances/1/status"));
    assert_eq!(disposed("60m", 1), [], "the time is over");
    assert_eq!(disposed("90d", 2), [], "it is no target");
}

#[test]
fn rule_5_the_contracts_of_what_was_removed_end() {
    let with = |edit: &dyn Fn(&mut Value)| {
        removed("90d", |value| {
            let contract = |id: &str, active: bool| json!({"id": id, "kind": "sla", "provider": "us", "consumer": "them", "active": active});
            value["registers"] = json!({"service_contracts": [contract("old", false), contract("shop-sla", true)]});
            edit(value);
        })
    };
    assert_eq!(with(&|_| ()), one("contract-still-active", "/registers/service_contracts/1/active"));
    assert_eq!(with(&|value| value["registers"]["service_contracts"][1]["active"] = json!(false)), []);
    let part = with(&|value| value["plan"]["staying"] = json!(["i-7"]));
    assert!(part.iter().all(|(code, _)| code != "contract-still-active"), "a part stays: {part:?}");
}

/// A stop from eight in the evening until a moment.
fn stop(until: &str) -> Value {
    json!({
        "id": "stop-1", "by": "olga", "reason": "INC-7", "scope": {"environment": "live"},
        "placed": "2026-11-24T20:00:00Z", "until": until
    })
}

#[test]
fn rule_9_stops_that_hold_are_told_with_who_why_and_until_when() {
    let snapshot = |until: &str| {
        let mut value = deployment();
        value["stops"] = json!([stop(until)]);
        let deployment: Deployment = serde_json::from_value(value).unwrap();
        Snapshot {
            subject: Snapshot::subject_of(&deployment, &BTreeMap::new(), model()).unwrap(),
            deployment: deployment.into(),
            gate: ENTRANCE,
            now: "2026-11-24T20:30:00Z".parse().unwrap(),
            evidence: Default::default(),
        }
    };
    let found = stopped(&snapshot("2026-11-24T21:00:00Z"));
    let [breach] = &found[..] else { panic!("{found:?}") };
    assert_eq!((breach.code.as_str(), breach.pointers[0].as_str()), ("line-stopped", "/stops/0"));
    for part in ["`olga`", "environment `live`", "2026-11-24T21:00:00", "INC-7", "`stop-1`"] {
        assert!(breach.message.contains(part), "{part}: {}", breach.message);
    }
    assert_eq!(breach.remedies[0].owner.as_deref(), Some("operations-manager"));
    assert_eq!(stopped(&snapshot("2026-11-24T20:30:00Z")), [], "it ends at that moment");
    // The stop is no part of what is approved.
    let without: Deployment = serde_json::from_value(deployment()).unwrap();
    let subject = Snapshot::subject_of(&without, &BTreeMap::new(), model()).unwrap();
    assert_eq!(snapshot("2026-11-24T21:00:00Z").subject, subject);
}

#[test]
fn rule_9_a_late_review_stops_deployments_of_the_product_from_the_moment_that_its_model_says() {
    let late = |blocks_from: Value| {
        move |value: &mut Value| {
            value["late_reviews"] = json!([{
                "id": "override-1", "deployment": "dep-0", "by": "mia", "due": "2026-11-20T00:00:00Z",
                "blocks_from": blocks_from
            }]);
        }
    };
    assert_eq!(after(ENTRANCE, deployment(), late(Value::Null)), []);
    assert_eq!(after(ENTRANCE, deployment(), late(json!("2026-11-24T20:30:01Z"))), []);
    let blocked = one("override-review-late", "/late_reviews/0");
    assert_eq!(after(ENTRANCE, deployment(), late(json!("2026-11-24T20:30:00Z"))), blocked);
    assert_eq!(after(VALIDATE, approved(), late(json!("2026-11-22T00:00:00Z"))), blocked);
}

#[test]
fn rule_11_a_live_deployment_is_operational_only_when_those_who_take_it_over_have_accepted() {
    const OPERATIONAL: Gate = Gate { stage: Stage::Observe, phase: Phase::Exit };
    let hand_over = |by: Value| {
        let mut hand_over = json!({
            "receiver": {"person": "olga"}, "runbooks": ["R-1"], "proposed_by": "dora", "proposed": "2026-11-24T20:00:00Z",
        });
        if !by.is_null() {
            hand_over["accepted_by"] = by;
            hand_over["accepted"] = json!("2026-11-24T20:10:00Z");
        }
        hand_over
    };
    let with = |gate: Gate, edit: &dyn Fn(&mut Value)| {
        let mut value = deployment();
        edit(&mut value);
        at(gate, approve(value)).into_iter().filter(|breach| breach.code.starts_with("hand-over")).collect::<Vec<_>>()
    };
    let [missing] = with(OPERATIONAL, &|_| {}).try_into().unwrap();
    assert_eq!((missing.code.as_str(), missing.pointers[0].as_str()), ("hand-over-missing", "/hand_over"));
    assert_eq!(missing.remedies[0].owner.as_deref(), Some("deployment-manager"));
    for by in [Value::Null, json!("otto"), json!("dora")] {
        let [open] = with(OPERATIONAL, &|value| value["hand_over"] = hand_over(by.clone())).try_into().unwrap();
        assert_eq!(
            (open.code.as_str(), open.pointers[0].as_str()),
            ("hand-over-not-accepted", "/hand_over/accepted_by")
        );
        assert_eq!(open.remedies[0].owner.as_deref(), Some("person:olga"), "{by}");
    }
    assert_eq!(codes(&with(OPERATIONAL, &|value| value["hand_over"] = hand_over(json!("olga")))), [""; 0]);
    // Neither at an earlier gate, nor in another environment, nor for a removal.
    assert_eq!(codes(&with(Gate { stage: Stage::Observe, phase: Phase::Entrance }, &|_| {})), [""; 0]);
    let test = |value: &mut Value| value["environment"] = json!({"name": "test", "kind": "test", "control": "full"});
    assert_eq!(codes(&with(OPERATIONAL, &test)), [""; 0]);
    let removed = at(OPERATIONAL, approve(removal()));
    assert!(removed.iter().all(|breach| !breach.code.starts_with("hand-over")), "{:?}", codes(&removed));
}
