//! The state that handlers share, and the threads that work for them.

use std::sync::Arc;

use axum::http::StatusCode;
use lockgate_ledger::Storage;
use lockgate_service::catalogue::Catalogue;
use lockgate_service::{DeploymentRef, DeploymentService, ServiceError, WriteAnswer, WriteContext};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};
use tracing::Span;

use super::deployment_watch::DeploymentWatch;
use super::errors::problem;
use super::extract::{AtDeployment, WriteRequest};
use super::readiness::ReadinessChecks;
use super::waiting_looks::WaitingLooks;
use crate::auth::access::GrantingRule;
use crate::auth::{Authenticator, CredentialSession, LedgerFreshness};
use crate::config::{Config, LimitsConfig};
use crate::observe::{DecisionLog, Metrics};
use crate::problem::Problem;
use crate::process::{Lifecycle, READS_AFTER_WAIT_PER_CORE, cores, read};

/// The state of all routes. Cheap to clone.
#[derive(Clone)]
pub struct ServerState {
    pub config: Arc<Config>,
    /// The ledger. A shutdown closes it at its end, if nothing else holds it.
    pub storage: Arc<dyn Storage>,
    pub service: DeploymentService,
    /// The loaded models and plugins.
    pub catalogue: Arc<Catalogue>,
    pub authenticator: Arc<Authenticator>,
    pub metrics: Arc<Metrics>,
    pub decision_log: Arc<DecisionLog>,
    pub checks: Arc<ReadinessChecks>,
    /// Whether a shutdown has begun, and when to reload models.
    pub lifecycle: Lifecycle,
}

/// The state that the native routes share. Cheap to clone.
#[derive(Clone)]
pub struct ApiState(Arc<ApiParts>);

/// The content of [`ApiState`].
pub struct ApiParts {
    /// The service. Its methods wait for the disk and for plugins, so [`ApiState::read`] and [`ApiState::write`] call
    /// them.
    pub service: DeploymentService,
    /// The loaded models and plugins.
    pub catalogue: Arc<Catalogue>,
    /// The limits on requests and waits.
    pub limits: Arc<LimitsConfig>,
    /// Tells waiting requests that a deployment has changed.
    pub deployment_watch: DeploymentWatch,
    /// Whether a shutdown has begun: then all waits end.
    pub lifecycle: Lifecycle,
    /// The rules that give roles to identity tokens and client certificates.
    pub rules: Arc<[GrantingRule]>,
    /// How many requests read at once after a wait. One write may wake thousands, and each would take a thread.
    reading_after_wait: Semaphore,
    /// The turns of requests that repeatedly evaluate the gates that they wait for.
    pub(super) looks: WaitingLooks,
}

impl ApiState {
    /// The state of a server with that engine and those models.
    pub fn new(
        service: DeploymentService,
        catalogue: Arc<Catalogue>,
        limits: Arc<LimitsConfig>,
        lifecycle: Lifecycle,
        rules: Arc<[GrantingRule]>,
    ) -> Self {
        let deployment_watch = DeploymentWatch::new(Arc::downgrade(service.storage()));
        let reading_after_wait = Semaphore::new(READS_AFTER_WAIT_PER_CORE * cores());
        Self(Arc::new(ApiParts {
            service,
            catalogue,
            limits,
            deployment_watch,
            lifecycle,
            rules,
            reading_after_wait,
            looks: WaitingLooks::new(),
        }))
    }

    /// Runs a read of the service. Writes use [`ApiState::write`].
    ///
    /// # Errors
    /// The error of the service, as an HTTP problem.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DeploymentService) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, Problem> {
        let service = self.service.clone();
        reading(move || work(&service)).await?.map_err(problem)
    }

    /// Runs a read of the service for a request that has waited. Checks the credential after reading: an actor who lost
    /// it learns nothing that was written since.
    ///
    /// # Errors
    /// The error of the service, as an HTTP problem; or that the credential is no longer accepted.
    pub(super) async fn read_after_wait<T: Send + 'static>(
        &self,
        session: &CredentialSession,
        work: impl FnOnce(&DeploymentService) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, Problem> {
        // It is never closed.
        let _reading = self.reading_after_wait.acquire().await;
        let (service, session) = (self.service.clone(), session.clone());
        let read_and_check = move || {
            let outcome = work(&service);
            session.require_blocking(LedgerFreshness::Now)?;
            outcome.map_err(problem)
        };
        reading(read_and_check).await?
    }

    /// Runs a write of the service, and wakes the requests that wait for the deployment that it belongs to, if there is one.
    ///
    /// # Errors
    /// The error of the service, as an HTTP problem; or that the credential is no longer accepted.
    pub async fn write<T: Send + 'static>(
        &self,
        request: WriteRequest,
        work: impl FnOnce(&DeploymentService, &WriteContext<'_>) -> Result<WriteAnswer<T>, ServiceError> + Send + 'static,
    ) -> Result<WriteAnswer<T>, Problem> {
        let service = self.service.clone();
        let session = request.session.clone();
        let write = move || {
            work(&service, &request.write()).map_err(|error| match error {
                ServiceError::CredentialEnded(ended) => request.session.ended(&ended),
                error => problem(error),
            })
        };
        let written = with_effect(session, write).await?;
        if let Some(stream) = &written.stream {
            self.deployment_watch.wrote(stream, written.version);
        }
        Ok(written)
    }

    /// Runs a write of the service to a deployment; as [`ApiState::write`].
    ///
    /// # Errors
    /// The error of the service, as an HTTP problem; or that the credential is no longer accepted.
    pub async fn write_to<T: Send + 'static>(
        &self,
        at: &AtDeployment,
        request: WriteRequest,
        work: impl FnOnce(&DeploymentService, &WriteContext<'_>, DeploymentRef<'_>) -> Result<WriteAnswer<T>, ServiceError>
        + Send
        + 'static,
    ) -> Result<WriteAnswer<T>, Problem> {
        let at = at.clone();
        self.write(request, move |service, write| work(service, write, at.name())).await
    }
}

/// Runs a call that has an effect, on a thread that may wait. Checks the credential on that thread right before: the
/// request may have stood in a queue, waited, or sent its body slowly.
pub(super) async fn with_effect<T: Send + 'static>(
    session: CredentialSession,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let check_and_work = move || {
        session.require_blocking(LedgerFreshness::Now)?;
        work()
    };
    blocking(check_and_work).await?
}

/// Runs work on a thread that may wait, in the span of the request.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let span = Span::current();
    spawn_blocking(move || span.in_scope(work)).await.map_err(|error| given_up(&error))
}

/// Runs a read of the ledger, in the span of the request.
pub(super) async fn reading<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let span = Span::current();
    read(move || span.in_scope(work)).await.map_err(|error| given_up(&error))
}

fn given_up(error: &JoinError) -> Problem {
    tracing::error!(%error, "request aborted: internal error");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("internal error: the server's log tells more under the id of the request")
}

impl std::ops::Deref for ApiState {
    type Target = ApiParts;

    fn deref(&self) -> &ApiParts {
        &self.0
    }
}
