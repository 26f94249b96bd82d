//! Components that call WASI as compilers make them: core modules, and what WIT says of their imports.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use lockgate_domain::{FailureKind, LogLevel, LogLine, Snapshot};
use serde_json::json;
use wasmtime::Engine as WasmEngine;
use wasmtime::component::{Component, Linker};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{interface, link};
use crate::capability::ReadGrants;
use crate::config::{Limits, RuntimeConfig};
use crate::sandbox::{self, FinishedRun, Sandbox, SandboxSlots};

/// As much of WASI as the guests of these tests import.
const WASI: &str = "
    package wasi:io@0.2.9 {
        interface poll { resource pollable { block: func(); ready: func() -> bool; } }
        interface streams {
            use poll.{pollable};
            resource input-stream { read: func(len: u64) -> result<list<u8>, stream-error>; }
            resource output-stream {
                check-write: func() -> result<u64, stream-error>;
                write: func(contents: list<u8>) -> result<_, stream-error>;
            }
            resource error;
            variant stream-error { last-operation-failed(error), closed }
        }
    }
    package wasi:cli@0.2.9 {
        interface stdout { use wasi:io/streams@0.2.9.{output-stream}; get-stdout: func() -> output-stream; }
        interface stderr { use wasi:io/streams@0.2.9.{output-stream}; get-stderr: func() -> output-stream; }
        interface exit { exit-with-code: func(status-code: u8); }
        interface environment { get-arguments: func() -> u32; initial-secrets: func() -> u32; }
    }
    package wasi:clocks@0.2.9 {
        interface wall-clock { record datetime { seconds: u64, nanoseconds: u32 } now: func() -> datetime; }
        interface monotonic-clock {
            use wasi:io/poll@0.2.9.{pollable};
            now: func() -> u64;
            subscribe-duration: func(when: u64) -> pollable;
        }
    }
    package wasi:random@0.2.9 {
        interface random { get-random-bytes: func(len: u64) -> list<u8>; get-random-u64: func() -> u64; }
        interface insecure { get-insecure-random-u64: func() -> u64; }
    }
    package wasi:sockets@0.2.9 {
        interface network { enum error-code { unknown, access-denied, other } enum ip-address-family { ipv4, ipv6 } }
        interface tcp-create-socket {
            use network.{error-code, ip-address-family};
            resource tcp-socket;
            create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
        }
    }
";

/// A component that imports those interfaces and exports `run`, which answers a number.
fn guest(imports: &[&str], body: &str) -> Vec<u8> {
    let imports: String = imports.iter().map(|import| format!("import wasi:{import}@0.2.9;\n")).collect();
    let mut resolve = Resolve::default();
    let text = format!("package test:guest;\nworld guest {{\n{imports}export run: func() -> u64;\n}}\n{WASI}");
    let package = resolve.push_str("guest.wit", &text).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let core = format!(
        "(module {body}
            (memory (export \"memory\") 2)
            (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024))"
    );
    let mut core = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&core).unwrap().encode().unwrap()
}

struct FinishedGuest {
    finished: FinishedRun<u64>,
    freezable: Result<(), String>,
}

impl FinishedGuest {
    fn answer(&self) -> u64 {
        *self.finished.outcome.as_ref().unwrap()
    }

    /// Why it was stopped.
    fn stopped(&self) -> &str {
        let failure = self.finished.outcome.as_ref().unwrap_err();
        assert_eq!(failure.kind, FailureKind::Trapped);
        &failure.message
    }

    fn log(&self) -> Vec<(LogLevel, &str)> {
        self.finished.log.iter().map(|LogLine { level, message }| (*level, message.as_str())).collect()
    }
}

fn engine() -> WasmEngine {
    sandbox::engine(&RuntimeConfig { pool_size: 1, ..RuntimeConfig::default() }).unwrap()
}

fn linker(component: &Component, prints: bool) -> Linker<Sandbox> {
    let mut linker = Linker::new(component.engine());
    link(&mut linker, component, prints).unwrap();
    linker
}

fn run(component: &[u8], snapshot: Option<Snapshot>, prints: bool) -> FinishedGuest {
    let component = Component::new(&engine(), component).unwrap();
    let ready = linker(&component, prints).instantiate_pre(&component).unwrap();
    let (slots, limits, tick) = (SandboxSlots::new(1), Limits::default(), Duration::from_millis(10));
    let mut freezable = Ok(());
    let finished = sandbox::run(&slots, None, tick, &limits, &ready, |store, instance| {
        if let Some(snapshot) = snapshot {
            store.data_mut().show(Arc::new(snapshot), None, ReadGrants::default());
        }
        let run = instance.get_typed_func::<(), (u64,)>(&mut *store, "run")?;
        let answered = run.call(&mut *store, ())?.0;
        freezable = store.data().wasi.check_freezable();
        Ok(answered)
    });
    FinishedGuest { finished, freezable }
}

fn snapshot(id: &str) -> Snapshot {
    serde_json::from_value(json!({
        "id": id,
        "scenario": "new-version",
        "requester": {"id": "rita", "roles": []},
        "product": {"id": "shop", "name": "Shop"},
        "release": {"id": "shop-2", "name": "Shop", "version": "2.0.0", "status": "published", "components": []},
        "environment": {"name": "live", "kind": "live", "purpose": "production", "control": "full"},
        "change": {
            "id": "CHG-1", "title": "Shop 2", "description": "", "category": "normal",
            "approval": "approved", "risk": "low", "releases": ["shop-2"]
        },
        "gate": {"stage": "plan-and-approve", "phase": "exit"},
        "now": "2026-11-24T20:00:00.250Z",
        "subject": format!("sha256:{}", "0".repeat(64)),
    }))
    .unwrap()
}

/// Prints `text` to what the function answers; `drops` it afterwards or keeps it.
fn printer(interface: &str, function: &str, text: &str, drops: bool) -> Vec<u8> {
    printer_that(interface, function, text, if drops { "(call $drop (local.get 0))" } else { "" })
}

/// Prints `text` to what the function answers, and then goes on.
fn printer_that(interface: &str, function: &str, text: &str, goes_on: &str) -> Vec<u8> {
    guest(
        &["io/streams", interface],
        &format!(
            "(import \"wasi:{interface}@0.2.9\" \"{function}\" (func $open (result i32)))
             (import \"wasi:io/streams@0.2.9\" \"[method]output-stream.write\"
                (func $write (param i32 i32 i32 i32)))
             (import \"wasi:io/streams@0.2.9\" \"[resource-drop]output-stream\" (func $drop (param i32)))
             (data (i32.const 16) \"{text}\")
             (func (export \"run\") (result i64) (local i32)
                (local.set 0 (call $open))
                (call $write (local.get 0) (i32.const 16) (i32.const {}) (i32.const 512))
                {goes_on}
                (i64.load8_u (i32.const 512)))",
            text.replace("\\n", "\n").len()
        ),
    )
}

#[test]
fn what_is_printed_becomes_lines_of_the_log() {
    let ran = run(&printer("cli/stdout", "get-stdout", "one\\ntwo", true), Some(snapshot("d")), true);
    assert_eq!(ran.answer(), 0);
    assert_eq!(ran.log(), [(LogLevel::Info, "one"), (LogLevel::Info, "two")]);
    let ran = run(&printer("cli/stderr", "get-stderr", "three\\n", true), Some(snapshot("d")), true);
    assert_eq!(ran.log(), [(LogLevel::Warn, "three")]);
}

#[test]
fn what_is_said_before_a_trap_stands_in_the_failure_also_without_the_grant_to_log() {
    let said = "thread panicked at src/lib.rs:4:5:\\nno way\\n";
    for logs in [true, false] {
        let ran = run(&printer_that("cli/stderr", "get-stderr", said, "unreachable"), Some(snapshot("d")), logs);
        let failure = ran.finished.outcome.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Trapped);
        assert!(failure.message.ends_with(": thread panicked at src/lib.rs:4:5:; no way"), "{}", failure.message);
    }
    // What goes to standard output is no reason.
    let ran = run(&printer_that("cli/stdout", "get-stdout", said, "unreachable"), Some(snapshot("d")), true);
    assert!(!ran.stopped().contains("no way"), "{}", ran.stopped());
}

#[test]
fn what_is_printed_without_the_grant_to_log_is_dropped() {
    let ran = run(&printer("cli/stdout", "get-stdout", "one\\n", true), Some(snapshot("d")), false);
    assert_eq!((ran.answer(), ran.log()), (0, vec![]));
}

#[test]
fn more_printed_at_once_than_is_possible_stops_the_call() {
    let ran = run(&printer("cli/stdout", "get-stdout", &"x".repeat(4097), true), Some(snapshot("d")), true);
    assert!(ran.stopped().contains("it printed 4097 bytes at once"), "{}", ran.stopped());
}

#[test]
fn a_component_that_keeps_a_stream_cannot_be_frozen() {
    let kept = run(&printer("cli/stdout", "get-stdout", "", false), None, true);
    assert_eq!(kept.freezable.unwrap_err(), "after `configure` it still holds 1 stream or other WASI handle");
    let dropped = run(&printer("cli/stdout", "get-stdout", "", true), None, true);
    assert_eq!(dropped.freezable, Ok(()));
}

#[test]
fn the_wall_clock_stands_at_the_snapshots_now() {
    let clock = guest(
        &["clocks/wall-clock"],
        "(import \"wasi:clocks/wall-clock@0.2.9\" \"now\" (func $now (param i32)))
         (func (export \"run\") (result i64)
            (call $now (i32.const 512))
            (i64.add (i64.mul (i64.load (i32.const 512)) (i64.const 1000000000)) (i64.load32_u (i32.const 520))))",
    );
    let told = run(&clock, Some(snapshot("d")), true);
    assert_eq!((told.answer(), told.finished.timeless), (1_795_550_400_250_000_000, false));
    let early = run(&clock, None, true);
    assert_eq!((early.answer(), early.finished.timeless), (0, true));
}

#[test]
fn a_sleep_ends_at_once_and_no_time_has_passed() {
    let sleeper = guest(
        &["clocks/monotonic-clock", "io/poll"],
        "(import \"wasi:clocks/monotonic-clock@0.2.9\" \"subscribe-duration\" (func $sleep (param i64) (result i32)))
         (import \"wasi:clocks/monotonic-clock@0.2.9\" \"now\" (func $now (result i64)))
         (import \"wasi:io/poll@0.2.9\" \"[method]pollable.block\" (func $block (param i32)))
         (func (export \"run\") (result i64)
            (call $block (call $sleep (i64.const 3600000000000)))
            (call $now))",
    );
    let ran = run(&sleeper, Some(snapshot("d")), true);
    assert_eq!((ran.answer(), ran.finished.timeless), (0, true), "that clock never moves");
    assert!(ran.finished.wall_time < Duration::from_secs(60));
}

#[test]
fn random_numbers_are_those_of_the_snapshot() {
    let roll = |package: &str, interface: &str| {
        guest(
            &[package],
            &format!(
                "(import \"wasi:{package}@0.2.9\" \"{interface}\" (func $roll (result i64)))
                 (func (export \"run\") (result i64) (drop (call $roll)) (call $roll))"
            ),
        )
    };
    let secure = roll("random/random", "get-random-u64");
    let rolled = |id: &str| run(&secure, Some(snapshot(id)), true).answer();
    assert_eq!(rolled("d-1"), rolled("d-1"));
    assert_ne!(rolled("d-1"), rolled("d-2"));
    assert!(!run(&secure, Some(snapshot("d-1")), true).finished.timeless, "another moment has other ones");
    assert_eq!(run(&secure, None, true).answer(), run(&secure, None, true).answer());

    let insecure = roll("random/insecure", "get-insecure-random-u64");
    assert_eq!(run(&insecure, Some(snapshot("d-1")), true).answer(), rolled("d-1"));
}

#[test]
fn random_bytes_are_paid_for_and_bounded() {
    let roll = |count: u64| {
        let guest = guest(
            &["random/random"],
            &format!(
                "(import \"wasi:random/random@0.2.9\" \"get-random-bytes\" (func $roll (param i64 i32)))
                 (func (export \"run\") (result i64)
                    (call $roll (i64.const {count}) (i32.const 512))
                    (i64.load32_u (i32.const 516)))"
            ),
        );
        run(&guest, Some(snapshot("d")), true)
    };
    let (few, many) = (roll(1), roll(60_001));
    assert_eq!((few.answer(), many.answer()), (1, 60_001));
    assert_eq!(many.finished.fuel - few.finished.fuel, 60_000);
    let stopped = roll(65_537);
    assert!(stopped.stopped().ends_with("it asked for 65537 random bytes at once; the limit is 65536"));
}

#[test]
fn a_socket_is_denied() {
    let connector = guest(
        &["sockets/tcp-create-socket"],
        "(import \"wasi:sockets/tcp-create-socket@0.2.9\" \"create-tcp-socket\" (func $create (param i32 i32)))
         (func (export \"run\") (result i64)
            (call $create (i32.const 0) (i32.const 512))
            (i64.add (i64.mul (i64.load8_u (i32.const 512)) (i64.const 10)) (i64.load8_u (i32.const 516))))",
    );
    // An error, and of the three that this guest knows the one with index 1.
    assert_eq!(run(&connector, Some(snapshot("d")), true).answer(), 11);
}

#[test]
fn a_component_that_exits_gives_no_answer() {
    let quitter = guest(
        &["cli/exit"],
        "(import \"wasi:cli/exit@0.2.9\" \"exit-with-code\" (func $exit (param i32)))
         (func (export \"run\") (result i64) (call $exit (i32.const 3)) (i64.const 0))",
    );
    let ran = run(&quitter, Some(snapshot("d")), true);
    let expected = "it exited with `exit-with-code` of `wasi:cli/exit`, status 3, instead of answering";
    assert!(ran.stopped().ends_with(expected), "{}", ran.stopped());
}

#[test]
fn a_function_that_is_not_known_here_stops_the_call() {
    let curious = guest(
        &["cli/environment"],
        "(import \"wasi:cli/environment@0.2.9\" \"initial-secrets\" (func $ask (result i32)))
         (func (export \"run\") (result i64) (i64.extend_i32_u (call $ask)))",
    );
    let ran = run(&curious, Some(snapshot("d")), true);
    let expected = "it called `initial-secrets` of `wasi:cli/environment`, which is empty for plugins";
    assert!(ran.stopped().ends_with(expected), "{}", ran.stopped());
}

#[test]
fn other_types_than_those_of_wasi_are_found_before_anything_runs() {
    let liar = guest(
        &["cli/environment"],
        "(import \"wasi:cli/environment@0.2.9\" \"get-arguments\" (func $ask (result i32)))
         (func (export \"run\") (result i64) (i64.extend_i32_u (call $ask)))",
    );
    let component = Component::new(&engine(), liar).unwrap();
    let error = linker(&component, true).instantiate_pre(&component).err().map(|error| format!("{error:#}")).unwrap();
    assert!(error.contains("wasi:cli/environment@0.2.9") && error.contains("get-arguments"), "{error}");
}

#[test]
fn only_wasi_0_2_is_there() {
    assert_eq!(interface("wasi:cli/stdout@0.2.0"), Some("wasi:cli/stdout"));
    assert_eq!(interface("wasi:cli/stdout@0.2.12"), Some("wasi:cli/stdout"));
    for other in ["wasi:cli/stdout", "wasi:cli/stdout@0.3.0", "wasi:cli/stdout@0.2.0-rc-1", "wasi:http/types@0.2.0"] {
        assert_eq!(interface(other), None, "{other}");
    }
}
