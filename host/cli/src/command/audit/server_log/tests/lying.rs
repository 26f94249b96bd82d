//! A server that lies gains nothing: what it changes does not fit, and what it leaves out is missed.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lockgate_audit_server::{Ledger, event, routes_for, serve};
use lockgate_domain::Teams;
use lockgate_ledger::audit::{Audit, AuditReport, FindingPlace, audit};
use lockgate_ledger::tree::leaf_hash;
use lockgate_ledger::{Error, FailureCause, SqliteStorage};
use serde_json::{Value, json};

use super::server_log;

fn against(ledger: &Ledger) -> Audit {
    Audit { key: Some(ledger.key.clone()), ..Audit::default() }
}

fn audited(server: &str, against: &Audit) -> Result<AuditReport, Error> {
    audit(&server_log(server), against)
}

fn places(server: &str, against: &Audit) -> Vec<FindingPlace> {
    audited(server, against).unwrap().findings.into_iter().map(|finding| finding.place).collect()
}

/// What the error says, which has to be that nobody can know what the server serves.
fn lie(server: &str, ledger: &Ledger) -> String {
    match audited(server, &against(ledger)) {
        Err(Error::Unavailable(why)) if why.cause == FailureCause::Corrupt => why.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_that_is_left_out_is_missed() {
    let ledger = Ledger::with(8);
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/entries?from=0") {
            answer["items"].as_array_mut().unwrap().remove(3);
        }
    });
    assert!(places(&server, &against(&ledger)).contains(&FindingPlace::Entry(3)));
}

#[test]
fn entries_that_are_cut_off_are_missed() {
    let ledger = Ledger::with(8);
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/entries?from=") {
            answer["items"].as_array_mut().unwrap().retain(|entry| entry["index"].as_u64() < Some(5));
            answer.as_object_mut().unwrap().remove("next");
        }
    });
    assert!(places(&server, &against(&ledger)).contains(&FindingPlace::Entries { first: 5, last: 8 }));
}

#[test]
fn another_page_than_the_one_asked_for_is_a_lie() {
    let ledger = Ledger::with(700);
    let first = Arc::new(std::sync::Mutex::new(None));
    let server = ledger.serve_changed(move |target, answer| {
        if target.contains("/entries?") {
            *answer = first.lock().unwrap().get_or_insert_with(|| answer.clone()).clone();
        }
    });
    let says = lie(&server, &ledger);
    assert!(says.contains("answered entry 0, which was not asked for, or not there"), "{says}");
}

#[test]
fn entries_in_another_order_are_a_lie() {
    let ledger = Ledger::with(8);
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/entries?") {
            answer["items"].as_array_mut().unwrap().reverse();
        }
    });
    assert!(lie(&server, &ledger).contains("entry 7, which was not asked for, or not there"));
}

#[test]
fn pages_without_end_are_a_lie() {
    let ledger = Ledger::with(8);
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/entries?") {
            *answer = json!({ "items": [], "next": 1 });
        }
    });
    assert!(lie(&server, &ledger).contains("that it goes on at 1"));
}

#[test]
fn a_log_that_another_key_signs_is_not_taken_for_this_one() {
    let (ledger, other) = (Ledger::with(4), Ledger::with(4));
    assert_eq!(places(&other.serve(), &against(&ledger)), [FindingPlace::Key]);
}

#[test]
fn a_key_that_the_log_does_not_name_is_found() {
    let (ledger, other) = (Ledger::with(4), Ledger::with(0));
    let key = other.key.to_string();
    let server = ledger.serve_changed(move |target, answer| {
        if target.ends_with("/head") {
            answer["key"] = Value::from(key.clone());
        }
    });
    assert_eq!(places(&server, &against(&ledger)), [FindingPlace::Head]);
}

#[test]
fn an_entry_that_is_changed_on_the_way_is_found() {
    for forge_hash in [false, true] {
        let ledger = Ledger::with(8);
        let server = ledger.serve_changed(move |target, answer| {
            if !target.contains("/entries?") {
                return;
            }
            for entry in answer["items"].as_array_mut().unwrap() {
                if entry["index"] == 3 {
                    let leaf = String::from_utf8(STANDARD.decode(entry["leaf"].as_str().unwrap()).unwrap()).unwrap();
                    let leaf = leaf.replace("\"n\":3", "\"n\":4");
                    entry["leaf"] = Value::from(STANDARD.encode(&leaf));
                    if forge_hash {
                        entry["hash"] = Value::from(leaf_hash(leaf.as_bytes()).to_string());
                    }
                }
            }
        });
        let places = places(&server, &against(&ledger));
        let expected = if forge_hash { FindingPlace::Entries { first: 2, last: 3 } } else { FindingPlace::Entry(3) };
        assert!(places.contains(&expected), "{places:?}");
    }
}

#[test]
fn a_node_that_is_changed_or_not_there_is_found() {
    for gone in [false, true] {
        let ledger = Ledger::with(8);
        let server = ledger.serve_changed(move |target, answer| {
            if target.contains("/nodes?") {
                // The first that is asked for is the one above entries 0 and 1.
                answer["hashes"][0] = if gone { Value::Null } else { answer["hashes"][1].clone() };
            }
        });
        assert!(places(&server, &against(&ledger)).contains(&FindingPlace::Entries { first: 0, last: 1 }));
    }
}

#[test]
fn fewer_hashes_than_were_asked_for_are_a_lie() {
    let ledger = Ledger::with(8);
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/nodes?") {
            answer["hashes"].as_array_mut().unwrap().pop();
        }
    });
    assert!(lie(&server, &ledger).contains("hashes where"));
}

#[test]
fn an_earlier_log_is_shown_by_a_checkpoint_that_was_kept() {
    let ledger = Ledger::with(3);
    let earlier = ledger.path().with_file_name("earlier.db");
    ledger.storage.backup(&earlier).unwrap();
    ledger.append(vec![event("a", 4)]);
    let storage: Arc<dyn lockgate_ledger::Storage> = Arc::new(SqliteStorage::open_read_only(&earlier).unwrap());
    let server = serve(routes_for(storage, Teams::All));
    assert_eq!(places(&server, &against(&ledger)), []);
    let kept = Audit { checkpoints: vec![ledger.checkpoint()], ..against(&ledger) };
    assert_eq!(places(&server, &kept), [FindingPlace::Elsewhere(5)]);
}

#[test]
fn content_that_is_swapped_hidden_or_not_handed_out_is_found() {
    let swapped = |ledger: &Ledger| {
        serve(ledger.routes().layer(from_fn(|request: Request, next: Next| async move {
            let content = request.uri().path().contains("/content/");
            let (parts, body) = next.run(request).await.into_parts();
            match content {
                true => (parts.headers, "swapped").into_response(),
                false => axum::response::Response::from_parts(parts, body),
            }
        })))
    };
    let hidden = |ledger: &Ledger| {
        ledger.serve_changed(|target, answer| {
            if target.contains("/contents?") {
                *answer = json!({ "items": [] });
            }
        })
    };
    let withheld = |ledger: &Ledger| {
        serve(ledger.routes().layer(from_fn(|request: Request, next: Next| async move {
            let content = request.uri().path().contains("/content/");
            let problem =
                (StatusCode::NOT_FOUND, r#"{"type":"urn:lockgate:problem:not-found","title":"none","status":404}"#);
            if content { problem.into_response() } else { next.run(request).await }
        })))
    };
    let servers: [&dyn Fn(&Ledger) -> String; 3] = [&swapped, &hidden, &withheld];
    for server in servers {
        let ledger = Ledger::with(2);
        let digest = ledger.evidence(b"evidence").digest();
        assert_eq!(places(&server(&ledger), &against(&ledger)), [FindingPlace::Content(digest)]);
    }
}

#[test]
fn checkpoints_and_digests_out_of_order_are_a_lie() {
    let ledger = Ledger::with(2);
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/checkpoints?above=1") {
            *answer = json!({ "items": [{ "size": 1, "note": "" }], "next": 1 });
        }
    });
    assert!(lie(&server, &ledger).contains("a checkpoint of 1 entry"));
    let ledger = Ledger::with(2);
    ledger.evidence(b"one");
    let server = ledger.serve_changed(|target, answer| {
        if target.contains("/contents?") {
            let digest = answer["items"][0].clone();
            answer["items"] = json!([digest, digest]);
        }
    });
    assert!(lie(&server, &ledger).contains("which was not asked for"));
}

#[test]
fn an_answer_that_is_cut_off_or_no_json_is_no_verdict() {
    let other = |server: &str| match audited(server, &Audit::default()) {
        Err(Error::Unavailable(why)) if why.cause == FailureCause::Other => why.message,
        other => panic!("{other:?}"),
    };
    let page = serve(axum::Router::new().fallback(|| async { axum::response::Html("<h1>Sign in</h1>") }));
    assert!(other(&page).contains("does not answer like a Lockgate server"), "{}", other(&page));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"size\":");
        }
    });
    let says = other(&format!("http://{address}"));
    assert!(says.contains("/api/v1/audit/head"), "{says}");
}
