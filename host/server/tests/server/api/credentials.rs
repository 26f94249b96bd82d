//! Credentials that end while a request goes on: what they are good for is what they are good for at that moment.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::routing::post;
use lockgate_domain::{Teams, Timestamp};
use lockgate_ledger::Storage;
use lockgate_server::api::ApiState;
use lockgate_server::api::extract::{AtDeployment, WriteRequest};
use lockgate_server::auth::token::{NewToken, issue, revoke, rotate};
use lockgate_server::auth::{Authenticator, authenticate};
use lockgate_server::config::AuthConfig;
use lockgate_server::connection::RequestPeer;
use lockgate_server::problem::Problem;
use lockgate_service::lifecycle::EventActor;
use lockgate_service::{DeploymentRef, DeploymentService, GateAnswer, GateRequest, WriteContext};
use rcgen::{CertificateParams, KeyPair, SanType, date_time_ymd};
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::api::stand::{Stand, pass_entrance};
use crate::auth::issuer::Issuer;
use crate::auth::keys::Key;
use crate::decision_support::person;
use crate::http_support::{Answer, send};

const EXIT: &str = "POST /api/v1/deployments/d-1/gates/plan-and-approve/exit?wait=20s";

fn ada() -> EventActor {
    EventActor::from(&person("ada", &["administrator"]))
}

/// Does something with the ledger, as the command line does it while the server runs.
async fn meanwhile<T: Send + 'static>(stand: &Stand, work: impl FnOnce(&dyn Storage) -> T + Send + 'static) -> T {
    let storage = stand.storage();
    tokio::task::spawn_blocking(move || work(&*storage)).await.unwrap()
}

async fn revoke_token(stand: &Stand, who: &str) {
    let id = stand.token_id(who);
    meanwhile(stand, move |storage| revoke(storage, &id, &ada(), None, Timestamp::now()).unwrap()).await;
}

async fn rotate_token(stand: &Stand, who: &str, overlap: lockgate_domain::Duration) {
    let id = stand.token_id(who);
    meanwhile(stand, move |storage| rotate(storage, &id, &ada(), overlap, None, Timestamp::now()).unwrap()).await;
}

/// The deployment `d-1`, in plan-and-approve.
async fn entered(stand: &Stand) {
    stand.request("d-1").await;
    assert_eq!(stand.pass("d-1", "plan-and-approve/entrance").await.json()["passed"], true);
}

/// Waits for the exit of plan-and-approve with these headers, while something happens and then somebody approves.
async fn wait_with(stand: &Stand, headers: &[&str], line: &str, meanwhile: impl Future<Output = ()>) -> Answer {
    let approving = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        meanwhile.await;
        assert_eq!(stand.approve("ben", "d-1").await.status, 201);
    };
    tokio::join!(stand.send_with(headers, line, ""), approving).0
}

/// That the request was refused, and that nothing was decided or written but the entrance and the approval.
async fn assert_refused(stand: &Stand, answer: &Answer, detail: &str) {
    assert_eq!((answer.status, &answer.json()["type"]), (401, &json!("urn:lockgate:problem:invalid-credentials")));
    assert!(answer.json()["detail"].as_str().unwrap().starts_with(detail), "{}", answer.body);
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Bearer realm=\"lockgate\", error=\"invalid_token\""), "{challenge}");
    let decisions = stand.get("ben", "/decisions").await.json();
    assert_eq!(decisions["items"].as_array().unwrap().len(), 1, "{decisions:#}");
    let events = stand.get("ben", "/deployments/d-1/events").await.json();
    let kinds: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    assert_eq!(kinds, ["requested", "gate-passed", "approval-given"]);
}

#[tokio::test]
async fn a_token_that_is_revoked_while_it_waits_for_a_gate_neither_passes_nor_asks_it() {
    for query in ["", "&ask=true", "&until=allow"] {
        let stand = Stand::new().await;
        entered(&stand).await;
        let line = format!("{EXIT}{query}");
        let answer = wait_with(&stand, &[&stand.bearer("rita")], &line, revoke_token(&stand, "rita")).await;
        assert_refused(&stand, &answer, "the token was revoked at").await;
        let metrics = stand.metrics().await;
        assert!(metrics.contains("lockgate_authentication_failures_total{kind=\"revoked\"} 1"), "{metrics}");
    }
}

#[tokio::test]
async fn whoever_waits_with_a_revoked_token_is_told_without_anything_else_happening() {
    let stand = Stand::new().await;
    entered(&stand).await;
    let waiting = stand.send("rita", EXIT, &[], "");
    let revoking = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        revoke_token(&stand, "rita").await;
    };
    let told = async { tokio::join!(waiting, revoking).0 };
    let answer = tokio::time::timeout(Duration::from_secs(5), told).await.unwrap();
    assert_eq!(answer.status, 401, "{}", answer.body);
}

#[tokio::test]
async fn a_secret_that_is_replaced_while_it_waits_passes_no_gate_after_its_overlap() {
    let stand = Stand::new().await;
    entered(&stand).await;
    let rotating = rotate_token(&stand, "rita", lockgate_domain::Duration::default());
    let answer = wait_with(&stand, &[&stand.bearer("rita")], EXIT, rotating).await;
    assert_refused(&stand, &answer, "unknown token").await;

    let stand = Stand::new().await;
    entered(&stand).await;
    let rotating = rotate_token(&stand, "rita", lockgate_domain::Duration::from_millis(60_000));
    let answer = wait_with(&stand, &[&stand.bearer("rita")], EXIT, rotating).await;
    assert_eq!((answer.status, &answer.json()["passed"]), (200, &json!(true)), "{}", answer.body);
}

#[tokio::test]
async fn a_token_that_expires_while_it_waits_passes_no_gate() {
    let stand = Stand::new().await;
    entered(&stand).await;
    let issuing = |storage: &dyn Storage| {
        let now = Timestamp::now();
        let new = NewToken {
            person: person("otto", &["pipeline"]).person,
            kind: None,
            teams: Teams::All,
            scopes: None,
            expires: Some(now.saturating_add(lockgate_domain::Duration::from_millis(1500))),
            note: None,
            by: ada(),
        };
        issue(storage, new, now).unwrap().secret.expose().to_owned()
    };
    let bearer = format!("authorization: Bearer {}", meanwhile(&stand, issuing).await);
    let expiring = tokio::time::sleep(Duration::from_millis(1600));
    let answer = wait_with(&stand, &[&bearer], EXIT, expiring).await;
    assert_refused(&stand, &answer, "the token expired at").await;
}

#[tokio::test]
async fn an_identity_token_that_expires_while_it_waits_passes_no_gate() {
    let key = Key::ed("k1");
    let issuer = Issuer::publishing(&[&key]).await;
    let auth = format!(
        "[[oidc]]
        issuer = '{}'
        audiences = ['lockgate']
        leeway = '0s'
        [[oidc.rules]]
        when.sub = 'ci'
        roles = ['pipeline']
        all-teams = true",
        issuer.url()
    );
    let auth: AuthConfig = toml::from_str(&auth).unwrap();
    let stand = Stand::with(|config| config.auth = auth).await;
    entered(&stand).await;
    let now = Timestamp::now().as_millis() / 1000;
    let claims = json!({ "iss": issuer.url(), "aud": "lockgate", "sub": "ci", "iat": now, "exp": now + 2 });
    let bearer = format!("authorization: Bearer {}", key.sign(&claims));
    let expiring = tokio::time::sleep(Duration::from_millis(2100));
    let answer = wait_with(&stand, &[&bearer], EXIT, expiring).await;
    assert_refused(&stand, &answer, "the token expired at").await;
}

#[tokio::test]
async fn a_certificate_that_expires_while_it_waits_passes_no_gate() {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.subject_alt_names = vec![SanType::URI("spiffe://acme.example/ci".try_into().unwrap())];
    // Its last second counts in full.
    let now = u64::try_from(Timestamp::now().as_millis() / 1000).unwrap();
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(now + 1);
    let der = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    let rule = "[[certificates]]\nuri = 'spiffe://acme.example/ci'\nroles = ['pipeline']\nall-teams = true";
    let auth: AuthConfig = toml::from_str(rule).unwrap();
    // As the listener does it once TLS has verified the certificate.
    let with_certificate = move |routes: Router, _: &ApiState, _: &Arc<Authenticator>| {
        routes.layer(from_fn(move |mut request: Request, next: Next| {
            let certificate = Some(Arc::new(CertificateDer::from(der.clone())));
            let address = "127.0.0.1:40000".parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(RequestPeer { address, certificate }));
            next.run(request)
        }))
    };
    let stand = Stand::with_routes(|config| config.auth = auth, with_certificate).await;
    entered(&stand).await;
    let expiring = tokio::time::sleep(Duration::from_millis(2100));
    let answer = wait_with(&stand, &[], EXIT, expiring).await;
    assert_refused(&stand, &answer, "the client certificate expired at").await;
}

/// Passes the entrance of plan-and-approve with a credential that is revoked while the engine is at it: as if a plugin took
/// long.
async fn pass_slowly(
    State(api): State<ApiState>,
    Path(token): Path<String>,
    intent: WriteRequest,
) -> Result<(), Problem> {
    let session = intent.session.clone();
    let pass = move |engine: &DeploymentService, write: &WriteContext<'_>, at: DeploymentRef<'_>| {
        revoke(&**engine.storage(), &token, &ada(), None, Timestamp::now()).unwrap();
        let request = GateRequest { credential: Some(Arc::new(session)), ..pass_entrance(write.actor, at.id) };
        match engine.gate_blocking(request)?.answer {
            GateAnswer::Pass(written) => Ok(*written),
            other => panic!("{other:?}"),
        }
    };
    api.write_to(&AtDeployment::new("d-1".to_owned(), None), intent, pass).await.map(drop)
}

#[tokio::test]
async fn a_token_that_is_revoked_while_plugins_are_asked_passes_no_gate() {
    let beside = |routes: Router, api: &ApiState, authenticator: &Arc<Authenticator>| {
        let slow = Router::new().route("/slow/{token}", post(pass_slowly)).with_state(api.clone());
        routes.merge(slow.layer(from_fn_with_state(Arc::clone(authenticator), authenticate)))
    };
    let stand = Stand::with_routes(|_| {}, beside).await;
    stand.request("d-1").await;
    let answer = stand.send("rita", &format!("POST /slow/{}", stand.token_id("rita")), &[], "").await;
    assert_eq!((answer.status, &answer.json()["type"]), (401, &json!("urn:lockgate:problem:invalid-credentials")));
    assert!(answer.header("www-authenticate").unwrap().contains("the token was revoked at"), "{answer:?}");
    assert_eq!(stand.get("ben", "/decisions").await.json()["items"], json!([]));
    assert_eq!(stand.get("ben", "/deployments/d-1").await.header("etag"), Some("\"1\""));
}

#[tokio::test]
async fn nothing_is_written_with_a_token_that_was_revoked_a_moment_ago() {
    let stand = Stand::new().await;
    // An actor who asked a moment ago is still known for a second.
    stand.request("d-1").await;
    revoke_token(&stand, "rita").await;
    let refused = stand.pass("d-1", "plan-and-approve/entrance").await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert_eq!(stand.get("ben", "/deployments/d-1").await.header("etag"), Some("\"1\""));
}

/// Sends the head of a request and half of its body, and the rest after something has happened.
async fn send_slowly(stand: &Stand, line: &str, kind: &str, body: &str, meanwhile: impl Future<Output = ()>) -> Answer {
    let mut stream = TcpStream::connect(stand.running.address()).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        stand.bearer("rita"),
        body.len()
    );
    let (first, second) = body.split_at(body.len() / 2);
    stream.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    meanwhile.await;
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Answer::read(&answer)
}

#[tokio::test]
async fn a_body_that_is_complete_only_after_the_token_was_revoked_writes_nothing() {
    let revise = json!({"change": {"title": "Another title"}}).to_string();
    let (put, patch) = ("PUT /api/v1/deployments/d-1/evidence/scan", "PATCH /api/v1/deployments/d-1");
    for (line, kind, body) in [(put, "text/plain", "0123456789"), (patch, "application/merge-patch+json", &revise)] {
        let stand = Stand::new().await;
        stand.request("d-1").await;
        let answer = send_slowly(&stand, line, kind, body, revoke_token(&stand, "rita")).await;
        assert_eq!((answer.status, &answer.json()["type"]), (401, &json!("urn:lockgate:problem:invalid-credentials")));
        let view = stand.get("ben", "/deployments/d-1").await;
        assert_eq!(view.header("etag"), Some("\"1\""), "{line}");
        assert_eq!(stand.get("ben", "/deployments/d-1/evidence/scan").await.status, 404);
    }
}

#[tokio::test]
async fn a_body_that_takes_long_is_taken_while_the_token_is_good() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let put = "PUT /api/v1/deployments/d-1/evidence/scan";
    let waiting = tokio::time::sleep(Duration::from_millis(1200));
    let answer = send_slowly(&stand, put, "text/plain", "0123456789", waiting).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // What happened when is what the ledger says: the upload ended a second after it began.
    let events = stand.get("ben", "/deployments/d-1/events").await.json();
    let at = |n: usize| events["items"][n]["at"].as_str().unwrap().parse::<Timestamp>().unwrap().as_millis();
    assert!(at(1) - at(0) > 1000, "{events:#}");
}

#[tokio::test]
async fn a_question_that_is_complete_only_a_second_after_the_token_was_revoked_is_not_decided() {
    let one = json!({
        "subject": {"type": "user", "id": "rita"}, "action": {"name": "plan-and-approve.entrance"},
        "resource": {"type": "deployment", "id": "d-1"},
    });
    let several = json!({"evaluations": [one]});
    let opa = json!({"input": {"deployment": "d-1"}});
    for (line, body) in [
        ("POST /access/v1/evaluation", one),
        ("POST /access/v1/evaluations", several),
        ("POST /v1/data/lockgate/plan-and-approve/entrance", opa),
    ] {
        let stand = Stand::new().await;
        stand.request("d-1").await;
        let revoking = async {
            revoke_token(&stand, "rita").await;
            tokio::time::sleep(Duration::from_millis(1100)).await;
        };
        let answer = send_slowly(&stand, line, "application/json", &body.to_string(), revoking).await;
        assert_eq!(answer.status, 401, "{line}: {}", answer.body);
        assert_eq!(stand.get("ben", "/decisions").await.json()["items"], json!([]), "{line}");
    }
}

/// A stream of the events of `d-1`, and what has come of it so far.
struct Following {
    stream: TcpStream,
    text: String,
}

impl Following {
    /// Follows as Ben; the first event has come.
    async fn begin(stand: &Stand) -> Self {
        let mut stream = TcpStream::connect(stand.running.address()).await.unwrap();
        let head = "GET /api/v1/deployments/d-1/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream";
        stream.write_all(format!("{head}\r\n{}\r\n\r\n", stand.bearer("ben")).as_bytes()).await.unwrap();
        let mut following = Self { stream, text: String::new() };
        following.until("event: requested").await;
        following
    }

    async fn until(&mut self, end: &str) {
        while !self.text.contains(end) {
            assert!(self.read().await > 0, "the stream ended: {}", self.text);
        }
    }

    /// Reads until the stream ends, for five seconds at most: all that has come.
    async fn rest(mut self) -> String {
        let reading = async { while !self.text.ends_with("\r\n0\r\n\r\n") && self.read().await > 0 {} };
        tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the stream goes on");
        self.text
    }

    async fn read(&mut self) -> usize {
        let mut buffer = [0; 4096];
        let read = self.stream.read(&mut buffer).await.unwrap();
        self.text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        read
    }
}

async fn abort(stand: &Stand) {
    let abort = json!({"move": "abort", "reason": "no longer needed"});
    assert_eq!(stand.post("rita", "/deployments/d-1/moves", abort).await.status, 200);
}

#[tokio::test]
async fn a_stream_sends_no_event_that_happened_after_its_token_was_revoked() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let following = Following::begin(&stand).await;
    revoke_token(&stand, "ben").await;
    abort(&stand).await;
    let text = following.rest().await;
    assert!(!text.contains("aborted"), "{text}");
}

#[tokio::test]
async fn a_silent_stream_ends_when_its_token_is_revoked() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let following = Following::begin(&stand).await;
    revoke_token(&stand, "ben").await;
    following.rest().await;
}

#[tokio::test]
async fn a_stream_goes_on_while_its_token_is_good() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let mut following = Following::begin(&stand).await;
    // Its credential is checked meanwhile.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    rotate_token(&stand, "ben", lockgate_domain::Duration::from_millis(60_000)).await;
    abort(&stand).await;
    following.until("event: aborted").await;
}

#[tokio::test]
async fn whoever_waits_for_a_deployment_is_not_told_what_happened_after_the_token_was_revoked() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let head = format!(
        "GET /api/v1/deployments/d-1/wait?after=1 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{}\r\n\r\n",
        stand.bearer("ben")
    );
    let address = stand.running.address();
    let waiting = async { Answer::read(&send(address, head.as_bytes()).await) };
    let changing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        revoke_token(&stand, "ben").await;
        abort(&stand).await;
    };
    let (waited, ()) = tokio::join!(waiting, changing);
    assert_eq!((waited.status, &waited.json()["type"]), (401, &json!("urn:lockgate:problem:invalid-credentials")));
}

#[tokio::test]
async fn nothing_keeps_the_ledger_open_after_requests_whose_credential_ended() {
    let stand = Stand::new().await;
    stand.request("d-1").await;
    let following = Following::begin(&stand).await;
    revoke_token(&stand, "ben").await;
    following.rest().await;
    let ended = stand.shutdown().await;
    assert!(ended.answered && ended.closed, "{ended:?}");
}
