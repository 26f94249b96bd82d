//! Validates settings against a JSON Schema, and reports all errors.
//!
//! It supports the schemas that `schemars` makes of settings, not all: types, `required`, unknown keys, `enum` and `const`,
//! ranges, lengths, `items`, `$ref` into `$defs`, `allOf`, `anyOf`, `oneOf`, and the formats of times and names; the host
//! checks `lockgate-person`. `formatMinimum` and `formatMaximum` limit a duration. Other keywords are not checked;
//! deserialising the settings finds the rest. A complete validator would make every plugin several times as large.

use serde_json::{Map, Value};

use super::text::{BLANK, is_blank, unclear_name, unreadable};
use crate::time::{Duration, Timestamp};
use crate::{Pointer, SettingsFinding};

/// The formats of names and of patterns over names.
const NAMES: [&str; 4] = ["lockgate-analysis", "lockgate-name", "lockgate-pattern", "lockgate-role"];

/// All violations of the schema, in the order of the value, and after them every text that people cannot read.
pub(crate) fn findings(schema: &Value, value: &Value) -> Vec<SettingsFinding> {
    let mut walk = Walk { root: schema, found: Vec::new() };
    walk.visit(schema, value, &Pointer::root());
    walk.texts(value, &Pointer::root());
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    found: Vec<SettingsFinding>,
}

impl<'a> Walk<'a> {
    fn report(&mut self, at: &Pointer, message: String) {
        self.found.push(SettingsFinding::new(at, message));
    }

    /// Reports each text and each key with a character that no text may hold, whatever the schema says.
    fn texts(&mut self, value: &Value, at: &Pointer) {
        match value {
            Value::String(text) => {
                if let Some(message) = unreadable(text) {
                    self.report(at, message);
                }
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.texts(element, &at.index(index));
                }
            }
            Value::Object(members) => {
                for (key, member) in members {
                    let place = at.key(key);
                    if let Some(message) = unreadable(key) {
                        self.report(&place, message);
                    }
                    self.texts(member, &place);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn visit(&mut self, schema: &'a Value, value: &Value, at: &Pointer) {
        let keywords = match schema {
            Value::Object(keywords) => keywords,
            Value::Bool(false) => return self.report(at, "no value is allowed here".to_owned()),
            _ => return,
        };
        if let Some(target) = keywords.get("$ref").and_then(Value::as_str).and_then(|target| self.resolve(target)) {
            self.visit(target, value, at);
        }
        if let Some(types) = keywords.get("type")
            && !fits(types, value)
        {
            // A value of the wrong type violates the other keywords, too, but reporting that would hide the cause.
            return self.report(at, format!("expected {}, got {}", name_types(types, value), got(value)));
        }
        self.words(keywords, value, at);
        match value {
            Value::Object(members) => self.object(keywords, members, at),
            Value::Array(elements) => self.array(keywords, elements, at),
            Value::String(text) => self.string(keywords, text, at),
            Value::Number(_) => self.number(keywords, value, at),
            Value::Null | Value::Bool(_) => {}
        }
        for part in list(keywords, "allOf") {
            self.visit(part, value, at);
        }
        for key in ["anyOf", "oneOf"] {
            self.choice(list(keywords, key), value, at);
        }
    }

    fn resolve(&self, target: &str) -> Option<&'a Value> {
        self.root.pointer(target.strip_prefix('#')?)
    }

    /// `const` and `enum`.
    fn words(&mut self, keywords: &Map<String, Value>, value: &Value, at: &Pointer) {
        let allowed: Vec<&Value> = keywords.get("const").into_iter().chain(list(keywords, "enum")).collect();
        if !allowed.is_empty() && !allowed.contains(&value) {
            self.report(at, not_one_of(value, &allowed));
        }
    }

    fn object(&mut self, keywords: &'a Map<String, Value>, members: &Map<String, Value>, at: &Pointer) {
        let known = keywords.get("properties").and_then(Value::as_object);
        for key in list(keywords, "required").iter().filter_map(Value::as_str) {
            if !members.contains_key(key) {
                self.report(at, format!("`{key}` is missing"));
            }
        }
        for (key, member) in members {
            let place = at.key(key);
            if let Some(schema) = known.and_then(|known| known.get(key)) {
                self.visit(schema, member, &place);
            } else {
                match keywords.get("additionalProperties") {
                    Some(Value::Bool(false)) => {
                        let known = known.into_iter().flat_map(Map::keys);
                        let known: Vec<String> = known.map(|key| format!("`{key}`")).collect();
                        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                        self.report(&place, format!("unknown key `{key}`; known keys: {known}"));
                    }
                    Some(schema) => self.visit(schema, member, &place),
                    None => {}
                }
            }
        }
    }

    fn array(&mut self, keywords: &'a Map<String, Value>, elements: &[Value], at: &Pointer) {
        let count = elements.len() as u64;
        if let Some(least) = keywords.get("minItems").and_then(Value::as_u64).filter(|least| count < *least) {
            let message = match least {
                1 => "expected at least one entry".to_owned(),
                _ => format!("expected at least {least} entries, got {count}"),
            };
            self.report(at, message);
        }
        if let Some(most) = keywords.get("maxItems").and_then(Value::as_u64).filter(|most| count > *most) {
            let entries = if most == 1 { "entry" } else { "entries" };
            self.report(at, format!("expected at most {most} {entries}, got {count}"));
        }
        if let Some(schema) = keywords.get("items") {
            for (index, element) in elements.iter().enumerate() {
                self.visit(schema, element, &at.index(index));
            }
        }
        if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
            for (index, element) in elements.iter().enumerate() {
                if elements.iter().take(index).any(|earlier| earlier == element) {
                    self.report(&at.index(index), format!("{} is listed twice", got(element)));
                }
            }
        }
    }

    fn string(&mut self, keywords: &Map<String, Value>, text: &str, at: &Pointer) {
        let count = text.chars().count() as u64;
        if let Some(least) = keywords.get("minLength").and_then(Value::as_u64).filter(|least| count < *least) {
            let message = match least {
                1 => "the text must not be empty".to_owned(),
                _ => format!("expected at least {least} characters, got {count}"),
            };
            self.report(at, message);
        }
        if let Some(most) = keywords.get("maxLength").and_then(Value::as_u64).filter(|most| count > *most) {
            let characters = if most == 1 { "character" } else { "characters" };
            self.report(at, format!("expected at most {most} {characters}, got {count}"));
        }
        let format = keywords.get("format").and_then(Value::as_str);
        let is_name = format.is_some_and(|format| NAMES.contains(&format));
        let wrong = match format {
            Some("date-time") => text.parse::<Timestamp>().err().map(|error| error.to_string()),
            Some("lockgate-duration") => text.parse::<Duration>().err().map(|error| error.to_string()),
            _ if count == 0 && keywords.contains_key("minLength") => None,
            _ if is_name => unclear_name(text),
            _ if keywords.contains_key("minLength") && is_blank(text) => Some(BLANK.to_owned()),
            _ => None,
        };
        if let Some(message) = wrong.or_else(|| length_of_time(keywords, text)) {
            self.report(at, message);
        }
    }

    fn number(&mut self, keywords: &Map<String, Value>, value: &Value, at: &Pointer) {
        let Some(number) = value.as_f64() else { return };
        let bounds: [(&str, &str, Holds); 4] = [
            ("minimum", "at least", |number, bound| number >= bound),
            ("maximum", "at most", |number, bound| number <= bound),
            ("exclusiveMinimum", "more than", |number, bound| number > bound),
            ("exclusiveMaximum", "less than", |number, bound| number < bound),
        ];
        for (key, words, holds) in bounds {
            if let Some(bound) = keywords.get(key)
                && bound.as_f64().is_some_and(|bound| !holds(number, bound))
            {
                self.report(at, format!("expected {words} {bound}, got {}", got(value)));
            }
        }
    }

    /// `anyOf` and `oneOf`: if no branch fits, reports what keeps the nearest one from fitting.
    fn choice(&mut self, branches: &'a [Value], value: &Value, at: &Pointer) {
        let mut nearest: Option<Vec<SettingsFinding>> = None;
        for branch in branches {
            let mut walk = Walk { root: self.root, found: Vec::new() };
            walk.visit(branch, value, at);
            if walk.found.is_empty() {
                return;
            }
            // A branch that the value fits at its top is nearer than one of another type or another word.
            let distance =
                |found: &[SettingsFinding]| (found.iter().any(|finding| finding.pointer == at.as_str()), found.len());
            if nearest.as_deref().is_none_or(|nearest| distance(&walk.found) < distance(nearest)) {
                nearest = Some(walk.found);
            }
        }
        let words: Vec<&Value> = branches
            .iter()
            .flat_map(|branch| {
                branch
                    .get("const")
                    .into_iter()
                    .chain(branch.get("enum").and_then(Value::as_array).into_iter().flatten())
            })
            .collect();
        let at_top = nearest.iter().flatten().any(|finding| finding.pointer == at.as_str());
        if !words.is_empty() && at_top && !value.is_object() {
            self.report(at, not_one_of(value, &words));
        } else {
            self.found.extend(nearest.into_iter().flatten());
        }
    }
}

/// The error of a duration outside of `formatMinimum` and `formatMaximum`. A text that is not a duration is refused by its
/// format, which may be in another part of the schema.
fn length_of_time(keywords: &Map<String, Value>, text: &str) -> Option<String> {
    let bound = |key: &str| keywords.get(key)?.as_str()?.parse::<Duration>().ok();
    let (least, most) = (bound("formatMinimum"), bound("formatMaximum"));
    let length: Duration = text.parse().ok()?;
    let (is_short, is_long) = (least.is_some_and(|least| length < least), most.is_some_and(|most| length > most));
    let range = match (least, most) {
        (Some(least), Some(most)) => format!("from `{least}` to `{most}`"),
        (Some(least), None) => format!("of at least `{least}`"),
        (None, Some(most)) => format!("of at most `{most}`"),
        (None, None) => return None,
    };
    let is = if is_short { "short" } else { "long" };
    (is_short || is_long).then(|| format!("`{text}` is too {is}: use a duration {range}"))
}

/// Whether a number is within a limit.
type Holds = fn(f64, f64) -> bool;

fn list<'a>(keywords: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    keywords.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn fits(types: &Value, value: &Value) -> bool {
    match types {
        Value::String(name) => match name.as_str() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        },
        Value::Array(names) => names.iter().any(|name| fits(name, value)),
        _ => true,
    }
}

/// The expected types in the words of people who write TOML, where `null` does not exist. A number is only called whole if
/// the value is one that is not.
fn name_types(types: &Value, value: &Value) -> String {
    let name = |name: &Value| match name.as_str() {
        Some("boolean") => "`true` or `false`",
        Some("integer") if value.is_number() => "a whole number",
        Some("integer" | "number") => "a number",
        Some("string") => "a text",
        Some("array") => "a list",
        Some("object") => "a table",
        _ => "nothing",
    };
    match types {
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter(|n| n.as_str() != Some("null")).map(name).collect();
            names.join(" or ")
        }
        _ => name(types).to_owned(),
    }
}

/// The value with its type, shortened to 60 characters.
fn got(value: &Value) -> String {
    match value {
        Value::Object(_) => "a table".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.chars().count() > 60 => {
            format!("text \"{}…\"", text.chars().take(60).collect::<String>())
        }
        Value::String(text) => format!("text \"{text}\""),
        _ => value.to_string(),
    }
}

/// An allowed value in a message.
fn allowed_word(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("`{value}`"), |text| format!("`{text}`"))
}

fn not_one_of(value: &Value, allowed: &[&Value]) -> String {
    let allowed: Vec<String> = allowed.iter().map(|word| allowed_word(word)).collect();
    match allowed.as_slice() {
        [only] => format!("expected {only}, got {}", got(value)),
        _ => format!("expected one of {}, got {}", allowed.join(", "), got(value)),
    }
}

#[cfg(test)]
mod tests;
