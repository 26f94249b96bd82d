//! What went wrong in a sandbox, in the words of the contract, with the limit and what was used.

use std::time::Duration;

use lockgate_domain::{Failure, FailureKind};
use wasmtime::{Trap, WasmBacktrace};

use super::memory::MemoryExceeded;
use super::tape::NotRecorded;
use super::{CalledTooEarly, HostEffortSpent};
use crate::config::Limits;
use crate::display::{Bytes, Count};

/// The failure that an error of wasmtime is.
pub(super) fn of_error(error: &wasmtime::Error, limits: &Limits, took: Duration) -> Failure {
    if let Some(exceeded) = error.downcast_ref::<MemoryExceeded>() {
        return memory_exceeded(*exceeded);
    }
    if let Some(early) = error.downcast_ref::<CalledTooEarly>() {
        return contract_violation(early.to_string());
    }
    if error.is::<HostEffortSpent>() {
        return out_of_host_effort(limits);
    }
    if let Some(question) = error.downcast_ref::<NotRecorded>() {
        return plain(FailureKind::NotRecorded, question.to_string());
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => out_of_fuel(limits),
        Some(Trap::Interrupt) => timed_out(limits, took),
        Some(trap) => trapped(*trap, error),
        None if is_too_much_at_once(error) => too_much_at_once(error, limits),
        // A guest that is still on the stack was stopped in what it did; one that had returned, over what it said.
        None if error.is::<WasmBacktrace>() => {
            plain(FailureKind::Trapped, format!("it was stopped{}: {}", place(error), error.root_cause()))
        }
        None => contract_violation(format!("what it answered is no value of the contract: {}", error.root_cause())),
    }
}

/// The failure, with what the guest said before it gave up: the text of a panic, or of an exception that nobody caught.
pub(super) fn with_last_words(failure: Failure, said: Option<String>) -> Failure {
    match said {
        Some(said) if failure.kind == FailureKind::Trapped => {
            Failure { message: format!("{}: {said}", failure.message), ..failure }
        }
        _ => failure,
    }
}

/// An answer, or a use of the host, that the contract rules out.
pub(crate) fn contract_violation(message: String) -> Failure {
    plain(FailureKind::ContractViolation, message)
}

/// The plugin's own words.
pub(crate) fn plugin_error(error: lockgate_domain::PluginError) -> Failure {
    Failure { code: Some(error.code), ..plain(FailureKind::PluginError, error.message) }
}

/// An answer that arrived whole, and is larger than it may be.
pub(crate) fn result_too_large(used: u64, limits: &Limits) -> Failure {
    let limit = limits.result_size;
    let message = format!("its answer is {} of the {} granted", Bytes(used), Bytes(limit));
    limited(FailureKind::ResultTooLarge, message, limit, used)
}

/// Nothing was run.
pub(super) fn no_free_sandbox(limits: &Limits, which: &str) -> Failure {
    let limit = millis(limits.wall_clock);
    let message = format!("no sandbox became free within the {} ms granted: all {which} are in use", Count(limit));
    limited(FailureKind::TimedOut, message, limit, limit)
}

fn out_of_fuel(limits: &Limits) -> Failure {
    let message = format!("it used up the {} fuel granted and had not ended", Count(limits.fuel));
    limited(FailureKind::OutOfFuel, message, limits.fuel, limits.fuel)
}

/// The receipt shows the guest's own fuel beside it, which may be far from the limit.
fn out_of_host_effort(limits: &Limits) -> Failure {
    let limit = Count(limits.fuel);
    let message = format!("the host did as much for it as the {limit} fuel granted allow: it calls the host too often");
    limited(FailureKind::OutOfFuel, message, limits.fuel, limits.fuel)
}

fn timed_out(limits: &Limits, took: Duration) -> Failure {
    let (limit, used) = (millis(limits.wall_clock), millis(took));
    let message = format!("it was stopped after {} ms of the {} ms granted", Count(used), Count(limit));
    limited(FailureKind::TimedOut, message, limit, used)
}

fn memory_exceeded(exceeded: MemoryExceeded) -> Failure {
    let (MemoryExceeded::Memory { asked, limit } | MemoryExceeded::Table { asked, limit }) = exceeded;
    limited(FailureKind::MemoryExceeded, exceeded.to_string(), limit, asked)
}

fn too_much_at_once(error: &wasmtime::Error, limits: &Limits) -> Failure {
    let limit = limits.result_size;
    let what = if error.is::<WasmBacktrace>() { "what it passed to the host" } else { "its answer" };
    let used = super::crossing(limits) as u64;
    let message = format!("{what} is more than {} of the {} granted", Bytes(used), Bytes(limit));
    limited(FailureKind::ResultTooLarge, message, limit, used)
}

fn trapped(trap: Trap, error: &wasmtime::Error) -> Failure {
    let what = match trap {
        Trap::UnreachableCodeReached => "it panicked or aborted".to_owned(),
        Trap::MemoryOutOfBounds => {
            "it read or wrote outside of its memory; deep recursion that overflows its stack ends so, too".to_owned()
        }
        Trap::StackOverflow => "it called itself too deeply: its stack overflowed".to_owned(),
        other => format!("it trapped: {other}"),
    };
    plain(FailureKind::Trapped, format!("{what}{}", place(error)))
}

/// Where the guest was, as far as its names tell: the first function that is not the language's own machinery.
fn place(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let names: Vec<String> = backtrace
        .frames()
        .iter()
        .filter_map(|frame| frame.func_name())
        .map(|name| format!("{:#}", rustc_demangle::demangle(name)))
        .collect();
    let machinery = ["core::", "std::", "alloc::", "__rust", "rust_", "abort", "<core::", "<std::", "<alloc::"];
    let own = names.iter().find(|name| !machinery.iter().any(|prefix| name.starts_with(prefix)));
    own.or(names.first()).map_or_else(String::new, |name| format!(", in `{name}`"))
}

/// wasmtime gives this error no public type: it is known by its words, here alone. A test makes wasmtime say them.
fn is_too_much_at_once(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn plain(kind: FailureKind, message: String) -> Failure {
    Failure { kind, message, code: None, limit: None, used: None }
}

fn limited(kind: FailureKind, message: String, limit: u64, used: u64) -> Failure {
    Failure { limit: Some(limit), used: Some(used), ..plain(kind, message) }
}
