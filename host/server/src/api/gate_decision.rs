//! Makes decisions for all interfaces, from a request to its answer.
//!
//! The service works in steps ([`DeploymentService::gate`](lockgate_service::DeploymentService::gate)); this module
//! provides the threads. The number of computing threads is that of the cores, whatever the load, so a slow plugin
//! never delays the health checks, and memory does not grow with the load. If a plugin may wait for others, the
//! decision runs on a waiting thread, so that it does not block a core's computing thread. The threads that serve
//! connections never wait for decisions.
//!
//! This module also counts and logs each decision, and wakes requests that wait for the deployment: once, for all
//! interfaces.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use lockgate_domain::{Decision, Gate, Verdict};
use lockgate_service::authority::Actor;
use lockgate_service::{
    DecisionOrigin, GateAnswer, GatePass, GatePurpose, GateRequest, GateThreads, RequestRef, ServiceError, ThreadWork,
    WriteAnswer,
};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tracing::Span;

use super::errors::problem;
use super::extract::{AtDeployment, Authenticated, RequestOrigin};
use super::state::ApiState;
use crate::auth::CredentialSession;
use crate::observe::{HttpExchange, RequestPhases};
use crate::problem::Problem;
use crate::process::compute;

/// The actor, the credential and the request of a question to a gate.
#[derive(Clone, Debug)]
pub(crate) struct GateCaller {
    /// The owner of the credential.
    pub(crate) actor: Arc<Actor>,
    /// The credential, to be checked again before something is decided.
    pub(crate) session: CredentialSession,
    /// The record of the request in logs and metrics, if there is one.
    pub(crate) exchange: Option<HttpExchange>,
    /// The origin of the request, as the ledger keeps it.
    pub(crate) request: RequestRef,
}

impl<S: Send + Sync> FromRequestParts<S> for GateCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Authenticated(actor) = Authenticated::from_request_parts(parts, state).await?;
        let session = CredentialSession::from_request_parts(parts, state).await?;
        let Ok(RequestOrigin(request)) = RequestOrigin::from_request_parts(parts, state).await;
        Ok(Self { actor: Arc::new(actor), session, exchange: parts.extensions.get::<HttpExchange>().cloned(), request })
    }
}

/// A question to a gate.
#[derive(Clone, Debug)]
pub(crate) struct GateQuestion {
    pub(crate) deployment: AtDeployment,
    pub(crate) gate: Gate,
    /// The name of the interface in the ledger.
    pub(crate) path: &'static str,
    /// The input that came with the question, if it is to be kept.
    pub(crate) input: Option<Value>,
}

/// A decision that is in the ledger, and its timings.
#[derive(Clone, Debug)]
pub(crate) struct TimedDecision {
    pub(crate) decision: Arc<Decision>,
    /// The durations of its parts.
    pub(crate) phases: RequestPhases,
}

/// Asks a gate, and answers when the decision is durable. The deployment does not pass the gate.
pub(crate) async fn ask(
    state: &ApiState,
    caller: &GateCaller,
    question: GateQuestion,
) -> Result<TimedDecision, Problem> {
    match decide(state, caller, question, GatePurpose::Ask, caller.threads()).await? {
        (GateAnswer::Decision(decision), phases) => Ok(TimedDecision { decision, phases }),
        _ => Err(given_up()),
    }
}

/// Tries to pass a gate, and answers when the decision is durable. `purpose` holds the conditions.
pub(super) async fn pass(
    state: &ApiState,
    caller: &GateCaller,
    question: GateQuestion,
    purpose: GatePurpose,
) -> Result<WriteAnswer<GatePass>, Problem> {
    match decide(state, caller, question, purpose, caller.threads()).await? {
        (GateAnswer::Pass(written), _) => Ok(*written),
        _ => Err(given_up()),
    }
}

/// Evaluates a gate without a decision, on these threads.
pub(super) async fn look(
    state: &ApiState,
    caller: &GateCaller,
    question: GateQuestion,
    passing: bool,
    threads: Arc<dyn GateThreads>,
) -> Result<Verdict, Problem> {
    match decide(state, caller, question, GatePurpose::Look { passing }, threads).await? {
        (GateAnswer::Verdict(verdict), _) => Ok(verdict),
        _ => Err(given_up()),
    }
}

async fn decide(
    state: &ApiState,
    caller: &GateCaller,
    question: GateQuestion,
    purpose: GatePurpose,
    threads: Arc<dyn GateThreads>,
) -> Result<(GateAnswer, RequestPhases), Problem> {
    let began = Instant::now();
    let GateQuestion { deployment, gate, path, input } = question;
    let (deployment, team) = deployment.into_parts();
    let request = GateRequest {
        actor: Arc::clone(&caller.actor),
        deployment,
        team,
        gate,
        purpose,
        asked: DecisionOrigin { path: path.to_owned(), input, request: caller.request.clone() },
        now: None,
        credential: Some(Arc::new(caller.session.clone())),
    };
    let (answer, answered) = oneshot::channel();
    // It is no error that nobody waits for the answer any more.
    state.service.gate(request, threads, move |outcome| drop(answer.send(outcome)));
    // The thread that worked on it has panicked; the log has the message.
    let Ok(outcome) = answered.await else { return Err(given_up()) };
    let outcome = outcome.map_err(|error| match error {
        ServiceError::CredentialEnded(ended) => caller.session.ended(&ended),
        error => problem(error),
    })?;
    let phases = RequestPhases {
        decision: outcome.phases,
        append: outcome.append,
        total: began.elapsed(),
        ..RequestPhases::default()
    };
    if let GateAnswer::Pass(written) = &outcome.answer
        && let Some(stream) = &written.stream
    {
        state.deployment_watch.wrote(stream, written.version);
    }
    let decision = match &outcome.answer {
        GateAnswer::Decision(decision) => Some(&**decision),
        // A repeated answer was counted the first time.
        GateAnswer::Pass(written) if !written.repeated => Some(&written.value.decision),
        GateAnswer::Pass(_) | GateAnswer::Verdict(_) => None,
    };
    if let (Some(exchange), Some(decision)) = (&caller.exchange, decision) {
        exchange.decision(decision, phases);
    }
    Ok((outcome.answer, phases))
}

impl GateCaller {
    /// The threads of the server, which record that they work for this request.
    pub(super) fn threads(&self) -> Arc<dyn GateThreads> {
        let span = self.exchange.as_ref().map(|exchange| exchange.span().clone());
        Arc::new(ServerThreads { span, runtime: Handle::current() })
    }
}

/// The threads of the server: a few that compute, and many that may wait.
struct ServerThreads {
    /// The span of the request.
    span: Option<Span>,
    /// The runtime with the threads that may wait.
    runtime: Handle,
}

impl ServerThreads {
    fn in_span(&self, work: ThreadWork) -> impl FnOnce() + Send + use<> {
        let span = self.span.clone();
        move || match span {
            Some(span) => span.in_scope(work),
            None => work(),
        }
    }
}

impl GateThreads for ServerThreads {
    fn compute(&self, work: ThreadWork) {
        drop(compute(&self.runtime, self.in_span(work)));
    }

    fn wait(&self, work: ThreadWork) {
        drop(self.runtime.spawn_blocking(self.in_span(work)));
    }
}

fn given_up() -> Problem {
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("decision aborted: internal error. Nothing was decided; the server's log tells more")
}
