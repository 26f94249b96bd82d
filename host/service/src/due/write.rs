//! Writes what has fallen due.

use lockgate_domain::{LateReview, Timestamp};
use lockgate_ledger::{Append, EntryDraft, Error, ExpectedVersion};

use super::agenda::{AgendaItem, DueGrant, DueSubject};
use super::{DueItem, DueKind, DueMark};
use crate::delegation::Delegation;
use crate::granted::GrantEnd;
use crate::lifecycle::{DeploymentEvent, EventActor};
use crate::stops::{EXPIRED, STOPS, end_of_stop};
use crate::waiver::WaiverState;
use crate::write::RecordedEvent;
use crate::{DeploymentService, ServiceError};

/// What one round of the host's clock did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DueRound {
    /// What this process wrote, in order. What other servers wrote is not in it.
    pub written: Vec<DueItem>,
    /// When the next item is due that is not recorded yet. It may have passed, if the round was full.
    pub next: Option<Timestamp>,
}

impl DeploymentService {
    /// Writes what has fallen due by now and is not recorded, in the order of the times at which it was due, with at most `most`
    /// attempts.
    ///
    /// # Errors
    /// If the ledger cannot be read or written. What was written before stays written.
    pub fn write_due(&self, most: usize) -> Result<DueRound, ServiceError> {
        let mut round = DueRound::default();
        for _ in 0..most {
            let now = self.now();
            let first = {
                let mut agenda = self.0.agenda.lock();
                self.catch_up(&mut agenda)?;
                agenda.first().and_then(|(mark, subject)| {
                    let known = agenda.item(&subject, &mark)?.clone();
                    Some((mark, subject, known))
                })
            };
            round.next = first.as_ref().map(|(mark, _, _)| mark.due);
            let Some((mark, subject, known)) = first.filter(|(mark, _, _)| mark.due <= now) else { return Ok(round) };
            match self.write_mark(&subject, &mark, &known, now) {
                Ok(true) => round.written.push(DueItem { overdue: true, ..known.item }),
                // Another server was faster, or it is no longer due: the next look at the ledger tells.
                Ok(false) | Err(ServiceError::Ledger(Error::Conflict(_))) => self.0.agenda.lock().look_again(&subject),
                Err(error) => return Err(error),
            }
        }
        Ok(round)
    }

    /// Writes that something has fallen due. Returns false if it is not to be written any more.
    fn write_mark(
        &self,
        subject: &DueSubject,
        mark: &DueMark,
        known: &AgendaItem,
        now: Timestamp,
    ) -> Result<bool, ServiceError> {
        let append = match subject {
            DueSubject::Deployment(stream) => self.mark_of_deployment(stream, mark, known, now)?,
            DueSubject::Waiver(_) => Some(expiry::<WaiverState>(known, now)?),
            DueSubject::Delegation(_) => Some(expiry::<Delegation>(known, now)?),
            DueSubject::Stops => self.end_of_expired_stop(mark, now)?,
        };
        let Some(append) = append else { return Ok(false) };
        self.0.storage.append(append)?;
        Ok(true)
    }

    fn mark_of_deployment(
        &self,
        stream: &str,
        mark: &DueMark,
        known: &AgendaItem,
        now: Timestamp,
    ) -> Result<Option<Append>, ServiceError> {
        let version = self.0.storage.version(stream)?;
        let loaded = self.read_deployment(stream, known.item.deployment.as_deref().unwrap_or_default(), version)?;
        if !self.is_coming(&loaded, mark)? {
            return Ok(None);
        }
        let (by, event) = (EventActor::host(), DeploymentEvent::FellDue { mark: mark.clone() });
        let kind = event.kind();
        let entry = EntryDraft::new(stream, kind, now, &RecordedEvent { by, event })?;
        let mut entries = vec![entry.with_id(&loaded.id)?.of_team(&loaded.state.team)?];
        let taken = loaded.state.overrides.iter().find(|taken| taken.taken.id == mark.about);
        if let Some(taken) = taken.filter(|_| mark.what == DueKind::OverrideReviewLate) {
            let late = LateReview {
                id: taken.taken.id.clone(),
                deployment: loaded.id.clone(),
                by: taken.taken.by.clone(),
                due: taken.review_due,
                blocks_from: taken.blocks_from,
            };
            entries.push(Self::review_late(&loaded, &late, now)?);
        }
        let expect = vec![ExpectedVersion { stream: stream.to_owned(), version }];
        Ok(Some(Append { entries, expect, ..Append::default() }))
    }

    fn end_of_expired_stop(&self, mark: &DueMark, now: Timestamp) -> Result<Option<Append>, ServiceError> {
        let stops = self.stops_at(self.0.storage.version(STOPS)?)?;
        let Some(known) = stops.says.open().find(|known| known.stop.id == mark.about) else { return Ok(None) };
        let entries = vec![end_of_stop(&known.stop, EXPIRED, EventActor::host(), now)?];
        let expect = vec![ExpectedVersion { stream: STOPS.to_owned(), version: stops.version }];
        Ok(Some(Append { entries, expect, ..Append::default() }))
    }
}

/// The entry that a grant has expired, in the stream that an early end would be in: so it ends once.
fn expiry<T: DueGrant>(known: &AgendaItem, now: Timestamp) -> Result<Append, ServiceError> {
    let stream = T::stream_of_end(&known.item.mark.about);
    let end = GrantEnd { by: EventActor::host() };
    let entry = EntryDraft::new(&stream, T::EXPIRED.as_str(), now, &end)?.with_id(&known.item.mark.about)?;
    let entry = match &known.item.team {
        Some(team) => entry.of_team(team)?,
        None => entry,
    };
    let expect = vec![ExpectedVersion { stream, version: 0 }];
    Ok(Append { entries: vec![entry], expect, ..Append::default() })
}
