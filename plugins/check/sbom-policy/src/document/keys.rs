//! Refuses keys that are nearly known ones.
//!
//! The standards let producers add members, so what is not known is passed over. A key that differs from a known one in case
//! alone, or that writes a term of SPDX as an IRI, would be passed over too, and with it what it says of a package. Nor may
//! an element of SPDX 3 be passed over within a value.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::spdx3::PassedOver;

/// Reads structs of borrowed texts, numbers, lists and options, and checks the keys of each.
pub(super) struct CheckedKeys<'k, D> {
    inner: D,
    /// The key whose value this is, and the keys that are known beside it.
    member: Option<(&'k str, &'static [&'static str])>,
    part: Part,
}

/// The part of a document that a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The document itself, whose members are looked at.
    Document,
    /// The elements of SPDX 3.
    Graph,
    Other,
}

impl Part {
    /// The part that the value of a member is.
    fn of_member(self, key: &str) -> Self {
        match self {
            Self::Graph => Self::Graph,
            Self::Document if key == "@graph" => Self::Graph,
            Self::Document | Self::Other => Self::Other,
        }
    }
}

impl<D> CheckedKeys<'_, D> {
    pub(super) fn new(inner: D) -> Self {
        Self { inner, member: None, part: Part::Document }
    }

    /// The part that the value within is.
    fn within(&self) -> Part {
        self.member.map_or(self.part, |(key, _)| self.part.of_member(key))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for CheckedKeys<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_any(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(visitor)
    }

    /// Only the value of a key that is not known is passed over, so only such a key is looked at.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        if let Some((key, fields)) = self.member {
            check(key, fields)?;
            return match self.part {
                Part::Graph => PassedOver::InElement.member(key, self.inner, visitor),
                Part::Document => PassedOver::InDocument.member(key, self.inner, visitor),
                Part::Other => self.inner.deserialize_ignored_any(visitor),
            };
        }
        self.inner.deserialize_ignored_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let part = self.within();
        self.inner.deserialize_option(Within(visitor, part))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let part = self.within();
        self.inner.deserialize_seq(Within(visitor, part))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let part = self.within();
        self.inner.deserialize_struct(name, fields, StructVisitor { visitor, fields, part })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map enum identifier
    }
}

/// A value within one whose keys are checked: their keys are checked too.
struct Within<T>(T, Part);

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(CheckedKeys { inner: deserializer, member: None, part: self.1 })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Within(list, self.1))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Within<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(CheckedKeys { inner: deserializer, member: None, part: self.1 })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Within<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Within(seed, self.1))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

/// Visits an object, and no list: the members of a document have names.
struct StructVisitor<V> {
    visitor: V,
    fields: &'static [&'static str],
    part: Part,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for StructVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Members { map, fields: self.fields, part: self.part, key: Cow::Borrowed("") })
    }
}

/// The members of an object.
struct Members<'de, A> {
    map: A,
    fields: &'static [&'static str],
    part: Part,
    /// The key that was read last.
    key: Cow<'de, str>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.map.next_key_seed(Key { inner: seed, key: &mut self.key })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(MemberValue { seed, member: (&self.key, self.fields), part: self.part })
    }

    fn size_hint(&self) -> Option<usize> {
        self.map.size_hint()
    }
}

/// The value of a member, with its key.
struct MemberValue<'k, S> {
    seed: S,
    member: (&'k str, &'static [&'static str]),
    part: Part,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for MemberValue<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(CheckedKeys { inner: deserializer, member: Some(self.member), part: self.part })
    }
}

/// A key, on its way to the struct that reads it.
struct Key<'k, 'de, T> {
    inner: T,
    /// Where it is kept.
    key: &'k mut Cow<'de, str>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Key { inner: deserializer, key: self.key })
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Key<'_, 'de, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_str(Key { inner: visitor, key: self.key })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Key<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<V::Value, E> {
        *self.key = Cow::Borrowed(key);
        self.inner.visit_borrowed_str(key)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<V::Value, E> {
        *self.key = Cow::Owned(key.to_owned());
        self.inner.visit_str(key)
    }
}

/// Refuses a key that is not known, and nearly one of the fields.
fn check<E: Error>(key: &str, fields: &'static [&'static str]) -> Result<(), E> {
    if let Some(field) = fields.iter().find(|field| field.eq_ignore_ascii_case(key)) {
        return Err(E::custom(format!("the key `{key}` is not known: write `{field}`, in this case")));
    }
    if key.starts_with('@') && !matches!(key, "@id" | "@type") {
        return Err(E::custom(format!("the key `{}` is not read here", super::clipped(key))));
    }
    let is_spdx_term = key.starts_with("https://spdx.org/rdf/") || key.starts_with("spdx:");
    match is_spdx_term {
        true => Err(E::custom(format!(
            "the key `{key}` is written as an IRI: write the name that it has in the `@context`"
        ))),
        false => Ok(()),
    }
}
