//! Holds what was written against what may be written: unknown keys, missing ones, values of the wrong type. All of it at
//! once; what is wrong is taken out, so that the rest can be looked at further.

use std::path::Path;

use serde_json::Value;

use super::mistake::{Mistake, Origin, hint};
use super::shape::{Kind, Shape};
use super::tree::{Content, Node};
use super::written::shortened;

/// Looks through a value, and takes out what is wrong. Whether the value itself may stay.
pub(super) fn check(node: &mut Node, shape: &Shape, path: &str, mistakes: &mut Vec<Mistake>) -> bool {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (&shape.kind, &mut node.content) {
        (Kind::Any, _) => {}
        (Kind::Table(keys, required), Content::Table(entries)) => {
            let before = mistakes.len();
            entries.retain(|name, entry| match shape.child(name) {
                Some(child) => check(&mut entry.node, child, &below(name), mistakes),
                None => {
                    let within = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
                    let hint = hint(name, keys.iter().map(|(name, _)| name.as_str()));
                    mistakes.push(Mistake::new(entry.key.clone(), format!("unknown key `{name}`{within}{hint}")));
                    false
                }
            });
            if mistakes.len() > before {
                // A key that is missing may be one that is misspelt; and the whole is wrong anyway.
                return required.is_empty();
            }
            for name in required.iter().filter(|name| !entries.contains_key(*name)) {
                let meaning = shape.child(name).map(|child| child.description.trim_end_matches('.'));
                let meaning = meaning.filter(|text| !text.is_empty()).map(|text| format!(": {text}"));
                let message = format!("`{}` is required{}", below(name), meaning.unwrap_or_default());
                mistakes.push(Mistake::new(node.origin.clone(), message));
            }
            return mistakes.len() == before;
        }
        (Kind::Map(child), Content::Table(entries)) => {
            entries.retain(|name, entry| check(&mut entry.node, child, &below(name), mistakes));
        }
        (Kind::List(child), Content::List(items)) => {
            let mut index = 0;
            items.retain_mut(|item| {
                let path = format!("{path}[{index}]");
                index += 1;
                check(item, child, &path, mistakes)
            });
            if shape.is_path {
                items.iter_mut().for_each(place);
            }
        }
        (Kind::Text, Content::Leaf(Value::String(_))) if shape.is_path => place(node),
        (Kind::Text, Content::Leaf(Value::String(_)))
        | (Kind::Switch, Content::Leaf(Value::Bool(_)))
        | (Kind::Number, Content::Leaf(Value::Number(_))) => {}
        (Kind::Whole(least, greatest), Content::Leaf(Value::Number(number))) if !number.is_f64() => {
            // What does not fit into 64 bits was read as a text.
            let bound = match number.as_i64() {
                Some(number) if number < *least => format!("at least {least}"),
                Some(number) if number > *greatest => format!("at most {greatest}"),
                _ => return true,
            };
            mistakes.push(Mistake::new(node.origin.clone(), format!("`{path}` is {number}: it has to be {bound}")));
            return false;
        }
        (Kind::OneOf(names), Content::Leaf(Value::String(text))) => {
            if !names.contains(text) {
                let hint = hint(text, names.iter().map(String::as_str));
                let message = format!("`{path}` is `{}`, which is not allowed{hint}", shortened(text));
                mistakes.push(Mistake::new(node.origin.clone(), message));
                return false;
            }
        }
        (_, content) => {
            let message = format!("`{path}`: expected {}, got {}", shape.expected(), found(content));
            mistakes.push(Mistake::new(node.origin.clone(), message));
            return false;
        }
    }
    true
}

/// A path that was written in a file is relative to the folder of the file.
fn place(node: &mut Node) {
    if let (Origin::File { name, .. }, Content::Leaf(Value::String(path))) = (&node.origin, &mut node.content)
        && let Some(folder) = Path::new(&**name).parent().filter(|folder| !folder.as_os_str().is_empty())
        && Path::new(path.as_str()).is_relative()
    {
        *path = folder.join(path.as_str()).to_string_lossy().into_owned();
    }
}

fn found(content: &Content) -> &'static str {
    match content {
        Content::Table(_) => "a table",
        Content::List(_) => "an array",
        Content::Leaf(Value::String(_)) => "a text",
        Content::Leaf(Value::Bool(_)) => "`true` or `false`",
        Content::Leaf(Value::Number(number)) if number.is_f64() => "a number with a fraction",
        Content::Leaf(Value::Number(_)) => "a whole number",
        Content::Leaf(_) => "something else",
    }
}
