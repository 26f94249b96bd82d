//! A server that answers as a test says, and notes what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use lockgate_client::Client;

/// What a server was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The request line and the headers, in lower case.
    pub(crate) head: String,
    /// The body.
    pub(crate) body: String,
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// An answer: the status line after `HTTP/1.1 `, more headers, each with its line end, and the body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
}

/// Serves these answers, one after the other, each on a connection of its own. The address, and what was asked.
pub(crate) fn serve(answers: Vec<String>) -> (String, Receiver<Asked>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, asked) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let request = read(&stream);
            stream.write_all(answer.as_bytes()).unwrap();
            // A test that does not look at it has dropped the other end.
            let _ = send.send(request);
        }
    });
    (address, asked)
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let asked = Asked { head: head.replace("\r\n", "\n").to_lowercase(), body: String::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Asked { body: String::from_utf8(body).unwrap(), ..asked }
}

/// A client of a server, with a token.
pub(crate) fn client(address: &str) -> Client {
    Client::new(address.parse().unwrap(), Some("lgt_0123456789ab_secret".parse().unwrap()))
}
