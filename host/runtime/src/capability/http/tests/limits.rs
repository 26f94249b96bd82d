//! Peers that send too much, or too slowly.

use std::io::Write;
use std::thread;

use super::peer::{Peer, ok, path, read_request, redirect, repeat};
use super::*;

const QUICK: Duration = Duration::from_millis(300);

/// Asks with a timeout of 300 ms, and sees to it that it is kept.
fn ask_quickly(peer: &Peer, asked: &HttpRequest) -> Result<HttpResponse, HttpError> {
    let grant = HttpGrant { timeout: QUICK, ..granted(&peer.origin()) };
    let begun = Instant::now();
    let answer = ask(&[grant], asked);
    assert!(begun.elapsed() < QUICK + Duration::from_secs(3), "it took {:?}", begun.elapsed());
    answer
}

fn get_quickly(peer: &Peer) -> Result<HttpResponse, HttpError> {
    ask_quickly(peer, &request(HttpMethod::Get, &peer.url("/")))
}

/// Asks with a limit of 1,000 bytes.
fn get_little(peer: &Peer) -> Result<HttpResponse, HttpError> {
    get(&[HttpGrant { response_size: 1_000, ..granted(&peer.origin()) }], &peer.url("/"))
}

/// A peer that reads a request, writes something, and then that again and again.
fn repeating(first: &str, then: &str, pause: Duration) -> Peer {
    let (first, then) = (first.to_owned(), then.to_owned());
    Peer::doing(move |mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(first.as_bytes());
        repeat(&mut stream, &then, pause);
    })
}

#[test]
fn a_body_may_be_as_large_as_the_grant_says() {
    let peer = Peer::saying(&ok(&"x".repeat(1_000)));
    assert_eq!(get_little(&peer).unwrap().body.0.len(), 1_000);
}

#[test]
fn a_body_that_says_that_it_is_too_large_is_not_waited_for() {
    let peer = repeating("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", "", Duration::from_millis(10));
    assert_eq!(get_little(&peer), Err(HttpError::TooLarge(1_000)));
}

#[test]
fn a_body_without_an_end_is_cut() {
    let chunked = repeating("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\nabcd\r\n", Duration::ZERO);
    assert_eq!(get_little(&chunked), Err(HttpError::TooLarge(1_000)));
    let plain = repeating("HTTP/1.1 200 OK\r\n\r\n", "abcd", Duration::ZERO);
    assert_eq!(get_little(&plain), Err(HttpError::TooLarge(1_000)));
}

#[test]
fn a_header_without_an_end_is_no_answer() {
    let one_line = repeating("HTTP/1.1 200 OK\r\nx: ", "abcd", Duration::ZERO);
    assert_eq!(invalid_response(get_little(&one_line)), "its header is larger than 32768 bytes");
    let many_lines = repeating("HTTP/1.1 200 OK\r\n", "x: y\r\n", Duration::ZERO);
    assert!(!invalid_response(get_little(&many_lines)).is_empty());
}

#[test]
fn a_peer_that_never_answers_is_left() {
    let peer = Peer::doing(|mut stream| {
        read_request(&mut stream);
        thread::sleep(Duration::from_secs(5));
    });
    assert_eq!(get_quickly(&peer), Err(HttpError::TimedOut(300)));
}

#[test]
fn a_peer_that_does_not_even_read_is_left() {
    let peer = Peer::doing(|stream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    let large = with_body(request(HttpMethod::Post, &peer.url("/")), &"x".repeat(1 << 20));
    assert_eq!(ask_quickly(&peer, &large), Err(HttpError::TimedOut(300)));
}

#[test]
fn a_peer_that_dribbles_is_left() {
    let pause = Duration::from_millis(20);
    for (first, then) in [
        ("HTTP/1.1 200 OK\r\nx: ", "a"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", "a"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\na\r\n"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "a"),
        ("HTTP/1.1 200 OK\r\n\r\n", "a"),
        ("", "HTTP/1.1 102 Processing\r\n\r\n"),
    ] {
        let peer = repeating(first, then, pause);
        assert_eq!(get_quickly(&peer), Err(HttpError::TimedOut(300)), "{first:?}, {then:?}");
    }
}

#[test]
fn a_peer_that_never_comes_to_the_point_is_no_answer() {
    let peer = repeating("", &"HTTP/1.1 102 Processing\r\n\r\n".repeat(2_000), Duration::ZERO);
    assert_eq!(invalid_response(get_little(&peer)), "its header is larger than 32768 bytes");
}

#[test]
fn all_redirects_share_the_time_of_the_first() {
    let peer = Peer::answering(|request| {
        thread::sleep(Duration::from_millis(120));
        redirect(302, &format!("{}x", path(request))).into_bytes()
    });
    assert_eq!(get_quickly(&peer), Err(HttpError::TimedOut(300)));
}

#[test]
fn the_end_of_the_evaluation_is_the_end_of_the_request() {
    let peer = repeating("HTTP/1.1 200 OK\r\n\r\n", "a", Duration::from_millis(20));
    let client = HttpClient::new(&[granted(&peer.origin())]).unwrap();
    let (begun, asked) = (Instant::now(), request(HttpMethod::Get, &peer.url("/")));
    let answer = client.send(&mut NameCache::default(), &asked, begun + Duration::from_millis(200));
    assert!(matches!(answer, Err(HttpError::TimedOut(1..=200))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(3));

    let late = client.send(&mut NameCache::default(), &asked, Instant::now());
    assert_eq!(late, Err(HttpError::TimedOut(0)));
}
