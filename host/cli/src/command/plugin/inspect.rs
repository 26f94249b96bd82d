//! `lockgate plugin inspect`: what an operator wants to know before using a plugin.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use lockgate_runtime::{Freezing, Grants, InspectedImport, Inspection, Refusal};
use serde_json::{Value, json};

use super::GrantArguments;
use crate::args::Global;
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::host;
use crate::input::{read_bytes, size};
use crate::print;
use crate::report::{fields, grid};
use crate::terminal::{BAD, GOOD, STRONG, styled, wrapped};

/// Which plugin.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The component's file.
    file: PathBuf,
    #[command(flatten)]
    grants: GrantArguments,
    /// How to show it.
    #[arg(long, value_enum, default_value_t)]
    output: Form,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Table,
    /// For tools.
    Json,
}

impl Inspect {
    /// Shows it. Ends as denied if the plugin could not be used under these grants.
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let runtime = host::runtime(global)?;
        let bytes = read_bytes(&self.file, "plugin", 64 << 20)?;
        let grants = Grants::from(self.grants);
        let inspection = runtime.inspect(&bytes, &grants).map_err(|error| {
            InvalidInput::from(
                Diagnostic::error(format!("`{}` is no plugin", self.file.display())).note(error.to_string()),
            )
        })?;
        match self.output {
            Form::Table => print::text(table(&inspection))?,
            Form::Json => print::data(serde_json::to_string_pretty(&document(&inspection))?)?,
        }
        Ok(if inspection.is_admissible() { Exit::Success } else { Exit::Denied })
    }
}

fn table(inspection: &Inspection) -> String {
    let mut parts = Vec::new();
    if let Some(description) = &inspection.description {
        let title = format!("{} {}", description.name, description.version);
        parts.push(wrapped(&format!("{}  {}", styled(STRONG, title), description.summary), 0));
    }
    let kinds: Vec<&str> = inspection.kinds.iter().map(|kind| kind.as_str()).collect();
    parts.push(fields(vec![
        ("kinds", or_none(&kinds.join(", "))),
        ("contract", or_none(inspection.contract.as_deref().unwrap_or_default())),
        ("digest", inspection.digest.to_string()),
        ("size", size(inspection.size)),
        (
            "starts",
            match &inspection.freezing {
                Freezing::Frozen => "configured once, and frozen".to_owned(),
                Freezing::PerCall { reason } => format!("configured anew in every call: {reason}"),
            },
        ),
    ]));
    parts.push(match inspection.imports.as_slice() {
        [] => "  It imports nothing, so it reaches nothing.".to_owned(),
        imports => grid(&["imports", "through which it reaches", "granted"], reaches(imports)),
    });
    if !inspection.capabilities.is_empty() {
        let rows = inspection.capabilities.iter().map(|capability| {
            let granted = match capability.granted {
                Some(true) => styled(GOOD, "yes"),
                Some(false) => styled(BAD, "no"),
                None => styled(BAD, "not known to this host"),
            };
            let scope = capability.asked.scope.join(", ");
            vec![capability.asked.name.clone(), or_none(&scope), granted, capability.asked.reason.clone()]
        });
        parts.push(grid(&["asks for", "of it", "granted", "what for"], rows.collect()));
    }
    if let Some(description) = &inspection.description {
        let rows = Settings::of(&description.settings_schema);
        parts.push(match rows.is_empty() {
            true => "  It takes no settings.".to_owned(),
            false => grid(&["setting", "type", "default", "what it says"], rows),
        });
    }
    let verdict = if inspection.is_admissible() {
        styled(GOOD, "can be used")
    } else {
        let refusals = inspection.refusals.iter().map(|refusal| format!("\n  - {refusal}"));
        let problem = inspection.problem.iter().map(|problem| format!("\n  - {problem}"));
        format!("{}{}", styled(BAD, "cannot be used"), refusals.chain(problem).collect::<String>())
    };
    parts.push(verdict);
    parts.join("\n\n")
}

/// The imports, those of one package and one reach in one row: an interpreter imports two dozen parts of WASI.
fn reaches(imports: &[InspectedImport]) -> Vec<Vec<String>> {
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
            Some(Refusal::NotGranted { .. }) => styled(BAD, "no"),
            Some(_) => styled(BAD, "never"),
        };
        let name = match names.as_slice() {
            [only] => (*only).to_owned(),
            several => format!("{} and {} more of WASI", import.name, several.len() - 1),
        };
        vec![name, import.reach.unwrap_or("nothing: the host does not have it").to_owned(), granted]
    });
    rows.collect()
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

/// The settings, one row for each, those inside of tables and lists included.
struct Settings<'a> {
    root: &'a Value,
    rows: Vec<Vec<String>>,
    /// Where a part of the schema that is used again was shown first.
    shown: BTreeMap<&'a str, String>,
}

impl<'a> Settings<'a> {
    fn of(root: &'a Value) -> Vec<Vec<String>> {
        let mut settings = Self { root, rows: Vec::new(), shown: BTreeMap::new() };
        settings.walk(root, "");
        settings.rows
    }

    fn walk(&mut self, schema: &'a Value, path: &str) {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let required: Vec<&str> = required.filter_map(Value::as_str).collect();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let place = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let meant = resolved(property, self.root);
            let default = match property.get("default") {
                Some(Value::Null) => "none".to_owned(),
                Some(default) => default.to_string(),
                None if required.contains(&name.as_str()) => "required".to_owned(),
                None => "none".to_owned(),
            };
            let described = property.get("description").or_else(|| meant.get("description"));
            let described = described.and_then(Value::as_str).unwrap_or_default();
            let described = described.split("\n\n").next().unwrap_or_default().replace('\n', " ");
            let inside = meant.get("items").map(|items| resolved(items, self.root)).unwrap_or(meant);
            let below = if meant.get("items").is_some() { format!("{place}[]") } else { place.clone() };
            let known = reference(property).and_then(|target| self.shown.insert(target, place.clone()));
            let kind = match &known {
                Some(first) => format!("as {first}"),
                None => type_of(property, self.root),
            };
            self.rows.push(vec![place, kind, default, described]);
            if let Some((target, first)) = reference(property).zip(known) {
                self.shown.insert(target, first);
            } else {
                self.walk(inside, &below);
            }
        }
    }
}

/// The part of the schema that a property refers to.
fn reference(schema: &Value) -> Option<&str> {
    if let Some(target) = schema.get("$ref") {
        return target.as_str();
    }
    let forms = schema.get("anyOf").and_then(Value::as_array)?;
    forms.iter().find_map(|form| form.get("$ref")).and_then(Value::as_str)
}

/// What a schema means, past references and "or nothing".
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return root.pointer(target.trim_start_matches('#')).map_or(schema, |meant| resolved(meant, root));
    }
    let forms = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    let real: Vec<&Value> =
        forms.into_iter().flatten().filter(|form| form.get("type").and_then(Value::as_str) != Some("null")).collect();
    match real.as_slice() {
        [only] => resolved(only, root),
        _ => schema,
    }
}

fn type_of(schema: &Value, root: &Value) -> String {
    let meant = resolved(schema, root);
    let choices: Vec<String> = meant
        .get("oneOf")
        .or_else(|| meant.get("anyOf"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|form| form.get("const").map(Value::to_string))
        .chain(meant.get("enum").and_then(Value::as_array).into_iter().flatten().map(Value::to_string))
        .collect();
    if !choices.is_empty() {
        return choices.join(" or ");
    }
    let name = match meant.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any")
        }
        _ => "any",
    };
    match name {
        "array" => {
            let element = meant.get("items").map_or_else(|| "any".to_owned(), |items| type_of(items, root));
            format!("list of {element}")
        }
        "object" => "table".to_owned(),
        "string" => "text".to_owned(),
        "integer" | "number" => match (meant.get("minimum"), meant.get("maximum")) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            _ => "number".to_owned(),
        },
        other => other.to_owned(),
    }
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
        "freezing": inspection.freezing,
        "admissible": inspection.is_admissible(),
        "refusals": inspection.refusals.iter().map(ToString::to_string)
            .chain(inspection.problem.iter().map(ToString::to_string)).collect::<Vec<_>>(),
    })
}
