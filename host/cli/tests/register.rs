//! `lockgate register` against a server that answers as each test says.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

/// A server that answers in turn, each time on a connection of its own. Its address, and the requests.
fn serve(answers: Vec<(&'static str, Value)>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, asked) = channel();
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            while reader.read_line(&mut request).unwrap() > 2 {}
            let length =
                request.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body_of_request = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body_of_request).unwrap();
            request.push_str(&String::from_utf8(body_of_request).unwrap());
            let body = body.to_string();
            let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
            let replayed = if status.contains("Replayed") { "Idempotent-Replayed: true\r\n" } else { "" };
            stream.write_all(format!("{head}{replayed}\r\n{body}").as_bytes()).unwrap();
            // A test that does not look at the request has dropped the other end.
            let _ = send.send(request.replace("\r\n", "\n"));
        }
    });
    (address, asked)
}

fn lockgate(folder: &Path, server: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    command.current_dir(folder).env_remove("LOCKGATE_TOKEN").env("NO_COLOR", "1").env("LOCKGATE_SERVER", server);
    command.env("COLUMNS", "100").arg("register").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a command that succeeds prints to standard output.
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The messages of a command that fails with this code.
fn failed(output: &Output, code: i32) -> String {
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

fn entry(id: &str, version: u64) -> Value {
    let mut entry = json!({
        "register": "changes", "id": id, "team": "shop",
        "value": {
            "id": id, "title": "Shop 2 to live, with the new basket", "category": "normal", "approval": "approved",
            "risk": "low", "releases": ["shop-2"], "description": "", "attributes": {},
        },
        "digest": "sha256:8406ebb1bf65f1e512760e737b4da5c482adb1e3ddb344c2767b6c55c8f82032",
        "as_of": "2026-11-24T20:00:00Z",
        "attested": {
            "by": "itsm@example.org", "kind": "service", "roles": ["pipeline"], "credential": "token:0662c70af709",
            "recorded": "2026-11-24T20:01:30.250Z",
        },
        "version": version,
    });
    if version > 1 {
        entry["supersedes"] = json!(version - 1);
    }
    entry
}

fn withdrawn(id: &str, version: u64) -> Value {
    let mut entry = entry(id, version);
    entry.as_object_mut().unwrap().retain(|name, _| !["value", "digest"].contains(&name.as_str()));
    entry
}

fn line(id: &str) -> String {
    let value = json!({
        "id": id, "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low", "releases": ["shop-2"],
    });
    format!("{}\n", json!({ "value": value, "as_of": "2026-11-24T20:00:00Z" }))
}

#[test]
fn a_list_follows_its_pages_and_is_a_table_for_people() {
    let shared = json!({ "team": null });
    let mut other = entry("CHG-0002", 12);
    json_patch(&mut other, &shared);
    let pages = || {
        vec![
            ("200 OK", json!({ "items": [entry("CHG-1", 1)], "next": 7 })),
            ("200 OK", json!({ "items": [other.clone(), withdrawn("CHG-3", 2)] })),
        ]
    };
    let folder = tempfile::tempdir().unwrap();
    let table = |columns: &str, server: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.current_dir(&folder).env_remove("LOCKGATE_TOKEN").env("NO_COLOR", "1").env("COLUMNS", columns);
        command.env("LOCKGATE_SERVER", server).args(["register", "list", "changes"]);
        printed(&command.output().unwrap())
    };
    let (server, asked) = serve(pages());
    insta::assert_snapshot!("list_80", table("80", &server));
    assert!(asked.recv().unwrap().starts_with("GET /api/v1/registers/changes?limit=200 "));
    assert!(asked.recv().unwrap().starts_with("GET /api/v1/registers/changes?limit=200&cursor=7 "));
    insta::assert_snapshot!("list_120", table("120", &serve(pages()).0));
    let json = printed(&lockgate(folder.path(), &serve(pages()).0, &["list", "changes", "-o", "json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["items"].as_array().unwrap().len(), 3);
    let lines = printed(&lockgate(folder.path(), &serve(pages()).0, &["list", "changes", "-o", "ndjson"]));
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[..], json["items"].as_array().unwrap()[..]);
    let (server, asked) = serve(vec![("200 OK", json!({ "items": [entry("CHG-1", 1)], "next": 7 }))]);
    let filters = ["--product", "a b", "--environment", "live", "--attester", "Ada", "--team", "shop", "--limit", "1"];
    printed(&lockgate(folder.path(), &server, &[&["list", "changes"], &filters[..]].concat()));
    let asked = asked.recv().unwrap();
    let query = "?team=shop&product=a%20b&environment=live&attester=Ada&limit=1 ";
    assert!(asked.starts_with(&format!("GET /api/v1/registers/changes{query}")), "{asked}");
    let (server, _) = serve(vec![("200 OK", json!({ "items": [] })); 3]);
    assert_eq!(printed(&lockgate(folder.path(), &server, &["list", "kpis"])), "No entries of `kpis`.\n");
    assert_eq!(
        printed(&lockgate(folder.path(), &server, &["list", "kpis", "--product", "shop"])),
        "No entries of `kpis` fit `--product`, `--environment` and `--attester`.\n"
    );
    assert_eq!(printed(&lockgate(folder.path(), &server, &["list", "kpis", "-o", "ndjson"])), "");
}

fn json_patch(entry: &mut Value, members: &Value) {
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(entry.as_object_mut().unwrap().remove(name)),
            value => entry[name] = value.clone(),
        }
    }
}

#[test]
fn an_entry_and_its_history_are_shown_to_people() {
    let folder = tempfile::tempdir().unwrap();
    let mut kpi = entry("p99", 3);
    json_patch(
        &mut kpi,
        &json!({
            "register": "kpis", "valid_until": "2027-01-01T00:00:00Z", "team": null,
            "concerns": {"products": ["shop", "pay"], "environments": ["live"]},
            "value": {"id": "p99", "metric": "latency", "latest": 212.5},
        }),
    );
    let (server, asked) =
        serve(vec![("200 OK", kpi), ("200 OK", json!({ "items": [withdrawn("p/99", 4), entry("p/99", 3)] }))]);
    insta::assert_snapshot!("entry", printed(&lockgate(folder.path(), &server, &["get", "kpis", "p99", "--shared"])));
    assert!(asked.recv().unwrap().starts_with("GET /api/v1/registers/kpis/p99?shared=true "));
    insta::assert_snapshot!("history", printed(&lockgate(folder.path(), &server, &["history", "changes", "p/99"])));
    assert!(asked.recv().unwrap().starts_with("GET /api/v1/registers/changes/p%2F99/history?limit=200 "));
}

#[test]
fn an_entry_is_put_at_the_id_of_its_value_and_withdrawn_at_a_version() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("change.json"), line("CHG 1")).unwrap();
    let (server, asked) = serve(vec![("201 Created", entry("CHG 1", 1)), ("200 OK", withdrawn("CHG 1", 2))]);
    let put = ["put", "changes", "change.json", "--team", "shop", "--if-match", "0", "-o", "json"];
    let answer: Value = serde_json::from_str(&printed(&lockgate(folder.path(), &server, &put))).unwrap();
    assert_eq!(answer, entry("CHG 1", 1));
    let put = asked.recv().unwrap();
    assert!(put.starts_with("PUT /api/v1/registers/changes/CHG%201?team=shop "), "{put}");
    assert!(put.to_lowercase().contains("if-match: \"0\"\n"), "{put}");
    let withdraw = ["withdraw", "changes", "CHG 1", "--if-match", "1"];
    let shown = printed(&lockgate(folder.path(), &server, &withdraw));
    assert!(shown.ends_with("\n  withdrawn\n"), "{shown}");
    let withdraw = asked.recv().unwrap();
    assert!(withdraw.starts_with("DELETE /api/v1/registers/changes/CHG%201 "), "{withdraw}");
    assert!(withdraw.to_lowercase().contains("if-match: \"1\"\n"), "{withdraw}");
}

#[test]
fn wrong_entries_are_refused_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{}\n{}", line("CHG-1"), line("CHG-2").replace("low", "huge"));
    fs::write(folder.path().join("changes.ndjson"), file).unwrap();
    fs::write(folder.path().join("empty.ndjson"), "\n").unwrap();
    let refused = |arguments: &[&str]| failed(&lockgate(folder.path(), "http://127.0.0.1:9", arguments), 3);
    let words = refused(&["import", "changes", "changes.ndjson"]);
    assert!(words.contains("\"huge\" is not allowed here") && words.contains("changes.ndjson:3:"), "{words}");
    assert!(words.contains("the JSON Pointer is `/value/risk`"), "{words}");
    let words = refused(&["put", "changes", "changes.ndjson"]);
    assert!(words.contains("the entry is not JSON: trailing characters"), "{words}");
    let words = refused(&["import", "changes", "empty.ndjson"]);
    assert!(words.contains("the file of entries `empty.ndjson` is empty"), "{words}");
    let words = refused(&["list", "change"]);
    assert!(words.contains("a similar value exists: 'changes'"), "{words}");
    let words = refused(&["list", "changes", "--team", "shop", "--shared"]);
    assert!(words.contains("cannot be used with"), "{words}");
    let words = failed(&lockgate(folder.path(), "", &["list", "changes"]), 3);
    assert!(words.contains("no server is named") && words.contains("`LOCKGATE_SERVER`"), "{words}");
    fs::write(folder.path().join("samples.ndjson"), "{\"at\": \"yesterday\", \"value\": 1}\n").unwrap();
    let words = refused(&["record-samples", "p99", "samples.ndjson"]);
    assert!(words.contains("`yesterday` is not a time") && words.contains("samples.ndjson:1:8"), "{words}");
    let words = refused(&["record-samples", "p99", "empty.ndjson"]);
    assert!(words.contains("`empty.ndjson` has no sample"), "{words}");
}

#[test]
fn the_places_that_a_server_refuses_are_shown_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("change.json"), line("CHG-1")).unwrap();
    let problem = |pointer: &str| {
        json!({
            "type": "urn:lockgate:problem:invalid", "title": "Unprocessable Content", "status": 422,
            "errors": [{ "pointer": pointer, "message": "it is later than now" }],
        })
    };
    let (server, _) = serve(vec![("422 Unprocessable Content", problem("/as_of"))]);
    let words = failed(&lockgate(folder.path(), &server, &["put", "changes", "change.json"]), 3);
    assert!(words.contains("error: it is later than now") && words.contains("change.json:1:"), "{words}");

    // The request after the first 500 lines is refused, because of its second line. A blank line counts in the file.
    let mut lines: Vec<String> = (0..700).map(|number| line(&format!("CHG-{number}"))).collect();
    lines.insert(3, "\n".to_owned());
    fs::write(folder.path().join("changes.ndjson"), lines.concat()).unwrap();
    let written = json!({ "written": 490, "unchanged": 10, "batches": 1 });
    let (server, asked) = serve(vec![("200 OK", written.clone()), ("422 Unprocessable Content", problem("/2/as_of"))]);
    let words = failed(&lockgate(folder.path(), &server, &["import", "changes", "changes.ndjson"]), 3);
    assert!(words.contains("error: it is later than now") && words.contains("changes.ndjson:503:"), "{words}");
    let summary = "the server refuses lines 502 to 701 of `changes.ndjson`: none of them was written";
    assert!(words.contains(summary), "{words}");
    assert!(words.contains("before: 490 entries written, 10 unchanged, in 1 batch"), "{words}");
    assert_eq!(asked.recv().unwrap().matches("CHG-").count(), 500);

    let conflict = json!({
        "type": "urn:lockgate:problem:register-full", "title": "Conflict", "status": 409, "detail": "it is full",
    });
    let (server, _) = serve(vec![("200 OK", written), ("409 Conflict", conflict)]);
    let words = failed(&lockgate(folder.path(), &server, &["import", "changes", "changes.ndjson"]), 1);
    let context = "error: lines 502 to 701 of `changes.ndjson` were not written (before: 490 entries written, 10 unchanged, in 1 batch): ";
    assert!(words.starts_with(context) && words.contains("409 Conflict (it is full)"), "{words}");
}

#[test]
fn an_import_that_is_started_again_has_the_same_keys() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("changes.ndjson"), [line("CHG-1"), line("CHG-2")].concat()).unwrap();
    let report = || json!({ "written": 2, "unchanged": 0, "batches": 1 });
    let (server, asked) =
        serve(vec![("200 OK", report()), ("200 Replayed", report()), ("200 OK", report()), ("200 OK", report())]);
    let import = |more: &[&str]| {
        let output = lockgate(folder.path(), &server, &[&["import", "changes", "changes.ndjson"], more].concat());
        let request = asked.recv().unwrap();
        let head = request.to_lowercase();
        let key = head.lines().find_map(|line| line.strip_prefix("idempotency-key: ")).unwrap().to_owned();
        assert!(head.contains("content-type: application/x-ndjson\n"), "{head}");
        assert!(request.ends_with(&[line("CHG-1"), line("CHG-2")].concat()), "{request}");
        (printed(&output), text(&output.stderr), key)
    };
    let (told, words, key) = import(&[]);
    assert_eq!((told.as_str(), words.as_str()), ("changes: 2 entries written, 0 unchanged, in 1 batch\n", ""));
    let (told, words, again) = import(&[]);
    assert_eq!(again, key);
    assert!(
        told.starts_with("changes: 0 entries written, 0 unchanged, 2 as an earlier import has written them"),
        "{told}"
    );
    assert!(
        words.starts_with("warning: nothing was written for entries that an earlier import has written"),
        "{words}"
    );
    assert_ne!(import(&["--again"]).2, key);
    let (told, _, other) = import(&["--shared", "-o", "json"]);
    assert_ne!(other, key);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told, json!({ "written": 2, "unchanged": 0, "batches": 1, "repeated": 0 }));
}

#[test]
fn samples_are_recorded_in_requests_of_1000_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let sample = |number: usize| json!({ "at": "2026-11-24T20:00:00Z", "value": number as f64 + 0.5 });
    let lines: String = (0..1_001).map(|number| format!("{}\n", sample(number))).collect();
    fs::write(folder.path().join("samples.ndjson"), lines).unwrap();
    fs::write(folder.path().join("samples.json"), json!({ "samples": [sample(1)] }).to_string()).unwrap();
    let recorded = |total: usize| ("200 OK", json!({ "total": total, "latest": sample(4) }));
    let refused = json!({ "type": "urn:lockgate:problem:not-found", "title": "Not Found", "status": 404 });
    let (server, asked) = serve(vec![
        recorded(1_000),
        recorded(1_001),
        recorded(1_002),
        ("404 Not Found", refused),
        ("200 OK", json!({ "items": [sample(1), sample(2)] })),
    ]);
    let run = |arguments: &[&str]| lockgate(folder.path(), &server, arguments);
    let told = printed(&run(&["record-samples", "p99", "samples.ndjson"]));
    assert_eq!(told, "1001 samples recorded, 1001 in all; the newest is 4.5 at 2026-11-24T20:00:00Z\n");
    let counts = [asked.recv().unwrap(), asked.recv().unwrap()].map(|request| {
        assert!(request.starts_with("POST /api/v1/registers/kpis/p99/samples "), "{request}");
        request.matches("\"value\"").count()
    });
    assert_eq!(counts, [1_000, 1]);
    let told = printed(&run(&["record-samples", "p99", "samples.json", "-o", "json"]));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told, json!({ "recorded": 1, "total": 1_002, "latest": sample(4) }));
    let words = failed(&run(&["record-samples", "p99", "samples.json"]), 1);
    assert!(words.starts_with("error: samples 1 to 1 of `samples.json` were not recorded: "), "{words}");
    let told = printed(&run(&["samples", "p99"]));
    assert_eq!(told, "  at                    value\n  2026-11-24T20:00:00Z  1.5\n  2026-11-24T20:00:00Z  2.5\n");
}
