//! Output that cannot be written: the command exits with a code of its own, and never panics.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::process::{Command, Stdio};

fn lockgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    command.args(arguments);
    command
}

#[test]
fn a_full_disk_is_reported_and_fails_the_command() {
    for arguments in [["schema", "decision"], ["completions", "zsh"]] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = lockgate(&arguments).stdout(full).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {words}");
        assert!(words.starts_with("error: cannot write to standard output: "), "{arguments:?}: {words}");
    }
}

#[test]
fn messages_that_cannot_be_written_do_not_change_the_exit_code() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let arguments = ["eval", "--model", "/nowhere/model.toml", "--deployment", "/nowhere/deployment.json"];
    assert_eq!(lockgate(&arguments).stderr(full).status().unwrap().code(), Some(3));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    for arguments in [["schema", "decision"], ["completions", "zsh"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = lockgate(&arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn standard_input_is_read_for_one_document_only() {
    let arguments = ["eval", "--model", "/nowhere/model.toml", "--deployment", "-", "--evidence", "sbom=-"];
    let output = lockgate(&arguments).stdin(Stdio::null()).output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{words}");
    assert!(words.contains("cannot read the evidence `sbom` from standard input"), "{words}");
}
