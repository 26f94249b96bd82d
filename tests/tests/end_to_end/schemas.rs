//! The JSON Schemas in `docs/schemas` are those of the command.

use std::fs;
use std::process::Command;

use lockgate_tests::{repository, tree};

#[test]
fn the_committed_schemas_are_what_the_command_prints() {
    for document in ["deployment", "snapshot", "decision"] {
        let printed = Command::new(tree("bin/lockgate")).args(["schema", document]).output().unwrap();
        assert!(printed.status.success(), "{document}");
        let committed = fs::read_to_string(repository("docs/schemas").join(document).with_extension("json")).unwrap();
        assert!(
            String::from_utf8(printed.stdout).unwrap() == committed,
            "docs/schemas/{document}.json is not what the command prints: run `cargo xtask schemas`"
        );
    }
}
