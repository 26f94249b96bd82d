//! Prints the text of a panic to standard error. The host puts the end of that output into the failure.

use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::bindings::panic::wasi::cli::stderr::get_stderr;

/// The most bytes that are printed at once.
const MOST_PRINTED: usize = 4096;

/// From here on the text of a panic reaches the plugin's author. It is called when the plugin describes or configures
/// itself; the host then freezes the memory with this setting.
pub fn tell_the_host() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(print)));
}

fn print(panic: &PanicHookInfo<'_>) {
    let text = panic.to_string();
    let bytes = text.as_bytes();
    // Text that cannot be printed is lost: the call ends here in any case.
    let _ = get_stderr().blocking_write_and_flush(bytes.get(..MOST_PRINTED).unwrap_or(bytes));
}
