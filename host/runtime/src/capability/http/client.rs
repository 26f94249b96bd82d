//! Asks for a plugin: checks, connects, follows redirects, within the grants and the time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::address;
use super::grant::{HttpGrant, HttpGrantError};
use super::hop::{self, Answer, Failure};
use super::line::{Line, NoLine};
use super::message::{HttpError, Request, Response};
use super::names::{Lookups, Names, NotFound};
use super::origin::{Host, Origin, Scheme};
use super::outgoing::Outgoing;
use super::tls::Tls;

/// How many of a name's addresses are tried.
const MOST_ADDRESSES: usize = 8;

/// What one plugin may ask. It keeps nothing of what was asked.
#[derive(Debug)]
pub(crate) struct Client {
    grants: BTreeMap<Origin, HttpGrant>,
    lookups: Lookups,
    tls: Tls,
}

impl Client {
    /// Grants this, and nothing else.
    ///
    /// # Errors
    /// If an origin is granted twice, with no method, or with no time.
    pub(crate) fn new(grants: &[HttpGrant]) -> Result<Self, HttpGrantError> {
        Self::with(grants, Lookups::by_the_system(), Tls::default())
    }

    pub(super) fn with(grants: &[HttpGrant], lookups: Lookups, tls: Tls) -> Result<Self, HttpGrantError> {
        let mut granted = BTreeMap::new();
        for grant in grants {
            grant.check()?;
            if granted.insert(grant.origin.clone(), grant.clone()).is_some() {
                return Err(HttpGrantError::Twice { origin: grant.origin.clone() });
            }
        }
        Ok(Self { grants: granted, lookups, tls })
    }

    /// Asks, and waits for the whole answer: as long as the grant of the origin that is asked first allows, and never
    /// longer than until `deadline`. The names of one evaluation have to be given to all that is asked in it.
    pub(crate) fn send(&self, names: &mut Names, request: &Request, deadline: Instant) -> Result<Response, HttpError> {
        let mut outgoing = Outgoing::new(request)?;
        let first = self.grant(&outgoing)?;
        let begun = Instant::now();
        let allowed = first.timeout.min(deadline.saturating_duration_since(begun));
        let until = begun.checked_add(allowed).unwrap_or(deadline);
        let in_time = |failure| match failure {
            Failure::TookTooLong => HttpError::TimedOut(milliseconds(allowed)),
            Failure::Because(error) => error,
        };
        let mut redirects = 0;
        loop {
            let grant = self.grant(&outgoing)?;
            let answer = self.hop(grant, names, &outgoing, until).map_err(in_time)?;
            let Some(location) = answer.location() else {
                return answer.read(grant.response_size).map_err(in_time);
            };
            if redirects == first.redirects {
                return Err(HttpError::TooManyRedirects(first.redirects));
            }
            redirects += 1;
            outgoing = outgoing.redirected(answer.status(), location.map_err(in_time)?)?;
        }
    }

    /// What grants the request: its origin, and its method there.
    fn grant(&self, request: &Outgoing<'_>) -> Result<&HttpGrant, HttpError> {
        let (method, origin) = (request.method, &request.target.origin);
        match self.grants.get(origin) {
            Some(grant) if grant.methods.contains(&method) => Ok(grant),
            Some(_) => Err(HttpError::NotGranted(format!("`{method}` on `{origin}`"))),
            None => Err(HttpError::NotGranted(format!("`{origin}`"))),
        }
    }

    /// Sends one request to one place.
    fn hop(
        &self,
        grant: &HttpGrant,
        names: &mut Names,
        request: &Outgoing<'_>,
        until: Instant,
    ) -> Result<Answer, Failure> {
        let origin = &request.target.origin;
        let unreachable =
            |why: String| Failure::Because(HttpError::Unreachable(format!("`{origin}` cannot be reached: {why}")));
        let no_line = |failure| match failure {
            NoLine::TookTooLong => Failure::TookTooLong,
            NoLine::Failed(why) => unreachable(why),
        };
        let found = match origin.host() {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => names.addresses(&self.lookups, name, until),
        };
        let found = found.map_err(|not_found| match not_found {
            NotFound::TookTooLong => Failure::TookTooLong,
            NotFound::Unknown(why) => unreachable(why),
        })?;
        let addresses = allowed(grant, &found)?;
        let wire = Line::connect(&addresses, origin.port(), until).map_err(no_line)?;
        let line = match origin.scheme() {
            Scheme::Http => Line::plain(wire),
            Scheme::Https => {
                let config = self.tls.config().map_err(|error| unreachable(error.to_string()))?;
                Line::encrypted(wire, origin.host(), config).map_err(no_line)?
            }
        };
        tracing::debug!(method = %request.method, %origin, peer = %line.peer(), "asks for a plugin");
        hop::send(line, request)
    }
}

/// Those of the addresses to which a connection may go.
fn allowed(grant: &HttpGrant, found: &[IpAddr]) -> Result<Vec<IpAddr>, Failure> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.iter().copied().map(address::plain).filter(|address| grant.allows(*address)) {
        if !addresses.contains(&address) && addresses.len() < MOST_ADDRESSES {
            addresses.push(address);
        }
    }
    match found.first() {
        Some(refused) if addresses.is_empty() => {
            Err(Failure::Because(HttpError::AddressRefused(address::plain(*refused).to_string())))
        }
        _ => Ok(addresses),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
