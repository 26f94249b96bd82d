//! Converts between the types of `lockgate:host/http` and those of the capability.

use super::message::{HttpError, HttpRequest, HttpResponse};
use super::method::HttpMethod;
use crate::capability::Base64Bytes;

/// What wasmtime generates from `lockgate:host/http`.
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host"],
        inline: "package lockgate:runtime; world capability { import lockgate:host/http@0.2.0-rc.2; }",
        world: "lockgate:runtime/capability",
        imports: { default: trappable },
    });
}

pub(super) use generated::lockgate::host::http as wit;

pub(super) fn request(request: wit::Request) -> HttpRequest {
    let method = match request.method {
        wit::Method::Get => HttpMethod::Get,
        wit::Method::Head => HttpMethod::Head,
        wit::Method::Post => HttpMethod::Post,
        wit::Method::Put => HttpMethod::Put,
        wit::Method::Patch => HttpMethod::Patch,
        wit::Method::Delete => HttpMethod::Delete,
    };
    HttpRequest { method, url: request.url, headers: request.headers, body: request.body.map(Base64Bytes) }
}

pub(super) fn response(response: HttpResponse) -> wit::Response {
    wit::Response { status: response.status, headers: response.headers, body: response.body.0 }
}

pub(super) fn error(error: HttpError) -> wit::HttpError {
    match error {
        HttpError::NotGranted(what) => wit::HttpError::NotGranted(what),
        HttpError::InvalidRequest(why) => wit::HttpError::InvalidRequest(why),
        HttpError::AddressRefused(address) => wit::HttpError::AddressRefused(address),
        HttpError::Unreachable(why) => wit::HttpError::Unreachable(why),
        HttpError::TimedOut(limit) => wit::HttpError::TimedOut(limit),
        HttpError::TooLarge(limit) => wit::HttpError::TooLarge(limit),
        HttpError::TooManyRedirects(limit) => wit::HttpError::TooManyRedirects(limit),
        HttpError::InvalidResponse(why) => wit::HttpError::InvalidResponse(why),
    }
}
