//! TLS: encrypted connections trust the certificates that the machine trusts.
//!
//! The certificates are read once for all plugins, because that takes milliseconds. Nothing else is shared: sessions are not
//! resumed, so a server cannot recognise a plugin by its connection.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, Error};
use rustls_platform_verifier::Verifier;

/// The configuration with the certificates of the machine, once they could be read.
static MACHINE: Mutex<Option<Arc<ClientConfig>>> = Mutex::new(None);

/// The TLS configuration of one plugin's connections, which is loaded when the first one needs it.
#[derive(Debug, Default)]
pub(super) struct TlsTrust(OnceLock<Arc<ClientConfig>>);

impl TlsTrust {
    /// The configuration, with the certificates of the machine.
    ///
    /// # Errors
    /// If the certificates of the machine cannot be read.
    pub(super) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        match self.0.get() {
            Some(config) => Ok(Arc::clone(config)),
            None => {
                let config = as_the_machine()?;
                Ok(Arc::clone(self.0.get_or_init(|| config)))
            }
        }
    }

    /// A configuration that trusts these roots only.
    #[cfg(test)]
    pub(super) fn trusting(roots: rustls::RootCertStore) -> Result<Self, Error> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(Self(OnceLock::from(finished(builder.with_root_certificates(roots).with_no_client_auth()))))
    }
}

fn as_the_machine() -> Result<Arc<ClientConfig>, Error> {
    let mut machine = MACHINE.lock();
    if let Some(config) = &*machine {
        return Ok(Arc::clone(config));
    }
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    // "Dangerous" is whatever is not rustls's own list of roots. The platform's verifier checks all that it would.
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(Verifier::new(provider())?));
    let config = finished(builder.with_no_client_auth());
    *machine = Some(Arc::clone(&config));
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
