//! The router, made of the table of [routes](super::routes): each route is behind the checks that its row asks for.
//!
//! They run before anything of the body is read: who asks, and whether they may come. Then the request is taken in
//! ([`Intake`]): it sends its body and waits for its turn, and for the decision log where that holds decisions up.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::ALLOW;
use axum::http::{Extensions, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use lockgate_service::ServiceError;
use lockgate_service::authority::Actor;

use super::backpressure::Backpressure;
use super::errors::problem;
use super::routes::{Access, BodyLimit, Route, api_routes};
use super::state::ApiState;
use crate::auth::{Authenticator, authenticate};
use crate::config::LimitsConfig;
use crate::observe::Exchange;
use crate::problem::Problem;
use crate::serve::{Intake, TurnKind};

/// All routes but those about the server's health, where no decision log holds decisions up.
pub fn mount(state: &ApiState, authenticator: &Arc<Authenticator>) -> Router {
    let intake = Some(Intake::new(&state.limits, &Arc::default()));
    mount_with(state, &Doorkeeper { authenticator: Arc::clone(authenticator), intake, backpressure: None })
}

/// All routes but those about the server's health.
pub(super) fn mount_with(state: &ApiState, doorkeeper: &Doorkeeper) -> Router {
    doorkeeper.router(api_routes(), &state.limits).with_state(state.clone())
}

/// Puts the checks in front of routes.
pub(super) struct Doorkeeper {
    pub(super) authenticator: Arc<Authenticator>,
    /// None: requests are answered under any load, and have no body.
    pub(super) intake: Option<Intake>,
    /// None: nothing holds decisions up.
    pub(super) backpressure: Option<Backpressure>,
}

impl Doorkeeper {
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
        if row.access == Access::Open {
            return handler;
        }
        let kind = if row.method == Method::GET && !row.decides { TurnKind::Read } else { TurnKind::Work };
        let intake = self.intake.as_ref().map(|intake| match body {
            BodyLimit::Usual => intake.clone().of_kind(kind),
            BodyLimit::Evidence => intake.with_largest_body(limits.evidence),
            BodyLimit::None => intake.without_body().of_kind(kind),
        });
        let backpressure = self.backpressure.clone().filter(|_| row.decides);
        let entrance = Arc::new(Entrance { access: row.access, refusal, intake, backpressure });
        // The layer that is added last runs first.
        handler
            .route_layer(from_fn_with_state(entrance, enter))
            .route_layer(from_fn_with_state(Arc::clone(&self.authenticator), authenticate))
    }
}

/// Answers requests of any other method with those that there are. It is said here because the header `Allow` is only added to
/// an answer when no layer sees it any more.
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
struct Entrance {
    access: Access,
    refusal: fn(Problem) -> Problem,
    intake: Option<Intake>,
    backpressure: Option<Backpressure>,
}

/// A middleware behind [`authenticate`]: takes requests in of those who may come, once nothing holds their decision up.
async fn enter(State(entrance): State<Arc<Entrance>>, request: Request, next: Next) -> Response {
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

impl Entrance {
    /// Notes who asks, and checks whether they may come. `extensions` are those of the request.
    fn check(&self, extensions: &Extensions) -> Result<(), Problem> {
        let actor = extensions.get::<Actor>().ok_or_else(|| Problem::of_status(StatusCode::UNAUTHORIZED))?;
        if let Some(exchange) = extensions.get::<Exchange>() {
            exchange.actor(actor);
        }
        self.access.check(actor).map_err(|forbidden| (self.refusal)(problem(ServiceError::Forbidden(forbidden))))
    }
}
