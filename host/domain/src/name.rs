//! Names: the texts that distinguish things, and the rules that keep two of them from looking alike.
//!
//! There are three kinds. An *id* refers to something from elsewhere: a product, an environment, a deployment. A *name*
//! distinguishes the parts of one document: a component, a role, a label. A *text* is for people to read. None of them
//! is empty or blank. A *line* is a text that may be empty.

use std::collections::BTreeMap;

use caseless::Caseless as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::{GeneralSecurityProfile as _, RestrictionLevel, RestrictionLevelDetection as _};

use crate::distinct::{Keyed, distinct};
use crate::id::is_path_step;
use crate::shortened::shortened;

/// Why a text is not a valid name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {fault}")]
pub struct InvalidName {
    /// The kind of name, as the subject of a sentence.
    pub what: &'static str,
    /// What is wrong with it.
    pub fault: NameFault,
}

/// What is wrong with a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// The name is empty or blank.
    #[error("is empty: write one")]
    Empty,
    /// The name begins or ends with a blank.
    #[error("begins or ends with a blank in `{0}`: remove it")]
    BlankAtEnd(String),
    /// The name holds an invisible character, or one that changes the direction of the text after it.
    #[error("holds {} in `{shown}`: remove it", described(*.character))]
    Invisible {
        /// The first such character.
        character: char,
        /// The whole name, with such characters escaped as `\u{…}`.
        shown: String,
    },
    /// The name holds two blanks in a row, which look like one.
    #[error("holds two blanks in a row in `{0}`: remove one")]
    Blanks(String),
    /// The name is an asterisk, which looks like a pattern.
    #[error("is `*`, and patterns are not supported: write one id, or leave the field out")]
    Pattern,
    /// The name is `.` or `..`, a step in the path of an address.
    #[error("is `{0}`, which addresses take for a step in their path: write another one")]
    PathStep(String),
    /// The name holds a character that Unicode does not allow in identifiers.
    #[error(
        "holds `{character}` (U+{:04X}) in `{shown}`, which Unicode (UTS #39) does not allow in identifiers: write it with \
         ordinary letters and digits",
        u32::from(*.character)
    )]
    Restricted {
        /// The first such character.
        character: char,
        /// The whole name, as it was written.
        shown: String,
    },
    /// The name mixes scripts whose letters look alike.
    #[error(
        "mixes scripts in `{0}`, so people could take it for another one: write it in one script (UTS #39, \"highly \
         restrictive\")"
    )]
    MixedScripts(String),
}

/// The character with its kind and its number: `a control character (U+001B)`.
pub(crate) fn described(character: char) -> String {
    let kind = match character {
        _ if character.is_control() => "a control character",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a character that changes the direction of text"
        }
        _ if character.is_whitespace() => "a blank that is no space",
        _ => "an invisible character",
    };
    format!("{kind} (U+{:04X})", u32::from(character))
}

/// The form in which a trimmed text that identifies a person or team is compared: folded with Unicode's full case
/// folding, and composed (NFC).
///
/// # Errors
/// If the text is empty, or people could take it for another one.
pub(crate) fn normal_identity(what: &'static str, written: &str) -> Result<String, InvalidName> {
    check_identity(what, written)?;
    let normal = normal(written);
    // A letter can be allowed although its small form is not: the compared form must itself be an identity.
    check_identity(what, &normal)?;
    Ok(normal)
}

/// Checks a name: all of its characters are visible, and it has at most one blank between two words.
///
/// # Errors
/// The first mistake.
pub fn check_name(written: &str) -> Result<(), NameFault> {
    if written.trim().is_empty() {
        return Err(NameFault::Empty);
    }
    if let Some(character) = written.chars().find(|character| is_invisible(*character)) {
        return Err(NameFault::Invisible { character, shown: escaped(&abridged(written)) });
    }
    if written.starts_with(' ') || written.ends_with(' ') {
        return Err(NameFault::BlankAtEnd(abridged(written)));
    }
    if written.contains("  ") {
        return Err(NameFault::Blanks(abridged(written)));
    }
    Ok(())
}

/// Checks a text for people: at least one of its characters is visible.
///
/// # Errors
/// If all of its characters are blank or invisible.
pub fn check_text(written: &str) -> Result<(), NameFault> {
    match written.chars().all(|character| character.is_whitespace() || is_invisible(character)) {
        true => Err(NameFault::Empty),
        false => Ok(()),
    }
}

/// Checks an id: a name that people cannot take for another one.
///
/// # Errors
/// The first mistake.
pub fn check_id(written: &str) -> Result<(), InvalidName> {
    check_identity("the id", written)
}

fn check_identity(what: &'static str, written: &str) -> Result<(), InvalidName> {
    let wrong = |fault| Err(InvalidName { what, fault });
    check_name(written).or_else(wrong)?;
    if is_path_step(written) {
        return wrong(NameFault::PathStep(written.to_owned()));
    }
    if written.is_ascii() {
        return Ok(());
    }
    // The signs of ASCII belong to all scripts, and ids have many: `repo:acme/shop`, `ada+test@example.org`.
    let letters: String = written.nfc().filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric()).collect();
    if let Some(character) = letters.chars().find(|character| !character.identifier_allowed()) {
        return wrong(NameFault::Restricted { character, shown: abridged(written) });
    }
    if !letters.as_str().check_restriction_level(RestrictionLevel::HighlyRestrictive) {
        return wrong(NameFault::MixedScripts(abridged(written)));
    }
    Ok(())
}

fn normal(written: &str) -> String {
    if written.is_ascii() {
        return written.to_ascii_lowercase();
    }
    // Folding can take a composed letter apart, and the order of marks can change: Unicode defines canonical caseless
    // matching on the decomposed form.
    written.nfd().default_case_fold().nfd().nfc().collect()
}

/// Whether a character is invisible, although it makes two texts differ or changes the direction of the text after it.
fn is_invisible(character: char) -> bool {
    let formatting = matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    // Any other blank looks like a space.
    formatting || character.is_control() || (character.is_whitespace() && character != ' ')
}

/// Whether a character is not allowed in prose: a control character other than a tab or a line end, or one that changes
/// the order in which other characters are shown.
pub(crate) fn is_refused_in_prose(character: char) -> bool {
    let is_bidirectional = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_bidirectional || (character.is_control() && !matches!(character, '\t' | '\n' | '\r'))
}

/// Whether a character is not allowed in a text of one line.
fn is_refused_in_line(character: char) -> bool {
    let is_directional = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}');
    is_directional || character.is_control() || is_refused_in_prose(character)
}

/// Whether a terminal, or a program that reads lines, does more with a character than show it: control characters other
/// than line ends and tabs, other ends of lines and paragraphs, and characters that change the direction of text.
pub fn gives_orders(character: char) -> bool {
    is_refused_in_line(character) && !matches!(character, '\n' | '\t')
}

/// Checks a text of one line, for example a claim of an identity token: it holds no control character, and none that
/// changes the direction of text.
///
/// # Errors
/// The first such character.
pub fn check_line(text: &str) -> Result<(), NameFault> {
    match text.chars().find(|character| is_refused_in_line(*character)) {
        Some(character) => Err(NameFault::Invisible { character, shown: escaped(&abridged(text)) }),
        None => Ok(()),
    }
}

/// The part of a name that a message shows: names have no limit of their own, and a plugin may choose any.
fn abridged(name: &str) -> String {
    shortened(name, 60)
}

/// The text with invisible characters escaped.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|character| match is_invisible(character) {
            true => format!("\\u{{{:x}}}", u32::from(character)),
            false => character.to_string(),
        })
        .collect()
}

/// Makes a type of texts that are checked by a rule when they are read.
macro_rules! checked_text {
    ($(#[$doc:meta])* $type:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
        struct $type(String);

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> Result<(), InvalidName> = $check;
                check(&text).map_err(D::Error::custom)?;
                Ok(Self(text))
            }
        }

        impl From<$type> for String {
            fn from($type(text): $type) -> Self {
                text
            }
        }

        impl Keyed for $type {
            fn key(&self) -> &str {
                &self.0
            }
        }
    };
}

checked_text!(
    /// A text that refers to something from elsewhere.
    Id,
    check_id
);
checked_text!(
    /// A text that distinguishes the parts of a document.
    Name,
    |text| check_name(text).map_err(|fault| InvalidName { what: "the name", fault })
);
checked_text!(
    /// An id that limits something, where people could expect patterns.
    Border,
    |text| match text.trim() {
        "*" => Err(InvalidName { what: "the id", fault: NameFault::Pattern }),
        _ => check_id(text),
    }
);
checked_text!(
    /// A text for people to read. It may hold the characters of prose.
    Text,
    |text| check_text(text).map_err(|fault| InvalidName { what: "the text", fault })
);
checked_text!(
    /// A text of one line, which may be empty. It may hold joiners and variation selectors, which emoji and some
    /// scripts need.
    Line,
    |text| check_line(text).map_err(|fault| InvalidName { what: "the text", fault })
);

/// Reads an id: for `serde`'s `deserialize_with`, like the functions below.
pub fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Id::deserialize(deserializer).map(String::from)
}

/// Reads an optional id.
pub(crate) fn some_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Id>::deserialize(deserializer)?.map(String::from))
}

/// Reads an optional id that must not be a pattern.
pub(crate) fn border<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Border>::deserialize(deserializer)?.map(String::from))
}

/// Reads a list of distinct ids that must not be patterns.
pub(crate) fn borders<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids: Vec<Border> = distinct(deserializer)?;
    Ok(ids.into_iter().map(String::from).collect())
}

/// Reads a list of distinct ids.
pub(crate) fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids: Vec<Id> = distinct(deserializer)?;
    Ok(ids.into_iter().map(String::from).collect())
}

/// Reads a text that distinguishes the parts of a document: not empty, and without invisible characters.
pub fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Name::deserialize(deserializer).map(String::from)
}

/// Reads a list of distinct names.
pub(crate) fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<Name> = distinct(deserializer)?;
    Ok(names.into_iter().map(String::from).collect())
}

/// Reads an optional name.
pub(crate) fn some_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Name>::deserialize(deserializer)?.map(String::from))
}

/// Reads a text that is not blank.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Text::deserialize(deserializer).map(String::from)
}

/// Reads an optional text that is not blank.
pub(crate) fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text>::deserialize(deserializer)?.map(String::from))
}

/// Reads a list of distinct texts that are not blank.
pub(crate) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts: Vec<Text> = distinct(deserializer)?;
    Ok(texts.into_iter().map(String::from).collect())
}

/// Reads an object whose keys are names.
pub(crate) fn by_name<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    let members = BTreeMap::<Name, V>::deserialize(deserializer)?;
    Ok(members.into_iter().map(|(Name(name), value)| (name, value)).collect())
}

/// The most labels or attributes of one thing. Plugins get all of them together.
const MOST_LABELS: usize = 64;

/// The longest value of a label or an attribute, in bytes. What is longer belongs into a fact or into evidence.
const LONGEST_LABEL: usize = 1024;

/// Reads an object whose keys are names and whose values are short texts of one line.
pub(crate) fn labels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let labels: BTreeMap<String, Label> = by_name(deserializer)?;
    if labels.len() > MOST_LABELS {
        return Err(D::Error::custom(format_args!("{} entries: at most {MOST_LABELS} are allowed", labels.len())));
    }
    Ok(labels.into_iter().map(|(name, Label(text))| (name, text)).collect())
}

/// The value of a label.
struct Label(String);

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Line(text) = Line::deserialize(deserializer)?;
        if text.len() > LONGEST_LABEL {
            let length = text.len();
            return Err(D::Error::custom(format_args!(
                "the text has {length} bytes, and at most {LONGEST_LABEL} are allowed: use a fact or evidence for long texts"
            )));
        }
        Ok(Self(text))
    }
}

/// Reads a currency of ISO 4217: three capital letters.
pub(crate) fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
        true => Ok(text),
        false => {
            let message =
                format_args!("`{text}` is not a currency of ISO 4217: write three capital letters, such as `EUR`");
            Err(D::Error::custom(message))
        }
    }
}

/// Reads an optional number that is finite.
pub(crate) fn some_finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Option::<f64>::deserialize(deserializer)?.map(checked_finite).transpose()
}

/// Reads a number that is finite.
pub(crate) fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    checked_finite(f64::deserialize(deserializer)?)
}

fn checked_finite<E: serde::de::Error>(number: f64) -> Result<f64, E> {
    match number.is_finite() {
        true => Ok(number),
        false => Err(E::custom(format_args!("{number} is not finite: write a number"))),
    }
}

/// Reads an optional share of a whole.
pub(crate) fn some_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let share = Option::<f64>::deserialize(deserializer)?;
    match share.filter(|share| !(0.0..=1.0).contains(share)) {
        None => Ok(share),
        Some(share) => Err(D::Error::custom(format_args!("{share} is no share: write a number from 0 to 1"))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use serde_json::json;

    use crate::{Deployment, read_value};

    /// The error for the example deployment with another member at this pointer.
    fn said(pointer: &str, value: &str) -> Option<(String, String)> {
        let text = include_str!("../../../examples/new-version/deployment.json");
        let mut document: serde_json::Value = serde_json::from_str(text).unwrap();
        match pointer {
            "/labels" => document["labels"] = json!({ value: "a" }),
            "/labels/a" => document["labels"] = json!({ "a": value }),
            "/facts" => document["facts"] = json!({ value: {"schema": "acme:cost@1", "json": 1} }),
            "/facts/a/schema" => document["facts"] = json!({ "a": {"schema": value, "json": 1} }),
            "/facts/a/json" => document["facts"] = json!({ "a": {"schema": "acme:log@1", "json": {value: [value]}} }),
            pointer => *document.pointer_mut(pointer).unwrap() = json!(value),
        }
        let error = read_value::<Deployment>(&document).err()?;
        Some((error.pointer, error.fault.to_string()))
    }

    #[test]
    fn names_of_a_document_hold_no_character_that_people_do_not_see() {
        for pointer in
            ["/id", "/product/id", "/environment/name", "/release/id", "/release/components/0/name", "/change/id"]
        {
            for character in [
                '\u{0}', '\t', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{9b}', '\u{200b}', '\u{200e}', '\u{202e}',
                '\u{2066}',
            ] {
                let (place, said) = said(pointer, &format!("a{character}b")).unwrap();
                assert_eq!(place, pointer, "{character:?}");
                assert!(said.contains(&format!("(U+{:04X})", u32::from(character))), "{said}");
            }
            assert_eq!(said(pointer, "b\u{fc}ro 7"), None, "{pointer}");
        }
    }

    #[test]
    fn names_and_ids_of_a_document_are_not_blank_and_have_no_blanks_at_their_ends() {
        for (pointer, what) in [
            ("/product/id", "the id"),
            ("/environment/name", "the id"),
            ("/plan/targets/0", "the id"),
            ("/release/components/0/name", "the name"),
            ("/requester/roles/0", "the name"),
        ] {
            let fault = |value: &str| said(pointer, value).unwrap();
            for blank in ["", " ", "  "] {
                assert_eq!(fault(blank), (pointer.to_owned(), format!("{what} is empty: write one")));
            }
            for ends in ["staging ", " staging"] {
                let message = format!("{what} begins or ends with a blank in `{ends}`: remove it");
                assert_eq!(fault(ends), (pointer.to_owned(), message));
            }
            assert!(fault("a  b").1.contains("two blanks in a row"));
            assert!(fault("a\u{a0}b").1.contains("a blank that is no space (U+00A0)"));
        }
        for step in [".", ".."] {
            let message =
                format!("the id is `{step}`, which addresses take for a step in their path: write another one");
            assert_eq!(said("/change/id", step), Some(("/change/id".to_owned(), message)));
            assert_eq!(said("/release/components/0/name", step), None, "a name is no address");
        }
        for pointer in ["/release/name", "/change/title", "/release/knowledge_items/0/title"] {
            for blank in [" \n", "\u{200b}", " \u{2060} "] {
                assert_eq!(said(pointer, blank), Some((pointer.to_owned(), "the text is empty: write one".to_owned())));
            }
        }
    }

    #[test]
    fn ids_that_look_like_others_are_refused() {
        for pointer in
            ["/id", "/product/id", "/environment/name", "/actual_instances/0/id", "/actual_instances/0/environment"]
        {
            assert!(said(pointer, "st\u{430}ging").unwrap().1.contains("mixes scripts"), "{pointer}");
            assert!(said(pointer, "\u{ff53}taging").unwrap().1.contains("does not allow in identifiers"), "{pointer}");
            assert_eq!(said(pointer, "Staging"), None, "{pointer}");
        }
    }

    #[test]
    fn labels_and_names_of_facts_hold_no_control_and_no_direction() {
        for character in ['\n', '\u{1b}', '\u{9f}', '\u{200f}', '\u{202a}', '\u{2069}'] {
            let text = format!("a{character}b");
            let escaped = text.replace('/', "~1");
            assert_eq!(said("/labels", &text).unwrap().0, format!("/labels/{escaped}"));
            assert_eq!(said("/labels/a", &text).unwrap().0, "/labels/a");
            assert_eq!(said("/facts", &text).unwrap().0, format!("/facts/{escaped}"));
            assert_eq!(said("/facts/a/schema", &text).unwrap().0, "/facts/a/schema");
        }
        assert_eq!(said("/labels/a", "done \u{2714}\u{fe0f}"), None);
    }

    #[test]
    fn prose_may_have_lines_and_no_other_control() {
        assert_eq!(said("/change/description", "a\n\tb\r\n"), None);
        assert_eq!(
            said("/change/description", "a\u{1b}[31mb"),
            Some((
                "/change/description".to_owned(),
                "the text holds a control character (U+001B): remove it".to_owned()
            ))
        );
        assert_eq!(
            said("/change/description", "a\u{202e}b"),
            Some((
                "/change/description".to_owned(),
                "the text holds a character that changes the direction of text (U+202E): remove it".to_owned()
            ))
        );
    }

    /// A fact is somebody else's document: it is taken as it is.
    #[test]
    fn the_json_of_a_fact_may_hold_any_character() {
        assert_eq!(said("/facts/a/json", "\u{1b}[31mred\u{1b}[0m\u{202e}"), None);
    }

    #[test]
    fn of_a_long_name_a_message_shows_sixty_characters() {
        let message =
            super::check_name(&format!("{}\u{0}{}", "a".repeat(59), "b".repeat(5000))).unwrap_err().to_string();
        assert!(message.len() < 200, "{message}");
        assert!(message.contains(&format!("{}\\u{{0}}…", "a".repeat(59))), "{message}");
    }
}
