//! Real requests to real peers, on 127.0.0.1 and nowhere else.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod addresses;
mod answers;
mod encryption;
mod garbage;
mod limits;
mod peer;
mod redirects;
mod requests;

use std::time::{Duration, Instant};

use super::super::content::Content;
use super::{HttpClient, HttpError, HttpGrant, Method, NameCache, Request, Response};

/// The origin there, with every method, this machine's address, and more time than a busy machine needs.
fn granted(origin: &str) -> HttpGrant {
    let mut grant = HttpGrant::new(origin.parse().unwrap());
    grant.methods = Method::ALL.to_vec();
    grant.addresses = vec!["127.0.0.1".parse().unwrap()];
    grant.timeout = Duration::from_secs(10);
    grant
}

fn request(method: Method, url: &str) -> Request {
    Request { method, url: url.to_owned(), headers: Vec::new(), body: None }
}

fn with_headers(mut request: Request, headers: &[(&str, &str)]) -> Request {
    request.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    request
}

fn with_body(mut request: Request, body: &str) -> Request {
    request.body = Some(Content(body.as_bytes().to_vec()));
    request
}

/// Asks in an evaluation of its own that has a minute left.
fn ask(grants: &[HttpGrant], request: &Request) -> Result<Response, HttpError> {
    HttpClient::new(grants).unwrap().send(&mut NameCache::default(), request, in_a_minute())
}

fn get(grants: &[HttpGrant], url: &str) -> Result<Response, HttpError> {
    ask(grants, &request(Method::Get, url))
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Why the answer to a wrong request is no answer.
fn invalid_request(answer: Result<Response, HttpError>) -> String {
    match answer {
        Err(HttpError::InvalidRequest(why)) => why,
        other => panic!("not an invalid request: {other:?}"),
    }
}

/// Why what came back is no answer.
fn invalid_response(answer: Result<Response, HttpError>) -> String {
    match answer {
        Err(HttpError::InvalidResponse(why)) => why,
        other => panic!("not an invalid response: {other:?}"),
    }
}
