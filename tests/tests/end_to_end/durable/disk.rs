//! A disk that takes no more: nothing is answered that is not written, the server says so, and goes on when it is mended.

use std::collections::BTreeSet;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use lockgate_tests::served::{Answer, Served, send, token};

use crate::durable::{GATE, folder, kept, request};

/// How long is waited for something that happens by itself.
const LONGEST: Duration = Duration::from_secs(60);

/// Says how large the files that a process writes may become.
fn limit(server: &Served, bytes: &str) {
    let process = server.process.id().to_string();
    let status = Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status().unwrap();
    assert!(status.success());
}

/// Waits until `/readyz` has that status.
fn ready(server: &Served, status: u16) -> Answer {
    let began = Instant::now();
    loop {
        let answer = server.get("/readyz").unwrap();
        if answer.status == status {
            return answer;
        }
        assert!(began.elapsed() < LONGEST, "{}", answer.body);
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_disk_that_takes_no_more_is_told_and_nothing_is_answered_unwritten() {
    let data = folder("disk").join("data");
    // A write beyond the limit is an error, and not the end of the process.
    let server = Served::start(&data, &["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    let token = token(&data);
    request(&server.address, &token);
    let ask = || send(&server.address, "POST", GATE, &token, "").unwrap();
    let mut answered = BTreeSet::new();
    let mut decided = |answer: Answer| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        answered.insert(answer.json()["id"].as_str().unwrap().to_owned());
    };
    decided(ask());
    ready(&server, 200);

    limit(&server, "1");
    for _ in 0..3 {
        let refused = ask();
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert!(refused.head.contains("application/problem+json"), "{}", refused.head);
        assert!(refused.head.to_ascii_lowercase().contains("retry-after:"), "{}", refused.head);
        assert_eq!(refused.json()["type"], "urn:lockgate:problem:ledger-unavailable", "{}", refused.body);
    }
    let readiness = ready(&server, 503).json();
    assert_eq!(readiness["checks"]["ledger"]["ok"], false, "{readiness}");
    // It lives, and what is there can be read.
    assert_eq!(server.get("/livez").unwrap().status, 200);
    let view = send(&server.address, "GET", "/api/v1/deployments/hello-2", &token, "").unwrap();
    assert_eq!(view.json()["id"], "hello-2", "{}", view.body);

    limit(&server, "unlimited");
    ready(&server, 200);
    decided(ask());
    drop(server);
    assert_eq!(kept(&data), answered);
}

#[test]
fn a_data_folder_that_is_away_for_a_while_is_told_and_everything_goes_on_when_it_is_back() {
    let above = folder("away");
    let (data, away) = (above.join("data"), above.join("elsewhere"));
    let server = Served::start(&data, &[]);
    let token = token(&data);
    request(&server.address, &token);
    let ask = || send(&server.address, "POST", GATE, &token, "").unwrap();
    let mut answered = BTreeSet::new();
    for _ in 0..2 {
        let decided = ask();
        assert_eq!(decided.status, 200, "{}", decided.body);
        answered.insert(decided.json()["id"].as_str().unwrap().to_owned());
        std::fs::rename(&data, &away).unwrap();
        let refused = ask();
        assert_eq!((refused.status, refused.json()["cause"].as_str()), (503, Some("io-error")), "{}", refused.body);
        ready(&server, 503);
        std::fs::rename(&away, &data).unwrap();
        ready(&server, 200);
    }
    // Tokens are issued and looked up as before, and models are loaded anew.
    let other = lockgate_tests::served::token(&data);
    let decided = send(&server.address, "POST", GATE, &other, "").unwrap();
    assert_eq!(decided.status, 200, "{}", decided.body);
    answered.insert(decided.json()["id"].as_str().unwrap().to_owned());
    drop(server);
    assert_eq!(kept(&data), answered);
}
