//! `lockgate ledger forget`: retention. The bytes go, and the log says which; their digests stay, and every proof.

use lockgate_domain::{Duration, Timestamp, closest, counted};
use lockgate_ledger::{Holdings, Retention, Storage as _};
use serde_json::json;

use super::DataArguments;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::size;
use crate::print;
use crate::report::Form;

/// What to delete.
#[derive(Debug, clap::Args)]
pub(crate) struct Forget {
    #[command(flatten)]
    data: DataArguments,
    /// Deletes the bytes of content of that kind, for example `snapshot` or `evidence`, that nothing refers to since.
    #[arg(long, value_name = "KIND", required_unless_present = "requests", conflicts_with = "requests")]
    kind: Option<String>,
    /// Deletes what is remembered of requests: one of the same idempotency key is a new one from then on.
    #[arg(long)]
    requests: bool,
    /// How old it has to be, for example `400d`.
    #[arg(long, value_name = "AGE")]
    older_than: Duration,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Forget {
    /// Deletes it.
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let age = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        if let Some(kind) = &self.kind {
            known(kind, &self.data.read_only()?.holdings()?)?;
        }
        let (storage, _) = self.data.to_write()?;
        let before = Timestamp::from_millis(storage.now().as_millis().saturating_sub(age));
        let rule = match &self.kind {
            Some(kind) => Retention::Content { kind: kind.clone(), before },
            None => Retention::Requests { before },
        };
        let forgotten = storage.forget(&rule)?;
        match self.output {
            Form::Json => print::data(print::json(&json!({
                "kind": self.kind,
                "before": before,
                "count": forgotten.count,
                "bytes": forgotten.bytes,
            }))?)?,
            Form::Table => print::text(match &self.kind {
                Some(kind) => format!(
                    "deleted {} of `{}` from before {before}: {}",
                    counted(forgotten.count, "piece", "pieces"),
                    print::plain(kind),
                    size(forgotten.bytes)
                ),
                None => format!("forgot {} from before {before}", counted(forgotten.count, "request", "requests")),
            })?,
        }
        Ok(Exit::Success)
    }
}

/// Whether the ledger has, or had, content of that kind: a kind that is written wrongly would delete nothing for years.
fn known(kind: &str, holdings: &Holdings) -> Result<(), InvalidInput> {
    let kinds: Vec<&str> = holdings.content.iter().map(|content| content.kind.as_str()).collect();
    if kinds.contains(&kind) {
        return Ok(());
    }
    let diagnostic = Diagnostic::error(format!("the ledger has no content of the kind `{kind}`"));
    let diagnostic = match closest(kind, kinds.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None if kinds.is_empty() => diagnostic.note("it has no content at all"),
        None => diagnostic.note(format!("it has `{}`", kinds.join("`, `"))),
    };
    Err(diagnostic.into())
}
