//! Peers that speak something else than HTTP.

use super::peer::{Peer, ok};
use super::*;

#[test]
fn what_is_no_http_is_no_answer() {
    for garbage in [
        "",
        "\r\n\r\n",
        "hello",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 000 So\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfour",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nabcd\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\n\r\n",
    ] {
        let peer = Peer::saying(garbage);
        let answer = get(&[granted(&peer.origin())], &peer.url("/"));
        assert!(matches!(answer, Err(HttpError::InvalidResponse(_))), "{garbage:?}: {answer:?}");
    }
}

#[test]
fn too_many_headers_are_no_answer() {
    let peer = Peer::saying(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(500)));
    assert!(!invalid_response(get(&[granted(&peer.origin())], &peer.url("/"))).is_empty());
}

#[test]
fn a_mangled_answer_is_an_answer_or_an_error() {
    let seeds = [
        ok("hello"),
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n".to_owned(),
        "HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 2\r\n\r\nab".to_owned(),
        "HTTP/1.0 200 OK\r\ncontent-type: text/plain; charset=x\r\nconnection: keep-alive\r\n\r\nabc".to_owned(),
    ];
    // Numbers as Marsaglia makes them, the same ones each time.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut number = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..400 {
        let mut bytes = seeds[round % seeds.len()].clone().into_bytes();
        for _ in 0..=number(4) {
            let at = number(bytes.len());
            match number(4) {
                0 => bytes[at] = b"\r\n\0 :;\xff09"[number(9)],
                1 => bytes.truncate(at + 1),
                2 => bytes.insert(at, b"\r\n\0 :;\xff09"[number(9)]),
                _ => {
                    bytes.remove(at);
                    bytes.push(b'x');
                }
            }
        }
        let peer = Peer::answering(move |_| bytes.clone());
        let _ = get(&[granted(&peer.origin())], &peer.url("/"));
    }
}
