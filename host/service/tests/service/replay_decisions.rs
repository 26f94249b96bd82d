//! Decisions that an engine wrote into a ledger, made again from the ledger alone: as they were, or with a candidate.
#[allow(dead_code, reason = "each test uses its part")]
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::catalogue_support::{Models, RUNTIME, told_and_approved_by};
use crate::gate_support::{EXIT, model_text};
use crate::ledger_support::{Database, forge};
use crate::service::laid_out;
use crate::service::stand::{Stand, ask_gate, ben, person, rita};
use lockgate_domain::{
    Decision, DetachedSignature, Digest, Gate, NewRegisterEntry, Phase, RegisterKind, Snapshot, Stage, Standing,
    Timestamp,
};
use lockgate_engine::model::Source;
use lockgate_engine::replay::{OutcomeChange, ReplayOutcome, ReplayedDecision};
use lockgate_engine::{LoadedModel, decision_id};
use lockgate_ledger::{ContentState, RetentionRule, SqliteStorage};
use lockgate_service::authority::Actor;
use lockgate_service::catalogue::KeptModels;
use lockgate_service::replay::{DecisionFilter, LedgerReplay};
use lockgate_service::{
    DeploymentService, NewEvidence, NewStop, NextStep, Recordings, RegisterRef, RegisterScope, StepOutcome, StepReport,
};
use lockgate_tests::Guest;
use lockgate_tests::signing::EvidenceKey;
use serde_json::{Value, json};

/// A ledger, the models of the server on it, and what it decided.
struct Served {
    models: Models,
    database: Database,
}

impl Served {
    fn new() -> Self {
        let models = Models::new();
        models.write("shop.toml", &told_and_approved_by("shop", "1.0.0", &["change-authority"]));
        Self { models, database: Database::new() }
    }

    /// A server as it starts: it keeps its models in the ledger, and gets from there those that were replaced.
    fn start(&self, recordings: Recordings) -> Stand {
        let (storage, catalogue) = (self.database.open(), Arc::new(self.models.load()));
        catalogue.keep(&*storage, Timestamp::from_millis(0)).unwrap();
        let models = Arc::new(KeptModels::new(catalogue, storage.clone()));
        Stand::of(DeploymentService::new(storage, models, recordings), tempfile::tempdir().unwrap())
    }

    /// Asks for a deployment, which is not approved at first, then is, and begins to be fulfilled: four decisions.
    fn decided(&self) -> Stand {
        let server = self.start(Recordings::Needed);
        server.request(|_| ()).unwrap();
        assert!(server.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
        assert!(!server.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
        server.engine.approve(&server.by(&ben()), "dep-1".into(), &server.answer("dep-1", "change-authority")).unwrap();
        assert!(server.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
        assert!(server.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
        server
    }

    /// Every decision of the ledger, as it came out now.
    fn replay(&self, candidate: Option<LoadedModel>) -> Vec<ReplayedDecision> {
        let storage = Arc::new(SqliteStorage::open_read_only(&self.database.path()).unwrap());
        let decisions = LedgerReplay::of(RUNTIME.clone(), storage, candidate).unwrap();
        let (mut again, mut from) = (Vec::new(), Some(0));
        // Page by page: a page of two shows that none is left out.
        while let Some(place) = from {
            let (page, next) = decisions.find(&DecisionFilter::default(), place, 2).unwrap();
            again.extend(page.iter().map(|kept| decisions.replay(kept)));
            from = next;
        }
        again
    }

    fn ended(&self, candidate: Option<LoadedModel>) -> Vec<ReplayOutcome> {
        self.replay(candidate).into_iter().map(|again| again.ended).collect()
    }

    /// Replaces a text in the one entry of a kind that holds it, with its hash and id.
    fn tamper(&self, kind: &str, from: &str, to: &str) {
        forge(&self.database.path(), kind, from, to, true);
    }

    fn candidate(&self, text: &str) -> LoadedModel {
        let source = Source::new("candidate.toml", text);
        let folder: PathBuf = self.models.path("");
        LoadedModel::load_to_replay(&RUNTIME, &source, &folder).unwrap().model
    }
}

#[test]
fn every_decision_comes_out_the_same_from_the_ledger_alone_while_the_server_runs() {
    let served = Served::new();
    let first = served.decided();
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 4]);

    // Another model decides about the next one; and then the files of both are gone.
    drop(first);
    served.models.write("shop.toml", &told_and_approved_by("shop", "2.0.0", &["service-owner"]));
    let second = served.start(Recordings::Needed);
    second.request(|document| document["id"] = "dep-2".into()).unwrap();
    assert!(second.pass("dep-2", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    assert!(!second.pass("dep-2", Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    served.models.remove("shop.toml");
    served.models.remove("four-eyes.wasm");
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 6]);
}

#[test]
fn what_was_decided_within_a_rollout_comes_out_the_same_and_a_candidate_lays_it_out_anew() {
    let served = Served::new();
    ["canary", "sbom-policy"].iter().for_each(|plugin| served.models.add_plugin(plugin));
    let text = model_text(&["four-eyes", "canary", "sbom-policy"], laid_out::MODEL);
    served.models.write("shop.toml", &text);
    let server = served.start(Recordings::All);
    server.request(|_| ()).unwrap();
    server.approved("dep-1");
    assert!(server.pass("dep-1", Stage::Fulfill, Phase::Entrance).unwrap().passed);
    let next = || server.engine.next_step(&server.by(&rita()), "dep-1".into()).unwrap().value;
    while let NextStep::Perform { step, .. } = next() {
        let report = StepReport { outcome: StepOutcome::Succeeded, why: None };
        server.engine.report_step(&server.by(&rita()), "dep-1".into(), &step.id, &report).unwrap();
    }
    // Three gates; two steps and an analysis are begun, the analysis has an outcome, and the rollout is paused for it.
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 8]);
    let again = served.ended(Some(served.candidate(&text)));
    assert_eq!(again, vec![ReplayOutcome::Same; 8]);
    // Another strategy lays out another rollout, which people would have approved instead.
    let candidate = served.candidate(&text.replace("weight = 10", "weight = 20"));
    let ended = served.ended(Some(candidate));
    assert!(matches!(&ended[1], ReplayOutcome::Changed(change) if change.to == Standing::Allow), "{:?}", ended[1]);
    assert!(matches!(&ended[2], ReplayOutcome::Changed(change) if change.to == Standing::Allow), "{:?}", ended[2]);
}

#[test]
fn decisions_under_a_stop_come_out_the_same_after_it_was_lifted() {
    let served = Served::new();
    let server = served.start(Recordings::Needed);
    server.request(|_| ()).unwrap();
    let stop: NewStop = serde_json::from_value(json!({"reason": "INC-7", "until": "2026-11-25T00:00:00Z"})).unwrap();
    let placed = server.engine.stop(&server.by(&ben()), &stop).unwrap().value;
    assert!(!server.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    server.engine.lift_stop(&server.by(&ben()), &placed.stop.id).unwrap();
    assert!(server.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 2]);
}

#[test]
fn decisions_on_registers_come_out_the_same_from_the_ledger_alone_and_on_another_server() {
    let served = Served::new();
    let server = served.start(Recordings::Needed);
    let attest = |actor: &Actor, register: RegisterKind, entry: Value| {
        let entry: NewRegisterEntry = serde_json::from_value(entry).unwrap();
        let id = entry.value.get("id").and_then(Value::as_str).unwrap().to_owned();
        server.engine.attest_entry(&server.by(actor), register, &id, RegisterScope::OwnTeam, &entry).unwrap();
    };
    let change = json!({
        "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low", "releases": ["shop-2"]
    });
    attest(&ben(), RegisterKind::Changes, json!({ "value": change }));
    let olga = person("olga", &["operations-manager"]);
    let concerns = json!({"products": ["shop"]});
    let kpi = json!({"id": "p99", "metric": "latency", "unit": "ms", "at_most": 300.0, "latest": 1.0});
    attest(&olga, RegisterKind::Kpis, json!({"value": kpi, "concerns": concerns}));
    let incident = json!({"id": "INC-1", "title": "t", "status": "new", "open": true, "severity": "high"});
    attest(&olga, RegisterKind::Incidents, json!({"value": incident, "concerns": concerns}));
    server.request(|document| *document.get_mut("change").unwrap() = json!("CHG-1")).unwrap();
    let sample = json!({"samples": [{"at": "2026-11-24T19:59:00Z", "value": 250.5}]});
    let kpi = RegisterRef { register: RegisterKind::Kpis, id: "p99", team: None, shared: false };
    server.engine.record_samples(&server.by(&olga), &kpi, &serde_json::from_value(sample).unwrap()).unwrap();
    server.approved("dep-1");
    let made = served.ended(None);
    assert_eq!(made, vec![ReplayOutcome::Same; 2]);
    // What the registers say later changes nothing of an earlier decision.
    let change = json!({
        "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "rejected", "risk": "high", "releases": ["shop-2"]
    });
    attest(&ben(), RegisterKind::Changes, json!({ "value": change }));
    assert_eq!(served.ended(None), made);

    let other = served.start(Recordings::Needed);
    let now = server.now();
    let exit = Gate { stage: Stage::PlanAndApprove, phase: Phase::Exit };
    let one = ask_gate(&server.engine, &rita(), "dep-1", exit, now).unwrap();
    let two = ask_gate(&other.engine, &rita(), "dep-1", exit, now).unwrap();
    assert_eq!((&one.snapshot, &one.verdict, &one.reasons), (&two.snapshot, &two.verdict, &two.reasons));

    // The ledger keeps a value once: the deployment that was looked at names it by its digest.
    let record = server.engine.decision(&rita(), &one.id).unwrap();
    let kept = server.engine.storage().content(&record.deployment).unwrap().unwrap();
    let ContentState::Present(kept) = kept.state else { panic!() };
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    assert_eq!(kept.pointer("/change"), Some(&Value::Null));
    assert_eq!(kept.pointer("/registers/incidents/0"), Some(&Value::Null));
    assert_eq!(kept.pointer("/registers/kpis/0/latest"), Some(&json!(250.5)), "it was completed by its samples");

    // A value that was forgotten cannot be replayed, and the outcome says so.
    let rule = RetentionRule::Content {
        kind: "register-changes".to_owned(),
        before: Timestamp::from_millis(i64::MAX / 1_000_000),
    };
    assert!(server.engine.storage().forget(&rule).unwrap().count > 0);
    let gone = served.ended(None);
    let (replaced, present) = gone.split_at(2);
    assert!(replaced.iter().all(|outcome| matches!(outcome, ReplayOutcome::Deleted { .. })), "{gone:?}");
    assert_eq!(present, [ReplayOutcome::Same, ReplayOutcome::Same], "the present value stays");
}

#[test]
fn a_decision_whose_answers_were_used_again_comes_out_the_same() {
    let served = Served::new();
    let server = served.start(Recordings::Needed);
    server.request(|_| ()).unwrap();
    for reused in [false, true] {
        let decision = ask_gate(&server.engine, &rita(), "dep-1", EXIT, server.now()).unwrap();
        assert!(decision.bindings.iter().all(|binding| binding.receipt.as_ref().unwrap().reused == reused));
    }
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 2]);
}

#[test]
fn decisions_are_found_by_id_by_deployment_and_by_time() {
    let served = Served::new();
    let server = served.decided();
    server.request(|document| document["id"] = "dep-2".into()).unwrap();
    server.pass("dep-2", Stage::PlanAndApprove, Phase::Entrance).unwrap();
    let decisions = LedgerReplay::of(RUNTIME.clone(), served.database.open(), None).unwrap();
    let found = |which: &DecisionFilter| decisions.find(which, 0, 100).unwrap().0;
    let all = found(&DecisionFilter::default());
    assert_eq!(all.len(), 5);
    let last = all.last().unwrap();
    let at = last.record.as_ref().unwrap().decision.at;
    for which in [
        DecisionFilter { ids: vec![last.id.clone()], ..DecisionFilter::default() },
        DecisionFilter { deployment: Some("dep-2".to_owned()), ..DecisionFilter::default() },
        DecisionFilter { since: Some(at), ..DecisionFilter::default() },
    ] {
        let found: Vec<u64> = found(&which).iter().map(|kept| kept.index).collect();
        assert_eq!(found, [last.index], "{which:?}");
    }
    assert_eq!(found(&DecisionFilter { until: Some(at), ..DecisionFilter::default() }).len(), 4);
}

#[test]
fn a_verdict_that_was_changed_in_the_ledger_is_found() {
    let served = Served::new();
    served.decided();
    served.tamper("decision", r#""verdict":"pending""#, r#""verdict":"allow""#);
    let again = served.replay(None);
    let ReplayOutcome::Flipped(OutcomeChange { from, to, .. }) = &again[1].ended else { panic!("{:?}", again[1]) };
    assert_eq!((*from, *to), (Standing::Allow, Standing::Pending));
    assert_eq!(again[1].differs, ["/verdict"]);
    let others = again.iter().filter(|again| again.ended == ReplayOutcome::Same && again.differs.is_empty());
    assert_eq!(others.count(), 3);
}

#[test]
fn an_answer_that_was_changed_in_the_ledger_is_found() {
    let served = Served::new();
    served.decided();
    served.tamper("decision", r#""standing":"pending""#, r#""standing":"error""#);
    let again = served.replay(None);
    assert!(matches!(&again[1].ended, ReplayOutcome::Changed(_)), "{:?}", again[1]);
    assert_eq!(again[1].differs, ["/bindings/0/standing"]);
}

#[test]
fn another_subject_than_that_of_what_was_looked_at_is_found_however_well_it_was_forged() {
    let served = Served::new();
    let server = served.decided();
    let page = lockgate_service::PageRequest { before: None, limit: 10 };
    let record = server.engine.decisions(&rita(), None, page).unwrap().items.remove(2);
    let was = &record.decision;
    let snapshot = server.engine.snapshot(&record).unwrap();
    let snapshot = Snapshot { subject: Digest::of(b"another plan"), ..snapshot };
    let mut forged = was.clone();
    (forged.subject, forged.snapshot) = (snapshot.subject, snapshot.digest().unwrap());
    forged.id = decision_id(&forged).unwrap();
    let place = |decision: &Decision| format!(r#""snapshot":"{}","subject":"{}""#, decision.snapshot, decision.subject);
    served.tamper("decision", &was.id, &forged.id);
    served.tamper("decision", &place(was), &place(&forged));
    let again = served.replay(None);
    assert!(matches!(&again[1].ended, ReplayOutcome::Changed(_)), "{:?}", again[1]);
    assert_eq!(again[1].differs, ["/id", "/snapshot", "/subject"]);
}

#[test]
fn decisions_on_signed_evidence_come_out_the_same_after_the_key_was_taken_away() {
    let served = Served::new();
    let demand =
        "[evidence.scan]\nby = [\"supplier:acme\"]\nsigned = true\nfrom-gate = \"plan-and-approve/entrance\"\n";
    let model = told_and_approved_by("shop", "1.0.0", &["change-authority"]);
    served.models.write("shop.toml", &format!("{model}\n{demand}"));
    let server = served.start(Recordings::Needed);
    let key = EvidenceKey::p256();
    let supplier = |keys: Value| {
        let sue = person("sue", &["service-owner"]);
        let entry = json!({"value": {"id": "acme", "name": "Acme", "keys": keys}});
        let entry: NewRegisterEntry = serde_json::from_value(entry).unwrap();
        let (register, scope) = (RegisterKind::Suppliers, RegisterScope::OwnTeam);
        server.engine.attest_entry(&server.by(&sue), register, "acme", scope, &entry).unwrap();
    };
    supplier(json!([{"id": "build", "public_key": key.pem()}]));
    server.request(|_| ()).unwrap();
    let signature = DetachedSignature { signature: key.sign_base64(b"report"), key: None };
    let new = NewEvidence { signature: Some(signature), ..NewEvidence::new("scan", "text/plain", b"report") };
    server.engine.attach(&server.by(&rita()), "dep-1".into(), new).unwrap();
    assert!(server.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    supplier(json!([]));
    let exit = server.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap();
    let codes: Vec<&str> = exit.decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert!(!exit.passed && codes.contains(&"evidence-not-verified"), "{codes:?}");
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 2]);
}

#[test]
fn evidence_whose_bytes_were_replaced_is_not_decided_on() {
    let served = Served::new();
    let server = served.start(Recordings::Needed);
    server.request(|_| ()).unwrap();
    server
        .engine
        .attach(&server.by(&rita()), "dep-1".into(), NewEvidence::new("sbom", "text/plain", b"as it was"))
        .unwrap();
    assert!(server.pass("dep-1", Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
    assert_eq!(served.ended(None), [ReplayOutcome::Same]);
    let connection = rusqlite::Connection::open(served.database.path()).unwrap();
    let sql = "UPDATE content_bytes SET bytes = CAST('another' AS BLOB) WHERE bytes = CAST('as it was' AS BLOB)";
    assert_eq!(connection.execute(sql, []).unwrap(), 1);
    let digest = Digest::of(b"as it was");
    let why = format!("the content `{digest}` is not what its digest says");
    let ended = served.ended(None);
    assert!(matches!(&ended[..], [ReplayOutcome::NotRun { why: said }] if said.contains(&why)), "{ended:?}");
    // Nor by a server that starts on it.
    let again = served.start(Recordings::Needed);
    let error = again.pass("dep-1", Stage::PlanAndApprove, Phase::Exit).unwrap_err();
    assert!(error.to_string().contains(&why), "{error}");
}

#[test]
fn other_fuel_is_found_if_the_ledger_says_that_the_same_engine_decided() {
    let served = Served::new();
    let server = served.decided();
    let page = lockgate_service::PageRequest { before: None, limit: 10 };
    let exit = server.engine.decisions(&rita(), None, page).unwrap().items.remove(1).decision;
    let fuel = exit.bindings[0].receipt.as_ref().unwrap().fuel;
    // Both decisions at the exit ask the plugin, with and without an approval, and use other fuel for it.
    served.tamper("decision", &format!("\"fuel\":{fuel}"), "\"fuel\":7");
    assert_eq!(served.ended(None)[2], ReplayOutcome::FuelDiffers { was: 7, is: fuel });
    served.tamper("model", "wasmtime ", "wasmtime 1.2.3 before ");
    assert_eq!(served.ended(None), vec![ReplayOutcome::Same; 4]);
}

#[test]
fn a_candidate_that_decides_alike_turns_nothing_at_any_gate() {
    let served = Served::new();
    served.decided();
    let candidate = served.candidate(&told_and_approved_by("shop", "2.0.0", &["change-authority"]));
    assert_eq!(served.ended(Some(candidate)), vec![ReplayOutcome::Same; 4]);
}

#[test]
fn a_candidate_that_wants_more_people_is_told_by_what_it_turns_and_why() {
    let served = Served::new();
    served.decided();
    let candidate = served.candidate(&told_and_approved_by("shop", "2.0.0", &["change-authority", "service-owner"]));
    let again = served.replay(Some(candidate));
    assert_eq!([&again[0].ended, &again[3].ended], [&ReplayOutcome::Same; 2]);
    let ReplayOutcome::Changed(OutcomeChange { from: Standing::Pending, .. }) = &again[1].ended else {
        panic!("{:?}", again[1])
    };
    let ReplayOutcome::Flipped(OutcomeChange { from, to, is, .. }) = &again[2].ended else { panic!("{:?}", again[2]) };
    assert_eq!((*from, *to), (Standing::Allow, Standing::Pending));
    assert_eq!(is, &["approvals-missing"]);
    assert!(again[2].differs.contains(&"/verdict".to_owned()), "{:?}", again[2]);
}

#[test]
fn a_candidate_is_held_against_the_decisions_of_its_own_model_alone() {
    let served = Served::new();
    served.decided();
    let other = served.candidate(&told_and_approved_by("stock", "1.0.0", &["change-authority"]));
    assert_eq!(served.ended(Some(other)), vec![ReplayOutcome::NotConcerned; 4]);

    let text = told_and_approved_by("shop", "1.0.0", &["change-authority"]);
    let elsewhere = "applies-when = \"environment.name == 'test'\"\n[plugins.";
    let candidate = served.candidate(&text.replacen("[plugins.", elsewhere, 1));
    let ended = served.ended(Some(candidate));
    for ended in &ended[..3] {
        let ReplayOutcome::NotChosen { why } = ended else { panic!("{ended:?}") };
        assert!(why.contains("`environment.name == 'test'` does not hold"), "{why}");
    }
    assert_eq!(ended[3], ReplayOutcome::Same, "what was approved stays with its model");
}

#[test]
fn what_retention_deleted_is_told_with_its_place_and_is_no_match() {
    let served = Served::new();
    let server = served.decided();
    let page = lockgate_service::PageRequest { before: None, limit: 10 };
    let deployment = server.engine.decisions(&rita(), None, page).unwrap().items[1].deployment;
    let forget = |kind: &str| {
        let rule = RetentionRule::Content { kind: kind.to_owned(), before: Timestamp::from_millis(i64::MAX / 1000) };
        server.engine.storage().forget(&rule).unwrap().count
    };
    let component = Digest::of(&fs::read(served.models.path("four-eyes.wasm")).unwrap());
    assert_eq!(forget("plugin"), 1);
    let ended = served.ended(None);
    for ended in &ended {
        let ReplayOutcome::Deleted { what, digest, .. } = ended else { panic!("{ended:?}") };
        assert_eq!((what.as_str(), *digest), ("the plugin `four-eyes` of the model `shop@1.0.0`", component));
    }

    assert!(forget("snapshot") > 0);
    let ReplayOutcome::Deleted { what, digest, .. } = &served.ended(None)[2] else { panic!() };
    assert_eq!((what.as_str(), *digest), ("the deployment that was looked at", deployment));
}

/// A policy that reads the file `a` of the directory `catalog`, and then abstains.
fn reader() -> Vec<u8> {
    Guest {
        world: "import lockgate:host/directory@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"(import "lockgate:host/directory@0.2.0-rc.2" "read"
            (func $read (param i32 i32 i32 i32 i32)))"#,
        fields: r#"(data (i32.const 4096) "cataloga")"#,
        decide: "(call $read (i32.const 4096) (i32.const 7) (i32.const 4103) (i32.const 1) (i32.const 4200))",
        ..Guest::default()
    }
    .component()
}

#[test]
fn what_a_plugin_was_told_is_told_again_and_where_it_was_not_kept_nobody_can_tell() {
    let served = Served { models: Models::new(), database: Database::new() };
    fs::write(served.models.path("reader.wasm"), reader()).unwrap();
    for folder in ["catalog", "other"] {
        fs::create_dir(served.models.path(folder)).unwrap();
        fs::write(served.models.path(folder).join("a"), "first").unwrap();
    }
    let model = |folder: &str| {
        format!(
            r#"
            id = "shop"
            version = "1.0.0"
            title = "Reads a file"
            unguarded = "allow"
            facts = {{ change.from = "told", environment.from = "told", instances.from = "told" }}
            [plugins.reader]
            component = "reader.wasm"
            digest = "{}"
            [[gates]]
            stage = "plan-and-approve"
            phase = "exit"
            [[gates.bindings]]
            id = "reader"
            plugin = "reader"
            enforcement = "hard-mandatory"
            grants.directory.catalog = "{folder}"
            "#,
            Digest::of(&reader())
        )
    };
    served.models.write("shop.toml", &model("catalog"));
    let server = served.start(Recordings::Needed);
    server.request(|_| ()).unwrap();
    ask_gate(&server.engine, &rita(), "dep-1", EXIT, server.now()).unwrap();
    let unrecorded = served.start(Recordings::None);
    unrecorded.later(10);
    ask_gate(&unrecorded.engine, &rita(), "dep-1", EXIT, unrecorded.now()).unwrap();

    // The file is another one now, and then gone: what was read is in the ledger.
    fs::write(served.models.path("catalog/a"), "second").unwrap();
    let not_recorded = |ended: &ReplayOutcome| match ended {
        ReplayOutcome::NotRecorded { question } => question.contains("`reader`") && question.contains(r#""path":"a""#),
        _ => false,
    };
    let ended = served.ended(None);
    assert!(ended[0] == ReplayOutcome::Same && not_recorded(&ended[1]), "{ended:?}");
    fs::remove_dir_all(served.models.path("catalog")).unwrap();
    assert_eq!(served.ended(Some(served.candidate(&model("catalog"))))[0], ReplayOutcome::Same);
    let other = served.ended(Some(served.candidate(&model("other"))));
    assert!(not_recorded(&other[0]), "what stands in another directory was never read: {other:?}");
}
