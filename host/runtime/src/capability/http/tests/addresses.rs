//! Tests of the addresses that a name leads to.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::super::dns::NameResolver;
use super::super::tls::TlsTrust;
use super::peer::{Peer, ok, path, redirect};
use super::*;

/// Asks with a name server of the test's own.
fn client(grant: &HttpGrant, look_up: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> HttpClient {
    HttpClient::with(std::slice::from_ref(grant), NameResolver::with(look_up), TlsTrust::default()).unwrap()
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A grant of `scanner.example`, with the port of a peer that answers.
fn named() -> (Peer, HttpGrant, HttpRequest) {
    let peer = Peer::saying(&ok("from this machine"));
    let origin = format!("http://scanner.example:{}", peer.port());
    let asked = request(HttpMethod::Get, &format!("{origin}/"));
    (peer, granted(&origin), asked)
}

fn refused(address: &str) -> Result<HttpResponse, HttpError> {
    Err(HttpError::AddressRefused(address.to_owned()))
}

#[test]
fn addresses_that_are_not_public_are_refused_unless_they_are_granted() {
    let peer = Peer::saying(&ok(""));
    let grant = HttpGrant { addresses: Vec::new(), ..granted(&peer.origin()) };
    assert_eq!(get(&[grant], &peer.url("/")), refused("127.0.0.1"));
    assert!(peer.requests().is_empty());
    assert_eq!(get(&[granted(&peer.origin())], &peer.url("/")).unwrap().status, 200);

    for (origin, address) in [
        ("http://169.254.169.254", "169.254.169.254"),
        ("http://[::1]:8080", "::1"),
        ("http://[::ffff:127.0.0.1]:8080", "127.0.0.1"),
        ("http://[::ffff:a9fe:a9fe]", "169.254.169.254"),
        ("http://0.0.0.0:8080", "0.0.0.0"),
        ("http://[fe80::1]", "fe80::1"),
    ] {
        let grant = HttpGrant::new(origin.parse().unwrap());
        assert_eq!(get(&[grant], &format!("{origin}/latest/meta-data/")), refused(address));
    }
}

#[test]
fn a_name_of_this_machine_is_refused_unless_its_address_is_granted() {
    let peer = Peer::saying(&ok(""));
    let origin = format!("http://localhost:{}", peer.port());
    let grant = HttpGrant { addresses: Vec::new(), ..granted(&origin) };
    let answer = get(&[grant], &format!("{origin}/"));
    assert!(answer == refused("127.0.0.1") || answer == refused("::1"), "{answer:?}");
    assert_eq!(get(&[granted(&origin)], &format!("{origin}/")).unwrap().status, 200);
    assert_eq!(peer.requests().len(), 1);
}

#[test]
fn of_many_addresses_only_allowed_ones_are_tried() {
    let (peer, grant, asked) = named();
    let found = addresses(&["10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"]);
    let answer = client(&grant, move |_| Ok(found.clone())).send(&mut NameCache::default(), &asked, in_a_minute());
    assert_eq!(answer.unwrap().body.0, b"from this machine");
    assert_eq!(peer.requests().len(), 1);
    assert!(peer.requests()[0].contains(&format!("\r\nhost: scanner.example:{}\r\n", peer.port())));

    let found = addresses(&["10.0.0.1", "169.254.169.254"]);
    let answer = client(&grant, move |_| Ok(found.clone())).send(&mut NameCache::default(), &asked, in_a_minute());
    assert_eq!(answer, refused("10.0.0.1"));
}

#[test]
fn a_name_is_looked_up_once_in_an_evaluation() {
    let (peer, grant, asked) = named();
    let lookups = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lookups);
    // A name server that says something else when it is asked again.
    let client = client(&grant, move |name| {
        assert_eq!(name, "scanner.example");
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        Ok(addresses(if first { &["127.0.0.1"] } else { &["10.0.0.1"] }))
    });
    let mut names = NameCache::default();
    for _ in 0..3 {
        assert_eq!(client.send(&mut names, &asked, in_a_minute()).unwrap().status, 200);
    }
    assert_eq!((lookups.load(Ordering::SeqCst), peer.requests().len()), (1, 3));

    assert_eq!(client.send(&mut NameCache::default(), &asked, in_a_minute()), refused("10.0.0.1"));
    assert_eq!(lookups.load(Ordering::SeqCst), 2);
}

#[test]
fn a_redirect_to_the_same_name_goes_to_the_same_address() {
    let peer = Peer::answering(|request| if path(request) == "/" { redirect(302, "/b") } else { ok("b") }.into_bytes());
    let origin = format!("http://scanner.example:{}", peer.port());
    let lookups = AtomicUsize::new(0);
    let client = client(&granted(&origin), move |_| {
        Ok(addresses(if lookups.fetch_add(1, Ordering::SeqCst) == 0 { &["127.0.0.1"] } else { &["10.0.0.1"] }))
    });
    let asked = request(HttpMethod::Get, &format!("{origin}/"));
    assert_eq!(client.send(&mut NameCache::default(), &asked, in_a_minute()).unwrap().body.0, b"b");
}

#[test]
fn a_name_that_stands_for_nothing_is_unreachable() {
    let (_, grant, asked) = named();
    let origin = grant.origin.to_string();
    let send = |client: HttpClient| client.send(&mut NameCache::default(), &asked, in_a_minute());
    assert_eq!(
        send(client(&grant, |_| Err(io::Error::other("name unknown")))),
        Err(HttpError::Unreachable(format!("`{origin}` cannot be reached: name unknown")))
    );
    assert_eq!(
        send(client(&grant, |_| Ok(Vec::new()))),
        Err(HttpError::Unreachable(format!("`{origin}` cannot be reached: its name has no address")))
    );
}

#[test]
fn nobody_there_is_unreachable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    match get(&[granted(&origin)], &origin) {
        Err(HttpError::Unreachable(why)) => {
            assert!(why.starts_with(&format!("`{origin}` cannot be reached: ")), "{why}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_server_that_does_not_answer_is_not_waited_for_and_holds_few_threads() {
    let (_, mut grant, asked) = named();
    grant.timeout = Duration::from_millis(200);
    let asleep = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asleep);
    let client = client(&grant, move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_secs(30));
        Ok(Vec::new())
    });
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let answer = client.send(&mut NameCache::default(), &asked, in_a_minute());
                assert_eq!(answer, Err(HttpError::TimedOut(200)));
            });
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(asleep.load(Ordering::SeqCst), 8);
}
