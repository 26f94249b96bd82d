//! `lockgate ledger accept-loss`: goes on with a ledger that has lost something, and writes into the log what that was.

use lockgate_ledger::{LossAccepted, SqliteOptions, TreeHead};
use serde_json::json;

use super::DataArguments;
use crate::args::Global;
use crate::exit::Exit;
use crate::print;
use crate::report::{Form, fields};
use crate::terminal::{WAITING, styled};

/// Which loss, and why it is accepted.
#[derive(Debug, clap::Args)]
pub(crate) struct AcceptLoss {
    #[command(flatten)]
    data: DataArguments,
    /// Why the ledger goes on without what is lost. It stands in the log, for every auditor.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl AcceptLoss {
    /// Writes the entry that accepts the loss, and says what was lost.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let accepted = self.data.key().accept_loss(&self.data.path(), &self.reason, &SqliteOptions::default())?;
        let LossAccepted { expected, found, reason } = accepted;
        match self.output {
            Form::Json => print::data(print::json(&json!({
                "expected": expected,
                "found": found,
                "reason": reason,
            }))?)?,
            Form::Table => print::text(fields(vec![
                ("expected", expected.map_or_else(|| "nobody knows: the head file was lost".to_owned(), told)),
                ("found", found.map_or_else(|| "nothing: the log begins anew".to_owned(), told)),
                ("reason", print::plain(&reason).into_owned()),
            ]))?,
        }
        if !global.quiet {
            print::words(format!(
                "{}: the log says what was lost, to every auditor; keep checkpoints from before beside it",
                styled(WAITING, "note")
            ));
            print::words("a server that runs on this ledger has to be started again: it remembers what was in it");
        }
        Ok(Exit::Success)
    }
}

fn told(head: TreeHead) -> String {
    head.to_string()
}
