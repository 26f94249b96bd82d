//! What readiness depends on while the server runs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockgate_domain::Timestamp;
use lockgate_ledger::{KeyFile, SqliteOptions, Storage as _, SystemClock};
use lockgate_server::auth::token::{NewToken, issue, revoke};
use lockgate_server::serve::{RunningServer, Server};
use lockgate_service::lifecycle::EventActor;
use serde_json::{Value, json};

use crate::decision_support::person;
use crate::http_support::{config, request};

/// Asks until readiness answers with that status and says that of the check.
async fn until(running: &RunningServer, status: u16, check: &str, said: &Value) {
    let mut last = Value::Null;
    for _ in 0..600 {
        let answer = request(running, "GET /readyz HTTP/1.1", "").await;
        last = answer.json();
        if answer.status == status && last["checks"][check] == *said {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("/readyz did not come to {status} and {said}: {last}");
}

/// Readiness, health and status agree that it is that.
async fn is_wrong(running: &RunningServer, what: &str) {
    until(running, 503, "signing-key", &json!({ "ok": false, "message": what })).await;
    for path in ["/health", "/health?plugins"] {
        assert_eq!(request(running, &format!("GET {path} HTTP/1.1"), "").await.status, 500, "{path}");
    }
    let status = request(running, "GET /v1/status HTTP/1.1", "").await.json();
    assert_eq!(status["result"]["plugins"]["signing-key"], json!({ "state": "ERROR", "message": what }));
}

async fn is_right(running: &RunningServer) {
    until(running, 200, "signing-key", &json!({ "ok": true })).await;
    assert_eq!(request(running, "GET /health?plugins HTTP/1.1", "").await.status, 200);
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_signing_key_that_is_not_as_it_was_makes_the_server_unready_until_it_is_again() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(config(folder.path())).start().await.unwrap();
    is_right(&running).await;
    let key = folder.path().join("ledger.key");
    let secret = fs::read_to_string(&key).unwrap();

    fs::remove_file(&key).unwrap();
    is_wrong(&running, "its file is missing").await;
    KeyFile::new(&key).create("another").unwrap();
    is_wrong(&running, "its file holds another key").await;
    fs::write(&key, &secret).unwrap();
    is_right(&running).await;

    set_mode(&key, 0o644);
    is_wrong(&running, "its file is readable by others").await;
    set_mode(&key, 0o600);
    is_right(&running).await;

    fs::write(&key, "no key").unwrap();
    is_wrong(&running, "its file holds no key").await;
    fs::write(&key, &secret).unwrap();
    is_right(&running).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_change_of_keys_by_another_process_leaves_the_server_ready() {
    let folder = tempfile::tempdir().unwrap();
    let running = Server::new(config(folder.path())).start().await.unwrap();
    let file = KeyFile::new(folder.path().join("ledger.key"));
    let old = fs::read(folder.path().join("ledger.key")).unwrap();
    let other = file.open(&folder.path().join("ledger.db"), "lockgate", SqliteOptions::default()).unwrap();
    file.rotate(&other).unwrap();
    // The old key is another key now: so the look that finds it has come after the change.
    let new = fs::read(folder.path().join("ledger.key")).unwrap();
    fs::write(folder.path().join("ledger.key"), old).unwrap();
    is_wrong(&running, "its file holds another key").await;
    fs::write(folder.path().join("ledger.key"), new).unwrap();
    is_right(&running).await;
    running.shutdown().await;
}

/// A clock that the test sets.
#[derive(Clone, Default)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn set(&self, at: Timestamp) {
        self.0.store(at.as_millis(), Ordering::SeqCst);
    }

    fn system(&self) -> SystemClock {
        let shown = Arc::clone(&self.0);
        SystemClock::new(move || Timestamp::from_millis(shown.load(Ordering::SeqCst)))
    }
}

#[tokio::test]
async fn what_has_expired_stays_expired_when_the_clock_is_set_back_and_readiness_tells_how_far() {
    let folder = tempfile::tempdir().unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (expires, newest) = (at("2026-11-24T12:00:00Z"), at("2026-11-24T20:00:00Z"));
    let token = {
        let file = KeyFile::new(folder.path().join("ledger.key"));
        let clock = Clock::default();
        clock.set(at("2026-11-24T08:00:00Z"));
        let options = SqliteOptions { clock: clock.system(), ..SqliteOptions::default() };
        let storage = file.open(&folder.path().join("ledger.db"), "lockgate", options).unwrap();
        let issued = |id: &str, expires| {
            let actor = person(id, &["auditor"]);
            let by = EventActor::from(&person("ada", &["administrator"]));
            let (kind, teams) = (Some(actor.kind), actor.teams.clone());
            let new = NewToken { person: actor.person, kind, teams, scopes: None, expires, note: None, by };
            issue(&storage, new, storage.now()).unwrap().secret.expose().to_owned()
        };
        let token = issued("pam", Some(expires));
        clock.set(newest);
        issued("sam", None);
        token
    };

    let clock = Clock::default();
    clock.set(at("2026-11-24T09:00:00Z"));
    let running = Server::new(config(folder.path())).with_clock(clock.system()).start().await.unwrap();
    let told = json!({ "ok": false, "message": "the system's clock is 11h behind the newest entry of the ledger" });
    until(&running, 503, "clock", &told).await;
    assert_eq!(request(&running, "GET /health HTTP/1.1", "").await.status, 500);
    let me = format!("GET /api/v1/me HTTP/1.1\r\nauthorization: Bearer {token}");
    assert_eq!(request(&running, &me, "").await.status, 401, "by the clock alone it would not have expired");

    for (now, status) in [("2026-11-24T19:58:59Z", 503), ("2026-11-24T19:59:00Z", 200), ("2026-11-24T20:00:01Z", 200)] {
        clock.set(at(now));
        assert_eq!(request(&running, "GET /readyz HTTP/1.1", "").await.status, status, "{now}");
        assert_eq!(request(&running, &me, "").await.status, 401, "{now}");
    }
    assert_eq!(request(&running, "GET /health HTTP/1.1", "").await.status, 200);
    running.shutdown().await;
}

#[tokio::test]
async fn how_far_the_clock_may_be_behind_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.ledger.clock_behind = lockgate_domain::Duration::from_millis(3_600_000);
    let clock = Clock::default();
    let begun: Timestamp = "2026-11-24T20:00:00Z".parse().unwrap();
    clock.set(begun);
    let running = Server::new(config).with_clock(clock.system()).start().await.unwrap();
    for (behind, status) in [(3_600_000, 200), (3_600_001, 503), (0, 200)] {
        clock.set(Timestamp::from_millis(begun.as_millis() - behind));
        assert_eq!(request(&running, "GET /readyz HTTP/1.1", "").await.status, status, "{behind}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn a_token_that_another_process_revokes_is_refused_also_while_the_clock_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    clock.set("2026-11-24T20:00:00Z".parse().unwrap());
    let running = Server::new(config(folder.path())).with_clock(clock.system()).start().await.unwrap();
    clock.set("2026-11-24T09:00:00Z".parse().unwrap());
    let token = running.first_token().unwrap().expose().to_owned();
    let me = format!("GET /api/v1/me HTTP/1.1\r\nauthorization: Bearer {token}");
    assert_eq!(request(&running, &me, "").await.status, 200);

    let file = KeyFile::new(folder.path().join("ledger.key"));
    let other = file.open(&folder.path().join("ledger.db"), "lockgate", SqliteOptions::default()).unwrap();
    let by = EventActor::from(&person("ada", &["administrator"]));
    revoke(&other, token.split('_').nth(1).unwrap(), &by, None, "2026-11-24T20:00:00Z".parse().unwrap()).unwrap();
    for _ in 0..600 {
        if request(&running, &me, "").await.status == 401 {
            running.shutdown().await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the token is still accepted");
}
