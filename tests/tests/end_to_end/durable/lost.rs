//! A part of the ledger is removed or exchanged: a server does not start on the rest, and does not go on with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use lockgate_tests::served::{Answer, Served, send, token};
use lockgate_tests::tree;
use serde_json::{Value, json};

use crate::durable::{GATE, folder, kept, request};

/// Runs the command on a data folder.
fn lockgate(data: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(tree("bin/lockgate"));
    command.env("NO_COLOR", "1").args(arguments).arg("--data").arg(data).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

/// Tries to start a server, which ends by itself.
fn does_not_start(data: &Path) -> String {
    let serve = ["serve", "--quiet", "--listen", "127.0.0.1:0", "--models"];
    let models = tree("examples/quick-start/model.toml");
    let output = lockgate(data, &[&serve[..], &[models.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output)
}

/// A server that has answered decisions.
struct Deciding {
    server: Served,
    token: String,
    /// The ids of what it answered.
    answered: BTreeSet<String>,
    /// How many entries its ledger has.
    size: u64,
}

impl Deciding {
    fn start(data: &Path) -> Self {
        let server = Served::start(data, &[]);
        let token = token(data);
        request(&server.address, &token);
        let mut deciding = Self { server, token, answered: BTreeSet::new(), size: 0 };
        (0..20).for_each(|_| deciding.decide());
        deciding.size = json_of(&lockgate(data, &["ledger", "info", "-o", "json"]))["size"].as_u64().unwrap();
        deciding
    }

    fn ask(&self) -> Answer {
        send(&self.server.address, "POST", GATE, &self.token, "").unwrap()
    }

    fn decide(&mut self) {
        let answer = self.ask();
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.answered.insert(answer.json()["id"].as_str().unwrap().to_owned());
    }
}

#[test]
fn a_server_whose_write_ahead_file_was_removed_does_not_start_until_it_is_back() {
    let data = folder("lost-wal").join("data");
    let Deciding { mut server, answered, size, .. } = Deciding::start(&data);
    server.kill();
    let (wal, away) = (data.join("ledger.db-wal"), data.join("away"));
    fs::rename(&wal, &away).unwrap();
    let why = does_not_start(&data);
    assert!(why.contains(&format!("says that it had {size} entries with the root")), "{why}");
    assert!(why.contains("`ledger.db-wal`") && why.contains("`lockgate ledger accept-loss --reason"), "{why}");
    let info = said(&lockgate(&data, &["ledger", "info"]));
    assert!(info.contains(&format!("says that it had {size} entries")), "{info}");
    let verified = lockgate(&data, &["audit", "verify", "-o", "json"]);
    assert_eq!((verified.status.code(), json_of(&verified)["intact"].clone()), (Some(2), json!(false)));

    fs::rename(&away, &wal).unwrap();
    drop(Served::start(&data, &[]));
    assert_eq!(kept(&data), answered);
}

#[test]
fn a_loss_that_was_accepted_is_told_to_every_auditor_on_the_machine_and_over_http() {
    let data = folder("lost-accepted").join("data");
    let Deciding { mut server, size, .. } = Deciding::start(&data);
    let backup = data.join("backup.db");
    let made = lockgate(&data, &["ledger", "backup", "--to", backup.to_str().unwrap()]);
    assert!(made.status.success(), "{}", said(&made));
    let issue = ["token", "create", "--for", "gus@example.com", "--role", "auditor", "--all-teams"];
    let issued = lockgate(&data, &issue);
    assert!(issued.status.success(), "{}", said(&issued));
    server.kill();
    for name in ["ledger.db-wal", "ledger.db-shm"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    fs::rename(&backup, data.join("ledger.db")).unwrap();
    let why = does_not_start(&data);
    assert!(why.contains(&format!("has {size} entries")) && why.contains("is a backup of 2"), "{why}");
    let info = json_of(&lockgate(&data, &["ledger", "info", "-o", "json"]));
    assert_eq!((&info["loss"]["found"]["size"], &info["loss"]["expected"]["size"]), (&json!(size), &json!(size + 1)));

    let reason = "the disk failed";
    let accept = ["ledger", "accept-loss", "--reason", reason, "-o", "json"];
    let accepted = lockgate(&data, &accept);
    assert_eq!((accepted.status.code(), json_of(&accepted)["reason"].clone()), (Some(0), json!(reason)));
    let again = lockgate(&data, &accept);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("nothing is lost"), "{}", said(&again));
    assert_eq!(json_of(&lockgate(&data, &["ledger", "info", "-o", "json"]))["loss"], Value::Null);

    let server = Served::start(&data, &[]);
    // The token that was issued after the backup is lost with it.
    let issued = lockgate(&data, &issue);
    let token_file = data.join("token");
    fs::write(&token_file, &issued.stdout).unwrap();
    let address = format!("http://{}", server.address);
    let remote = ["audit", "verify", "-o", "json", "--server", &address, "--token-file", token_file.to_str().unwrap()];
    let remote = Command::new(tree("bin/lockgate")).args(remote).output().unwrap();
    for verified in [lockgate(&data, &["audit", "verify", "-o", "json"]), remote] {
        let report = json_of(&verified);
        assert_eq!((verified.status.code(), &report["intact"]), (Some(0), &json!(true)), "{report}");
        let loss = &report["losses"][0];
        assert_eq!((&loss["index"], &loss["body"]["reason"]), (&json!(size), &json!(reason)), "{report}");
        assert_eq!(report["restores"][0]["body"]["found"]["size"], size, "{report}");
    }
    let table = said(&lockgate(&data, &["audit", "verify"]));
    assert!(table.contains("but entries are missing: 1 loss was accepted") && table.contains(reason), "{table}");
}

#[test]
fn a_server_whose_ledger_is_exchanged_signs_nothing_more_and_says_so_without_a_path() {
    let data = folder("lost-in-use").join("data");
    let mut deciding = Deciding::start(&data);
    let size = deciding.size;
    let backup = data.join("backup.db");
    assert!(lockgate(&data, &["ledger", "backup", "--to", backup.to_str().unwrap()]).status.success());
    deciding.decide();
    let away = data.join("away");
    fs::create_dir(&away).unwrap();
    let files = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
    for name in files {
        fs::rename(data.join(name), away.join(name)).unwrap();
    }
    fs::rename(&backup, data.join("ledger.db")).unwrap();
    for _ in 0..3 {
        let refused = deciding.ask();
        assert_eq!((refused.status, &refused.json()["cause"]), (503, &json!("entries-lost")), "{}", refused.body);
        assert!(!refused.body.contains("ledger.db"), "{}", refused.body);
    }
    let readiness = deciding.server.get("/readyz").unwrap();
    assert_eq!(readiness.status, 503);
    let told = readiness.json()["checks"]["ledger"]["message"].as_str().unwrap().to_owned();
    assert!(told.starts_with("entries-lost since ") && !readiness.body.contains("ledger.db"), "{}", readiness.body);
    assert_eq!(json_of(&lockgate(&data, &["ledger", "info", "-o", "json"]))["size"], size);

    // What belongs there is put back, and the server goes on by itself.
    for name in files {
        let _ = fs::remove_file(data.join(name));
        fs::rename(away.join(name), data.join(name)).unwrap();
    }
    let began = Instant::now();
    while deciding.server.get("/readyz").unwrap().status != 200 {
        assert!(began.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(50));
    }
    deciding.decide();
    let Deciding { server, answered, .. } = deciding;
    drop(server);
    assert_eq!(kept(&data), answered);
}
