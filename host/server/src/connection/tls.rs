//! TLS by `rustls`: certificates from files, optional client certificates, and a reload on request.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::config::{ClientCertificate, TlsConfig};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or holds something else.
    #[error("`{}` ({key}): {message}", path.display())]
    File {
        /// The configuration key that names the file.
        key: &'static str,
        path: PathBuf,
        message: String,
    },
    /// The certificate and the key do not belong together.
    #[error("`{}` and `{}` cannot be used: {message}", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        message: String,
    },
}

/// The settings for handshakes. A reload affects later handshakes.
#[derive(Debug)]
pub(crate) struct ServerTls {
    config: TlsConfig,
    current: ArcSwap<ServerConfig>,
}

impl ServerTls {
    /// The configured TLS. None: plain HTTP.
    pub(crate) fn load(config: &TlsConfig) -> Result<Option<Self>, TlsError> {
        let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else { return Ok(None) };
        let current = ArcSwap::from_pointee(read(config, certificate, key)?);
        Ok(Some(Self { config: config.clone(), current }))
    }

    /// Reads the files again. If they cannot be used, the old settings stay.
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        if let (Some(certificate), Some(key)) = (&self.config.certificate, &self.config.key) {
            self.current.store(Arc::new(read(&self.config, certificate, key)?));
        }
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

fn read(config: &TlsConfig, certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = certificates("tls.certificate", certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("tls.key", key, error))?;
    let pair = |error: rustls::Error| TlsError::Pair {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        message: error.to_string(),
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(pair)?;
    let verifier: Arc<dyn ClientCertVerifier> = match &config.client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in certificates("tls.client-ca", path)? {
                roots.add(authority).map_err(|error| wrong("tls.client-ca", path, error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match config.client_certificate {
                ClientCertificate::Optional => verifier.allow_unauthenticated(),
                ClientCertificate::Required => verifier,
            };
            verifier.build().map_err(|error| wrong("tls.client-ca", path, error))?
        }
    };
    let mut config = builder.with_client_cert_verifier(verifier).with_single_cert(chain, private).map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The certificates in a file, at least one.
fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| wrong(key, path, error))?;
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|error| wrong(key, path, error))?;
    if read.is_empty() {
        return Err(wrong(key, path, "it holds no certificate in PEM form"));
    }
    Ok(read)
}

fn wrong(key: &'static str, path: &Path, message: impl ToString) -> TlsError {
    TlsError::File { key, path: path.to_owned(), message: message.to_string() }
}
