//! Peers that speak TLS.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use super::super::dns::NameResolver;
use super::super::tls::TlsTrust;
use super::peer::{Peer, ok, read_request};
use super::*;

type Encrypted = StreamOwned<ServerConnection, TcpStream>;

/// A peer with a certificate that it made itself, for that name.
fn peer(name: &str, act: impl Fn(&mut Encrypted) + Send + Sync + 'static) -> (Peer, CertificateDer<'static>) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let config = Arc::new(config);
    let peer = Peer::doing(move |stream| {
        let session = ServerConnection::new(Arc::clone(&config)).unwrap();
        act(&mut StreamOwned::new(session, stream));
    });
    (peer, cert.der().clone())
}

/// Answers, and says goodbye.
fn hello(stream: &mut Encrypted) {
    if !read_request(stream).is_empty() {
        let _ = stream.write_all(ok("hello").as_bytes());
        stream.conn.send_close_notify();
        let _ = stream.flush();
    }
}

/// Asks that port under that name, trusting that certificate, or whom the machine trusts.
fn ask_trusting(name: &str, port: u16, trusted: Option<CertificateDer<'static>>) -> Result<HttpResponse, HttpError> {
    ask_within(Duration::from_secs(10), name, port, trusted)
}

fn ask_within(
    timeout: Duration,
    name: &str,
    port: u16,
    trusted: Option<CertificateDer<'static>>,
) -> Result<HttpResponse, HttpError> {
    let tls = match trusted {
        Some(certificate) => {
            let mut roots = RootCertStore::empty();
            roots.add(certificate).unwrap();
            TlsTrust::trusting(roots).unwrap()
        }
        None => TlsTrust::default(),
    };
    let origin = format!("https://{name}:{port}");
    let grant = HttpGrant { timeout, ..granted(&origin) };
    let lookups = NameResolver::with(|_| Ok(vec!["127.0.0.1".parse().unwrap()]));
    let client = HttpClient::with(&[grant], lookups, tls).unwrap();
    client.send(&mut NameCache::default(), &request(HttpMethod::Get, &origin), in_a_minute())
}

fn unreachable(answer: Result<HttpResponse, HttpError>) -> String {
    match answer {
        Err(HttpError::Unreachable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_peer_with_a_certificate_that_is_trusted_answers() {
    let (peer, certificate) = peer("scanner.example", hello);
    let answer = ask_trusting("scanner.example", peer.port(), Some(certificate)).unwrap();
    assert_eq!(answer.body.0, b"hello");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_safe() {
    let (peer, _) = peer("scanner.example", hello);
    let why = unreachable(ask_trusting("scanner.example", peer.port(), None));
    let begin = format!("`https://scanner.example:{}` cannot be reached: no safe connection: ", peer.port());
    assert!(why.starts_with(&begin), "{why}");
    assert!(why.contains("UnknownIssuer"), "{why}");
}

#[test]
fn a_certificate_for_another_name_is_not_safe() {
    let (peer, certificate) = peer("other.example", hello);
    let why = unreachable(ask_trusting("scanner.example", peer.port(), Some(certificate)));
    assert!(why.contains("no safe connection") && why.contains("other.example"), "{why}");
}

#[test]
fn a_peer_that_does_not_speak_tls_is_not_safe() {
    let peer = Peer::doing(|mut stream| {
        let _ = stream.write_all(ok("in the clear").as_bytes());
        read_request(&mut stream);
    });
    let why = unreachable(ask_trusting("scanner.example", peer.port(), None));
    assert!(why.contains("no safe connection"), "{why}");
}

#[test]
fn a_handshake_that_never_ends_is_left() {
    let peer = Peer::doing(|stream| {
        thread::sleep(Duration::from_secs(5));
        drop(stream);
    });
    let answer = ask_within(Duration::from_millis(500), "scanner.example", peer.port(), None);
    assert_eq!(answer, Err(HttpError::TimedOut(500)));
}

#[test]
fn an_answer_that_is_cut_off_does_not_look_whole() {
    let (peer, certificate) = peer("scanner.example", |stream| {
        read_request(stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nallowed: nob");
        let _ = stream.flush();
    });
    let why = invalid_response(ask_trusting("scanner.example", peer.port(), Some(certificate)));
    assert!(why.contains("the connection was cut off"), "{why}");
}
