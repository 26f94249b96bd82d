//! The report of a verification, for people and for tools.

use lockgate_domain::{Timestamp, counted};
use lockgate_ledger::audit::{AuditReport, SystemEntry};
use lockgate_ledger::note::{Checkpoint, Note};
use lockgate_ledger::{BackupRestored, LossAccepted};
use serde::Serialize;
use serde_json::{Value, json};

use super::findings::ReportedFinding;
use crate::layout::{fields, grid};
use crate::print;
use crate::terminal::{BAD, FAINT, GOOD, WAITING, styled};

pub(super) struct VerificationReport {
    /// The file or the address of the log.
    pub(super) name: Option<String>,
    /// The time of the first entry, if it is readable.
    pub(super) since: Option<Timestamp>,
    /// The time of the last entry, if it is readable and not withheld.
    pub(super) until: Option<Timestamp>,
    /// Whether the log was verified with a key of the auditor.
    pub(super) trusted: bool,
    /// How many checkpoints the auditor gave.
    pub(super) kept: usize,
    /// The result of the audit; none if it stopped before the end.
    pub(super) report: Option<AuditReport>,
    pub(super) findings: Vec<ReportedFinding>,
}

impl VerificationReport {
    /// The report for a log that could not be read at all.
    pub(super) fn unread(findings: Vec<ReportedFinding>) -> Self {
        Self { name: None, since: None, until: None, trusted: false, kept: 0, report: None, findings }
    }

    pub(super) fn table(&self) -> String {
        let mut parts = Vec::new();
        if !self.findings.is_empty() {
            let rows = self.findings.iter().map(ReportedFinding::row).collect();
            parts.push(grid(&["where", "stream", "id", "problem"], rows));
        }
        parts.push(fields(self.facts()));
        if !self.trusted && self.report.is_some() {
            parts.push(format!(
                "  {}: only internal consistency was checked. Give `--key` with a key that you got from somebody you trust",
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
            let until = self.until.map(|until| format!(" to {until}")).unwrap_or_default();
            facts.push(("time", format!("{since}{until}")));
        }
        let keys: Vec<String> = report.keys.iter().map(ToString::to_string).collect();
        facts.push((if keys.len() == 1 { "key" } else { "keys" }, keys.join("\n")));
        let deleted = match report.deleted {
            0 => String::new(),
            deleted => format!(" (and {deleted} deleted by retention, as the log records)"),
        };
        let kept = match self.kept {
            0 => String::new(),
            kept => format!(", {kept} of them yours"),
        };
        let checked = format!(
            "{}, {} of content{deleted}, {}{kept}",
            counted(report.entries, "entry", "entries"),
            counted(report.content, "piece", "pieces"),
            counted(report.checkpoints, "checkpoint", "checkpoints"),
        );
        facts.push(("verified", checked));
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
                styled(FAINT, "every existing entry is as it was signed"),
                styled(
                    WAITING,
                    format!("but entries are missing: {} accepted", counted(losses, "loss was", "losses were"))
                )
            ),
            0 => format!("  {} {}", styled(GOOD, "intact"), styled(FAINT, "every entry is as it was signed")),
            count => format!("  {} {}", styled(BAD, "not intact"), counted(count, "finding", "findings")),
        }
    }

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
            "findings": self.findings.iter().map(ReportedFinding::document).collect::<Vec<_>>(),
        })
    }
}

/// What was lost, when the loss was accepted, and why.
fn lost(accepted: &SystemEntry<LossAccepted>) -> String {
    let SystemEntry { index, at, body: LossAccepted { expected, found, reason } } = accepted;
    let expected = expected.map_or_else(|| "an unknown number of entries".to_owned(), |head| head.to_string());
    let found = found.map_or_else(|| "nothing".to_owned(), |head| head.to_string());
    format!("expected {expected}, found {found}; accepted at {at} (entry {index}): {}", print::plain(reason))
}

/// The backup that replaced the ledger.
fn restored(restored: &SystemEntry<BackupRestored>) -> String {
    let SystemEntry { index, at, body: BackupRestored { backed_up, found } } = restored;
    format!("a backup of {backed_up} with {found}, in use since {at} (entry {index})")
}

/// One of the ledger's own entries, for tools.
fn of_ledger<T: Serialize>(entry: &SystemEntry<T>) -> Value {
    json!({ "index": entry.index, "at": entry.at, "body": entry.body })
}

/// How many entries are withheld. The log is verified completely, because their hashes are in the tree.
fn withheld(count: u64, all: u64) -> String {
    let all = counted(all, "entry", "entries");
    match count {
        1 => format!("1 of {all} (it belongs to another team or to none); its hash was verified"),
        _ => format!("{count} of {all} (they belong to other teams or to none); their hashes were verified"),
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn report(entries: u64, withheld: u64) -> VerificationReport {
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
        VerificationReport { report: Some(report), trusted: true, ..VerificationReport::unread(Vec::new()) }
    }

    #[test]
    fn withheld_entries_are_reported_if_there_are_any() {
        let table = report(28, 12).table();
        assert!(table.contains("28 entries, 3 pieces of content, 2 checkpoints"), "{table}");
        let told = "12 of 40 entries (they belong to other teams or to none); their hashes were verified";
        assert!(table.contains(told), "{table}");
        assert!(table.contains("intact"), "{table}");
        let one = report(1, 1).table();
        assert!(one.contains("1 of 2 entries (it belongs to another team or to none)"), "{one}");
        assert!(!report(40, 0).table().contains("withheld"));
        assert_eq!(report(28, 12).document()["checked"]["withheld_entries"], 12);
        assert_eq!(report(40, 0).document()["checked"]["withheld_entries"], 0);
    }
}
