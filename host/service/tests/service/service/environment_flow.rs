//! A release reaches an environment only after the same bytes were operational in the one before, by the record alone.

use lockgate_domain::{DecisionReason, Digest, Phase, Stage};
use lockgate_service::ServiceError;
use lockgate_service::lifecycle::LifecycleMove;
use serde_json::{Value, json};

use crate::service::stand::{MODEL, Stand, ben, rita};

fn stand() -> Stand {
    Stand::with(&format!("environments = [\"staging\", \"live\"]\n{MODEL}"))
}

fn into_environment(document: &mut Value, id: &str, environment: &str) {
    document["id"] = json!(id);
    document["environment"]["name"] = json!(environment);
}

/// Brings a deployment to its end: operational.
pub(crate) fn finish(stand: &Stand, id: &str) {
    stand.approved(id);
    for stage in [Stage::Fulfill, Stage::Validate, Stage::Observe] {
        assert!(stand.pass(id, stage, Phase::Entrance).unwrap().passed);
        if stage != Stage::Validate {
            stand.activities(id, stage);
        }
        if stage == Stage::Observe {
            stand.hand_over(id);
        }
        assert!(stand.pass(id, stage, Phase::Exit).unwrap().passed);
    }
}

/// What the flow says at the first gate.
fn breach(stand: &Stand, id: &str) -> Option<DecisionReason> {
    let passed = stand.pass(id, Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let breach = passed.decision.reasons.iter().find(|reason| reason.code == "environment-flow").cloned();
    assert_eq!(passed.passed, breach.is_none());
    breach
}

#[test]
fn nobody_hands_in_what_was_deployed_before() {
    let stand = stand();
    let history = json!([{
        "id": "invented", "product": "shop", "requested": "2026-10-01T00:00:00Z", "release": "shop-2", "environment": "staging", "scenario": "new-version", "risk": "low",
        "ended": "2026-11-01T00:00:00Z", "outcome": "operational"
    }]);
    let forged = stand.request(|document| document["history"] = history.clone());
    let Err(ServiceError::Invalid(mistakes)) = forged else { panic!("{forged:?}") };
    assert_eq!(mistakes[0].pointer, "/deployment/history");
    assert!(mistakes[0].message.contains("the host keeps how"), "{}", mistakes[0].message);

    stand.request(|_| {}).unwrap();
    let patched = stand.engine.revise(&stand.by(&rita()), "dep-1".into(), &json!({ "history": history }));
    let Err(ServiceError::Invalid(mistakes)) = patched else { panic!("{patched:?}") };
    assert_eq!(mistakes[0].pointer, "/history");
    assert_eq!(breach(&stand, "dep-1").unwrap().pointers, ["/history"]);
}

#[test]
fn the_same_bytes_that_were_operational_go_on() {
    let stand = stand();
    stand.request(|document| into_environment(document, "staged", "staging")).unwrap();
    finish(&stand, "staged");
    // Words about a release are not what is deployed, and neither is where its bytes lie.
    stand
        .request(|document| {
            into_environment(document, "same", "live");
            document["release"]["description"] = json!("Faster");
            document["release"]["components"][0]["origin"] = json!("https://mirror.example/shop");
        })
        .unwrap();
    assert_eq!(breach(&stand, "same"), None);
}

#[test]
fn other_bytes_under_the_same_id_were_never_operational() {
    let stand = stand();
    stand.request(|document| into_environment(document, "staged", "staging")).unwrap();
    finish(&stand, "staged");
    let other = Digest::of(b"something else");
    let shop = |digest: Digest, version: &str| json!({"name": "shop", "kind": "software", "version": version, "digest": digest});
    let same = shop(Digest::of(b"shop 2"), "2.0.0");
    let more = json!({"name": "more", "kind": "software", "version": "1.0.0"});
    let releases = [
        ("digest", "/release/components/0", json!({"components": [shop(other, "2.0.0")]})),
        ("version", "/release/components/0", json!({"components": [shop(Digest::of(b"shop 2"), "2.0.1")]})),
        ("more", "/release/components/1", json!({"components": [same, more]})),
        ("none", "/release/components", json!({"components": []})),
        ("whole", "/release/digest", json!({"digest": other})),
    ];
    for (id, pointer, edit) in releases {
        stand
            .request(|document| {
                into_environment(document, id, "live");
                json_patch::merge(&mut document["release"], &edit);
            })
            .unwrap();
        let breach = breach(&stand, id).unwrap();
        assert_eq!(breach.pointers, [pointer], "{breach:?}");
        if id == "digest" {
            let (was, is) = (Digest::of(b"shop 2"), other);
            assert_eq!(
                breach.message,
                format!(
                    "release `shop-2` was operational in `staging`, which comes before `live`, with other content: \
                     component `shop` there is 2.0.0 (digest: `{was}`), and here 2.0.0 (digest: `{is}`)"
                )
            );
        }
    }
}

#[test]
fn a_removal_brings_no_release_to_an_environment() {
    let stand = stand();
    stand
        .request(|document| {
            into_environment(document, "removed", "staging");
            document["scenario"] = json!("removal");
            document["plan"]["notice"] = json!("2026-08-01T00:00:00Z");
            document["plan"]["data_retention"] =
                json!({"keep": "90d", "viewable_by_customer": false, "decided_by": "ada"});
        })
        .unwrap();
    finish(&stand, "removed");
    stand.request(|document| into_environment(document, "next", "live")).unwrap();
    assert!(breach(&stand, "next").is_some());
}

#[test]
fn a_release_passes_all_environments_of_a_parallel_hop_before_the_next() {
    let stand = Stand::with(&format!("environments = [[\"eu\", \"us\"], \"live\"]\n{MODEL}"));
    stand.request(|document| into_environment(document, "in-eu", "eu")).unwrap();
    finish(&stand, "in-eu");
    stand.request(|document| into_environment(document, "too-early", "live")).unwrap();
    let too_early = breach(&stand, "too-early").unwrap();
    assert!(too_early.message.contains("was never operational in `us`, which comes before `live`"), "{too_early:?}");
    // The environments of a hop do not wait for each other.
    stand.request(|document| into_environment(document, "in-us", "us")).unwrap();
    finish(&stand, "in-us");
    stand.request(|document| into_environment(document, "in-time", "live")).unwrap();
    assert_eq!(breach(&stand, "in-time"), None);
}

#[test]
fn one_change_carries_a_release_through_all_environments() {
    let stand = stand();
    stand
        .request(|document| {
            into_environment(document, "staged", "staging");
            document["change"]["id"] = json!("CHG-other");
        })
        .unwrap();
    finish(&stand, "staged");
    stand.request(|document| into_environment(document, "next", "live")).unwrap();
    let other = breach(&stand, "next").unwrap();
    assert!(other.message.contains("under the change `CHG-other`: one change carries a release"), "{other:?}");
    stand
        .request(|document| {
            into_environment(document, "same", "live");
            document["change"]["id"] = json!("CHG-other");
        })
        .unwrap();
    assert_eq!(breach(&stand, "same"), None);
}

/// Lets a deployment fail after its fulfillment has begun.
fn fail(stand: &Stand, id: &str) {
    stand.approved(id);
    assert!(stand.pass(id, Stage::Fulfill, Phase::Entrance).unwrap().passed);
    stand.engine.make_move(&stand.by(&rita()), id.into(), LifecycleMove::Fail, "the migration broke").unwrap();
}

#[test]
fn the_last_deployment_to_the_environment_before_is_the_one_that_counts() {
    let stand = stand();
    stand.request(|document| into_environment(document, "first", "staging")).unwrap();
    finish(&stand, "first");
    let repaired = json!([{"name": "shop", "kind": "software", "version": "2.0.1", "digest": Digest::of(b"repaired")}]);
    stand
        .request(|document| {
            into_environment(document, "rework", "staging");
            document["release"]["components"] = repaired.clone();
        })
        .unwrap();
    // What is repaired is deployed again, under the same change.
    finish(&stand, "rework");
    stand.request(|document| into_environment(document, "old", "live")).unwrap();
    assert_eq!(breach(&stand, "old").unwrap().pointers, ["/release/components/0"]);
    stand
        .request(|document| {
            into_environment(document, "new", "live");
            document["release"]["components"] = repaired.clone();
        })
        .unwrap();
    assert_eq!(breach(&stand, "new"), None);
    // A deployment that failed afterwards takes that back.
    stand
        .request(|document| {
            into_environment(document, "broken", "staging");
            document["release"]["components"] = repaired.clone();
        })
        .unwrap();
    fail(&stand, "broken");
    stand
        .request(|document| {
            into_environment(document, "late", "live");
            document["release"]["components"] = repaired;
        })
        .unwrap();
    let late = breach(&stand, "late").unwrap();
    assert!(late.message.contains("is `broken`, which ended as `failed`"), "{late:?}");
}

#[test]
fn a_deployment_to_the_environment_before_that_has_not_ended_takes_back_an_earlier_one() {
    let stand = stand();
    stand.request(|document| into_environment(document, "first", "staging")).unwrap();
    finish(&stand, "first");
    let next = |id: &str| {
        stand.request(|document| into_environment(document, id, "live")).unwrap();
        breach(&stand, id).map(|breach| breach.message)
    };
    stand.request(|document| into_environment(document, "again", "staging")).unwrap();
    stand.approved("again");
    assert_eq!(next("while-planned"), None, "nothing has been changed yet");
    assert!(stand.pass("again", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let said = "the last deployment of release `shop-2` to `staging`, which comes before `live`, is `again`, which";
    assert_eq!(next("while-under-way"), Some(format!("{said} has not ended")));
    let made = |asked| stand.engine.make_move(&stand.by(&rita()), "again".into(), asked, "the tests fail").unwrap();
    made(LifecycleMove::Replan);
    assert_eq!(next("while-replanned"), None);
    stand.engine.approve(&stand.by(&ben()), "again".into(), &stand.answer("again", "change-authority")).unwrap();
    assert!(stand.pass("again", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    assert!(stand.pass("again", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    made(LifecycleMove::RollBack);
    assert_eq!(next("while-rolling-back"), Some(format!("{said} has not ended")));
    made(LifecycleMove::Fail);
    assert_eq!(next("after-it-failed"), Some(format!("{said} ended as `failed`")));
}

#[test]
fn a_release_passes_every_hop_before_its_environment_and_not_the_last_one_alone() {
    let stand = Stand::with(&format!("environments = [\"test\", \"staging\", \"live\"]\n{MODEL}"));
    stand.request(|document| into_environment(document, "tested", "test")).unwrap();
    finish(&stand, "tested");
    stand.request(|document| into_environment(document, "staged", "staging")).unwrap();
    finish(&stand, "staged");
    stand.request(|document| into_environment(document, "broken", "test")).unwrap();
    fail(&stand, "broken");
    stand.request(|document| into_environment(document, "live", "live")).unwrap();
    let missing = breach(&stand, "live").unwrap();
    assert!(missing.message.contains("to `test`, which comes before `live`"), "{missing:?}");
}
