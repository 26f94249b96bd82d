//! The state of WASI during one call: incomplete output lines, random numbers, and the number of handles.

use super::output::{LastWords, LineBuffer, StandardStream};
use super::random::SnapshotRandom;
use crate::sandbox::LogLines;

/// The state of WASI during one call.
#[derive(Debug, Default)]
pub(crate) struct WasiState {
    out: LineBuffer,
    err: LineBuffer,
    last_words: LastWords,
    /// Made when the component first asks, because the digest that seeds it takes time.
    pub(super) random: Option<SnapshotRandom>,
    /// The number of handles that the component holds.
    pub(super) handles: usize,
}

impl WasiState {
    /// Checks that the component can be frozen in its current state.
    ///
    /// # Errors
    /// If it holds handles. They belong to the sandbox, not to the memory of the component, so a frozen image would use handles
    /// that do not exist.
    pub(crate) fn check_freezable(&self) -> Result<(), String> {
        match self.handles {
            0 => Ok(()),
            1 => Err("after `configure` it still holds 1 stream or other WASI handle".to_owned()),
            handles => Err(format!("after `configure` it still holds {handles} streams or other WASI handles")),
        }
    }

    /// Logs output that was not ended by a line break.
    pub(crate) fn finish(&mut self, log: &mut LogLines) {
        self.out.finish(|line| log.write(StandardStream::Out.level(), line));
        self.err.finish(|line| log.write(StandardStream::Err.level(), line));
    }

    /// The end of the output to standard error in one line, which tells its author why a component stopped; none if it is
    /// empty.
    pub(crate) fn last_words(&self) -> Option<String> {
        self.last_words.in_one_line()
    }

    /// Keeps the end of the output to standard error, even if it must not be logged.
    pub(super) fn hear(&mut self, output: StandardStream, bytes: &[u8]) {
        if output == StandardStream::Err {
            self.last_words.hear(bytes);
        }
    }

    pub(super) fn print(&mut self, output: StandardStream, bytes: &[u8], log: &mut LogLines) {
        let lines = match output {
            StandardStream::Out => &mut self.out,
            StandardStream::Err => &mut self.err,
        };
        lines.print(bytes, |line| log.write(output.level(), line));
    }
}
