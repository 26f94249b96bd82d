//! A plugin that sends requests, from its memory to a socket and back. What is checked on the way, and every way in
//! which a peer can misbehave, stands with the capability.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Guest, runtime, shared_snapshot};
use lockgate_domain::{Answer, FailureKind, PolicyVerdict};
use lockgate_runtime::{Evaluation, Grants, HttpGrant, Limits, LoadRequest};
use serde_json::{Value, json};

/// A peer on this machine that waits so long with this answer; the origin of it.
fn peer(pause: Duration, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            thread::sleep(pause);
            // The other side may have gone.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    origin
}

/// A policy that gets a URL, logs the body that comes back, and abstains.
fn getting(url: &str) -> Guest {
    let decide = format!(
        "(call $send
            (i32.const 0) (i32.const 8192) (i32.const {length})
            (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4096))
        (if (i32.eqz (i32.load8_u (i32.const 4096))) (then
            (call $log (i32.const 2) (i32.load (i32.const 4116)) (i32.load (i32.const 4120)))))",
        length = url.len()
    );
    Guest {
        world: "import lockgate:host/http@0.2.0-rc.2; import lockgate:host/log@0.2.0-rc.2; export lockgate:approval/policy@0.2.0-rc.2;",
        imports: r#"
            (import "lockgate:host/http@0.2.0-rc.2" "send"
                (func $send (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
            (import "lockgate:host/log@0.2.0-rc.2" "log" (func $log (param i32 i32 i32)))"#,
        fields: format!("(data (i32.const 8192) \"{url}\")").leak(),
        decide: decide.leak(),
        ..Guest::default()
    }
}

/// The origin, with the address of this machine and more time than a busy one needs.
fn granted(origin: &str) -> HttpGrant {
    let mut grant = HttpGrant::new(origin.parse().unwrap());
    grant.addresses = vec!["127.0.0.1".parse().unwrap()];
    grant.timeout = Duration::from_secs(4);
    grant
}

fn decide(guest: &Guest, grant: HttpGrant, limits: Limits) -> Evaluation<Answer> {
    let grants = Grants { http: vec![grant], ..Grants::default() };
    let plugin = runtime().load(LoadRequest { grants, limits, ..guest.request() }).unwrap();
    plugin.decide(&shared_snapshot())
}

/// The answer to its only question.
fn answered(evaluation: &Evaluation<Answer>) -> &Value {
    assert_eq!(evaluation.exchanges.len(), 1);
    &evaluation.exchanges[0].answer
}

#[test]
fn a_plugin_gets_what_its_peer_answers() {
    let origin = peer(Duration::ZERO, "HTTP/1.1 404 None\r\nB: 2\r\nContent-Length: 5\r\nA: 1\r\n\r\nhello");
    let url = format!("{origin}/scans?of=shop-1");
    let evaluation = decide(&getting(&url), granted(&origin), Limits::default());
    assert_eq!(evaluation.outcome.as_ref().unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(evaluation.log.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["hello"]);
    assert_eq!(evaluation.exchanges[0].call, "http.send");
    assert_eq!(evaluation.exchanges[0].question, json!({ "method": "get", "url": url, "headers": [] }));
    let answer = json!({
        "status": 404,
        "headers": [["a", "1"], ["b", "2"], ["content-length", "5"]],
        "body": "aGVsbG8=",
    });
    assert_eq!(answered(&evaluation), &json!({ "Ok": answer }));
}

#[test]
fn a_plugin_that_is_refused_can_go_on() {
    let evaluation = decide(&getting("http://127.0.0.1:9/"), granted("http://127.0.0.1:10"), Limits::default());
    assert_eq!(answered(&evaluation), &json!({ "Err": { "not-granted": "`http://127.0.0.1:9`" } }));
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);

    let metadata = HttpGrant::new("http://169.254.169.254".parse().unwrap());
    let evaluation = decide(&getting("http://169.254.169.254/latest/"), metadata, Limits::default());
    assert_eq!(answered(&evaluation), &json!({ "Err": { "address-refused": "169.254.169.254" } }));
}

#[test]
fn a_plugin_whose_peer_is_slow_can_go_on() {
    let origin = peer(Duration::from_secs(5), "");
    let grant = HttpGrant { timeout: Duration::from_millis(200), ..granted(&origin) };
    let evaluation = decide(&getting(&origin), grant, Limits::default());
    assert_eq!(answered(&evaluation), &json!({ "Err": { "timed-out": 200 } }));
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
}

#[test]
fn a_slow_peer_cannot_hold_a_call_beyond_its_time() {
    let origin = peer(Duration::from_secs(5), "");
    let guest = getting(&origin);
    let grants = Grants { http: vec![granted(&origin)], ..Grants::default() };
    let limits = Limits { wall_clock: Duration::from_millis(300), ..Limits::default() };
    let plugin = runtime().load(LoadRequest { grants, limits, ..guest.request() }).unwrap();
    let begun = Instant::now();
    let evaluation = plugin.decide(&shared_snapshot());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(matches!(answered(&evaluation)["Err"]["timed-out"].as_u64(), Some(1..=300)));
    if let Err(failure) = evaluation.outcome {
        assert_eq!(failure.kind, FailureKind::TimedOut);
    }
}

#[test]
fn a_plugin_that_was_granted_no_origin_is_not_loaded() {
    let refused = runtime().load(getting("http://127.0.0.1:9/").request()).unwrap_err().to_string();
    assert!(refused.contains("lockgate:host/http"), "{refused}");
    assert!(refused.contains("grants.http"), "{refused}");
}
