//! The real command as a server on a free port of this machine, and how it is asked: with as little as a client needs.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::tree;

/// How long is waited for an answer.
const LONGEST: Duration = Duration::from_secs(60);

/// A running server. It is killed when it is let go of.
#[derive(Debug)]
pub struct Served {
    /// The process.
    pub process: Child,
    /// Where it listens: an address and a port.
    pub address: String,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// All before the body.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// What arrived on a connection, if that is all of an answer.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let promised = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if promised.is_some_and(|promised: usize| promised != body.len()) {
            return None;
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Self { status, head: head.to_owned(), body: body.to_owned() })
    }
}

impl Served {
    /// Starts a server of the quick start's model, by a program that starts it if there is one.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(data: &Path, by: &[&str]) -> Self {
        let lockgate = tree("bin/lockgate");
        let mut command = match by {
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(lockgate);
                command
            }
            [] => Command::new(lockgate),
        };
        command.args(["serve", "--data"]).arg(data).arg("--models").arg(tree("examples/quick-start/model.toml"));
        Self::by(command)
    }

    /// Starts a server by a command that has all but where it listens.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn by(mut command: Command) -> Self {
        command.args(["--quiet", "--listen", "127.0.0.1:0"]).env_remove("LOCKGATE_CONFIG");
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { process, address }
    }

    /// Ends it at once.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Sends it a signal, by its name.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn signal(&self, name: &str) {
        let process = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn ended(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// What everybody may ask.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Answer> {
        send(&self.address, "GET", path, "", "")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All of a request but its body.
#[must_use]
pub fn head(address: &str, method: &str, path: &str, token: &str, length: usize) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    if !token.is_empty() {
        let _ = write!(head, "Authorization: Bearer {token}\r\n");
    }
    let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
    head
}

/// A connection on which an answer is not waited for longer than a test may take.
///
/// # Errors
/// If there is none.
pub fn connect(address: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(LONGEST))?;
    Ok(stream)
}

/// One request on a connection of its own: the answer, if all of it arrived.
#[must_use]
pub fn send(address: &str, method: &str, path: &str, token: &str, body: &str) -> Option<Answer> {
    let mut stream = connect(address).ok()?;
    let request = head(address, method, path, token, body.len()) + body;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Answer::read(&answer)
}

/// A token for somebody who asks for deployments of the team `shop`, and asks gates.
///
/// # Panics
/// If it is not issued.
#[must_use]
pub fn token(data: &Path) -> String {
    token_of(data, "ada@example.org", "pipeline")
}

/// A token for somebody of the team `shop` in a role.
///
/// # Panics
/// If it is not issued.
#[must_use]
pub fn token_of(data: &Path, person: &str, role: &str) -> String {
    let mut command = Command::new(tree("bin/lockgate"));
    command.args(["token", "create", "--for", person, "--role", role, "--team", "shop", "--data"]);
    let output = command.arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
