//! What came of verifying a log, told to people and to tools.

use lockgate_domain::Timestamp;
use lockgate_ledger::audit::AuditReport;
use lockgate_ledger::note::{Checkpoint, Note};
use serde_json::{Value, json};

use super::findings::Found;
use crate::print;
use crate::report::{fields, grid};
use crate::terminal::{BAD, FAINT, GOOD, WAITING, styled};

/// What came of it.
pub(super) struct Report {
    /// Where the log is.
    pub(super) name: Option<String>,
    /// When its first entry happened.
    pub(super) since: Option<Timestamp>,
    /// When its last entry happened.
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
                "  {}: no key was handed in, so the log is only known to agree with itself; hold it against a key that \
                 you have from elsewhere, with `--key`",
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
            facts.push(("size", plural(size, "entry", "entries")));
            facts.push(("root", root.to_string()));
        }
        if let (Some(since), Some(until)) = (self.since, self.until) {
            facts.push(("since", format!("{since}, the last entry {until}")));
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
            plural(report.entries, "entry", "entries"),
            plural(report.content, "piece", "pieces"),
            plural(report.checkpoints, "checkpoint", "checkpoints"),
        );
        facts.push(("checked", checked));
        facts
    }

    fn head(&self) -> Option<Checkpoint> {
        let note = Note::parse(&self.report.as_ref()?.checkpoint).ok()?;
        Checkpoint::parse(note.text()).ok()
    }

    fn verdict(&self) -> String {
        match self.findings.len() as u64 {
            0 => format!("  {} {}", styled(GOOD, "intact"), styled(FAINT, "everything is as it was signed")),
            count => format!("  {} {}", styled(BAD, "tampered"), plural(count, "finding", "findings")),
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
                "content": report.content,
                "deleted_content": report.deleted,
                "checkpoints": report.checkpoints,
                "kept_checkpoints": self.kept,
            })),
            "findings": self.findings.iter().map(Found::document).collect::<Vec<_>>(),
        })
    }
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
