//! A ledger behind the routes of the audit log, for tests: on a server that is honest, or one that changes what it answers.

#![allow(clippy::unwrap_used, reason = "for tests alone: what is wrong here ends the test")]

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
use lockgate_domain::{CredentialKind, PersonId, Principal, Teams, Timestamp};
use lockgate_ledger::note::{SigningKey, VerifyingKey};
use lockgate_ledger::{
    Append, CommittedAppend, ContentBlob, EntryDraft, LogSource as _, SqliteOptions, SqliteStorage, Storage,
};
use lockgate_server::api::audit::{AuditState, decision_proof};
use lockgate_server::api::audit_router;
use lockgate_service::authority::Actor;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The name of the log, which is also that of its keys.
pub const NAME: &str = "test.example/ledger";

/// A ledger in a folder that is deleted with it.
pub struct Ledger {
    folder: TempDir,
    /// The ledger.
    pub storage: Arc<SqliteStorage>,
    /// The first key.
    pub key: VerifyingKey,
}

impl Ledger {
    /// With that many entries after the one that names the key: `event`s 1, 2, 3 ... of the streams `a` and `b` in turn.
    pub fn with(events: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(NAME).unwrap();
        let verifying = key.verifying_key().clone();
        let path = folder.path().join("ledger.db");
        let storage = Arc::new(SqliteStorage::open(&path, key, SqliteOptions::default()).unwrap());
        let ledger = Self { folder, storage, key: verifying };
        ledger.append((1..=events).map(|n| event(if n % 2 == 1 { "a" } else { "b" }, n)).collect());
        ledger
    }

    /// Appends entries.
    ///
    /// # Panics
    /// If the ledger does not take them.
    pub fn append(&self, entries: Vec<EntryDraft>) -> CommittedAppend {
        self.storage.append(Append { entries, ..Append::default() }).unwrap()
    }

    /// One event that refers to content.
    pub fn evidence(&self, bytes: &[u8]) -> ContentBlob {
        self.evidence_of(event("evidence", 0), bytes)
    }

    /// An entry that refers to content.
    pub fn evidence_of(&self, entry: EntryDraft, bytes: &[u8]) -> ContentBlob {
        let content = ContentBlob::new("evidence", "text/html", Arc::new(bytes.to_vec()));
        let entries = vec![entry.referring_to(content.digest())];
        self.storage.append(Append { entries, content: vec![content.clone()], ..Append::default() }).unwrap();
        content
    }

    /// Makes a new key the one that signs.
    ///
    /// # Panics
    /// If the ledger does not take it.
    pub fn rotate(&self) {
        self.storage.rotate(SigningKey::generate(NAME).unwrap()).unwrap();
    }

    /// The signed checkpoint of the head.
    ///
    /// # Panics
    /// If the ledger cannot be read.
    pub fn checkpoint(&self) -> String {
        self.storage.head().unwrap().checkpoint
    }

    /// The file of the ledger.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    /// The routes of the log, as an auditor of all teams sees it.
    pub fn routes(&self) -> Router {
        routes_for(self.storage.clone(), Teams::All)
    }

    /// An honest server.
    pub fn serve(&self) -> String {
        serve(self.routes())
    }

    /// An honest server, asked by an auditor of these teams.
    pub fn serve_for(&self, teams: &[&str]) -> String {
        serve(routes_for(self.storage.clone(), named(teams)))
    }

    /// A server that changes the JSON that it answers. The function gets path and query, and the answer.
    pub fn serve_changed(&self, change: impl Fn(&str, &mut Value) + Clone + Send + Sync + 'static) -> String {
        self.serve_changed_for(Teams::All, change)
    }

    /// The same, asked by an auditor of these teams.
    pub fn serve_changed_for(
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

/// The teams of those names.
///
/// # Panics
/// If one is not a name.
pub fn named(teams: &[&str]) -> Teams {
    Teams::Named(teams.iter().map(|team| team.parse().unwrap()).collect())
}

/// The routes of a ledger, asked by an auditor of these teams.
pub fn routes_for(storage: Arc<dyn Storage>, teams: Teams) -> Router {
    let person =
        Principal { id: PersonId::new("gus").unwrap(), name: String::new(), roles: vec!["auditor".to_owned()] };
    let auditor =
        Actor { person, kind: CredentialKind::Person, teams, scopes: None, credential: "token:test".to_owned() };
    Router::new()
        .merge(audit_router::<AuditState>())
        .route("/api/v1/decisions/{id}/proof", get(decision_proof))
        .with_state(AuditState::new(storage))
        .layer(Extension(auditor))
}

/// An event of a stream, which belongs to no team.
///
/// # Panics
/// Never.
pub fn event(stream: &str, n: u64) -> EntryDraft {
    EntryDraft::new(stream, "event", Timestamp::from_millis(0), &json!({ "n": n })).unwrap()
}

/// Serves on a free port of this machine, until the test ends.
pub fn serve(router: Router) -> String {
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

/// The entry `n` of a team. Streams, kinds and ids are told apart by the team, so that a search for its name finds each.
///
/// # Panics
/// If the name is not one of a team.
pub fn of_team(team: &str, n: u64) -> EntryDraft {
    let body = json!({ "n": n, "secret": format!("{team}-secret") });
    let entry =
        EntryDraft::new(&format!("deployment/{team}/d-1"), &format!("{team}-kind"), Timestamp::from_millis(0), &body);
    entry.unwrap().with_id(&format!("{team}-d-{n}")).unwrap().of_team(team).unwrap()
}

/// Entry 0 names the key, 1 is of no team, and then `shop` and `billing` have three each, in turn: 2, 4, 6 and 3, 5, 7.
pub fn of_two_teams() -> Ledger {
    let ledger = Ledger::with(0);
    ledger.append(vec![event("access", 1)]);
    ledger.append((2..8).map(|n| of_team(if n % 2 == 0 { "shop" } else { "billing" }, n)).collect());
    ledger
}
