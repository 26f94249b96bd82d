//! Decisions: the one way from a request to a gate to its answer, whatever the interface.
//!
//! The engine goes it in steps ([`DeploymentService::gate`](lockgate_service::DeploymentService::gate)); here are the threads for them. Those that
//! compute are as many as there are cores, whatever comes in, so that a plugin that is slow to compute keeps nobody from being told
//! that the server lives, and memory does not grow with the load. Where a plugin may wait for others, the decision is made on a
//! thread that may wait, of which there are many: one that waits would keep the next from its core. The threads that serve
//! connections wait for none of them.
//!
//! Here, too, a decision is counted and noted, and those who wait for the deployment are told: once, for all interfaces.

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

/// Who asks, and by which request.
#[derive(Clone, Debug)]
pub(crate) struct GateCaller {
    /// Who the credential belongs to.
    pub(crate) actor: Arc<Actor>,
    /// The credential, to be checked again before something is decided.
    pub(crate) session: CredentialSession,
    /// What is noted of the request, if something is.
    pub(crate) exchange: Option<HttpExchange>,
    /// What the ledger keeps of it.
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

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct GateQuestion {
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
pub(crate) struct TimedDecision {
    /// The decision.
    pub(crate) decision: Arc<Decision>,
    /// How long its parts took.
    pub(crate) phases: RequestPhases,
}

/// Asks a gate, and answers when the decision is durable. It passes no gate.
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

/// Looks at a gate on these threads. Nothing is decided.
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
    // That nobody waits for the answer any more is no mistake.
    state.engine.gate(request, threads, move |outcome| drop(answer.send(outcome)));
    // The thread that worked on it has panicked: the log has the message.
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
        // What is answered again was counted the first time.
        GateAnswer::Pass(written) if !written.repeated => Some(&written.value.decision),
        GateAnswer::Pass(_) | GateAnswer::Verdict(_) => None,
    };
    if let (Some(exchange), Some(decision)) = (&caller.exchange, decision) {
        exchange.decision(decision, phases);
    }
    Ok((outcome.answer, phases))
}

impl GateCaller {
    /// The threads of the server, which note that they work for this request.
    pub(super) fn threads(&self) -> Arc<dyn GateThreads> {
        let span = self.exchange.as_ref().map(|exchange| exchange.span().clone());
        Arc::new(ServerThreads { span, runtime: Handle::current() })
    }
}

/// The threads of the server: few that compute, and many that may wait.
struct ServerThreads {
    /// The span of the request.
    span: Option<Span>,
    /// What has the threads that may wait.
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
