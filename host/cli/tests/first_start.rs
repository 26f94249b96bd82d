//! The first start of a server that nobody watches: its administrator's token is in a file, and in no log.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

#[test]
fn without_a_terminal_the_token_is_in_a_file_that_its_owner_alone_reads_and_signs_in() {
    let folder = tempfile::tempdir().unwrap();
    let lockgate = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockgate"));
        command.current_dir(&folder).env_remove("LOCKGATE_CONFIG").env_remove("LOCKGATE_TOKEN");
        command
    };
    let mut serve = lockgate();
    serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = serve.spawn().unwrap();
    let mut output = BufReader::new(server.stdout.take().unwrap());
    let mut said = String::new();
    output.read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on ").unwrap().to_owned();

    let file = folder.path().join("lockgate-data/first-administrator.token");
    let token = fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let mut key = lockgate();
    let key = key.args(["audit", "key", "--server", &address, "--token-file"]).arg(&file).output().unwrap();
    assert_eq!(key.status.code(), Some(0), "{}", String::from_utf8_lossy(&key.stderr));

    server.kill().unwrap();
    server.wait().unwrap();
    output.read_to_string(&mut said).unwrap();
    server.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("first-administrator.token"), "{said}");
    assert!(!said.contains(&token), "{said}");
}
