//! What joins a deployment after its model is chosen: the people that it names, and the samples that its plugins read.

use std::sync::Arc;

use lockgate_domain::{
    Deployment, Digest, FactSource, NewSamples, Phase, RegisterKind, SampleInterval, Stage, Timestamp,
};
use lockgate_engine::LoadedModel;
use lockgate_service::{DeploymentService, ServiceError};
use lockgate_tests::{Guest, Method, TOLD_FACTS, methods};
use serde_json::{Value, json};

use super::{about_shop, at, new, olga};
use crate::gate_support::guests::Folder;
use crate::service::stand::{Stand, ask_gate, ben, gate, open, person, rita};

/// A model with a policy that reads samples and competences, and is granted them or not.
fn reading_model(folder: &Folder, granted: &str) -> LoadedModel {
    reading_model_at(folder, "plan-and-approve", "exit", granted)
}

fn reading_model_at(folder: &Folder, stage: &str, phase: &str, granted: &str) -> LoadedModel {
    let binding = format!(
        "[[gates]]\nstage = \"{stage}\"\nphase = \"{phase}\"\n[[gates.bindings]]\nid = \"reader\"\nplugin = \"reader\"\n\
         enforcement = \"advisory\"\ngrants.facts = [{granted}]\n"
    );
    let mut source = folder.pinned(&folder.source(&binding));
    source.text = source.text.replacen("criteria = \"deploy-value-stream\"\n", TOLD_FACTS, 1);
    let loaded = LoadedModel::load(&lockgate_tests::runtime(), &source, folder.path());
    loaded.unwrap_or_else(|findings| panic!("{}", findings.render(&source, false))).model
}

fn reader() -> Folder {
    reader_of(&["samples", "competences"])
}

fn reader_of(names: &[&str]) -> Folder {
    let methods: Vec<_> = methods().into_iter().filter(|method| names.contains(&&*method.name)).collect();
    let all = |part: fn(&Method) -> &str| methods.iter().map(part).collect::<String>();
    let (imports, fields, decide) =
        (all(|method| &method.import), all(|method| &method.data), all(|method| &method.call));
    let world = "import lockgate:host/snapshot@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;";
    let guest = Guest { world, imports: &imports, fields: &fields, decide: &decide, ..Guest::default() };
    Folder::new().plugin("reader", guest)
}

/// The deployment as a decision at the exit of plan-and-approve sees it now, and the digest of its snapshot.
fn decided_on(engine: &DeploymentService, now: Timestamp) -> (Arc<Deployment>, Digest) {
    let decided = ask_gate(engine, &rita(), "dep-1", gate(Stage::PlanAndApprove, Phase::Exit), now).unwrap();
    let record = engine.decision(&rita(), &decided.id).unwrap();
    (Arc::clone(&engine.snapshot(&record).unwrap().deployment), decided.snapshot)
}

#[test]
fn samples_are_in_the_snapshots_of_models_whose_plugins_read_them_and_the_same_on_a_server_that_has_just_started() {
    let reader = reader();
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::of(open(&folder, vec![reading_model(&reader, "\"kpis\"")]), tempfile::tempdir().unwrap());
    let kpi = json!({"id": "p99", "metric": "latency", "unit": "ms"});
    stand.attest(&olga(), RegisterKind::Kpis, &about_shop(kpi)).unwrap();
    stand.request(|_| {}).unwrap();
    let values = |deployment: &Deployment| {
        let samples = deployment.samples.as_ref().unwrap()["p99"].newest_first().to_vec();
        samples.iter().map(|sample| sample.value).collect::<Vec<_>>()
    };
    let record = |samples: Value| {
        let new: NewSamples = serde_json::from_value(json!({ "samples": samples })).unwrap();
        stand.engine.record_samples(&stand.by(&olga()), &at(RegisterKind::Kpis, "p99"), &new).unwrap();
    };
    assert_eq!(values(&decided_on(&stand.engine, stand.now()).0), [0.0; 0], "nothing was measured yet");
    record(json!([{"at": "2026-11-24T19:01:00Z", "value": 1.0}, {"at": "2026-11-24T19:03:00Z", "value": 3.0}]));
    assert_eq!(values(&decided_on(&stand.engine, stand.now()).0), [3.0, 1.0]);
    // Later samples of earlier moments, and another one of a moment.
    record(json!([{"at": "2026-11-24T19:02:00Z", "value": 2.0}]));
    record(json!([{"at": "2026-11-24T19:01:00Z", "value": 1.5}]));
    let now = stand.now();
    let (deployment, snapshot) = decided_on(&stand.engine, now);
    assert_eq!(values(&deployment), [3.0, 2.0, 1.5]);
    let started = || open(&folder, vec![reading_model(&reader, "\"kpis\"")]);
    assert_eq!(decided_on(&started(), now), (deployment, snapshot));

    // More than a snapshot holds: the last 100 that were recorded.
    let many = |from: i64| {
        (from..from + 60)
            .map(|second| json!({"at": Timestamp::from_millis(1_795_000_000_000 + second * 1000), "value": second}))
    };
    record(many(0).collect());
    decided_on(&stand.engine, stand.now());
    record(many(60).collect());
    let now = stand.now();
    let (deployment, snapshot) = decided_on(&stand.engine, now);
    let kept = values(&deployment);
    assert_eq!((kept.len(), kept[0], kept[99]), (100, 119.0, 20.0));
    assert_eq!(decided_on(&started(), now), (deployment, snapshot), "read from the ledger at once");

    let ungranted = open(&folder, vec![reading_model(&reader, "\"people\"")]);
    assert_eq!(decided_on(&ungranted, stand.now()).0.samples, None, "no plugin may read them");
}

#[test]
fn samples_since_the_deployment_are_summarized_without_an_end_and_the_same_on_a_server_that_has_just_started() {
    let reader = reader_of(&["sample-intervals"]);
    let folder = tempfile::tempdir().unwrap();
    let model = || reading_model_at(&reader, "validate", "entrance", "\"kpis\"");
    let stand = Stand::of(open(&folder, vec![model()]), tempfile::tempdir().unwrap());
    let kpi = json!({"id": "p99", "metric": "latency", "unit": "ms", "at_most": 250.0});
    stand.attest(&olga(), RegisterKind::Kpis, &about_shop(kpi)).unwrap();
    stand.request(|_| {}).unwrap();
    for (stage, phase) in [
        (Stage::PlanAndApprove, Phase::Entrance),
        (Stage::PlanAndApprove, Phase::Exit),
        (Stage::Fulfill, Phase::Entrance),
    ] {
        let passed = stand.pass("dep-1", stage, phase).unwrap();
        assert!(passed.passed, "{:?}", passed.decision.reasons);
    }
    stand.activities("dep-1", Stage::Fulfill);
    let record = |samples: &[(Timestamp, f64)]| {
        let samples: Vec<Value> = samples.iter().map(|(at, value)| json!({"at": at, "value": value})).collect();
        let new: NewSamples = serde_json::from_value(json!({ "samples": samples })).unwrap();
        stand.engine.record_samples(&stand.by(&olga()), &at(RegisterKind::Kpis, "p99"), &new).unwrap();
    };
    let decided = |engine: &DeploymentService, now: Timestamp| {
        let decided = ask_gate(engine, &rita(), "dep-1", gate(Stage::Validate, Phase::Entrance), now).unwrap();
        let record = engine.decision(&rita(), &decided.id).unwrap();
        Arc::clone(&engine.snapshot(&record).unwrap().deployment)
    };
    record(&[(stand.now(), 900.0)]);
    assert_eq!(decided(&stand.engine, stand.now()).sample_intervals, None, "nothing is deployed yet");
    assert!(stand.pass("dep-1", Stage::Fulfill, Phase::Exit).unwrap().passed);
    let deployed = stand.view("dep-1").passed.last().unwrap().at;
    let intervals = |deployment: &Deployment| {
        let intervals = deployment.sample_intervals.as_ref().unwrap()["p99"].oldest_first().to_vec();
        let seen = |one: &SampleInterval| (one.count, one.good.unwrap(), one.length.as_millis() / 1_000);
        intervals.iter().map(seen).collect::<Vec<_>>()
    };
    assert_eq!(intervals(&decided(&stand.engine, stand.now())), [], "what was measured before does not count");

    // One each ten seconds for a quarter of an hour, and later four hours with one each minute: many more than 100.
    let after = |seconds: i64| Timestamp::from_millis(deployed.as_millis() + seconds * 1_000);
    stand.later(20);
    record(&(1..=90).map(|place| (after(place * 10), if place % 9 == 0 { 300.0 } else { 200.0 })).collect::<Vec<_>>());
    let first = intervals(&decided(&stand.engine, stand.now()));
    assert_eq!(first.len(), 90);
    assert!(first.iter().all(|(count, _, length)| (*count, *length) == (1, 10)), "{first:?}");
    assert_eq!(first.iter().map(|(_, good, _)| good).sum::<u32>(), 80);
    stand.later(240);
    record(&(16..=240).map(|minute| (after(minute * 60), 200.0)).collect::<Vec<_>>());
    // A sample of a moment that is known takes the place of the earlier one.
    record(&[(after(90), 200.0)]);
    let now = stand.now();
    let deployment = decided(&stand.engine, now);
    let all = intervals(&deployment);
    assert!(all.len() <= 100 && all.iter().all(|(.., length)| *length == 300), "{all:?}");
    assert_eq!(all.iter().map(|(count, ..)| count).sum::<u32>(), 90 + 225);
    assert_eq!(all.iter().map(|(_, good, _)| good).sum::<u32>(), 81 + 225);
    assert_eq!(deployment.provenance["/sample_intervals"].source, FactSource::Register);
    assert_eq!(*decided(&open(&folder, vec![model()]), now), *deployment, "read from the ledger at once");
}

#[test]
fn the_people_that_a_deployment_names_are_joined_with_their_competences_and_who_attested_them() {
    let reader = reader();
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::of(open(&folder, vec![reading_model(&reader, "\"people\"")]), tempfile::tempdir().unwrap());
    stand.request(|_| {}).unwrap();
    assert_eq!(decided_on(&stand.engine, stand.now()).0.people, None, "nobody keeps people");
    let gwen = person("gwen", &["governance"]);
    let knows = |id: &str, competence: &str| {
        let value = json!({"id": id, "name": "Full Name", "competences": [{"name": competence, "level": "expert"}]});
        stand.attest(&gwen, RegisterKind::People, &new(value)).unwrap();
    };
    for (id, competence) in [("rita", "deploying"), ("ben", "judging"), ("zoe", "other")] {
        knows(id, competence);
    }
    let (deployment, before) = decided_on(&stand.engine, stand.now());
    let people = |deployment: &Deployment| {
        let people = deployment.people.clone().unwrap();
        people.into_iter().map(|(id, person)| (id, person.competences[0].name.clone())).collect::<Vec<_>>()
    };
    let named = |id: &str, competence: &str| (id.to_owned(), competence.to_owned());
    assert_eq!(people(&deployment), [named("rita", "deploying")], "Ben has not approved yet");
    let said = &deployment.provenance["/people/rita"];
    assert_eq!((said.source, said.attester.as_ref().unwrap().normal()), (FactSource::Register, "gwen"));
    assert!(!json!(*deployment).to_string().contains("Full Name"));

    stand.engine.approve(&stand.by(&ben()), "dep-1".into(), &stand.answer("dep-1", "change-authority")).unwrap();
    let now = stand.now();
    let (deployment, approved) = decided_on(&stand.engine, now);
    assert_eq!(people(&deployment), [named("ben", "judging"), named("rita", "deploying")]);
    assert_ne!(before, approved);
    let started = open(&folder, vec![reading_model(&reader, "\"people\"")]);
    assert_eq!(decided_on(&started, now), (deployment, approved));
    // What was attested of somebody whom nothing names changes nothing; of somebody who is named, it does.
    knows("zoe", "else");
    let (deployment, _) = decided_on(&stand.engine, stand.now());
    assert_eq!(people(&deployment)[0], named("ben", "judging"));
    knows("ben", "judging-better");
    assert_eq!(people(&decided_on(&stand.engine, stand.now()).0)[0], named("ben", "judging-better"));
}

#[test]
fn a_request_does_not_bring_people_and_samples_with_it() {
    for (member, value) in
        [("people", json!({"rita": {}})), ("samples", json!({"p99": []})), ("sample_intervals", json!({"p99": []}))]
    {
        let (reader, folder) = (reader(), tempfile::tempdir().unwrap());
        let stand = Stand::of(open(&folder, vec![reading_model(&reader, "")]), tempfile::tempdir().unwrap());
        let refused = stand.request(|document| document[member] = value.clone());
        let Err(ServiceError::Invalid(found)) = refused else { panic!("{member}") };
        assert_eq!(found[0].pointer, format!("/deployment/{member}"));
        assert!(found[0].message.contains("the host takes them from the register"), "{}", found[0].message);
    }
}
