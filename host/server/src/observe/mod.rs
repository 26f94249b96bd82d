//! The view of a running server from outside: metrics, traces, an access log, and the decision log.
//!
//! Each has its own reader: an alert asks how many and how fast ([`metrics`]), a developer where the time went
//! ([`traces`]), an operator who did what ([`requests`]), and an auditor's tools what was decided ([`decision_log`]).
//! None of them is the record: that is the ledger. None of them can delay a request, unless the decision log is
//! configured to.
//!
//! A handler uses only one part of this: the [`HttpExchange`] in the extensions of its request.

pub mod decision_log;
mod logging;
mod metrics;
mod requests;
mod traces;

pub use decision_log::DecisionLog;
pub use logging::{ACCESS, LogGuard, LogInitError, init, subscriber};
pub(crate) use metrics::CloseReason;
pub use metrics::{Metrics, MetricsFormat, RequestPhases, ShedReason, scrape};
pub use requests::{HttpExchange, RequestObserver, observe};
