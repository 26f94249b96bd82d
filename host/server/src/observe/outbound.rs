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

/// What is wrong with a URL that requests are to go to, if anything.
pub(super) fn wrong_url(url: &str) -> Option<String> {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else {
        return Some(format!("`{url}` is not a URL: write it as `https://host:port/path`"));
    };
    let scheme = uri.scheme_str().unwrap_or_default();
    if !matches!(scheme, "http" | "https") || uri.host().is_none_or(str::is_empty) {
        return Some(format!("`{url}` is not an HTTP URL: write it as `https://host:port/path`"));
    }
    // Not shown: there is a password in it.
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Some("a URL must not hold a user name or a password, because logs show it".to_owned());
    }
    None
}
