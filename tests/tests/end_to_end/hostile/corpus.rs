//! The guests and what they meet: each meets the failure that it must, while a victim beside it answers as always.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lockgate_domain::{Evidence, Snapshot};
use lockgate_repeat::Repeat;
use lockgate_runtime::{Grants, Limits, LoadRequest, Plugin};
use lockgate_tests::hostile::{Hostile, Met, Range, corpus};
use lockgate_tests::{bundled, runtime, snapshot};
use serde_json::json;

/// How long is waited for the victim.
const LONGEST: Duration = Duration::from_secs(60);
/// How long the victim rests between two decisions.
const REST: Duration = Duration::from_millis(1);

/// The guests that one test lets loose, by what they must meet. Every guest is in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    RefusedForItsCost,
    RefusedForItsForm,
    StoppedWhileLoaded,
    Trapped,
    OutOfFuel,
    BreaksTheContract,
    OtherLimits,
    ComesToNothing,
}

impl Group {
    fn of(must: &Met) -> Self {
        match (&*must.at, &*must.failure) {
            ("admit", "beyond" | "costly" | "costly-function" | "unforeseeable" | "too-large") => {
                Self::RefusedForItsCost
            }
            ("admit", _) => Self::RefusedForItsForm,
            ("decide", "trapped") => Self::Trapped,
            ("decide", "out-of-fuel") => Self::OutOfFuel,
            ("decide", "contract-violation") => Self::BreaksTheContract,
            ("decide", "none") => Self::ComesToNothing,
            ("decide", _) => Self::OtherLimits,
            _ => Self::StoppedWhileLoaded,
        }
    }
}

#[test]
fn guests_that_would_cost_too_much_to_compile_are_refused() {
    all_of(Group::RefusedForItsCost);
}

#[test]
fn guests_of_a_wrong_form_are_refused() {
    all_of(Group::RefusedForItsForm);
}

#[test]
fn guests_that_misbehave_while_they_are_loaded_are_stopped() {
    all_of(Group::StoppedWhileLoaded);
}

#[test]
fn guests_that_trap_fail_as_trapped() {
    all_of(Group::Trapped);
}

#[test]
fn guests_that_compute_without_end_run_out_of_fuel() {
    all_of(Group::OutOfFuel);
}

#[test]
fn guests_that_break_the_contract_are_told_how() {
    all_of(Group::BreaksTheContract);
}

#[test]
fn guests_that_take_too_much_memory_time_or_room_are_stopped() {
    all_of(Group::OtherLimits);
}

#[test]
fn guests_whose_attack_comes_to_nothing_answer() {
    all_of(Group::ComesToNothing);
}

fn all_of(group: Group) {
    // What one evaluation leaves behind would be there for the next.
    let times = Repeat::new(3, 60).count as usize;
    let directory = tempfile::tempdir().unwrap();
    let range = Range::new(directory.path());
    let guests = corpus(|must| Group::of(must) == group).unwrap();
    let guests: Mutex<VecDeque<Hostile>> = Mutex::new(guests.into());
    assert!(!guests.lock().unwrap().is_empty(), "there is a guest in {group:?}");
    let snapshot = Arc::new(evidence(snapshot()));
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let (ended, decisions) = (AtomicBool::new(false), AtomicU64::new(0));
    let victim = victim();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let odd = watched(&victim, &ended, &decisions);
            failures.lock().unwrap().extend(odd);
        });
        let loose: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(guest) = next(&guests) {
                        let before = decisions.load(Relaxed);
                        let began = std::time::Instant::now();
                        if let Err(why) = meets(&range, &guest, &snapshot, times) {
                            failures.lock().unwrap().push(format!("`{}` {why}", guest.name));
                        }
                        eprintln!("{:>6} ms  {}", began.elapsed().as_millis(), guest.name);
                        // The next guest comes when the victim has answered beside this one, or after it.
                        while decisions.load(Relaxed) == before && began.elapsed() < LONGEST {
                            std::thread::sleep(REST);
                        }
                        if decisions.load(Relaxed) == before {
                            failures.lock().unwrap().push(format!("the victim did not answer beside `{}`", guest.name));
                        }
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
}

fn next(guests: &Mutex<VecDeque<Hostile>>) -> Option<Hostile> {
    guests.lock().unwrap().pop_front()
}

/// Lets it loose. Why it did not meet what it must.
fn meets(range: &Range, guest: &Hostile, snapshot: &Arc<Snapshot>, times: usize) -> Result<(), String> {
    let (met, message) = range.run(guest, snapshot, times)?;
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

fn victim() -> Plugin {
    let request = LoadRequest {
        component: bundled("four-eyes").into(),
        settings: json!({ "required": [{ "role": "change-authority" }] }),
        grants: Grants::default(),
        limits: Limits::default(),
    };
    runtime().load(request).unwrap()
}

/// Decides again and again until the others have ended. What was not as always.
fn watched(victim: &Plugin, ended: &AtomicBool, decisions: &AtomicU64) -> Option<String> {
    let snapshot = Arc::new(snapshot());
    let always = victim.decide(&snapshot);
    always.outcome.as_ref().unwrap();
    while !ended.load(Relaxed) {
        let now = victim.decide(&snapshot);
        if now.outcome != always.outcome || now.receipt.fuel != always.receipt.fuel {
            return Some(format!("the victim said {now:?}, and before that always {always:?}"));
        }
        decisions.fetch_add(1, Relaxed);
        // The guests get the cores: that the victim decides now and then is enough.
        std::thread::sleep(REST);
    }
    None
}
