//! Lists the settings of a plugin from its JSON Schema: a row for each, including those in tables and lists.
//!
//! The schema comes from the plugin and is not trusted: it may refer to itself, directly or in many ways. So each part is shown once, and
//! references, rows and levels are limited.

use std::collections::HashMap;

use lockgate_runtime::SettingsMark;
use serde_json::Value;

use crate::print;

/// The most rows.
const MOST_ROWS: usize = 500;
/// The most levels of nested tables.
const DEEPEST: usize = 24;
/// The most references that are followed to resolve a schema.
const MOST_HOPS: usize = 16;

/// Name, type, default and description of each setting.
pub(super) fn rows(schema: &Value) -> Vec<Vec<String>> {
    let mut settings = SettingsTable { root: schema, rows: Vec::new(), shown: HashMap::new() };
    settings.shown.insert(schema, "the settings".to_owned());
    settings.walk(schema, "", 0);
    if settings.rows.len() == MOST_ROWS {
        settings.rows.push(vec![
            "…".to_owned(),
            String::new(),
            String::new(),
            "more settings are not shown".to_owned(),
        ]);
    }
    settings.rows
}

struct SettingsTable<'a> {
    root: &'a Value,
    rows: Vec<Vec<String>>,
    /// The setting where a part of the schema was shown first, by the address of the part.
    shown: HashMap<*const Value, String>,
}

impl<'a> SettingsTable<'a> {
    fn walk(&mut self, schema: &'a Value, path: &str, level: usize) {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let required: Vec<&str> = required.filter_map(Value::as_str).collect();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if self.rows.len() >= MOST_ROWS {
                return;
            }
            let name = print::plain(name);
            let place = if path.is_empty() { name.clone().into_owned() } else { format!("{path}.{name}") };
            let meant = resolved(property, self.root);
            let default = match property.get("default") {
                Some(Value::Null) => "none".to_owned(),
                Some(default) => print::plain(&default.to_string()).into_owned(),
                None if required.contains(&name.as_ref()) => "required".to_owned(),
                None => "none".to_owned(),
            };
            let described = property.get("description").or_else(|| meant.get("description"));
            let described = described.and_then(Value::as_str).unwrap_or_default();
            let described = described.split("\n\n").next().unwrap_or_default().replace('\n', " ");
            let items = meant.get("items").map(|items| resolved(items, self.root));
            let inside = items.unwrap_or(meant);
            let first = self.shown.get(&std::ptr::from_ref(inside)).cloned();
            let kind = match (&first, items) {
                (Some(first), None) => format!("same as {first}"),
                (Some(first), Some(_)) => format!("list, same as {first}"),
                (None, _) => type_of(property, self.root, 0),
            };
            self.rows.push(vec![place.clone(), kind, default, print::plain(&described).into_owned()]);
            if first.is_none() && inside.get("properties").is_some() && level < DEEPEST {
                self.shown.insert(inside, place.clone());
                let below = if items.is_some() { format!("{place}[]") } else { place };
                self.walk(inside, &below, level + 1);
            }
        }
    }
}

/// Follows references and alternatives with `null`.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut meant = schema;
    for _ in 0..MOST_HOPS {
        let next = match meant.get("$ref").and_then(Value::as_str) {
            Some(target) => root.pointer(target.trim_start_matches('#')),
            None => only_form(meant),
        };
        match next {
            Some(next) => meant = next,
            None => return meant,
        }
    }
    meant
}

/// The only alternative of a schema besides `null`.
fn only_form(schema: &Value) -> Option<&Value> {
    let forms = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array)?;
    let mut real = forms.iter().filter(|form| form.get("type").and_then(Value::as_str) != Some("null"));
    match (real.next(), real.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

fn type_of(schema: &Value, root: &Value, level: usize) -> String {
    let meant = resolved(schema, root);
    if let Some(name) = marked(schema).or_else(|| marked(meant)) {
        return name.to_owned();
    }
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
        return print::plain(&choices.join(" or ")).into_owned();
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
            let items = meant.get("items").filter(|_| level < DEEPEST);
            let element = items.map_or_else(|| "any".to_owned(), |items| type_of(items, root, level + 1));
            format!("list of {element}")
        }
        "object" => match meant.get("propertyNames").and_then(|names| marked(resolved(names, root))) {
            Some(name) => format!("table, by {name}"),
            None => "table".to_owned(),
        },
        "string" => "text".to_owned(),
        "integer" | "number" => match (meant.get("minimum"), meant.get("maximum")) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            _ => "number".to_owned(),
        },
        other => print::plain(other).into_owned(),
    }
}

/// The meaning of a text for the host.
fn marked(schema: &Value) -> Option<&'static str> {
    match SettingsMark::of(schema)? {
        SettingsMark::Person => Some("person"),
        SettingsMark::Role => Some("role"),
        SettingsMark::Analysis => Some("analysis"),
        SettingsMark::People | SettingsMark::Periods => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_contains_itself_is_shown_once() {
        let schema =
            json!({ "type": "object", "properties": { "children": { "type": "array", "items": { "$ref": "#" } } } });
        assert_eq!(rows(&schema), [["children", "list, same as the settings", "none", ""]]);
    }

    #[test]
    fn texts_with_a_meaning_for_the_host_show_it() {
        let person = json!({ "type": "string", "format": "lockgate-person" });
        let schema = json!({ "properties": {
            "lead": person, "name": { "type": "string", "format": "email" },
            "limits": { "type": "object", "propertyNames": person },
            "deputy": { "anyOf": [{ "$ref": "#/$defs/P" }, { "type": "null" }] },
            "people": { "type": "array", "items": { "format": "lockgate-person" } },
            "analyze": { "type": "array", "items": { "type": "string", "format": "lockgate-analysis" } },
            "freezes": { "type": "array", "format": "lockgate-periods", "items": { "type": "object" } },
            "role": { "type": "string", "format": "lockgate-role" },
        }, "$defs": { "P": person } });
        let types: Vec<Vec<String>> = rows(&schema).into_iter().map(|row| row.into_iter().take(2).collect()).collect();
        let expected = [
            ["analyze", "list of analysis"],
            ["deputy", "person"],
            ["freezes", "list of table"],
            ["lead", "person"],
            ["limits", "table, by person"],
            ["name", "text"],
            ["people", "list of person"],
            ["role", "role"],
        ];
        assert_eq!(types, expected);
    }

    #[test]
    fn a_reference_to_itself_ends() {
        let schema = json!({ "properties": { "a": { "anyOf": [{ "$ref": "#/properties/a" }] }, "b": { "$ref": "#/$defs/A" } },
            "$defs": { "A": { "$ref": "#/$defs/A" } } });
        assert_eq!(rows(&schema).len(), 2);
    }

    #[test]
    fn parts_with_many_paths_to_each_other_are_shown_once_each() {
        let mut parts = serde_json::Map::new();
        for level in 0..40 {
            let next = json!({ "type": "array", "items": { "$ref": format!("#/$defs/A{}", level + 1) } });
            parts.insert(format!("A{level}"), json!({ "properties": { "x": next, "y": next } }));
        }
        let schema = json!({ "properties": { "a": { "$ref": "#/$defs/A0" } }, "$defs": parts });
        assert!(rows(&schema).len() <= 81);
    }

    #[test]
    fn control_characters_from_a_plugin_are_made_visible() {
        let schema = json!({ "properties": { "a\u{1b}[8m": { "description": "\u{1b}[2J", "default": "\u{9b}8m" } } });
        assert!(rows(&schema).iter().flatten().all(|cell| !cell.contains(['\u{1b}', '\u{9b}'])));
    }
}
