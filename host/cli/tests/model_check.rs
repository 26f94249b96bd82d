//! `model check` and `model pin` with the plugins' files at hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::Command;

use lockgate_tests::Guest;

#[test]
fn settings_that_a_pinned_plugin_would_refuse_are_refused_before_it_is_pinned() {
    let folder = tempfile::tempdir().unwrap();
    let schema = r#"{"properties": {"lead": {"format": "lockgate-person"}}}"#;
    fs::write(folder.path().join("guest.wasm"), Guest { schema, ..Guest::default() }.component()).unwrap();
    let check = |lead: &str, arguments: &[&str]| {
        let model = format!(
            "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n[plugins.guest]\ncomponent = \"guest.wasm\"\n\
             [[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n[[gates.bindings]]\nid = \"b\"\nplugin = \"guest\"\n\
             enforcement = \"hard-mandatory\"\nsettings.lead = \"{lead}\"\n"
        );
        fs::write(folder.path().join("model.toml"), model).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.current_dir(folder.path()).args(["--cache", "cache", "model", "check", "model.toml"]).args(arguments);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = check("ann@example.org", &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning[unpinned-plugin]"), "{said}");
    let (code, said) = check("", &[]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("error[settings-refused]") && said.contains("model.toml:13:17"), "{said}");
    assert_eq!(check("", &["--text-only"]).0, Some(0), "its plugins are not looked at");
}

#[test]
fn several_models_are_pinned_at_once_and_none_if_one_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("guest.wasm"), Guest::default().component()).unwrap();
    let model = |id: &str, component: &str| {
        let text = format!(
            "id = \"{id}\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n[plugins.guest]\ncomponent = \"{component}\"\n\
             [[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n[[gates.bindings]]\nid = \"b\"\nplugin = \"guest\"\n\
             enforcement = \"hard-mandatory\"\n"
        );
        fs::write(path(&format!("{id}.toml")), text).unwrap();
    };
    let pin = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        let output = command.current_dir(folder.path()).args(["model", "pin"]).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code(), said)
    };
    let is_pinned = |name: &str| fs::read_to_string(path(name)).unwrap().contains("digest = \"sha256:");
    model("one", "guest.wasm");
    model("two", "absent.wasm");
    let (code, said) = pin(&["one.toml", "two.toml"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("absent.wasm") && !is_pinned("one.toml"), "{said}");
    model("two", "guest.wasm");
    assert_eq!(pin(&["--check", "one.toml", "two.toml"]).0, Some(2));
    let (code, said) = pin(&["one.toml", "two.toml"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("one.toml") && said.contains("two.toml"), "{said}");
    assert!(is_pinned("one.toml") && is_pinned("two.toml"));
    assert_eq!(pin(&["--check", "one.toml", "two.toml"]).0, Some(0));
}
