//! Attests entries: one, many at once, and the withdrawal of one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_domain::{
    Attester, EntryConcerns, NewRegisterEntry, RegisterEntry, RegisterKind, Right, TeamName, Teams, Timestamp,
    canonical_json,
};
use lockgate_ledger::{Append, ContentBlob, EntryDraft, ExpectedVersion, check_stream_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read::RegisterRef;
use super::streams::{
    CONCERNING, NO_LONGER_CONCERNING, entry_id, entry_kind, entry_stream, environment_entries, kept_stream,
    key_entries, product_entries, register_content,
};
use super::{EntryHead, RecordedEntry};
use crate::authority::{Actor, Forbidden};
use crate::lifecycle::EventActor;
use crate::{DeploymentService, IfMatch, InputError, RuleRefusal, ServiceError, WriteAnswer, WriteContext};

/// The most entries of one register that concern one product: a decision reads all of them.
const MOST_CONCERNING: usize = 5_000;
/// How many entries of an import are written together.
const BATCH: usize = 500;

/// An entry of an import, and the number of its line, from 1 on, by which mistakes name it.
#[derive(Clone, Debug, Serialize)]
pub struct ImportLine {
    /// The number of the line.
    pub line: usize,
    /// The entry, as `PUT` takes it.
    pub entry: NewRegisterEntry,
}

impl ImportLine {
    /// Entries on lines one after the other.
    pub fn numbered(entries: impl IntoIterator<Item = NewRegisterEntry>) -> Vec<Self> {
        (1..).zip(entries).map(|(line, entry)| Self { line, entry }).collect()
    }
}

/// Whose entry to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum RegisterScope<'a> {
    /// That of the actor's only team.
    OwnTeam,
    /// That of this team.
    Team(&'a TeamName),
    /// One that all teams share.
    Shared,
}

/// The result of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportReport {
    /// The number of entries that were written.
    pub written: usize,
    /// The number of entries that were there already, with the same time.
    pub unchanged: usize,
    /// The number of batches, each of which was written as a whole.
    pub batches: usize,
}

/// An entry that was checked, and what it becomes.
struct CheckedEntry {
    id: String,
    stream: String,
    /// The value in its normal form, and its canonical JSON.
    value: Value,
    bytes: Arc<Vec<u8>>,
    concerns: EntryConcerns,
    as_of: Option<Timestamp>,
    valid_until: Option<Timestamp>,
}

impl DeploymentService {
    /// Attests an entry: writes its first version or the next one.
    ///
    /// # Errors
    /// If the actor may not attest entries of this register, the entry is wrong, or it has another version than the
    /// write depends on.
    pub fn attest_entry(
        &self,
        write: &WriteContext<'_>,
        register: RegisterKind,
        id: &str,
        scope: RegisterScope<'_>,
        new: &NewRegisterEntry,
    ) -> Result<WriteAnswer<RegisterEntry>, ServiceError> {
        let permit = || self.attesting(write.actor, register, scope);
        let asked = ("attest-entry", register, id, scope, new, write.if_match);
        let answer = self.once(write, &asked, permit, |team, digest| {
            let entry = check(register, team.as_ref(), new, write)?;
            if register.normal_id(&entry.id) != register.normal_id(id) {
                let message = format!("the value is that of `{}`, and the path names `{id}`", entry.id);
                return Err(invalid(format!("/value/{}", register.key()), message));
            }
            let scope = (register, team.as_ref());
            let (append, mut heads) = self.append_of_entries(write, scope, std::slice::from_ref(&entry), false)?;
            let missing = || ServiceError::Damaged("an entry was written and is not there".to_owned());
            let head = heads.pop().ok_or_else(missing)?;
            self.commit(write, digest, append, None, head.entry.shown(head.recorded, Some(entry.value)))
        })?;
        Ok(WriteAnswer { version: answer.value.version, ..answer })
    }

    /// Attests many entries. They are written in batches, each as a whole. An entry that is there already, with the
    /// same stated time, is not written again.
    ///
    /// # Errors
    /// If the actor may not attest entries of this register, or an entry is wrong: then nothing is written. A conflict
    /// leaves earlier batches written.
    pub fn import_entries(
        &self,
        write: &WriteContext<'_>,
        register: RegisterKind,
        scope: RegisterScope<'_>,
        new: &[ImportLine],
    ) -> Result<WriteAnswer<ImportReport>, ServiceError> {
        let team = self.attesting(write.actor, register, scope)?;
        let (mut mistakes, mut ids, mut checked) = (Vec::new(), BTreeMap::new(), Vec::with_capacity(new.len()));
        for ImportLine { line, entry } in new {
            match check(register, team.as_ref(), entry, write) {
                Err(ServiceError::Invalid(found)) => mistakes.extend(
                    found.into_iter().map(|error| InputError::new(format!("/{line}{}", error.pointer), error.message)),
                ),
                Err(other) => return Err(other),
                Ok(entry) => {
                    if let Some(first) = ids.insert(register.normal_id(&entry.id), *line) {
                        let message = format!("`{}` is on line {first} already: remove one", entry.id);
                        mistakes.push(InputError::new(format!("/{line}/value/{}", register.key()), message));
                    }
                    checked.push(entry);
                }
            }
        }
        if !mistakes.is_empty() {
            return Err(ServiceError::Invalid(mistakes));
        }
        let (mut report, mut repeated) = (ImportReport::default(), !new.is_empty());
        for (index, (batch, entries)) in new.chunks(BATCH).zip(checked.chunks(BATCH)).enumerate() {
            let key = write.key.map(|key| format!("{key}#{index}"));
            let write = WriteContext { key: key.as_deref(), if_match: None, ..write.clone() };
            let permit = || self.attesting(write.actor, register, scope);
            let answer = self.once(&write, &("import-entries", register, scope, batch), permit, |team, digest| {
                self.import_batch(&write, (register, team.as_ref()), entries, digest)
            })?;
            report.written += answer.value.written;
            report.unchanged += answer.value.unchanged;
            report.batches += 1;
            repeated &= answer.repeated;
        }
        Ok(WriteAnswer { value: report, version: 0, repeated, stream: None })
    }

    fn import_batch(
        &self,
        write: &WriteContext<'_>,
        scope: (RegisterKind, Option<&TeamName>),
        entries: &[CheckedEntry],
        digest: Option<lockgate_domain::Digest>,
    ) -> Result<WriteAnswer<ImportReport>, ServiceError> {
        let (append, heads) = self.append_of_entries(write, scope, entries, true)?;
        let report = ImportReport { written: heads.len(), unchanged: entries.len() - heads.len(), batches: 1 };
        if append.entries.is_empty() {
            return Ok(WriteAnswer { value: report, version: 0, repeated: false, stream: None });
        }
        self.commit(write, digest, append, None, report)
    }

    /// Withdraws an entry: it no longer says anything. Its history stays.
    ///
    /// # Errors
    /// If the actor may not attest entries of this register, or the entry does not exist.
    pub fn withdraw_entry(
        &self,
        write: &WriteContext<'_>,
        at: &RegisterRef<'_>,
    ) -> Result<WriteAnswer<RegisterEntry>, ServiceError> {
        let register = at.register;
        let permit = || {
            let head = self.find_entry(write.actor, at)?;
            self.may_attest(write.actor, register, head.entry.team.as_ref())?;
            Ok(head)
        };
        let answer = self.once(write, &("withdraw-entry", at, write.if_match), permit, |head, digest| {
            check_version(write, at.id, head.entry.version, true)?;
            if head.entry.value.is_none() {
                return Err(RuleRefusal::Over { what: "entry", id: at.id.to_owned() }.into());
            }
            let entry = RecordedEntry {
                value: None,
                as_of: write.now,
                valid_until: None,
                concerns: EntryConcerns::default(),
                has_keys: false,
                by: EventActor::from(write.actor),
                roles: write.actor.person.roles.clone(),
                version: head.entry.version + 1,
                ..head.entry.clone()
            };
            let entries = entries_of(&entry, Some(&head.entry), write)?;
            let stream = entry_stream(entry.team.as_ref(), register, &entry.id);
            let expect = vec![ExpectedVersion { stream, version: head.entry.version }];
            let append = Append { entries, expect, ..Append::default() };
            self.commit(write, digest, append, None, entry.shown(write.now, None))
        })?;
        Ok(WriteAnswer { version: answer.value.version, ..answer })
    }

    /// Checks that the actor may attest entries of a register in a scope, and returns the team that they belong to.
    fn attesting(
        &self,
        actor: &Actor,
        register: RegisterKind,
        scope: RegisterScope<'_>,
    ) -> Result<Option<TeamName>, ServiceError> {
        let team = match (scope, &actor.teams) {
            (RegisterScope::Shared, _) => None,
            (RegisterScope::Team(team), _) => Some(team.clone()),
            (RegisterScope::OwnTeam, teams) => match teams.only() {
                Some(team) => Some(team.clone()),
                None => {
                    let message = "`team` is required: name one of your teams, or write `shared=true` for an entry that all \
                                   teams share";
                    return Err(invalid("/team", message));
                }
            },
        };
        self.may_attest(actor, register, team.as_ref())?;
        Ok(team)
    }

    /// Checks that the actor may attest entries of a register for a team, or shared ones.
    pub(super) fn may_attest(
        &self,
        actor: &Actor,
        register: RegisterKind,
        team: Option<&TeamName>,
    ) -> Result<(), ServiceError> {
        actor.require(Right::Register)?;
        let person = &actor.person;
        match team {
            Some(team) if !actor.teams.include(team) => {
                return Err(invalid("/team", format!("`{}` is not in team `{team}`: name one of theirs", person.id)));
            }
            None if actor.teams != Teams::All => {
                let (what, id) = ("register", register.as_str().to_owned());
                return Err(RuleRefusal::SharedByAllTeams { what, id }.into());
            }
            _ => {}
        }
        let attesters = self.0.attest.attesters(register, team);
        if !attesters.iter().any(|attester| attester.is(&person.id, actor.kind, &person.roles)) {
            let attesters = attesters.iter().map(Attester::to_string).collect();
            let (person, right) = (person.id.clone(), register.right());
            return Err(Forbidden::Attest { person, right, attesters }.into());
        }
        Ok(())
    }

    /// The append that writes these entries, with the heads that it makes. With `leave_out`, entries that say what they
    /// said already, of the same time, are not written again.
    fn append_of_entries(
        &self,
        write: &WriteContext<'_>,
        (register, team): (RegisterKind, Option<&TeamName>),
        entries: &[CheckedEntry],
        leave_out: bool,
    ) -> Result<(Append, Vec<EntryHead>), ServiceError> {
        let mut streams: Vec<String> = entries.iter().map(|entry| entry.stream.clone()).collect();
        if team.is_some() {
            streams.extend(entries.iter().map(|entry| entry_stream(None, register, &entry.id)));
        }
        let names: Vec<&str> = streams.iter().map(String::as_str).collect();
        let versions = self.0.storage.versions(&names)?;
        let (mut append, mut heads) = (Append::default(), Vec::new());
        let shared = versions.get(entries.len()..).unwrap_or_default().to_vec();
        let kind = register_content(register);
        let mut added: BTreeMap<String, usize> = BTreeMap::new();
        for (index, (entry, version)) in entries.iter().zip(versions).enumerate() {
            let CheckedEntry { id, stream, value, bytes, concerns, as_of, valid_until } = entry;
            if let Some(version) = shared.get(index).copied() {
                let stream = entry_stream(None, register, id);
                if self.head_at(&stream, version)?.is_some_and(|head| head.entry.value.is_some()) {
                    return Err(RuleRefusal::SharedEntry { register, id: id.clone() }.into());
                }
                append.expect.push(ExpectedVersion { stream, version });
            }
            let before = self.head_at(stream, version)?;
            let exists = before.as_ref().is_some_and(|head| head.entry.value.is_some());
            check_version(write, id, version, exists)?;
            let content = ContentBlob::new(&kind, "application/json", Arc::clone(bytes));
            let after = RecordedEntry {
                register,
                id: id.clone(),
                team: team.cloned(),
                value: Some(content.digest()),
                concerns: concerns.clone(),
                has_keys: value.get("keys").is_some(),
                as_of: as_of.unwrap_or(write.now),
                valid_until: *valid_until,
                by: EventActor::from(write.actor),
                roles: write.actor.person.roles.clone(),
                version: version + 1,
            };
            let before = before.as_ref().map(|head| &head.entry);
            if leave_out && as_of.is_some() && before.is_some_and(|before| says_the_same(before, &after)) {
                continue;
            }
            for subject in subjects(&after) {
                let is_new = before.is_none_or(|before| before.value.is_none() || !subjects(before).contains(&subject));
                if is_new {
                    *added.entry(subject).or_default() += 1;
                }
            }
            append.entries.extend(entries_of(&after, before, write)?);
            append.content.push(content);
            append.expect.push(ExpectedVersion { stream: stream.clone(), version });
            heads.push(EntryHead { entry: after, recorded: write.now });
        }
        self.check_room(register, &added)?;
        if !heads.is_empty() {
            self.keep(register, team, write, &mut append)?;
        }
        Ok((append, heads))
    }

    /// Checks that no product or environment gets more entries of a register than a decision may read.
    fn check_room(&self, register: RegisterKind, added: &BTreeMap<String, usize>) -> Result<(), ServiceError> {
        let streams: Vec<&str> = added.keys().map(String::as_str).collect();
        for ((stream, more), version) in added.iter().zip(self.0.storage.versions(&streams)?) {
            // A stream has no more entries than its version says. Most are so short that they need not be read.
            if usize::try_from(version).is_ok_and(|version| version + more <= MOST_CONCERNING) {
                continue;
            }
            let known = self.concerning_at(stream, version)?;
            if known.says.count(register) + more > MOST_CONCERNING {
                let concerned = stream.rsplit('/').next().unwrap_or(stream).to_owned();
                return Err(RuleRefusal::RegisterFull { register, concerned, most: MOST_CONCERNING }.into());
            }
        }
        Ok(())
    }

    /// Notes that somebody keeps a register from now on, if nobody did before.
    fn keep(
        &self,
        register: RegisterKind,
        team: Option<&TeamName>,
        write: &WriteContext<'_>,
        append: &mut Append,
    ) -> Result<(), ServiceError> {
        let stream = kept_stream(team);
        let kept = self.kept_at(&stream, self.0.storage.version(&stream)?)?;
        if kept.says.contains(&register) {
            return Ok(());
        }
        let entry = EntryDraft::new(&stream, "register-kept", write.now, &register)?;
        append.entries.push(of_team(entry, team)?);
        append.expect.push(ExpectedVersion { stream, version: kept.version });
        Ok(())
    }
}

fn of_team(entry: EntryDraft, team: Option<&TeamName>) -> Result<EntryDraft, ServiceError> {
    Ok(match team {
        Some(team) => entry.of_team(team)?,
        None => entry,
    })
}

/// Whether two versions of an entry say the same of the same time.
fn says_the_same(before: &RecordedEntry, after: &RecordedEntry) -> bool {
    (before.value, &before.concerns, before.as_of, before.valid_until)
        == (after.value, &after.concerns, after.as_of, after.valid_until)
}

/// The streams of the products and environments that an entry concerns, and that of keys if it has some.
fn subjects(entry: &RecordedEntry) -> BTreeSet<String> {
    let EntryConcerns { products, environments } = &entry.concerns;
    let team = entry.team.as_ref();
    let mut streams: BTreeSet<String> = match products.is_empty() {
        false => products.iter().map(|product| product_entries(team, product)).collect(),
        true => environments.iter().map(|environment| environment_entries(team, environment)).collect(),
    };
    streams.extend(entry.has_keys.then(|| key_entries(team)));
    streams
}

/// The ledger's entries for a version of an entry: one in its own stream, and one for each product or environment that
/// it concerns or has keys for, or did before.
fn entries_of(
    after: &RecordedEntry,
    before: Option<&RecordedEntry>,
    write: &WriteContext<'_>,
) -> Result<Vec<EntryDraft>, ServiceError> {
    let RecordedEntry { register, id, team, value, .. } = after;
    let draft = |stream: &str, kind: &str| -> Result<EntryDraft, ServiceError> {
        let entry = of_team(EntryDraft::new(stream, kind, write.now, after)?, team.as_ref())?;
        Ok(match value {
            Some(value) => entry.referring_to(*value),
            None => entry,
        })
    };
    let own = draft(&entry_stream(team.as_ref(), *register, id), &entry_kind(*register, team.is_none()))?;
    let mut entries = vec![own.with_id(&entry_id(*register, id))?];
    let concerned = subjects(after);
    for stream in &concerned {
        entries.push(draft(stream, CONCERNING)?);
    }
    for stream in before.map(subjects).unwrap_or_default().difference(&concerned) {
        entries.push(draft(stream, NO_LONGER_CONCERNING)?);
    }
    Ok(entries)
}

fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> ServiceError {
    ServiceError::Invalid(vec![InputError::new(pointer, message)])
}

fn check_version(write: &WriteContext<'_>, id: &str, actual: u64, exists: bool) -> Result<(), ServiceError> {
    let (what, id) = ("entry", id.to_owned());
    match write.if_match {
        Some(IfMatch::Version(expected)) if expected != actual => {
            Err(ServiceError::VersionDiffers { what, id, expected, actual })
        }
        Some(IfMatch::Exists) if !exists => Err(ServiceError::NothingMatches { what, id }),
        _ => Ok(()),
    }
}

/// Checks an entry, and gives it its normal form.
fn check(
    register: RegisterKind,
    team: Option<&TeamName>,
    new: &NewRegisterEntry,
    write: &WriteContext<'_>,
) -> Result<CheckedEntry, ServiceError> {
    let value = register.normalized(&new.value).map_err(|error| {
        let error = InputError::from(error);
        invalid(format!("/value{}", error.pointer), error.message)
    })?;
    let id = register.id_of(&value).unwrap_or_default().to_owned();
    let NewRegisterEntry { concerns, as_of, valid_until, .. } = new;
    let (mut concerns, as_of, valid_until) = (concerns.clone(), *as_of, *valid_until);
    if register == RegisterKind::Capacities && concerns.is_empty() {
        concerns.products = value.get("product").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    }
    concerns.check(register, &value).map_err(|error| invalid("/concerns", error.to_string()))?;
    let now = write.now;
    if let Some(as_of) = as_of.filter(|as_of| *as_of > now) {
        return Err(invalid("/as_of", format!("`{as_of}` is later than now, {now}: state what is so already")));
    }
    if let Some(until) = valid_until.filter(|until| *until <= as_of.unwrap_or(now)) {
        return Err(invalid(
            "/valid_until",
            format!("at `{until}` it would be over before it began: state a later time"),
        ));
    }
    let stream = entry_stream(team, register, &id);
    let concerned = concerns.products.iter().map(|id| product_entries(team, id));
    let concerned = concerned.chain(concerns.environments.iter().map(|name| environment_entries(team, name)));
    if let Some(name) = concerned.chain([stream.clone()]).find(|stream| check_stream_name(stream).is_err()) {
        let rule = "with the names of its register and team it has 512 bytes at most";
        return Err(invalid(format!("/value/{}", register.key()), format!("`{name}` is too long: {rule}")));
    }
    let bytes = Arc::new(canonical_json(&value)?);
    Ok(CheckedEntry { id, stream, value, bytes, concerns, as_of, valid_until })
}
