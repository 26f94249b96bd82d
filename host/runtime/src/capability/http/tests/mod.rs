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

use super::super::base64_bytes::Base64Bytes;
use super::{HttpClient, HttpError, HttpGrant, HttpMethod, HttpRequest, HttpResponse, NameCache};

/// The origin there, with every method, this machine's address, and more time than a busy machine needs.
fn granted(origin: &str) -> HttpGrant {
    let mut grant = HttpGrant::new(origin.parse().unwrap());
    grant.methods = HttpMethod::ALL.to_vec();
    grant.addresses = vec!["127.0.0.1".parse().unwrap()];
    grant.timeout = Duration::from_secs(10);
    grant
}

fn request(method: HttpMethod, url: &str) -> HttpRequest {
    HttpRequest { method, url: url.to_owned(), headers: Vec::new(), body: None }
}

fn with_headers(mut request: HttpRequest, headers: &[(&str, &str)]) -> HttpRequest {
    request.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    request
}

fn with_body(mut request: HttpRequest, body: &str) -> HttpRequest {
    request.body = Some(Base64Bytes(body.as_bytes().to_vec()));
    request
}

/// Asks in an evaluation of its own that has a minute left.
fn ask(grants: &[HttpGrant], request: &HttpRequest) -> Result<HttpResponse, HttpError> {
    HttpClient::new(grants).unwrap().send(&mut NameCache::default(), request, in_a_minute())
}

fn get(grants: &[HttpGrant], url: &str) -> Result<HttpResponse, HttpError> {
    ask(grants, &request(HttpMethod::Get, url))
}

fn in_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Why the answer to a wrong request is no answer.
fn invalid_request(answer: Result<HttpResponse, HttpError>) -> String {
    match answer {
        Err(HttpError::InvalidRequest(why)) => why,
        other => panic!("not an invalid request: {other:?}"),
    }
}

/// Why what came back is no answer.
fn invalid_response(answer: Result<HttpResponse, HttpError>) -> String {
    match answer {
        Err(HttpError::InvalidResponse(why)) => why,
        other => panic!("not an invalid response: {other:?}"),
    }
}
