//! The server that is measured.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};
use lockgate_server::api::ServerState;
use lockgate_server::auth::authenticate;
use lockgate_server::config::{Config, MetricsAccess, ObserveConfig};
use lockgate_server::intake::RequestIntake;
use lockgate_server::serve::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::decision_support::{catalogue, deployment, person, register, routes, token};
use crate::grouped::{Counted, Grouped};
use crate::ways::Ways;

/// How many deployments there are to ask about.
pub(crate) const DEPLOYMENTS: usize = 64;

/// The gates: one with a plugin that allows; one with three plugins, two of which object; and one with a plugin that
/// reads the time.
const MODEL: &str = r#"
    [[gates]]
    stage = "plan-and-approve"
    phase = "entrance"
    [[gates.bindings]]
    id = "components"
    plugin = "component-integrity"
    enforcement = "hard-mandatory"
    settings.allowed-origins = ["git+https://example.org/shop@*"]

    [[gates]]
    stage = "plan-and-approve"
    phase = "exit"
    [[gates.bindings]]
    id = "components"
    plugin = "component-integrity"
    enforcement = "hard-mandatory"
    settings.allowed-origins = ["git+https://example.org/shop@*"]
    [[gates.bindings]]
    id = "release"
    plugin = "release-readiness"
    enforcement = "hard-mandatory"
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "soft-mandatory"
    settings.required = [{ role = "change-authority" }]

    [[gates]]
    stage = "fulfill"
    phase = "entrance"
    [[gates.bindings]]
    id = "window"
    plugin = "change-window"
    enforcement = "hard-mandatory"
    settings.time-zone = "UTC"
    settings.weekly = [{ days = ["mon", "wed", "fri"], from = "20:00", until = "23:00" }]
"#;

/// Where the server is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The server.
    pub(crate) url: String,
    /// The handler on axum alone.
    pub(crate) bare: String,
    /// The token of a pipeline.
    pub(crate) token: String,
    /// The token of somebody who does harm with it.
    pub(crate) attacker: String,
}

/// The id of a deployment.
pub(crate) fn id(number: usize) -> String {
    format!("shop-{number}")
}

/// Serves until standard input is closed, and says where on standard output.
pub(crate) fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(serve());
}

async fn serve() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let observe = ObserveConfig { metrics: MetricsAccess::Open, ..ObserveConfig::default() };
    let config =
        Config { listen: ([127, 0, 0, 1], 0).into(), data: folder.path().join("data"), observe, ..Config::default() };
    let (prepared, preparation) = mpsc::channel();
    let models = folder.path().to_owned();
    let server = Server::new(config).with_routes(move |state| {
        let (routes, tokens, counted, ways) = mount(state, &models);
        prepared.send((tokens, counted, ways)).unwrap();
        routes
    });
    let running = server.start().await.unwrap();
    let ([token, attacker], counted, ways): ([String; 2], Counted, Ways) = preparation.recv().unwrap();
    let counts = move || async move { Json(counted.now()) };
    let bare =
        Router::new().route("/nothing", post(nothing)).route("/counts", get(counts)).merge(ways.clone().routes());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place =
        Place { url: running.url(), bare: format!("http://{}", listener.local_addr().unwrap()), token, attacker };
    println!("{}", serde_json::to_string(&place).unwrap());
    tokio::spawn(async move { axum::serve(listener, bare).await });
    tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await.unwrap().unwrap();
    running.shutdown().await;
    // Its threads are not waited for: the process ends.
    std::mem::forget(ways);
}

fn mount(state: &ServerState, folder: &Path) -> (Router, [String; 2], Counted, Ways) {
    let counted = Counted::default();
    let storage = Grouped { inner: Arc::clone(&state.storage), counted: counted.clone() };
    let tokens =
        [("pipeline", "pipeline"), ("mallory", "user")].map(|(id, role)| token(&*state.storage, &person(id, &[role])));
    let (routes, engine) = routes(state, Arc::new(storage), Arc::new(catalogue(folder, MODEL)));
    for number in 0..DEPLOYMENTS {
        register(&engine, deployment(&id(number)));
    }
    let nothing = Router::new().route("/nothing", post(nothing));
    let nothing = RequestIntake::new(&state.config.limits, &state.metrics).before(nothing);
    let nothing = nothing.layer(from_fn_with_state(Arc::clone(&state.authenticator), authenticate));
    (routes.merge(nothing), tokens, counted, Ways::new(engine, person("pipeline", &["pipeline"])))
}

/// Reads what a decision is asked with, and answers about as much.
async fn nothing(Json(asked): Json<Value>) -> Json<Value> {
    Json(json!({ "decision": true, "context": { "asked": asked } }))
}
