//! Refuses elements that are written in place.
//!
//! JSON-LD lets an element stand where its id could: in `element`, in the `subject` of an annotation, in an extension, in
//! `@included`. Only those of `@graph` are read, so one that stands elsewhere would be passed over with all that it says.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor};

use super::super::text::Text;
use super::super::word::Vocabulary as _;
use super::terms::{self, ElementType};

/// The types of objects that have no id of their own in SPDX 3.0, and that stand in place for that reason.
const PARTS: [&str; 14] = [
    "CreationInfo",
    "DictionaryEntry",
    "ExternalIdentifier",
    "ExternalMap",
    "ExternalRef",
    "Hash",
    "NamespaceMap",
    "PackageVerificationCode",
    "PositiveIntegerRange",
    "ai_EnergyConsumption",
    "ai_EnergyConsumptionDescription",
    "extension_CdxPropertiesExtension",
    "extension_CdxPropertyEntry",
    "software_ContentIdentifier",
];

/// The members that a document of another format has beside those that are read. In SPDX 3 they mean nothing.
const OF_OTHER_FORMATS: [&str; 24] = [
    "$schema",
    "SPDXID",
    "annotations",
    "citations",
    "comment",
    "compositions",
    "dataLicense",
    "declarations",
    "definitions",
    "dependencies",
    "documentNamespace",
    "externalDocumentRefs",
    "externalReferences",
    "files",
    "formulation",
    "name",
    "properties",
    "revieweds",
    "serialNumber",
    "services",
    "signature",
    "snippets",
    "version",
    "vulnerabilities",
];

/// A value that is passed over, and may hold no element.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum PassedOver {
    /// Within an element.
    InElement,
    /// Beside `@graph`, in a document that may be of another format.
    InDocument,
}

impl PassedOver {
    /// Passes over the value of a member.
    pub(in super::super) fn member<'de, D: Deserializer<'de>, V: Visitor<'de>>(
        self,
        key: &str,
        value: D,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        match (self, key) {
            (Self::InDocument, key) if OF_OTHER_FORMATS.contains(&key) => {
                return value.deserialize_ignored_any(visitor);
            }
            (Self::InElement, "spdxId") => return Err(in_place()),
            (Self::InElement, "type" | "@type") => value.deserialize_any(TypeVisitor(self))?,
            _ => value.deserialize_any(ValueVisitor(self))?,
        }
        visitor.visit_unit()
    }

    fn check_type<E: Error>(self, text: &str) -> Result<(), E> {
        match (ElementType::read(text), self) {
            (Some(kind), _) if PARTS.contains(&kind) => Ok(()),
            (Some(_), Self::InElement) => Err(in_place()),
            // Other formats may use words such as `Person`, but these are of SPDX 3.
            (Some(kind), Self::InDocument) if kind.contains('_') || kind.ends_with("Relationship") => Err(in_place()),
            (Some(_), Self::InDocument) => Ok(()),
            // Extensions have types of their own.
            (None, Self::InElement) if !text.contains(':') || terms::path(text).is_some() => {
                Err(E::custom(format!("`{}` is no type of SPDX 3.0", super::clipped(text))))
            }
            (None, _) => Ok(()),
        }
    }
}

fn in_place<E: Error>() -> E {
    E::custom("an element is written in place: write it in `@graph`, and name its id here")
}

impl<'de> DeserializeSeed<'de> for PassedOver {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(ValueVisitor(self))
    }
}

/// The type of an object, or several.
#[derive(Clone, Copy)]
struct TypeVisitor(PassedOver);

impl<'de> Visitor<'de> for TypeVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.check_type(text)
    }

    /// Another format may have a member of that name in any shape.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.0 {
            PassedOver::InElement => Err(A::Error::invalid_type(Unexpected::Map, &self)),
            PassedOver::InDocument => ValueVisitor(self.0).visit_map(map),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for TypeVisitor {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Any value.
struct ValueVisitor(PassedOver);

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self.0)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let is_in_element = matches!(self.0, PassedOver::InElement);
        let (mut has_type, mut has_members) = (false, false);
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match &*key {
                "type" | "@type" => {
                    has_type = true;
                    map.next_value_seed(TypeVisitor(self.0))?;
                }
                "spdxId" => return Err(in_place()),
                // What names an element, and what is written with its language.
                "@id" | "@value" | "@language" => map.next_value_seed(self.0)?,
                key if key.starts_with('@') => {
                    return Err(A::Error::custom(format!("the key `{}` is not read here", super::clipped(key))));
                }
                _ => {
                    has_members = true;
                    map.next_value_seed(self.0)?;
                }
            }
        }
        match is_in_element && has_members && !has_type {
            true => Err(A::Error::custom("an object does not say its `type`")),
            false => Ok(()),
        }
    }
}
