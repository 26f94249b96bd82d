//! Events of a deployment, as pages or as a stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use futures_util::Stream;
use lockgate_domain::TeamName;
use lockgate_service::authority::Actor;
use lockgate_service::{DeploymentService, EventRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::errors::unreadable;
use super::extract::{AtDeployment, Authenticated, LARGEST, limit, position};
use super::openapi_parts::ReadErrors;
use super::state::ApiState;
use super::url_parts::QueryParams;
use crate::auth::CredentialSession;
use crate::intake::{Turn, WatcherPlace};
use crate::layers::request_headers::LAST_EVENT_ID;
use crate::problem::Problem;

/// How often the server writes to a silent stream, so that no proxy takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often the server checks the credential of a silent stream.
const CHECK_AGAIN: Duration = Duration::from_secs(2);
/// How long a stream lasts. The client then continues where it was, and presents its credential again.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How many events are read at once for a stream.
const AT_ONCE: usize = 100;

/// A page of the events of a deployment, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventPage {
    /// The events, the oldest first.
    pub items: Vec<EventRecord>,
    /// The `after` of the next page. Absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Which events.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    #[expect(dead_code, reason = "`AtDeployment` reads it")]
    #[param(value_type = Option<String>)]
    team: Option<TeamName>,
    /// Only events after this version.
    #[param(maximum = 9007199254740991i64)]
    after: Option<u64>,
    /// The most events on a page. Streams ignore it.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<usize>,
}

/// List or stream the events of a deployment
///
/// A page of events; with `Accept: text/event-stream`, a stream of all events. The `id` of an event is the deployment's
/// version, so a client that reconnects with `Last-Event-ID` misses none. A stream ends when the credential is no longer
/// accepted.
#[utoipa::path(
    get,
    path = "/api/v1/deployments/{id}/events",
    operation_id = "deployment_events",
    tag = "deployments",
    params(
        ("id" = String, Path, description = "The id of the deployment."),
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "For a stream: the `id` of the last event that you received.", pattern = "^[0-9]{1,15}$"),
    ),
    responses(
        (status = 200, description = "A page of events, or a stream of them.", content(
            (ref("#/components/schemas/EventPage") = "application/json"),
            (String = "text/event-stream"),
        )),
        ReadErrors,
    )
)]
pub(super) async fn events(
    State(state): State<ApiState>,
    at: AtDeployment,
    Authenticated(actor): Authenticated,
    session: CredentialSession,
    QueryParams(query): QueryParams<EventsQuery>,
    turn: Option<Extension<Turn>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (after, limit) = (position("after", query.after)?, limit(query.limit)?);
    let last_seen = last_seen(&headers)?;
    if !wants_stream(&headers) {
        let items = state.read(move |service| service.events(&actor, at.name(), after.unwrap_or(0), limit)).await?;
        let next = items.last().filter(|_| items.len() == limit).map(|last| last.version);
        return Ok(Json(EventPage { items, next }).into_response());
    }
    let after = last_seen.or(after).unwrap_or(0);
    // Checks that the deployment exists before the stream begins.
    let (asks, named) = (actor.clone(), at.clone());
    let stream = state.read(move |service| service.stream_of(&asks, named.name())).await?;
    let watching = turn.map(|Extension(turn)| turn.watch()).transpose()?;
    let receiver = state.deployment_watch.watch(&stream);
    let until = Instant::now() + LONGEST;
    let following = EventStream {
        state,
        actor,
        session,
        at,
        after,
        receiver,
        until,
        pending: VecDeque::new(),
        _watching: watching,
    };
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that buffer answers would hold the stream back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Sse::new(following.stream()).keep_alive(alive)).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let kinds = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let mut kinds = kinds.flat_map(|accept| accept.split(','));
    kinds.any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream")))
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let seen = value.to_str().ok().and_then(|text| text.trim().parse().ok()).filter(|seen| *seen <= LARGEST);
    seen.map(Some)
        .ok_or_else(|| unreadable("`Last-Event-ID` is not the `id` of an event: send the last `id` that you received"))
}

/// A client that follows a deployment.
struct EventStream {
    state: ApiState,
    actor: Actor,
    session: CredentialSession,
    at: AtDeployment,
    after: u64,
    receiver: watch::Receiver<u64>,
    until: Instant,
    pending: VecDeque<EventRecord>,
    _watching: Option<WatcherPlace>,
}

impl EventStream {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        futures_util::stream::unfold(self, |mut following| async move {
            let event = following.next().await?;
            Some((Ok(event), following))
        })
    }

    /// The next event. None: the stream ends, and the client may come back with a valid credential.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(record) = self.pending.pop_front() {
                // The client may be slow to take the events.
                self.session.require().await.ok()?;
                self.after = record.version;
                return Event::default()
                    .id(record.version.to_string())
                    .event(record.event.kind())
                    .json_data(&record)
                    .ok();
            }
            // Before reading, so that a write in between causes another read.
            self.receiver.mark_unchanged();
            let (actor, at, after) = (self.actor.clone(), self.at.clone(), self.after);
            let read = move |service: &DeploymentService| service.events(&actor, at.name(), after, AT_ONCE);
            self.pending.extend(self.state.read_after_wait(&self.session, read).await.ok()?);
            if self.pending.is_empty() {
                self.changed().await?;
            }
        }
    }

    /// Waits until the deployment has changed. None: the stream ends.
    async fn changed(&mut self) -> Option<()> {
        loop {
            tokio::select! {
                changed = self.receiver.changed() => return changed.ok(),
                () = tokio::time::sleep(CHECK_AGAIN) => self.session.require().await.ok()?,
                () = self.state.lifecycle.stopping() => return None,
                () = tokio::time::sleep_until(self.until) => return None,
            }
        }
    }
}
