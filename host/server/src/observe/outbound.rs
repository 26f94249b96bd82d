//! Requests that go out: to a collector of traces and to a receiver of decisions.
//!
//! They are sent from threads of their own, so the client may block; it is the one that plugins' requests are sent with,
//! with TLS by `rustls` and the certificates that the system trusts (`SSL_CERT_FILE` names others).

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// A client that gives each request at most that long, follows no redirect, and hands out answers of any status.
pub(super) fn agent(timeout: Duration) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}
