//! Who may do what at the gates of the quick start, as the command shows it: from a data folder, and through a server.

use std::fs;
use std::path::Path;
use std::process::Command;

use lockgate_tests::served::{Served, token_of};
use lockgate_tests::tree;
use serde_json::Value;

/// What `lockgate access` printed, and what it said beside.
fn access(data: &Path, arguments: &[&str]) -> (String, String) {
    let mut command = Command::new(tree("bin/lockgate"));
    command.current_dir(data).env("NO_COLOR", "1").env_remove("LOCKGATE_SERVER").env_remove("LOCKGATE_TOKEN");
    let output = command.arg("access").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (told, words) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{words}");
    (told, words)
}

/// The first row of an action at a gate, and who may do it.
fn people(review: &Value, stage: &str, action: &str) -> Vec<String> {
    let rows = review["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["gate"]["stage"] == stage && row["action"] == action).unwrap();
    row["people"].as_array().unwrap().iter().map(|person| person["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_roles_that_gates_need_are_shown_with_their_people_and_a_warning_where_there_are_none() {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("access");
    // What an earlier run left is in the way.
    let _ = fs::remove_dir_all(&data);
    let server = Served::start(&data, &[]);
    let model = tree("examples/quick-start/model.toml");
    let _ = token_of(&data, "ada@example.org", "pipeline");

    let (told, words) = access(&data, &["--model", model.to_str().unwrap(), "--data", "."]);
    assert!(told.starts_with("quick-start@1.0.0\n"), "{told}");
    let nobody = told.lines().find(|line| line.contains(" approve ")).unwrap();
    assert!(nobody.contains("change-authority") && nobody.ends_with("nobody"), "{told}");
    assert!(told.lines().any(|line| line.contains(" pass ") && line.contains("ada@example.org")), "{told}");
    let warning = "warning: at plan-and-approve exit nobody can approve: nobody holds a valid token in the role `change-authority`";
    assert!(words.contains(warning), "{words}");
    assert!(words.contains("only API tokens are shown"), "{words}");

    let _ = token_of(&data, "bo@example.org", "change-authority");
    let address = format!("http://{}", server.address);
    let administrator = data.join("first-administrator.token");
    let by_server = ["--server", &address, "--token-file", administrator.to_str().unwrap(), "--output", "json"];
    let review: Value = serde_json::from_str(&access(&data, &by_server).0).unwrap();
    assert_eq!(people(&review, "plan-and-approve", "approve"), ["bo@example.org"]);
    assert_eq!(people(&review, "fulfill", "pass"), ["ada@example.org"]);
    let by_folder = ["--model", model.to_str().unwrap(), "--data", ".", "--output", "json"];
    let mut same: Value = serde_json::from_str(&access(&data, &by_folder).0).unwrap();
    // Who looks at the folder alone does not know the rules of the server.
    for row in same["items"].as_array_mut().unwrap() {
        assert_eq!(row.get("rules"), None);
        row["rules"] = Value::Array(Vec::new());
    }
    assert_eq!(same["items"], review["items"]);
}
