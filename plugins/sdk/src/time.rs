//! Moments and lengths of time: as the contract carries them (milliseconds) and as people write them.
//!
//! Small on purpose. Calendars and time zones belong to plugins that need them, and to a crate made for it.

mod duration;
mod timestamp;

pub use duration::{Duration, ParseDurationError};
pub use timestamp::{ParseTimestampError, Timestamp};
