//! Saying what is done now, doing it, and saying how long it took.
//!
//! Headlines and the output of what is started go to stderr as they come, so a long build is seen to move.

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// The numbered steps of one command.
pub(crate) struct Steps {
    total: usize,
    /// What was begun, and when.
    begun: Vec<(String, Instant)>,
}

impl Steps {
    /// Announces `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        Self { total, begun: Vec::new() }
    }

    /// Prints how long the last step took, and the headline of the next one: `[2/5] building the bundled plugins`.
    pub(crate) fn begin(&mut self, what: &str) {
        let now = Instant::now();
        if let Some((_, begun)) = self.begun.last() {
            eprintln!("      {}", seconds(now - *begun));
        }
        let headline = format!("[{}/{}] {what}", self.begun.len() + 1, self.total);
        self.begun.push((what.to_owned(), now));
        if in_colour() {
            eprintln!("\x1b[1m{headline}\x1b[0m");
        } else {
            eprintln!("{headline}");
        }
    }

    /// Prints how long each step took, and all together.
    pub(crate) fn finish(&self) {
        eprint!("{}", self.table(Instant::now()));
    }

    fn table(&self, end: Instant) -> String {
        let ends = self.begun.iter().skip(1).map(|(_, begun)| *begun).chain([end]);
        let lines = self.begun.iter().zip(ends).map(|((what, begun), end)| (what.as_str(), end - *begun));
        let all = self.begun.first().map_or(Duration::ZERO, |(_, begun)| end - *begun);
        lines.chain([("together", all)]).map(|(what, took)| format!("{:>9}  {what}\n", seconds(took))).collect()
    }
}

/// A time in whole seconds, for example `12 s`.
fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_how_long_each_step_took_and_all_together() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let steps = Steps { total: 2, begun: vec![("building".to_owned(), begin), ("testing".to_owned(), at(125))] };
        assert_eq!(steps.table(at(130)), "    125 s  building\n      5 s  testing\n    130 s  together\n");
    }
}
