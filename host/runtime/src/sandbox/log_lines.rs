//! The lines that one call logs, for the author and the operator of the plugin.
//!
//! The first lines are kept up to the limits and the rest is counted, so a plugin that logs without end costs a counter.

use lockgate_domain::{LogLevel, LogLine};

use crate::config::Limits;

/// The lines that one call has logged so far.
#[derive(Debug, Default)]
pub(crate) struct LogLines {
    lines: Vec<LogLine>,
    dropped: u64,
    lines_left: usize,
    bytes_left: usize,
}

impl LogLines {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { lines: Vec::new(), dropped: 0, lines_left: limits.log_lines, bytes_left: limits.log_bytes }
    }

    /// Keeps a line, or counts it if the limits are reached.
    pub(crate) fn write(&mut self, level: LogLevel, message: String) {
        let full = self.dropped > 0 || self.lines_left == 0 || message.len() > self.bytes_left;
        if full {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.lines_left -= 1;
        self.bytes_left -= message.len();
        self.lines.push(LogLine { level, message });
    }

    /// The lines that were kept, and how many were not.
    pub(crate) fn into_parts(self) -> (Vec<LogLine>, u64) {
        (self.lines, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_of(limits: Limits, messages: &[&str]) -> (Vec<String>, u64) {
        let mut log = LogLines::new(&limits);
        for message in messages {
            log.write(LogLevel::Info, (*message).to_owned());
        }
        let (lines, dropped) = log.into_parts();
        (lines.into_iter().map(|line| line.message).collect(), dropped)
    }

    #[test]
    fn the_first_lines_are_kept_and_the_rest_is_counted() {
        let limits = Limits { log_lines: 2, ..Limits::default() };
        assert_eq!(log_of(limits, &["a", "b", "c", "d"]), (vec!["a".to_owned(), "b".to_owned()], 2));
    }

    #[test]
    fn no_line_comes_after_a_dropped_one() {
        let limits = Limits { log_bytes: 4, ..Limits::default() };
        assert_eq!(log_of(limits, &["abc", "defg", "h"]), (vec!["abc".to_owned()], 2));
    }
}
