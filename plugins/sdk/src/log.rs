//! Lines for the author and the operator of a plugin.
//!
//! A plugin writes them with [`info!`](crate::info) and its like, and asks for
//! [`Capability::log`](crate::Capability::log). A plugin that does not write does not even import the interface. In
//! native tests the lines go to standard error, which the test harness captures; `testing::take_log` returns them.

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
    /// Writes a line that only the plugin's author needs, step by step. Takes the arguments of [`format!`].
    trace => Trace;
    /// Writes a line that only the plugin's author needs. Takes the arguments of [`format!`].
    debug => Debug;
    /// Writes a line that is worth knowing. Takes the arguments of [`format!`].
    info => Info;
    /// Writes a line about something that looks wrong. Takes the arguments of [`format!`].
    warn => Warn;
    /// Writes a line about something that is wrong. Takes the arguments of [`format!`].
    error => Error;
}
