//! What a variable or a flag sets: which key, and what the text in it means.

use lockgate_domain::closest;
use serde_json::Value;
use toml::de::DeValue;
use toml_edit::Key;

use super::file::scalar;
use super::mistake::{Mistake, Origin, hint};
use super::shape::{Kind, PREFIX, Shape, variable};
use super::tree::Node;

/// Variables with the prefix that are no keys, but mean something to other commands.
const OTHERS: [&str; 4] = ["LOCKGATE_CONFIG", "LOCKGATE_SERVER", "LOCKGATE_TOKEN", "LOCKGATE_CACHE"];

/// A variable of the environment: the key it sets. An empty one sets none.
///
/// # Errors
/// If it is one letter away from one that does. Others are nobody's business: Kubernetes makes some for every service,
/// so that one of the name `lockgate` has `LOCKGATE_PORT` set for all its neighbours.
pub(super) fn by_variable(shape: &Shape, name: &str, text: &str) -> Result<Option<(Vec<String>, Node)>, Mistake> {
    if !name.starts_with(PREFIX) || text.is_empty() || OTHERS.contains(&name) {
        return Ok(None);
    }
    let origin = Origin::Variable(name.to_owned());
    let leaves = shape.leaves();
    let names: Vec<String> = leaves.iter().map(|(path, _)| variable(path)).collect();
    match leaves.iter().zip(&names).find(|(_, known)| *known == name) {
        Some(((path, shape), _)) => value(shape, text, &origin).map(|node| Some((path.clone(), node))),
        None => {
            let rest = name.strip_prefix(PREFIX).unwrap_or(name);
            match closest(rest, names.iter().filter_map(|known| known.strip_prefix(PREFIX))) {
                Some(close) => {
                    let message = format!("unknown variable: did you mean `{PREFIX}{close}`?");
                    Err(Mistake::new(origin, message))
                }
                None => Ok(None),
            }
        }
    }
}

/// A flag that names a key, as it would stand in the file: `tls.certificate`.
///
/// # Errors
/// If there is no such key, or the text means nothing for it.
pub(super) fn by_flag(shape: &Shape, flag: &str, key: &str, text: &str) -> Result<(Vec<String>, Node), Mistake> {
    let origin = Origin::Flag(flag.to_owned());
    let Ok(parts) = Key::parse(key) else {
        return Err(Mistake::new(origin, format!("`{key}` is not a key: write for example `tls.certificate`")));
    };
    let path: Vec<String> = parts.iter().map(|part| part.get().to_owned()).collect();
    let mut place = shape;
    for (depth, name) in path.iter().enumerate() {
        let Some(child) = place.child(name) else {
            let table = path.iter().take(depth).cloned().collect::<Vec<_>>().join(".");
            let within = if table.is_empty() { String::new() } else { format!(" in `{table}`") };
            let message = format!("unknown key `{name}`{within}{}", hint(name, place.names()));
            return Err(Mistake::new(origin, message));
        };
        place = child;
    }
    let node = value(place, text, &origin)?;
    Ok((path, node))
}

/// What a text means in a place.
fn value(shape: &Shape, text: &str, origin: &Origin) -> Result<Node, Mistake> {
    let toml = || DeValue::parse(text).ok().map(|value| scalar(value.get_ref()));
    let value = match &shape.kind {
        Kind::Text | Kind::OneOf(_) => Some(Value::from(text)),
        Kind::List(item) if matches!(item.kind, Kind::Text | Kind::OneOf(_)) && !text.trim_start().starts_with('[') => {
            Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect())
        }
        Kind::Whole(..) => text.parse::<i64>().ok().map(Value::from),
        Kind::Switch => text.parse::<bool>().ok().map(Value::from),
        Kind::Any => Some(toml().unwrap_or_else(|| Value::from(text))),
        Kind::Table(..) | Kind::Map(_) => toml().filter(Value::is_object),
        Kind::List(_) => toml().filter(Value::is_array),
        Kind::Number => toml().filter(Value::is_number),
    };
    let wrong = || {
        let written = match &shape.kind {
            Kind::Table(..) | Kind::Map(_) => " in one line of TOML, `{ key = \"value\" }`",
            Kind::List(_) => " as in TOML, `[…]`",
            _ => "",
        };
        let got = if shape.is_secret { String::new() } else { format!(", got `{}`", shortened(text)) };
        Mistake::new(origin.clone(), format!("expected {}{written}{got}", shape.expected()))
    };
    value.map(|value| Node::of(value, origin)).ok_or_else(wrong)
}

/// A text as a message names it: short.
pub(super) fn shortened(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(57).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Key;

    #[test]
    fn a_key_of_a_flag_is_written_as_in_the_file() {
        let parts: Vec<String> = Key::parse(r#"a.b."c.d""#).unwrap().iter().map(|key| key.get().to_owned()).collect();
        assert_eq!(parts, ["a", "b", "c.d"]);
    }
}
