//! Writes in one append, once: conditions, idempotency keys, and further attempts if another writer was faster.

use lockgate_domain::Digest;
use lockgate_ledger::{
    Append, ContentBlob, EntryDraft, Error, ExpectedVersion, IdempotentRequest, ValueChanges, WriteAttempts,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::read::LoadedDeployment;
use super::{DeploymentService, ServiceError, WriteAnswer, WriteContext};
use crate::authority::Actor;
use crate::lifecycle::{DeploymentEvent, EventActor};

/// An entry of a deployment's stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct RecordedEvent {
    pub(super) by: EventActor,
    #[serde(flatten)]
    pub(super) event: DeploymentEvent,
}

/// The answer that the ledger keeps for an idempotency key.
#[derive(Serialize, Deserialize)]
struct KeptAnswer<T> {
    version: u64,
    value: T,
}

/// A write, as far as it is known before the answer is made.
#[derive(Default)]
pub(super) struct WriteChange {
    pub(super) events: Vec<DeploymentEvent>,
    pub(super) entries: Vec<EntryDraft>,
    pub(super) content: Vec<ContentBlob>,
    pub(super) expect: Vec<ExpectedVersion>,
    /// The values that plugins, called for this write, want to keep.
    pub(super) values: Vec<ValueChanges>,
}

impl WriteChange {
    pub(super) fn of(event: DeploymentEvent) -> Self {
        Self { events: vec![event], ..Self::default() }
    }
}

impl DeploymentService {
    /// Does a write that depends on what it reads. Repeats it while other writers are faster.
    ///
    /// `permit` checks that the actor may write now and sees the target, and returns what it has read for that. It
    /// reads nothing that the write itself changes. `attempt` reads the rest, and writes.
    ///
    /// A request with a known idempotency key gets the earlier answer. The actor needs the same permission as for a
    /// first request, and the credential must still be accepted.
    pub(super) fn once<P, T: DeserializeOwned>(
        &self,
        write: &WriteContext<'_>,
        asked: &impl Serialize,
        permit: impl Fn() -> Result<P, ServiceError>,
        mut attempt: impl FnMut(P, Option<Digest>) -> Result<WriteAnswer<T>, ServiceError>,
    ) -> Result<WriteAnswer<T>, ServiceError> {
        let digest = write.key.map(|_| Digest::of_canonical(asked)).transpose()?;
        let mut permitted = match permit() {
            // If another of the actor's teams now has a deployment with the same id, the actor keeps the right to the
            // earlier answer.
            Err(error @ ServiceError::SeveralTeams { .. }) => Err(error),
            permitted => Ok(permitted?),
        };
        if let Some(answer) = self.kept_answer(write, digest)? {
            return kept(&answer);
        }
        let mut attempts = WriteAttempts::begin();
        loop {
            match attempt(permitted?, digest) {
                Err(ServiceError::Ledger(error @ Error::Conflict(_))) if attempts.lose() => self.note_conflict(&error),
                done => return done,
            }
            permitted = permit();
        }
    }

    /// The answer that is kept for the write's idempotency key, if there is one.
    pub(super) fn kept_answer(
        &self,
        write: &WriteContext<'_>,
        digest: Option<Digest>,
    ) -> Result<Option<Vec<u8>>, ServiceError> {
        let (Some(key), Some(digest)) = (write.key, digest) else { return Ok(None) };
        let answer = self.0.storage.answered(&scope(write.actor)?, key, &digest)?;
        if let (Some(_), Some(credential)) = (&answer, write.credential) {
            credential.still_accepted()?;
        }
        Ok(answer)
    }

    /// Writes, and returns the answer when it is on the disk. `after` is the deployment after the write, if it is about
    /// one.
    pub(super) fn commit<T: Serialize + DeserializeOwned>(
        &self,
        write: &WriteContext<'_>,
        digest: Option<Digest>,
        mut append: Append,
        after: Option<&LoadedDeployment>,
        value: T,
    ) -> Result<WriteAnswer<T>, ServiceError> {
        let version = after.map_or(0, |after| after.state.version);
        append.request = request_of(write, digest, version, &value)?;
        if let Some(credential) = write.credential {
            credential.still_accepted()?;
        }
        let appended = self.0.storage.append(append)?;
        match appended.repeat {
            Some(answer) => kept(&answer),
            None => {
                Ok(WriteAnswer { value, version, repeated: false, stream: after.map(|after| after.stream.clone()) })
            }
        }
    }

    /// The append with a deployment's events, on the condition of the version that they depend on.
    pub(super) fn append_of(
        &self,
        write: &WriteContext<'_>,
        loaded: &LoadedDeployment,
        before: u64,
        change: WriteChange,
    ) -> Result<Append, ServiceError> {
        let stream = loaded.stream.clone();
        let by = EventActor::from(write.actor);
        let mut entries = Vec::with_capacity(change.events.len() + change.entries.len());
        for event in change.events {
            let (kind, reference) = (event.kind(), event.reference());
            let mut entry = EntryDraft::new(&stream, kind, write.now, &RecordedEvent { by: by.clone(), event })?;
            entry = entry.with_id(&loaded.id)?.of_team(&loaded.state.team)?;
            if let Some(content) = reference {
                entry = entry.referring_to(content);
            }
            entries.push(entry);
        }
        entries.extend(change.entries);
        let mut expect = change.expect;
        expect.push(ExpectedVersion { stream, version: before });
        Ok(Append { entries, content: change.content, expect, values: change.values, ..Append::default() })
    }

    /// Writes events of a deployment, and answers with the result of `view` for its new state.
    pub(super) fn record<T: Serialize + DeserializeOwned>(
        &self,
        write: &WriteContext<'_>,
        digest: Option<Digest>,
        loaded: &LoadedDeployment,
        change: WriteChange,
        view: impl FnOnce(&LoadedDeployment) -> Result<T, ServiceError>,
    ) -> Result<WriteAnswer<T>, ServiceError> {
        loaded.matches(write)?;
        let after = loaded.after(&change.events, &EventActor::from(write.actor), write.now);
        let value = view(&after)?;
        let append = self.append_of(write, loaded, loaded.state.version, change)?;
        self.commit(write, digest, append, Some(&after), value)
    }
}

/// The scope of idempotency keys: the account, its credential, and what that lets the account see and do. An answer in
/// one scope is never given in another.
fn scope(actor: &Actor) -> Result<String, ServiceError> {
    let Actor { person, teams, scopes, credential, kind } = actor;
    let all = (person.id.written(), &person.roles, teams, scopes, credential, kind);
    Ok(Digest::of_canonical(&all)?.to_string())
}

pub(super) fn request_of<T: Serialize>(
    write: &WriteContext<'_>,
    digest: Option<Digest>,
    version: u64,
    value: &T,
) -> Result<Option<IdempotentRequest>, ServiceError> {
    let (Some(key), Some(digest)) = (write.key, digest) else { return Ok(None) };
    let answer = serde_json::to_vec(&KeptAnswer { version, value })
        .map_err(|error| ServiceError::Damaged(format!("an answer has no JSON form: {error}")))?;
    Ok(Some(IdempotentRequest { scope: scope(write.actor)?, key: key.to_owned(), digest, answer }))
}

/// Reads a kept answer.
pub(super) fn kept<T: DeserializeOwned>(answer: &[u8]) -> Result<WriteAnswer<T>, ServiceError> {
    let kept: KeptAnswer<T> = serde_json::from_slice(answer)
        .map_err(|error| ServiceError::Damaged(format!("the answer that was kept for an idempotency key: {error}")))?;
    Ok(WriteAnswer { value: kept.value, version: kept.version, repeated: true, stream: None })
}
