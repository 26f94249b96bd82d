//! `lockgate stop` and `lockgate due` against a running server.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A server that lets everybody in. It is killed when it is let go of.
struct Served {
    process: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    command.current_dir(folder.path()).args(["--quiet", "serve", "--insecure-no-auth", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(folder.path().join("data")).env_remove("LOCKGATE_CONFIG");
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    Served { process, address, _folder: folder }
}

impl Served {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.env_remove("LOCKGATE_TOKEN").env("LOCKGATE_SERVER", &self.address).env("NO_COLOR", "1");
        command.args(arguments).output().unwrap()
    }

    /// What a command prints that succeeds.
    fn printed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_line_is_stopped_listed_and_lifted_and_what_is_due_is_listed() {
    let server = served();
    assert_eq!(server.printed(&["stop", "list"]), "No stop holds: the line runs.\n");
    assert_eq!(server.printed(&["due"]), "Nothing is due.\n");
    let add = ["stop", "add", "--reason", "INC-7", "--for", "2h", "--environment", "live", "-o", "json"];
    let placed: Value = serde_json::from_str(&server.printed(&add)).unwrap();
    let id = placed.get("id").and_then(Value::as_str).unwrap();
    assert_eq!(placed.pointer("/scope"), Some(&serde_json::json!({"environment": "live"})));

    let listed = server.printed(&["stop", "list"]);
    for part in [id, "holds", "environment `live`", "INC-7"] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let due = server.printed(&["due", "--what", "stop-expired", "--environment", "live"]);
    assert!(due.contains(id) && due.contains("stop-expired"), "{due}");
    assert_eq!(server.printed(&["due", "--overdue"]), "Nothing is due.\n");
    assert_eq!(server.printed(&["due", "--team", "shop"]), "Nothing is due.\n");

    let lifted = server.printed(&["stop", "lift", id]);
    assert!(lifted.contains("lifted") && lifted.contains(id), "{lifted}");
    assert_eq!(server.printed(&["stop", "list"]), "No stop holds: the line runs.\n");
    assert!(server.printed(&["stop", "list", "--all"]).contains("lifted"));
}

#[test]
fn what_is_wrong_with_a_stop_is_said() {
    let server = served();
    let refused = |arguments: &[&str], code: i32| {
        let output = server.run(arguments);
        let words = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}");
        words
    };
    let without_end = refused(&["stop", "add", "--reason", "INC-7"], 3);
    assert!(without_end.contains("--for") || without_end.contains("--until"), "{without_end}");
    let past = refused(&["stop", "add", "--reason", "INC-7", "--until", "2020-01-01T00:00:00Z"], 1);
    assert!(past.contains("before it begins"), "{past}");
    let unknown = refused(&["stop", "lift", "stop-1"], 1);
    assert!(unknown.contains("there is no stop `stop-1`"), "{unknown}");
    let kind = refused(&["due", "--what", "hold"], 3);
    assert!(kind.contains("`hold-ended`"), "{kind}");
}
