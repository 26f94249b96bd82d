//! What handlers take from a request: who asks, under which conditions, which gate, which page, which document.
//!
//! What is wrong is answered as a problem that names the place.

use std::fmt::Write as _;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, RawPathParams, Request};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use lockgate_domain::{Gate, Phase, Stage};
use lockgate_engine::authority::Actor;
use lockgate_engine::service::{DeploymentRef, Mistake, Page, RequestRef, Write};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::errors::invalid;
use crate::auth::Session;
use crate::observe::Exchange;
use crate::problem::Problem;
use crate::serve::{Peer, RequestId};

/// The header that makes a write safe to be sent twice.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 128;
/// The largest number that every reader of JSON can tell from its neighbours: 2^53 - 1.
pub(super) const LARGEST: u64 = (1 << 53) - 1;
/// How many items a page has if nobody says.
const USUAL: usize = 50;
/// How many items a page has at most.
const MOST: usize = 200;

/// Something that cannot be read at all.
pub(super) fn unreadable(detail: impl Into<String>) -> Problem {
    Problem::of_status(StatusCode::BAD_REQUEST).detail(detail)
}

/// Who asks: whom `auth::authenticate` put there.
#[derive(Clone, Debug)]
pub struct Who(pub Actor);

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor.map(Self).ok_or_else(|| Problem::of_status(StatusCode::UNAUTHORIZED))
    }
}

impl<S: Sync> FromRequestParts<S> for Session {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::of_status(StatusCode::UNAUTHORIZED))
    }
}

/// A write: who asks, with which credential, and under which conditions.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Who.
    pub actor: Actor,
    /// The credential, to be checked again before something is written.
    pub session: Session,
    key: Option<String>,
    if_match: Option<u64>,
}

impl Intent {
    /// As the engine takes it at this moment.
    pub(super) fn write(&self) -> Write<'_> {
        Write {
            actor: &self.actor,
            now: self.session.now(),
            key: self.key.as_deref(),
            if_match: self.if_match,
            credential: Some(&self.session),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Intent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Who(actor) = Who::from_request_parts(parts, state).await?;
        let session = Session::from_request_parts(parts, state).await?;
        let key = idempotency_key(&parts.headers)?;
        let if_match = if_match(&parts.headers)?;
        Ok(Self { actor, session, key, if_match })
    }
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Problem> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (first, None) => Ok(first),
        _ => Err(unreadable(format!("the header `{name}` is there more than once"))),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = only(headers, &IDEMPOTENCY_KEY)? else { return Ok(None) };
    let bytes = value.as_bytes();
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(unreadable(format!(
            "`Idempotency-Key` has 1 to {LONGEST_KEY} visible ASCII characters and no blanks, for example a UUID"
        ))),
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = only(headers, &IF_MATCH)? else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let Some(tag) = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).filter(|tag| !tag.contains('"')) else {
        return Err(unreadable("`If-Match` is one `ETag` as it was answered, for example `\"7\"`, or `*`"));
    };
    // A tag that no deployment ever had cannot match.
    let version = tag.parse().ok().filter(|version| *version <= LARGEST);
    version.map(Some).ok_or_else(|| {
        let title = "The deployment has another version than was expected";
        Problem::new(StatusCode::PRECONDITION_FAILED, "version-differs", title)
            .detail(format!("no deployment ever had the `ETag` `\"{tag}\"`: look at it again"))
    })
}

/// Which request it is, as the ledger keeps it beside a decision.
#[derive(Clone, Debug)]
pub struct Origin(pub RequestRef);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let extensions = &parts.extensions;
        let id = extensions.get::<RequestId>().map(|id| id.as_str().to_owned());
        let peer = extensions.get::<axum::extract::ConnectInfo<Peer>>().map(|peer| peer.0.address.ip().to_string());
        let exchange = extensions.get::<Exchange>();
        let (trace, span) = (exchange.and_then(Exchange::trace_id), exchange.and_then(Exchange::span_id));
        Ok(Self(RequestRef { id, trace, span, peer }))
    }
}

/// The parameters of the query.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|query| Self(query.0)).map_err(|rejected| unreadable(rejected.body_text()))
    }
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Where the page begins: `next` of the page before.
    #[param(maximum = 9007199254740991i64)]
    pub cursor: Option<u64>,
    /// How many items at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<usize>,
}

impl Paging {
    /// As the engine takes it.
    ///
    /// # Errors
    /// If a number is too large or too small.
    pub fn page(&self) -> Result<Page, Problem> {
        Ok(Page { before: position("cursor", self.cursor)?, limit: limit(self.limit)? })
    }
}

/// How many items a page has.
pub(super) fn limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST) => Ok(limit),
        Some(limit) => Err(unreadable(format!("`limit` is {limit}: it is 1 to {MOST}"))),
    }
}

/// A place in the log, or a version.
pub(super) fn position(name: &str, position: Option<u64>) -> Result<Option<u64>, Problem> {
    match position {
        Some(position) if position > LARGEST => {
            Err(unreadable(format!("`{name}` is {position}: it is at most {LARGEST}")))
        }
        position => Ok(position),
    }
}

/// The deployment that a request is about: the `id` of the path `…/deployments/{id}…`, and the `team` of the query.
#[derive(Clone, Debug)]
pub struct AtDeployment {
    id: String,
    team: Option<String>,
}

/// Which team's deployment is meant.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TeamQuery {
    /// The team that the deployment belongs to; needed where several of one's teams have a deployment of that id.
    pub team: Option<String>,
}

impl AtDeployment {
    /// The deployment of that id, of that team or of one of those of whoever asks.
    pub fn new(id: String, team: Option<String>) -> Self {
        Self { id, team }
    }

    /// As the engine takes it.
    pub fn name(&self) -> DeploymentRef<'_> {
        DeploymentRef { id: &self.id, team: self.team.as_deref() }
    }

    /// The address of something of the deployment, for example `/approvals/a-1`: it names the team if the request did.
    pub(super) fn address(&self, of: &str) -> String {
        let path = format!("/api/v1/deployments/{}{of}", self.id);
        match &self.team {
            Some(team) => {
                format!("{path}?{}", form_urlencoded::Serializer::new(String::new()).append_pair("team", team).finish())
            }
            None => path,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtDeployment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Parameters(TeamQuery { team }) = Parameters::from_request_parts(parts, state).await?;
        let path = RawPathParams::from_request_parts(parts, state).await;
        let path = path.map_err(|rejected| unreadable(rejected.body_text()))?;
        let id = path.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
        let id = id.ok_or_else(|| unreadable("the path names no deployment"))?;
        Ok(Self { id, team })
    }
}

/// A deployment and one of its gates: `…/{id}/gates/{stage}/{phase}`.
#[derive(Clone, Debug)]
pub struct AtGate {
    /// The deployment.
    pub at: AtDeployment,
    /// The gate.
    pub gate: Gate,
}

impl<S: Send + Sync> FromRequestParts<S> for AtGate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let at = AtDeployment::from_request_parts(parts, state).await?;
        let path = Path::<(String, String, String)>::from_request_parts(parts, state).await;
        let Path((_, stage, phase)) = path.map_err(|rejected| unreadable(rejected.body_text()))?;
        Ok(Self { at, gate: gate(&stage, &phase)? })
    }
}

/// The gate of that name.
pub(super) fn gate(stage: &str, phase: &str) -> Result<Gate, Problem> {
    let known = Stage::ALL.into_iter().find(|known| known.as_str() == stage);
    let side = Phase::ALL.into_iter().find(|known| known.as_str() == phase);
    known.zip(side).map(|(stage, phase)| Gate { stage, phase }).ok_or_else(|| {
        let stages = Stage::ALL.map(Stage::as_str).join("`, `");
        let phases = Phase::ALL.map(Phase::as_str).join("` and `");
        Problem::of_status(StatusCode::NOT_FOUND)
            .detail(format!("there is no gate `{stage}/{phase}`: the stages are `{stages}`, each with `{phases}`"))
    })
}

/// A body of JSON.
#[derive(Clone, Debug)]
pub struct Document<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Document<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, &["application/json"]).await.map(Self)
    }
}

/// A body with a JSON merge patch (RFC 7396).
#[derive(Clone, Debug)]
pub struct MergePatch(pub serde_json::Value);

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        read(request, state, &["application/merge-patch+json", "application/json"]).await.map(Self)
    }
}

async fn read<S: Send + Sync, T: DeserializeOwned>(request: Request, state: &S, kinds: &[&str]) -> Result<T, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !kinds.contains(&kind.as_str()) {
        let wanted = kinds.join("` or `");
        let detail = match kind.as_str() {
            "" => format!("there is no `Content-Type`: send `{wanted}`"),
            kind => format!("the body is `{kind}`: send `{wanted}`"),
        };
        return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail));
    }
    parse(&bytes(request, state).await?)
}

/// All of a body, as far as it may go.
pub(super) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|rejected| Problem::of_status(rejected.status()).detail(rejected.body_text()))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (pointer, error) = (pointer(error.path()), error.into_inner());
        if !error.is_data() {
            return unreadable(format!("the body is no JSON: {error}"));
        }
        invalid(&[Mistake { pointer, message: error.to_string() }])
    })?;
    deserializer.end().map_err(|error| unreadable(format!("there is more after the JSON document: {error}")))?;
    Ok(value)
}

/// The JSON Pointer (RFC 6901) of a place.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        // Writing into a string does not fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => write!(pointer, "/{variant}"),
            Segment::Unknown => Ok(()),
        };
    }
    pointer
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn matching(text: &'static str) -> Result<Option<u64>, u16> {
        let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static(text))]);
        if_match(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn if_match_names_one_version_or_any() {
        assert_eq!(matching("\"7\""), Ok(Some(7)));
        assert_eq!(matching("W/\"7\""), Ok(Some(7)));
        assert_eq!(matching("*"), Ok(None));
        assert_eq!(matching("7"), Err(400));
        assert_eq!(matching("\"1\", \"2\""), Err(400));
        assert_eq!(matching("\"abc\""), Err(412));
    }

    #[test]
    fn a_key_is_visible_ascii_and_not_too_long() {
        let key = |text: &str| {
            let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_str(text).unwrap())]);
            idempotency_key(&headers).map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(key("run-4711/1"), Ok(Some("run-4711/1".to_owned())));
        assert_eq!(key("run 4711"), Err(400));
        assert_eq!(key(""), Err(400));
        assert_eq!(key(&"k".repeat(128)), Ok(Some("k".repeat(128))));
        assert_eq!(key(&"k".repeat(129)), Err(400));
    }

    #[test]
    fn a_mistake_in_a_document_is_told_by_its_place() {
        #[derive(Debug, Deserialize)]
        struct Thing {
            #[expect(dead_code, reason = "only read")]
            a: Vec<u32>,
        }
        let wrong = parse::<Thing>(br#"{"a": [1, "2"]}"#).unwrap_err().document(None);
        assert_eq!(wrong.status, 422);
        assert_eq!(wrong.members["errors"][0]["pointer"], "/a/1");
        assert_eq!(parse::<Thing>(br#"{"a": [1"#).unwrap_err().status(), 400);
        assert_eq!(parse::<Thing>(br#"{"a": [1]} {}"#).unwrap_err().status(), 400);
    }

    #[test]
    fn a_gate_that_does_not_exist_is_not_found_and_the_others_are_named() {
        let problem = gate("fulfil", "exit").unwrap_err();
        assert_eq!(problem.status(), 404);
        let detail = problem.document(None).detail.unwrap();
        assert!(detail.contains("`plan-and-approve`, `fulfill`, `validate`, `observe`"), "{detail}");
    }
}
