//! `lockgate register` against a real server.

use serde_json::{Value, json};

use super::stand::Stand;

fn change(number: usize, risk: &str) -> String {
    let value = json!({
        "id": format!("CHG-{number}"), "title": format!("Change {number}"), "category": "normal",
        "approval": "approved", "risk": risk, "releases": ["shop-2"],
    });
    format!("{}\n", json!({ "value": value, "as_of": "2025-11-24T20:00:00Z" }))
}

#[test]
fn entries_are_put_read_listed_and_withdrawn() {
    let stand = Stand::start("commands");
    let token = stand.token("itsm", &["--team", "shop"]);
    stand.write("change.json", change(1, "low"));
    stand.write("later.json", change(1, "high"));
    let put = |file: &str, more: &[&str]| {
        stand.run(&token, &[&["register", "put", "changes", file, "-o", "json"], more].concat())
    };
    let entry: Value = serde_json::from_str(&put("change.json", &["--if-match", "0"]).printed()).unwrap();
    assert_eq!((&entry["version"], &entry["attested"]["by"]), (&json!(1), &json!("itsm")));
    let refused = put("later.json", &["--if-match", "0"]);
    assert!(refused.code == 1 && refused.words.contains("412 Precondition Failed"), "{refused:?}");
    put("later.json", &["--if-match", "1"]).printed();
    let history = stand.run(&token, &["register", "history", "changes", "CHG-1", "-o", "ndjson"]).printed();
    let versions: Vec<Value> = history.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let risks = versions.iter().map(|entry| (&entry["version"], &entry["value"]["risk"]));
    assert_eq!(risks.collect::<Vec<_>>(), [(&json!(2), &json!("high")), (&json!(1), &json!("low"))]);
    stand.run(&token, &["register", "withdraw", "changes", "CHG-1"]).printed();
    let gone = stand.run(&token, &["register", "get", "changes", "CHG-1"]);
    assert!(gone.code == 1 && gone.words.contains("there is no entry `changes/CHG-1`"), "{gone:?}");
    assert_eq!(stand.run(&token, &["register", "list", "changes"]).printed(), "No entries of `changes`.\n");

    // An entry of all teams needs a credential for all teams.
    let refused = put("change.json", &["--shared"]);
    assert!(refused.code == 1 && refused.words.contains("403 Forbidden"), "{refused:?}");
    let of_all = stand.token("itsm", &["--all-teams"]);
    stand.run(&of_all, &["register", "put", "changes", "change.json", "--shared"]).printed();
    let refused = put("change.json", &[]);
    assert!(refused.code == 1 && refused.words.contains("409 Conflict"), "{refused:?}");
    let listed = stand.run(&of_all, &["register", "list", "changes", "--shared", "-o", "json"]).printed();
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()["items"][0]["id"], "CHG-1");
}

#[test]
fn an_import_is_split_told_of_and_can_be_started_again() {
    let stand = Stand::start("import");
    let token = stand.token("itsm", &["--team", "shop"]);
    let lines: Vec<String> = (0..1_203).map(|number| change(number, "low")).collect();
    stand.write("changes.ndjson", lines.concat());
    let import =
        |more: &[&str]| stand.run(&token, &[&["register", "import", "changes", "changes.ndjson"], more].concat());
    assert_eq!(import(&[]).printed(), "changes: 1203 entries written, 0 unchanged, in 3 batches\n");
    let again = import(&[]);
    assert!(again.words.starts_with("warning: nothing was written for entries that"), "{again:?}");
    assert!(again.printed().contains("0 entries written, 0 unchanged, 1203 as an earlier import has written them"));
    assert_eq!(import(&["--again"]).printed(), "changes: 0 entries written, 1203 unchanged, in 3 batches\n");
    let listed = stand.run(&token, &["register", "list", "changes", "-o", "ndjson"]).printed();
    assert_eq!(listed.lines().count(), 1_203);
    let some = stand.run(&token, &["register", "list", "changes", "-o", "ndjson", "--limit", "250"]).printed();
    assert_eq!(some.lines().count(), 250);

    // What only the server can know is told at its line, with what was written before.
    let mut later: Vec<String> = (0..1_000).map(|number| change(number, "high")).collect();
    later[700] = later[700].replace("2025-11-24", "9025-11-24");
    stand.write("changes.ndjson", lines[1_200..].concat() + &later.concat());
    let refused = import(&[]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused.words.contains("is later than now") && refused.words.contains("changes.ndjson:704:"),
        "{refused:?}"
    );
    let summary = "the server refuses lines 501 to 1000 of `changes.ndjson`: none of them was written";
    assert!(refused.words.contains(summary), "{refused:?}");
    assert!(refused.words.contains("before: 497 entries written, 3 unchanged, in 1 batch"), "{refused:?}");
}

#[test]
fn samples_of_an_indicator_are_recorded_once() {
    let stand = Stand::start("samples");
    let token = stand.token("itsm", &["--team", "shop"]);
    let kpi = json!({
        "value": {"id": "p99", "metric": "latency", "unit": "ms"}, "concerns": {"products": ["shop"]},
    });
    stand.write("kpi.json", kpi.to_string());
    stand.run(&token, &["register", "put", "kpis", "kpi.json"]).printed();
    let sample = |second: usize| format!("{{\"at\": \"2025-11-24T20:00:{second:02}Z\", \"value\": {second}.5}}\n");
    stand.write("samples.ndjson", (0..48).map(sample).collect::<String>());
    let record = || stand.run(&token, &["register", "record-samples", "p99", "samples.ndjson"]).printed();
    let told = "48 samples recorded, 48 in all; the newest is 47.5 at 2025-11-24T20:00:47Z\n";
    assert_eq!((record().as_str(), record().as_str()), (told, told));
    let samples = stand.run(&token, &["register", "samples", "p99", "--limit", "2", "-o", "ndjson"]).printed();
    assert_eq!(
        samples,
        "{\"at\":\"2025-11-24T20:00:46Z\",\"value\":46.5}\n{\"at\":\"2025-11-24T20:00:47Z\",\"value\":47.5}\n"
    );
    let kpi = stand.run(&token, &["register", "get", "kpis", "p99", "-o", "json"]).printed();
    assert_eq!(serde_json::from_str::<Value>(&kpi).unwrap()["value"]["latest"], 47.5);
}
