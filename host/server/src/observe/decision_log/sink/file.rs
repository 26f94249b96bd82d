//! A file that is only ever appended to.
//!
//! It is opened for each batch and closed again: what rotates it need only rename it. A batch counts as delivered when
//! it is on the disk.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::{Delivered, Sink};

/// Appends each event as a line to a file.
pub(in crate::observe::decision_log) struct File {
    path: PathBuf,
}

impl File {
    /// A file, which is made if it is not there: for its owner alone, since decisions name people.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub(in crate::observe::decision_log) fn open(path: PathBuf) -> Result<Self, String> {
        let file = Self { path };
        file.append("").map(|()| file)
    }

    fn append(&self, text: &str) -> Result<(), String> {
        self.try_append(text).map_err(|error| format!("writing to `{}`: {error}", self.path.display()))
    }

    fn try_append(&self, text: &str) -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        // A line that was cut off, by a crash or a full disk, keeps to itself; its event comes again.
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        if !text.is_empty() {
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
        }
        Ok(())
    }
}

impl Sink for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn deliver(&mut self, lines: &[String]) -> Delivered {
        let mut text = lines.join("\n");
        text.push('\n');
        Delivered::all_or_none(lines.len(), self.append(&text))
    }
}
