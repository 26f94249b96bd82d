//! The way of a request from the door, where its credential was checked, to its route: its place, its body, its turn, and a limit
//! on the time that the answer takes.
//!
//! The body is read before the turn is taken, at least as fast as `limits.least-rate` says: a client that sends it slowly holds
//! up nobody but itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use lockgate_engine::authority::Actor;
use tokio::time::{Instant, timeout, timeout_at};

use super::admission::{Admission, BodyRoom, Place};
use crate::config::{LimitsConfig, Size};
use crate::observe::Metrics;
use crate::problem::Problem;

/// How long a client may take before the rate of its body counts.
const GRACE: Duration = Duration::from_secs(5);

/// Takes requests in; cheap to clone.
#[derive(Clone, Debug)]
pub struct Intake {
    admission: Admission,
    largest: Size,
    least_rate: Size,
    deadline: Duration,
}

impl Intake {
    /// One with these limits, for bodies of the usual size.
    pub fn new(limits: &LimitsConfig, metrics: &Arc<Metrics>) -> Self {
        Self {
            admission: Admission::new(limits, Arc::clone(metrics)),
            largest: limits.body,
            least_rate: limits.least_rate,
            deadline: Duration::from_millis(limits.request.as_millis()),
        }
    }

    /// The same, for bodies of another size. Both share the same places and turns.
    #[must_use]
    pub fn with_largest_body(&self, largest: Size) -> Self {
        Self { largest, ..self.clone() }
    }

    /// Puts it before all routes of a router.
    pub fn before(self, routes: Router) -> Router {
        let take_in = |State(intake): State<Self>, request: Request, next: Next| async move {
            intake.take_in(request, |request| next.run(request)).await
        };
        routes.route_layer(from_fn_with_state(self, take_in))
    }

    /// Takes a request in, and answers it by `route`.
    pub(crate) async fn take_in<F: Future<Output = Response>>(
        &self,
        request: Request,
        route: impl FnOnce(Request) -> F,
    ) -> Response {
        self.try_take_in(request, route).await.unwrap_or_else(Problem::into_response)
    }

    async fn try_take_in<F: Future<Output = Response>>(
        &self,
        request: Request,
        route: impl FnOnce(Request) -> F,
    ) -> Result<Response, Problem> {
        let place = self.admission.place(request.extensions().get::<Actor>())?;
        // The memory is in use until the answer is there.
        let (mut request, _memory) = self.with_body(request, &place).await?;
        // It was counted already.
        DefaultBodyLimit::disable().apply(&mut request);
        let answer = async {
            let turn = place.turn().await?;
            request.extensions_mut().insert(turn.clone());
            let response = route(request).await;
            // Until the head of the answer is there; whoever answers in a stream does not hold a turn for long.
            turn.end();
            Ok(response)
        };
        timeout(self.deadline, answer).await.unwrap_or_else(|_| Ok(self.too_late()))
    }

    fn too_late(&self) -> Response {
        let deadline = self.deadline;
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "It took too long")
            .detail(format!(
                "there was no answer within {deadline:?}. Whether something was written is not known: the same request with \
                 the same `Idempotency-Key` tells"
            ))
            .retry_after(1)
            .into_response()
    }

    /// The request with all of its body in memory.
    async fn with_body(&self, request: Request, place: &Place) -> Result<(Request, BodyRoom), Problem> {
        let mut memory = place.body();
        if request.body().is_end_stream() {
            return Ok((request, memory));
        }
        let (parts, body) = request.into_parts();
        let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > self.largest.as_u64()) {
            return Err(self.too_large());
        }
        memory.grow_to(announced.unwrap_or(0))?;
        let bytes = self.read(body, &mut memory).await?;
        Ok((Request::from_parts(parts, Body::from(bytes)), memory))
    }

    async fn read(&self, mut body: Body, memory: &mut BodyRoom) -> Result<Bytes, Problem> {
        let began = Instant::now();
        let mut received = Vec::new();
        loop {
            // What has come gives the client time for what is still to come.
            let earned = received.len() as u64 * 1000 / self.least_rate.as_u64().max(1);
            let until = began + GRACE.min(self.deadline) + Duration::from_millis(earned);
            let Ok(frame) = timeout_at(until, body.frame()).await else { return Err(self.too_slow(received.len())) };
            let Some(frame) = frame else { return Ok(received.into()) };
            let frame = frame.map_err(|error| {
                Problem::of_status(StatusCode::BAD_REQUEST).detail(format!("the body broke off: {error}"))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            let length = (received.len() + data.len()) as u64;
            if length > self.largest.as_u64() {
                return Err(self.too_large());
            }
            memory.grow_for(length)?;
            received.extend_from_slice(&data);
        }
    }

    fn too_large(&self) -> Problem {
        let largest = self.largest;
        Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
            .detail(format!("the body has more than the {largest} that are taken here"))
    }

    fn too_slow(&self, received: usize) -> Problem {
        let rate = self.least_rate;
        Problem::of_status(StatusCode::REQUEST_TIMEOUT).detail(format!(
            "the body came too slowly: after {received} bytes nothing more came in time. After the first {GRACE:?}, it has to \
             come at {rate} a second or more (`limits.least-rate`)"
        ))
    }
}
