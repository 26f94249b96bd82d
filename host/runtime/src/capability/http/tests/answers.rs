//! Tests of valid answers.

use super::peer::{Peer, ok};
use super::*;

fn headers(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn an_answer_has_a_status_headers_in_order_and_a_body() {
    let peer = Peer::saying(
        "HTTP/1.1 200 Fine\r\nX-Two: b\r\nContent-Length: 5\r\nX-One: z\r\nX-Two: a\r\nServer:\r\n\r\nhello and more",
    );
    let answer = get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.headers,
        headers(&[("content-length", "5"), ("server", ""), ("x-one", "z"), ("x-two", "b"), ("x-two", "a")])
    );
    assert_eq!(answer.body.0, b"hello");
}

#[test]
fn any_status_is_an_answer() {
    for status in [201, 300, 304, 400, 401, 404, 418, 500, 503, 599] {
        let peer = Peer::saying(&format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(get(&[granted(&peer.origin())], &peer.url("/")).unwrap().status, status);
    }
}

#[test]
fn a_redirect_to_nowhere_is_an_answer() {
    let peer = Peer::saying("HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(get(&[granted(&peer.origin())], &peer.url("/")).unwrap().status, 302);
}

#[test]
fn a_body_in_chunks_is_put_together() {
    let peer = Peer::saying(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    );
    assert_eq!(get(&[granted(&peer.origin())], &peer.url("/")).unwrap().body.0, b"abc0123456789");
}

#[test]
fn a_body_without_a_length_ends_with_the_connection() {
    let peer = Peer::saying("HTTP/1.1 200 OK\r\n\r\nall of it");
    assert_eq!(get(&[granted(&peer.origin())], &peer.url("/")).unwrap().body.0, b"all of it");
}

#[test]
fn some_answers_have_no_body_whatever_they_say() {
    for status in [204, 304] {
        let peer = Peer::saying(&format!("HTTP/1.1 {status} So\r\ncontent-length: 5\r\n\r\nhello"));
        let answer = get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
        assert_eq!((answer.status, answer.body.0.as_slice()), (status, b"".as_slice()));
    }
}

#[test]
fn the_answer_to_head_says_how_long_a_body_would_be_and_has_none() {
    let peer = Peer::saying("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n");
    let answer = ask(&[granted(&peer.origin())], &request(HttpMethod::Head, &peer.url("/"))).unwrap();
    assert_eq!(answer.headers, headers(&[("content-length", "99999999")]));
    assert!(answer.body.0.is_empty());
}

#[test]
fn compressed_bodies_and_cookies_are_handed_over_as_they_came() {
    let peer = Peer::answering(|_| {
        b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b\xff"
            .to_vec()
    });
    let answer = get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
    assert_eq!(answer.headers[0], ("content-encoding".to_owned(), "gzip".to_owned()));
    assert_eq!(answer.body.0, [0x1f, 0x8b, 0xff]);
    get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
    assert!(peer.requests().iter().all(|request| !request.contains("cookie")));
}

#[test]
fn the_value_of_a_header_that_is_no_text_is_left_out() {
    let peer = Peer::answering(|_| {
        b"HTTP/1.1 200 OK\r\nx-latin: caf\xe9\r\nx-utf: caf\xc3\xa9\r\ncontent-length: 0\r\n\r\n".to_vec()
    });
    let answer = get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
    assert_eq!(answer.headers, headers(&[("content-length", "0"), ("x-utf", "café")]));
}

#[test]
fn what_a_server_says_in_advance_is_passed_over() {
    let peer = Peer::saying(&format!("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n{}", ok("late")));
    let answer = get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
    assert_eq!((answer.status, answer.body.0.as_slice()), (200, b"late".as_slice()));
}

#[test]
fn each_request_has_a_connection_of_its_own() {
    let peer = Peer::saying(&ok("x"));
    let client = HttpClient::new(&[granted(&peer.origin())]).unwrap();
    let mut names = NameCache::default();
    for _ in 0..3 {
        client.send(&mut names, &request(HttpMethod::Get, &peer.url("/")), in_a_minute()).unwrap();
    }
    assert_eq!(peer.requests().len(), 3, "the peer reads one request from a connection");
    assert!(peer.requests().iter().all(|request| request.contains("\r\nconnection: close\r\n")));
}
