//! Variables and flags, which take precedence over the file: the key that each sets, and the meaning of its text.

use lockgate_domain::closest;
use serde_json::Value;
use toml::de::DeValue;
use toml_edit::Key;

use super::error::{ConfigFault, SettingOrigin, hint, shortened};
use super::located_value::{LocatedValue, to_json};
use super::schema::{PREFIX, SettingKind, SettingSchema, variable};

/// Variables with the prefix that other commands read.
const OTHERS: [&str; 4] = ["LOCKGATE_CONFIG", "LOCKGATE_SERVER", "LOCKGATE_TOKEN", "LOCKGATE_CACHE"];

/// The key that an environment variable sets, with its value. An empty variable sets none.
///
/// # Errors
/// If the text is no value for the key, or the name is unknown and close to a known one. Other unknown names are
/// ignored: Kubernetes sets some for every service, for example `LOCKGATE_PORT` in all pods beside a service
/// `lockgate`.
pub(super) fn by_variable(
    schema: &SettingSchema,
    name: &str,
    text: &str,
) -> Result<Option<(Vec<String>, LocatedValue)>, ConfigFault> {
    let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !text.is_empty() && !OTHERS.contains(&name)) else {
        return Ok(None);
    };
    let origin = SettingOrigin::Variable(name.to_owned());
    let leaves = schema.leaves();
    let names: Vec<String> = leaves.iter().map(|(path, _)| variable(path)).collect();
    if let Some(((path, schema), _)) = leaves.iter().zip(&names).find(|(_, known)| *known == name) {
        return Ok(Some((path.clone(), value(schema, text, &origin)?)));
    }
    match closest(rest, names.iter().filter_map(|known| known.strip_prefix(PREFIX))) {
        Some(close) => Err(ConfigFault::new(origin, format!("unknown variable: did you mean `{PREFIX}{close}`?"))),
        None => Ok(None),
    }
}

/// The key that a flag sets, with its value. `key` is written as in the file: `tls.certificate`.
///
/// # Errors
/// If there is no such key, or the text is no value for it.
pub(super) fn by_flag(
    schema: &SettingSchema,
    flag: &str,
    key: &str,
    text: &str,
) -> Result<(Vec<String>, LocatedValue), ConfigFault> {
    let origin = SettingOrigin::Flag(flag.to_owned());
    let Ok(parts) = Key::parse(key) else {
        return Err(ConfigFault::new(origin, format!("`{key}` is not a key: write for example `tls.certificate`")));
    };
    let path: Vec<String> = parts.iter().map(|part| part.get().to_owned()).collect();
    let mut table = schema;
    for (depth, name) in path.iter().enumerate() {
        let Some(child) = table.child(name) else {
            let parent = path.iter().take(depth).cloned().collect::<Vec<_>>().join(".");
            let within = if parent.is_empty() { String::new() } else { format!(" in `{parent}`") };
            let message = format!("unknown key `{name}`{within}{}", hint(name, table.names()));
            return Err(ConfigFault::new(origin, message));
        };
        table = child;
    }
    let value = value(table, text, &origin)?;
    Ok((path, value))
}

/// The value of a text for a setting.
fn value(schema: &SettingSchema, text: &str, origin: &SettingOrigin) -> Result<LocatedValue, ConfigFault> {
    let toml = || DeValue::parse(text).ok().map(|value| to_json(value.get_ref()));
    let is_text = |kind: &SettingKind| matches!(kind, SettingKind::Text | SettingKind::OneOf(_));
    let value = match &schema.kind {
        SettingKind::Text | SettingKind::OneOf(_) => Some(Value::from(text)),
        SettingKind::List(item) if is_text(&item.kind) && !text.trim_start().starts_with('[') => {
            Some(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(Value::from).collect())
        }
        SettingKind::Whole(..) => text.parse::<i64>().ok().map(Value::from),
        SettingKind::Switch => text.parse::<bool>().ok().map(Value::from),
        // A text that is no TOML value is taken as it is.
        SettingKind::Any => Some(toml().unwrap_or_else(|| Value::from(text))),
        SettingKind::Table(..) | SettingKind::Map(_) => toml().filter(Value::is_object),
        SettingKind::List(_) => toml().filter(Value::is_array),
        SettingKind::Number => toml().filter(Value::is_number),
    };
    let wrong = || {
        let form = match &schema.kind {
            SettingKind::Table(..) | SettingKind::Map(_) => " in one line of TOML, `{ key = \"value\" }`",
            SettingKind::List(_) => " as in TOML, `[…]`",
            _ => "",
        };
        let got = if schema.is_secret { String::new() } else { format!(", got `{}`", shortened(text)) };
        ConfigFault::new(origin.clone(), format!("expected {}{form}{got}", schema.expected()))
    };
    value.map(|value| LocatedValue::of(value, origin)).ok_or_else(wrong)
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
