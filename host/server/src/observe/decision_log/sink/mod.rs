//! Where events go to. A sink blocks until it has handed on what it was given, on the thread of its sender.

mod console;
mod file;
mod http;

use std::time::Duration;

pub(super) use console::Console;
pub(super) use file::File;
pub(super) use http::Http;

/// Somewhere to send events to.
pub(super) trait Sink: Send {
    /// Its name in settings, metrics and the ledger.
    fn name(&self) -> &'static str;

    /// Hands on lines of JSON, in order. What it says it delivered, is safe with the receiver.
    fn deliver(&mut self, lines: &[String]) -> Delivered;
}

/// How far a sink came.
#[derive(Debug)]
pub(super) struct Delivered {
    /// How many lines, from the first, were delivered.
    pub(super) count: usize,
    /// Why it was not all of them.
    pub(super) failure: Option<Failure>,
}

/// Why something could not be delivered. It is tried again.
#[derive(Debug)]
pub(super) struct Failure {
    /// What happened, and with whom.
    pub(super) message: String,
    /// How long the receiver asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self { message, retry_after: None }
    }
}

impl Delivered {
    fn all_or_none(count: usize, outcome: Result<(), String>) -> Self {
        match outcome {
            Ok(()) => Self { count, failure: None },
            Err(message) => Self { count: 0, failure: Some(message.into()) },
        }
    }
}
