//! The text of a panic: it is printed to standard error, of which the host puts the end into the failure.

use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::bindings::panic::wasi::cli::stderr::get_stderr;

/// The most that is printed at once, in bytes.
const MOST_PRINTED: usize = 4096;

/// From here on the text of a panic reaches the plugin's author. Called when the plugin describes or configures itself; the
/// host then freezes the memory in which that stands.
pub fn tell_the_host() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(print)));
}

fn print(panic: &PanicHookInfo<'_>) {
    let text = panic.to_string();
    let bytes = text.as_bytes();
    // What cannot be printed is lost: the call ends here in any case.
    let _ = get_stderr().blocking_write_and_flush(bytes.get(..MOST_PRINTED).unwrap_or(bytes));
}
