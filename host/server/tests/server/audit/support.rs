//! A ledger behind the routes, and a server that may change what they answer.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use lockgate_domain::{Person, PersonId, Timestamp};
use lockgate_ledger::note::{SigningKey, VerifyingKey};
use lockgate_ledger::{Append, Appended, Content, NewEntry, Source as _, SqliteOptions, SqliteStorage, Storage};
use lockgate_server::api::audit::{AuditState, decision_proof, routes};
use lockgate_service::authority::{Actor, CredentialKind, Teams};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const NAME: &str = "test.example/ledger";

pub(crate) struct Ledger {
    folder: TempDir,
    pub(crate) storage: Arc<SqliteStorage>,
    /// The first key.
    pub(crate) key: VerifyingKey,
}

impl Ledger {
    /// With that many entries after the one that names the key: `event`s 1, 2, 3 ... of the streams `a` and `b` in turn.
    pub(crate) fn with(events: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(NAME).unwrap();
        let verifying = key.verifying_key().clone();
        let path = folder.path().join("ledger.db");
        let storage = Arc::new(SqliteStorage::open(&path, key, SqliteOptions::default()).unwrap());
        let ledger = Self { folder, storage, key: verifying };
        ledger.append((1..=events).map(|n| event(if n % 2 == 1 { "a" } else { "b" }, n)).collect());
        ledger
    }

    pub(crate) fn append(&self, entries: Vec<NewEntry>) -> Appended {
        self.storage.append(Append { entries, ..Append::default() }).unwrap()
    }

    /// One event that refers to content.
    pub(crate) fn evidence(&self, bytes: &[u8]) -> Content {
        self.evidence_of(event("evidence", 0), bytes)
    }

    /// An entry that refers to content.
    pub(crate) fn evidence_of(&self, entry: NewEntry, bytes: &[u8]) -> Content {
        let content = Content::new("evidence", "text/html", Arc::new(bytes.to_vec()));
        let entries = vec![entry.referring_to(content.digest())];
        self.storage.append(Append { entries, content: vec![content.clone()], ..Append::default() }).unwrap();
        content
    }

    pub(crate) fn rotate(&self) {
        self.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
    }

    pub(crate) fn checkpoint(&self) -> String {
        self.storage.head().unwrap().checkpoint
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    pub(crate) fn routes(&self) -> Router {
        routes_for(self.storage.clone(), Teams::All)
    }

    /// An honest server.
    pub(crate) fn serve(&self) -> String {
        serve(self.routes())
    }

    /// An honest server, asked by an auditor of these teams.
    pub(crate) fn serve_for(&self, teams: &[&str]) -> String {
        serve(routes_for(self.storage.clone(), named(teams)))
    }

    /// A server that changes the JSON that it answers. The function gets path and query, and the answer.
    pub(crate) fn serve_changed(&self, change: impl Fn(&str, &mut Value) + Clone + Send + Sync + 'static) -> String {
        self.serve_changed_for(Teams::All, change)
    }

    /// The same, asked by an auditor of these teams.
    pub(crate) fn serve_changed_for(
        &self,
        teams: Teams,
        change: impl Fn(&str, &mut Value) + Clone + Send + Sync + 'static,
    ) -> String {
        serve(routes_for(self.storage.clone(), teams).layer(from_fn(move |request: Request, next: Next| {
            let change = change.clone();
            async move {
                let target = request.uri().to_string();
                let (mut parts, body) = next.run(request).await.into_parts();
                let bytes = to_bytes(body, usize::MAX).await.unwrap();
                let bytes = match serde_json::from_slice::<Value>(&bytes) {
                    Ok(mut value) if parts.status == StatusCode::OK => {
                        change(&target, &mut value);
                        serde_json::to_vec(&value).unwrap()
                    }
                    _ => bytes.to_vec(),
                };
                parts.headers.remove(CONTENT_LENGTH);
                Response::from_parts(parts, Body::from(bytes))
            }
        })))
    }
}

pub(crate) fn named(teams: &[&str]) -> Teams {
    Teams::Named(teams.iter().map(|team| team.parse().unwrap()).collect())
}

/// The routes of a ledger, asked by an auditor of these teams.
pub(crate) fn routes_for(storage: Arc<dyn Storage>, teams: Teams) -> Router {
    let person = Person { id: PersonId::new("gus").unwrap(), name: String::new(), roles: vec!["auditor".to_owned()] };
    let auditor =
        Actor { person, kind: CredentialKind::Person, teams, scopes: None, credential: "token:test".to_owned() };
    Router::new()
        .merge(routes::<AuditState>())
        .route("/api/v1/decisions/{id}/proof", get(decision_proof))
        .with_state(AuditState::new(storage))
        .layer(Extension(auditor))
}

pub(crate) fn event(stream: &str, n: u64) -> NewEntry {
    NewEntry::new(stream, "event", Timestamp::from_millis(0), &json!({ "n": n })).unwrap()
}

/// Serves on a free port of this machine, until the test ends.
pub(crate) fn serve(router: Router) -> String {
    let listener = std::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await.unwrap();
        });
    });
    format!("http://{address}")
}
