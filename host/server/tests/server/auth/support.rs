//! A ledger in a folder of its own, an authenticator on it, and times to ask at.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::HeaderValue;
use lockgate_domain::{CredentialKind, PersonId, Principal, Teams, Timestamp};
use lockgate_ledger::{KeyFile, SqliteOptions, SqliteStorage, Storage};
use lockgate_server::auth::token::{IssuedToken, NewToken, issue};
use lockgate_server::auth::{AuthError, Authenticator, CredentialRefusal, CredentialSession, PresentedCredentials};
use lockgate_server::config::AuthConfig;
use lockgate_service::authority::Actor;
use lockgate_service::lifecycle::EventActor;
use tempfile::TempDir;

/// So many seconds after 2027-01-15T08:00:00Z.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis((1_800_000_000 + seconds) * 1000)
}

pub(crate) struct Ledger {
    folder: TempDir,
    pub(crate) storage: Arc<SqliteStorage>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Arc::new(open(&folder));
        Self { folder, storage }
    }

    /// The same file, opened again, as another process would.
    pub(crate) fn elsewhere(&self) -> SqliteStorage {
        open(&self.folder)
    }

    pub(crate) fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage) as Arc<dyn Storage>
    }

    pub(crate) fn authenticator(&self) -> Authenticator {
        self.authenticator_of("")
    }

    pub(crate) fn authenticator_of(&self, config: &str) -> Authenticator {
        let config: AuthConfig = toml::from_str(config).unwrap();
        Authenticator::new(&config, self.storage()).map_err(|faults| format!("{faults:?}")).unwrap()
    }
}

fn open(folder: &TempDir) -> SqliteStorage {
    let key = KeyFile::new(folder.path().join("ledger.key"));
    key.open(&folder.path().join("ledger.db"), "test.example/ledger", SqliteOptions::default()).unwrap()
}

/// For a pipeline of the team `shop`.
pub(crate) fn new_token() -> NewToken {
    let roles = vec!["pipeline".to_owned()];
    NewToken {
        person: Principal { id: PersonId::new("shop-pipeline").unwrap(), name: "Shop".to_owned(), roles },
        kind: None,
        teams: Teams::Named(["shop".parse().unwrap()].into()),
        scopes: None,
        expires: None,
        note: None,
        by: ada(),
    }
}

/// The administrator, at the command line.
pub(crate) fn ada() -> EventActor {
    EventActor {
        person: PersonId::new("ada").unwrap(),
        credential: "account:ada".to_owned(),
        kind: CredentialKind::Person,
    }
}

pub(crate) fn issued(storage: &dyn Storage) -> IssuedToken {
    issue(storage, new_token(), at(0)).unwrap()
}

pub(crate) fn bearer(token: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {token}")).unwrap()
}

pub(crate) fn peer(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 40_000)
}

/// Presents a token at that moment.
pub(crate) async fn ask(authenticator: &Authenticator, token: &str, now: Timestamp) -> Result<Actor, AuthError> {
    ask_from(authenticator, token, None, now).await
}

pub(crate) async fn ask_from(
    authenticator: &Authenticator,
    token: &str,
    peer: Option<SocketAddr>,
    now: Timestamp,
) -> Result<Actor, AuthError> {
    let header = bearer(token);
    let presented = PresentedCredentials { authorization: Some(&header), certificate: None, peer, now, system: now };
    authenticator.authenticate(presented).await.map(|authenticated| authenticated.actor)
}

/// The session of a token that is accepted at that moment.
pub(crate) async fn session(authenticator: &Authenticator, token: &str, now: Timestamp) -> CredentialSession {
    let header = bearer(token);
    let presented =
        PresentedCredentials { authorization: Some(&header), certificate: None, peer: None, now, system: now };
    authenticator.authenticate(presented).await.unwrap().session
}

pub(crate) fn refused(refusal: CredentialRefusal) -> Result<Actor, AuthError> {
    Err(AuthError::Refused(refusal))
}
