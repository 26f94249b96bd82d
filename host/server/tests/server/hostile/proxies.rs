//! The address of a client behind a proxy: from proxies that are trusted to tell it, and from nobody else.

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use lockgate_server::config::{ClientAddress, TrustedProxiesConfig};
use lockgate_server::connection::RequestPeer;
use lockgate_server::serve::{RunningServer, Server};
use tokio::io::AsyncWriteExt as _;

use super::{ask, connect, until_closed};
use crate::http_support::{Answer, config, talk};

/// A server that answers with the address of its client. It trusts 127.0.0.9 and 10.0.0.0/8.
async fn who(client_address: ClientAddress) -> (tempfile::TempDir, RunningServer) {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    let networks = ["127.0.0.9", "10.0.0.0/8"].map(|text| text.parse().unwrap()).to_vec();
    config.trusted_proxies = TrustedProxiesConfig { networks, client_address };
    config.limits.connections_per_address = 2;
    let who = |ConnectInfo(peer): ConnectInfo<RequestPeer>| async move { peer.address.ip().to_string() };
    let routes = Router::new().route("/who", get(who));
    let running = Server::new(config).with_routes(move |_| routes).start().await.unwrap();
    (folder, running)
}

async fn asked(running: &RunningServer, from: u8, headers: &str) -> String {
    let stream = connect(from, running.address()).await;
    let head = format!("GET /who HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n");
    Answer::read(&talk(stream, head.as_bytes()).await.unwrap()).body
}

#[tokio::test]
async fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
    let (_folder, running) = who(ClientAddress::Forwarded).await;
    for (headers, client) in [
        ("", "127.0.0.9"),
        ("forwarded: for=192.0.2.1\r\n", "192.0.2.1"),
        ("forwarded: For=\"192.0.2.1:4711\";proto=https\r\n", "192.0.2.1"),
        ("forwarded: for=\"[2001:db8::1]\"\r\n", "2001:db8::1"),
        ("forwarded: for=\"[2001:db8::1]:4711\";by=10.0.0.1\r\n", "2001:db8::1"),
        // What stands before the client is its own word.
        ("forwarded: for=198.51.100.9, for=192.0.2.1\r\n", "192.0.2.1"),
        ("forwarded: for=198.51.100.9\r\nforwarded: for=192.0.2.1\r\n", "192.0.2.1"),
        ("forwarded: for=\"198.51.100.9, for=192.0.2.1\r\n", "192.0.2.1"),
        // One proxy behind another.
        ("forwarded: for=192.0.2.1, for=10.1.2.3\r\n", "192.0.2.1"),
        ("forwarded: for=10.1.2.3\r\n", "10.1.2.3"),
        // A proxy that does not say who, or nothing that can be read.
        ("forwarded: for=192.0.2.1, for=unknown\r\n", "127.0.0.9"),
        ("forwarded: for=192.0.2.1, for=_hidden\r\n", "127.0.0.9"),
        ("forwarded: for=192.0.2.1, nonsense\r\n", "127.0.0.9"),
        // Another header, which the proxy may have handed on as the client sent it.
        ("x-forwarded-for: 192.0.2.1\r\n", "127.0.0.9"),
    ] {
        assert_eq!(asked(&running, 9, headers).await, client, "{headers}");
    }
    // From anywhere else, it is not read.
    assert_eq!(asked(&running, 2, "forwarded: for=192.0.2.1\r\n").await, "127.0.0.2");
    running.shutdown().await;
}

#[tokio::test]
async fn x_forwarded_for_is_read_from_its_end() {
    let (_folder, running) = who(ClientAddress::XForwardedFor).await;
    for (headers, client) in [
        ("x-forwarded-for: 198.51.100.9, 192.0.2.1\r\n", "192.0.2.1"),
        ("x-forwarded-for: 198.51.100.9\r\nx-forwarded-for: 192.0.2.1,10.1.2.3\r\n", "192.0.2.1"),
        ("x-forwarded-for: 192.0.2.1:4711\r\n", "192.0.2.1"),
        ("x-forwarded-for: [2001:db8::1]:4711\r\n", "2001:db8::1"),
        ("x-forwarded-for: 2001:db8::1\r\n", "2001:db8::1"),
        ("x-forwarded-for: 192.0.2.1, me\r\n", "127.0.0.9"),
        ("forwarded: for=192.0.2.1\r\n", "127.0.0.9"),
    ] {
        assert_eq!(asked(&running, 9, headers).await, client, "{headers}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn the_proxy_protocol_tells_the_address_of_a_connection() {
    let (_folder, running) = who(ClientAddress::ProxyProtocol).await;
    let version_2 = {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
        header.extend([192, 0, 2, 2, 10, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb]);
        header
    };
    for (header, client) in [
        (b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n".to_vec(), "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n".to_vec(), "2001:db8::1"),
        (version_2, "192.0.2.2"),
        // The proxy asks for itself.
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.9"),
    ] {
        let mut stream = connect(9, running.address()).await;
        stream.write_all(&header).await.unwrap();
        // Headers are not read in this mode.
        assert_eq!(ask(&mut stream, "/who").await.body, client);
    }
    // A proxy that does not speak it, and a client that pretends to be one.
    for from in [9, 2] {
        let mut stream = connect(from, running.address()).await;
        let start: &[u8] = if from == 9 { b"" } else { b"PROXY TCP4 192.0.2.1 10.0.0.1 4711 443\r\n" };
        stream.write_all(&[start, b"GET /who HTTP/1.1\r\nhost: a\r\n\r\n"].concat()).await.unwrap();
        let answer = Answer::read(&until_closed(&mut stream).await);
        assert!(matches!(answer.status, 0 | 400), "{answer:?}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn connections_of_a_proxy_count_for_its_clients() {
    let (_folder, running) = who(ClientAddress::ProxyProtocol).await;
    // Two each are allowed; the third closes the first one of the same client, and of nobody else.
    let mut streams = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2", "192.0.2.1"] {
        let mut stream = connect(9, running.address()).await;
        stream.write_all(format!("PROXY TCP4 {client} 10.0.0.1 1 2\r\n").as_bytes()).await.unwrap();
        assert_eq!(ask(&mut stream, "/who").await.body, client);
        streams.push(stream);
    }
    until_closed(&mut streams[0]).await;
    for stream in &mut streams[1..] {
        assert!(ask(stream, "/who").await.body.starts_with("192.0.2."));
    }
    running.shutdown().await;
}

#[tokio::test]
async fn connections_of_a_proxy_that_speaks_for_many_are_not_counted_by_its_address() {
    let (_folder, running) = who(ClientAddress::Forwarded).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        streams.push(connect(9, running.address()).await);
    }
    for stream in &mut streams {
        assert_eq!(ask(stream, "/who").await.body, "127.0.0.9");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn failed_attempts_count_for_the_client_behind_a_proxy() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.auth = toml::from_str("throttle = { failures = 2, per = '1h' }").unwrap();
    config.trusted_proxies.networks = vec!["127.0.0.9".parse().unwrap()];
    let running = Server::new(config).start().await.unwrap();
    let guess = async |from: u8, client: &str| {
        let stream = connect(from, running.address()).await;
        let secret = "0".repeat(64);
        let head = format!(
            "GET /api/v1/me HTTP/1.1\r\nhost: a\r\nconnection: close\r\nforwarded: for={client}\r\n\
             authorization: Bearer lgt_0123456789ab_{secret}\r\n\r\n"
        );
        Answer::read(&talk(stream, head.as_bytes()).await.unwrap()).status
    };
    for status in [401, 401, 429] {
        assert_eq!(guess(9, "192.0.2.1").await, status);
    }
    assert_eq!(guess(9, "192.0.2.2").await, 401);
    // Who is no proxy speaks for nobody else.
    for (client, status) in [("192.0.2.3", 401), ("192.0.2.4", 401), ("192.0.2.5", 429)] {
        assert_eq!(guess(2, client).await, status);
    }
    running.shutdown().await;
}
