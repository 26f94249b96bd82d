//! What a client makes of answers.

use std::net::TcpListener;

use lockgate_client::{Client, Error, RequestPath};
use serde_json::{Value, json};

use crate::support::{answer, client, serve};

fn path() -> RequestPath {
    RequestPath::new("/api/v1/me")
}

#[test]
fn a_problem_document_becomes_an_error_with_status_code_and_detail() {
    let problem = json!({
        "type": "urn:lockgate:problem:illegal-move", "title": "Conflict", "status": 409, "detail": "it is in `fulfill`",
        "legal_moves": ["abort"],
    });
    let (server, _) =
        serve(vec![answer("409 Conflict", "Content-Type: application/problem+json\r\n", &problem.to_string())]);
    let error = client(&server).post_empty::<Value>(&path()).unwrap_err();
    assert_eq!(error.to_string(), format!("`{server}/api/v1/me` answered 409 Conflict (it is in `fulfill`)"));
    let refusal = error.refusal().unwrap();
    assert_eq!(
        (refusal.status(), refusal.code(), refusal.message()),
        (409, Some("illegal-move"), Some("it is in `fulfill`"))
    );
    assert_eq!(refusal.problem().unwrap().members["legal_moves"], json!(["abort"]));
}

#[test]
fn a_refusal_without_a_problem_says_what_to_do() {
    for (status, expected) in [
        ("401 Unauthorized", "answered 401 Unauthorized: give a valid token, for example in `LOCKGATE_TOKEN`"),
        ("404 Not Found", "answered 404 Not Found: is it a Lockgate server, and of this version?"),
        ("500 Internal Server Error", "answered 500 Internal Server Error"),
    ] {
        let (server, _) = serve(vec![answer(status, "", "<h1>Sorry</h1>")]);
        let error = client(&server).get::<Value>(&path()).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(error.refusal().unwrap().code(), None);
    }
}

#[test]
fn a_token_goes_to_no_server_that_another_redirects_to() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let location = format!("Location: http://{}/\r\n", other.local_addr().unwrap());
    let (server, _) = serve(vec![answer("307 Temporary Redirect", &location, "")]);
    let error = client(&server).get::<Value>(&path()).unwrap_err().to_string();
    assert!(error.contains("307 Temporary Redirect: use the address that it redirects to"), "{error}");
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_page_in_html_is_no_answer_of_lockgate() {
    let (server, _) = serve(vec![answer("200 OK", "", "<h1>Sign in</h1>")]);
    let error = client(&server).get::<Value>(&path()).unwrap_err();
    assert!(matches!(error, Error::InvalidAnswer { .. }), "{error}");
    assert!(error.to_string().contains("/api/v1/me` does not answer like a Lockgate server"), "{error}");
}

#[test]
fn an_answer_that_is_cut_off_is_no_answer() {
    let (server, _) = serve(vec!["HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"size\":".to_owned()]);
    let error = client(&server).get::<Value>(&path()).unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&address).get::<Value>(&path()).unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
    assert_eq!(error.to_string(), format!("no answer from `{address}/api/v1/me`: connection refused"));
}

#[test]
fn a_download_has_its_headers_and_a_largest_size() {
    let file = || answer("200 OK", "Lockgate-Content-Kind: evidence\r\n", "0123456789");
    let (server, _) = serve(vec![file(), file()]);
    let client = client(&server);
    let download = client.download(&path(), 10).unwrap();
    assert_eq!(download.header("lockgate-content-kind").as_deref(), Some("evidence"));
    assert_eq!(download.header("lockgate-content-size"), None);
    assert_eq!(download.into_body(), b"0123456789");
    let error = client.download(&path(), 9).unwrap_err();
    assert!(matches!(error, Error::TooLarge { largest: 9, .. }), "{error}");
}

#[test]
fn a_long_path_is_cut_in_messages() {
    let (server, _) = serve(vec![answer("500 Internal Server Error", "", "")]);
    let client = Client::new(server.parse().unwrap(), None);
    let error =
        client.get::<Value>(&RequestPath::new("/nodes").query("nodes", "1".repeat(500))).unwrap_err().to_string();
    assert!(error.contains("111…` answered 500") && error.len() < 200, "{error}");
}
