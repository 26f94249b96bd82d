//! Checks the content: present content has its digest, and for missing content an entry says that it was deleted.

use std::collections::{HashMap, HashSet};

use lockgate_domain::Digest;

use super::AuditReport;
use super::finding::{AuditFinding, FindingPlace};
use crate::Error;
use crate::entry::LEDGER_STREAM;
use crate::error::{FailureCause, StorageFailure};
use crate::storage::{ContentState, EntryQuery, LogSource};
use crate::system_entries::{CONTENT_DELETED, ContentDeleted};

/// How many digests are read at once.
const PAGE: usize = 512;

pub(super) fn check(
    storage: &dyn LogSource,
    mut referenced: HashMap<Digest, u64>,
    mut deleted: HashSet<Digest>,
    mut size: u64,
    report: &mut AuditReport,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = storage.contents(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for digest in page {
            referenced.remove(&digest);
            let mut found =
                |message: String| report.findings.push(AuditFinding { place: FindingPlace::Content(digest), message });
            match storage.content(&digest) {
                Ok(Some(content)) => match content.state {
                    ContentState::Present(bytes) => {
                        report.content += 1;
                        let is = Digest::of(&bytes);
                        if is != digest {
                            found(format!("its bytes have the digest `{is}`: they were changed or swapped"));
                        } else if bytes.len() as u64 != content.size {
                            found(format!("it has {} bytes, but says that it has {}", bytes.len(), content.size));
                        }
                    }
                    ContentState::Deleted(_) => {
                        if !deleted.contains(&digest) {
                            // It may have been deleted since the entries were read.
                            let now = storage.head()?.size;
                            if now > size {
                                deleted.extend(deleted_since(storage, size)?);
                                size = now;
                            }
                        }
                        report.deleted += 1;
                        if !deleted.contains(&digest) {
                            found("it was deleted, but no entry says so".to_owned());
                        }
                    }
                },
                Ok(None) => found("it is listed, but not there".to_owned()),
                Err(Error::Unavailable(StorageFailure { cause: FailureCause::Corrupt, message })) => found(message),
                Err(error) => return Err(error),
            }
        }
    }
    report.findings.extend(referenced.into_iter().map(|(digest, index)| AuditFinding {
        place: FindingPlace::Content(digest),
        message: format!("missing: entry {index} refers to it"),
    }));
    Ok(())
}

fn deleted_since(storage: &dyn LogSource, size: u64) -> Result<Vec<Digest>, Error> {
    let (stream, kind) = (Some(LEDGER_STREAM.to_owned()), Some(CONTENT_DELETED.to_owned()));
    let entries =
        storage.entries(&EntryQuery { stream, kind, from: size, limit: usize::MAX, ..EntryQuery::default() })?;
    let bodies = entries.iter().filter_map(|entry| entry.read().ok());
    Ok(bodies
        .filter_map(|entry| serde_json::from_value(entry.body).ok())
        .flat_map(|said: ContentDeleted| said.content)
        .collect())
}
