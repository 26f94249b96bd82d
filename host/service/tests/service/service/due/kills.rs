//! Two servers over one ledger, killed at random moments while the clock moves: each thing falls due exactly once, in order.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use lockgate_domain::{Teams, Timestamp};
use lockgate_ledger::{KeyFile, SqliteOptions, SqliteStorage, SystemClock};
use lockgate_repeat::Repeat;
use lockgate_service::authority::Actor;
use lockgate_service::{DeploymentService, NewDeployment, Recordings, WriteContext};
use serde_json::json;

use super::{EVENING, at, recorded, window};
use crate::gate_support::{deployment, load};
use crate::service::stand::{Fixed, person, rita};

const FOLDER: &str = "LOCKGATE_DUE_FOLDER";
const NOW: &str = "LOCKGATE_DUE_NOW";
/// After so many rounds, a new ledger begins.
const ROUNDS_EACH: u32 = 50;
/// How many things are to fall due in each round.
const EACH: u64 = 6;

fn open(folder: &Path, clock: SystemClock) -> Arc<SqliteStorage> {
    let options = SqliteOptions { clock, ..SqliteOptions::default() };
    let key = KeyFile::new(folder.join("ledger.key"));
    Arc::new(key.open(&folder.join("ledger.db"), "engine.example/ledger", options).unwrap())
}

/// Writes what falls due at a moment, again and again.
#[test]
#[ignore = "the other test starts it, and kills it"]
fn child() {
    let (Some(folder), Ok(now)) = (env::var_os(FOLDER), env::var(NOW)) else { return };
    let now = Timestamp::from_millis(now.parse().unwrap());
    let storage = open(folder.as_ref(), SystemClock::new(move || now));
    let service = DeploymentService::new(storage, Arc::new(Fixed(Arc::default())), Recordings::None);
    loop {
        service.write_due(1).unwrap();
    }
}

/// Starts a server at a moment.
fn start(folder: &Path, now: i64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["service::due::kills::child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(NOW, now.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A ledger, and what is to fall due in it: when, by what was recorded of it.
struct Expected {
    folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
    service: DeploymentService,
    storage: Arc<SqliteStorage>,
    due: BTreeMap<(String, String), i64>,
}

impl Expected {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(at(EVENING).as_millis()));
        let shown = Arc::clone(&now);
        let clock = SystemClock::new(move || Timestamp::from_millis(shown.load(Ordering::SeqCst)));
        let storage = open(folder.path(), clock);
        let model = load(&[], "");
        let models = Arc::new(Fixed(vec![model].into()));
        let service = DeploymentService::new(Arc::<SqliteStorage>::clone(&storage), models, Recordings::None);
        Self { folder, now, service, storage, due: BTreeMap::new() }
    }

    fn by<'a>(&self, actor: &'a Actor) -> WriteContext<'a> {
        WriteContext { actor, now: self.service.now(), key: None, if_match: None, credential: None }
    }

    /// One thing more that falls due at a moment: a stop, a delegation, or the window of a deployment.
    fn add(&mut self, number: u64, due: i64) {
        let until = Timestamp::from_millis(due).to_string();
        let otto = Actor { teams: Teams::All, ..person("otto", &["change-authority"]) };
        let mark = match number % 3 {
            0 => {
                let stop = serde_json::from_value(json!({"reason": "INC-7", "until": until})).unwrap();
                let placed = self.service.stop(&self.by(&otto), &stop).unwrap().value;
                ("stop-expired".to_owned(), placed.stop.id)
            }
            1 => {
                let mut document = deployment();
                document["id"] = json!(format!("dep-{number}"));
                document["change"]["id"] = json!(format!("CHG-{number}"));
                window(&mut document, &until);
                let new = NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() };
                self.service.request(&self.by(&rita()), &new).unwrap();
                ("change-window-closed".to_owned(), format!("deployment/checkout/dep-{number}/CHG-{number}"))
            }
            _ => {
                let delegation = json!({
                    "to": "mia", "role": "change-authority", "expires": until, "reason": "holidays"
                });
                let delegation = serde_json::from_value(delegation).unwrap();
                let ben = person("ben", &["change-authority"]);
                let lent = self.service.delegate(&self.by(&ben), &delegation).unwrap().value;
                ("delegation-expired".to_owned(), lent.delegation.id)
            }
        };
        self.due.insert(mark, due);
    }

    /// What was recorded is due, was expected, and is there once and in order. Returns how much it is.
    fn check(&self) -> usize {
        let (now, recorded) = (self.now.load(Ordering::SeqCst), recorded(&self.storage));
        let times: Vec<i64> = recorded.iter().map(|mark| self.due[mark]).collect();
        assert!(times.iter().all(|due| *due <= now), "something was recorded before its time: {recorded:?}");
        assert!(times.is_sorted(), "not in order: {recorded:?}, at {times:?}");
        let mut once = recorded.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), recorded.len(), "something was recorded twice: {recorded:?}");
        recorded.len()
    }
}

#[test]
fn each_thing_falls_due_exactly_once_while_two_servers_are_killed_and_the_clock_moves() {
    let repeat = Repeat::new(10, 1000);
    let mut random = repeat.random();
    let (mut by_children, mut total) = (0, 0);
    for first in (0..repeat.count).step_by(ROUNDS_EACH as usize) {
        let mut expected = Expected::new();
        let mut number = 0;
        for _ in first..repeat.count.min(first + ROUNDS_EACH) {
            let now = expected.now.load(Ordering::SeqCst);
            for _ in 0..EACH {
                expected.add(number, now + random.i64(1..60_000));
                number += 1;
            }
            expected.now.fetch_add(random.i64(1..90_000), Ordering::SeqCst);
            let before = expected.check();
            let mut children = [(); 2].map(|()| start(expected.folder.path(), expected.now.load(Ordering::SeqCst)));
            for child in &mut children {
                thread::sleep(Duration::from_millis(random.u64(0..80)));
                // With SIGKILL: it gets no chance to do anything more.
                child.kill().unwrap();
                child.wait().unwrap();
            }
            by_children += expected.check() - before;
        }
        // Everything is due, and one server is left.
        expected.now.fetch_add(90_000, Ordering::SeqCst);
        expected.service.write_due(10_000).unwrap();
        assert_eq!(expected.check(), expected.due.len());
        total += expected.due.len();
    }
    println!("{} rounds, {total} fell due, {by_children} of them by a server that was killed", repeat.count);
    assert!(by_children > 0, "no server that was killed wrote anything");
}
