//! HTTP by hand: what is sent is seen in the test, to the byte.

use std::net::SocketAddr;
use std::path::Path;

use lockgate_server::config::Config;
use lockgate_server::serve::RunningServer;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The default, on a free port, with its data in a folder.
pub(crate) fn config(data: &Path) -> Config {
    Config { listen: ([127, 0, 0, 1], 0).into(), data: data.to_owned(), models: Vec::new(), ..Config::default() }
}

/// An answer. The status is 0 if there was none.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers =
            lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends a request line (further headers may follow it) and a body, on a connection of its own.
pub(crate) async fn request(running: &RunningServer, line: &str, body: &str) -> Answer {
    exchange(running.address(), line, body).await
}

pub(crate) async fn exchange(address: SocketAddr, line: &str, body: &str) -> Answer {
    Answer::read(&send(address, head(line, body).as_bytes()).await)
}

/// The text of a request.
pub(crate) fn head(line: &str, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("{line}\r\nhost: localhost\r\nconnection: close\r\n{length}\r\n{body}")
}

/// Sends bytes, and reads until the other side closes.
pub(crate) async fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    talk(TcpStream::connect(address).await.unwrap(), bytes).await.unwrap_or_default()
}

pub(crate) async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(bytes).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    // What came before the connection was cut counts.
    match stream.read_to_end(&mut answer).await {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}
