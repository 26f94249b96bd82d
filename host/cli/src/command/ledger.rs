//! `lockgate ledger`: maintenance of the ledger's file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use lockgate_domain::{Duration, Timestamp, closest, counted};
use lockgate_ledger::{
    EntryQuery, HeldContent, LedgerHoldings, LogSource as _, LossAccepted, RetentionRule, SqliteOptions, Storage as _,
};
use serde_json::json;

use crate::data_folder::{DataArguments, LEDGER};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::{not_found, size};
use crate::layout::{OutputFormat, fields, grid};
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{WAITING, styled};

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Show what a ledger contains.
    Info(InfoCommand),
    /// Copy a ledger, also while a server uses it, and verify the copy.
    Backup(BackupCommand),
    /// Delete old snapshots, evidence, superseded values of registers or idempotency keys. Their digests and all proofs stay valid.
    Forget(ForgetCommand),
    /// Continue with a ledger that lost entries, for example with a restored backup. The log records the loss.
    AcceptLoss(AcceptLossCommand),
    /// Sign the ledger with a new key from now on. A running server uses it too.
    RotateKey(RotateKeyCommand),
}

impl LedgerCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        match self {
            Self::Info(command) => command.run(),
            Self::Backup(command) => command.run(),
            Self::Forget(command) => command.run(),
            Self::AcceptLoss(command) => command.run(global),
            Self::RotateKey(command) => command.run(global),
        }
    }
}

/// The first row for a ledger that lost something.
const LOST: &str = "LOST";

#[derive(Debug, clap::Args)]
pub(crate) struct InfoCommand {
    #[command(flatten)]
    data: DataArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl InfoCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let storage = self.data.read_only()?;
        let head = storage.head()?;
        let LedgerHoldings { schema, bytes, streams, entries, content, requests } = storage.holdings()?;
        let at = |newest_first: bool| -> anyhow::Result<_> {
            let found = storage.entries(&EntryQuery { newest_first, limit: 1, ..EntryQuery::default() })?;
            Ok(found.first().map(|entry| entry.at))
        };
        let (since, until) = (at(false)?, at(true)?);
        let (recorded, loss) = (storage.recorded()?, storage.loss()?);
        match self.output {
            OutputFormat::Json => {
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
            OutputFormat::Table => {
                let moment = |at: Option<lockgate_domain::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
                let mut facts = vec![
                    ("log", print::plain(head.key.name()).into_owned()),
                    ("entries", format!("{} in {}", head.size, counted(streams, "stream", "streams"))),
                    ("time", format!("{} to {}", moment(since), moment(until))),
                    ("root", head.root.to_string()),
                    ("key", head.key.to_string()),
                    ("idempotency keys", requests.to_string()),
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

#[derive(Debug, clap::Args)]
pub(crate) struct BackupCommand {
    #[command(flatten)]
    data: DataArguments,
    /// The file of the copy. It does not contain the signing key: save `ledger.key` separately, once.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl BackupCommand {
    fn run(self) -> anyhow::Result<Exit> {
        check_is_new(&self.to)?;
        let storage = self.data.read_only()?;
        let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(InvalidInput::from(not_found(folder, "folder for the backup")).into());
        }
        let backed_up = storage.backup(&self.to).context("the backup failed")?;
        let report = backed_up.report;
        match self.output {
            OutputFormat::Json => print::data(print::json(&json!({
                "to": self.to,
                "bytes": backed_up.bytes,
                "entries": report.entries,
                "content": report.content,
                "checkpoint": report.checkpoint,
            }))?)?,
            OutputFormat::Table => print::text(fields(vec![
                ("backup", format!("{}, {}", print::plain(&self.to.display().to_string()), size(backed_up.bytes))),
                (
                    "verified",
                    format!(
                        "{}, {} of content: all verified",
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

/// Checks that a file does not exist yet.
fn check_is_new(path: &Path) -> Result<(), InvalidInput> {
    match path.exists() {
        true => Err(Diagnostic::error(format!("`{}` already exists", path.display()))
            .help("choose another file: a backup never overwrites a file")
            .into()),
        false => Ok(()),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ForgetCommand {
    #[command(flatten)]
    data: DataArguments,
    /// Delete content of this kind, for example `snapshot`, `evidence` or `register-people`, unless a newer entry refers to it.
    /// The present values of registers are kept.
    #[arg(long, value_name = "KIND", required_unless_present = "requests", conflicts_with = "requests")]
    kind: Option<String>,
    /// Delete idempotency keys: a request that repeats one of them counts as new.
    #[arg(long)]
    requests: bool,
    /// The minimum age, for example `400d`.
    #[arg(long, value_name = "AGE")]
    older_than: Duration,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl ForgetCommand {
    fn run(self) -> anyhow::Result<Exit> {
        let age = i64::try_from(self.older_than.as_millis()).unwrap_or(i64::MAX);
        if let Some(kind) = &self.kind {
            check_kind(kind, &self.data.read_only()?.holdings()?)?;
        }
        let (storage, _) = self.data.to_write()?;
        let before = Timestamp::from_millis(storage.now().as_millis().saturating_sub(age));
        let rule = match &self.kind {
            Some(kind) => RetentionRule::Content { kind: kind.clone(), before },
            None => RetentionRule::Requests { before },
        };
        let forgotten = storage.forget(&rule)?;
        match self.output {
            OutputFormat::Json => print::data(print::json(&json!({
                "kind": self.kind,
                "before": before,
                "count": forgotten.count,
                "bytes": forgotten.bytes,
            }))?)?,
            OutputFormat::Table => print::text(match &self.kind {
                Some(kind) => format!(
                    "deleted {} of `{}` from before {before} ({})",
                    counted(forgotten.count, "piece", "pieces"),
                    print::plain(kind),
                    size(forgotten.bytes)
                ),
                None => format!(
                    "deleted {} from before {before}",
                    counted(forgotten.count, "idempotency key", "idempotency keys")
                ),
            })?,
        }
        Ok(Exit::Success)
    }
}

/// Checks that the ledger has or had content of that kind: otherwise a typing error would delete nothing, unnoticed.
fn check_kind(kind: &str, holdings: &LedgerHoldings) -> Result<(), InvalidInput> {
    let kinds: Vec<&str> = holdings.content.iter().map(|content| content.kind.as_str()).collect();
    if kinds.contains(&kind) {
        return Ok(());
    }
    let diagnostic = Diagnostic::error(format!("the ledger has no content of kind `{kind}`"));
    let diagnostic = match closest(kind, kinds.iter().copied()) {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None if kinds.is_empty() => diagnostic.note("it has no content"),
        None => diagnostic.note(format!("its kinds are `{}`", kinds.join("`, `"))),
    };
    Err(diagnostic.into())
}

#[derive(Debug, clap::Args)]
pub(crate) struct AcceptLossCommand {
    #[command(flatten)]
    data: DataArguments,
    /// The reason to continue without the lost entries. Every auditor sees it in the log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl AcceptLossCommand {
    fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let accepted = self.data.key().accept_loss(&self.data.path(), &self.reason, &SqliteOptions::default())?;
        let LossAccepted { expected, found, reason } = accepted;
        match self.output {
            OutputFormat::Json => print::data(print::json(&json!({
                "expected": expected,
                "found": found,
                "reason": reason,
            }))?)?,
            OutputFormat::Table => print::text(fields(vec![
                (
                    "expected",
                    expected.map_or_else(|| "unknown: the head file was lost".to_owned(), |head| head.to_string()),
                ),
                (
                    "found",
                    found.map_or_else(|| "nothing: the log starts from zero".to_owned(), |head| head.to_string()),
                ),
                ("reason", print::plain(&reason).into_owned()),
            ]))?,
        }
        if !global.quiet {
            print::message(format!(
                "{}: the log now records the loss for every auditor; keep the checkpoints from before it",
                styled(WAITING, "note")
            ));
            print::message("restart a running server of this ledger: it still has the lost entries in memory");
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateKeyCommand {
    #[command(flatten)]
    data: DataArguments,
}

impl RotateKeyCommand {
    /// Creates a new key and prints its public part.
    fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let (storage, file) = self.data.to_write()?;
        let key = file.rotate(&storage)?;
        print::data(&key)?;
        if !global.quiet {
            print::message(format!(
                "{}: earlier proofs and checkpoints stay valid; publish the new key together with the old one",
                styled(WAITING, "note")
            ));
            print::message("a running server of this ledger uses the new key automatically");
        }
        Ok(Exit::Success)
    }
}
