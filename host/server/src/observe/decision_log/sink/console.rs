//! Standard output, for whatever collects it.

use std::io::Write as _;

use super::{Delivered, Sink};

/// Writes each event as a line to standard output.
pub(in crate::observe::decision_log) struct Console;

impl Sink for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn deliver(&mut self, lines: &[String]) -> Delivered {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        let mut out = std::io::stdout().lock();
        let outcome = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        Delivered::all_or_none(lines.len(), outcome.map_err(|error| format!("writing to standard output: {error}")))
    }
}
