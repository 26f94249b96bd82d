//! The reference of all keys, as it stands in `docs/configuration.md`.

use std::fmt::Write as _;

use serde_json::Value;

use super::Config;
use super::shape::{Kind, Shape, variable};

/// All keys with their variables and defaults, as a part of a page in Markdown.
pub fn reference() -> String {
    let mut text = String::new();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    section(&mut text, &mut Vec::new(), &Shape::of_config(), Some(&defaults));
    text
}

fn section(text: &mut String, path: &mut Vec<String>, shape: &Shape, defaults: Option<&Value>) {
    let Kind::Table(keys, required) = &shape.kind else { return };
    let is_table = |shape: &Shape| matches!(shape.kind, Kind::Table(..));
    let title = if path.is_empty() { "At the top".to_owned() } else { format!("`[{}]`", path.join(".")) };
    write(text, &format!("### {title}\n\n"));
    if !path.is_empty() && !shape.description.is_empty() {
        write(text, &format!("{}\n\n", shape.description));
    }
    for (name, shape) in keys.iter().filter(|(_, shape)| !is_table(shape)) {
        path.push(name.clone());
        let default = match defaults.and_then(|defaults| defaults.get(name)).filter(|value| !value.is_null()) {
            Some(value) => format!("default `{value}`"),
            None if required.contains(name) => "needed here".to_owned(),
            None => "not set by default".to_owned(),
        };
        let words = words(shape);
        write(text, &format!("- `{name}` ({}; {default}; `{}`): {words}\n", kind(shape), variable(path)));
        path.pop();
    }
    write(text, "\n");
    for (name, shape) in keys.iter().filter(|(_, shape)| is_table(shape)) {
        path.push(name.clone());
        section(text, path, shape, defaults.and_then(|defaults| defaults.get(name)));
        path.pop();
    }
}

/// What is said of a key; of an array of tables, also what its tables hold.
fn words(shape: &Shape) -> String {
    let inner = match &shape.kind {
        Kind::List(item) | Kind::Map(item) => item,
        _ => return shape.description.clone(),
    };
    let Kind::Table(keys, required) = &inner.kind else { return shape.description.clone() };
    let mut text = format!("{} Each with:", shape.description);
    for (name, shape) in keys {
        let needed = if required.contains(name) { ", needed" } else { "" };
        let words = words(shape);
        write(&mut text, &format!("\n  - `{name}` ({}{needed}): {}", kind(shape), words.replace('\n', "\n  ")));
    }
    text
}

fn kind(shape: &Shape) -> String {
    match &shape.kind {
        Kind::Table(..) | Kind::Map(_) => "table".to_owned(),
        Kind::List(item) => match &item.kind {
            Kind::Table(..) => "array of tables".to_owned(),
            _ => format!("array of {}", kind(item)),
        },
        Kind::Text if shape.is_path => "path".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Whole(..) => "whole number".to_owned(),
        Kind::Number => "number".to_owned(),
        Kind::Switch => "`true` or `false`".to_owned(),
        Kind::OneOf(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Kind::Any => "text or number".to_owned(),
    }
}

/// Writing into a string does not fail.
fn write(text: &mut String, more: &str) {
    let _ = text.write_str(more);
}
