//! `lockgate ledger backup`: a copy, while others write, that is checked before it gets its name.

use lockgate_domain::counted;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use super::{DataArguments, new_file};
use crate::exit::Exit;
use crate::input::size;
use crate::print;
use crate::report::{Form, fields};

/// What to copy where.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    data: DataArguments,
    /// The file that the copy is to be. The key that signs is not in it: save `ledger.key` by itself, once.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Backup {
    /// Copies it.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        new_file(&self.to)?;
        let storage = self.data.read_only()?;
        let backed_up = storage.backup(&self.to).context("no backup was made")?;
        let report = backed_up.report;
        match self.output {
            Form::Json => print::data(print::json(&json!({
                "to": self.to,
                "bytes": backed_up.bytes,
                "entries": report.entries,
                "content": report.content,
                "checkpoint": report.checkpoint,
            }))?)?,
            Form::Table => print::text(fields(vec![
                ("backup", format!("{}, {}", print::plain(&self.to.display().to_string()), size(backed_up.bytes))),
                (
                    "checked",
                    format!(
                        "{}, {} of content: all is intact",
                        counted(report.entries, "entry", "entries"),
                        counted(report.content, "piece", "pieces")
                    ),
                ),
                ("checkpoint", report.checkpoint.trim_end().to_owned()),
            ]))?,
        }
        Ok(Exit::Success)
    }
}
