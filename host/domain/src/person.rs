//! The id of a person, and the form in which two ids are compared.
//!
//! An id reaches Lockgate in many ways: a claim of an identity token, a name in a certificate, `token create --for`, a
//! deployment document, a plugin's settings. Each of them makes a [`PersonId`], so `Kim@example.org`, `kim@example.org`
//! and ` KIM@example.org ` are one person everywhere.
//!
//! A [`PersonId`] keeps two forms. The *written* form is the original text, which people and files show. The *normal*
//! form is compared, and is the only one that plugins and expressions see. It is the written form trimmed, folded with
//! Unicode's full case folding, and composed (NFC). Characters that are invisible or that no identifier needs are
//! refused, and so are mixtures of scripts that Unicode Technical Standard #39 does not call *highly restrictive*: two
//! ids that look alike should not be two people.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::distinct::Keyed;
use crate::name::{InvalidName, normal_identity};

/// The `format` in a JSON Schema for a text that is the id of a person. The host converts such a text in a plugin's
/// settings to its normal form before the plugin sees it.
pub const PERSON_FORMAT: &str = "lockgate-person";

/// The id of a person: an account name, an e-mail address, the subject of an identity token.
///
/// Two ids are equal, and have the same order and hash, if their normal forms are equal. JSON holds the written form.
#[derive(Clone)]
pub struct PersonId {
    written: Box<str>,
    /// The normal form. None if it equals the written one.
    normal: Option<Box<str>>,
}

impl PersonId {
    /// Reads the id of a person, and makes its normal form.
    ///
    /// # Errors
    /// If the text is empty, or people could take it for another id.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let written = text.trim();
        let normal = normal_identity(WHAT, written)?;
        let normal = if *normal == *written { None } else { Some(normal.into()) };
        Ok(Self { written: written.into(), normal })
    }

    /// An id that the host itself chooses, for example `administrator`.
    ///
    /// # Panics
    /// If the text is not the id of a person.
    #[expect(clippy::expect_used, reason = "such a text stands in the code, and a test shows that it is an id")]
    pub fn of_host(text: &'static str) -> Self {
        Self::new(text).expect("a plain word is the id of a person")
    }

    /// The form that is compared, and that plugins see.
    pub fn normal(&self) -> &str {
        self.normal.as_deref().unwrap_or(&self.written)
    }

    /// The original form, without blanks around it, which people see.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether the written forms are equal, too. Two equal ids can be two accounts of an issuer that distinguishes
    /// cases, as OpenID Connect allows: they count as one person, but neither account can take back what the other one
    /// said.
    pub fn is_written_like(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

/// The subject of a message about an id.
const WHAT: &str = "the id of a person";

impl Keyed for PersonId {
    fn key(&self) -> &str {
        self.normal()
    }
}

impl PartialEq for PersonId {
    fn eq(&self, other: &Self) -> bool {
        self.normal() == other.normal()
    }
}

impl Eq for PersonId {}

impl PartialOrd for PersonId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PersonId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.normal().cmp(other.normal())
    }
}

impl Hash for PersonId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.normal().hash(state);
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.written, f)
    }
}

impl FromStr for PersonId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl PersonId {
    /// The id whose written form is the normal form.
    #[must_use]
    pub fn in_normal_form(&self) -> Self {
        Self { written: self.normal().into(), normal: None }
    }
}

impl Serialize for PersonId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

impl<'de> Deserialize<'de> for PersonId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for PersonId {
    fn schema_name() -> Cow<'static, str> {
        "PersonId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "format": PERSON_FORMAT })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use lockgate_repeat::Repeat;
    use proptest::prelude::*;

    use super::*;
    use crate::NameFault;

    fn id(text: &str) -> PersonId {
        PersonId::new(text).unwrap()
    }

    #[test]
    fn spellings_of_one_id_are_one_person() {
        for (one, other) in [
            ("Kim@Example.org", "kim@example.ORG"),
            ("  kim@example.org\t", "kim@example.org"),
            ("Jos\u{e9}", "jose\u{301}"),
            ("JOSE\u{301}", "jos\u{e9}"),
            ("STRASSE", "stra\u{df}e"),
            ("\u{1e9e}a", "ssA"),
            ("\u{391}\u{3a3}", "\u{3b1}\u{3c2}"),
            ("\u{410}\u{41d}\u{41d}\u{410}", "\u{430}\u{43d}\u{43d}\u{430}"),
            ("\u{1fb3}", "\u{3b1}\u{3b9}"),
            ("A\u{30a}sa", "\u{e5}sa"),
        ] {
            assert_eq!(id(one), id(other), "{one} {other}");
            assert!(!id(one).is_written_like(&id(other)) || one.trim() == other.trim());
        }
    }

    #[test]
    fn other_ids_are_other_people() {
        for (one, other) in [("kim", "kim2"), ("kim@a.org", "kim@b.org"), ("jose", "jos\u{e9}"), ("i", "\u{131}")] {
            assert_ne!(id(one), id(other));
        }
    }

    #[test]
    fn ids_of_ci_systems_and_certificates_are_taken() {
        for text in [
            "repo:acme/shop:ref:refs/heads/main",
            "spiffe://example.org/ns/ci/sa/deploy",
            "Ada Lovelace",
            "ada+test@example.org",
            "auth0|5f7c8ec7c33c6c004bbafe82",
            "O'Neill, Kim (ext.)",
            "\u{7530}\u{4e2d} taro",
            "\u{5f20}\u{4f1f}@example.org",
        ] {
            assert_eq!(id(text).written(), text);
        }
    }

    #[test]
    fn ids_that_look_like_others_are_refused() {
        use NameFault::{Blanks, Empty, Invisible, MixedScripts, Restricted};
        let new = |text: &str| PersonId::new(text).map_err(|error| error.fault);
        assert_eq!(new(" \t ").map(|_| ()), Err(Empty));
        for character in ['\u{200b}', '\u{202e}', '\u{2066}', '\u{0}', '\u{7f}', '\u{3164}', '\u{fe0f}', '\u{e0041}'] {
            let text = format!("a{character}da");
            assert!(matches!(new(&text), Err(Invisible { .. })), "{text:?}");
        }
        assert!(matches!(new("ada  l"), Err(Blanks(_))));
        // A Cyrillic `а` among Latin letters, a Greek omicron, and an Armenian letter.
        for text in ["\u{430}da@example.org", "b\u{3bf}b", "\u{578}ne-n"] {
            assert!(matches!(new(text), Err(MixedScripts(_))), "{text}");
        }
        // Full-width letters, a mathematical letter, the long s, a dash, a face, an unassigned code point.
        // And a capital letter that is allowed although its small form is not.
        for text in ["\u{10c7}", "\u{ff41}da", "\u{1d41a}da", "\u{17f}am", "ada\u{2014}l", "ada\u{1f600}", "ada\u{378}"]
        {
            assert!(matches!(new(text), Err(Restricted { .. })), "{text}");
        }
    }

    #[test]
    fn json_holds_the_written_form_and_reads_it_trimmed() {
        let read: PersonId = serde_json::from_str("\" Kim@example.org \"").unwrap();
        assert_eq!((read.written(), read.normal()), ("Kim@example.org", "kim@example.org"));
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"Kim@example.org\"");
    }

    proptest! {
        #![proptest_config(Repeat::new(256, 100_000).property())]

        #[test]
        fn the_normal_form_is_its_own_normal_form(text in "\\PC{1,12}") {
            if let Ok(first) = PersonId::new(&text) {
                let again = PersonId::new(first.normal());
                prop_assert_eq!(again.as_ref().map(PersonId::normal), Ok(first.normal()));
                prop_assert_eq!(again.as_ref().map(PersonId::written), Ok(first.normal()));
            }
        }
    }
}
