//! Where a decision may be computed: the same decision, handed to three kinds of thread. `--ways` compares them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use lockgate_domain::{Gate, Phase, Stage, Timestamp};
use lockgate_service::authority::Actor;
use lockgate_service::{
    DecisionOrigin, DeploymentService, GateAnswer, GateOutcome, GatePurpose, GateRequest, GateThreads, ServiceError,
    ThreadWork,
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::serve::{DEPLOYMENTS, id};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Ways {
    pub(crate) engine: DeploymentService,
    pub(crate) actor: Arc<Actor>,
    /// As many threads as there are cores.
    pub(crate) pool: Arc<Runtime>,
}

impl Ways {
    pub(crate) fn new(engine: DeploymentService, actor: Actor) -> Self {
        let cores = std::thread::available_parallelism().unwrap().get();
        let pool = Builder::new_current_thread().max_blocking_threads(cores).build().unwrap();
        Self { engine, actor: Arc::new(actor), pool: Arc::new(pool) }
    }

    pub(crate) fn routes(self) -> Router {
        Router::new().route("/ways/{way}/{plugins}", post(decide)).with_state(self)
    }
}

/// Where a decision is computed.
enum Way {
    /// On the thread that serves connections.
    ThisThread,
    /// On one of the many threads that may wait.
    Waiting(Handle),
    /// On one of a few.
    Few(Arc<Runtime>),
}

impl GateThreads for Way {
    fn compute(&self, work: ThreadWork) {
        match self {
            Self::ThisThread => work(),
            Self::Waiting(runtime) => drop(runtime.spawn_blocking(work)),
            Self::Few(pool) => drop(pool.spawn_blocking(work)),
        }
    }

    fn wait(&self, work: ThreadWork) {
        self.compute(work);
    }
}

async fn decide(State(ways): State<Ways>, Path((way, plugins)): Path<(String, String)>) -> Json<Value> {
    let phase = if plugins == "one" { Phase::Entrance } else { Phase::Exit };
    let gate = Gate { stage: Stage::PlanAndApprove, phase };
    let now = Timestamp::now();
    let (answer, answered) = oneshot::channel::<Result<GateOutcome, ServiceError>>();
    let Ways { engine, actor, pool } = ways;
    let deployment = id(usize::try_from(now.as_millis()).unwrap() % DEPLOYMENTS);
    let asked = DecisionOrigin::default();
    let (purpose, now) = (GatePurpose::Ask, Some(now));
    let request = GateRequest { actor, deployment, team: None, gate, purpose, asked, now, credential: None };
    let threads: Arc<dyn GateThreads> = match way.as_str() {
        "inline" => Arc::new(Way::ThisThread),
        "blocking" => Arc::new(Way::Waiting(Handle::current())),
        _ => Arc::new(Way::Few(Arc::clone(&pool))),
    };
    engine.gate(request, threads, move |outcome| drop(answer.send(outcome)));
    let decision = answered.await.unwrap().unwrap();
    // Dropping a runtime waits for its threads, which must not be done here: the state of the router holds the last one.
    drop(pool);
    let GateAnswer::Decision(decision) = decision.answer else { unreachable!() };
    Json(json!({ "decision": decision.verdict }))
}
