//! Attests and withdraws single entries.

use std::path::PathBuf;

use lockgate_client::Refusal;
use lockgate_domain::{RegisterEntry, RegisterKind};

use super::show;
use super::{OwnerArguments, register_name};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::{JsonDocument, read_new_entry};
use crate::layout::OutputFormat;

#[derive(Debug, clap::Args)]
pub(crate) struct PutCommand {
    /// The register.
    #[arg(value_parser = register_name())]
    register: RegisterKind,
    /// The entry (JSON, see `lockgate schema new-register-entry`); `-` reads standard input. Its id is that of its value.
    file: PathBuf,
    #[command(flatten)]
    owner: OwnerArguments,
    /// Write only if the entry still has this version. 0: only if there is no such entry yet.
    #[arg(long, value_name = "VERSION")]
    if_match: Option<u64>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl PutCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let client = self.owner.client()?;
        let (new, id, json) = read_new_entry(&self.file, self.register)?;
        let path = self.owner.entry(self.register, &id);
        match client.put::<RegisterEntry>(&path, &new, self.if_match) {
            Ok(entry) => show::entry(&entry, self.output)?,
            Err(error) => match error.refusal().and_then(|refusal| wrong_places(refusal, &json)) {
                Some(invalid) => return Err(invalid.into()),
                None => return Err(error.into()),
            },
        }
        Ok(Exit::Success)
    }
}

/// The places of the entry that a server refuses. None if it refuses for another reason.
fn wrong_places(refusal: &Refusal, json: &JsonDocument) -> Option<InvalidInput> {
    let diagnostics: Vec<Diagnostic> = refused_places(refusal)?
        .map(|(pointer, message)| Diagnostic::error(message).at_value(json.locate(&pointer), ""))
        .collect();
    (!diagnostics.is_empty()).then(|| diagnostics.into())
}

/// The JSON Pointers and messages of a problem about the body of a request. None if it is about something else.
pub(super) fn refused_places(refusal: &Refusal) -> Option<impl Iterator<Item = (String, String)>> {
    let errors = refusal.problem().filter(|_| refusal.status() == 422)?.members.get("errors")?.as_array()?;
    let text = |error: &serde_json::Value, name| Some(error.get(name)?.as_str()?.to_owned());
    Some(errors.iter().filter_map(move |error| Some((text(error, "pointer")?, text(error, "message")?))))
}

#[derive(Debug, clap::Args)]
pub(crate) struct WithdrawCommand {
    /// The register.
    #[arg(value_parser = register_name())]
    register: RegisterKind,
    /// The id of the entry.
    id: String,
    #[command(flatten)]
    owner: OwnerArguments,
    /// Withdraw only if the entry still has this version.
    #[arg(long, value_name = "VERSION")]
    if_match: Option<u64>,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl WithdrawCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let path = self.owner.entry(self.register, &self.id);
        let entry: RegisterEntry = self.owner.client()?.delete(&path, self.if_match)?;
        show::entry(&entry, self.output)?;
        Ok(Exit::Success)
    }
}
