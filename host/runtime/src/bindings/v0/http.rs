//! `lockgate:host/http`: from the contract's types to the capability's, and back.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::generated::lockgate::host::http as wit;
use crate::capability::{self, Content, HttpError, Method, Request, Response};
use crate::sandbox::{HostCall, Sandbox};

type Answered = Result<wit::Response, wit::HttpError>;

pub(crate) fn link_http(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("lockgate:host/http@0.1.0")?;
    interface.func_wrap(
        "send",
        |mut store: StoreContextMut<'_, Sandbox>, (asked,): (wit::Request,)| -> wasmtime::Result<(Answered,)> {
            let request = request(asked);
            let answer = capability::ask(&mut store, HostCall::HttpSend, &request, |sandbox| sandbox.send(&request))?;
            Ok((answer.map(response).map_err(error),))
        },
    )
}

fn request(request: wit::Request) -> Request {
    let method = match request.method {
        wit::Method::Get => Method::Get,
        wit::Method::Head => Method::Head,
        wit::Method::Post => Method::Post,
        wit::Method::Put => Method::Put,
        wit::Method::Patch => Method::Patch,
        wit::Method::Delete => Method::Delete,
    };
    Request { method, url: request.url, headers: request.headers, body: request.body.map(Content) }
}

fn response(response: Response) -> wit::Response {
    wit::Response { status: response.status, headers: response.headers, body: response.body.0 }
}

fn error(error: HttpError) -> wit::HttpError {
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
