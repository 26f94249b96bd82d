//! What came of verifying a log, told to people and to tools.

use lockgate_domain::{Timestamp, counted};
use lockgate_ledger::audit::{AuditReport, OwnEntry};
use lockgate_ledger::note::{Checkpoint, Note};
use lockgate_ledger::{BackupRestored, LossAccepted};
use serde::Serialize;
use serde_json::{Value, json};

use super::findings::Found;
use crate::layout::{fields, grid};
use crate::print;
use crate::terminal::{BAD, FAINT, GOOD, WAITING, styled};

/// What came of it.
pub(super) struct Report {
    /// Where the log is.
    pub(super) name: Option<String>,
    /// When its first entry happened, if it says that.
    pub(super) since: Option<Timestamp>,
    /// When its last entry happened, if it says that and is not withheld.
    pub(super) until: Option<Timestamp>,
    /// Whether a key was handed in to hold it against.
    pub(super) trusted: bool,
    /// How many checkpoints were handed in.
    pub(super) kept: usize,
    /// What the audit says; none if it could not be brought to its end.
    pub(super) report: Option<AuditReport>,
    /// What does not fit.
    pub(super) findings: Vec<Found>,
}

impl Report {
    /// Of a log that could not be read at all.
    pub(super) fn unread(findings: Vec<Found>) -> Self {
        Self { name: None, since: None, until: None, trusted: false, kept: 0, report: None, findings }
    }

    /// For people.
    pub(super) fn table(&self) -> String {
        let mut parts = Vec::new();
        if !self.findings.is_empty() {
            let rows = self.findings.iter().map(Found::row).collect();
            parts.push(grid(&["where", "stream", "id", "what differs"], rows));
        }
        parts.push(fields(self.facts()));
        if !self.trusted && self.report.is_some() {
            parts.push(format!(
                "  {}: without `--key`, this only shows that the log agrees with itself. Verify it with a key that you got from \
                 somewhere else",
                styled(WAITING, "note")
            ));
        }
        parts.push(self.verdict());
        parts.join("\n\n")
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
        if let Some(name) = &self.name {
            facts.push(("ledger", print::plain(name).into_owned()));
        }
        let Some(report) = &self.report else { return facts };
        if let Some(Checkpoint { origin, size, root }) = self.head() {
            facts.push(("log", print::plain(&origin).into_owned()));
            facts.push(("size", counted(size, "entry", "entries")));
            facts.push(("root", root.to_string()));
        }
        if let Some(since) = self.since {
            let until = self.until.map(|until| format!(", the last entry {until}")).unwrap_or_default();
            facts.push(("since", format!("{since}{until}")));
        }
        let keys: Vec<String> = report.keys.iter().map(ToString::to_string).collect();
        facts.push((if keys.len() == 1 { "key" } else { "keys" }, keys.join("\n")));
        let deleted = match report.deleted {
            0 => String::new(),
            deleted => format!(" (and {deleted} deleted by retention, as entries say)"),
        };
        let kept = match self.kept {
            0 => String::new(),
            kept => format!(", {kept} of them kept elsewhere"),
        };
        let checked = format!(
            "{}, {} of content{deleted}, {}{kept}",
            counted(report.entries, "entry", "entries"),
            counted(report.content, "piece", "pieces"),
            counted(report.checkpoints, "checkpoint", "checkpoints"),
        );
        facts.push(("checked", checked));
        let losses: Vec<String> = report.losses.iter().map(lost).collect();
        if !losses.is_empty() {
            facts.push(("lost", losses.join("\n")));
        }
        let restores: Vec<String> = report.restores.iter().map(restored).collect();
        if !restores.is_empty() {
            facts.push(("restored", restores.join("\n")));
        }
        if report.withheld > 0 {
            facts.push(("withheld", withheld(report.withheld, report.entries + report.withheld)));
        }
        facts
    }

    fn head(&self) -> Option<Checkpoint> {
        let note = Note::parse(&self.report.as_ref()?.checkpoint).ok()?;
        Checkpoint::parse(note.text()).ok()
    }

    fn verdict(&self) -> String {
        let losses = self.report.as_ref().map_or(0, |report| report.losses.len()) as u64;
        match self.findings.len() as u64 {
            0 if losses > 0 => format!(
                "  {} {}: {}",
                styled(GOOD, "intact"),
                styled(FAINT, "every entry that is here is as it was signed"),
                styled(
                    WAITING,
                    format!("but entries are missing: {} accepted", counted(losses, "loss was", "losses were"))
                )
            ),
            0 => format!("  {} {}", styled(GOOD, "intact"), styled(FAINT, "every entry is as it was signed")),
            count => format!("  {} {}", styled(BAD, "not intact"), counted(count, "finding", "findings")),
        }
    }

    /// For tools.
    pub(super) fn document(&self) -> Value {
        let head = self.head();
        let report = self.report.as_ref();
        json!({
            "intact": self.findings.is_empty(),
            "ledger": self.name,
            "log": head.as_ref().map(|head| &head.origin),
            "size": head.as_ref().map(|head| head.size),
            "root": head.as_ref().map(|head| head.root),
            "since": self.since,
            "until": self.until,
            "keys": report.map(|report| &report.keys),
            "trusted_key": self.trusted,
            "checkpoint": report.map(|report| &report.checkpoint),
            "checked": report.map(|report| json!({
                "entries": report.entries,
                "withheld_entries": report.withheld,
                "content": report.content,
                "deleted_content": report.deleted,
                "checkpoints": report.checkpoints,
                "kept_checkpoints": self.kept,
            })),
            "losses": report.map_or_else(Vec::new, |report| report.losses.iter().map(of_ledger).collect()),
            "restores": report.map_or_else(Vec::new, |report| report.restores.iter().map(of_ledger).collect()),
            "findings": self.findings.iter().map(Found::document).collect::<Vec<_>>(),
        })
    }
}

/// What was lost, when that was accepted, and why.
fn lost(accepted: &OwnEntry<LossAccepted>) -> String {
    let OwnEntry { index, at, body: LossAccepted { expected, found, reason } } = accepted;
    let expected = expected.map_or_else(|| "nobody knows how many entries".to_owned(), |head| head.to_string());
    let found = found.map_or_else(|| "nothing".to_owned(), |head| head.to_string());
    format!("there had been {expected}; {found} was left; accepted at {at} (entry {index}): {}", print::plain(reason))
}

/// From when the backup is that took the place of the ledger.
fn restored(restored: &OwnEntry<BackupRestored>) -> String {
    let OwnEntry { index, at, body: BackupRestored { backed_up, found } } = restored;
    format!("a backup of {backed_up} with {found}, in use since {at} (entry {index})")
}

/// An entry of the ledger's own, for tools.
fn of_ledger<T: Serialize>(entry: &OwnEntry<T>) -> Value {
    json!({ "index": entry.index, "at": entry.at, "body": entry.body })
}

/// How many of all entries only the hash was shown, and why the log is verified whole all the same.
fn withheld(count: u64, all: u64) -> String {
    let all = counted(all, "entry", "entries");
    match count {
        1 => format!("1 of {all} is withheld: it belongs to another team, or to none; its hash is in the tree"),
        _ => format!(
            "{count} of {all} are withheld: they belong to other teams, or to none; their hashes are in the tree"
        ),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn report(entries: u64, withheld: u64) -> Report {
        let report = AuditReport {
            entries,
            withheld,
            content: 3,
            deleted: 0,
            checkpoints: 2,
            keys: Vec::new(),
            checkpoint: String::new(),
            losses: Vec::new(),
            restores: Vec::new(),
            findings: Vec::new(),
        };
        Report { report: Some(report), trusted: true, ..Report::unread(Vec::new()) }
    }

    #[test]
    fn withheld_entries_are_told_where_there_are_some() {
        let table = report(28, 12).table();
        assert!(table.contains("28 entries, 3 pieces of content, 2 checkpoints"), "{table}");
        let told =
            "12 of 40 entries are withheld: they belong to other teams, or to none; their hashes are in the tree";
        assert!(table.contains(told), "{table}");
        assert!(table.contains("intact"), "{table}");
        let one = report(1, 1).table();
        assert!(one.contains("1 of 2 entries is withheld: it belongs to another team"), "{one}");
        assert!(!report(40, 0).table().contains("withheld"));
        assert_eq!(report(28, 12).document()["checked"]["withheld_entries"], 12);
        assert_eq!(report(40, 0).document()["checked"]["withheld_entries"], 0);
    }
}
