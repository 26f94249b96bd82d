//! Commands that talk to a server: the address and the token that they use.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::thread::{self, JoinHandle};

const TOKEN: &str = "lgt_0123456789ab_secret";

/// A command without the environment variables of the person who runs the tests.
fn lockgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
    command.args(arguments).env_remove("LOCKGATE_SERVER").env_remove("LOCKGATE_TOKEN").env("NO_COLOR", "1");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What was said on standard error by a command that has to end with 3.
fn refused(output: &Output) -> String {
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{words}");
    words
}

/// A server that refuses the first request, and gives the head of it.
fn refusing() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").unwrap();
        head.join("\n")
    });
    (address, asked)
}

#[test]
fn the_server_and_the_token_are_read_from_the_environment() {
    let (address, asked) = refusing();
    let mut command = lockgate(&["audit", "key"]);
    let output = command.env("LOCKGATE_SERVER", &address).env("LOCKGATE_TOKEN", format!("{TOKEN}\n")).output().unwrap();
    let head = asked.join().unwrap().to_lowercase();
    assert!(head.starts_with("get /api/v1/audit/head "), "{head}");
    assert!(head.contains(&format!("authorization: bearer {TOKEN}")), "{head}");
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains(&address) && words.contains("401") && !words.contains(TOKEN), "{words}");
}

#[test]
fn options_override_the_environment() {
    let (address, asked) = refusing();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "lgt_of_the_file\n").unwrap();
    let mut command = lockgate(&["audit", "key", "--server", &address, "--token-file", file.to_str().unwrap()]);
    command.env("LOCKGATE_SERVER", "http://127.0.0.1:9").env("LOCKGATE_TOKEN", TOKEN).output().unwrap();
    let head = asked.join().unwrap();
    assert!(head.contains("Bearer lgt_of_the_file"), "{head}");

    // A data folder that is named is read, whatever server the environment names.
    let mut command = lockgate(&["audit", "key", "--data", "/nowhere"]);
    let words = refused(&command.env("LOCKGATE_SERVER", "http://127.0.0.1:9").output().unwrap());
    assert!(words.contains("ledger not found: `/nowhere/ledger.db`"), "{words}");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = lockgate(&["audit", "key"]);
    let words = refused(&command.current_dir(&folder).env("LOCKGATE_SERVER", "").output().unwrap());
    assert!(words.contains("ledger not found: `lockgate-data/ledger.db`"), "{words}");
}

#[test]
fn invalid_variables_are_named_without_showing_the_token() {
    let key = || lockgate(&["audit", "key"]);
    let words = refused(&key().env("LOCKGATE_SERVER", "deploy.example.com").output().unwrap());
    assert!(words.contains("is not the URL of a server"), "{words}");
    assert!(words.contains("the environment variable `LOCKGATE_SERVER`"), "{words}");
    for (token, expected) in [
        (format!("{TOKEN} {TOKEN}"), "`LOCKGATE_TOKEN` cannot be used: it has white space in it"),
        (format!("{TOKEN}\u{7f}"), "`LOCKGATE_TOKEN` cannot be used: it has a character that no token has"),
    ] {
        let mut command = key();
        command.env("LOCKGATE_SERVER", "http://127.0.0.1:9").env("LOCKGATE_TOKEN", &token);
        let words = refused(&command.output().unwrap());
        assert!(words.contains(expected) && !words.contains(TOKEN), "{words}");
    }
    let words = refused(&lockgate(&["audit", "key", "--token-file", "token"]).output().unwrap());
    assert!(words.contains("`--token-file` needs a server") && words.contains("`LOCKGATE_SERVER`"), "{words}");
}

#[test]
fn the_help_names_the_variables_and_never_shows_their_values() {
    for command in [["audit", "verify"], ["audit", "prove"]] {
        for form in ["-h", "--help"] {
            let mut help = lockgate(&[&command[..], &[form]].concat());
            let output =
                help.env("LOCKGATE_SERVER", "https://secret.example.com").env("LOCKGATE_TOKEN", TOKEN).output();
            let words = text(&output.unwrap().stdout);
            assert!(words.contains("LOCKGATE_SERVER") && words.contains("LOCKGATE_TOKEN"), "{words}");
            assert!(!words.contains("secret"), "{words}");
        }
    }
}
