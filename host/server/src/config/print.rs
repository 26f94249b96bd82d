//! Two texts: the configuration in effect, which `--print-config` shows, and the reference of all keys in
//! `docs/configuration.md`.

use serde_json::Value;

use super::error::{SettingOrigin, SettingPath};
use super::located_value::LocatedValue;
use super::schema::{SettingKind, SettingSchema, variable};
use super::sections::Config;

/// The configuration in effect as TOML, each value with its origin. It can be used as a file again. Secrets are left out.
pub(super) fn print(schema: &SettingSchema, values: &Value, origins: &LocatedValue) -> String {
    let mut text = String::new();
    table(&mut text, &mut Vec::new(), schema, values, origins);
    text
}

fn table(text: &mut String, path: &mut Vec<String>, schema: &SettingSchema, values: &Value, origins: &LocatedValue) {
    let SettingKind::Table(keys, _) = &schema.kind else { return };
    let is_table = |schema: &SettingSchema| matches!(schema.kind, SettingKind::Table(..));
    if values.is_null() {
        // With its header the section would be set, but lack its required keys.
        return text.push_str(&format!("\n# [{}]  # not set\n", dotted(path)));
    }
    if !path.is_empty() && keys.iter().any(|(_, schema)| !is_table(schema)) {
        text.push_str(&format!("\n[{}]\n", dotted(path)));
    }
    for (name, schema) in keys.iter().filter(|(_, schema)| !is_table(schema)) {
        path.push(name.clone());
        let value = values.get(name).filter(|value| !value.is_null());
        let full = path.iter().fold(SettingPath::default(), |path, name| path.key(name));
        let origin = origins.get(&full.0).map_or(&SettingOrigin::Default, |value| &value.origin);
        let name = key(name);
        text.push_str(&match value {
            None => format!("# {name} =  # not set\n"),
            Some(_) if schema.is_secret => format!("# {name} = (not shown)  # {origin}\n"),
            Some(value) => format!("{name} = {}  # {origin}\n", inline(value)),
        });
        path.pop();
    }
    for (name, schema) in keys.iter().filter(|(_, schema)| is_table(schema)) {
        path.push(name.clone());
        table(text, path, schema, values.get(name).unwrap_or(&Value::Null), origins);
        path.pop();
    }
}

fn dotted(path: &[String]) -> String {
    path.iter().map(|name| key(name)).collect::<Vec<_>>().join(".")
}

/// A key as TOML writes it.
fn key(name: &str) -> String {
    toml_edit::Key::new(name).to_string()
}

/// A value as TOML writes it in one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            let entries: Vec<String> =
                entries.map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        Value::String(text) => toml_edit::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}

/// All keys with their variables and defaults, as a part of a page in Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    section(&mut text, &mut Vec::new(), &SettingSchema::of_config(), Some(&Config::default().to_json()));
    text
}

fn section(text: &mut String, path: &mut Vec<String>, schema: &SettingSchema, defaults: Option<&Value>) {
    let SettingKind::Table(keys, required) = &schema.kind else { return };
    let is_table = |schema: &SettingSchema| matches!(schema.kind, SettingKind::Table(..));
    let title = if path.is_empty() { "Top level".to_owned() } else { format!("`[{}]`", path.join(".")) };
    text.push_str(&format!("### {title}\n\n"));
    if !path.is_empty() && !schema.description.is_empty() {
        text.push_str(&format!("{}\n\n", schema.description));
    }
    for (name, schema) in keys.iter().filter(|(_, schema)| !is_table(schema)) {
        path.push(name.clone());
        let default = match defaults.and_then(|defaults| defaults.get(name)).filter(|value| !value.is_null()) {
            Some(value) => format!("default `{value}`"),
            None if required.contains(name) => "required".to_owned(),
            None => "not set by default".to_owned(),
        };
        let description = description_of(schema);
        text.push_str(&format!("- `{name}` ({}; {default}; `{}`): {description}\n", kind(schema), variable(path)));
        path.pop();
    }
    text.push('\n');
    for (name, schema) in keys.iter().filter(|(_, schema)| is_table(schema)) {
        path.push(name.clone());
        section(text, path, schema, defaults.and_then(|defaults| defaults.get(name)));
        path.pop();
    }
}

/// The description of a key; for an array of tables, also the keys of its tables.
fn description_of(schema: &SettingSchema) -> String {
    let inner = match &schema.kind {
        SettingKind::List(item) | SettingKind::Map(item) => item,
        _ => return schema.description.clone(),
    };
    let SettingKind::Table(keys, required) = &inner.kind else { return schema.description.clone() };
    let mut text = format!("{} Each with:", schema.description);
    for (name, schema) in keys {
        let needed = if required.contains(name) { ", required" } else { "" };
        let description = description_of(schema);
        text.push_str(&format!("\n  - `{name}` ({}{needed}): {}", kind(schema), description.replace('\n', "\n  ")));
    }
    text
}

fn kind(schema: &SettingSchema) -> String {
    match &schema.kind {
        SettingKind::Table(..) | SettingKind::Map(_) => "table".to_owned(),
        SettingKind::List(item) => match &item.kind {
            SettingKind::Table(..) => "array of tables".to_owned(),
            _ => format!("array of {}", kind(item)),
        },
        SettingKind::Text if schema.is_path => "path".to_owned(),
        SettingKind::Text => "text".to_owned(),
        SettingKind::Whole(..) => "whole number".to_owned(),
        SettingKind::Number => "number".to_owned(),
        SettingKind::Switch => "`true` or `false`".to_owned(),
        SettingKind::OneOf(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        SettingKind::Any => "text or number".to_owned(),
    }
}
