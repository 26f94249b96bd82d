//! What `plugin inspect` prints for the operator of a plugin.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::Command;

use lockgate_domain::CONTRACT_VERSION;
use lockgate_tests::Guest;

/// The exit code and the output of `plugin inspect`.
fn inspect(component: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("guest.wasm"), component).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    let output = command.current_dir(folder.path()).args(["plugin", "inspect", "guest.wasm"]).output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn a_plugin_of_another_contract_is_told_so_once_and_not_how_it_would_start() {
    let (code, said) = inspect(&Guest::default().component_against("9.9.9", |_, text| text));
    assert_eq!(code, Some(2), "{said}");
    let sentence = format!("it was built for contract 9.9.9; this host supports {CONTRACT_VERSION}: build the plugin");
    assert!(said.contains(&sentence), "{said}");
    assert_eq!(said.matches(&format!("this host supports {CONTRACT_VERSION}")).count(), 1, "{said}");
    assert!(!said.contains("start-up") && !said.contains("pre-initialised"), "{said}");
}

#[test]
fn title_licence_and_documentation_are_shown_if_the_plugin_has_them() {
    let (code, said) = inspect(&Guest::default().component());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("start-up"), "{said}");
    assert!(["title", "licence", "documentation"].iter().all(|field| !said.contains(field)), "{said}");

    // Pointer and length of each text, at its place in the record of `describe`.
    let text = |place: u32, at: u32, length: u32| {
        let length_place = place + 4;
        format!(
            "(i32.store (i32.const {place}) (i32.const {at})) (i32.store (i32.const {length_place}) (i32.const {length}))"
        )
    };
    let describe = [text(1116, 4096, 9), text(1132, 4105, 21), text(1140, 4126, 3)].concat();
    let guest = Guest {
        fields: r#"(data (i32.const 4096) "The Guesthttps://guest.exampleMIT")"#,
        describe: &describe,
        ..Guest::default()
    };
    let (code, said) = inspect(&guest.component());
    assert_eq!(code, Some(0), "{said}");
    for (field, value) in [("title", "The Guest"), ("licence", "MIT"), ("documentation", "https://guest.example")] {
        let row = said.lines().find(|line| line.trim_start().starts_with(field)).unwrap_or_default();
        assert!(row.ends_with(value), "{said}");
    }
}
