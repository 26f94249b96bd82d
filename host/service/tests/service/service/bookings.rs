//! Other deployments that are planned or under way: which ones a deployment sees, in which environment, and for which it
//! waits.

use std::sync::{Arc, Barrier};
use std::thread;

use lockgate_domain::{DecisionReason, DeploymentResult, OverlapRelation, Phase, Stage, Teams};
use lockgate_service::authority::Actor;
use lockgate_service::lifecycle::LifecycleMove;
use lockgate_service::{DeploymentService, GatePurpose, GateRequest, NewApproval, NewDeployment, WriteContext};
use serde_json::{Value, json};

use crate::gate_support::{deployment, load};
use crate::service::stand::{MODEL, Meanwhile, Stand, ask_gate, ben, decided, gate, gate_request, open, pass, rita};

const CHECKOUT: &str = "checkout";
const BILLING: &str = "billing";

fn of(actor: Actor, team: &str) -> Actor {
    Actor { teams: Teams::Named([team.parse().unwrap()].into()), ..actor }
}

/// Asks for a deployment of a team, with these members merged into the usual document.
fn request(stand: &Stand, team: &str, id: &str, edit: Value) {
    let mut document = deployment();
    document["id"] = json!(id);
    json_patch::merge(&mut document, &edit);
    let new =
        NewDeployment { team: Some(team.parse().unwrap()), deployment: serde_json::from_value(document).unwrap() };
    stand.engine.request(&stand.by(&of(rita(), team)), &new).unwrap();
}

fn pass_gate(stand: &Stand, team: &str, id: &str, stage: Stage, phase: Phase) -> lockgate_service::GatePass {
    pass(&stand.engine, &stand.by(&of(rita(), team)), id, gate(stage, phase)).unwrap().value
}

/// Plans a deployment: it has an approval, and has passed the exit of plan-and-approve.
fn plan(stand: &Stand, team: &str, id: &str) {
    assert!(pass_gate(stand, team, id, Stage::PlanAndApprove, Phase::Entrance).passed);
    approve_and_leave(stand, team, id);
}

fn approve_and_leave(stand: &Stand, team: &str, id: &str) {
    let (rita, ben) = (of(rita(), team), of(ben(), team));
    let subject = stand.engine.deployment(&rita, id.into(), stand.now()).unwrap().subject.unwrap();
    let approval: NewApproval =
        serde_json::from_value(json!({"role": "change-authority", "answer": "approved", "subject": subject})).unwrap();
    stand.engine.approve(&stand.by(&ben), id.into(), &approval).unwrap();
    assert!(pass_gate(stand, team, id, Stage::PlanAndApprove, Phase::Exit).passed);
}

/// Plans a deployment, and begins to carry it out.
fn begin(stand: &Stand, team: &str, id: &str) {
    plan(stand, team, id);
    assert!(pass_gate(stand, team, id, Stage::Fulfill, Phase::Entrance).passed);
}

fn abort(stand: &Stand, team: &str, id: &str) {
    let actor = of(rita(), team);
    stand.engine.make_move(&stand.by(&actor), id.into(), LifecycleMove::Abort, "not now").unwrap();
}

/// What `dep-1` of the team checkout overlaps with.
fn overlaps(stand: &Stand) -> Value {
    json!(stand.engine.overlaps(&rita(), "dep-1".into()).unwrap())
}

/// What stands in the way of fulfilling `dep-1`, which is planned.
fn breaches(stand: &Stand) -> Vec<String> {
    let passed = pass_gate(stand, CHECKOUT, "dep-1", Stage::Fulfill, Phase::Entrance);
    let blocking: Vec<&DecisionReason> = passed.decision.reasons.iter().filter(|reason| reason.blocking).collect();
    assert!(blocking.iter().all(|reason| reason.code == "overlapping-deployment"), "{blocking:?}");
    assert_eq!(passed.passed, blocking.is_empty());
    blocking.into_iter().map(|reason| reason.message.clone()).collect()
}

fn live(name: &str) -> Value {
    json!({"name": name, "kind": "live", "control": "full"})
}

fn test_environment(name: &str) -> Value {
    json!({"name": name, "kind": "test", "control": "full"})
}

fn slot(from: &str, to: &str) -> Value {
    json!({"start": format!("2026-11-25T{from}:00Z"), "end": format!("2026-11-25T{to}:00Z")})
}

#[test]
fn a_product_waits_for_one_that_it_depends_on_in_another_live_environment() {
    let stand = Stand::new();
    request(&stand, CHECKOUT, "base-7", json!({"product": {"id": "base"}, "environment": live("live-eu")}));
    request(&stand, CHECKOUT, "dep-1", json!({"product": {"depends_on": ["base"]}}));
    plan(&stand, CHECKOUT, "dep-1");
    begin(&stand, CHECKOUT, "base-7");
    assert_eq!(
        overlaps(&stand),
        json!([{
            "deployment": "base-7", "product": "base", "environment": "live-eu", "relation": "depended-on",
            "under_way": true
        }])
    );
    assert_eq!(
        breaches(&stand),
        [
            "deployment `base-7` is under way in `live-eu`, and it changes `base`, which `shop` depends on; consumers depend \
          on `live-eu` and on `live`"
        ]
    );
    abort(&stand, CHECKOUT, "base-7");
    assert_eq!(overlaps(&stand), json!([]));
    assert_eq!(breaches(&stand), [""; 0]);
}

#[test]
fn a_product_waits_for_one_that_depends_on_it_in_another_live_environment() {
    let stand = Stand::new();
    let dependent = json!({"product": {"id": "till", "depends_on": ["shop", "x"]}, "environment": live("live-eu")});
    request(&stand, CHECKOUT, "till-3", dependent);
    request(&stand, CHECKOUT, "dep-1", json!({}));
    plan(&stand, CHECKOUT, "dep-1");
    begin(&stand, CHECKOUT, "till-3");
    assert_eq!(
        breaches(&stand),
        [
            "deployment `till-3` is under way in `live-eu`, and it changes `till`, which depends on `shop`; consumers depend \
          on `live-eu` and on `live`"
        ]
    );
}

#[test]
fn a_dependency_in_an_environment_without_consumers_is_shown_and_holds_up_nobody() {
    let stand = Stand::new();
    let base = json!({"product": {"id": "base"}, "environment": test_environment("test")});
    request(&stand, CHECKOUT, "base-7", base);
    request(&stand, CHECKOUT, "dep-1", json!({"product": {"depends_on": ["base"]}}));
    plan(&stand, CHECKOUT, "dep-1");
    begin(&stand, CHECKOUT, "base-7");
    let [overlap] = <[_; 1]>::try_from(stand.engine.overlaps(&rita(), "dep-1".into()).unwrap()).unwrap();
    assert_eq!((overlap.relation, overlap.environment.as_str()), (OverlapRelation::Related, "test"));
    assert_eq!(breaches(&stand), [""; 0]);
}

#[test]
fn the_same_product_in_another_environment_is_shown_and_holds_up_nobody() {
    let stand = Stand::new();
    request(&stand, CHECKOUT, "eu", json!({"environment": live("live-eu")}));
    request(&stand, CHECKOUT, "dep-1", json!({}));
    plan(&stand, CHECKOUT, "dep-1");
    begin(&stand, CHECKOUT, "eu");
    assert_eq!(
        overlaps(&stand),
        json!([{"deployment": "eu", "product": "shop", "environment": "live-eu", "relation": "related", "under_way": true}])
    );
    assert_eq!(breaches(&stand), [""; 0]);
}

#[test]
fn unrelated_products_in_other_environments_are_not_shown() {
    let stand = Stand::new();
    let sibling = json!({"product": {"id": "till", "depends_on": ["base"]}, "environment": live("live-eu")});
    request(&stand, CHECKOUT, "till-3", sibling);
    request(&stand, CHECKOUT, "dep-1", json!({"product": {"depends_on": ["base"]}}));
    begin(&stand, CHECKOUT, "till-3");
    assert_eq!(overlaps(&stand), json!([]), "both depend on `base`, and on nothing of each other");
}

#[test]
fn of_another_teams_dependency_elsewhere_only_environment_and_conflict_are_told() {
    let stand = Stand::new();
    request(&stand, BILLING, "secret-7", json!({"product": {"id": "base"}, "environment": live("live-eu")}));
    request(&stand, CHECKOUT, "dep-1", json!({"product": {"depends_on": ["base"]}}));
    plan(&stand, CHECKOUT, "dep-1");
    begin(&stand, BILLING, "secret-7");
    assert_eq!(overlaps(&stand), json!([{"environment": "live-eu", "relation": "conflicting", "under_way": true}]));
    assert_eq!(
        breaches(&stand),
        [
            "a deployment of another team is under way in `live-eu`, and it changes a product that `shop` depends on, or that \
          depends on it; consumers depend on `live-eu` and on `live`"
        ]
    );
}

#[test]
fn who_needs_the_same_resource_waits_in_any_environment_and_of_any_team() {
    let stand = Stand::new();
    let theirs = json!({
        "product": {"id": "bills"}, "environment": test_environment("bills-test"),
        "plan": {"resources": ["truck-2", "dba-team", "crane"]}
    });
    request(&stand, BILLING, "secret-7", theirs);
    request(&stand, CHECKOUT, "dep-1", json!({"plan": {"resources": ["dba-team", "crane", "own"]}}));
    plan(&stand, CHECKOUT, "dep-1");
    begin(&stand, BILLING, "secret-7");
    let shared = |resource: &str| json!({"environment": "bills-test", "shared": resource, "relation": "shared-resource", "under_way": true});
    assert_eq!(overlaps(&stand), json!([shared("crane"), shared("dba-team")]), "once for each resource");
    assert_eq!(
        breaches(&stand),
        ["crane", "dba-team"].map(|resource| format!(
            "a deployment of another team is under way in `bills-test`, and it needs the resource `{resource}`, which this \
             deployment needs for itself"
        ))
    );
    abort(&stand, BILLING, "secret-7");
    assert_eq!(breaches(&stand), [""; 0]);
}

#[test]
fn an_overlap_in_several_ways_has_its_strongest_relation_and_each_resource_once() {
    let stand = Stand::new();
    let resources = |ids: &[&str]| json!({"resources": ids});
    let base = json!({"product": {"id": "base", "depends_on": ["shop"]}, "plan": resources(&["dba-team"])});
    request(&stand, CHECKOUT, "base-7", base);
    request(&stand, CHECKOUT, "a-1", json!({"product": {"id": "other"}, "plan": resources(&["dba-team", "crane"])}));
    plan(&stand, CHECKOUT, "a-1");
    begin(&stand, CHECKOUT, "base-7");
    let own = json!({"product": {"depends_on": ["base"]}, "plan": resources(&["dba-team", "crane"])});
    request(&stand, CHECKOUT, "dep-1", own);
    let seen = |stand: &Stand| {
        let seen = stand.engine.overlaps(&rita(), "dep-1".into()).unwrap();
        let said = |overlap: lockgate_domain::Overlap| {
            (overlap.deployment.unwrap(), overlap.relation.as_str(), overlap.shared.unwrap_or_default())
        };
        seen.into_iter().map(said).collect::<Vec<_>>()
    };
    let (base, resource) = ("base-7".to_owned(), "shared-resource");
    let of_base = [(base.clone(), "depended-on", String::new()), (base, resource, "dba-team".to_owned())];
    assert_eq!(seen(&stand), of_base, "`a-1` is planned without a slot");

    let time = json!({"plan": {"slot": slot("20:00", "21:00")}, "change": {"window": slot("18:00", "23:00")}});
    let mut timed = json!({"product": {"id": "other2"}, "plan": resources(&["crane", "dba-team"])});
    json_patch::merge(&mut timed, &time);
    request(&stand, CHECKOUT, "a-2", timed);
    plan(&stand, CHECKOUT, "a-2");
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &time).unwrap();
    let later = "a-2".to_owned();
    let mut expected = vec![
        (later.clone(), "same-environment", String::new()),
        (later.clone(), resource, "crane".to_owned()),
        (later, resource, "dba-team".to_owned()),
    ];
    expected.extend(of_base);
    assert_eq!(seen(&stand), expected);
}

#[test]
fn a_booking_made_later_is_seen_at_the_next_gate() {
    let stand = Stand::new();
    let other = json!({
        "product": {"id": "bills"}, "environment": test_environment("bills-test"), "plan": {"resources": ["dba-team"]}
    });
    request(&stand, BILLING, "theirs", other);
    request(&stand, CHECKOUT, "dep-1", json!({"plan": {"resources": ["dba-team"]}}));
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    let entrance = gate(Stage::Fulfill, Phase::Entrance);
    plan(&stand, CHECKOUT, "dep-1");
    let other_server = open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]);
    let blocked = |engine: &DeploymentService| {
        let decision = ask_gate(engine, &rita(), "dep-1", entrance, stand.now()).unwrap();
        decision.reasons.iter().any(|reason| reason.code == "overlapping-deployment")
    };
    assert!(!blocked(&stand.engine) && !blocked(&other_server));
    begin(&stand, BILLING, "theirs");
    assert!(blocked(&stand.engine) && blocked(&other_server));
    abort(&stand, BILLING, "theirs");
    assert!(!blocked(&stand.engine) && !blocked(&other_server));
    assert!(ask_gate(&stand.engine, &rita(), "dep-1", exit, stand.now()).is_ok());
}

/// Plans two deployments that concern each other, lets one begin on another server while the decision about the other is
/// made, and returns how often that was decided, and whether it began too.
fn beginning_meanwhile(one: Value, other: Value) -> (usize, bool) {
    let stand = Stand::new();
    request(&stand, CHECKOUT, "dep-1", one);
    request(&stand, BILLING, "theirs", other);
    plan(&stand, CHECKOUT, "dep-1");
    plan(&stand, BILLING, "theirs");
    let second = open(&stand.folder, vec![load(&["four-eyes", "canary"], MODEL)]);
    let now = stand.now();
    let entrance = gate(Stage::Fulfill, Phase::Entrance);
    let act = Box::new(move |engine: &DeploymentService| {
        let actor = of(rita(), BILLING);
        let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
        assert!(pass(engine, &write, "theirs", entrance).unwrap().value.passed);
    });
    let meanwhile = Arc::new(Meanwhile::new(second, act));
    let asked = GateRequest {
        credential: Some(meanwhile.clone()),
        ..gate_request(&rita(), "dep-1", entrance, GatePurpose::Ask, stand.now())
    };
    let decision = decided(&stand.engine, asked).unwrap();
    (meanwhile.decided(), decision.verdict == lockgate_domain::Verdict::Allow)
}

#[test]
fn a_decision_is_made_again_if_a_deployment_that_concerns_it_begins_on_another_server_meanwhile() {
    let elsewhere = |product: Value, plan: Value| json!({"product": product, "environment": live("eu"), "plan": plan});
    let needs = |id: &str| json!({"resources": [id]});
    let depends = |id: &str| json!({"product": {"depends_on": [id]}});
    // By a resource, as the dependent, as the depended-on: decided twice, and not allowed.
    assert_eq!(
        beginning_meanwhile(json!({"plan": needs("crane")}), elsewhere(json!({"id": "x"}), needs("crane"))),
        (2, false)
    );
    assert_eq!(beginning_meanwhile(depends("base"), elsewhere(json!({"id": "base"}), json!({}))), (2, false));
    let dependent = json!({"id": "till", "depends_on": ["shop"]});
    assert_eq!(beginning_meanwhile(json!({}), elsewhere(dependent, json!({}))), (2, false));
    // Nothing in common: decided once.
    let unrelated = json!({"id": "x", "depends_on": ["base"]});
    assert_eq!(beginning_meanwhile(depends("base"), elsewhere(unrelated, needs("crane"))), (1, true));
}

#[test]
fn of_two_deployments_that_race_for_a_resource_on_two_servers_one_begins() {
    let stand = Stand::new();
    let model = || load(&["four-eyes", "canary"], MODEL);
    let engines = [open(&stand.folder, vec![model()]), open(&stand.folder, vec![model()])];
    for round in 0..10 {
        let ids = [format!("a-{round}"), format!("b-{round}")];
        for (id, environment) in ids.iter().zip(["one", "two"]) {
            let (product, environment) = (json!({"id": id}), live(&format!("{environment}-{round}")));
            let resources = json!({"resources": [format!("crane-{round}")]});
            let edit = json!({"product": product, "environment": environment, "plan": resources});
            request(&stand, CHECKOUT, id, edit);
            plan(&stand, CHECKOUT, id);
        }
        let (barrier, now) = (Barrier::new(2), stand.now());
        let passed: Vec<bool> = thread::scope(|scope| {
            let racers = [0, 1].map(|racer| {
                let (barrier, engine, id): (&Barrier, &DeploymentService, &str) =
                    (&barrier, &engines[racer], &ids[racer]);
                scope.spawn(move || {
                    let actor = rita();
                    barrier.wait();
                    let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
                    pass(engine, &write, id, gate(Stage::Fulfill, Phase::Entrance)).unwrap().value.passed
                })
            });
            racers.map(|racer| racer.join().unwrap()).to_vec()
        });
        assert_eq!(passed.iter().filter(|passed| **passed).count(), 1, "{passed:?}");
    }
}

#[test]
fn bookings_show_what_is_planned_in_the_change_window_before_anybody_approves() {
    let stand = Stand::new();
    let day = slot("08:00", "23:00");
    let booked = |id: &str, from: &str, to: &str| json!({"product": {"id": id}, "plan": {"slot": slot(from, to)}, "change": {"window": slot("00:00", "23:59")}});
    let stands = [
        ("early", "06:00", "08:00"),
        ("meets", "19:00", "20:30"),
        ("window", "09:00", "10:00"),
        ("not-approved", "20:00", "21:00"),
    ];
    for (id, from, to) in stands {
        request(&stand, CHECKOUT, id, booked(id, from, to));
        if id != "not-approved" {
            plan(&stand, CHECKOUT, id);
        }
    }
    request(&stand, BILLING, "secret", booked("secret-product", "21:30", "22:30"));
    plan(&stand, BILLING, "secret");
    let own = json!({"plan": {"slot": slot("20:00", "22:00")}, "change": {"window": day}});
    request(&stand, CHECKOUT, "dep-1", own);
    let row = |id: &str, window: Value, meets: bool| {
        json!({
            "deployment": id, "product": id, "environment": "live", "window": window, "relation": "same-environment",
            "under_way": false, "meets_slot": meets
        })
    };
    let theirs = json!({
        "environment": "live", "window": slot("21:30", "22:30"), "relation": "same-environment", "under_way": false,
        "meets_slot": true
    });
    let seen = stand.engine.bookings(&rita(), "dep-1".into()).unwrap();
    let expected =
        json!([theirs, row("meets", slot("19:00", "20:30"), true), row("window", slot("09:00", "10:00"), false)]);
    assert_eq!(json!(seen), expected, "`early` ends when the window begins");
    let overlapping = stand.engine.overlaps(&rita(), "dep-1".into()).unwrap();
    assert_eq!(overlapping.len(), 2, "only those that meet the slot");

    // Without a change window and a slot, all that are planned are shown.
    let none = json!({"change": {"window": null}, "plan": {"slot": null}});
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &none).unwrap();
    let all = stand.engine.bookings(&rita(), "dep-1".into()).unwrap();
    assert_eq!(
        all.iter().map(|booking| booking.deployment.as_deref()).collect::<Vec<_>>(),
        [None, Some("early"), Some("meets"), Some("window")]
    );
    assert!(all.iter().all(|booking| !booking.meets_slot));
}

#[test]
fn a_new_plan_releases_what_the_old_one_booked() {
    let stand = Stand::new();
    let window = json!({"window": slot("00:00", "23:59")});
    let time = slot("20:00", "21:00");
    let plan_with = |resources: &[&str]| json!({"resources": resources, "slot": time});
    request(&stand, CHECKOUT, "dep-1", json!({"plan": plan_with(&["crane"]), "change": window}));
    let other = json!({
        "product": {"id": "x", "depends_on": []}, "environment": live("eu"), "plan": plan_with(&["crane"]), "change": window
    });
    request(&stand, CHECKOUT, "x-1", other);
    let seen = || stand.engine.overlaps(&rita(), "x-1".into()).unwrap().len();
    assert_eq!(seen(), 0, "`dep-1` is not planned yet");
    plan(&stand, CHECKOUT, "dep-1");
    assert_eq!(seen(), 1);
    // What it needs changes while it is planned. The old booking stands in a stream that the new plan does not name.
    stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({"plan": {"resources": ["truck"]}})).unwrap();
    stand.engine.make_move(&stand.by(&rita()), "dep-1".into(), LifecycleMove::Replan, "another machine").unwrap();
    assert_eq!(seen(), 0);
    approve_and_leave(&stand, CHECKOUT, "dep-1");
    assert_eq!(seen(), 0);
    let truck = json!({"plan": {"resources": ["truck"]}});
    stand.engine.revise(&stand.by(&rita()), "x-1".into(), &truck).unwrap();
    assert_eq!(seen(), 1);
}

#[test]
fn a_resource_with_a_name_that_no_stream_can_have_is_booked_too() {
    let stand = Stand::new();
    let (long, longer) = ("crane ".repeat(200) + "1", "crane ".repeat(200) + "2");
    let needs = |resources: &[&str]| json!({"resources": resources});
    request(
        &stand,
        CHECKOUT,
        "x",
        json!({
            "product": {"id": "x"}, "environment": live("eu"), "plan": needs(&[&long, "a/b"])
        }),
    );
    request(&stand, CHECKOUT, "dep-1", json!({"plan": needs(&[&long, &longer, "a%2Fb"])}));
    begin(&stand, CHECKOUT, "x");
    let shared: Vec<String> =
        stand.engine.overlaps(&rita(), "dep-1".into()).unwrap().into_iter().filter_map(|seen| seen.shared).collect();
    assert_eq!(shared, [long]);
}

#[test]
fn a_release_that_was_fixed_and_deployed_again_under_its_change_counts_two() {
    let stand = Stand::new();
    let ended = |id: &str| {
        request(&stand, CHECKOUT, "later", json!({"id": format!("look-{id}")}));
        let look = stand.engine.deployment(&rita(), format!("look-{id}").as_str().into(), stand.now()).unwrap();
        look.deployment.history.iter().find(|past| past.id == id).unwrap().clone()
    };
    // Given up before anything was changed: no deployment to the environment.
    request(&stand, CHECKOUT, "none", json!({}));
    plan(&stand, CHECKOUT, "none");
    abort(&stand, CHECKOUT, "none");
    let none = ended("none");
    assert_eq!((none.iteration, none.began), (1, None));

    request(&stand, CHECKOUT, "first", json!({}));
    begin(&stand, CHECKOUT, "first");
    let there = json!({"actual_instances": [
        {"id": "live-1", "environment": "live", "status": "running", "release": "shop-1"}
    ]});
    let to = |asked| stand.engine.make_move(&stand.by(&rita()), "first".into(), asked, "it is slow").unwrap();
    to(LifecycleMove::RollBack);
    stand.engine.revise(&stand.by(&rita()), "first".into(), &there).unwrap();
    to(LifecycleMove::CompleteRollback);
    let first = ended("first");
    assert_eq!((first.iteration, first.outcome), (1, DeploymentResult::RolledBack));
    assert_eq!((first.model.as_deref(), first.model_version.as_deref()), (Some("shop"), Some("1.0.0")));

    // The same change, elsewhere: counted there.
    request(&stand, CHECKOUT, "eu", json!({"environment": live("eu")}));
    begin(&stand, CHECKOUT, "eu");
    stand.engine.make_move(&stand.by(&rita()), "eu".into(), LifecycleMove::Fail, "broken").unwrap();
    assert_eq!(ended("eu").iteration, 1);

    request(
        &stand,
        CHECKOUT,
        "dep-1",
        json!({"release": {"components": [
            {"name": "shop", "kind": "software", "version": "2.0.1", "digest": lockgate_domain::Digest::of(b"shop 2, fixed")}
        ]}}),
    );
    crate::service::environment_flow::finish(&stand, "dep-1");
    let second = ended("dep-1");
    assert_eq!((second.iteration, second.outcome), (2, DeploymentResult::Operational));

    // A rejected one was never approved: the model is that of its last decision.
    request(&stand, CHECKOUT, "rejected", json!({}));
    assert!(pass_gate(&stand, CHECKOUT, "rejected", Stage::PlanAndApprove, Phase::Entrance).passed);
    stand.engine.make_move(&stand.by(&ben()), "rejected".into(), LifecycleMove::Reject, "no").unwrap();
    let rejected = ended("rejected");
    assert_eq!((rejected.iteration, rejected.model.as_deref()), (3, Some("shop")));
}
