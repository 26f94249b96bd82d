//! What may be configured, read off the types: keys, the kinds of their values, and what is said about them.
//!
//! From here come the names of variables, what a text in them means, which keys are unknown, and the reference in the
//! documentation; so none of these can differ from what is really read.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;

/// What every variable begins with.
pub(super) const PREFIX: &str = "LOCKGATE_";

/// Deeper than this nothing is nested.
const DEEPEST: usize = 16;

/// What may stand in a place.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// In words, for people.
    pub(super) description: String,
    /// A file, a folder, or a pattern of files: if it is relative, then to where it was written.
    pub(super) is_path: bool,
    /// Not to be shown.
    pub(super) is_secret: bool,
}

/// The kind of a value.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Keys that are known, by name; and the names of those that have to be there.
    Table(Vec<(String, Shape)>, Vec<String>),
    /// Keys that the user chooses.
    Map(Box<Shape>),
    List(Box<Shape>),
    Text,
    /// The least and the greatest that it may be.
    Whole(i64, i64),
    Number,
    Switch,
    OneOf(Vec<String>),
    /// What only the type itself can tell.
    Any,
}

impl Shape {
    /// The shape of the whole configuration.
    pub(super) fn of_config() -> Self {
        let settings = SchemaSettings::draft2020_12().for_deserialize();
        let schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
        read(&schema, &schema, DEEPEST)
    }

    /// What may stand under a key.
    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Table(keys, _) => keys.iter().find(|(name, _)| name == key).map(|(_, shape)| shape),
            Kind::Map(shape) => Some(shape),
            _ => None,
        }
    }

    /// The names of the keys that are known.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let keys = if let Kind::Table(keys, _) = &self.kind { keys.as_slice() } else { &[] };
        keys.iter().map(|(name, _)| name.as_str())
    }

    /// Every key that has a value, as its path, in order.
    pub(super) fn leaves(&self) -> Vec<(Vec<String>, &Self)> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut found);
        found
    }

    fn collect<'s>(&'s self, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, &'s Self)>) {
        let Kind::Table(keys, _) = &self.kind else {
            return found.push((path.clone(), self));
        };
        for tables in [false, true] {
            for (name, shape) in keys.iter().filter(|(_, shape)| matches!(shape.kind, Kind::Table(..)) == tables) {
                path.push(name.clone());
                shape.collect(path, found);
                path.pop();
            }
        }
    }

    /// What a value of it is, for people.
    pub(super) fn expected(&self) -> &'static str {
        match &self.kind {
            Kind::Table(..) | Kind::Map(_) => "a table",
            Kind::List(_) => "an array",
            Kind::Text | Kind::OneOf(_) => "a text",
            Kind::Whole(..) => "a whole number",
            Kind::Number => "a number",
            Kind::Switch => "`true` or `false`",
            Kind::Any => "something else",
        }
    }
}

/// The variable that sets a key.
pub(super) fn variable(path: &[String]) -> String {
    format!("{PREFIX}{}", path.join("_").to_uppercase().replace('-', "_"))
}

fn read(schema: &Value, root: &Value, depth: usize) -> Shape {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    let mut shape = read_kind(schema, root, depth);
    if let Some(description) = text("description") {
        shape.description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    shape.is_path |= text("format") == Some("path");
    shape.is_secret |= schema.get("writeOnly") == Some(&Value::Bool(true));
    shape
}

fn read_kind(schema: &Value, root: &Value, depth: usize) -> Shape {
    let plain = |kind| Shape { kind, description: String::new(), is_path: false, is_secret: false };
    let Some(depth) = depth.checked_sub(1) else { return plain(Kind::Any) };
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#')) {
        return root.pointer(pointer).map_or_else(|| plain(Kind::Any), |target| read(target, root, depth));
    }
    let is_null = |schema: &&Value| schema.get("type") == Some(&Value::from("null"));
    let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|name| schema.get(name)?.as_array());
    if let Some(alternatives) = alternatives {
        let mut others = alternatives.iter().filter(|schema| !is_null(schema));
        if let (Some(only), None) = (others.next(), others.next()) {
            return read(only, root, depth);
        }
        let names = |schema: &Value| match (schema.get("const"), schema.get("enum")) {
            (Some(Value::String(name)), _) => Some(vec![name.clone()]),
            (_, Some(names)) => serde_json::from_value::<Vec<String>>(names.clone()).ok(),
            _ => None,
        };
        let names: Option<Vec<Vec<String>>> = alternatives.iter().map(names).collect();
        return plain(names.map_or(Kind::Any, |names| Kind::OneOf(names.concat())));
    }
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return plain(Kind::OneOf(names.iter().filter_map(Value::as_str).map(str::to_owned).collect()));
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
        _ => Vec::new(),
    };
    plain(match kinds.as_slice() {
        ["string"] => Kind::Text,
        ["integer"] => {
            let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
            let greatest = match schema.get("format").and_then(Value::as_str) {
                Some("uint16") => u16::MAX.into(),
                Some("uint32") => u32::MAX.into(),
                _ => i64::MAX,
            };
            Kind::Whole(bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(greatest))
        }
        ["number"] => Kind::Number,
        ["boolean"] => Kind::Switch,
        ["array"] => {
            let item = schema.get("items").map_or_else(|| plain(Kind::Any), |item| read(item, root, depth));
            Kind::List(Box::new(item))
        }
        ["object"] => table(schema, root, depth),
        _ => Kind::Any,
    })
}

fn table(schema: &Value, root: &Value, depth: usize) -> Kind {
    if let Some(keys) = schema.get("properties").and_then(Value::as_object) {
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let required = required.filter_map(Value::as_str).map(str::to_owned).collect();
        return Kind::Table(keys.iter().map(|(name, key)| (name.clone(), read(key, root, depth))).collect(), required);
    }
    match schema.get("additionalProperties") {
        Some(value @ Value::Object(_)) => Kind::Map(Box::new(read(value, root, depth))),
        _ => Kind::Any,
    }
}
