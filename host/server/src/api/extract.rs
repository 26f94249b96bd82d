//! The values that handlers take from the head of a request: the actor, preconditions, the gate, the page.
//! [`super::json_body`] reads bodies, [`super::url_parts`] queries and paths.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use lockgate_domain::{Gate, Phase, Stage, TeamName};
use lockgate_service::authority::Actor;
use lockgate_service::{DeploymentRef, GatePurpose, IfMatch, PageRequest, RequestRef, WriteContext};
use serde::Deserialize;

use super::errors::{VERSION_DIFFERS, unreadable};
use super::url_parts::{PathParts, QueryParams};
use crate::auth::CredentialSession;
use crate::connection::RequestPeer;
use crate::layers::request_headers::IDEMPOTENCY_KEY;
use crate::observe::HttpExchange;
use crate::problem::{Problem, RequestId};

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 128;
/// The largest number that every JSON reader reads exactly: 2^53 - 1.
pub(super) const LARGEST: u64 = (1 << 53) - 1;
/// The default number of items on a page.
const USUAL: usize = 50;
/// The most items on a page.
const MOST: usize = 200;

/// The actor, whom `auth::authenticate` has added to the request.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Actor);

impl<S: Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Actor>().cloned();
        actor.map(Self).ok_or_else(|| Problem::of_status(StatusCode::UNAUTHORIZED))
    }
}

impl<S: Sync> FromRequestParts<S> for CredentialSession {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::of_status(StatusCode::UNAUTHORIZED))
    }
}

/// A write: the actor, the credential, and the conditions.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    pub actor: Actor,
    /// The credential, to be checked again before something is written.
    pub session: CredentialSession,
    key: Option<String>,
    if_match: Option<IfMatch>,
}

impl WriteRequest {
    /// The write for the service, at this moment.
    pub(super) fn write(&self) -> WriteContext<'_> {
        WriteContext {
            actor: &self.actor,
            now: self.session.now(),
            key: self.key.as_deref(),
            if_match: self.if_match,
            credential: Some(&self.session),
        }
    }

    /// The purpose of a gate request that wants to pass.
    pub(super) fn pass(&self) -> GatePurpose {
        GatePurpose::Pass { key: self.key.clone(), if_match: self.if_match }
    }
}

impl<S: Sync> FromRequestParts<S> for WriteRequest {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Authenticated(actor) = Authenticated::from_request_parts(parts, state).await?;
        let session = CredentialSession::from_request_parts(parts, state).await?;
        let key = idempotency_key(&parts.headers)?;
        let if_match = if_match(&parts.headers)?;
        Ok(Self { actor, session, key, if_match })
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let bytes = value.as_bytes();
    match value.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic) => {
            Ok(Some(key.to_owned()))
        }
        _ => Err(unreadable(format!(
            "`Idempotency-Key` has to have 1 to {LONGEST_KEY} visible ASCII characters without blanks, for example a UUID"
        ))),
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<IfMatch>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(Some(IfMatch::Exists));
    }
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let Some(tag) = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).filter(|tag| !tag.contains('"')) else {
        return Err(unreadable("`If-Match` has to be one `ETag` as the server sent it, for example `\"7\"`, or `*`"));
    };
    // A tag that no deployment ever had cannot match.
    let version = tag.parse().ok().filter(|version| *version <= LARGEST);
    version.map(|version| Some(IfMatch::Version(version))).ok_or_else(|| {
        Problem::new(StatusCode::PRECONDITION_FAILED, "version-differs", VERSION_DIFFERS)
            .detail(format!("nothing has the `ETag` `\"{tag}\"`: read it again"))
    })
}

/// The origin of the request, as the ledger keeps it beside a decision.
#[derive(Clone, Debug)]
pub struct RequestOrigin(pub RequestRef);

impl<S: Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let extensions = &parts.extensions;
        let id = extensions.get::<RequestId>().map(|id| id.as_str().to_owned());
        let peer =
            extensions.get::<axum::extract::ConnectInfo<RequestPeer>>().map(|peer| peer.0.address.ip().to_string());
        let exchange = extensions.get::<HttpExchange>();
        let (trace, span) = (exchange.and_then(HttpExchange::trace_id), exchange.and_then(HttpExchange::span_id));
        Ok(Self(RequestRef { id, trace, span, peer }))
    }
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// Where the page begins: `next` of the previous page.
    #[param(maximum = 9007199254740991i64)]
    pub cursor: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<usize>,
}

impl Paging {
    /// The page for the service.
    ///
    /// # Errors
    /// If a number is too large or too small.
    pub fn page(&self) -> Result<PageRequest, Problem> {
        Ok(PageRequest { before: position("cursor", self.cursor)?, limit: limit(self.limit)? })
    }
}

/// The number of items on a page.
pub(super) fn limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST) => Ok(limit),
        Some(limit) => Err(unreadable(format!("`limit={limit}` is not a whole number from 1 to {MOST}"))),
    }
}

/// Checks an index in the log, or a version.
pub(super) fn position(name: &str, position: Option<u64>) -> Result<Option<u64>, Problem> {
    match position {
        Some(position) if position > LARGEST => {
            Err(unreadable(format!("`{name}={position}` is larger than {LARGEST}")))
        }
        position => Ok(position),
    }
}

/// The deployment that a request is about: the `id` of the path `…/deployments/{id}…`, and the `team` of the query.
#[derive(Clone, Debug)]
pub struct AtDeployment {
    id: String,
    team: Option<TeamName>,
}

/// The parameter `team`.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TeamQuery {
    /// The deployment's team. Required if several of your teams have a deployment with this id.
    #[param(value_type = Option<String>)]
    pub team: Option<TeamName>,
}

impl AtDeployment {
    /// The deployment with this id: of the given team, or else of one of the actor's teams.
    pub fn new(id: String, team: Option<TeamName>) -> Self {
        Self { id, team }
    }

    /// The id, and the team if the request named one.
    pub(super) fn into_parts(self) -> (String, Option<TeamName>) {
        (self.id, self.team)
    }

    /// The deployment for the service.
    pub fn name(&self) -> DeploymentRef<'_> {
        DeploymentRef { id: &self.id, team: self.team.as_ref() }
    }

    /// The address of a resource of the deployment, for example `/approvals/a-1`. It names the team if the request did.
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
        let QueryParams(TeamQuery { team }) = QueryParams::from_request_parts(parts, state).await?;
        let path = RawPathParams::from_request_parts(parts, state).await;
        let path = path.map_err(|_| unreadable("the path is not UTF-8"))?;
        let id = path.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned());
        let id = id.ok_or_else(|| unreadable("the path has no id of a deployment"))?;
        Ok(Self { id, team })
    }
}

/// A deployment and one of its gates: `…/{id}/gates/{stage}/{phase}`.
#[derive(Clone, Debug)]
pub struct AtGate {
    pub at: AtDeployment,
    pub gate: Gate,
}

impl<S: Send + Sync> FromRequestParts<S> for AtGate {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let at = AtDeployment::from_request_parts(parts, state).await?;
        let PathParts((_, stage, phase)) =
            PathParts::<(String, String, String)>::from_request_parts(parts, state).await?;
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
            .detail(format!("no gate `{stage}/{phase}`: the stages are `{stages}`, each with `{phases}`"))
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn matching(text: &'static str) -> Result<Option<IfMatch>, u16> {
        let headers = HeaderMap::from_iter([(IF_MATCH, HeaderValue::from_static(text))]);
        if_match(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn if_match_names_one_version_or_any() {
        assert_eq!(matching("\"7\""), Ok(Some(IfMatch::Version(7))));
        assert_eq!(matching("W/\"7\""), Ok(Some(IfMatch::Version(7))));
        assert_eq!(matching("*"), Ok(Some(IfMatch::Exists)));
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
    fn a_gate_that_does_not_exist_is_not_found_and_the_others_are_named() {
        let problem = gate("fulfil", "exit").unwrap_err();
        assert_eq!(problem.status(), 404);
        let detail = problem.document(None).detail.unwrap();
        assert!(detail.contains("`plan-and-approve`, `fulfill`, `validate`, `observe`"), "{detail}");
    }
}
