//! The client at the other end of a connection, and its address behind trusted proxies.
//!
//! Each proxy appends the address of its own client to the list that it received. So the list is read from its end: the
//! first address that is not a trusted proxy's is the client's, and everything before it is the client's own claim.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use proxy_header::ParseConfig;
use proxy_header::io::ProxiedStream;
use rfc7239::NodeName;
use rustls::pki_types::CertificateDer;

use super::client_socket::ClientSocket;
use crate::config::{ClientAddress, TrustedProxiesConfig};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The addresses of a header, the last one first. None: an item that is not an address.
type ForwardedAddresses = Vec<Option<SocketAddr>>;

/// The client of a request: `ConnectInfo<RequestPeer>` is among the extensions of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPeer {
    /// The address of the client: that of the connection, or the one that a trusted proxy names. Port 0: the proxy
    /// names none.
    pub address: SocketAddr,
    /// The certificate whose key the client has, in DER. Its chain was checked against `tls.client_ca`.
    pub certificate: Option<Arc<CertificateDer<'static>>>,
}

impl RequestPeer {
    /// The peer of a request, if it came through a socket.
    pub fn of<B>(request: &Request<B>) -> Option<&Self> {
        request.extensions().get::<ConnectInfo<Self>>().map(|ConnectInfo(peer)| peer)
    }
}

/// The key for limits by address: an IPv4 address, or the 64 bits of an IPv6 address that a network gets.
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

/// Decides whether the other end of a connection is a trusted proxy, and reads the addresses from it.
#[derive(Debug)]
pub(super) struct TrustedProxies(TrustedProxiesConfig);

impl TrustedProxies {
    pub(super) fn new(config: &TrustedProxiesConfig) -> Self {
        Self(config.clone())
    }

    /// Whether this is the address of a trusted proxy.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        self.0.networks.iter().any(|network| network.contains(address))
    }

    /// Whether a connection from that address begins with the PROXY protocol.
    pub(super) fn speaks_proxy_protocol(&self, address: IpAddr) -> bool {
        self.0.client_address == ClientAddress::ProxyProtocol && self.contains(address)
    }

    /// The client of a request that came over a connection from `peer`. If the next item is unreadable or no address,
    /// the proxy that sent it counts as the client.
    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> SocketAddr {
        if !self.contains(peer.ip()) {
            return peer;
        }
        let mut client = peer;
        for said in self.said(headers) {
            let Some(address) = said else { break };
            client = address;
            if !self.contains(address.ip()) {
                break;
            }
        }
        client
    }

    /// The addresses that the header holds, the last one first.
    fn said(&self, headers: &HeaderMap) -> ForwardedAddresses {
        let (name, read): (_, fn(&str) -> ForwardedAddresses) = match self.0.client_address {
            ClientAddress::Forwarded => (FORWARDED, forwarded),
            ClientAddress::XForwardedFor => (X_FORWARDED_FOR, x_forwarded_for),
            ClientAddress::ProxyProtocol => return Vec::new(),
        };
        let values: Vec<_> = headers.get_all(name).iter().collect();
        let values = values.into_iter().rev();
        values.flat_map(|value| value.to_str().map_or_else(|_| vec![None], read)).collect()
    }
}

fn forwarded(value: &str) -> ForwardedAddresses {
    let nodes = rfc7239::parse(value).rev();
    nodes
        .map(|node| {
            let node = node.ok()?.forwarded_for?;
            match node.name {
                NodeName::Ip(address) => Some(SocketAddr::new(address, node.port.unwrap_or(0))),
                _ => None,
            }
        })
        .collect()
}

fn x_forwarded_for(value: &str) -> ForwardedAddresses {
    let address = |text: &str| {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let address = bare.parse::<IpAddr>().map(|address| SocketAddr::new(address, 0));
        address.or_else(|_| text.parse::<SocketAddr>()).ok()
    };
    value.rsplit(',').map(address).collect()
}

/// Reads the beginning of a connection in the PROXY protocol. The address is none if the proxy speaks for itself, for
/// example to check that the server is up.
pub(super) async fn read_proxy_header(
    stream: ClientSocket,
) -> std::io::Result<(ProxiedStream<ClientSocket>, Option<SocketAddr>)> {
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    let stream = ProxiedStream::create_from_tokio(stream, config).await?;
    let client = stream.proxy_header().proxied_address().map(|address| address.source);
    Ok((stream, client))
}
