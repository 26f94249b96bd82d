//! Somebody who listens on 127.0.0.1 and answers as a test wants it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub(super) struct Peer {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Does that with each connection, on a thread for each.
    pub(super) fn doing(act: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let act = Arc::new(act);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let act = Arc::clone(&act);
                thread::spawn(move || act(stream.unwrap()));
            }
        });
        Self { port, requests: Arc::default() }
    }

    /// Reads a request, writes what is made of it, and closes.
    pub(super) fn answering(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let peer = Self::doing(move |mut stream| {
            let request = read_request(&mut stream);
            seen.lock().unwrap().push(request.clone());
            // The other side may well have gone.
            let _ = stream.write_all(&answer(&request));
        });
        Self { requests, ..peer }
    }

    /// Answers everything alike.
    pub(super) fn saying(answer: &str) -> Self {
        let answer = answer.as_bytes().to_vec();
        Self::answering(move |_| answer.clone())
    }

    pub(super) fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What it was asked, in order, as it came.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// An answer with a length.
pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// An answer that sends elsewhere.
pub(super) fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// The path that a request asks for.
pub(super) fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap_or_default()
}

/// Writes that again and again until nobody listens, with a pause between.
pub(super) fn repeat(stream: &mut TcpStream, text: &str, pause: Duration) {
    while stream.write_all(text.as_bytes()).is_ok() {
        thread::sleep(pause);
    }
}

/// Reads a request with its body; what is there if the other side ends early.
pub(super) fn read_request(stream: &mut impl Read) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((header, body)) = text.split_once("\r\n\r\n") {
            let length = header.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return text,
            Ok(amount) => read.extend_from_slice(&buffer[..amount]),
        }
    }
}
