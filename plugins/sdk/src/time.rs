//! Points in time and durations: in milliseconds, as the contract has them, and as text.
//!
//! They are written by hand to keep plugins small: `jiff` adds 173 KB to each (`four-eyes` grows from 290 to 464 KB), and
//! accepts leap seconds, which the contract does not have. Plugins that need calendars or time zones use such a crate.

mod duration;
mod freshness;
mod timestamp;

pub use duration::{Duration, ParseDurationError};
pub use freshness::Freshness;
pub use timestamp::{ParseTimestampError, Timestamp};
