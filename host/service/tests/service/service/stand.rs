//! An engine on a ledger of its own, a clock that the test moves, and the people of the tests.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lockgate_domain::{
    AttestRules, CredentialKind, Decision, Digest, Gate, PersonId, Phase, Principal, Stage, Teams, Timestamp,
};
use lockgate_engine::LoadedModel;
use lockgate_ledger::note::SigningKey;
use lockgate_ledger::{SqliteOptions, SqliteStorage};
use lockgate_service::authority::{Actor, CredentialCheck, CredentialEnded};
use lockgate_service::lifecycle::{ActivityOutcome, ActivityReport, activities_of};
use lockgate_service::{
    DecisionOrigin, DeploymentService, DeploymentView, GateAnswer, GatePass, GatePurpose, GateRequest, Models,
    NewApproval, NewDeployment, Recordings, ServiceError, ServiceSettings, WriteAnswer, WriteContext,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gate_support::{deployment, load};

/// One that a release manager may override, and one that nobody may.
pub(crate) const MODEL: &str = r#"
    [[gates]]
    stage = "plan-and-approve"
    phase = "exit"
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "soft-mandatory"
    two-person-override = true
    settings.required = [{ role = "change-authority" }]
"#;

pub(crate) struct Fixed(pub(crate) Arc<[LoadedModel]>);

impl Models for Fixed {
    fn current(&self) -> Arc<[LoadedModel]> {
        self.0.clone()
    }

    fn by_digest(&self, digest: Digest) -> Option<LoadedModel> {
        self.0.iter().find(|model| model.digest() == digest).cloned()
    }
}

pub(crate) struct Stand {
    pub(crate) engine: DeploymentService,
    pub(crate) folder: TempDir,
    now: Cell<i64>,
}

/// The id of a person.
pub(crate) fn id(text: &str) -> PersonId {
    PersonId::new(text).unwrap()
}

pub(crate) fn person(id: &str, roles: &[&str]) -> Actor {
    Actor {
        person: Principal {
            id: self::id(id),
            name: String::new(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        },
        teams: Teams::Named(BTreeSet::from(["checkout".parse().unwrap()])),
        scopes: None,
        credential: "token:test".to_owned(),
        kind: CredentialKind::usual_for(roles),
    }
}

pub(crate) fn rita() -> Actor {
    person("rita", &["developer", "pipeline"])
}

pub(crate) fn ben() -> Actor {
    person("ben", &["change-authority"])
}

pub(crate) fn otto() -> Actor {
    person("otto", &["operations-manager"])
}

pub(crate) fn gate(stage: Stage, phase: Phase) -> Gate {
    Gate { stage, phase }
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(MODEL)
    }

    pub(crate) fn with(model: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = open(&folder, vec![load(&["four-eyes", "canary"], model)]);
        Self::of(engine, folder)
    }

    pub(crate) fn of(engine: DeploymentService, folder: TempDir) -> Self {
        Self { engine, folder, now: Cell::new("2026-11-24T20:00:00Z".parse::<Timestamp>().unwrap().as_millis()) }
    }

    /// Each look at the clock is a second later.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.set(self.now.get() + 1000);
        Timestamp::from_millis(self.now.get())
    }

    pub(crate) fn later(&self, minutes: i64) {
        self.now.set(self.now.get() + minutes * 60_000);
    }

    pub(crate) fn by<'a>(&self, actor: &'a Actor) -> WriteContext<'a> {
        WriteContext { actor, now: self.now(), key: None, if_match: None, credential: None }
    }

    pub(crate) fn request(&self, edit: impl FnOnce(&mut Value)) -> Result<WriteAnswer<DeploymentView>, ServiceError> {
        let mut document = deployment();
        edit(&mut document);
        let new = NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() };
        self.engine.request(&self.by(&rita()), &new)
    }

    pub(crate) fn pass(&self, id: &str, stage: Stage, phase: Phase) -> Result<GatePass, ServiceError> {
        Ok(pass(&self.engine, &self.by(&rita()), id, gate(stage, phase))?.value)
    }

    pub(crate) fn view(&self, id: &str) -> DeploymentView {
        self.engine.deployment(&rita(), id.into(), self.now()).unwrap()
    }

    pub(crate) fn answer(&self, id: &str, role: &str) -> NewApproval {
        let subject = self.view(id).subject.unwrap();
        serde_json::from_value(json!({"role": role, "answer": "approved", "subject": subject})).unwrap()
    }

    /// To the exit of plan-and-approve, approved by Ben, and through it.
    pub(crate) fn approved(&self, id: &str) {
        assert!(self.pass(id, Stage::PlanAndApprove, Phase::Entrance).unwrap().passed);
        let approval = self.answer(id, "change-authority");
        self.engine.approve(&self.by(&ben()), id.into(), &approval).unwrap();
        assert!(self.pass(id, Stage::PlanAndApprove, Phase::Exit).unwrap().passed);
    }

    /// Hands a deployment over to the team of the tests: Rita proposes it, and Otto accepts.
    pub(crate) fn hand_over(&self, id: &str) {
        let new =
            serde_json::from_value(json!({"receiver": {"team": "checkout"}, "knowledge_items": ["K-1"]})).unwrap();
        self.engine.propose_hand_over(&self.by(&rita()), id.into(), &new).unwrap();
        self.engine.accept_hand_over(&self.by(&otto()), id.into()).unwrap();
    }

    /// Reports all that shall be done in a stage.
    pub(crate) fn activities(&self, id: &str, stage: Stage) {
        let shall = activities_of(stage).filter(|activity| activity.shall);
        let reports: Vec<ActivityReport> = shall
            .map(|activity| ActivityReport {
                activity: activity.id.to_owned(),
                outcome: ActivityOutcome::Done,
                note: None,
                at: None,
            })
            .collect();
        self.engine.report_activities(&self.by(&rita()), id.into(), &reports).unwrap();
    }
}

/// A request to a gate by somebody, at that moment.
pub(crate) fn gate_request(actor: &Actor, id: &str, gate: Gate, purpose: GatePurpose, now: Timestamp) -> GateRequest {
    let asked = DecisionOrigin { path: "api".to_owned(), ..DecisionOrigin::default() };
    let (actor, now) = (Arc::new(actor.clone()), Some(now));
    GateRequest { actor, deployment: id.to_owned(), team: None, gate, purpose, asked, now, credential: None }
}

pub(crate) fn ask_gate(
    engine: &DeploymentService,
    actor: &Actor,
    id: &str,
    gate: Gate,
    now: Timestamp,
) -> Result<Arc<Decision>, ServiceError> {
    decided(engine, gate_request(actor, id, gate, GatePurpose::Ask, now))
}

pub(crate) fn decided(engine: &DeploymentService, request: GateRequest) -> Result<Arc<Decision>, ServiceError> {
    match engine.gate_blocking(request)?.answer {
        GateAnswer::Decision(decision) => Ok(decision),
        other => panic!("{other:?}"),
    }
}

/// Passes a gate, by the actor, at the time and under the conditions of the write.
pub(crate) fn pass(
    engine: &DeploymentService,
    write: &WriteContext<'_>,
    id: &str,
    gate: Gate,
) -> Result<WriteAnswer<GatePass>, ServiceError> {
    pass_with(engine, write, None, id, gate)
}

pub(crate) fn pass_with(
    engine: &DeploymentService,
    write: &WriteContext<'_>,
    credential: Option<Arc<dyn CredentialCheck>>,
    id: &str,
    gate: Gate,
) -> Result<WriteAnswer<GatePass>, ServiceError> {
    let purpose = GatePurpose::Pass { key: write.key.map(str::to_owned), if_match: write.if_match };
    let request = GateRequest { credential, ..gate_request(write.actor, id, gate, purpose, write.now) };
    match engine.gate_blocking(request)?.answer {
        GateAnswer::Pass(written) => Ok(*written),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn open(folder: &TempDir, models: Vec<LoadedModel>) -> DeploymentService {
    open_recording(folder, models, Recordings::Needed)
}

pub(crate) fn open_recording(folder: &TempDir, models: Vec<LoadedModel>, recordings: Recordings) -> DeploymentService {
    DeploymentService::new(Arc::new(open_ledger(folder)), Arc::new(Fixed(models.into())), recordings)
}

/// An engine whose registers are attested by these rules.
pub(crate) fn attested_by(attest: AttestRules) -> (DeploymentService, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let models = Arc::new(Fixed(vec![load(&["four-eyes", "canary"], MODEL)].into()));
    let settings = ServiceSettings { attest, ..ServiceSettings::default() };
    (DeploymentService::with(Arc::new(open_ledger(&folder)), models, settings), folder)
}

pub(crate) fn open_ledger(folder: &TempDir) -> SqliteStorage {
    let key = folder.path().join("ledger.key");
    let key = lockgate_ledger::KeyFile::new(key);
    let signing: SigningKey = key.load().or_else(|_| key.create("test")).unwrap();
    SqliteStorage::open(&folder.path().join("ledger.db"), signing, SqliteOptions::default()).unwrap()
}

/// A credential with which something is done when the plugins of a decision have answered for the first time, and nothing is
/// written yet.
pub(crate) struct Meanwhile {
    engine: DeploymentService,
    act: Box<dyn Fn(&DeploymentService) + Send + Sync>,
    checked: AtomicUsize,
}

impl Meanwhile {
    pub(crate) fn new(engine: DeploymentService, act: Box<dyn Fn(&DeploymentService) + Send + Sync>) -> Self {
        Self { engine, act, checked: AtomicUsize::new(0) }
    }

    /// How often it was decided: the credential of who asks is checked before and after.
    pub(crate) fn decided(&self) -> usize {
        self.checked.load(Ordering::SeqCst) / 2
    }
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl CredentialCheck for Meanwhile {
    fn still_accepted(&self) -> Result<(), CredentialEnded> {
        if self.checked.fetch_add(1, Ordering::SeqCst) == 1 {
            (self.act)(&self.engine);
        }
        Ok(())
    }
}
