//! The HTTP client of one plugin: checks each request against the grants, connects, sends, and follows redirects.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::address;
use super::connection::{ConnectError, HttpConnection};
use super::dns::{LookupError, NameCache, NameResolver};
use super::grant::{HttpGrant, HttpGrantError};
use super::message::{HttpError, HttpRequest, HttpResponse};
use super::origin::{Host, Origin, Scheme};
use super::request::CheckedRequest;
use super::send::{self, PendingResponse, SendError};
use super::tls::TlsTrust;

/// The most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Sends the requests of one plugin to the origins that it was granted. It keeps nothing between requests.
#[derive(Debug)]
pub(super) struct HttpClient {
    grants: BTreeMap<Origin, HttpGrant>,
    resolver: NameResolver,
    tls: TlsTrust,
}

impl HttpClient {
    /// A client that may use these grants, and nothing else.
    ///
    /// # Errors
    /// If an origin is granted twice, without a method, or with a timeout of 0.
    pub(super) fn new(grants: &[HttpGrant]) -> Result<Self, HttpGrantError> {
        Self::with(grants, NameResolver::system(), TlsTrust::default())
    }

    pub(super) fn with(grants: &[HttpGrant], resolver: NameResolver, tls: TlsTrust) -> Result<Self, HttpGrantError> {
        let mut granted = BTreeMap::new();
        for grant in grants {
            grant.check()?;
            if granted.insert(grant.origin.clone(), grant.clone()).is_some() {
                return Err(HttpGrantError::Twice { origin: grant.origin.clone() });
            }
        }
        Ok(Self { grants: granted, resolver, tls })
    }

    /// Sends a request and waits for the whole response: as long as the grant of the first origin allows, and never
    /// beyond `deadline`. All requests of one evaluation share one cache of names.
    pub(super) fn send(
        &self,
        names: &mut NameCache,
        request: &HttpRequest,
        deadline: Instant,
    ) -> Result<HttpResponse, HttpError> {
        let mut checked = CheckedRequest::new(request)?;
        let first = self.grant(&checked)?;
        let begun = Instant::now();
        let until = begun.checked_add(first.timeout).map_or(deadline, |until| until.min(deadline));
        let allowed = until.saturating_duration_since(begun);
        let http_error = |error| match error {
            SendError::TimedOut => HttpError::TimedOut(milliseconds(allowed)),
            SendError::Http(error) => error,
        };
        let mut redirects = 0;
        loop {
            let grant = self.grant(&checked)?;
            let response = self.send_once(grant, names, &checked, until).map_err(http_error)?;
            let Some(location) = response.location() else {
                return response.read(grant.response_size).map_err(http_error);
            };
            if redirects == first.redirects {
                return Err(HttpError::TooManyRedirects(first.redirects));
            }
            redirects += 1;
            checked = checked.redirected(response.status(), location.map_err(http_error)?)?;
        }
    }

    /// The grant that allows the request, by its origin and method.
    fn grant(&self, request: &CheckedRequest<'_>) -> Result<&HttpGrant, HttpError> {
        let (method, origin) = (request.method, &request.target.origin);
        match self.grants.get(origin) {
            Some(grant) if grant.methods.contains(&method) => Ok(grant),
            Some(_) => Err(HttpError::NotGranted(format!("`{method}` on `{origin}`"))),
            None => Err(HttpError::NotGranted(format!("`{origin}`"))),
        }
    }

    /// Sends one request to one origin, without following a redirect.
    fn send_once(
        &self,
        grant: &HttpGrant,
        names: &mut NameCache,
        request: &CheckedRequest<'_>,
        until: Instant,
    ) -> Result<PendingResponse, SendError> {
        let origin = &request.target.origin;
        let unreachable =
            |why: String| SendError::Http(HttpError::Unreachable(format!("`{origin}` cannot be reached: {why}")));
        let not_connected = |error| match error {
            ConnectError::TimedOut => SendError::TimedOut,
            ConnectError::Failed(why) => unreachable(why),
        };
        let found = match origin.host() {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => names.addresses(&self.resolver, name, until),
        };
        let found = found.map_err(|error| match error {
            LookupError::TimedOut => SendError::TimedOut,
            LookupError::Failed(why) => unreachable(why),
        })?;
        let addresses = allowed(grant, &found)?;
        let socket = HttpConnection::connect(&addresses, origin.port(), until).map_err(not_connected)?;
        let connection = match origin.scheme() {
            Scheme::Http => HttpConnection::plain(socket),
            Scheme::Https => {
                let config = self.tls.config().map_err(|error| unreachable(error.to_string()))?;
                HttpConnection::encrypted(socket, origin.host(), config).map_err(not_connected)?
            }
        };
        tracing::debug!(method = %request.method, %origin, peer = %connection.peer(), "sending a request for a plugin");
        send::send(connection, request)
    }
}

/// The addresses of `found` that the grant allows, at most [`MOST_ADDRESSES`].
fn allowed(grant: &HttpGrant, found: &[IpAddr]) -> Result<Vec<IpAddr>, SendError> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.iter().copied().map(address::plain).filter(|address| grant.allows(*address)) {
        if !addresses.contains(&address) && addresses.len() < MOST_ADDRESSES {
            addresses.push(address);
        }
    }
    match found.first() {
        Some(refused) if addresses.is_empty() => {
            Err(SendError::Http(HttpError::AddressRefused(address::plain(*refused).to_string())))
        }
        _ => Ok(addresses),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
