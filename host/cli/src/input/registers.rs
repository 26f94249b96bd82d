//! Registers from files: `--register changes=changes.ndjson`. `eval` joins a deployment with them as a server joins it
//! with its ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use lockgate_domain::join::{Contradiction, JoinError, NAMED, RegisterSource, RegisteredFact, complete, join};
use lockgate_domain::{
    Attestation, Deployment, Digest, EntryConcerns, FactSource, InvalidConcerns, LapsedEntry, Provenance,
    RegisterEntry, RegisterKind, TeamName, Timestamp, closest, join_people, shortened, unescaped_token,
};
use lockgate_service::signature::KnownKey;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::entries::{FileLine, checked, lines};
use super::file::{LARGEST_REGISTER, read_text_or_nothing};
use super::json::{DocumentPart, JsonDocument};
use crate::diagnostic::{Diagnostic, InvalidInput, SourceText};

/// As much of a value as a message shows, in characters.
const LONGEST_VALUE: usize = 200;

/// The value of `--register`: `register=file`.
#[derive(Clone, Debug)]
pub(crate) struct RegisterArgument {
    pub(crate) register: RegisterKind,
    pub(crate) path: PathBuf,
}

impl FromStr for RegisterArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((register, path)) if !path.is_empty() => {
                let register = register.parse::<RegisterKind>().map_err(|error| error.to_string())?;
                Ok(Self { register, path: path.into() })
            }
            _ => Err("write it as `register=file`, for example `changes=changes.ndjson`".to_owned()),
        }
    }
}

/// An entry without what a server sets: as `PUT` takes it, and perhaps who attested it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UnrecordedEntry {
    value: Value,
    #[serde(default)]
    concerns: EntryConcerns,
    #[serde(default)]
    as_of: Option<Timestamp>,
    #[serde(default)]
    valid_until: Option<Timestamp>,
    /// Who attested it.
    #[serde(default)]
    attested: Option<Attestation>,
}

/// The newest version of an entry in a file.
#[derive(Debug)]
struct FileEntry {
    version: u64,
    /// Where it stands in the file.
    bytes: Range<usize>,
    concerns: EntryConcerns,
    content: FileEntryContent,
}

#[derive(Debug)]
enum FileEntryContent {
    /// The entry says something.
    Fact(Box<RegisteredFact>),
    /// Retention deleted the value.
    Deleted,
    /// The entry was withdrawn.
    Withdrawn,
}

impl FileEntry {
    fn fact(&self) -> Option<&RegisteredFact> {
        match &self.content {
            FileEntryContent::Fact(fact) => Some(fact),
            FileEntryContent::Deleted | FileEntryContent::Withdrawn => None,
        }
    }
}

/// The entries of one file, by the team that they belong to and their id. Entries of no team are shared by all teams.
#[derive(Debug)]
struct RegisterFile {
    source: Arc<SourceText>,
    entries: BTreeMap<(Option<TeamName>, String), FileEntry>,
}

/// The registers that files hold. A register that has a file is kept, also if the file is empty.
#[derive(Debug, Default)]
pub(crate) struct RegisterFiles {
    files: BTreeMap<RegisterKind, RegisterFile>,
    /// The only team whose entries the files have.
    team: Option<TeamName>,
}

impl RegisterFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong with them, or if a register is given twice.
    pub(crate) fn read(arguments: &[RegisterArgument]) -> Result<Self, InvalidInput> {
        let mut files = Self::default();
        let mut invalid = InvalidInput::default();
        for RegisterArgument { register, path } in arguments {
            if let Some(first) = files.files.get(register) {
                let diagnostic = Diagnostic::error(format!("the register `{register}` is given twice"))
                    .note(format!("as `{}` and as `{}`", first.source.name, path.display()))
                    .help("put its entries into one file");
                invalid.diagnostics.push(diagnostic);
                continue;
            }
            let what = format!("register `{register}`");
            let Some(source) = invalid.collect(read_text_or_nothing(path, &what, LARGEST_REGISTER)) else { continue };
            let mut file = RegisterFile { source, entries: BTreeMap::new() };
            let source = Arc::clone(&file.source);
            for FileLine { bytes, .. } in lines(&source.text) {
                let read = files.read_line(*register, &source, bytes);
                let Some((key, entry)) = invalid.collect(read) else { continue };
                let is_newest = file.entries.get(&key).is_none_or(|known| known.version <= entry.version);
                if is_newest {
                    file.entries.insert(key, entry);
                }
            }
            files.files.insert(*register, file);
        }
        if invalid.is_empty() { Ok(files) } else { Err(invalid) }
    }

    fn read_line(
        &mut self,
        register: RegisterKind,
        source: &Arc<SourceText>,
        bytes: Range<usize>,
    ) -> Result<((Option<TeamName>, String), FileEntry), InvalidInput> {
        let json = JsonDocument::parse_part(Arc::clone(source), bytes.clone(), "entry")?;
        if json.value.get("register").is_none() {
            let (new, value) = checked::<UnrecordedEntry>(&json, register, |new| Some(&new.value))?;
            let entry = unrecorded(register, new, value.unwrap_or_default(), bytes)?;
            checked_concerns(register, &entry.concerns, json.value.get("value").unwrap_or(&Value::Null), &json)?;
            let id = entry.fact().map(|fact| register.normal_id(&fact.id)).unwrap_or_default();
            return Ok(((None, id), entry));
        }
        let wrong = |pointer: &str, title: String| {
            Diagnostic::error(title).at_value(json.locate(pointer), "").note(format!("the JSON Pointer is `{pointer}`"))
        };
        let other = json.value.get("register").and_then(Value::as_str).and_then(|name| name.parse().ok());
        if let Some(other) = other.filter(|other: &RegisterKind| *other != register) {
            let title = format!("an entry of `{other}` in a file for `{register}`");
            return Err(wrong("/register", title).help(format!("give the file with `--register {other}=…`")).into());
        }
        let (entry, value) = checked::<RegisterEntry>(&json, register, |entry| entry.value.as_ref())?;
        let id = register.normal_id(&entry.id);
        if let Some(other) = value.as_ref().and_then(|value| register.id_of(value))
            && register.normal_id(other) != id
        {
            return Err(wrong("/id", format!("the value is that of `{other}`, and the entry is `{}`", entry.id)).into());
        }
        if let Some(team) = &entry.team {
            match &self.team {
                Some(first) if first != team => {
                    let title = format!("an entry of the team `{team}` beside entries of the team `{first}`");
                    let help = "a deployment is joined with the entries of its team and those that all teams share: \
                                export these with `lockgate register list --team <team>` and `--shared`";
                    return Err(wrong("/team", title).help(help).into());
                }
                _ => self.team = Some(team.clone()),
            }
        }
        let (version, team, concerns) = (entry.version, entry.team.clone(), entry.concerns.clone());
        let digest = entry.digest;
        let content = match (value, digest) {
            (None, None) => FileEntryContent::Withdrawn,
            (None, Some(_)) => FileEntryContent::Deleted,
            (Some(value), digest) => {
                checked_concerns(register, &concerns, &value, &json)?;
                let digest = digest.map_or_else(|| digest_of(&value), Ok)?;
                let entry = RegisterEntry { value: Some(value), digest: Some(digest), ..entry };
                RegisteredFact::of(entry)
                    .map_or(FileEntryContent::Withdrawn, |fact| FileEntryContent::Fact(Box::new(fact)))
            }
        };
        Ok(((team, id), FileEntry { version, bytes, concerns, content }))
    }

    /// What a message says of the registers: that they come from files.
    pub(crate) fn note(&self) -> Option<String> {
        let names: Vec<String> = self.files.keys().map(|register| format!("`{register}`")).collect();
        match names.as_slice() {
            [] => None,
            [only] => Some(format!("the register {only} comes from a file, and nothing in it is verified")),
            several => {
                Some(format!("the registers {} come from files, and nothing in them is verified", several.join(", ")))
            }
        }
    }

    /// The keys of suppliers and people, for the signatures of evidence.
    pub(crate) fn keys(&self) -> Vec<KnownKey> {
        let mut known = Vec::new();
        for register in [RegisterKind::Suppliers, RegisterKind::People] {
            let ids = self.files.get(&register).into_iter().flat_map(|file| file.entries.keys());
            let ids: BTreeSet<&str> = ids.map(|(_, id)| id.as_str()).collect();
            for fact in ids.into_iter().filter_map(|id| self.find(register, id)?.1.fact()) {
                known.extend(KnownKey::of_entry(register, &fact.id, fact.provenance.valid_until, &fact.value));
            }
        }
        known
    }

    /// Completes the deployment as it was written, whose members may name entries by their ids.
    ///
    /// # Errors
    /// What contradicts the registers, and the ids that no register has.
    pub(crate) fn complete(&mut self, json: &mut JsonDocument) -> Result<(), InvalidInput> {
        let mut written = json.value.clone();
        let found = match complete(&mut written, self) {
            Ok(found) => found,
            Err(never) => match never {},
        };
        let mut diagnostics: Vec<Diagnostic> =
            found.iter().map(|contradiction| self.contradiction(contradiction, json)).collect();
        for (member, register) in NAMED {
            let Some(value) = written.get(member) else { continue };
            if let Some(id) = value.as_str() {
                diagnostics.push(self.unknown(member, register, id, json));
            } else if Some(value) != json.value.get(member)
                && let Some(part) = register.id_of(value).and_then(|id| self.part(register, id))
            {
                json.stands_elsewhere(format!("/{member}"), part);
            }
        }
        if !diagnostics.is_empty() {
            return Err(diagnostics.into());
        }
        json.value = written;
        Ok(())
    }

    /// Joins the deployment with the registers. Where no file covers it, the provenance stays that of the deployment.
    ///
    /// # Errors
    /// If an entry cannot be part of a deployment.
    pub(crate) fn join(
        &mut self,
        deployment: &mut Deployment,
        json: &mut JsonDocument,
        now: Timestamp,
    ) -> Result<(), InvalidInput> {
        let mut kept = std::mem::take(&mut deployment.provenance);
        join(deployment, self, now).map_err(|error| match error {
            JoinError::Source(never) => match never {},
            error => InvalidInput::from(Diagnostic::error(error.to_string())),
        })?;
        join_people(deployment, self, now).map_err(|error| match error {
            JoinError::Source(never) => match never {},
            error => InvalidInput::from(Diagnostic::error(error.to_string())),
        })?;
        let is_below = |pointer: &str, place: &str| {
            pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let covered: Vec<String> = self.files.keys().map(|register| register.pointer()).collect();
        let joined = &deployment.provenance;
        kept.retain(|pointer, _| !covered.iter().chain(joined.keys()).any(|place| is_below(pointer, place)));
        self.note_places(deployment, json);
        deployment.provenance.extend(kept);
        Ok(())
    }

    /// Notes where the joined entries stand, for diagnostics.
    fn note_places(&self, deployment: &Deployment, json: &mut JsonDocument) {
        let Ok(whole) = serde_json::to_value(deployment) else { return };
        for (pointer, provenance) in &deployment.provenance {
            if provenance.entry.is_none() {
                continue;
            }
            let register = self.files.keys().find(|register| {
                let place = register.pointer();
                *pointer == place || is_item_of(pointer, &place)
            });
            let Some(register) = register else { continue };
            let id = whole.pointer(pointer).and_then(|value| register.id_of(value));
            if let Some(part) = id.and_then(|id| self.part(*register, id)) {
                json.stands_elsewhere(pointer.clone(), part);
            }
        }
    }

    /// The owners whose entries count, those that take precedence first.
    fn owners(&self) -> impl Iterator<Item = Option<TeamName>> {
        [None].into_iter().chain(self.team.clone().map(Some))
    }

    /// The entry with this id that counts, and its file.
    fn find(&self, register: RegisterKind, id: &str) -> Option<(&RegisterFile, &FileEntry)> {
        let file = self.files.get(&register)?;
        let id = register.normal_id(id);
        let found = self.owners().filter_map(|owner| file.entries.get(&(owner, id.clone())));
        Some((file, found.into_iter().find(|entry| entry.fact().is_some())?))
    }

    /// Where the value of an entry stands.
    fn part(&self, register: RegisterKind, id: &str) -> Option<DocumentPart> {
        let (file, entry) = self.find(register, id)?;
        Some(DocumentPart { source: Arc::clone(&file.source), part: entry.bytes.clone(), pointer: "/value" })
    }

    /// What is wrong where the deployment says something else than an entry.
    fn contradiction(&self, found: &Contradiction, json: &JsonDocument) -> Diagnostic {
        let Contradiction { pointer, register, id, told, attested } = found;
        let name = unescaped_token(pointer.rsplit('/').next().unwrap_or_default());
        let told = told.as_ref().map_or_else(|| "nothing".to_owned(), shown);
        let is_item = name.parse::<usize>().is_ok();
        let diagnostic = Diagnostic::error(match attested {
            None if is_item => {
                format!("the register `{register}` has no entry `{id}` for this product and environment")
            }
            _ if is_item => format!("`{id}` is not what the register `{register}` has"),
            _ => format!("`{name}` is not what the register `{register}` has for `{id}`"),
        })
        .at_value(json.locate(pointer), "")
        .note(format!("the deployment says {told}"));
        let diagnostic = match (attested, self.find(*register, id)) {
            (Some(attested), Some((file, entry))) => {
                let (line, _) = file.source.position(entry.bytes.start);
                diagnostic.note(format!("the register says {} (`{}`, line {line})", shown(attested), file.source.name))
            }
            (None, Some(_)) if !is_item => diagnostic.note("the register says nothing there"),
            _ => diagnostic,
        };
        diagnostic.note(format!("the JSON Pointer is `{pointer}`")).help(match is_item {
            true => "leave it out: the register's entries are used".to_owned(),
            false => format!("leave `{name}` out: the entry's is used"),
        })
    }

    /// What is wrong where the deployment names an entry that is not there.
    fn unknown(&self, member: &str, register: RegisterKind, id: &str, json: &JsonDocument) -> Diagnostic {
        let location = json.locate(&format!("/{member}"));
        let Some(file) = self.files.get(&register) else {
            let title = format!("`{member}` is the id of an entry, and the register `{register}` is not given");
            let help = format!("give it with `--register {register}=<file>`, or write the whole {member}");
            return Diagnostic::error(title).at_value(location, "").help(help);
        };
        let title = format!("the register `{register}` has no entry `{id}`");
        let diagnostic =
            Diagnostic::error(title).at_value(location, "").note(format!("the file is `{}`", file.source.name));
        let known = file.entries.values().filter_map(FileEntry::fact).map(|fact| fact.id.as_str());
        match closest(id, known) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("add the entry to the file, or write the whole {member}")),
        }
    }
}

impl RegisterSource for RegisterFiles {
    type Error = Infallible;

    fn is_kept(&mut self, register: RegisterKind) -> Result<bool, Infallible> {
        Ok(self.files.contains_key(&register))
    }

    fn entry(&mut self, register: RegisterKind, id: &str) -> Result<Option<RegisteredFact>, Infallible> {
        Ok(self.find(register, id).and_then(|(_, entry)| entry.fact()).cloned())
    }

    fn concerning(&mut self, product: &str, environment: &str) -> Result<Vec<RegisteredFact>, Infallible> {
        let mut found: BTreeMap<(RegisterKind, &str), &FileEntry> = BTreeMap::new();
        for owner in self.owners() {
            for (register, file) in &self.files {
                for ((team, id), entry) in &file.entries {
                    let says_something = !matches!(entry.content, FileEntryContent::Withdrawn);
                    if *team == owner && says_something && entry.concerns.include(product, environment) {
                        found.entry((*register, id)).or_insert(entry);
                    }
                }
            }
        }
        Ok(found.into_values().filter_map(FileEntry::fact).cloned().collect())
    }

    /// None: an export has the newest version of each entry, and does not tell what somebody else had said before.
    fn withdrawn(&mut self, _: &str, _: &str) -> Result<Vec<LapsedEntry>, Infallible> {
        Ok(Vec::new())
    }
}

/// Whether a pointer leads to an item of the list at a place.
fn is_item_of(pointer: &str, place: &str) -> bool {
    let item = pointer.strip_prefix(place).and_then(|rest| rest.strip_prefix('/'));
    item.is_some_and(|item| item.parse::<usize>().is_ok())
}

/// A value for people: its JSON, cut if it is long.
fn shown(value: &Value) -> String {
    format!("`{}`", shortened(&value.to_string(), LONGEST_VALUE))
}

fn digest_of(value: &Value) -> Result<Digest, InvalidInput> {
    Digest::of_canonical(value).map_err(|error| Diagnostic::error(error.to_string()).into())
}

/// The entry of a line without what a server sets.
fn unrecorded(
    register: RegisterKind,
    new: UnrecordedEntry,
    value: Value,
    bytes: Range<usize>,
) -> Result<FileEntry, InvalidInput> {
    let UnrecordedEntry { mut concerns, as_of, valid_until, attested, .. } = new;
    if register == RegisterKind::Capacities && concerns.is_empty() {
        concerns.products = value.get("product").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    }
    let entry = Some(digest_of(&value)?);
    let provenance = Provenance { as_of, valid_until, entry, ..Provenance::from_source(FactSource::Register) };
    let provenance = match attested {
        None => provenance,
        Some(Attestation { by, kind, roles, credential, recorded }) => Provenance {
            attester: Some(by),
            kind: Some(kind),
            roles,
            credential,
            as_of: as_of.or(Some(recorded)),
            recorded: Some(recorded),
            ..provenance
        },
    };
    let id = register.id_of(&value).unwrap_or_default().to_owned();
    let fact = RegisteredFact { register, id, value, concerns: concerns.clone(), provenance };
    Ok(FileEntry { version: 0, bytes, concerns, content: FileEntryContent::Fact(Box::new(fact)) })
}

fn checked_concerns(
    register: RegisterKind,
    concerns: &EntryConcerns,
    value: &Value,
    json: &JsonDocument,
) -> Result<(), InvalidInput> {
    let located = |error: InvalidConcerns| Diagnostic::error(error.to_string()).at_value(json.locate("/concerns"), "");
    concerns.check(register, value).map_err(|error| located(error).into())
}
