//! What plugins keep in their namespaces is written with the decision that it belongs to, or not at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use lockgate_domain::{BindingAnswer, Decision, Digest, FailureKind, Phase, Stage, Standing, Verdict};
use lockgate_engine::LoadedModel;
use lockgate_engine::model::Source;
use lockgate_ledger::{Append, EntryQuery, SqliteStorage, Storage, ValueChanges};
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_service::LedgerNamespaces;
use lockgate_service::authority::{Actor, CredentialCheck, CredentialEnded};
use lockgate_service::{
    DeploymentService, GateAnswer, GatePass, GatePurpose, GateRequest, NextStep, Recordings, ServiceError, WriteAnswer,
    WriteContext,
};
use lockgate_tests::{TOLD_FACTS, counting, counting_strategy, setting};
use serde_json::json;
use tempfile::TempDir;

use crate::service::stand::{
    Fixed, Meanwhile, Stand, ask_gate, decided, gate, gate_request, open_ledger, pass_with, person, rita,
};

const ENTRANCE: (Stage, Phase) = (Stage::PlanAndApprove, Phase::Entrance);

/// Loads a model whose plugins are these, and which binds all of them to the entrance of plan-and-approve, in this order.
fn model(storage: &Arc<dyn Storage>, plugins: &[(&str, Vec<u8>)], quota: &str, rest: &str) -> LoadedModel {
    let folder = tempfile::tempdir().unwrap();
    let mut text = format!("{}{TOLD_FACTS}", "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n");
    for (name, component) in plugins {
        std::fs::write(folder.path().join(format!("{name}.wasm")), component).unwrap();
        let digest = Digest::of(component);
        text.push_str(&format!("[plugins.{name}]\ncomponent = \"{name}.wasm\"\ndigest = \"{digest}\"\n"));
    }
    text.push_str("[[gates]]\nstage = \"plan-and-approve\"\nphase = \"entrance\"\n");
    for (name, _) in plugins.iter().filter(|(name, _)| *name != "strategy") {
        text.push_str(&format!(
            "[[gates.bindings]]\nid = \"{name}\"\nplugin = \"{name}\"\nenforcement = \"hard-mandatory\"\n\
             grants.key-value = {{ namespace = \"counter\", access = \"read-write\", quota = \"{quota}\" }}\n"
        ));
    }
    let source = Source::new("model.toml", text + rest);
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    let config = RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() };
    let runtime = Runtime::with_namespaces(config, Arc::new(LedgerNamespaces::new(Arc::clone(storage)))).unwrap();
    match LoadedModel::load(&runtime, &source, folder.path()) {
        Ok(ready) => ready.model,
        Err(findings) => panic!("{}", findings.render(&source, false)),
    }
}

fn server(folder: &TempDir, plugins: &[(&str, Vec<u8>)], quota: &str, rest: &str) -> DeploymentService {
    let storage: Arc<dyn Storage> = Arc::new(open_ledger(folder));
    let models = Fixed(vec![model(&storage, plugins, quota, rest)].into());
    DeploymentService::new(storage, Arc::new(models), Recordings::Needed)
}

/// A stand with a deployment that was asked for.
fn stand(plugins: &[(&str, Vec<u8>)], quota: &str) -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let stand = Stand::of(server(&folder, plugins, quota, ""), folder);
    stand.request(|_| {}).unwrap();
    stand
}

fn counter() -> Vec<(&'static str, Vec<u8>)> {
    vec![("counter", counting("count"))]
}

/// What the namespace holds.
fn kept(engine: &DeploymentService) -> BTreeMap<String, Vec<u8>> {
    engine.storage().values("plugin/counter", "").unwrap().values
}

fn counted(engine: &DeploymentService) -> u8 {
    kept(engine).get("count").map_or(0, |value| value[0])
}

fn decisions(engine: &DeploymentService) -> usize {
    let query = EntryQuery { kind: Some("decision".to_owned()), limit: 1000, ..EntryQuery::default() };
    engine.storage().entries(&query).unwrap().len()
}

fn decide(stand: &Stand) -> Arc<Decision> {
    let at = gate(ENTRANCE.0, ENTRANCE.1);
    ask_gate(&stand.engine, &rita(), "dep-1", at, stand.now()).unwrap()
}

#[test]
fn each_decision_counts_once_and_a_look_does_not_count() {
    let stand = stand(&counter(), "64 KiB");
    let size = || stand.engine.storage().head().unwrap().size;
    let (actor, at) = (rita(), gate(ENTRANCE.0, ENTRANCE.1));
    for passing in [false, true, false, true] {
        let before = size();
        let request = gate_request(&actor, "dep-1", at, GatePurpose::Look { passing }, stand.now());
        let seen = stand.engine.gate_blocking(request).unwrap().answer;
        assert_eq!((seen, size(), kept(&stand.engine)), (GateAnswer::Verdict(Verdict::Allow), before, BTreeMap::new()));
    }
    decide(&stand);
    decide(&stand);
    assert_eq!(counted(&stand.engine), 2);
    assert!(stand.pass("dep-1", ENTRANCE.0, ENTRANCE.1).unwrap().passed);
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (3, 3));
}

/// A credential that looks at the ledger right before the write is taken, and says whether it is still accepted.
struct Looking {
    look: Box<dyn Fn(usize) -> bool + Send + Sync>,
    asked: AtomicUsize,
}

impl Looking {
    fn new(look: impl Fn(usize) -> bool + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { look: Box::new(look), asked: AtomicUsize::new(0) })
    }
}

impl std::fmt::Debug for Looking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looking")
    }
}

impl CredentialCheck for Looking {
    fn was_accepted_lately(&self) -> Result<(), CredentialEnded> {
        Ok(())
    }

    fn still_accepted(&self) -> Result<(), CredentialEnded> {
        match (self.look)(self.asked.fetch_add(1, Ordering::SeqCst)) {
            true => Ok(()),
            false => Err(CredentialEnded("it was revoked".into())),
        }
    }
}

fn pass_as(stand: &Stand, actor: &Actor, credential: Arc<Looking>) -> Result<WriteAnswer<GatePass>, ServiceError> {
    pass_with(&stand.engine, &stand.by(actor), Some(credential), "dep-1", gate(ENTRANCE.0, ENTRANCE.1))
}

#[test]
fn a_decision_that_is_not_appended_leaves_no_value() {
    let stand = stand(&counter(), "64 KiB");
    let actor = rita();
    let passed = pass_as(&stand, &actor, Looking::new(|_| false));
    assert!(matches!(passed, Err(ServiceError::CredentialEnded(_))), "{passed:?}");
    assert_eq!((kept(&stand.engine), decisions(&stand.engine)), (BTreeMap::new(), 0));
}

#[test]
fn a_decision_and_its_values_are_there_at_once() {
    let stand = stand(&counter(), "64 KiB");
    let (actor, seen) = (rita(), Arc::new(std::sync::Mutex::new(Vec::new())));
    // The plugins have answered, and nothing is written yet.
    let other = open_ledger(&stand.folder);
    let looked = Arc::clone(&seen);
    let look = move |_| {
        let query = EntryQuery { kind: Some("decision".to_owned()), limit: 10, ..EntryQuery::default() };
        use lockgate_ledger::LogSource as _;
        let values = other.values("plugin/counter", "").unwrap().values;
        looked.lock().unwrap().push((values, other.entries(&query).unwrap().len()));
        true
    };
    pass_as(&stand, &actor, Looking::new(look)).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(BTreeMap::new(), 0)]);
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (1, 1));
}

/// Sets the value of `count` as another server does.
fn set_count(storage: &SqliteStorage, count: u8) {
    let changes = BTreeMap::from([("count".to_owned(), Some(vec![count]))]);
    let changes = ValueChanges { namespace: "plugin/counter".to_owned(), expect: None, changes };
    storage.append(Append { values: vec![changes], ..Append::default() }).unwrap();
}

#[test]
fn a_decision_that_conflicts_is_made_again_on_the_new_values_and_counts_once() {
    let stand = stand(&counter(), "64 KiB");
    let actor = rita();
    let other = open_ledger(&stand.folder);
    let credential = Looking::new(move |asked| {
        if asked == 0 {
            set_count(&other, 10);
        }
        true
    });
    pass_as(&stand, &actor, Arc::clone(&credential)).unwrap();
    assert_eq!(credential.asked.load(Ordering::SeqCst), 2, "it was made twice");
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (11, 1));
}

#[test]
fn a_decision_that_loses_to_another_server_many_times_in_a_row_is_written_when_that_one_pauses() {
    const LOST: usize = 60;
    let stand = stand(&counter(), "64 KiB");
    let actor = rita();
    let other = open_ledger(&stand.folder);
    let credential = Looking::new(move |asked| {
        if asked < LOST {
            set_count(&other, u8::try_from(asked).unwrap());
        }
        true
    });
    pass_as(&stand, &actor, Arc::clone(&credential)).unwrap();
    assert_eq!(credential.asked.load(Ordering::SeqCst), LOST + 1);
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (60, 1));
}

#[test]
fn a_decision_whose_deployment_changed_meanwhile_counts_once() {
    let stand = stand(&counter(), "64 KiB");
    let (at, now) = (gate(ENTRANCE.0, ENTRANCE.1), stand.now());
    let decided_during = |meanwhile: Box<dyn Fn(&DeploymentService) + Send + Sync>| {
        let credential = Arc::new(Meanwhile::new(stand.engine.clone(), meanwhile));
        let request = gate_request(&rita(), "dep-1", at, GatePurpose::Ask, now);
        decided(&stand.engine, GateRequest { credential: Some(credential.clone()), ..request }).unwrap();
        credential.decided()
    };
    let revises = move |engine: &DeploymentService| {
        let actor = rita();
        let write = WriteContext { actor: &actor, now, key: None, if_match: None, credential: None };
        engine.revise(&write, "dep-1".into(), &json!({"labels": {"wave": "1"}})).unwrap();
    };
    assert_eq!(decided_during(Box::new(revises)), 2);
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (1, 1));
    // It rests on the value that the other decision changes.
    let decides = move |engine: &DeploymentService| drop(ask_gate(engine, &rita(), "dep-1", at, now).unwrap());
    assert_eq!(decided_during(Box::new(decides)), 2);
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (3, 3));
}

#[test]
fn of_many_decisions_on_several_servers_each_counts_and_none_starves() {
    let folder = tempfile::tempdir().unwrap();
    let servers = [server(&folder, &counter(), "64 KiB", ""), server(&folder, &counter(), "64 KiB", "")];
    let stand = Stand::of(servers[0].clone(), folder);
    for writer in 0..8 {
        stand.request(|document| document["id"] = json!(format!("dep-{writer}"))).unwrap();
    }
    let (at, now) = (gate(ENTRANCE.0, ENTRANCE.1), stand.now());
    thread::scope(|scope| {
        for writer in 0..8 {
            let engine = &servers[writer % servers.len()];
            scope.spawn(move || {
                let id = format!("dep-{writer}");
                for _ in 0..15 {
                    ask_gate(engine, &rita(), id.as_str(), at, now).unwrap();
                }
            });
        }
    });
    assert_eq!((counted(&stand.engine), decisions(&stand.engine)), (120, 120));
}

#[test]
fn bindings_see_the_values_from_before_and_of_two_changes_of_a_key_the_later_binding_has_the_last_word() {
    let plugins = [
        ("first", setting("who", "first")),
        ("counting", counting("count")),
        ("counting-too", counting("count")),
        ("last", setting("who", "last")),
    ];
    let stand = stand(&plugins, "64 KiB");
    for round in 1..=5 {
        decide(&stand);
        let expected = [("count".to_owned(), vec![round]), ("who".to_owned(), b"last".to_vec())];
        assert_eq!(kept(&stand.engine), expected.into());
    }
}

#[test]
fn a_binding_whose_values_do_not_fit_beside_those_of_the_ones_before_has_failed() {
    let twenty = "x".repeat(20);
    let plugins = [("a", setting("a", &twenty)), ("b", setting("b", &twenty)), ("c", setting("c", ""))];
    let stand = stand(&plugins, "40 B");
    let decision = decide(&stand);
    let standings: Vec<Standing> = decision.bindings.iter().map(|binding| binding.standing).collect();
    assert_eq!(standings, [Standing::NotApplicable, Standing::Error, Standing::NotApplicable]);
    let BindingAnswer::Failed(failure) = &decision.bindings[1].answer else { panic!("{decision:?}") };
    assert_eq!(failure.kind, FailureKind::HostFailed);
    assert_eq!(
        failure.message,
        "the plugin's changes to its namespace cannot be stored: the namespace `counter` would take 42 bytes of the 40 bytes \
         granted: grant more, or delete some of its keys"
    );
    assert_eq!(kept(&stand.engine).into_keys().collect::<Vec<_>>(), ["a", "c"]);
}

#[test]
fn what_a_strategy_keeps_is_written_with_the_step_that_it_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let strategy = "[strategy]\nplugin = \"strategy\"\n\
                    grants.key-value = { namespace = \"counter\", access = \"read-write\" }\n";
    let plugins = [("strategy", counting_strategy())];
    let stand = Stand::of(server(&folder, &plugins, "64 KiB", strategy), folder);
    stand
        .request(|document| {
            document["scenario"] = json!("first-release");
            document["plan"] = json!({"id": "plan-1", "way_back": {"kind": "removal"}});
        })
        .unwrap();
    for (stage, phase) in [ENTRANCE, (Stage::PlanAndApprove, Phase::Exit), (Stage::Fulfill, Phase::Entrance)] {
        assert!(stand.pass("dep-1", stage, phase).unwrap().passed);
    }
    let actor = person("ci", &["pipeline"]);
    let ended = Looking::new(|_| false);
    let refused =
        stand.engine.next_step(&WriteContext { credential: Some(&*ended), ..stand.by(&actor) }, "dep-1".into());
    assert!(matches!(refused, Err(ServiceError::CredentialEnded(_))), "{refused:?}");
    assert_eq!(counted(&stand.engine), 0, "nothing was written");
    for _ in 0..2 {
        let next = stand.engine.next_step(&stand.by(&actor), "dep-1".into()).unwrap().value;
        assert!(matches!(next, NextStep::Perform { .. }), "{next:?}");
        assert_eq!(counted(&stand.engine), 1, "the second time the step is under way, and the strategy is not asked");
    }
}
