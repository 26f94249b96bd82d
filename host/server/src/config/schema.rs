//! The schema of the configuration, made from its types, and the check of values against it.
//!
//! The names of variables, the meaning of a text in them, the unknown keys and the reference in the documentation all
//! come from here, so none of them can differ from what is read.

use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::error::{ConfigFault, SettingOrigin, SettingPath, hint, shortened};
use super::located_value::{LocatedContent, LocatedValue};
use super::sections::Config;

/// The prefix of the variables.
pub(super) const PREFIX: &str = "LOCKGATE_";

/// The deepest nesting of the configuration.
const DEEPEST: usize = 16;

/// The allowed values of a setting.
#[derive(Clone, Debug)]
pub(super) struct SettingSchema {
    pub(super) kind: SettingKind,
    pub(super) description: String,
    /// Whether it is a file, a folder, or a pattern of files. A relative path in a file is relative to the folder of
    /// that file.
    pub(super) is_path: bool,
    /// Whether it must not be shown.
    pub(super) is_secret: bool,
}

#[derive(Clone, Debug)]
pub(super) enum SettingKind {
    /// The known keys, and the names of the required ones.
    Table(Vec<(String, SettingSchema)>, Vec<String>),
    /// Keys that the user chooses, with values of one kind.
    Map(Box<SettingSchema>),
    List(Box<SettingSchema>),
    Text,
    /// A whole number, with the least and the greatest value.
    Whole(i64, i64),
    Number,
    Switch,
    OneOf(Vec<String>),
    /// A value that only the type itself can check.
    Any,
}

impl SettingSchema {
    /// The schema of the whole configuration.
    pub(super) fn of_config() -> Self {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
        read(&schema, &schema, DEEPEST)
    }

    /// The schema of a key.
    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            SettingKind::Table(keys, _) => keys.iter().find(|(name, _)| name == key).map(|(_, schema)| schema),
            SettingKind::Map(schema) => Some(schema),
            _ => None,
        }
    }

    /// The names of the known keys.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let keys = if let SettingKind::Table(keys, _) = &self.kind { keys.as_slice() } else { &[] };
        keys.iter().map(|(name, _)| name.as_str())
    }

    /// All keys that are not tables, by path, in order.
    pub(super) fn leaves(&self) -> Vec<(Vec<String>, &Self)> {
        let mut leaves = Vec::new();
        self.collect(&mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect<'s>(&'s self, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, &'s Self)>) {
        let SettingKind::Table(keys, _) = &self.kind else {
            return leaves.push((path.clone(), self));
        };
        for tables in [false, true] {
            for (name, schema) in
                keys.iter().filter(|(_, schema)| matches!(schema.kind, SettingKind::Table(..)) == tables)
            {
                path.push(name.clone());
                schema.collect(path, leaves);
                path.pop();
            }
        }
    }

    /// The kind of value, for messages.
    pub(super) fn expected(&self) -> &'static str {
        match &self.kind {
            SettingKind::Table(..) | SettingKind::Map(_) => "a table",
            SettingKind::List(_) => "an array",
            SettingKind::Text | SettingKind::OneOf(_) => "a text",
            SettingKind::Whole(..) => "a whole number",
            SettingKind::Number => "a number",
            SettingKind::Switch => "`true` or `false`",
            SettingKind::Any => "something else",
        }
    }
}

/// The variable that sets a key.
pub(super) fn variable(path: &[String]) -> String {
    format!("{PREFIX}{}", path.join("_").to_uppercase().replace('-', "_"))
}

fn read(json: &Value, root: &Value, depth: usize) -> SettingSchema {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    let mut schema = read_kind(json, root, depth);
    if let Some(description) = text("description") {
        schema.description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    schema.is_path |= text("format") == Some("path");
    schema.is_secret |= json.get("writeOnly") == Some(&Value::Bool(true));
    schema
}

fn read_kind(json: &Value, root: &Value, depth: usize) -> SettingSchema {
    let plain = |kind| SettingSchema { kind, description: String::new(), is_path: false, is_secret: false };
    let Some(depth) = depth.checked_sub(1) else { return plain(SettingKind::Any) };
    if let Some(pointer) = json.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#')) {
        return root.pointer(pointer).map_or_else(|| plain(SettingKind::Any), |target| read(target, root, depth));
    }
    let is_null = |json: &&Value| json.get("type") == Some(&Value::from("null"));
    let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|name| json.get(name)?.as_array());
    if let Some(alternatives) = alternatives {
        let mut others = alternatives.iter().filter(|json| !is_null(json));
        if let (Some(only), None) = (others.next(), others.next()) {
            return read(only, root, depth);
        }
        let names = |json: &Value| match (json.get("const"), json.get("enum")) {
            (Some(Value::String(name)), _) => Some(vec![name.clone()]),
            (_, Some(names)) => serde_json::from_value::<Vec<String>>(names.clone()).ok(),
            _ => None,
        };
        let names: Option<Vec<Vec<String>>> = alternatives.iter().map(names).collect();
        return plain(names.map_or(SettingKind::Any, |names| SettingKind::OneOf(names.concat())));
    }
    if let Some(names) = json.get("enum").and_then(Value::as_array) {
        return plain(SettingKind::OneOf(names.iter().filter_map(Value::as_str).map(str::to_owned).collect()));
    }
    let kinds: Vec<&str> = match json.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => Vec::new(),
    };
    plain(match kinds.as_slice() {
        ["string"] => SettingKind::Text,
        ["integer"] => {
            let bound = |name: &str| json.get(name).and_then(Value::as_i64);
            let greatest = match json.get("format").and_then(Value::as_str) {
                Some("uint16") => u16::MAX.into(),
                Some("uint32") => u32::MAX.into(),
                _ => i64::MAX,
            };
            SettingKind::Whole(bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(greatest))
        }
        ["number"] => SettingKind::Number,
        ["boolean"] => SettingKind::Switch,
        ["array"] => {
            let item = json.get("items").map_or_else(|| plain(SettingKind::Any), |item| read(item, root, depth));
            SettingKind::List(Box::new(item))
        }
        ["object"] => table(json, root, depth),
        _ => SettingKind::Any,
    })
}

fn table(json: &Value, root: &Value, depth: usize) -> SettingKind {
    if let Some(keys) = json.get("properties").and_then(Value::as_object) {
        let required = json.get("required").and_then(Value::as_array).into_iter().flatten();
        let required = required.filter_map(Value::as_str).map(str::to_owned).collect();
        return SettingKind::Table(
            keys.iter().map(|(name, key)| (name.clone(), read(key, root, depth))).collect(),
            required,
        );
    }
    match json.get("additionalProperties") {
        Some(value @ Value::Object(_)) => SettingKind::Map(Box::new(read(value, root, depth))),
        _ => SettingKind::Any,
    }
}

/// Checks a value: finds unknown and missing keys, and values of the wrong type. Removes wrong parts, so that the rest
/// can be checked further. Returns whether the value itself may stay.
pub(super) fn check(
    value: &mut LocatedValue,
    schema: &SettingSchema,
    path: &SettingPath,
    faults: &mut Vec<ConfigFault>,
) -> bool {
    match (&schema.kind, &mut value.content) {
        (SettingKind::Any, _) => {}
        (SettingKind::Table(keys, required), LocatedContent::Table(entries)) => {
            let before = faults.len();
            entries.retain(|name, entry| match schema.child(name) {
                Some(child) => check(&mut entry.value, child, &path.key(name), faults),
                None => {
                    let within = if path.is_top() { String::new() } else { format!(" in `{path}`") };
                    let hint = hint(name, keys.iter().map(|(name, _)| name.as_str()));
                    faults.push(ConfigFault::new(entry.key.clone(), format!("unknown key `{name}`{within}{hint}")));
                    false
                }
            });
            if faults.len() > before {
                // A missing key may be a misspelt one, and the whole is wrong anyway.
                return required.is_empty();
            }
            for name in required.iter().filter(|name| !entries.contains_key(*name)) {
                let meaning = schema.child(name).map(|child| child.description.trim_end_matches('.'));
                let message = match meaning.filter(|meaning| !meaning.is_empty()) {
                    Some(meaning) => format!("`{}` is required: {meaning}", path.key(name)),
                    None => format!("`{}` is required", path.key(name)),
                };
                faults.push(ConfigFault::new(value.origin.clone(), message));
            }
            return faults.len() == before;
        }
        (SettingKind::Map(child), LocatedContent::Table(entries)) => {
            entries.retain(|name, entry| check(&mut entry.value, child, &path.key(name), faults));
        }
        (SettingKind::List(child), LocatedContent::List(items)) => {
            let mut index = 0;
            items.retain_mut(|item| {
                let path = path.index(index);
                index += 1;
                check(item, child, &path, faults)
            });
            if schema.is_path {
                items.iter_mut().for_each(relate);
            }
        }
        (SettingKind::Text, LocatedContent::Leaf(Value::String(_))) if schema.is_path => relate(value),
        (SettingKind::Text, LocatedContent::Leaf(Value::String(_)))
        | (SettingKind::Switch, LocatedContent::Leaf(Value::Bool(_)))
        | (SettingKind::Number, LocatedContent::Leaf(Value::Number(_))) => {}
        (SettingKind::Whole(least, greatest), LocatedContent::Leaf(Value::Number(number))) if !number.is_f64() => {
            // A number that does not fit into 64 bits was read as a text.
            let bound = match number.as_i64() {
                Some(number) if number < *least => format!("at least {least}"),
                Some(number) if number > *greatest => format!("at most {greatest}"),
                _ => return true,
            };
            faults.push(ConfigFault::new(
                value.origin.clone(),
                format!("`{path}` is {number}: write a number that is {bound}"),
            ));
            return false;
        }
        (SettingKind::OneOf(names), LocatedContent::Leaf(Value::String(text))) => {
            if !names.contains(text) {
                let hint = hint(text, names.iter().map(String::as_str));
                let message = format!("`{path}` is `{}`, which is not allowed{hint}", shortened(text));
                faults.push(ConfigFault::new(value.origin.clone(), message));
                return false;
            }
        }
        (_, content) => {
            let message = format!("`{path}`: expected {}, got {}", schema.expected(), kind_in_words(content));
            faults.push(ConfigFault::new(value.origin.clone(), message));
            return false;
        }
    }
    true
}

/// Makes a path that was written in a file relative to the folder of the file.
fn relate(value: &mut LocatedValue) {
    if let (SettingOrigin::File { name, .. }, LocatedContent::Leaf(Value::String(path))) =
        (&value.origin, &mut value.content)
        && let Some(folder) = Path::new(&**name).parent().filter(|folder| !folder.as_os_str().is_empty())
        && Path::new(path.as_str()).is_relative()
    {
        *path = folder.join(path.as_str()).to_string_lossy().into_owned();
    }
}

fn kind_in_words(content: &LocatedContent) -> &'static str {
    match content {
        LocatedContent::Table(_) => "a table",
        LocatedContent::List(_) => "an array",
        LocatedContent::Leaf(Value::String(_)) => "a text",
        LocatedContent::Leaf(Value::Bool(_)) => "`true` or `false`",
        LocatedContent::Leaf(Value::Number(number)) if number.is_f64() => "a number with a fraction",
        LocatedContent::Leaf(Value::Number(_)) => "a whole number",
        LocatedContent::Leaf(_) => "something else",
    }
}
