//! What a client sees, over a real connection.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::routing::get;
use axum::{Extension, Router};
use lockgate_server::auth::{Authenticator, authenticate};
use lockgate_server::connection::RequestPeer;
use lockgate_service::authority::Actor;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::auth::support::{Ledger, issued};

/// A route that says who asks, behind the middleware.
async fn serve(authenticator: Authenticator) -> SocketAddr {
    let who = async |Extension(actor): Extension<Actor>| actor.person.id.written().to_owned();
    let routes = Router::new()
        .route("/who", get(who))
        .layer(from_fn_with_state(Arc::new(authenticator), authenticate))
        .layer(from_fn(from_afar));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// As the listener does it.
async fn from_afar(mut request: Request, next: Next) -> axum::response::Response {
    let peer = RequestPeer { address: "192.0.2.1:40000".parse().unwrap(), certificate: None };
    request.extensions_mut().insert(ConnectInfo(peer));
    next.run(request).await
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn ask(address: SocketAddr, authorizations: &[&str]) -> Answer {
    let authorizations: Vec<String> = authorizations.iter().map(|&text| text.to_owned()).collect();
    let asked = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let request = agent.get(format!("http://{address}/who"));
        authorizations.iter().fold(request, |request, text| request.header("authorization", text)).call().unwrap()
    });
    let mut answer = asked.await.unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body }
}

#[tokio::test]
async fn with_a_token_the_route_knows_who_asks() {
    let ledger = Ledger::new();
    let token = issued(&*ledger.storage);
    let address = serve(ledger.authenticator()).await;
    let answer = ask(address, &[&format!("Bearer {}", token.secret.expose())]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "shop-pipeline"));
}

#[tokio::test]
async fn without_credentials_one_is_told_which_to_bring() {
    let address = serve(Ledger::new().authenticator_of("realm = 'gate'")).await;
    let answer = ask(address, &[]).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer realm=\"gate\"")));
    assert_eq!(
        answer.problem(),
        json!({
            "type": "urn:lockgate:problem:unauthenticated",
            "title": "Unauthorized",
            "status": 401,
            "detail": "authentication required: send `Authorization: Bearer <token>`",
        })
    );
}

#[tokio::test]
async fn wrong_credentials_are_refused_without_being_repeated() {
    let ledger = Ledger::new();
    let address = serve(ledger.authenticator()).await;
    let secret = "0123456789abcdef".repeat(4);
    let answer = ask(address, &[&format!("Bearer lgt_0123456789ab_{secret}")]).await;
    let challenge = "Bearer realm=\"lockgate\", error=\"invalid_token\", \
                     error_description=\"unknown token\"";
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some(challenge)));
    assert_eq!(answer.problem()["type"], "urn:lockgate:problem:invalid-credentials");
    assert!(!answer.body.contains(&secret));
}

#[tokio::test]
async fn two_headers_with_credentials_are_one_too_many() {
    let ledger = Ledger::new();
    let token = format!("Bearer {}", issued(&*ledger.storage).secret.expose());
    let answer = ask(serve(ledger.authenticator()).await, &[&token, &token]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.problem()["detail"], "invalid `Authorization` header: it appears more than once: send it once");
}

#[tokio::test]
async fn after_too_many_failures_one_is_told_when_to_come_back() {
    let ledger = Ledger::new();
    let address = serve(ledger.authenticator_of("throttle = { failures = 1, per = '1d' }")).await;
    let wrong = format!("Bearer lgt_0123456789ab_{}", "0".repeat(64));
    assert_eq!(ask(address, &[&wrong]).await.status, 401);
    let answer = ask(address, &[&wrong]).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (429, None));
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn an_open_endpoint_takes_everybody_for_the_same() {
    let address = serve(Authenticator::open(Arc::clone(Ledger::new().storage().clock()))).await;
    assert_eq!(ask(address, &[]).await.body, "anonymous@localhost");
    assert_eq!(ask(address, &["Bearer whatever"]).await.body, "anonymous@localhost");
}
