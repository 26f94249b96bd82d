//! The capability `http`: requests to origins that the operator granted, and to no others.
//!
//! A plugin that could send requests anywhere could send the snapshot of a decision to strangers, or reach into the network of
//! the host. So every request and every redirect passes four checks, each in files of its own:
//!
//! 1. The request is valid, and sets nothing that belongs to the connection. (`request`, `url`)
//! 2. Its origin and its method are granted. (`grant`, `origin`, `method`)
//! 3. Its host name resolves to an address that is allowed. A name is resolved once in an evaluation, and the connection goes
//!    to the address that was checked, not to the name. (`dns`, `address`)
//! 4. The response arrives in time, within its limits, and is HTTP. (`connection`, `tls`, `send`)
//!
//! Only the resolved names outlive a request, until the evaluation ends: connections are not reused, cookies are not kept, TLS
//! sessions are not resumed, and proxies of the environment are not used.
//!
//! All files except this one and `binding` use the types of `message`, which can be recorded and replayed. They know neither
//! the types of the contract nor the sandbox.

mod address;
mod binding;
mod client;
mod connection;
mod dns;
mod grant;
mod message;
mod method;
mod origin;
mod request;
mod send;
#[cfg(test)]
mod tests;
mod tls;
mod url;

use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::ask::ask;
use super::host_capability::{GrantError, HostCapability, HostServices};
use crate::sandbox::{HostFunction, Sandbox};
use binding::wit;
use client::HttpClient;
use dns::NameCache;
use message::{HttpError, HttpRequest, HttpResponse};

pub use address::{AddressRange, AddressRangeError};
pub use grant::{HttpGrant, HttpGrantError};
pub use method::{HttpMethod, HttpMethodError};
pub use origin::{Origin, OriginError};

/// A request costs much fuel, because another machine has to answer it: the default fuel of a call is enough for at most 200.
const SEND: HostFunction = HostFunction::of_capability(HttpCapability::NAME, "send", 5_000_000);

/// The origins that a plugin may send requests to.
#[derive(Debug)]
pub(crate) struct HttpCapability(HttpClient);

impl HostCapability for HttpCapability {
    const NAME: &'static str = "http";
    const GRANT_LINE: &'static str = " = [{ origin = \"https://<host>\" }]";
    const REACH: &'static str = "the origins that are granted, over the network";
    const MAY_WAIT: bool = true;

    type Grant = Vec<HttpGrant>;
    const DEFAULT_GRANT: Vec<HttpGrant> = Vec::new();

    fn is_granted(grant: &Vec<HttpGrant>) -> bool {
        !grant.is_empty()
    }

    fn covers(grant: &Vec<HttpGrant>, scope: &str) -> bool {
        scope.parse::<Origin>().is_ok_and(|origin| grant.iter().any(|grant| grant.origin == origin))
    }

    fn open(grant: &Vec<HttpGrant>, _: &HostServices) -> Result<Option<Self>, GrantError> {
        if !Self::is_granted(grant) {
            return Ok(None);
        }
        HttpClient::new(grant).map(|client| Some(Self(client))).map_err(GrantError::new)
    }

    fn link(opened: Option<Arc<Self>>, linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
        type Answer = Result<wit::Response, wit::HttpError>;
        Self::instance(linker)?.func_wrap(
            "send",
            move |mut store: StoreContextMut<'_, Sandbox>,
                  (request,): (wit::Request,)|
                  -> wasmtime::Result<(Answer,)> {
                let request = binding::request(request);
                let answer = ask(&mut store, SEND, &request, |sandbox| match opened.as_deref() {
                    Some(http) => http.send(sandbox, &request),
                    None => Err(HttpError::NotGranted(request.url.clone())),
                })?;
                Ok((answer.map(binding::response).map_err(binding::error),))
            },
        )
    }
}

impl HttpCapability {
    /// Sends a request for the plugin, in the time that the call has left.
    fn send(&self, sandbox: &mut Sandbox, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let deadline = sandbox.deadline();
        self.0.send(sandbox.state.get_or_default::<NameCache>(), request, deadline)
    }
}
