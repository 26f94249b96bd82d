//! The client at the other end of a connection, as far as the connection and trusted proxies can tell.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use rustls::pki_types::CertificateDer;

/// The client of a request: `ConnectInfo<Peer>` is among the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address of the client: that of the connection, or what a trusted proxy says. Port 0: the proxy says none.
    pub address: SocketAddr,
    /// The certificate it proved to have the key of, in DER; its chain was checked against `tls.client_ca`.
    pub certificate: Option<Arc<CertificateDer<'static>>>,
}

impl Peer {
    /// The peer of a request, if it came through a socket.
    pub fn of<B>(request: &Request<B>) -> Option<&Self> {
        request.extensions().get::<ConnectInfo<Self>>().map(|ConnectInfo(peer)| peer)
    }
}

/// What limits by address count by: an IPv4 address, or the 64 bits of an IPv6 address that a network is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum AddressKey {
    V4(u32),
    V6(u64),
}

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            // The upper half: the shift leaves no more than 64 bits.
            IpAddr::V6(address) => Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX)),
        }
    }
}
