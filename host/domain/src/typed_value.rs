//! Reads a JSON value into a type, and reports plainly what does not fit and where.
//!
//! `serde` describes a mistake in the words of Rust (`invalid type: map, expected a sequence`) and without its place.
//! The deserializer here walks a [`Value`], knows the place of each part, and keeps a mistake as a [`ValueFault`], so
//! that all interfaces report it in the same words.

use crate::escaped_token;
use std::fmt::Display;

use serde::Deserialize;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use crate::closest::closest;
use crate::counted::counted;
use crate::name::{described, is_refused_in_prose};

/// How much of a text a message shows, in characters.
const LONGEST_SHOWN: usize = 60;

/// What does not fit in a value, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", at(pointer))]
pub struct ValueError {
    /// The place, as a JSON Pointer (RFC 6901). For a missing member, the place where it should be.
    pub pointer: String,
    /// What is wrong there.
    pub fault: ValueFault,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueFault {
    /// The value has another type.
    #[error("expected {expected}, got {found}")]
    Type {
        /// The expected type, with an article.
        expected: String,
        /// The actual type, with an article.
        found: String,
    },
    /// A member is missing.
    #[error("`{0}` is required")]
    Missing(String),
    /// A member is unknown.
    #[error("unknown key `{name}`{}", meant(name, .known))]
    UnknownKey {
        /// The name of the unknown member.
        name: String,
        /// The known names.
        known: Vec<String>,
    },
    /// A text is none of the allowed ones.
    #[error("`{name}` is not one of {}", listed(.known))]
    UnknownName {
        /// The text that was found.
        name: String,
        /// The allowed texts.
        known: Vec<String>,
    },
    /// A key appears twice.
    #[error("the key `{0}` appears twice in one object: keep one of the two")]
    Doubled(String),
    /// A text holds a character that no text of a document may hold.
    #[error("the text holds {}: remove it", described(*.0))]
    Character(char),
    /// The type reports another mistake.
    #[error("{0}")]
    Other(String),
}

fn at(pointer: &str) -> String {
    match pointer {
        "" => String::new(),
        pointer => format!("at `{pointer}`: "),
    }
}

/// The end of a message about an unknown key: the likely key, or all known ones.
fn meant(name: &str, known: &[String]) -> String {
    match closest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!(": did you mean `{meant}`?"),
        None if known.is_empty() => String::new(),
        None => format!(": write one of {}", listed(known)),
    }
}

fn listed<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

impl ValueError {
    fn of(fault: ValueFault) -> Self {
        Self { pointer: String::new(), fault }
    }

    /// The error for a value of another type than the expected one.
    fn of_type(expected: impl Into<String>, value: &Value) -> Self {
        Self::of(ValueFault::Type { expected: expected.into(), found: shown(value) })
    }

    /// The error for an unknown member of the object at this place.
    pub fn unknown_key(object: &str, name: &str, known: Vec<String>) -> Self {
        let error = Self::of(ValueFault::UnknownKey { name: shortened(name), known }).within(name);
        Self { pointer: format!("{object}{}", error.pointer), ..error }
    }

    /// The error as the enclosing value reports it, in which this value is the member or element `name`.
    #[must_use]
    pub fn within(mut self, name: &str) -> Self {
        self.pointer.insert_str(0, &format!("/{}", escaped_token(name)));
        self
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: Display>(message: T) -> Self {
        Self::of(ValueFault::Other(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (expected, found) = (expectation(&expected.to_string()), unexpected_shown(&unexpected));
        Self::of(ValueFault::Type { expected, found })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::of(ValueFault::UnknownName { name: shortened(name), known: owned(known) })
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::of(ValueFault::UnknownKey { name: shortened(name), known: owned(known) })
    }

    fn missing_field(name: &'static str) -> Self {
        Self::of(ValueFault::Missing(name.to_owned())).within(name)
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::of(ValueFault::Doubled(name.to_owned())).within(name)
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What `serde`'s own types expect, in the words of JSON.
fn expectation(expected: &str) -> String {
    match expected {
        "a sequence" => "a list",
        "a map" => "an object",
        "a string" | "a borrowed string" | "a character" => "a text",
        "a boolean" => "`true` or `false`",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "unit" => "`null`",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
    .to_owned()
}

fn unexpected_shown(unexpected: &Unexpected<'_>) -> String {
    match unexpected {
        Unexpected::Bool(bool) => format!("`{bool}`"),
        Unexpected::Unsigned(number) => format!("the number `{number}`"),
        Unexpected::Signed(number) => format!("the number `{number}`"),
        Unexpected::Float(number) => format!("the number `{number}`"),
        Unexpected::Char(character) => format!("text `{character:?}`"),
        Unexpected::Str(text) => shown_text(text),
        Unexpected::Unit | Unexpected::Option => "`null`".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

/// A short form of a value for a message.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "`null`".to_owned(),
        Value::Bool(bool) => format!("`{bool}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::String(text) => shown_text(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(object) => match object.keys().next() {
            Some(key) if object.len() == 1 => format!("an object with `{}`", shortened(key)),
            _ => "an object".to_owned(),
        },
    }
}

/// A text in quotes, with invisible characters escaped.
fn shown_text(text: &str) -> String {
    format!("text {:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_SHOWN {
        return text.to_owned();
    }
    text.chars().take(LONGEST_SHOWN - 3).chain("...".chars()).collect()
}

/// Reads a value from outside into a type. Its texts must hold no control character except tabs and line ends, and no
/// character that changes the direction of text. Parts that the type keeps as a [`Value`], such as the JSON of a fact,
/// may hold any character.
///
/// # Errors
/// The first mistake, with its place.
pub fn read_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, ValueError> {
    T::deserialize(ValuePart { value, any_text: false })
}

/// Reads a value that the host itself wrote. As [`read_value`], but its texts may hold any character.
///
/// # Errors
/// The first mistake, with its place.
pub fn read_own_value<'v, T: Deserialize<'v>>(value: &'v Value) -> Result<T, ValueError> {
    T::deserialize(ValuePart { value, any_text: true })
}

/// A value that is being read.
#[derive(Clone, Copy)]
struct ValuePart<'v> {
    value: &'v Value,
    /// Whether texts may hold any character.
    any_text: bool,
}

impl<'v> ValuePart<'v> {
    fn number<'de, V: Visitor<'de>>(self, number: &Number, visitor: V) -> Result<V::Value, ValueError> {
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(whole), ..) => visitor.visit_u64(whole),
            (_, Some(whole), _) => visitor.visit_i64(whole),
            (.., Some(double)) => visitor.visit_f64(double),
            _ => Err(ValueError::of_type("a number of 64 bits", self.value)),
        }
    }

    fn whole<'de, V: Visitor<'de>>(self, least: i64, most: u64, visitor: V) -> Result<V::Value, ValueError> {
        let Value::Number(number) = self.value else { return Err(ValueError::of_type("a number", self.value)) };
        let fits = match (number.as_u64(), number.as_i64()) {
            (Some(whole), _) => whole <= most,
            (_, Some(whole)) => whole >= least,
            _ => false,
        };
        if fits {
            return self.number(number, visitor);
        }
        let expected = match (least, most) {
            (0, u64::MAX) => "a whole number that is not negative".to_owned(),
            (i64::MIN, _) => "a whole number".to_owned(),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        Err(ValueError::of_type(expected, self.value))
    }

    fn object(self) -> Result<&'v Map<String, Value>, ValueError> {
        self.value.as_object().ok_or_else(|| ValueError::of_type("an object", self.value))
    }

    fn members<V: Visitor<'v>>(self, object: &'v Map<String, Value>, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_map(Members { members: object.iter(), value: None, any_text: self.any_text })
    }

    fn items<V: Visitor<'v>>(self, items: &'v [Value], visitor: V) -> Result<V::Value, ValueError> {
        let mut items = Items { items: items.iter(), place: 0, any_text: self.any_text };
        let read = visitor.visit_seq(&mut items)?;
        match items.items.len() {
            0 => Ok(read),
            more => {
                Err(serde::de::Error::custom(format!("the list has {} too many", counted(more, "element", "elements"))))
            }
        }
    }

    /// Reads by the visitor's own words for what it expects.
    fn expected_by<'de, V: Visitor<'de>>(self, visitor: &V) -> ValueError {
        ValueError::of_type(expectation(&(visitor as &dyn Expected).to_string()), self.value)
    }
}

impl<'de> Deserializer<'de> for ValuePart<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        // The type accepts any value, so it is a foreign document.
        let foreign = Self { any_text: true, ..self };
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(bool) => visitor.visit_bool(*bool),
            Value::Number(number) => self.number(number, visitor),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => foreign.items(items, visitor),
            Value::Object(object) => foreign.members(object, visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Bool(bool) => visitor.visit_bool(*bool),
            other => Err(ValueError::of_type("`true` or `false`", other)),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(i8::MIN.into(), i8::MAX.unsigned_abs().into(), visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(i16::MIN.into(), i16::MAX.unsigned_abs().into(), visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(i32::MIN.into(), i32::MAX.unsigned_abs().into(), visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(i64::MIN, i64::MAX.unsigned_abs(), visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(0, u8::MAX.into(), visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(0, u16::MAX.into(), visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(0, u32::MAX.into(), visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.whole(0, u64::MAX, visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Number(number) => self.number(number, visitor),
            other => Err(ValueError::of_type("a number", other)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::String(text) => {
                check_text(text, self.any_text)?;
                visitor.visit_borrowed_str(text)
            }
            _ => Err(self.expected_by(&visitor)),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Array(items) => self.items(items, visitor),
            _ => Err(self.expected_by(&visitor)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.members(self.object()?, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.members(self.object()?, visitor)
    }

    /// Reads an enum: the name of a variant alone, or an object with that name as its only member.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::String(name) => visitor.visit_enum(Variant { name, value: None, any_text: self.any_text }),
            Value::Object(object) if object.len() == 1 => {
                let (name, value) = object.iter().next().ok_or_else(|| ValueError::of_type("a member", self.value))?;
                visitor.visit_enum(Variant { name, value: Some(value), any_text: self.any_text })
            }
            other => Err(ValueError::of_type(format!("one of {}", listed(variants)), other)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct identifier }
}

fn check_text(text: &str, any_text: bool) -> Result<(), ValueError> {
    match text.chars().find(|character| !any_text && is_refused_in_prose(*character)) {
        Some(character) => Err(ValueError::of(ValueFault::Character(character))),
        None => Ok(()),
    }
}

struct Items<'v> {
    items: std::slice::Iter<'v, Value>,
    place: usize,
    any_text: bool,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ValueError> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let place = self.place;
        self.place += 1;
        seed.deserialize(ValuePart { value: item, any_text: self.any_text })
            .map(Some)
            .map_err(|error| error.within(&place.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Members<'v> {
    members: serde_json::map::Iter<'v>,
    value: Option<(&'v str, &'v Value)>,
    any_text: bool,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        let Some((name, value)) = self.members.next() else { return Ok(None) };
        self.value = Some((name, value));
        let key = BorrowedStrDeserializer::<ValueError>::new(name);
        check_text(name, self.any_text).map_err(|error| error.within(name))?;
        // A key that is unknown, or that its type refuses, is a mistake at its own place.
        seed.deserialize(key).map(Some).map_err(|error| error.within(name))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ValueError> {
        let (name, value) = self.value.take().unwrap_or(("", &Value::Null));
        seed.deserialize(ValuePart { value, any_text: self.any_text }).map_err(|error| error.within(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

struct Variant<'v> {
    name: &'v str,
    value: Option<&'v Value>,
    any_text: bool,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ValueError> {
        Ok((seed.deserialize(BorrowedStrDeserializer::<ValueError>::new(self.name))?, self))
    }
}

impl<'v> Variant<'v> {
    /// The value that the variant needs.
    fn value(&self) -> Result<ValuePart<'v>, ValueError> {
        let expected =
            || ValueFault::Type { expected: format!("an object with `{}`", self.name), found: shown_text(self.name) };
        let part = |value| ValuePart { value, any_text: self.any_text };
        self.value.map(part).ok_or_else(|| ValueError::of(expected()))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.value {
            None => Ok(()),
            Some(value) => <()>::deserialize(ValuePart { value, any_text: true }).map_err(|_| {
                ValueError::of_type(format!("text {:?}", self.name), &serde_json::json!({ self.name: value }))
            }),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ValueError> {
        seed.deserialize(self.value()?).map_err(|error| error.within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.value()?.deserialize_tuple(length, visitor).map_err(|error| error.within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.value()?.deserialize_struct("", fields, visitor).map_err(|error| error.within(self.name))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeMap;

    use lockgate_repeat::Repeat;
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::json;

    use super::*;
    use crate::{Deployment, Duration, Risk, Timestamp};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        subject: String,
        #[serde(default)]
        risk: Option<Risk>,
        #[serde(default)]
        steps: Vec<Step>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
        #[serde(default)]
        share: f64,
        #[serde(default)]
        wait: Option<Duration>,
        #[serde(default)]
        at: Option<Timestamp>,
        #[serde(default)]
        any: Value,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    enum Step {
        Pause,
        SetWeight(u8),
        Move { from: String, times: i32 },
    }

    fn fault(value: &Value) -> (String, String) {
        let ValueError { pointer, fault } = read_value::<Request>(value).unwrap_err();
        (pointer, fault.to_string())
    }

    #[test]
    fn a_value_that_fits_is_read() {
        let value = json!({
            "subject": "a",
            "risk": "high",
            "steps": ["pause", {"set-weight": 7}, {"move": {"from": "x", "times": -3}}],
            "labels": {"a/b": "c"},
            "share": 2,
            "wait": "20s",
            "any": [{"a": null}],
        });
        let read: Request = read_value(&value).unwrap();
        assert_eq!(read.steps.get(1), Some(&Step::SetWeight(7)));
        assert_eq!((read.share, read.any), (2.0, json!([{"a": null}])));
    }

    #[test]
    fn a_fault_is_told_in_plain_words_with_its_place() {
        for (value, pointer, message) in [
            (json!([]), "", "expected an object, got a list"),
            (json!({}), "/subject", "`subject` is required"),
            (json!({"subject": 7}), "/subject", "expected a text, got the number `7`"),
            (
                json!({"subject": "a", "risk": "huge"}),
                "/risk",
                "`huge` is not one of `low`, `medium`, `high`, `critical`",
            ),
            (
                json!({"subject": "a", "risk": 3}),
                "/risk",
                "expected one of `low`, `medium`, `high`, `critical`, got the number `3`",
            ),
            (json!({"subject": "a", "steps": {}}), "/steps", "expected a list, got an object"),
            (
                json!({"subject": "a", "steps": [{"set-weight": "2"}]}),
                "/steps/0/set-weight",
                "expected a number, got text \"2\"",
            ),
            (
                json!({"subject": "a", "steps": ["pause", {"set-weight": 300}]}),
                "/steps/1/set-weight",
                "expected a whole number from 0 to 255, got the number `300`",
            ),
            (
                json!({"subject": "a", "steps": [{"set-weight": 1.5}]}),
                "/steps/0/set-weight",
                "expected a whole number from 0 to 255, got the number `1.5`",
            ),
            (json!({"subject": "a", "steps": [{"move": {"from": "x"}}]}), "/steps/0/move/times", "`times` is required"),
            (
                json!({"subject": "a", "steps": ["set-weight"]}),
                "/steps/0",
                "expected an object with `set-weight`, got text \"set-weight\"",
            ),
            (
                json!({"subject": "a", "steps": [{"pause": {"for": 1}}]}),
                "/steps/0",
                "expected text \"pause\", got an object with `pause`",
            ),
            (json!({"subject": "a", "labels": {"a/b": true}}), "/labels/a~1b", "expected a text, got `true`"),
            (json!({"subject": "a", "share": "half"}), "/share", "expected a number, got text \"half\""),
            (json!({"subject": "a", "wait": "20"}), "/wait", "`20` needs a unit, for example `20s`"),
            (json!({"subject": null}), "/subject", "expected a text, got `null`"),
            (json!({"subject": "a", "lables": {}}), "/lables", "unknown key `lables`: did you mean `labels`?"),
            (
                json!({"subject": "a", "x": 1}),
                "/x",
                "unknown key `x`: write one of `subject`, `risk`, `steps`, `labels`, `share`, `wait`, `at`, `any`",
            ),
            (json!({"subject": "\u{202e}a", "steps": "\u{202e}"}), "/steps", "expected a list, got text \"\\u{202e}\""),
        ] {
            assert_eq!(fault(&value), (pointer.to_owned(), message.to_owned()), "{value}");
        }
    }

    #[test]
    fn a_deployment_is_read_as_serde_json_reads_it() {
        let text = include_str!("../../../examples/new-version/deployment.json");
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read_value::<Deployment>(&value).unwrap(), serde_json::from_str::<Deployment>(text).unwrap());
    }

    proptest! {
        #![proptest_config(Repeat::new(128, 10_000).property())]

        #[test]
        fn what_serde_json_reads_is_read_alike(
            subject in ".{0,4}",
            weight in any::<i64>(),
            times in any::<i64>(),
            share in prop_oneof![any::<f64>().prop_map(|share| json!(share)), any::<u64>().prop_map(|share| json!(share))],
            extra in proptest::option::of("[a-z]{1,3}"),
        ) {
            let mut value = json!({
                "subject": subject, "steps": [{"set-weight": weight}, {"move": {"from": "a", "times": times}}], "share": share,
            });
            if let (Some(name), Some(object)) = (extra, value.as_object_mut()) {
                object.insert(name, json!([null, {"a": 1}]));
            }
            let (read, known) = (read_value::<Request>(&value), serde_json::from_value::<Request>(value));
            prop_assert_eq!(read.is_ok(), known.is_ok(), "{:?} {:?}", read, known);
            if let (Ok(read), Ok(known)) = (read, known) {
                prop_assert_eq!(read, known);
            }
        }
    }
}
