//! Durable before answered: the real binary is killed under load, and its disk takes no more.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on has failed")]

#[cfg(target_os = "linux")]
mod disk;
mod killed;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lockgate_ledger::{Query, Source as _, SqliteStorage, audit};
use lockgate_tests::tree;
use serde_json::Value;

/// A gate that is only asked.
const GATE: &str = "/api/v1/deployments/hello-2/gates/plan-and-approve/entrance?ask=true";

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A running server.
struct Served {
    process: Child,
    address: String,
}

/// What was answered.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Served {
    /// Starts a server, by a program that starts it if there is one.
    fn start(data: &Path, by: &[&str]) -> Self {
        let lockgate = tree("bin/lockgate");
        let mut command = match by {
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(lockgate);
                command
            }
            [] => Command::new(lockgate),
        };
        command.args(["serve", "--quiet", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.arg("--models").arg(tree("examples/quick-start/model.toml"));
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { process, address }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn get(&self, path: &str) -> Option<Answer> {
        send(&self.address, "GET", path, "", "")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One request on a connection of its own: the answer, if all of it arrived.
fn send(address: &str, method: &str, path: &str, token: &str, body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let length = body.len();
    let credentials = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{credentials}Connection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let promised =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    if promised.is_some_and(|promised: usize| promised != body.len()) {
        return None;
    }
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// A token for somebody who asks for deployments and asks gates.
fn token(data: &Path) -> String {
    let mut command = Command::new(tree("bin/lockgate"));
    command.args(["token", "create", "--for", "ada@example.org", "--role", "pipeline", "--team", "shop", "--data"]);
    let output = command.arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Asks for the deployment that the gate is about.
fn request(address: &str, token: &str) {
    let request = fs::read_to_string(tree("examples/quick-start/request.json")).unwrap();
    let asked = send(address, "POST", "/api/v1/deployments", token, &request).unwrap();
    assert_eq!(asked.json()["id"], "hello-2", "{}", asked.body);
}

/// The decisions that the ledger has, whose log holds together.
fn kept(data: &Path) -> BTreeSet<String> {
    let ledger = SqliteStorage::open_read_only(&data.join("ledger.db")).unwrap();
    let report = audit::audit(&ledger, &audit::Audit::default()).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let mut kept = BTreeSet::new();
    let mut query = Query { kind: Some("decision".to_owned()), limit: 1000, ..Query::default() };
    loop {
        let entries = ledger.entries(&query).unwrap();
        let Some(last) = entries.last() else { return kept };
        query.from = last.index + 1;
        kept.extend(entries.into_iter().filter_map(|entry| entry.id));
    }
}
