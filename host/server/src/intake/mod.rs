//! Admits a request after its credential was checked: its place, its body, its turn (`admission`), and a limit on the
//! time for the answer. `content_coding` decodes the body.
//!
//! The body is read before the turn is taken, at least as fast as `limits.least-rate` says, so a client that sends it
//! slowly delays only itself.

mod admission;
mod content_coding;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use lockgate_service::authority::Actor;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use self::admission::TurnKind;
use self::admission::{Admission, AnswerDelivery, HeldMemory, QueuePlace};
pub use self::admission::{Turn, WatcherPlace};
pub(crate) use self::content_coding::MediaType;
use self::content_coding::{ContentCoding, describe_unpacked, refuse_parts};
use crate::config::{ByteSize, LimitsConfig};
use crate::observe::Metrics;
use crate::problem::Problem;

/// How long a client may take before the rate of its body counts.
const GRACE: Duration = Duration::from_secs(5);

/// Admits requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestIntake {
    admission: Admission,
    kind: TurnKind,
    largest: ByteSize,
    /// Whether a body may have content here.
    takes_body: bool,
    least_rate: ByteSize,
    most_memory: ByteSize,
    deadline: Duration,
}

impl RequestIntake {
    /// An intake with these limits, for bodies of the usual size.
    pub fn new(limits: &LimitsConfig, metrics: &Arc<Metrics>) -> Self {
        Self {
            admission: Admission::new(limits, Arc::clone(metrics)),
            kind: TurnKind::Work,
            most_memory: limits.bodies_per_credential.min(limits.bodies),
            largest: limits.body,
            takes_body: true,
            least_rate: limits.least_rate,
            deadline: Duration::from_millis(limits.request.as_millis()),
        }
    }

    /// The same, for bodies of another size. Both share the same places and turns.
    #[must_use]
    pub fn with_largest_body(&self, largest: ByteSize) -> Self {
        Self { largest, ..self.clone() }
    }

    /// The same, for requests without a body. A body with content is refused, because nobody reads it.
    #[must_use]
    pub(crate) fn without_body(&self) -> Self {
        Self { takes_body: false, ..self.clone() }
    }

    /// The same, for another kind of turn.
    #[must_use]
    pub(crate) fn of_kind(self, kind: TurnKind) -> Self {
        Self { kind, ..self }
    }

    /// Puts the intake before all routes of a router.
    pub fn before(self, routes: Router) -> Router {
        let take_in = |State(intake): State<Self>, request: Request, next: Next| async move {
            intake.take_in(request, |request| next.run(request)).await
        };
        routes.route_layer(from_fn_with_state(self, take_in))
    }

    /// Admits a request, and answers it by `route`.
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
        // The intake has limited the body already.
        DefaultBodyLimit::disable().apply(&mut request);
        let writes = !request.method().is_safe();
        let answer = async {
            let turn = place.turn(self.kind).await?;
            request.extensions_mut().insert(turn.clone());
            let response = route(request).await;
            // The turn ends here, so a route that answers in a stream does not hold it for long.
            match turn.answered() {
                Some(delivery) => deliver(response, delivery, writes),
                None => Ok(response),
            }
        };
        timeout(self.deadline, answer).await.unwrap_or_else(|_| Ok(self.too_late()))
    }

    fn too_late(&self) -> Response {
        let deadline = self.deadline;
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "Request timed out")
            .detail(format!(
                "no answer within {deadline:?}. The write may or may not have happened: retry with the same \
                 `Idempotency-Key`"
            ))
            .retry_after(1)
            .into_response()
    }

    /// The request with its whole body in memory.
    async fn with_body(&self, request: Request, place: &QueuePlace) -> Result<(Request, HeldMemory), Problem> {
        let mut memory = place.body();
        if request.body().is_end_stream() {
            ContentCoding::of(request.headers())?.check_empty()?;
            return Ok((request, memory));
        }
        let (mut parts, body) = request.into_parts();
        refuse_parts(&parts.headers)?;
        let coding = ContentCoding::of(&parts.headers)?;
        let announced = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.is_some_and(|length| length > self.largest.as_u64()) {
            return Err(self.too_large());
        }
        memory.grow_to(announced.unwrap_or(0))?;
        let packed = self.read(body, &mut memory).await?;
        let bytes = coding.unpack(packed, self.largest, &mut memory).await?;
        if !self.takes_body && says_something(&bytes) {
            return Err(Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY).detail(
                "this request takes no body, so what the body says would have no effect: say it in the address, for example \
                 `?ask=true`, and send no body",
            ));
        }
        describe_unpacked(&mut parts.headers, bytes.len());
        if MediaType::of(&parts.headers).is_json() {
            let unpacked = unpacked_size(&bytes);
            if unpacked > self.most_memory.as_u64() {
                return Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
                    .detail("the body holds too many values: split it into several requests"));
            }
            memory.grow_to(unpacked)?;
        }
        Ok((Request::from_parts(parts, Body::from(bytes)), memory))
    }

    async fn read(&self, mut body: Body, memory: &mut HeldMemory) -> Result<Bytes, Problem> {
        let began = Instant::now();
        let mut received = Vec::new();
        loop {
            // The bytes that have arrived give the client time for those to come.
            let earned = received.len() as u64 * 1000 / self.least_rate.as_u64().max(1);
            let until = began + self.grace() + Duration::from_millis(earned);
            let Ok(frame) = timeout_at(until, body.frame()).await else { return Err(self.too_slow(received.len())) };
            let Some(frame) = frame else { return Ok(received.into()) };
            let frame = frame.map_err(|error| {
                Problem::of_status(StatusCode::BAD_REQUEST).detail(format!("the body ended early: {error}"))
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

    /// [`GRACE`], but no longer than a request may take.
    fn grace(&self) -> Duration {
        GRACE.min(self.deadline)
    }

    fn too_large(&self) -> Problem {
        let largest = self.largest;
        Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE).detail(format!("the body is larger than {largest}"))
    }

    fn too_slow(&self, received: usize) -> Problem {
        let (rate, grace) = (self.least_rate, self.grace());
        Problem::of_status(StatusCode::REQUEST_TIMEOUT).detail(format!(
            "the body came too slowly: {received} bytes, then nothing. After the first {grace:?}, send at least {rate} a \
             second (`limits.least-rate`)"
        ))
    }
}

/// Whether a body has content: many clients send an empty object, or `null`, where there is nothing to say.
fn says_something(body: &[u8]) -> bool {
    !matches!(body.trim_ascii(), b"" | b"{}" | b"null")
}

/// The size, in bytes, below which the memory of an answer is not counted: there are only as many as open requests.
const SMALL_ANSWER: u64 = 64 << 10;

/// The answer, which holds its capacity until it is delivered.
fn deliver(response: Response, mut delivery: AnswerDelivery, writes: bool) -> Result<Response, Problem> {
    let size = response.body().size_hint().exact().unwrap_or(0);
    if size > SMALL_ANSWER {
        match writes {
            true => delivery.take_anyway(size),
            false => delivery.take(size)?,
        }
    }
    Ok(response.map(|body| Body::new(DeliveredBody { body, _delivery: delivery })))
}

/// The body of an answer until it is delivered.
struct DeliveredBody {
    body: Body,
    _delivery: AnswerDelivery,
}

impl http_body::Body for DeliveredBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The approximate most memory that a JSON document takes when it is parsed: an object or list of a few bytes takes
/// hundreds.
fn unpacked_size(json: &[u8]) -> u64 {
    const CONTAINER: u64 = 600;
    const VALUE: u64 = 64;
    let (mut size, mut in_string, mut escaped) = (json.len() as u64, false, false);
    for byte in json {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'{' | b'[') => size += CONTAINER,
            (false, b',' | b':') => size += VALUE,
            _ => {}
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_takes_in_memory_goes_by_its_values_and_not_by_what_stands_in_texts() {
        assert_eq!(unpacked_size(b""), 0);
        assert_eq!(unpacked_size(br#"{"a": [1, 2]}"#), 13 + 2 * 600 + 2 * 64);
        assert_eq!(unpacked_size(br#""{[,:\"{[""#), 10);
    }
}
