//! Asking a gate: the one way of a decision from a request to its answer, whatever the interface.
//!
//! A decision goes through three kinds of thread, and each step is handed on to the next: it is made on a thread that
//! computes, written by the one thread of the ledger in a group with all that wait at that moment, and answered by the
//! threads that serve connections. None of them waits for another one. What leaves here has been called back by the
//! ledger: it is on the disk.
//!
//! Threads that compute are as many as there are cores, whatever comes in, so that a plugin that is slow to compute keeps
//! nobody from being told that the server lives, and memory does not grow with the load. Where a plugin may wait for
//! others, the decision is made on a thread that may wait, of which there are many: one that waits would keep the next
//! from its core.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use lockgate_domain::{Decision, Gate};
use lockgate_engine::authority::Actor;
use lockgate_engine::service::{ATTEMPTS, Asked, Engine, EngineError, Prepared, RequestRef};
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use super::errors::problem;
use super::extract::{AtDeployment, Origin, Who};
use super::state::ApiState;
use crate::auth::{AsOf, Session};
use crate::observe::{Exchange, Phases};
use crate::problem::Problem;
use crate::serve::cores;

/// How long a thread that computes stays without work.
const KEPT_IDLE: Duration = Duration::from_secs(600);

/// The threads that compute. They belong to the machine, not to one server: more of them than cores help nobody.
static COMPUTING: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let mut builder = Builder::new_current_thread();
    builder.max_blocking_threads(cores()).thread_keep_alive(KEPT_IDLE).thread_name("decide").build().ok()
});

/// Who asks, and by which request.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// Who the credential belongs to.
    pub(crate) actor: Arc<Actor>,
    /// The credential, to be checked again before something is decided.
    pub(crate) session: Session,
    /// What is noted of the request, if something is.
    pub(crate) exchange: Option<Exchange>,
    /// What the ledger keeps of it.
    pub(crate) request: RequestRef,
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Who(actor) = Who::from_request_parts(parts, state).await?;
        let session = Session::from_request_parts(parts, state).await?;
        let Ok(Origin(request)) = Origin::from_request_parts(parts, state).await;
        Ok(Self { actor: Arc::new(actor), session, exchange: parts.extensions.get::<Exchange>().cloned(), request })
    }
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The deployment.
    pub(crate) deployment: AtDeployment,
    /// The gate.
    pub(crate) gate: Gate,
    /// By which interface, for the record.
    pub(crate) path: &'static str,
    /// What was handed in with the question, if it is to be kept.
    pub(crate) input: Option<Value>,
}

/// A decision that is in the ledger, and how long it took.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// The decision.
    pub(crate) decision: Arc<Decision>,
    /// How long its parts took.
    pub(crate) phases: Phases,
}

/// Asks a gate, and answers when the decision is durable. It passes no gate.
pub(crate) async fn ask(state: &ApiState, asker: &Asker, question: Question) -> Result<Answered, Problem> {
    let began = Instant::now();
    let Question { deployment, gate, path, input } = question;
    let asked = Asked { path: path.to_owned(), input, request: asker.request.clone() };
    let (engine, actor, session) = (state.engine.clone(), Arc::clone(&asker.actor), asker.session.clone());
    let mut work = Work { engine, actor, session, deployment, gate, asked };
    let span = asker.exchange.as_ref().map(|exchange| exchange.span().clone());
    let (mut attempts, mut waits) = (0, false);
    loop {
        attempts += 1;
        let (answer, answered) = oneshot::channel();
        let span = span.clone();
        spawn(waits, move || {
            let _entered = span.as_ref().map(tracing::Span::enter);
            work.once(waits, answer);
        });
        // Whoever was to answer has panicked; what that was is in the log.
        let Ok((again, outcome)) = answered.await else { return Err(given_up()) };
        match outcome {
            Err(AskError::Engine(error)) if error.is_stale() && attempts < ATTEMPTS => work = again,
            Err(AskError::Engine(error)) => return Err(problem(error)),
            Err(AskError::Credential(problem)) => return Err(problem),
            // A plugin may wait: once more, where that keeps nobody from a core.
            Ok(None) => (work, waits) = (again, true),
            Ok(Some((decision, mut phases))) => {
                phases.total = began.elapsed();
                if let Some(exchange) = &asker.exchange {
                    exchange.decision(&decision, phases);
                }
                return Ok(Answered { decision, phases });
            }
        }
    }
}

/// One decision to be made.
struct Work {
    engine: Engine,
    actor: Arc<Actor>,
    session: Session,
    deployment: AtDeployment,
    gate: Gate,
    asked: Asked,
}

/// What came of it: none, if it is to be made on a thread that may wait.
type Outcome = Result<Option<(Arc<Decision>, Phases)>, AskError>;

/// Why nothing was decided.
enum AskError {
    /// What the engine says.
    Engine(EngineError),
    /// The credential is no longer accepted.
    Credential(Problem),
}

impl Work {
    /// Makes the decision and hands it to the ledger, whose callback answers. The work comes back with the answer, to be
    /// done again if need be.
    fn once(self, may_wait: bool, answer: oneshot::Sender<(Self, Outcome)>) {
        let prepared = match self.prepare(may_wait) {
            Ok(Some(prepared)) => prepared,
            // That nobody waits for the answer any more is no mistake.
            Ok(None) => return drop(answer.send((self, Ok(None)))),
            Err(error) => return drop(answer.send((self, Err(error)))),
        };
        let measured = prepared.phases;
        let mut phases = Phases {
            read_state: Duration::from_nanos(measured.read_ns),
            snapshot: Duration::from_nanos(measured.picture_ns),
            evaluate: Duration::from_nanos(measured.evaluate_ns),
            ..Phases::default()
        };
        let submitted = Instant::now();
        let engine = self.engine.clone();
        engine.submit(prepared, move |written| {
            phases.append = submitted.elapsed();
            let written = written.map(|decision| Some((decision, phases)));
            drop(answer.send((self, written.map_err(AskError::Engine))));
        });
    }

    /// Makes the decision. The credential is checked before, because the work may have stood in a queue, and after,
    /// because plugins may have taken long.
    fn prepare(&self, may_wait: bool) -> Result<Option<Prepared>, AskError> {
        let Self { engine, actor, session, deployment, gate, asked } = self;
        session.require_blocking(AsOf::LastSecond).map_err(AskError::Credential)?;
        let now = session.now();
        let prepared = match may_wait {
            true => engine.prepare(actor, deployment.name(), *gate, now, asked).map(Some),
            false => engine.prepare_without_waiting(actor, deployment.name(), *gate, now, asked),
        };
        let prepared = prepared.map_err(AskError::Engine)?;
        session.require_blocking(AsOf::LastSecond).map_err(AskError::Credential)?;
        Ok(prepared)
    }
}

/// Hands work to the threads that compute, or to those that may wait.
fn spawn(waits: bool, work: impl FnOnce() + Send + 'static) {
    match (&*COMPUTING, waits) {
        (Some(computing), false) => drop(computing.spawn_blocking(work)),
        (None, _) | (_, true) => drop(Handle::current().spawn_blocking(work)),
    }
}

fn given_up() -> Problem {
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("the decision was given up because of a mistake in the server: nothing was decided; its log tells more")
}
