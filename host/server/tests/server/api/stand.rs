//! A server with all routes, and the people of the tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use axum::Router;
use lockgate_domain::{Digest, Gate, Phase, Stage, Teams, Timestamp};
use lockgate_ledger::Storage;
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_server::api::{ApiState, ServerState, mount};
use lockgate_server::auth::Authenticator;
use lockgate_server::auth::access::GrantingRule;
use lockgate_server::auth::token::TokenHolders;
use lockgate_server::config::Config;
use lockgate_server::serve::{RunningServer, Server, ShutdownOutcome};
use lockgate_service::authority::Actor;
use lockgate_service::catalogue::{Catalogue, KeptModels};
use lockgate_service::{
    DecisionOrigin, DeploymentService, GateAnswer, GatePurpose, GateRequest, LONGEST_DELEGATION, Recordings,
    ServiceSettings,
};
use lockgate_tests::TOLD_FACTS;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::decision_support::{deployment, person, token};
use crate::http_support::{Answer, config, exchange};

/// The exit of plan-and-approve takes an approval of a change authority, which two people may override.
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

/// A moment that no test lives to see.
pub(crate) const LATER: &str = "2999-01-01T00:00:00Z";

pub(crate) struct Stand {
    pub(crate) folder: TempDir,
    pub(crate) running: RunningServer,
    storage: Arc<dyn Storage>,
    tokens: Vec<(&'static str, String)>,
}

/// Who there is, and in which roles.
const PEOPLE: [(&str, &[&str]); 6] = [
    ("rita", &["developer", "pipeline"]),
    ("ben", &["change-authority"]),
    ("mia", &["release-manager"]),
    ("olga", &["operations-manager"]),
    ("gus", &["governance"]),
    ("ada", &["administrator"]),
];

/// A moment in a week from now.
pub(crate) fn in_a_week() -> Timestamp {
    Timestamp::now().saturating_add(lockgate_domain::Duration::from_millis(7 * 86_400_000))
}

impl Stand {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(edit: impl FnOnce(&mut Config)) -> Self {
        Self::with_routes(edit, |routes, _, _| routes).await
    }

    /// With something in front of the routes, or beside them.
    pub(crate) async fn with_routes(
        edit: impl FnOnce(&mut Config),
        change: impl FnOnce(Router, &ApiState, &Arc<Authenticator>) -> Router + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(&folder.path().join("data"));
        edit(&mut config);
        let (sender, receiver) = mpsc::channel();
        let home = folder.path().to_owned();
        let routes = move |state: &ServerState| {
            let (engine, catalogue) = engine(&home, Arc::clone(&state.storage));
            let limits = Arc::new(state.config.limits.clone());
            let rules = GrantingRule::all(&state.config.auth).into();
            let api = ApiState::new(engine, catalogue, limits, state.lifecycle.clone(), rules);
            let tokens = PEOPLE.map(|(id, roles)| (id, token(&*state.storage, &person(id, roles))));
            sender.send((tokens.to_vec(), Arc::clone(&state.storage))).unwrap();
            change(mount(&api, &state.authenticator), &api, &state.authenticator)
        };
        let running = Server::new(config).with_routes(routes).start().await.unwrap();
        let (tokens, storage) = receiver.recv().unwrap();
        Self { folder, running, storage, tokens }
    }

    /// The ledger, which other servers have too.
    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    /// Has another server pass the entrance of plan-and-approve.
    pub(crate) async fn other_server(&self, id: &'static str) {
        let (storage, home) = (self.storage(), self.folder.path().to_owned());
        let pass = move || {
            let (engine, _) = engine(&home, storage);
            let request = pass_entrance(&person("rita", &["pipeline"]), id);
            let answer = engine.gate_blocking(request).unwrap().answer;
            assert!(matches!(answer, GateAnswer::Pass(written) if written.value.passed));
        };
        tokio::task::spawn_blocking(pass).await.unwrap();
    }

    /// The document of a deployment as another server reads it from the ledger, which has nothing in memory.
    pub(crate) async fn document_of_another_server(&self, id: &'static str) -> Value {
        let (storage, home) = (self.storage(), self.folder.path().to_owned());
        let read = move || {
            let view = engine(&home, storage).0.deployment(&person("rita", &["pipeline"]), id.into(), Timestamp::now());
            json!(view.unwrap().deployment)
        };
        tokio::task::spawn_blocking(read).await.unwrap()
    }

    pub(crate) async fn shutdown(self) -> ShutdownOutcome {
        drop(self.storage);
        self.running.shutdown().await
    }

    pub(crate) fn bearer(&self, who: &str) -> String {
        format!("authorization: Bearer {}", self.token(who))
    }

    fn token(&self, who: &str) -> &str {
        &self.tokens.iter().find(|(id, _)| *id == who).unwrap().1
    }

    /// The id of somebody's token.
    pub(crate) fn token_id(&self, who: &str) -> String {
        self.token(who).split('_').nth(1).unwrap().to_owned()
    }

    /// Sends a request; `more` are further headers.
    pub(crate) async fn send(&self, who: &str, line: &str, more: &[&str], body: &str) -> Answer {
        let bearer = self.bearer(who);
        let headers: Vec<&str> = [bearer.as_str()].into_iter().chain(more.iter().copied()).collect();
        self.send_with(&headers, line, body).await
    }

    /// Sends a request with these headers and no other ones.
    pub(crate) async fn send_with(&self, headers: &[&str], line: &str, body: &str) -> Answer {
        let head = [&[format!("{line} HTTP/1.1").as_str()], headers].concat().join("\r\n");
        exchange(self.running.address(), &head, body).await
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.send(who, &format!("GET /api/v1{path}"), &[], "").await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.post_with(who, path, &[], body).await
    }

    pub(crate) async fn post_with(&self, who: &str, path: &str, more: &[&str], body: Value) -> Answer {
        let mut headers = vec!["content-type: application/json"];
        headers.extend(more);
        self.send(who, &format!("POST /api/v1{path}"), &headers, &body.to_string()).await
    }

    /// The metrics, as somebody sees them who sees all teams.
    pub(crate) async fn metrics(&self) -> String {
        let mut reader = person("pam", &["auditor"]);
        reader.teams = Teams::All;
        let secret = token(&*self.storage, &reader);
        let answer = self.send_with(&[&format!("authorization: Bearer {secret}")], "GET /metrics", "").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// Asks for a deployment of that id.
    pub(crate) async fn request(&self, id: &str) -> Answer {
        let answer = self.post("rita", "/deployments", json!({"deployment": deployment(id)})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    pub(crate) async fn pass(&self, id: &str, gate: &str) -> Answer {
        self.send("rita", &format!("POST /api/v1/deployments/{id}/gates/{gate}"), &[], "").await
    }

    /// Approves what there is to approve.
    pub(crate) async fn approve(&self, who: &str, id: &str) -> Answer {
        let subject = self.get(who, &format!("/deployments/{id}")).await.json()["subject"].clone();
        let answer = json!({"role": "change-authority", "answer": "approved", "subject": subject});
        self.post(who, &format!("/deployments/{id}/approvals"), answer).await
    }
}

/// Loads the model, with its plugin beside it. What was compiled before is not compiled again.
fn catalogue(home: &Path) -> Catalogue {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lockgate/plugins");
    let component = std::fs::read(plugins.join("four-eyes.wasm")).expect("run `cargo xtask dist` first");
    std::fs::write(home.join("four-eyes.wasm"), &component).unwrap();
    let digest = Digest::of(&component);
    let head = "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n";
    let plugin = format!("[plugins.four-eyes]\ncomponent = \"four-eyes.wasm\"\ndigest = \"{digest}\"\n");
    let file = home.join("model.toml");
    std::fs::write(&file, format!("{head}{TOLD_FACTS}{plugin}{MODEL}")).unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    let runtime = Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() }).unwrap();
    Catalogue::load(runtime, vec![file], lockgate_domain::AttestRules::default()).unwrap().0
}

fn engine(home: &Path, storage: Arc<dyn Storage>) -> (DeploymentService, Arc<Catalogue>) {
    let catalogue = Arc::new(catalogue(home));
    let models = KeptModels::new(Arc::clone(&catalogue), Arc::clone(&storage));
    let settings = ServiceSettings {
        recordings: Recordings::Needed,
        longest_delegation: LONGEST_DELEGATION,
        credentials: Arc::new(TokenHolders::new(Arc::clone(&storage))),
        ..ServiceSettings::default()
    };
    (DeploymentService::with(storage, Arc::new(models), settings), catalogue)
}

/// A request to pass the entrance of plan-and-approve.
pub(crate) fn pass_entrance(actor: &Actor, id: &str) -> GateRequest {
    GateRequest {
        actor: Arc::new(actor.clone()),
        deployment: id.to_owned(),
        team: None,
        gate: Gate { stage: Stage::PlanAndApprove, phase: Phase::Entrance },
        purpose: GatePurpose::Pass { key: None, if_match: None },
        asked: DecisionOrigin::default(),
        now: None,
        credential: None,
    }
}
