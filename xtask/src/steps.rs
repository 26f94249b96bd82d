//! Saying what is done now, and doing it.
//!
//! Headlines and the output of what is started go to stderr as they come: whoever waits for a long build sees it move.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// The numbered steps of one command.
pub(crate) struct Steps {
    total: usize,
    begun: usize,
}

impl Steps {
    /// Announces `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, begun: 0 }
    }

    /// Prints the headline of the next step, for example `[2/5] building the bundled plugins`.
    pub(crate) fn begin(&mut self, what: &str) {
        self.begun += 1;
        let headline = format!("[{}/{}] {what}", self.begun, self.total);
        if in_colour() {
            eprintln!("\x1b[1m{headline}\x1b[0m");
        } else {
            eprintln!("{headline}");
        }
    }
}

/// Whether stderr is a terminal on which colour is wanted.
pub(crate) fn in_colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Runs `command` with our own stdin, stdout and stderr.
///
/// # Errors
/// It cannot be started, or it fails; the error names the whole command line.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs `command` and returns what it prints to stdout; its stderr is ours.
///
/// # Errors
/// It cannot be started, it fails, or it prints something that is not UTF-8.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", line(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not UTF-8", line(command)))
}

/// Whether `command` can be started and succeeds; what it prints is dropped.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
