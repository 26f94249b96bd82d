//! Lines for the author and the operator of a plugin.
//!
//! Written with [`info!`](crate::info) and its like. A plugin that writes asks for
//! [`Capability::log`](crate::Capability::log); one that does not, does not even import the interface. In native tests
//! the lines go to standard error, which the test harness captures, and can be looked at with `testing::take_log`.

use std::fmt;

pub use crate::bindings::lockgate::host::log::Level;

/// Writes one line. The macros are shorter.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    let message = message.to_string();
    #[cfg(target_arch = "wasm32")]
    crate::bindings::lockgate::host::log::log(level, &message);
    #[cfg(not(target_arch = "wasm32"))]
    crate::testing::record(level, message);
}

macro_rules! level_macros {
    ($d:tt $($(#[$doc:meta])* $name:ident => $level:ident;)+) => { $(
        $(#[$doc])*
        #[macro_export]
        macro_rules! $name {
            ($d($d argument:tt)+) => {
                $crate::log::write($crate::log::Level::$level, ::core::format_args!($d($d argument)+))
            };
        }
    )+ };
}

level_macros! { $
    /// Writes a line that only its author needs, step by step. Takes what [`format!`] takes.
    trace => Trace;
    /// Writes a line that only its author needs. Takes what [`format!`] takes.
    debug => Debug;
    /// Writes a line that is worth knowing. Takes what [`format!`] takes.
    info => Info;
    /// Writes a line about something that looks wrong. Takes what [`format!`] takes.
    warn => Warn;
    /// Writes a line about something that is wrong. Takes what [`format!`] takes.
    error => Error;
}
