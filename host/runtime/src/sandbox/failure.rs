//! Converts errors of a sandbox to failures of the domain, with the limit and what was used.

use std::time::Duration;

use lockgate_domain::{Failure, FailureKind};
use wasmtime::{Trap, WasmBacktrace};

use super::memory::MemoryExceeded;
use super::tape::NotRecorded;
use super::{CalledTooEarly, HostEffortSpent};
use crate::config::Limits;
use crate::display::{Bytes, Count};

/// The failure for an error of Wasmtime.
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
        // A guest that is still on the stack was stopped while it ran; one that had returned, while its answer was
        // read.
        None if error.is::<WasmBacktrace>() => {
            plain(FailureKind::Trapped, format!("the plugin was stopped{}: {}", place(error), error.root_cause()))
        }
        None => contract_violation(format!("the answer is not a value of the contract: {}", error.root_cause())),
    }
}

/// The failure with the last output of the guest before a trap: the text of a panic or of an uncaught exception.
pub(super) fn with_last_words(failure: Failure, said: Option<String>) -> Failure {
    match said {
        Some(said) if failure.kind == FailureKind::Trapped => {
            Failure { message: format!("{}: {said}", failure.message), ..failure }
        }
        _ => failure,
    }
}

/// The failure for an answer or a call of the host that violates the contract.
pub(crate) fn contract_violation(message: String) -> Failure {
    plain(FailureKind::ContractViolation, message)
}

/// The failure for an error that the plugin returned.
pub(crate) fn plugin_error(error: lockgate_domain::PluginError) -> Failure {
    Failure { code: Some(error.code), transient: error.transient, ..plain(FailureKind::PluginError, error.message) }
}

/// The failure for a complete answer that is larger than the limit.
pub(crate) fn result_too_large(used: u64, limits: &Limits) -> Failure {
    let limit = limits.result_size;
    let message = format!("the answer has {}; the limit is {}", Bytes(used), Bytes(limit));
    limited(FailureKind::ResultTooLarge, message, limit, used)
}

/// The failure for a call that waited for a sandbox in vain. Nothing was run.
pub(super) fn no_free_sandbox(limits: &Limits, which: &str) -> Failure {
    let limit = millis(limits.wall_clock);
    let message = format!("no sandbox became free within {} ms: all {which} are in use", Count(limit));
    limited(FailureKind::TimedOut, message, limit, limit)
}

fn out_of_fuel(limits: &Limits) -> Failure {
    let message = format!("it used all {} units of fuel and had not finished", Count(limits.fuel));
    limited(FailureKind::OutOfFuel, message, limits.fuel, limits.fuel)
}

/// The failure for a call whose host calls used up its fuel. The receipt shows the guest's own fuel, which may be far from
/// the limit.
fn out_of_host_effort(limits: &Limits) -> Failure {
    let limit = Count(limits.fuel);
    let message = format!("its calls of the host used all {limit} units of fuel");
    limited(FailureKind::OutOfFuel, message, limits.fuel, limits.fuel)
}

fn timed_out(limits: &Limits, took: Duration) -> Failure {
    let (limit, used) = (millis(limits.wall_clock), millis(took));
    let message = format!("stopped after {} ms; the limit is {} ms", Count(used), Count(limit));
    limited(FailureKind::TimedOut, message, limit, used)
}

fn memory_exceeded(exceeded: MemoryExceeded) -> Failure {
    let (MemoryExceeded::Memory { asked, limit } | MemoryExceeded::Table { asked, limit }) = exceeded;
    limited(FailureKind::MemoryExceeded, exceeded.to_string(), limit, asked)
}

fn too_much_at_once(error: &wasmtime::Error, limits: &Limits) -> Failure {
    let limit = limits.result_size;
    let what = if error.is::<WasmBacktrace>() { "what it passed to the host" } else { "the answer" };
    let used = super::crossing(limits) as u64;
    let message = format!("{what} is larger than {}; the limit is {}", Bytes(used), Bytes(limit));
    limited(FailureKind::ResultTooLarge, message, limit, used)
}

fn trapped(trap: Trap, error: &wasmtime::Error) -> Failure {
    let what = match trap {
        Trap::UnreachableCodeReached => "the plugin panicked or aborted".to_owned(),
        Trap::MemoryOutOfBounds => {
            "the plugin accessed memory out of bounds; a stack overflow by deep recursion can end so, too".to_owned()
        }
        Trap::StackOverflow => "stack overflow: the plugin called itself too deeply".to_owned(),
        other => format!("the plugin trapped: {other}"),
    };
    plain(FailureKind::Trapped, format!("{what}{}", place(error)))
}

/// The function that the guest was in, as far as its names tell: the first that does not belong to the language's runtime.
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

/// Wasmtime has no public type for this error, so it is recognised by its message, only here. A test makes Wasmtime give it.
fn is_too_much_at_once(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn plain(kind: FailureKind, message: String) -> Failure {
    Failure { kind, message, code: None, transient: false, limit: None, used: None }
}

fn limited(kind: FailureKind, message: String, limit: u64, used: u64) -> Failure {
    Failure { limit: Some(limit), used: Some(used), ..plain(kind, message) }
}
