//! The guests and what they meet.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use lockgate_domain::{Evidence, Snapshot};
use lockgate_runtime::{Grants, Limits, LoadRequest};
use lockgate_tests::hostile::{Hostile, Range, corpus};
use lockgate_tests::{bundled, runtime, snapshot};
use serde_json::json;

/// How often each guest decides: what one evaluation leaves behind would be there for the next.
const TIMES: usize = 3;

#[test]
fn every_guest_meets_the_failure_that_it_must_while_a_victim_beside_it_answers_as_always() {
    let directory = tempfile::tempdir().unwrap();
    let range = Range::new(directory.path());
    let guests: Mutex<VecDeque<Hostile>> = Mutex::new(corpus().unwrap().into());
    let snapshot = Arc::new(evidence(snapshot()));
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let (ended, decisions) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let odd = watched(&ended, &decisions);
            failures.lock().unwrap().extend(odd);
        });
        let loose: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(guest) = next(&guests) {
                        let began = std::time::Instant::now();
                        if let Err(why) = meets(&range, &guest, &snapshot) {
                            failures.lock().unwrap().push(format!("`{}` {why}", guest.name));
                        }
                        eprintln!("{:>6} ms  {}", began.elapsed().as_millis(), guest.name);
                    }
                })
            })
            .collect();
        for thread in loose {
            thread.join().unwrap();
        }
        ended.store(true, Relaxed);
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    assert!(decisions.into_inner() > 100, "the victim got to decide");
}

fn next(guests: &Mutex<VecDeque<Hostile>>) -> Option<Hostile> {
    guests.lock().unwrap().pop_front()
}

/// Lets it loose. Why it did not meet what it must.
fn meets(range: &Range, guest: &Hostile, snapshot: &Arc<Snapshot>) -> Result<(), String> {
    let (met, message) = range.run(guest, snapshot, TIMES)?;
    if met != guest.must {
        return Err(format!("must meet {}, and met {met}: {message}", guest.must));
    }
    if !message.contains(&guest.says) {
        return Err(format!("must be told `{}`, and was told `{message}`", guest.says));
    }
    Ok(())
}

/// A snapshot in which there is evidence to be stolen.
fn evidence(mut snapshot: Snapshot) -> Snapshot {
    let large = Evidence::new(vec![b'x'; 1 << 20], "text/plain");
    snapshot.evidence.insert("large".to_owned(), large);
    snapshot
}

/// Decides again and again until the others have ended. What was not as always.
fn watched(ended: &AtomicBool, decisions: &AtomicU64) -> Option<String> {
    let request = LoadRequest {
        component: bundled("four-eyes").into(),
        settings: json!({ "required": [{ "role": "change-authority" }] }),
        grants: Grants::default(),
        limits: Limits::default(),
    };
    let plugin = runtime().load(request).unwrap();
    let snapshot = Arc::new(snapshot());
    let always = plugin.decide(&snapshot);
    always.outcome.as_ref().unwrap();
    while !ended.load(Relaxed) {
        let now = plugin.decide(&snapshot);
        if now.outcome != always.outcome || now.receipt.fuel != always.receipt.fuel {
            return Some(format!("the victim said {now:?}, and before that always {always:?}"));
        }
        decisions.fetch_add(1, Relaxed);
    }
    None
}
