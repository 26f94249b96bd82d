//! Tests of redirects.

use super::peer::{Peer, ok, path, redirect};
use super::*;

/// A peer that redirects requests for `/` to this place, with this status, and answers all others.
fn sending_on(status: u16, location: &str) -> Peer {
    let away = redirect(status, location);
    Peer::answering(move |request| if path(request) == "/" { away.clone() } else { ok("there") }.into_bytes())
}

fn first_lines(peer: &Peer) -> Vec<String> {
    peer.requests().iter().map(|request| request.lines().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_redirect_is_followed() {
    for location in ["/there?a=b", "there?a=b", "./x/../there?a=b#c"] {
        let peer = sending_on(302, location);
        let answer = get(&[granted(&peer.origin())], &peer.url("/")).unwrap();
        assert_eq!((answer.status, answer.body.0.as_slice()), (200, b"there".as_slice()));
        assert_eq!(first_lines(&peer), ["GET / HTTP/1.1", "GET /there?a=b HTTP/1.1"]);
    }
}

#[test]
fn a_redirect_is_followed_to_another_origin_that_is_granted() {
    let there = Peer::saying(&ok("over there"));
    let here = sending_on(301, &there.url("/x"));
    let grants = [granted(&here.origin()), granted(&there.origin())];
    assert_eq!(get(&grants, &here.url("/")).unwrap().body.0, b"over there");
}

#[test]
fn a_redirect_to_an_origin_that_is_not_granted_is_not_followed() {
    let there = Peer::saying(&ok(""));
    let here = sending_on(302, &there.url("/x"));
    let refused = get(&[granted(&here.origin())], &here.url("/"));
    assert_eq!(refused, Err(HttpError::NotGranted(format!("`{}`", there.origin()))));
    assert!(there.requests().is_empty());
}

#[test]
fn a_redirect_to_the_clear_is_not_followed_unless_the_clear_is_granted() {
    let port = 9;
    let here = sending_on(302, &format!("https://127.0.0.1:{port}/"));
    let refused = get(&[granted(&here.origin())], &here.url("/"));
    assert_eq!(refused, Err(HttpError::NotGranted(format!("`https://127.0.0.1:{port}`"))));
}

#[test]
fn a_redirect_to_what_is_no_url_is_no_answer() {
    for location in ["file:///etc/passwd", "http://user@127.0.0.1/", "http://", "/a b", "javascript:alert(1)"] {
        let peer = sending_on(302, location);
        let why = invalid_response(get(&[granted(&peer.origin())], &peer.url("/")));
        assert!(why.starts_with(&format!("it redirects to {location:?}, which is not a URL: ")), "{why}");
    }
}

#[test]
fn a_circle_ends_where_the_grant_says() {
    let peer = Peer::saying(&redirect(302, "/"));
    let refused = get(&[granted(&peer.origin())], &peer.url("/"));
    assert_eq!(refused, Err(HttpError::TooManyRedirects(3)));
    assert_eq!(peer.requests().len(), 4);

    let grant = HttpGrant { redirects: 0, ..granted(&peer.origin()) };
    assert_eq!(get(&[grant], &peer.url("/")), Err(HttpError::TooManyRedirects(0)));
    assert_eq!(peer.requests().len(), 5);
}

#[test]
fn the_method_becomes_get_as_browsers_have_it() {
    use HttpMethod::{Delete, Get, Head, Patch, Post, Put};
    for (status, method, becomes) in [
        (301, Post, Get),
        (302, Post, Get),
        (303, Post, Get),
        (303, Put, Get),
        (303, Delete, Get),
        (301, Put, Put),
        (302, Patch, Patch),
        (307, Post, Post),
        (308, Post, Post),
        (307, Delete, Delete),
        (301, Head, Head),
        (303, Head, Head),
        (308, Head, Head),
        (303, Get, Get),
    ] {
        let peer = sending_on(status, "/there");
        let mut asked = with_headers(request(method, &peer.url("/")), &[("content-type", "a/b"), ("accept", "c/d")]);
        if !matches!(method, Get | Head) {
            asked = with_body(asked, "body");
        }
        ask(&[granted(&peer.origin())], &asked).unwrap();
        let second = peer.requests()[1].clone();
        let case = format!("{status} {method}: {second}");
        assert!(second.starts_with(&format!("{} /there ", becomes.as_str().to_uppercase())), "{case}");
        let keeps_body = method == becomes;
        assert_eq!(second.contains("content-type: a/b"), keeps_body, "{case}");
        assert_eq!(second.ends_with("body"), keeps_body && asked.body.is_some(), "{case}");
        assert!(second.contains("accept: c/d"), "{case}");
    }
}

#[test]
fn the_method_that_it_becomes_has_to_be_granted() {
    let peer = sending_on(303, "/there");
    let grant = HttpGrant { methods: vec![HttpMethod::Post], ..granted(&peer.origin()) };
    let refused = ask(&[grant], &request(HttpMethod::Post, &peer.url("/")));
    assert_eq!(refused, Err(HttpError::NotGranted(format!("`get` on `{}`", peer.origin()))));
    assert_eq!(peer.requests().len(), 1);
}

#[test]
fn credentials_stay_with_the_origin_that_they_are_for() {
    let headers = [
        ("authorization", "secret"),
        ("cookie", "secret"),
        ("x-api-key", "secret"),
        ("private-token", "secret"),
        ("accept", "a/b"),
    ];
    let there = Peer::saying(&ok(""));
    let here = sending_on(302, &there.url("/"));
    let grants = [granted(&here.origin()), granted(&there.origin())];
    ask(&grants, &with_headers(request(HttpMethod::Get, &here.url("/")), &headers)).unwrap();
    assert_eq!(here.requests()[0].matches("secret").count(), 4);
    assert_eq!(there.requests()[0].matches("secret").count(), 0);
    assert!(there.requests()[0].contains("accept: a/b"));

    let same = sending_on(302, "/there");
    ask(&[granted(&same.origin())], &with_headers(request(HttpMethod::Get, &same.url("/")), &headers)).unwrap();
    assert_eq!(same.requests()[1].matches("secret").count(), 4);
}
