//! `lockgate plugin inspect`: what an operator needs to know before using a plugin.

use std::path::PathBuf;

use lockgate_domain::{CONTRACT_VERSION, Description};
use lockgate_runtime::{AdmissionRefusal, Grants, InspectedImport, Inspection, StartUp};
use serde_json::{Value, json};

use super::grant::GrantArguments;
use super::settings;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{read_bytes, size};
use crate::layout::{OutputFormat, fields, grid};
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{BAD, GOOD, STRONG, styled, wrapped};

#[derive(Debug, clap::Args)]
pub(crate) struct InspectCommand {
    /// The file of the plugin.
    file: PathBuf,
    #[command(flatten)]
    grants: GrantArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl InspectCommand {
    /// Prints the inspection. The exit code is 2 if the plugin cannot be used with these grants.
    pub(crate) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let runtime = host::runtime(global)?;
        let bytes = read_bytes(&self.file, "plugin", 64 << 20)?;
        let grants = Grants::try_from(self.grants)?;
        let inspection = runtime.inspect(&bytes, &grants).map_err(|error| {
            InvalidInput::from(
                Diagnostic::error(format!("`{}` is not a plugin", self.file.display())).note(error.to_string()),
            )
        })?;
        match self.output {
            OutputFormat::Table => print::text(table(&inspection))?,
            OutputFormat::Json => print::data(print::json(&document(&inspection))?)?,
        }
        Ok(if inspection.is_admissible() { Exit::Success } else { Exit::Denied })
    }
}

fn table(inspection: &Inspection) -> String {
    let mut parts = Vec::new();
    if let Some(description) = &inspection.description {
        let title = format!("{} {}", description.name, description.version);
        parts.push(wrapped(&format!("{}  {}", styled(STRONG, title), print::plain(&description.summary)), 0));
    }
    let kinds: Vec<&str> = inspection.kinds.iter().map(|kind| kind.as_str()).collect();
    let mut rows = vec![
        ("kinds", or_none(&kinds.join(", "))),
        ("contract", or_none(inspection.contract.as_deref().unwrap_or_default())),
        ("digest", inspection.digest.to_string()),
        ("size", size(inspection.size)),
    ];
    if inspection.is_admissible() {
        rows.push((
            "start-up",
            match &inspection.start_up {
                StartUp::Frozen => "pre-initialised: configured once, when it is loaded".to_owned(),
                StartUp::ConfiguredPerCall { reason } => format!("configured in every call: {reason}"),
            },
        ));
    }
    parts.push(fields(described(inspection).chain(rows).collect()));
    parts.push(match inspection.imports.as_slice() {
        [] => "  It has no imports, so it can access nothing.".to_owned(),
        imports => grid(&["imports", "gives access to", "granted"], import_rows(imports)),
    });
    if !inspection.capabilities.is_empty() {
        let rows = inspection.capabilities.iter().map(|capability| {
            let granted = match capability.granted {
                Some(true) => styled(GOOD, "yes"),
                Some(false) => styled(BAD, "no"),
                None => styled(BAD, "unknown capability"),
            };
            let scope = capability.asked.scope.join(", ");
            let (scope, reason) = (print::plain(&scope), print::plain(&capability.asked.reason));
            vec![capability.asked.name.clone(), or_none(&scope), granted, reason.into_owned()]
        });
        parts.push(grid(&["capability", "scope", "granted", "reason"], rows.collect()));
    }
    if let Some(description) = &inspection.description {
        let rows = settings::rows(&description.settings_schema);
        parts.push(match rows.is_empty() {
            true => "  It has no settings.".to_owned(),
            false => grid(&["setting", "type", "default", "description"], rows),
        });
    }
    let verdict = if inspection.is_admissible() {
        styled(GOOD, "can be used")
    } else {
        let refusals = refusals(inspection).into_iter().map(|refusal| bullet(&refusal));
        let problem = inspection.problem.iter().map(|problem| bullet(&problem.to_string()));
        format!("{}{}", styled(BAD, "cannot be used"), refusals.chain(problem).collect::<String>())
    };
    parts.push(verdict);
    parts.join("\n\n")
}

/// What the plugin says about itself for people, where it says something.
fn described(inspection: &Inspection) -> impl Iterator<Item = (&'static str, String)> {
    let of = |description: &Description| {
        let Description { title, licence, documentation, .. } = description;
        [("title", title), ("licence", licence), ("documentation", documentation)]
            .map(|(name, text)| (name, print::line(text).into_owned()))
    };
    inspection.description.iter().flat_map(of).filter(|(_, text)| !text.is_empty())
}

/// Why the component is refused: one sentence for each reason, and one for all interfaces of another version of the contract.
fn refusals(inspection: &Inspection) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for refusal in &inspection.refusals {
        let sentence = match refusal {
            AdmissionRefusal::Contract { theirs, .. } => of_another_contract(inspection, theirs, refusal),
            _ => refusal.to_string(),
        };
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

/// Says that the interfaces of the refused version are of another contract. `refusal` is about one of them.
fn of_another_contract(inspection: &Inspection, theirs: &str, refusal: &AdmissionRefusal) -> String {
    let items = inspection.refusals.iter().filter_map(|other| match other {
        AdmissionRefusal::Contract { item, theirs: version } if version == theirs => Some(format!("`{item}`")),
        _ => None,
    });
    let items: Vec<String> = items.collect();
    let subject = match items.as_slice() {
        [_] => return refusal.to_string(),
        _ if inspection.contract.as_deref() == Some(theirs) => "it was built for".to_owned(),
        several => format!("{} are of", several.join(", ")),
    };
    format!(
        "{subject} contract {theirs}; this host supports {CONTRACT_VERSION}: build the plugin for that version, or use a host \
         that supports {theirs}"
    )
}

/// A row for each import. Interfaces of WASI with the same access share a row: an interpreter imports two dozen of them.
fn import_rows(imports: &[InspectedImport]) -> Vec<Vec<String>> {
    let mut groups: Vec<(&InspectedImport, Vec<&str>)> = Vec::new();
    for import in imports {
        let known = groups.iter_mut().find(|(first, _)| {
            import.name.starts_with("wasi:") && first.name.starts_with("wasi:") && first.reach == import.reach
        });
        match known {
            Some((_, names)) => names.push(&import.name),
            None => groups.push((import, vec![&import.name])),
        }
    }
    let rows = groups.into_iter().map(|(import, names)| {
        let granted = match &import.refusal {
            None => styled(GOOD, "yes"),
            Some(AdmissionRefusal::NotGranted { .. }) => styled(BAD, "no"),
            Some(_) => styled(BAD, "never"),
        };
        let name = match names.as_slice() {
            [only] => (*only).to_owned(),
            several => format!("{} and {} more of WASI", import.name, several.len() - 1),
        };
        vec![
            print::plain(&name).into_owned(),
            import.reach.unwrap_or("nothing: the host does not have this interface").to_owned(),
            granted,
        ]
    });
    rows.collect()
}

/// A line of a list. Its text may come from the plugin.
fn bullet(text: &str) -> String {
    format!("\n  - {}", print::plain(text))
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

fn document(inspection: &Inspection) -> Value {
    json!({
        "digest": inspection.digest,
        "size": inspection.size,
        "contract": inspection.contract,
        "kinds": inspection.kinds,
        "imports": inspection.imports.iter().map(|import| json!({
            "name": import.name,
            "reach": import.reach,
            "refusal": import.refusal.as_ref().map(ToString::to_string),
        })).collect::<Vec<_>>(),
        "description": inspection.description,
        "capabilities": inspection.capabilities.iter().map(|capability| json!({
            "name": capability.asked.name,
            "scope": capability.asked.scope,
            "reason": capability.asked.reason,
            "granted": capability.granted,
        })).collect::<Vec<_>>(),
        "start_up": inspection.start_up,
        "admissible": inspection.is_admissible(),
        "refusals": inspection.refusals.iter().map(ToString::to_string)
            .chain(inspection.problem.iter().map(ToString::to_string)).collect::<Vec<_>>(),
    })
}
