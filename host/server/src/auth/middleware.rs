//! Authenticates requests in front of routes: adds the actor to the request, or refuses it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{AuthError, Authentication, Authenticator, PresentedCredentials};
use crate::connection::{ConnectionActivity, RequestPeer};
use crate::layers::request_headers::single;
use crate::observe::{HttpExchange, Metrics};
use crate::problem::Problem;

/// A middleware, for `axum::middleware::from_fn_with_state`. It adds the [`Actor`](lockgate_service::authority::Actor)
/// and the [`CredentialSession`](super::CredentialSession) to the extensions of the request, or answers why there is no
/// actor. Handlers take them as `Extension<Actor>` and `Extension<CredentialSession>`.
pub async fn authenticate(
    State(authenticator): State<Arc<Authenticator>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = RequestPeer::of(&request).cloned();
    let authorization = only_authorization(request.headers()).map(|header| header.cloned());
    let exchange = request.extensions().get::<HttpExchange>().cloned();
    let authenticated = match authorization {
        Ok(authorization) => {
            let presented = PresentedCredentials {
                authorization: authorization.as_ref(),
                certificate: peer.as_ref().and_then(|peer| peer.certificate.as_deref()).map(AsRef::as_ref),
                peer: peer.as_ref().map(|peer| peer.address),
                now: authenticator.now(),
                system: authenticator.clock.system(),
            };
            // Authentication may ask an issuer. Until it is done, the connection counts as silent.
            let _unknown = request.extensions().get::<Arc<ConnectionActivity>>().map(ConnectionActivity::pause);
            authenticator.authenticate(presented).await
        }
        Err(error) => Err(error),
    };
    match authenticated {
        Ok(Authentication { actor, session }) => {
            if let Some(connection) = request.extensions().get::<Arc<ConnectionActivity>>() {
                connection.accept();
            }
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(session.of_request(exchange));
            next.run(request).await
        }
        Err(error) => {
            if let Some(exchange) = &exchange {
                error.count(exchange.metrics());
            }
            if let AuthError::Throttled { .. } = error {
                authenticator.hold_back(request.extensions().get()).await;
            }
            error.problem(authenticator.realm()).into_response()
        }
    }
}

/// The header with the credentials, if there is exactly one. With two, a proxy might have read the other one.
fn only_authorization(headers: &HeaderMap) -> Result<Option<&HeaderValue>, AuthError> {
    single(headers, &AUTHORIZATION).map_err(|_| AuthError::Malformed("it appears more than once: send it once"))
}

impl AuthError {
    pub(super) fn count(&self, metrics: &Metrics) {
        match self {
            Self::Refused(refusal) => metrics.authentication_failed(refusal.as_str()),
            Self::Scheme => metrics.authentication_failed("scheme"),
            Self::Malformed(_) => metrics.authentication_failed("malformed"),
            Self::Throttled { .. } => metrics.throttled(),
            Self::Missing | Self::Unavailable { .. } => {}
        }
    }

    /// The answer to the client, with a challenge for this realm.
    pub fn problem(&self, realm: &str) -> Problem {
        let (code, title) = self.kind();
        let mut problem = Problem::new(self.status(), code, title).detail(self.to_string());
        if let Some(challenge) = self.challenge(realm).and_then(|text| HeaderValue::from_str(&text).ok()) {
            problem = problem.header(WWW_AUTHENTICATE, challenge);
        }
        match self.retry_after() {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}
