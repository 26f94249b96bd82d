//! The capability `http`: asking origins that the operator named, and nobody else.
//!
//! A plugin that could send a request anywhere could carry a decision's snapshot out of the house, or reach into the
//! network that the host stands in. So every request, and every redirect that it meets, goes through four questions,
//! each with a file of its own:
//!
//! 1. Is it a request at all, and free of what would let a guest speak to the connection instead of the peer?
//!    (`request`, `url`)
//! 2. Are its origin and its method granted? (`grant`, `origin`, `method`)
//! 3. Which addresses does the name stand for, and may the plugin go there? A name is asked for once in an evaluation,
//!    and the connection goes to an address that was checked, not to the name. (`dns`, `address`)
//! 4. Does the answer come in time, in bounds, and is it HTTP? (`connection`, `tls`, `send`)
//!
//! Nothing outlives a request but the answers about names, which last for one evaluation: there is no pool of
//! connections, no jar of cookies, no resumption of TLS sessions, and no proxy out of the environment.
//!
//! All files but this one and `binding` end at questions and answers that can be written down and given again; they know
//! neither the contract's types nor the sandbox.

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

/// A request is dear, because others have to answer it: with the fuel that a call has by default, no plugin sends more than
/// two hundred.
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
    /// Sends a request for the plugin, in the time that it has left.
    fn send(&self, sandbox: &mut Sandbox, request: &HttpRequest) -> Result<HttpResponse, HttpError> {
        let deadline = sandbox.deadline();
        self.0.send(sandbox.state.get_or_default::<NameCache>(), request, deadline)
    }
}
