//! What was answered is in the ledger, whenever the machine stops: the real binary is killed under load, again and again.
//! `LOCKGATE_KILLS` says how often, instead of 30 times.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use lockgate_ledger::{Query, Source as _, SqliteStorage, audit};
use lockgate_tests::tree;
use serde_json::Value;

const CLIENTS: usize = 4;
const GATE: &str = "/api/v1/deployments/hello-2/gates/plan-and-approve/entrance?ask=true";

fn serve(data: &Path) -> (Child, String) {
    let mut server = Command::new(tree("bin/lockgate"))
        .args(["serve", "--quiet", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .arg("--models")
        .arg(tree("examples/quick-start/model.toml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (server, address)
}

fn token(data: &Path) -> String {
    let mut command = Command::new(tree("bin/lockgate"));
    command.args(["token", "create", "--for", "ada@example.org", "--role", "pipeline", "--team", "shop", "--data"]);
    let output = command.arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// One request on a connection of its own: the answer's JSON, if all of it arrived.
fn post(address: &str, token: &str, path: &str, body: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

#[test]
fn a_server_that_is_killed_under_load_has_lost_nothing_that_it_answered() {
    let kills = std::env::var("LOCKGATE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(30);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("killed");
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let data = folder.join("data");
    let request = fs::read_to_string(tree("examples/quick-start/request.json")).unwrap();
    let mut answered = BTreeSet::new();
    let mut token_of_ada = None;
    for round in 0_u64..kills {
        let (mut server, address) = serve(&data);
        let token = token_of_ada.get_or_insert_with(|| token(&data));
        if round == 0 {
            let asked = post(&address, token, "/api/v1/deployments", &request).unwrap();
            assert_eq!(asked["id"], "hello-2", "{asked}");
        }
        let stopped = AtomicBool::new(false);
        let ids: Vec<String> = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut ids = Vec::new();
                        while !stopped.load(Ordering::Relaxed) {
                            let Some(answer) = post(&address, token, GATE, "") else { break };
                            let id = answer.pointer("/decision/id").or_else(|| answer.get("id"));
                            ids.push(id.and_then(Value::as_str).unwrap_or_else(|| panic!("{answer}")).to_owned());
                        }
                        ids
                    })
                })
                .collect();
            // At moments that differ from round to round, and do not repeat.
            thread::sleep(Duration::from_millis(20 + round.wrapping_mul(7919) % 180));
            server.kill().unwrap();
            server.wait().unwrap();
            stopped.store(true, Ordering::Relaxed);
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        answered.extend(ids);
    }

    let ledger = SqliteStorage::open_read_only(&data.join("ledger.db")).unwrap();
    let mut kept = BTreeSet::new();
    let mut query = Query { kind: Some("decision".to_owned()), limit: 1000, ..Query::default() };
    loop {
        let entries = ledger.entries(&query).unwrap();
        let Some(last) = entries.last() else { break };
        query.from = last.index + 1;
        kept.extend(entries.into_iter().filter_map(|entry| entry.id));
    }
    let lost: Vec<&String> = answered.difference(&kept).collect();
    assert!(lost.is_empty(), "{} of {} answered decisions are lost: {lost:?}", lost.len(), answered.len());
    assert!(answered.len() as u64 > kills, "there was no load: {} answers", answered.len());
    let report = audit::audit(&ledger, &audit::Audit::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}
