//! What `eval` prints for people and not in its JSON output.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::Command;

use lockgate_tests::repository;

#[test]
fn the_option_for_the_approved_plan_is_named_for_people_and_not_in_json() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("model.toml"),
        format!("id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n{}", lockgate_tests::TOLD_FACTS),
    )
    .unwrap();
    let eval = |output: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.current_dir(folder.path()).args(["eval", "--model", "model.toml", "--output", output]);
        command.args(["--stage", "fulfill", "--phase", "entrance", "--deployment"]);
        let output = command.arg(repository("examples/new-version/deployment.json")).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let how = "pass the decision that approved it: `--approved <decision.json>`";
    for (output, is_told) in [("table", true), ("json", false)] {
        let told = eval(output);
        assert!(told.contains("pass the exit of plan-and-approve"), "{output}: {told}");
        assert_eq!((told.contains(how), told.contains("--approved")), (is_told, is_told), "{output}: {told}");
    }
}
