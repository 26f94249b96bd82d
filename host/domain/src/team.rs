//! The name of a team, in the form in which two names are compared.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::name::{InvalidName, normal_identity};

/// The subject of a message about a name.
const WHAT: &str = "the name of a team";

/// The name of a team, in its normal form: trimmed, folded with Unicode's full case folding, and composed (NFC).
/// `Shop`, `shop` and ` SHOP ` are one team, wherever they come from. The rules are those of
/// [`PersonId`](crate::PersonId), but a team has only the normal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TeamName(String);

impl TeamName {
    /// Reads the name of a team.
    ///
    /// # Errors
    /// If the text is empty, or people could take it for another name.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        normal_identity(WHAT, text.trim()).map(Self)
    }

    /// The name in its normal form: trimmed, folded and composed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for TeamName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for TeamName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for TeamName {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for TeamName {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for TeamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TeamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for TeamName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for TeamName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::new(&text).map_err(D::Error::custom)
    }
}

impl JsonSchema for TeamName {
    fn schema_name() -> Cow<'static, str> {
        "TeamName".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_one_team() {
        for (one, other) in [
            ("Shop", "shop"),
            (" shop\t", "SHOP"),
            ("Jos\u{e9}", "JOSE\u{301}"),
            ("STRASSE", "stra\u{df}e"),
            ("Team A/B", "team a/b"),
        ] {
            assert_eq!(TeamName::new(one).unwrap(), TeamName::new(other).unwrap(), "{one} {other}");
            assert_eq!(TeamName::new(one).unwrap().as_str(), TeamName::new(other).unwrap().as_str());
        }
        assert_ne!(TeamName::new("shop").unwrap(), TeamName::new("shop2").unwrap());
    }

    #[test]
    fn names_that_look_like_others_are_refused() {
        for text in
            ["", " \t", "sh\u{200b}op", "sh\u{202e}op", "sh\u{9b}op", "sh\nop", "a  b", "sh\u{43e}p", "sh\u{ff4f}p"]
        {
            assert!(TeamName::new(text).is_err(), "{text:?}");
        }
        assert_eq!(
            TeamName::new("sh\u{202e}op").unwrap_err().to_string(),
            "the name of a team holds a character that changes the direction of text (U+202E) in `sh\\u{202e}op`: remove it"
        );
    }

    #[test]
    fn json_holds_the_normal_form() {
        let read: TeamName = serde_json::from_str("\" Shop \"").unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), "\"shop\"");
    }
}
