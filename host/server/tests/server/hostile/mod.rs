//! Clients that keep the server busy or waiting: which of them are closed or refused, and that a good one is answered all the
//! while. Attackers come from 127.0.0.2 and further on, the good client from 127.0.0.1.

mod connections;
mod credentials;
mod proxies;

use std::net::SocketAddr;

use lockgate_server::config::{Config, LimitsConfig};
use lockgate_server::serve::{RunningServer, Server};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::http_support::{Answer, config, request};

/// The preface of HTTP/2 with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// A server with these limits and the usual routes.
async fn serve(limits: LimitsConfig) -> (tempfile::TempDir, RunningServer) {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { limits, ..config(folder.path()) };
    let running = Server::new(config).start().await.unwrap();
    (folder, running)
}

/// A connection from that last number of 127.0.0.x.
async fn connect(from: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, from], 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// Ends when the server has closed the connection, with what came until then.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    // Reset or ended: both are closed.
    let _ = stream.read_to_end(&mut received).await;
    received
}

/// Asks on a connection that stays open, and reads the answer.
async fn ask(stream: &mut TcpStream, path: &str) -> Answer {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = vec![0; 16 << 10];
    let read = stream.read(&mut answer).await.unwrap();
    Answer::read(&answer[..read])
}

async fn is_alive(running: &RunningServer) {
    let answer = request(running, "GET /livez HTTP/1.1", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
}
