//! Where a decision may be computed: the same decision, handed to three kinds of thread. `--ways` compares them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use lockgate_domain::{Decision, Gate, Phase, Stage, Timestamp};
use lockgate_engine::authority::Actor;
use lockgate_engine::service::{Asked, Engine, EngineError};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::serve::{DEPLOYMENTS, id};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Ways {
    pub(crate) engine: Engine,
    pub(crate) actor: Arc<Actor>,
    /// As many threads as there are cores.
    pub(crate) pool: Arc<Runtime>,
}

impl Ways {
    pub(crate) fn new(engine: Engine, actor: Actor) -> Self {
        let cores = std::thread::available_parallelism().unwrap().get();
        let pool = Builder::new_current_thread().max_blocking_threads(cores).build().unwrap();
        Self { engine, actor: Arc::new(actor), pool: Arc::new(pool) }
    }

    pub(crate) fn routes(self) -> Router {
        Router::new().route("/ways/{way}/{plugins}", post(decide)).with_state(self)
    }
}

async fn decide(State(ways): State<Ways>, Path((way, plugins)): Path<(String, String)>) -> Json<Value> {
    let phase = if plugins == "one" { Phase::Entrance } else { Phase::Exit };
    let gate = Gate { stage: Stage::PlanAndApprove, phase };
    let now = Timestamp::now();
    let (answer, answered) = oneshot::channel::<Result<Arc<Decision>, EngineError>>();
    let Ways { engine, actor, pool } = ways;
    let work = move || {
        let deployment = id(usize::try_from(now.as_millis()).unwrap() % DEPLOYMENTS);
        let prepared = engine.prepare(&actor, (&deployment).into(), gate, now, &Asked::default()).unwrap();
        engine.submit(prepared, move |outcome| drop(answer.send(outcome)));
    };
    match way.as_str() {
        // On the thread that serves connections.
        "inline" => work(),
        // On one of the many threads that may wait.
        "blocking" => drop(tokio::task::spawn_blocking(work)),
        // On one of a few.
        _ => drop(pool.spawn_blocking(work)),
    }
    let decision = answered.await.unwrap().unwrap();
    // Dropping a runtime waits for its threads, which must not be done here: the state of the router holds the last one.
    drop(pool);
    Json(json!({ "decision": decision.verdict }))
}
