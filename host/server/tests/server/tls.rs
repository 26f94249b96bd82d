//! TLS on a real socket: certificates of the server and of clients, and what is loaded anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lockgate_client::{Client, RequestPath};
use lockgate_server::config::{ClientCertificate, Config, TlsConfig};
use lockgate_server::connection::RequestPeer;
use lockgate_server::serve::{RunningServer, Server, StartError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::http_support::{Answer, config, head, talk};

/// An authority, and what it signs.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

/// A certificate with its key, in DER.
struct Identity {
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "Test authority");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(parameters, key), certificate }
    }

    fn sign(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap().der().clone();
        Identity { certificate, key: key.serialize_der() }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A folder with what a server needs.
struct Files {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap(), authority: Authority::new() };
        files.write("ca.pem", &pem("CERTIFICATE", &files.authority.certificate));
        files.write_server(&files.authority.sign("localhost"));
        files
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn write_server(&self, identity: &Identity) {
        self.write("server.pem", &pem("CERTIFICATE", &identity.certificate));
        self.write("server.key", &pem("PRIVATE KEY", &identity.key));
    }

    fn config(&self, clients: Option<ClientCertificate>) -> Config {
        let at = |name: &str| Some(self.folder.path().join(name));
        let tls = TlsConfig {
            certificate: at("server.pem"),
            key: at("server.key"),
            client_ca: clients.and_then(|_| at("ca.pem")),
            client_certificate: clients.unwrap_or_default(),
        };
        Config { tls, ..config(&self.folder.path().join("data")) }
    }

    async fn start(&self, clients: Option<ClientCertificate>) -> RunningServer {
        let who = |ConnectInfo(peer): ConnectInfo<RequestPeer>| async move {
            peer.certificate.map_or_else(|| "nobody".to_owned(), |der| BASE64_STANDARD.encode(der.as_ref()))
        };
        let routes = Router::new().route("/who", get(who));
        Server::new(self.config(clients)).with_routes(move |_| routes).start().await.unwrap()
    }
}

/// Asks over TLS; the answer, or why there is none, and the certificate that the server showed.
async fn ask(
    running: &RunningServer,
    roots: &CertificateDer<'static>,
    client: Option<&Identity>,
    path: &str,
) -> Result<(Answer, CertificateDer<'static>), std::io::Error> {
    let mut store = RootCertStore::empty();
    store.add(roots.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(store);
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let key = PrivateKeyDer::try_from(identity.key.clone()).unwrap();
            builder.with_client_auth_cert(vec![identity.certificate.clone()], key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(running.address()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap().first().unwrap().clone();
    let answer = talk(stream, head(&format!("GET {path} HTTP/1.1"), "").as_bytes()).await?;
    Ok((Answer::read(&answer), shown.into_owned()))
}

#[tokio::test]
async fn it_speaks_tls_with_the_certificate_in_the_file() {
    let files = Files::new();
    let running = files.start(None).await;
    assert!(running.url().starts_with("https://127.0.0.1:"));
    let (answer, _) = ask(&running, &files.authority.certificate, None, "/livez").await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    running.shutdown().await;
}

#[tokio::test]
async fn a_decision_point_that_speaks_tls_says_so_in_its_addresses_on_this_machine_too() {
    let files = Files::new();
    let running = Server::new(files.config(None)).start().await.unwrap();
    let path = "/.well-known/authzen-configuration";
    let (answer, _) = ask(&running, &files.authority.certificate, None, path).await.unwrap();
    // What is asked names `localhost`, where without TLS it would be `http`.
    let said = serde_json::json!({
        "policy_decision_point": "https://localhost",
        "access_evaluation_endpoint": "https://localhost/access/v1/evaluation",
        "access_evaluations_endpoint": "https://localhost/access/v1/evaluations",
    });
    assert_eq!(answer.json(), said);
    running.shutdown().await;
}

#[tokio::test]
async fn a_client_that_does_not_know_the_authority_is_told_how_to_name_it() {
    let files = Files::new();
    let running = files.start(None).await;
    let server = running.url();
    let client = Client::new(server.parse().unwrap(), None);
    let asked = move || client.get::<serde_json::Value>(&RequestPath::new("/livez")).unwrap_err().to_string();
    let said = tokio::task::spawn_blocking(asked).await.unwrap();
    assert!(said.ends_with("`SSL_CERT_FILE=ca.pem`"), "{said}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_client_may_show_a_certificate_and_handlers_see_it() {
    let files = Files::new();
    let running = files.start(Some(ClientCertificate::Optional)).await;
    let client = files.authority.sign("ci.example.com");
    let (answer, _) = ask(&running, &files.authority.certificate, Some(&client), "/who").await.unwrap();
    assert_eq!(answer.body, BASE64_STANDARD.encode(&client.certificate));
    let (answer, _) = ask(&running, &files.authority.certificate, None, "/who").await.unwrap();
    assert_eq!(answer.body, "nobody");
    let stranger = Authority::new().sign("ci.example.com");
    let refused = ask(&running, &files.authority.certificate, Some(&stranger), "/who").await;
    assert!(refused.is_err(), "nobody here signed it");
    running.shutdown().await;
}

#[tokio::test]
async fn where_a_certificate_is_required_nobody_is_heard_without_one() {
    let files = Files::new();
    let running = files.start(Some(ClientCertificate::Required)).await;
    assert!(ask(&running, &files.authority.certificate, None, "/livez").await.is_err());
    let client = files.authority.sign("ci.example.com");
    let (answer, _) = ask(&running, &files.authority.certificate, Some(&client), "/livez").await.unwrap();
    assert_eq!(answer.status, 200);
    running.shutdown().await;
}

#[tokio::test]
async fn a_handshake_that_never_comes_keeps_nobody_else_waiting() {
    let files = Files::new();
    let running = files.start(None).await;
    let silent = TcpStream::connect(running.address()).await.unwrap();
    let (answer, _) = ask(&running, &files.authority.certificate, None, "/livez").await.unwrap();
    assert_eq!(answer.status, 200);
    // Nor does it keep a shutdown waiting.
    assert!(running.shutdown().await.answered);
    drop(silent);
}

#[tokio::test]
async fn certificates_are_loaded_anew_and_what_cannot_be_used_is_not() {
    let files = Files::new();
    let running = files.start(None).await;
    let shown = async || ask(&running, &files.authority.certificate, None, "/livez").await.unwrap().1;
    let first = shown().await;
    let next = files.authority.sign("localhost");
    files.write_server(&next);
    assert_eq!(shown().await, first, "not before it is told");
    running.reload();
    assert_eq!(shown().await, next.certificate);
    files.write("server.key", "nothing");
    running.reload();
    assert_eq!(shown().await, next.certificate);
    running.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_files_is_told_with_the_file_and_the_key() {
    let files = Files::new();
    let wrong = async |config: Config| match Server::new(config).start().await {
        Ok(_) => panic!("it started"),
        Err(StartError::Tls(error)) => error.to_string().replace(&*files.folder.path().to_string_lossy(), "."),
        Err(error) => panic!("{error}"),
    };
    let set = |change: fn(&mut TlsConfig, &Path)| {
        let mut config = files.config(Some(ClientCertificate::Optional));
        change(&mut config.tls, files.folder.path());
        config
    };
    files.write("empty.pem", "");
    let other = files.authority.sign("localhost");
    files.write("other.key", &pem("PRIVATE KEY", &other.key));
    let missing = wrong(set(|tls, folder| tls.certificate = Some(folder.join("missing.pem")))).await;
    assert!(missing.starts_with("`./missing.pem` (tls.certificate): "), "{missing}");
    let empty = wrong(set(|tls, folder| tls.client_ca = Some(folder.join("empty.pem")))).await;
    assert_eq!(empty, "`./empty.pem` (tls.client-ca): it holds no certificate in PEM form");
    let swapped = wrong(set(|tls, folder| tls.key = Some(folder.join("server.pem")))).await;
    assert!(swapped.starts_with("`./server.pem` (tls.key): "), "{swapped}");
    let unlike = wrong(set(|tls, folder| tls.key = Some(folder.join("other.key")))).await;
    assert!(unlike.starts_with("`./server.pem` and `./other.key` cannot be used: "), "{unlike}");
}
