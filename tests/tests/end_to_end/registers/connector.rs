//! The example connector: its README, word for word.

use std::fs;
use std::process::Command;

use lockgate_tests::tree;
use serde_json::Value;

use super::stand::{Ran, Stand};

/// The commands of a section of the README.
fn script(readme: &str, section: &str) -> String {
    let (_, rest) = readme.split_once(&format!("## {section}\n")).unwrap();
    let blocks = rest.split("\n## ").next().unwrap().split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn two_exports_become_entries_that_the_rule_of_the_example_lets_the_connector_attest() {
    let connectors = tree("examples/connectors");
    let rules = fs::read_to_string(connectors.join("lockgate.toml")).unwrap();
    let stand = Stand::with_rules("connector", &rules);
    let readme = fs::read_to_string(connectors.join("README.md")).unwrap();
    assert!(readme.contains(rules.split_once('\n').unwrap().1), "the README shows the rule of `lockgate.toml`");
    for file in ["cmdb-to-registers.py", "changes.csv", "configuration-items.csv"] {
        fs::copy(connectors.join(file), stand.folder.join(file)).unwrap();
    }
    let bash = |section: &str| {
        let mut command = Command::new("bash");
        command.current_dir(&stand.folder).args(["-euo", "pipefail", "-c", &script(&readme, section)]);
        let path = format!("{}:{}", tree("bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("DATA", "data").env("NO_COLOR", "1").env_remove("LOCKGATE_TOKEN");
        Ran::of(command.env("LOCKGATE_SERVER", format!("http://{}", stand.server.address)).output().unwrap()).printed()
    };
    bash("Allow the connector to attest");
    let told = bash("Import");
    assert!(told.contains("changes: 3 entries written, 0 unchanged, in 1 batch\n"), "{told}");
    assert!(told.contains("instances: 4 entries written, 0 unchanged, in 1 batch\n"), "{told}");
    assert!(told.contains("shop-live-1") && !told.contains("pay-live-1  "), "{told}");

    let token = fs::read_to_string(stand.folder.join("cmdb.token")).unwrap();
    let get = |register: &str, id: &str| -> Value {
        let entry = stand.run(&token, &["register", "get", register, id, "-o", "json"]).printed();
        serde_json::from_str(&entry).unwrap()
    };
    let change = get("changes", "CHG0004711");
    assert_eq!(change["value"]["approval"], "approved");
    assert_eq!((&change["attested"]["by"], &change["team"]), (&Value::from("cmdb"), &Value::from("shop")));
    assert_eq!(change["as_of"], "2025-11-20T09:12:00Z");
    let instance = get("instances", "shop-live-2");
    assert_eq!(instance["concerns"]["products"][0], "shop");
    assert_eq!(instance["value"]["consumers"], 1750);
    let gone = stand.run(&token, &["register", "get", "instances", "shop-staging-1"]);
    assert!(gone.code == 1 && gone.words.contains("404 Not Found"), "{gone:?}");

    // The same export again changes nothing.
    let again = stand.run(&token, &["register", "import", "changes", "changes.ndjson", "--again"]).printed();
    assert_eq!(again, "changes: 0 entries written, 3 unchanged, in 1 batch\n");
    // Nobody else may attest changes now.
    let other = stand.token("ci", &["--team", "shop"]);
    let refused = stand.run(&other, &["register", "import", "changes", "changes.ndjson"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.words.contains("lines 1 to 3 of `changes.ndjson` were not written (nothing was written before)"));
    assert!(refused.words.contains("403 Forbidden") && refused.words.contains("service:cmdb"), "{refused:?}");
}

#[test]
fn a_word_that_the_connector_does_not_know_ends_it_before_it_prints_anything() {
    let folder = super::stand::folder("connector-words");
    let export = fs::read_to_string(tree("examples/connectors/changes.csv")).unwrap();
    for (from, to, expected) in [
        (",Assess,", ",Pondered,", "changes.csv:3: `State` is `Pondered`, and the script knows Assess, Authorize"),
        ("2025-11-24 20:00:00", "tonight", "changes.csv:2: `Planned start` is `tonight`, and no time such as"),
        ("Number,", "Id,", "changes.csv: the column 'Number' is missing"),
    ] {
        fs::write(folder.join("changes.csv"), export.replacen(from, to, 1)).unwrap();
        let script = tree("examples/connectors/cmdb-to-registers.py");
        let mut command = Command::new("python3");
        command.current_dir(&folder).arg(script).args(["changes", "changes.csv"]);
        let ran = Ran::of(command.output().unwrap());
        assert!(ran.code == 3 && ran.out.is_empty() && ran.words.contains(expected), "{ran:?}");
    }
}
