//! Who is at the other end of a connection, as far as the connection itself can tell.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use rustls::pki_types::CertificateDer;

/// The other end of a connection: `ConnectInfo<Peer>` is among the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address. Behind a proxy, that of the proxy.
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
