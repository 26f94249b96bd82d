//! What people and tools read when a gate does not allow: one denial, in every form that `eval` has.

use std::process::Command;

use lockgate_tests::tree;

/// The other registers, whose entries are as they should be.
const REGISTERS: [&str; 6] = ["changes", "environments", "products", "instances", "incidents", "monitors"];

/// What `eval` prints of a deployment that is not ready, in one form; what differs from build to build is taken out.
fn denial(form: &str) -> String {
    let output = Command::new(tree("bin/lockgate"))
        .current_dir(tree("examples/new-version"))
        .env("COLUMNS", "100")
        .args(["eval", "--quiet", "--model", "model.toml", "--deployment", "no-way-back.json"])
        .args(["--evidence", "sbom=sbom-with-agpl.cdx.json", "--now", "2026-11-24T20:30:00Z"])
        .args(["--register", "releases=registers/releases-not-ready.ndjson"])
        .args(REGISTERS.map(|name| format!("--register={name}=registers/{name}.ndjson")))
        .args(["--stage", "plan-and-approve", "--phase", "entrance", "--output", form])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    without_ids(&String::from_utf8(output.stdout).unwrap())
}

/// A decision's id hangs on the digests of the plugins.
fn without_ids(text: &str) -> String {
    const DIGITS: usize = 12 + 1 + 32;
    let mut parts = text.split("dec-");
    let mut without = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        without.push_str("dec-…");
        without.push_str(part.get(DIGITS..).unwrap_or_default());
    }
    without
}

#[test]
fn a_denial_reads_like_the_error_of_a_compiler() {
    insta::assert_snapshot!(denial("table"));
}

#[test]
fn a_denial_is_annotated_in_the_log_of_a_workflow() {
    insta::assert_snapshot!(denial("github"));
}

#[test]
fn a_denial_is_a_failed_case_for_each_binding_that_denies() {
    insta::assert_snapshot!(denial("junit"));
}

#[test]
fn a_denial_is_a_result_for_each_reason_at_its_place() {
    insta::assert_snapshot!(denial("sarif"));
}

#[test]
fn without_a_terminal_there_is_no_colour_and_with_always_there_is() {
    let help = |arguments: &[&str]| {
        let mut command = Command::new(tree("bin/lockgate"));
        command.env_remove("NO_COLOR").args(["model", "check", "--text-only", "nothing.toml"]).args(arguments);
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    assert!(!help(&[]).contains('\u{1b}'));
    assert!(help(&["--color", "always"]).contains('\u{1b}'));
    assert!(!help(&["--color", "never"]).contains('\u{1b}'));
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = Command::new(tree("bin/lockgate")).args(["completions", shell]).output().unwrap();
        assert!(output.status.success(), "{shell}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("save-snapshot"), "{shell}");
    }
}
