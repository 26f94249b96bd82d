//! The configuration that is in effect, as TOML, with where each value came from: what `--print-config` shows. It can be
//! used as a file again.

use std::fmt::Write as _;

use serde_json::Value;

use super::mistake::Origin;
use super::shape::{Kind, Shape};
use super::tree::{Node, Step};

/// Writes it. Secrets are left out.
pub(super) fn print(shape: &Shape, values: &Value, origins: &Node) -> String {
    let mut text = String::new();
    table(&mut text, &mut Vec::new(), shape, values, origins);
    text
}

fn table(text: &mut String, path: &mut Vec<String>, shape: &Shape, values: &Value, origins: &Node) {
    let Kind::Table(keys, _) = &shape.kind else { return };
    let is_table = |shape: &Shape| matches!(shape.kind, Kind::Table(..));
    if values.is_null() {
        // With its header it would be there, and without what it needs.
        return line(text, &format!("\n# [{}]  # not set", dotted(path)));
    }
    if !path.is_empty() && keys.iter().any(|(_, shape)| !is_table(shape)) {
        line(text, &format!("\n[{}]", dotted(path)));
    }
    for (name, shape) in keys.iter().filter(|(_, shape)| !is_table(shape)) {
        path.push(name.clone());
        let value = values.get(name).filter(|value| !value.is_null());
        let origin = origins.get(&steps(path)).map_or(&Origin::Default, |node| &node.origin);
        let name = key(name);
        line(
            text,
            &match value {
                None => format!("# {name} =  # not set"),
                Some(_) if shape.is_secret => format!("# {name} = (not shown)  # {origin}"),
                Some(value) => format!("{name} = {}  # {origin}", inline(value)),
            },
        );
        path.pop();
    }
    for (name, shape) in keys.iter().filter(|(_, shape)| is_table(shape)) {
        path.push(name.clone());
        table(text, path, shape, values.get(name).unwrap_or(&Value::Null), origins);
        path.pop();
    }
}

fn steps(path: &[String]) -> Vec<Step> {
    path.iter().cloned().map(Step::Key).collect()
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

/// Writing into a string does not fail.
fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{line}");
}
