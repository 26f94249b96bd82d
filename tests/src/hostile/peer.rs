//! Peers that a guest with a grant for HTTP meets: hostile ones, too.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lockgate_runtime::HttpGrant;
use serde::Deserialize;

/// How a peer behaves once it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peer {
    /// It says nothing, and keeps the line.
    Silent,
    /// It says a byte each fifth of a second.
    Dripping,
    /// It never stops saying something.
    Endless,
    /// It sends on to itself.
    Redirecting,
}

impl Peer {
    /// Starts one. The URL of it, and the grant to ask it, which allows a fifth of a second and 64 KiB.
    ///
    /// It ends with the process.
    ///
    /// # Panics
    /// If there is no port to be had.
    #[must_use]
    pub fn start(self) -> (String, HttpGrant) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || self.answer(stream));
            }
        });
        let mut grant = HttpGrant::new(origin.parse().unwrap());
        grant.addresses = vec!["127.0.0.1".parse().unwrap()];
        grant.timeout = Duration::from_millis(200);
        grant.response_size = 64 << 10;
        (format!("{origin}/"), grant)
    }

    /// Answers in its way, until the other side has had enough.
    fn answer(self, mut stream: TcpStream) {
        let Ok(reading) = stream.try_clone() else { return };
        let lines = BufReader::new(reading).lines().map_while(Result::ok);
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        let head = "HTTP/1.1 200 OK\r\n\r\n";
        let mut said = match self {
            Self::Silent => Ok(()),
            Self::Redirecting => {
                stream.write_all(b"HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n")
            }
            Self::Dripping | Self::Endless => stream.write_all(head.as_bytes()),
        };
        while said.is_ok() {
            said = match self {
                Self::Redirecting => return,
                Self::Silent => stream.peek(&mut [0]).and_then(|read| if read == 0 { Err(gone()) } else { Ok(()) }),
                Self::Dripping => {
                    thread::sleep(Duration::from_millis(200));
                    stream.write_all(b".")
                }
                Self::Endless => {
                    // As a peer on the other end of a network would: what it spends is not to be the victim's.
                    thread::sleep(Duration::from_millis(1));
                    stream.write_all(&[b'.'; 1 << 12])
                }
            };
        }
    }
}

fn gone() -> std::io::Error {
    std::io::ErrorKind::BrokenPipe.into()
}
