//! `lockgate audit verify`: verifies a whole log, and reports what does not verify, and where.

use std::path::PathBuf;

use lockgate_domain::Timestamp;
use lockgate_ledger::audit::{Audit, AuditFinding, FindingPlace, audit};
use lockgate_ledger::{EntryQuery, Error, LogSource};

use super::findings::ReportedFinding;
use super::report::VerificationReport;
use super::source::{LogSourceArguments, OpenLog};
use super::trust::{KeyArguments, read_checkpoint};
use super::watched::{WatchedLog, damage};
use crate::exit::Exit;
use crate::layout::OutputFormat;
use crate::options::GlobalOptions;
use crate::print;

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyCommand {
    #[command(flatten)]
    key: KeyArguments,
    /// A checkpoint that you kept: verify that the log still contains everything up to it. Repeatable.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
    // Last, because its heading applies to all options after it.
    #[command(flatten)]
    source: LogSourceArguments,
}

impl VerifyCommand {
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let key = self.key.read()?;
        let checkpoints = self.checkpoint.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
        let opened = match self.source.open() {
            Ok(opened) => opened,
            Err(error) => match error.downcast::<Error>() {
                Ok(Error::Loss(loss)) => {
                    return self
                        .print(&VerificationReport::unread(vec![ReportedFinding::whole("file", loss.to_string())]));
                }
                // Not even the first page of the file can be read.
                Ok(error) => {
                    return self
                        .print(&VerificationReport::unread(vec![ReportedFinding::whole("file", damage(error)?)]));
                }
                Err(error) => return Err(error),
            },
        };
        let against = Audit { key, checkpoints };
        let source = opened.source();
        let watched = WatchedLog::new(source, global.quiet);
        let audited = audit(&watched, &against);
        let unreadable = watched.finish();
        let mut findings: Vec<ReportedFinding> = Vec::new();
        let report = match audited {
            Ok(mut report) => {
                let mut found = std::mem::take(&mut report.findings);
                found.retain(|finding| !is_covered(finding, &unreadable));
                found.extend(unreadable);
                found.sort_by_key(|finding| finding.place);
                findings.extend(found.into_iter().map(|finding| ReportedFinding::new(finding, source)));
                Some(report)
            }
            Err(error) => {
                let message = format!("the verification stopped: {}", damage(error)?);
                findings.extend(unreadable.into_iter().map(|finding| ReportedFinding::new(finding, source)));
                findings.push(ReportedFinding::whole(whole_log(&opened), message));
                None
            }
        };
        if let OpenLog::File { storage, .. } = &opened {
            let defects = storage.defects().or_else(|error| damage(error).map(|message| vec![message]))?;
            findings.extend(defects.into_iter().map(|message| ReportedFinding::whole("file", message)));
            let answers = storage.changed_answers().or_else(|error| damage(error).map(|message| vec![message]))?;
            findings.extend(answers.into_iter().map(|message| ReportedFinding::whole("request", message)));
            let loss = storage.loss().map(|loss| loss.map(|loss| loss.to_string()));
            let loss = loss.or_else(|error| damage(error).map(Some))?;
            findings.extend(loss.map(|message| ReportedFinding::whole("file", message)));
        }
        self.print(&VerificationReport {
            name: Some(opened.name()),
            since: entry_time(source, false),
            until: entry_time(source, true),
            trusted: against.key.is_some(),
            kept: against.checkpoints.len(),
            report,
            findings,
        })
    }

    fn print(&self, report: &VerificationReport) -> anyhow::Result<Exit> {
        match self.output {
            OutputFormat::Table => print::text(report.table())?,
            OutputFormat::Json => print::data(print::json(&report.document())?)?,
        }
        Ok(if report.findings.is_empty() { Exit::Success } else { Exit::Tampered })
    }
}

fn whole_log(opened: &OpenLog) -> &'static str {
    match opened {
        OpenLog::File { .. } => "file",
        OpenLog::Server(_) => "server",
    }
}

/// Whether a finding only says that entries are missing which could not be read.
fn is_covered(finding: &AuditFinding, unreadable: &[AuditFinding]) -> bool {
    let is_unreadable = |index: u64| unreadable.iter().any(|other| other.place == FindingPlace::Entry(index));
    match finding.place {
        FindingPlace::Entry(index) => is_unreadable(index),
        FindingPlace::Entries { first, last } => !unreadable.is_empty() && (first..=last).all(is_unreadable),
        _ => false,
    }
}

/// The time of the first or the last entry, if it is readable and not withheld.
fn entry_time(source: &dyn LogSource, newest_first: bool) -> Option<Timestamp> {
    let query = EntryQuery { newest_first, limit: 1, ..EntryQuery::default() };
    let found = source.entries_with_withheld(&query).ok()?.pop()?.whole()?;
    found.read().ok().map(|entry| entry.at)
}
