//! The JSON Schemas in `docs/schemas` are those of the command.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use lockgate_tests::{repository, tree};

fn schema(argument: &str) -> String {
    let printed = Command::new(tree("bin/lockgate")).args(["schema", argument]).output().unwrap();
    assert!(printed.status.success(), "{argument}");
    String::from_utf8(printed.stdout).unwrap()
}

#[test]
fn the_committed_schemas_are_what_the_command_prints() {
    let documents = schema("--list");
    let documents: BTreeSet<&str> = documents.lines().collect();
    assert!(documents.contains("deployment") && documents.contains("register-changes"), "{documents:?}");
    for document in &documents {
        let file = repository("docs/schemas").join(document).with_extension("json");
        let committed = fs::read_to_string(file).unwrap_or_default();
        assert!(
            schema(document) == committed,
            "docs/schemas/{document}.json is not what the command prints: run `cargo xtask schemas`"
        );
    }
    let files = fs::read_dir(repository("docs/schemas")).unwrap().map(|file| file.unwrap().path());
    let files: BTreeSet<String> = files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(files, documents.into_iter().map(str::to_owned).collect(), "run `cargo xtask schemas`");
}
