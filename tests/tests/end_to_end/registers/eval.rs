//! `lockgate eval --register`: registers from files.

use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_domain::Digest;
use lockgate_tests::tree;
use serde_json::{Value, json};

use super::stand::{Ran, deployment, folder, write_model};

struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn set_up(name: &str) -> Self {
        let folder = folder(&format!("eval-{name}"));
        write_model(&folder);
        let bench = Self { folder };
        bench.write_json("deployment.json", &deployment());
        bench
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.join(name), text).unwrap();
    }

    fn write_json(&self, name: &str, value: &Value) {
        self.write(name, &serde_json::to_string_pretty(value).unwrap());
    }

    /// Evaluates the deployment with these registers.
    fn eval(&self, registers: &[&str], more: &[&str]) -> Ran {
        let mut command = Command::new(tree("bin/lockgate"));
        command.current_dir(&self.folder).env("NO_COLOR", "1").env("COLUMNS", "100");
        command.args(["eval", "-m", "model.toml", "-d", "deployment.json", "--now", "2026-11-24T20:30:00Z"]);
        command.args(["-s", "plan-and-approve", "-p", "entrance", "--save-snapshot", "snapshot.json"]);
        registers.iter().for_each(|register| {
            command.args(["--register", register]);
        });
        Ran::of(command.args(more).output().unwrap())
    }

    /// The snapshot of an evaluation, whatever its verdict.
    fn snapshot(&self, registers: &[&str]) -> Value {
        let ran = self.eval(registers, &["--quiet"]);
        assert!([0, 2, 4].contains(&ran.code), "{ran:?}");
        assert_eq!(ran.words, "");
        read(&self.folder.join("snapshot.json"))
    }

    /// What is said of invalid input.
    fn refusal(&self, registers: &[&str]) -> String {
        let ran = self.eval(registers, &[]);
        assert_eq!(ran.code, 3, "{ran:?}");
        ran.words
    }
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn change(risk: &str) -> Value {
    json!({
        "id": "CHG-1", "title": "Hello 2.0.0 to live", "category": "normal", "approval": "approved", "risk": risk,
        "releases": ["hello-2.0.0"],
    })
}

/// An entry in the form of an export.
fn exported(register: &str, value: &Value, version: u64) -> Value {
    json!({
        "register": register, "id": value["id"], "team": "shop", "value": value, "as_of": "2026-11-24T20:00:00Z",
        "attested": {
            "by": "bo@example.org", "kind": "person", "roles": ["change-authority"], "credential": "token:1",
            "recorded": "2026-11-24T20:00:01Z",
        },
        "version": version,
    })
}

fn incident(id: &str, open: bool) -> Value {
    json!({ "id": id, "title": "It is slow", "status": "new", "open": open, "severity": "low" })
}

fn lines(entries: &[Value]) -> String {
    entries.iter().map(|entry| format!("{entry}\n")).collect()
}

#[test]
fn an_entry_completes_a_member_that_is_an_id_and_says_who_attested_it() {
    let bench = Bench::set_up("id");
    let mut written = deployment();
    written["change"] = json!("CHG-1");
    bench.write_json("deployment.json", &written);
    bench.write("changes.ndjson", &lines(&[exported("changes", &change("low"), 1)]));
    let snapshot = bench.snapshot(&["changes=changes.ndjson"]);
    assert_eq!(snapshot["change"]["title"], "Hello 2.0.0 to live");
    let provenance = &snapshot["provenance"]["/change"];
    assert_eq!((&provenance["source"], &provenance["attester"]), (&json!("register"), &json!("bo@example.org")));
    let normal = json!({"attributes": {}, "description": ""});
    let mut value = change("low");
    value.as_object_mut().unwrap().extend(normal.as_object().unwrap().clone());
    assert_eq!(provenance["entry"], json!(Digest::of_canonical(&value).unwrap()));
    // Where the entry comes from is a note for people, and not in the decision.
    let ran = bench.eval(&["changes=changes.ndjson"], &["-o", "json"]);
    let note = "note: the register `changes` comes from a file, and nothing in it is verified\n";
    assert!(ran.words.ends_with(note), "{}", ran.words);
    assert!(!ran.out.contains("verified") && !ran.out.contains("ndjson"), "{}", ran.out);
}

#[test]
fn an_entry_as_put_takes_it_is_attested_by_nobody_unless_it_says_so() {
    let bench = Bench::set_up("put-form");
    bench.write("changes.ndjson", &lines(&[json!({ "value": change("low") })]));
    let provenance = bench.snapshot(&["changes=changes.ndjson"])["provenance"]["/change"].clone();
    let expected = json!({
        "source": "register", "credential": "unknown", "verification": "absent", "entry": provenance["entry"], "roles": [],
    });
    assert_eq!(provenance, expected);
    let attested = exported("changes", &change("low"), 1)["attested"].clone();
    let entry = json!({ "value": change("low"), "attested": attested, "valid_until": "2027-01-01T00:00:00Z" });
    bench.write("changes.ndjson", &lines(&[entry]));
    let provenance = bench.snapshot(&["changes=changes.ndjson"])["provenance"]["/change"].clone();
    assert_eq!((&provenance["attester"], &provenance["credential"]), (&json!("bo@example.org"), &json!("token:1")));
    assert_eq!(provenance["as_of"], "2026-11-24T20:00:01Z", "as of when it was recorded");
    assert_eq!(provenance["valid_until"], "2027-01-01T00:00:00Z");
}

#[test]
fn the_newest_version_counts_and_a_withdrawn_entry_does_not() {
    let bench = Bench::set_up("versions");
    let mut withdrawn = exported("changes", &change("low"), 3);
    withdrawn.as_object_mut().unwrap().remove("value");
    let told = |entries: &[Value]| {
        bench.write("changes.ndjson", &lines(entries));
        let mut written = deployment();
        written["change"] = json!("CHG-1");
        bench.write_json("deployment.json", &written);
        let ran = bench.eval(&["changes=changes.ndjson"], &["--quiet"]);
        match ran.code {
            3 => ran.words,
            _ => read(&bench.folder.join("snapshot.json"))["change"]["risk"].as_str().unwrap().to_owned(),
        }
    };
    let version = |risk: &str, version| exported("changes", &change(risk), version);
    assert_eq!(told(&[version("high", 2), version("low", 1)]), "high");
    assert_eq!(told(&[version("high", 1), version("low", 1)]), "low");
    let words = told(&[version("high", 2), withdrawn, version("low", 1)]);
    assert!(words.contains("the register `changes` has no entry `CHG-1`"), "{words}");
}

#[test]
fn a_register_with_an_empty_file_is_kept_and_one_without_a_file_is_not() {
    let bench = Bench::set_up("kept");
    bench.write("empty.ndjson", "");
    let snapshot = bench.snapshot(&["incidents=empty.ndjson"]);
    assert_eq!(snapshot["registers"], json!({ "incidents": [] }));
    assert_eq!(snapshot["provenance"]["/registers/incidents"]["source"], "register");
    assert_eq!(bench.snapshot(&[]).get("registers"), None);
    let concerns = json!({"products": ["hello"], "environments": ["live"]});
    let of_others = json!({"products": ["pay"]});
    let over = "2026-11-24T20:30:00Z";
    bench.write(
        "incidents.ndjson",
        &lines(&[
            json!({ "value": incident("INC-2", true), "concerns": concerns }),
            json!({ "value": incident("INC-3", true), "concerns": of_others }),
            json!({ "value": incident("INC-4", true), "concerns": concerns, "valid_until": over }),
            json!({ "value": incident("INC-1", false), "concerns": {"environments": ["live"]} }),
        ]),
    );
    let snapshot = bench.snapshot(&["incidents=incidents.ndjson"]);
    let ids: Vec<&Value> =
        snapshot["registers"]["incidents"].as_array().unwrap().iter().map(|incident| &incident["id"]).collect();
    assert_eq!(ids, ["INC-1", "INC-2"]);
    // An open incident asks for four eyes.
    assert!(bench.eval(&["incidents=incidents.ndjson"], &[]).out.contains("change-authority"));
}

#[test]
fn what_the_file_says_of_places_without_a_register_stays() {
    let bench = Bench::set_up("provenance");
    let mut written = deployment();
    written["provenance"] = json!({
        "/change": {"source": "register", "attester": "old"},
        "/change/risk": {"source": "evidence"},
        "/release": {"source": "evidence", "attester": "ci"},
        "/registers": {"source": "ledger"},
        "/registers/incidents/0": {"source": "evidence"},
    });
    bench.write_json("deployment.json", &written);
    bench.write("empty.ndjson", "\n");
    let keys = |registers: &[&str]| -> Vec<String> {
        let snapshot = bench.snapshot(registers);
        snapshot["provenance"].as_object().unwrap().keys().cloned().collect()
    };
    let all = ["/change", "/change/risk", "/registers", "/registers/incidents/0", "/release"];
    assert_eq!(keys(&[]), all);
    let with_registers = keys(&["changes=empty.ndjson", "incidents=empty.ndjson"]);
    assert_eq!(with_registers, ["/registers", "/registers/incidents", "/release"]);
}

#[test]
fn contradictions_show_both_values_at_their_place() {
    let bench = Bench::set_up("contradictions");
    let mut written = deployment();
    written["registers"] = json!({ "incidents": [incident("INC-1", false), incident("INC-2", true)] });
    written["change"]["risk"] = json!("low");
    written["change"]["priority"] = json!("P2");
    bench.write_json("deployment.json", &written);
    let entry = json!({ "value": incident("INC-1", true), "concerns": {"products": ["hello"]} });
    bench.write("incidents.ndjson", &lines(&[entry]));
    bench.write("changes.ndjson", &lines(&[exported("changes", &change("high"), 1)]));
    insta::assert_snapshot!(bench.refusal(&["changes=changes.ndjson", "incidents=incidents.ndjson"]));
}

#[test]
fn ids_without_an_entry_say_where_to_put_it() {
    let bench = Bench::set_up("unknown");
    let mut written = deployment();
    written["change"] = json!("CHG-2");
    written["product"] = json!("hello");
    bench.write_json("deployment.json", &written);
    bench.write("changes.ndjson", &lines(&[exported("changes", &change("high"), 1)]));
    insta::assert_snapshot!(bench.refusal(&["changes=changes.ndjson"]));
}

#[test]
fn wrong_lines_are_told_all_at_once() {
    let bench = Bench::set_up("lines");
    let of_another_team = {
        let mut entry = exported("changes", &json!({ "id": "CHG-9" }), 1);
        entry["value"] = change("low");
        entry["value"]["id"] = json!("CHG-9");
        entry["team"] = json!("billing");
        entry
    };
    let mut misplaced = exported("changes", &change("low"), 1);
    misplaced["id"] = json!("CHG-5");
    let entries = [
        exported("changes", &change("low"), 1).to_string(),
        json!({ "value": change("huge") }).to_string(),
        "{\"value\": {}".to_owned(),
        String::new(),
        exported("incidents", &incident("INC-1", true), 1).to_string(),
        misplaced.to_string(),
        of_another_team.to_string(),
        json!({ "value": change("low"), "concerns": {"products": ["hello"]} }).to_string(),
        json!({ "value": change("low"), "asof": "2026-11-24T20:00:00Z" }).to_string(),
    ];
    bench.write("changes.ndjson", &entries.join("\n"));
    bench.write("incidents.ndjson", &lines(&[json!({ "value": incident("INC-1", true) })]));
    insta::assert_snapshot!(bench.refusal(&["changes=changes.ndjson", "incidents=incidents.ndjson"]));
}

#[test]
fn registers_that_cannot_be_read_are_named() {
    let bench = Bench::set_up("unreadable");
    bench.write("a.ndjson", "");
    let words = bench.refusal(&["changes=a.ndjson", "changes=b.ndjson"]);
    assert!(words.contains("the register `changes` is given twice"), "{words}");
    assert!(words.contains("as `a.ndjson` and as `b.ndjson`"), "{words}");
    let words = bench.refusal(&["changes=b.ndjson"]);
    assert!(words.contains("register `changes` not found: `b.ndjson`"), "{words}");
    let words = bench.refusal(&["change=a.ndjson"]);
    assert!(words.contains("there is no register `change`: did you mean `changes`?"), "{words}");
    let words = bench.refusal(&["changes"]);
    assert!(words.contains("write it as `register=file`, for example `changes=changes.ndjson`"), "{words}");
}

#[test]
fn an_error_in_a_member_from_a_register_is_shown_in_the_registers_file() {
    let bench = Bench::set_up("places");
    let mut written = deployment();
    written["change"] = json!("CHG-1");
    bench.write_json("deployment.json", &written);
    let mut value = change("low");
    value["releases"] = json!(["another-release"]);
    bench.write("changes.ndjson", &format!("\n{}", lines(&[exported("changes", &value, 1)])));
    let ran = bench.eval(&["changes=changes.ndjson"], &[]);
    let place = ran.out.lines().find(|line| line.contains("--> changes.ndjson:2:"));
    assert!(ran.code == 2 && place.is_some(), "{ran:?}");
}
