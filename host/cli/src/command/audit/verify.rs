//! `lockgate audit verify`: goes through a whole log, and says what does not fit, and where.

use std::path::PathBuf;

use lockgate_domain::Timestamp;
use lockgate_ledger::audit::{Audit, Finding, Place, audit};
use lockgate_ledger::{Error, Query, Source};

use super::findings::Found;
use super::report::Report;
use super::source::{Opened, SourceArguments};
use super::trust::{KeyArguments, read_checkpoint};
use super::watched::{Watched, damage};
use crate::exit::Exit;
use crate::layout::Form;
use crate::options::Global;
use crate::print;

/// What to verify.
#[derive(Debug, clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    key: KeyArguments,
    /// A checkpoint that was kept: shows that the log was not cut back or written anew since. May be given many times.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// The format of the output.
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
}

impl Verify {
    /// Verifies, and tells what came of it.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let key = self.key.read()?;
        let checkpoints = self.checkpoint.iter().map(|path| read_checkpoint(path)).collect::<Result<Vec<_>, _>>()?;
        let opened = match self.source.open() {
            Ok(opened) => opened,
            Err(error) => match error.downcast::<Error>() {
                Ok(Error::Loss(loss)) => {
                    return self.tell(&Report::unread(vec![Found::whole("file", loss.to_string())]));
                }
                // A ledger of which not even the first page can be read.
                Ok(error) => return self.tell(&Report::unread(vec![Found::whole("file", damage(error)?)])),
                Err(error) => return Err(error),
            },
        };
        let against = Audit { key, checkpoints };
        let source = opened.source();
        let watched = Watched::new(source, global.quiet);
        let audited = audit(&watched, &against);
        let unreadable = watched.finish();
        let mut findings: Vec<Found> = Vec::new();
        let report = match audited {
            Ok(mut report) => {
                let mut found = std::mem::take(&mut report.findings);
                found.retain(|finding| !said(finding, &unreadable));
                found.extend(unreadable);
                found.sort_by_key(|finding| finding.place);
                findings.extend(found.into_iter().map(|finding| Found::new(finding, source)));
                Some(report)
            }
            Err(error) => {
                let message = format!("it was not looked at to the end: {}", damage(error)?);
                findings.extend(unreadable.into_iter().map(|finding| Found::new(finding, source)));
                findings.push(Found::whole(whole(&opened), message));
                None
            }
        };
        if let Opened::File { storage, .. } = &opened {
            let defects = storage.defects().or_else(|error| damage(error).map(|message| vec![message]))?;
            findings.extend(defects.into_iter().map(|message| Found::whole("file", message)));
            let answers = storage.changed_answers().or_else(|error| damage(error).map(|message| vec![message]))?;
            findings.extend(answers.into_iter().map(|message| Found::whole("request", message)));
            let loss = storage.loss().map(|loss| loss.map(|loss| loss.to_string()));
            let loss = loss.or_else(|error| damage(error).map(Some))?;
            findings.extend(loss.map(|message| Found::whole("file", message)));
        }
        self.tell(&Report {
            name: Some(opened.name()),
            since: moment(source, false),
            until: moment(source, true),
            trusted: against.key.is_some(),
            kept: against.checkpoints.len(),
            report,
            findings,
        })
    }

    fn tell(&self, report: &Report) -> anyhow::Result<Exit> {
        match self.output {
            Form::Table => print::text(report.table())?,
            Form::Json => print::data(print::json(&report.document())?)?,
        }
        Ok(if report.findings.is_empty() { Exit::Success } else { Exit::Tampered })
    }
}

fn whole(opened: &Opened) -> &'static str {
    match opened {
        Opened::File { .. } => "file",
        Opened::Server(_) => "server",
    }
}

/// Whether a finding only says that entries are missing that could not be read.
fn said(finding: &Finding, unreadable: &[Finding]) -> bool {
    let is_unreadable = |index: u64| unreadable.iter().any(|other| other.place == Place::Entry(index));
    match finding.place {
        Place::Entry(index) => is_unreadable(index),
        Place::Entries { first, last } => !unreadable.is_empty() && (first..=last).all(is_unreadable),
        _ => false,
    }
}

/// When the first or the last entry happened, as far as it says, and is not withheld.
fn moment(source: &dyn Source, newest_first: bool) -> Option<Timestamp> {
    let query = Query { newest_first, limit: 1, ..Query::default() };
    let found = source.entries_with_withheld(&query).ok()?.pop()?.whole()?;
    found.read().ok().map(|entry| entry.at)
}
