//! Every limit, hit on purpose: what is told, and that the next call is none the worse.

use std::time::Duration;

use crate::support::{Guest, runtime, shared_snapshot};
use lockgate_domain::{Answer, Failure, FailureKind, PolicyVerdict};
use lockgate_runtime::{Evaluation, Limits, LoadRequest, Runtime, RuntimeConfig};

fn decide(guest: &Guest, limits: Limits) -> Evaluation<Answer> {
    let plugin = runtime().load(LoadRequest { limits, ..guest.request() }).unwrap();
    plugin.decide(&shared_snapshot())
}

fn failure(guest: &Guest, limits: Limits) -> Failure {
    decide(guest, limits).outcome.unwrap_err()
}

#[test]
fn a_guest_that_keeps_to_the_contract_is_answered() {
    let evaluation = decide(&Guest::default(), Limits::default());
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(evaluation.receipt.peak_memory, 2 * 65536);
    assert_eq!(evaluation.receipt.function, "decide");
}

#[test]
fn a_loop_without_end_runs_out_of_fuel() {
    let guest = Guest { decide: "(loop $on (br $on))", ..Guest::default() };
    let Evaluation { outcome, receipt, .. } = decide(&guest, Limits { fuel: 1_000_000, ..Limits::default() });
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::OutOfFuel);
    assert_eq!(failure.message, "it used all 1,000,000 units of fuel and had not finished");
    assert_eq!((failure.limit, failure.used), (Some(1_000_000), Some(1_000_000)));
    assert_eq!((receipt.fuel, receipt.host_effort), (1_000_000, 0));
}

/// What the host does for it is counted apart, so the fuel of its own is far from the limit.
#[test]
fn a_guest_that_calls_the_host_without_end_is_told_so_and_the_receipt_shows_the_effort() {
    let import =
        r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[method]evaluation.now" (func $now (param i32) (result i64)))"#;
    let guest = Guest {
        imports: import,
        decide: "(loop $on (drop (call $now (local.get $evaluation))) (br $on))",
        ..Guest::default()
    };
    let Evaluation { outcome, receipt, .. } = decide(&guest, Limits { fuel: 1_000_000, ..Limits::default() });
    let failure = outcome.unwrap_err();
    assert_eq!(failure.kind, FailureKind::OutOfFuel);
    assert_eq!(failure.message, "its calls of the host used all 1,000,000 units of fuel");
    assert_eq!((failure.limit, failure.used), (Some(1_000_000), Some(1_000_000)));
    assert_eq!((receipt.host_effort, receipt.host_calls["now"]), (1_000_000, 10_001));
    assert!(receipt.fuel < 500_000, "{}", receipt.fuel);
    let once = Guest { imports: import, decide: "(drop (call $now (local.get $evaluation)))", ..Guest::default() };
    assert_eq!(decide(&once, Limits::default()).receipt.host_effort, 100);
}

#[test]
fn the_same_call_always_uses_the_same_fuel() {
    let guest = Guest {
        decide: "(local $n i32) (loop $on (br_if $on (i32.lt_u
            (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))",
        ..Guest::default()
    };
    let first = decide(&guest, Limits::default()).receipt.fuel;
    assert!(first > 1000, "{first}");
    assert_eq!(decide(&guest, Limits::default()).receipt.fuel, first);
}

#[test]
fn a_loop_with_fuel_enough_is_stopped_by_the_clock() {
    let guest = Guest { decide: "(loop $on (br $on))", ..Guest::default() };
    let limits = Limits { fuel: u64::MAX, wall_clock: Duration::from_millis(50), ..Limits::default() };
    let failure = failure(&guest, limits);
    assert_eq!(failure.kind, FailureKind::TimedOut);
    assert_eq!(failure.limit, Some(50));
    assert!(failure.used.unwrap() >= 50, "{failure}");
    assert!(failure.message.ends_with("the limit is 50 ms"), "{failure}");
}

#[test]
fn asking_for_too_much_memory_is_told_with_both_numbers() {
    // Three pages more than the two that it begins with, and then it aborts, as allocators do.
    let guest = Guest {
        decide: "(if (i32.eq (memory.grow (i32.const 3)) (i32.const -1)) (then unreachable))",
        ..Guest::default()
    };
    let failure = failure(&guest, Limits { memory: 4 * 65536, ..Limits::default() });
    assert_eq!(failure.kind, FailureKind::MemoryExceeded);
    assert_eq!(failure.message, "it asked for 320 KiB of memory; the limit is 256 KiB");
    assert_eq!((failure.limit, failure.used), (Some(4 * 65536), Some(5 * 65536)));
}

#[test]
fn memory_up_to_the_limit_is_granted_and_accounted_for() {
    let guest = Guest { decide: "(drop (memory.grow (i32.const 2)))", ..Guest::default() };
    let evaluation = decide(&guest, Limits { memory: 4 * 65536, ..Limits::default() });
    assert_eq!(evaluation.outcome.unwrap().verdict, PolicyVerdict::Abstain);
    assert_eq!(evaluation.receipt.peak_memory, 4 * 65536);
}

#[test]
fn a_guest_that_begins_with_too_much_memory_is_not_loaded() {
    let guest = Guest { memory: "32", ..Guest::default() };
    let error =
        runtime().load(LoadRequest { limits: Limits { memory: 1 << 20, ..Limits::default() }, ..guest.request() });
    let error = error.map(|_| ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it does not start within its limits: memory-exceeded: it asked for 2 MiB of memory; the limit is 1 MiB"
    );
}

#[test]
fn a_limit_beyond_what_the_runtime_has_is_refused() {
    let limits = Limits { memory: 1 << 40, ..Limits::default() };
    let error = runtime().load(LoadRequest { limits, ..Guest::default().request() }).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "a memory limit of 1024 GiB exceeds the maximum of this runtime, 256 MiB");
}

#[test]
fn a_table_grown_without_end_is_stopped() {
    let guest = Guest {
        fields: "(table $t 1 funcref)",
        decide: "(loop $on (drop (table.grow $t (ref.null func) (i32.const 10000))) (br $on))",
        ..Guest::default()
    };
    let failure = failure(&guest, Limits::default());
    assert_eq!(failure.kind, FailureKind::MemoryExceeded);
    assert_eq!(failure.message, "it asked for a table of 70,001 elements; the limit is 65,536");
}

#[test]
fn a_panic_says_where() {
    let guest =
        Guest { fields: "(func $policy::judge unreachable)", decide: "(call $policy::judge)", ..Guest::default() };
    let failure = failure(&guest, Limits::default());
    assert_eq!(failure.kind, FailureKind::Trapped);
    assert_eq!(failure.message, "the plugin panicked or aborted, in `policy::judge`");
}

#[test]
fn recursion_without_end_is_a_stack_overflow() {
    let guest = Guest { fields: "(func $deep (call $deep) (call $deep))", decide: "(call $deep)", ..Guest::default() };
    let failure = failure(&guest, Limits::default());
    assert_eq!(failure.kind, FailureKind::Trapped);
    assert_eq!(failure.message, "stack overflow: the plugin called itself too deeply, in `deep`");
}

#[test]
fn reading_outside_of_memory_is_told() {
    let guest = Guest { decide: "(drop (i32.load (i32.const -8)))", ..Guest::default() };
    let failure = failure(&guest, Limits::default());
    assert_eq!(failure.kind, FailureKind::Trapped);
    assert!(failure.message.starts_with("the plugin accessed memory out of bounds"), "{failure}");
}

/// An answer that allows, with one reason whose message has that many bytes.
const LONG_REASON: &str = r#"
    (i32.store8 (i32.const 4096) (i32.const 0)) (i32.store8 (i32.const 4100) (i32.const 0))
    (i32.store (i32.const 4120) (i32.const 4200)) (i32.store (i32.const 4124) (i32.const 1))
    (i32.store (i32.const 4200) (i32.const 1024)) (i32.store (i32.const 4204) (i32.const 10))
    (i32.store (i32.const 4208) (i32.const 65536)) (i32.store (i32.const 4212) (global.get $bytes))
    (memory.fill (i32.const 65536) (i32.const 0x61) (global.get $bytes))
    (return (i32.const 4096))"#;

#[test]
fn an_answer_that_is_too_large_is_told_with_both_numbers() {
    let guest = Guest {
        memory: "4",
        fields: "(global $bytes i32 (i32.const 100000))",
        decide: LONG_REASON,
        ..Guest::default()
    };
    let failure = failure(&guest, Limits { result_size: 64 << 10, ..Limits::default() });
    assert_eq!(failure.kind, FailureKind::ResultTooLarge);
    // The text, and the ten bytes of the code `test-guest`.
    assert_eq!((failure.limit, failure.used), (Some(65536), Some(100_010)));
    assert_eq!(failure.message, "the answer has 97.7 KiB; the limit is 64 KiB");
}

#[test]
fn an_answer_beyond_all_measure_is_not_taken_in_at_all() {
    let guest = Guest {
        memory: "34",
        fields: "(global $bytes i32 (i32.const 2000000))",
        decide: LONG_REASON,
        ..Guest::default()
    };
    let failure = failure(&guest, Limits { result_size: 64 << 10, ..Limits::default() });
    assert_eq!(failure.kind, FailureKind::ResultTooLarge);
    assert_eq!(failure.message, "the answer is larger than 320 KiB; the limit is 64 KiB");
}

#[test]
fn an_answer_that_lies_outside_of_memory_breaks_the_contract() {
    let guest = Guest { decide: "(return (i32.const -4))", ..Guest::default() };
    let failure = failure(&guest, Limits::default());
    assert_eq!(failure.kind, FailureKind::ContractViolation);
    assert!(failure.message.starts_with("the answer is not a value of the contract"), "{failure}");
}

#[test]
fn an_enum_out_of_range_breaks_the_contract() {
    let guest = Guest {
        decide: "(i32.store8 (i32.const 2000) (i32.const 0)) (i32.store8 (i32.const 2004) (i32.const 9))
            (return (i32.const 2000))",
        ..Guest::default()
    };
    assert_eq!(failure(&guest, Limits::default()).kind, FailureKind::ContractViolation);
}

#[test]
fn a_denial_without_a_finding_breaks_the_contract() {
    let guest = Guest {
        decide: "(i32.store8 (i32.const 2000) (i32.const 0)) (i32.store8 (i32.const 2004) (i32.const 1))
            (return (i32.const 2000))",
        ..Guest::default()
    };
    let failure = failure(&guest, Limits::default());
    assert_eq!(failure.kind, FailureKind::ContractViolation);
    assert_eq!(failure.message, "`findings` is empty: a denial needs at least one finding");
}

#[test]
fn what_it_says_it_could_not_answer_is_a_failure_with_its_own_code() {
    let guest = Guest {
        fields: r#"(data (i32.const 4096) "no-data" "the calendar is empty")"#,
        decide: "(i32.store8 (i32.const 2000) (i32.const 1))
            (i32.store (i32.const 2004) (i32.const 4096)) (i32.store (i32.const 2008) (i32.const 7))
            (i32.store (i32.const 2012) (i32.const 4103)) (i32.store (i32.const 2016) (i32.const 21))
            (return (i32.const 2000))",
        ..Guest::default()
    };
    let failure = failure(&guest, Limits::default());
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::PluginError, Some("no-data")));
    assert_eq!(failure.message, "the calendar is empty");
}

#[test]
fn nothing_that_one_call_leaves_behind_is_seen_by_the_next() {
    // Traps if it finds its own mark.
    let guest = Guest {
        decide: "(if (i32.load (i32.const 5000)) (then unreachable)) (i32.store (i32.const 5000) (i32.const 1))",
        ..Guest::default()
    };
    let plugin = runtime().load(guest.request()).unwrap();
    for _ in 0..20 {
        assert_eq!(plugin.decide(&shared_snapshot()).outcome.unwrap().verdict, PolicyVerdict::Abstain);
    }
}

#[test]
fn a_call_waits_for_a_sandbox_and_no_longer_than_it_may_run() {
    let runtime = Runtime::new(RuntimeConfig { pool_size: 1, ..RuntimeConfig::default() }).unwrap();
    let busy = Guest { decide: "(loop $on (br $on))", ..Guest::default() };
    let long = Limits { fuel: u64::MAX, wall_clock: Duration::from_millis(400), ..Limits::default() };
    let short = Limits { wall_clock: Duration::from_millis(20), ..Limits::default() };
    let busy = runtime.load(LoadRequest { limits: long, ..busy.request() }).unwrap();
    let waiting = runtime.load(LoadRequest { limits: short, ..Guest::default().request() }).unwrap();
    let snapshot = shared_snapshot();
    std::thread::scope(|scope| {
        scope.spawn(|| busy.decide(&snapshot));
        std::thread::sleep(Duration::from_millis(100));
        let failure = waiting.decide(&snapshot).outcome.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TimedOut);
        assert_eq!(failure.message, "no sandbox became free within 20 ms: all of the pool are in use");
    });
    assert_eq!(waiting.decide(&snapshot).outcome.unwrap().verdict, PolicyVerdict::Abstain);
}

#[test]
fn one_plugin_cannot_take_what_all_others_wait_for() {
    let runtime = Runtime::new(RuntimeConfig { pool_size: 2, ..RuntimeConfig::default() }).unwrap();
    let busy = Guest { decide: "(loop $on (br $on))", ..Guest::default() };
    let long = Limits { fuel: u64::MAX, wall_clock: Duration::from_millis(500), ..Limits::default() };
    let busy = runtime.load(LoadRequest { limits: long, ..busy.request() }).unwrap();
    let other = runtime.load(Guest::default().request()).unwrap();
    let snapshot = shared_snapshot();
    std::thread::scope(|scope| {
        let many: Vec<_> = (0..4).map(|_| scope.spawn(|| busy.decide(&snapshot))).collect();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(other.decide(&snapshot).outcome.unwrap().verdict, PolicyVerdict::Abstain);
        assert!(many.iter().all(|call| !call.is_finished()), "it did not have to wait");
        let told = many.into_iter().map(|call| call.join().unwrap().outcome.unwrap_err().message);
        assert!(told.into_iter().any(|message| message.ends_with("all that one plugin can hold are in use")));
    });
}
