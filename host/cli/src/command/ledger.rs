//! `lockgate ledger`: for those who look after the file that everything is kept in.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use lockgate_domain::{Duration, Timestamp, closest, counted};
use lockgate_ledger::{
    HeldContent, Holdings, LossAccepted, Query, Retention, Source as _, SqliteOptions, Storage as _, TreeHead,
};
use serde_json::json;

use crate::data_folder::{DataArguments, LEDGER};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::size;
use crate::layout::{Form, fields, grid};
use crate::options::Global;
use crate::print;
use crate::terminal::{WAITING, styled};

/// What to do with a ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Says what a ledger holds, and how much of it.
    Info(Info),
    /// Copies a ledger while it is in use, and checks the copy.
    Backup(Backup),
    /// Deletes what is old: the bytes of snapshots and evidence, and what is remembered of requests. Every proof stays.
    Forget(Forget),
    /// Goes on with a ledger that has lost something, for example with a backup in its place, and writes into the log what
    /// was lost.
    AcceptLoss(AcceptLoss),
    /// Has the ledger signed with a new key from now on, also by a server that runs.
    RotateKey(RotateKey),
}

impl Ledger {
    /// Does it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Info(command) => command.run(),
            Self::Backup(command) => command.run(),
            Self::Forget(command) => command.run(),
            Self::AcceptLoss(command) => command.run(global),
            Self::RotateKey(command) => command.run(global),
        }
    }
}

/// What is said first where something is lost.
const LOST: &str = "LOST";

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Info {
    #[command(flatten)]
    data: DataArguments,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Info {
    /// Tells it.
    fn run(self) -> anyhow::Result<Exit> {
        let storage = self.data.read_only()?;
        let head = storage.head()?;
        let Holdings { schema, bytes, streams, entries, content, requests } = storage.holdings()?;
        let at = |newest_first: bool| -> anyhow::Result<_> {
            let found = storage.entries(&Query { newest_first, limit: 1, ..Query::default() })?;
            Ok(found.first().map(|entry| entry.at))
        };
        let (since, until) = (at(false)?, at(true)?);
        let (recorded, loss) = (storage.recorded()?, storage.loss()?);
        match self.output {
            Form::Json => {
                let by_kind: serde_json::Map<String, serde_json::Value> =
                    entries.into_iter().map(|(kind, count)| (kind, count.into())).collect();
                let content = content.into_iter().map(|HeldContent { kind, count, bytes, deleted }| {
                    (kind, json!({ "count": count, "bytes": bytes, "deleted": deleted }))
                });
                print::data(print::json(&json!({
                    "log": head.key.name(),
                    "size": head.size,
                    "root": head.root,
                    "key": head.key,
                    "since": since,
                    "until": until,
                    "schema": schema,
                    "bytes": bytes,
                    "streams": streams,
                    "entries": by_kind,
                    "content": content.collect::<serde_json::Map<_, _>>(),
                    "requests": requests,
                    "head_file": recorded,
                    "loss": loss.map(|loss| json!({
                        "expected": loss.expected.tree(),
                        "found": loss.found,
                        "backed_up": loss.backed_up,
                        "message": loss.to_string(),
                    })),
                }))?)?;
            }
            Form::Table => {
                let moment = |at: Option<lockgate_domain::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
                let mut facts = vec![
                    ("log", print::plain(head.key.name()).into_owned()),
                    ("entries", format!("{} in {}", head.size, counted(streams, "stream", "streams"))),
                    ("since", format!("{}, the last one {}", moment(since), moment(until))),
                    ("root", head.root.to_string()),
                    ("key", head.key.to_string()),
                    ("requests", format!("{requests} remembered")),
                    ("file", format!("{LEDGER}, {}, schema {schema}", size(bytes))),
                    ("head file", recorded.map_or_else(|| "none".to_owned(), |head| format!("{LEDGER}-head, {head}"))),
                ];
                if let Some(loss) = loss {
                    facts.insert(0, (LOST, print::plain(&loss.to_string()).into_owned()));
                }
                let facts = fields(facts);
                let entries = entries.into_iter().map(|(kind, count)| {
                    vec![print::plain(&kind).into_owned(), count.to_string(), String::new(), String::new()]
                });
                let content = content.into_iter().map(|HeldContent { kind, count, bytes, deleted }| {
                    let kind = format!("content: {}", print::plain(&kind));
                    vec![kind, count.to_string(), size(bytes), deleted.to_string()]
                });
                let kinds = grid(&["kind", "count", "size", "deleted"], entries.chain(content).collect());
                print::text(format!("{facts}\n\n{kinds}"))?;
            }
        }
        Ok(Exit::Success)
    }
}

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
    fn run(self) -> anyhow::Result<Exit> {
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

/// A file that must not be there yet.
fn new_file(path: &Path) -> Result<(), InvalidInput> {
    match path.exists() {
        true => Err(Diagnostic::error(format!("`{}` exists already", path.display()))
            .help("name another file: a backup never takes the place of one")
            .into()),
        false => Ok(()),
    }
}

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
    fn run(self) -> anyhow::Result<Exit> {
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
    fn run(self, global: &Global) -> anyhow::Result<Exit> {
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

/// Which ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct RotateKey {
    #[command(flatten)]
    data: DataArguments,
}

impl RotateKey {
    /// Makes a new key, and prints its verifying half.
    fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let (storage, file) = self.data.to_write()?;
        let key = file.rotate(&storage)?;
        print::data(&key)?;
        if !global.quiet {
            print::words(format!(
                "{}: proofs and checkpoints from before stay valid; hand out the new key beside the old one",
                styled(WAITING, "note")
            ));
            print::words("a server that runs on this ledger takes the new key from the file, and goes on with it");
        }
        Ok(Exit::Success)
    }
}
