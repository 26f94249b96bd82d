//! What a component's WASI holds during one call: what was printed, its random numbers, and how many handles it has.

use super::output::{LastWords, LineBuffer, StandardStream};
use super::random::SnapshotRandom;
use crate::sandbox::LogLines;

/// What WASI holds for one call.
#[derive(Debug, Default)]
pub(crate) struct WasiState {
    out: LineBuffer,
    err: LineBuffer,
    last_words: LastWords,
    /// Made when it is first asked, because the digest that seeds it is not for nothing.
    pub(super) random: Option<SnapshotRandom>,
    /// How many handles the component has.
    pub(super) handles: usize,
}

impl WasiState {
    /// Whether the component can be frozen as it is now.
    ///
    /// # Errors
    /// If it has handles: they belong to the sandbox, not to its memory, so that an image which remembers one would use
    /// what is not there.
    pub(crate) fn check_freezable(&self) -> Result<(), String> {
        match self.handles {
            0 => Ok(()),
            1 => Err("`configure` holds on to 1 stream or other handle of WASI".to_owned()),
            handles => Err(format!("`configure` holds on to {handles} streams or other handles of WASI")),
        }
    }

    /// Logs what was printed and not ended by a line break.
    pub(crate) fn finish(&mut self, log: &mut LogLines) {
        self.out.finish(|line| log.write(StandardStream::Out.level(), line));
        self.err.finish(|line| log.write(StandardStream::Err.level(), line));
    }

    /// What was last printed to standard error, in one line: why a component stopped itself, for its author.
    pub(crate) fn last_words(&self) -> Option<String> {
        self.last_words.in_one_line()
    }

    /// Hears what is printed, also where it may not be logged.
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
