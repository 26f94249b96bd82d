//! Tests of the requests that are sent, and of those that are refused.

use super::peer::{Peer, ok};
use super::*;

fn refused(request: &HttpRequest) -> String {
    invalid_request(ask(&[granted("http://127.0.0.1:9")], request))
}

fn refused_header(name: &str, value: &str) -> String {
    refused(&with_headers(request(HttpMethod::Get, "http://127.0.0.1:9/"), &[(name, value)]))
}

/// The lines of the only request that came.
fn sent(peer: &Peer) -> Vec<String> {
    let requests = peer.requests();
    assert_eq!(requests.len(), 1);
    let mut lines: Vec<String> = requests[0].split("\r\n").map(str::to_owned).collect();
    lines[1..].sort();
    lines.retain(|line| !line.is_empty());
    lines
}

#[test]
fn a_request_says_what_was_asked_and_what_the_connection_needs() {
    let peer = Peer::saying(&ok(""));
    ask(&[granted(&peer.origin())], &request(HttpMethod::Get, &peer.url("/a/../b?c=d#e"))).unwrap();
    let host = format!("host: 127.0.0.1:{}", peer.port());
    assert_eq!(sent(&peer), ["GET /a/../b?c=d HTTP/1.1", "connection: close", &host, "user-agent: lockgate"]);
}

#[test]
fn headers_and_body_are_sent_as_they_were_given() {
    let peer = Peer::saying(&ok(""));
    let asked = with_body(request(HttpMethod::Post, &peer.url("/")), "{}");
    let asked =
        with_headers(asked, &[("Content-Type", "application/json"), ("User-Agent", "x"), ("authorization", "k")]);
    ask(&[granted(&peer.origin())], &asked).unwrap();
    let host = format!("host: 127.0.0.1:{}", peer.port());
    assert_eq!(
        sent(&peer),
        [
            "POST / HTTP/1.1",
            "authorization: k",
            "connection: close",
            "content-length: 2",
            "content-type: application/json",
            &host,
            "user-agent: x",
            "{}",
        ]
        .map(str::to_owned)
        .to_vec()
    );
}

#[test]
fn each_method_is_sent_by_its_name() {
    for method in HttpMethod::ALL {
        let peer = Peer::saying("HTTP/1.1 204 No\r\n\r\n");
        ask(&[granted(&peer.origin())], &request(method, &peer.url("/"))).unwrap();
        let sent = sent(&peer);
        assert_eq!(sent[0], format!("{} / HTTP/1.1", method.as_str().to_uppercase()));
        let has_length = sent.contains(&"content-length: 0".to_owned());
        assert_eq!(has_length, matches!(method, HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch), "`{method}`");
    }
}

#[test]
fn delete_may_have_a_body() {
    let peer = Peer::saying(&ok(""));
    ask(&[granted(&peer.origin())], &with_body(request(HttpMethod::Delete, &peer.url("/")), "why")).unwrap();
    assert!(peer.requests()[0].ends_with("\r\n\r\nwhy"));
}

#[test]
fn an_empty_body_is_none_where_there_is_none() {
    let peer = Peer::saying(&ok(""));
    ask(&[granted(&peer.origin())], &with_body(request(HttpMethod::Get, &peer.url("/")), "")).unwrap();
    assert!(!peer.requests()[0].contains("content-length"));
    assert_eq!(
        refused(&with_body(request(HttpMethod::Get, "http://127.0.0.1:9/"), "x")),
        "a `get` request cannot have a body"
    );
}

#[test]
fn headers_about_the_connection_are_the_hosts() {
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "connection",
        "keep-alive",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "proxy-authorization",
        "Proxy-Connection",
        "http2-settings",
    ] {
        assert_eq!(refused_header(name, "1"), format!("the host sets the header `{}` itself", name.to_lowercase()));
    }
}

#[test]
fn nothing_can_be_smuggled_in_a_header() {
    for value in ["a\r\nhost: evil", "a\nb", "a\rb", "a\0b", "a\x7fb", "café"] {
        assert_eq!(
            refused_header("x-a", value),
            "the value of the header `x-a` may only contain visible ASCII, blanks and tabs"
        );
    }
    for name in ["", "a b", "a:b", "a\r\nb", "a\0", "café", "a(b)"] {
        assert_eq!(refused_header(name, "1"), format!("{name:?} is not a header name"));
    }
}

#[test]
fn nothing_can_be_smuggled_in_a_url() {
    for url in [
        "http://127.0.0.1:9/a b HTTP/1.1",
        "http://127.0.0.1:9/\r\nx: y",
        "http://127.0.0.1:9\r\n/",
        "http://127.0.0.1:9/\u{e9}",
        "http://u@127.0.0.1:9/",
        "http://127.0.0.1:9@evil/",
        "http://127.0.0.1:9\\@evil/",
        "//127.0.0.1:9/",
        "/",
        "",
        "gopher://127.0.0.1:9/",
        "http://127.0.0.1:99999/",
    ] {
        let why = refused(&request(HttpMethod::Get, url));
        assert!(why.starts_with("invalid URL: "), "`{url}`: {why}");
    }
}

#[test]
fn a_request_is_bounded() {
    let url = "http://127.0.0.1:9/";
    let large = "x".repeat(16_384);
    assert_eq!(refused_header("x-a", &large), "its headers have 16387 bytes; the limit is 16384");
    let many = with_headers(request(HttpMethod::Get, url), &vec![("x", "y"); 101]);
    assert_eq!(refused(&many), "it has 101 headers; the limit is 100");
    let body = with_body(request(HttpMethod::Post, url), &"x".repeat(1_048_577));
    assert_eq!(refused(&body), "its body has 1048577 bytes; the limit is 1048576");
}

#[test]
fn a_body_of_a_mebibyte_arrives_whole() {
    let peer = Peer::answering(|request| ok(&request.len().to_string()).into_bytes());
    let asked = with_body(request(HttpMethod::Put, &peer.url("/")), &"x".repeat(1_048_576));
    ask(&[granted(&peer.origin())], &asked).unwrap();
    assert!(peer.requests()[0].ends_with(&format!("\r\n\r\n{}", "x".repeat(1_048_576))));
}

#[test]
fn only_what_is_granted_is_asked() {
    let peer = Peer::saying(&ok(""));
    let mut grant = granted(&peer.origin());
    grant.methods = vec![HttpMethod::Get];
    let refused = |method, url: &str| ask(&[grant.clone()], &request(method, url)).unwrap_err();
    let not_granted = |what: String| HttpError::NotGranted(what);
    assert_eq!(refused(HttpMethod::Post, &peer.url("/")), not_granted(format!("`post` on `{}`", peer.origin())));
    assert_eq!(refused(HttpMethod::Get, "https://Evil.example:443/x"), not_granted("`https://evil.example`".into()));
    let other_scheme = format!("https://127.0.0.1:{}", peer.port());
    assert_eq!(refused(HttpMethod::Get, &other_scheme), not_granted(format!("`{other_scheme}`")));
    assert_eq!(refused(HttpMethod::Get, "http://127.0.0.1/"), not_granted("`http://127.0.0.1`".into()));
    let other_name = format!("http://localhost:{}", peer.port());
    assert_eq!(refused(HttpMethod::Get, &other_name), not_granted(format!("`{other_name}`")));
    assert!(peer.requests().is_empty());
}

#[test]
fn a_grant_that_grants_nothing_is_no_grant() {
    let why = |grants: &[HttpGrant]| HttpClient::new(grants).unwrap_err().to_string();
    let grant = HttpGrant::new("https://a".parse().unwrap());
    assert_eq!(
        why(&[HttpGrant { methods: Vec::new(), ..grant.clone() }]),
        "the grant of `https://a` has no method: add one, or leave out `methods` to grant `get` and `head`"
    );
    assert_eq!(
        why(&[HttpGrant { timeout: Duration::ZERO, ..grant.clone() }]),
        "the grant of `https://a` has a timeout of 0, so every request would fail: set a longer one"
    );
    assert_eq!(
        why(&[grant.clone(), HttpGrant::new("HTTPS://A:443".parse().unwrap())]),
        "`https://a` is granted twice: merge both grants into one"
    );
}
