//! A route: its path, its access rule, its handler, and the checks in front of it.
//!
//! The checks of the credential and its rights run before the body is read. Then the request is admitted
//! ([`RequestIntake`]): it sends its body and waits for its turn, and for the decision log if that holds decisions up.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::header::ALLOW;
use axum::http::{Extensions, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use lockgate_domain::Right;
use lockgate_service::ServiceError;
use lockgate_service::authority::{Actor, Forbidden};

use super::errors::{as_opa, problem};
use crate::auth::{Authenticator, authenticate};
use crate::config::LimitsConfig;
use crate::intake::{RequestIntake, TurnKind};
use crate::observe::{DecisionLog, HttpExchange, Metrics, ShedReason};
use crate::problem::Problem;

/// The access rule of a route. The service may check more, once it knows the deployment and the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteAccess {
    /// Everybody, even without a credential.
    Open,
    /// Everybody with a valid credential.
    Known,
    /// Everybody who has at least one of these rights.
    Any(&'static [Right]),
}

impl RouteAccess {
    /// Checks that an authenticated actor may use the route.
    ///
    /// # Errors
    /// If the rights are missing; the error names all rights of which one would be enough.
    pub fn check(self, actor: &Actor) -> Result<(), Forbidden> {
        match self {
            Self::Any(rights @ [_, ..]) => actor.require_any(rights),
            Self::Open | Self::Known | Self::Any([]) => Ok(()),
        }
    }
}

/// A row of the table: the properties of a route besides its handler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRow {
    /// The method. A `GET` also answers `HEAD`.
    pub method: Method,
    /// The full path, with parameters in axum's form: `{id}`, and `{*part}` for one that spans several segments.
    pub path: &'static str,
    pub access: RouteAccess,
    /// Whether the route may make a decision of a gate. It then waits for the sinks of the decision log, if they must
    /// keep up.
    pub decides: bool,
}

impl RouteRow {
    /// The path for OpenAPI, which has no parameters that span several segments.
    pub fn described_path(&self) -> String {
        self.path.replace("{*", "{")
    }
}

/// The largest body of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLimit {
    /// The setting `limits.body`.
    Usual,
    /// The setting `limits.evidence`.
    Evidence,
    /// No body: the route refuses a body with content.
    None,
}

/// A route: its row, and its handler. `S` is the state that the handler takes.
pub(super) struct Route<S> {
    pub(super) row: RouteRow,
    pub(super) handler: MethodRouter<S>,
    pub(super) body: BodyLimit,
    /// Gives a refusal the form that clients of this interface expect.
    pub(super) refusal: fn(Problem) -> Problem,
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    fn new<T: 'static>(
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        access: RouteAccess,
        handler: impl Handler<T, S>,
    ) -> Self {
        Self {
            row: RouteRow { method, path, access, decides: false },
            handler: on(filter, handler),
            body: BodyLimit::Usual,
            refusal: std::convert::identity,
        }
    }

    pub(super) fn get<T: 'static>(path: &'static str, access: RouteAccess, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::GET, MethodFilter::GET), path, access, handler)
    }

    pub(super) fn post<T: 'static>(path: &'static str, access: RouteAccess, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::POST, MethodFilter::POST), path, access, handler)
    }

    pub(super) fn put<T: 'static>(path: &'static str, access: RouteAccess, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::PUT, MethodFilter::PUT), path, access, handler)
    }

    pub(super) fn patch<T: 'static>(path: &'static str, access: RouteAccess, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::PATCH, MethodFilter::PATCH), path, access, handler)
    }

    pub(super) fn delete<T: 'static>(path: &'static str, access: RouteAccess, handler: impl Handler<T, S>) -> Self {
        Self::new((Method::DELETE, MethodFilter::DELETE), path, access, handler)
    }

    /// The same, for a route that may make a decision of a gate.
    pub(super) fn deciding(mut self) -> Self {
        self.row.decides = true;
        self
    }

    /// The same, for a route whose body is evidence.
    pub(super) fn taking_evidence(self) -> Self {
        Self { body: BodyLimit::Evidence, ..self }
    }

    /// The same, for a route without a body.
    pub(super) fn without_body(self) -> Self {
        Self { body: BodyLimit::None, ..self }
    }

    /// The same, for a route whose clients expect OPA's error format.
    pub(super) fn for_opa(self) -> Self {
        Self { refusal: as_opa, ..self }
    }
}

/// The rights, any one of which is enough, as a text: `` `decide` or `drive` ``.
pub(super) fn rights_in_words(rights: &[Right]) -> String {
    quoted(rights).join(" or ")
}

pub(super) fn quoted(rights: &[Right]) -> Vec<String> {
    rights.iter().map(|right| format!("`{right}`")).collect()
}

/// Puts the checks in front of routes.
pub(super) struct RouteMounter {
    pub(super) authenticator: Arc<Authenticator>,
    /// None: the routes answer under any load, and take no body.
    pub(super) intake: Option<RequestIntake>,
    /// None: nothing holds decisions up.
    pub(super) backpressure: Option<Backpressure>,
}

impl RouteMounter {
    /// The router of these routes.
    pub(super) fn router<S: Clone + Send + Sync + 'static>(
        &self,
        routes: Vec<Route<S>>,
        limits: &LimitsConfig,
    ) -> Router<S> {
        let mut methods: BTreeMap<&'static str, Vec<Method>> = BTreeMap::new();
        for Route { row, .. } in &routes {
            methods.entry(row.path).or_default().push(row.method.clone());
        }
        let guarded = |router: Router<S>, route: Route<S>| {
            let path = route.row.path;
            let handler = self.guarded(route, limits);
            // One fallback for all methods of a path.
            match methods.remove(path) {
                Some(methods) => router.route(path, with_other_methods_refused(handler, &methods)),
                None => router.route(path, handler),
            }
        };
        routes.into_iter().fold(Router::new(), guarded)
    }

    fn guarded<S: Clone + Send + Sync + 'static>(&self, route: Route<S>, limits: &LimitsConfig) -> MethodRouter<S> {
        let Route { row, handler, body, refusal } = route;
        if row.access == RouteAccess::Open {
            return handler;
        }
        let kind = if row.method == Method::GET && !row.decides { TurnKind::Read } else { TurnKind::Work };
        let intake = self.intake.as_ref().map(|intake| match body {
            BodyLimit::Usual => intake.clone().of_kind(kind),
            BodyLimit::Evidence => intake.with_largest_body(limits.evidence),
            BodyLimit::None => intake.without_body().of_kind(kind),
        });
        let backpressure = self.backpressure.clone().filter(|_| row.decides);
        let entrance = Arc::new(RouteEntrance { access: row.access, refusal, intake, backpressure });
        // The layer that is added last runs first.
        handler
            .route_layer(from_fn_with_state(entrance, enter))
            .route_layer(from_fn_with_state(Arc::clone(&self.authenticator), authenticate))
    }
}

/// Answers requests with another method by the allowed methods. The route does it, because axum adds the header `Allow`
/// only after all layers have run.
fn with_other_methods_refused<S: Clone + Send + Sync + 'static>(
    handler: MethodRouter<S>,
    methods: &[Method],
) -> MethodRouter<S> {
    let named = methods.iter().map(|method| format!("`{method}`")).collect::<Vec<_>>().join(" or ");
    let head = methods.contains(&Method::GET).then_some(Method::HEAD);
    let allow = methods.iter().chain(&head).map(Method::as_str).collect::<Vec<_>>().join(",");
    let problem = Problem::of_status(StatusCode::METHOD_NOT_ALLOWED)
        .detail(format!("this method is not supported here: use {named}"));
    let problem = match HeaderValue::from_str(&allow) {
        Ok(allow) => problem.header(ALLOW, allow),
        Err(_) => problem,
    };
    handler.fallback(async move || problem)
}

/// The checks of one route.
struct RouteEntrance {
    access: RouteAccess,
    refusal: fn(Problem) -> Problem,
    intake: Option<RequestIntake>,
    backpressure: Option<Backpressure>,
}

/// A middleware behind [`authenticate`]: admits requests that may use the route, once nothing holds their decision up.
async fn enter(State(entrance): State<Arc<RouteEntrance>>, request: Request, next: Next) -> Response {
    if let Err(problem) = entrance.check(request.extensions()) {
        return problem.into_response();
    }
    let route = async |request| {
        if let Some(backpressure) = &entrance.backpressure
            && let Err(problem) = backpressure.admit().await
        {
            return problem.into_response();
        }
        next.run(request).await
    };
    match &entrance.intake {
        Some(intake) => intake.take_in(request, route).await,
        None => route(request).await,
    }
}

impl RouteEntrance {
    /// Records the actor, and checks that they may use the route. `extensions` are those of the request.
    fn check(&self, extensions: &Extensions) -> Result<(), Problem> {
        let actor = extensions.get::<Actor>().ok_or_else(|| Problem::of_status(StatusCode::UNAUTHORIZED))?;
        if let Some(exchange) = extensions.get::<HttpExchange>() {
            exchange.actor(actor);
        }
        self.access.check(actor).map_err(|forbidden| (self.refusal)(problem(ServiceError::Forbidden(forbidden))))
    }
}

/// Holds decisions up if the decision log must keep up with them: `decision-log.max-behind` limits how far a sink may
/// fall behind, and `max-wait` how long a decision waits for it before it is refused. It does not keep the log from
/// being closed.
#[derive(Clone)]
pub(super) struct Backpressure {
    log: Weak<DecisionLog>,
    metrics: Arc<Metrics>,
}

impl Backpressure {
    pub(super) fn new(log: &Arc<DecisionLog>, metrics: &Arc<Metrics>) -> Self {
        Self { log: Arc::downgrade(log), metrics: Arc::clone(metrics) }
    }

    /// Waits until the sinks are near enough for another decision.
    ///
    /// # Errors
    /// If that takes too long; the error is the problem to answer with.
    pub(super) async fn admit(&self) -> Result<(), Problem> {
        let Some(log) = self.log.upgrade() else { return Ok(()) };
        let admitted = log.admit().await;
        drop(log);
        admitted.map_err(|too_far| {
            self.metrics.shed(ShedReason::DecisionLogBehind);
            let problem =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "decision-log-behind", "The decision log is behind");
            problem.detail(too_far.to_string()).with("sink", too_far.sink).retry_after(1)
        })
    }
}
