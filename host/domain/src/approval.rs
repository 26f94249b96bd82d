//! People and what they answered.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Digest, Timestamp};

/// Somebody who asks, contributes or approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Unique and stable, for example an account or e-mail address. No blanks around it, and nothing invisible in it:
    /// two people must not look like one, nor one like two.
    #[serde(deserialize_with = "identity")]
    #[schemars(length(min = 1))]
    pub id: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The roles that the person holds, for example `change-authority`.
    #[serde(default)]
    pub roles: Vec<String>,
}

fn identity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let id = String::deserialize(deserializer)?;
    if id.is_empty() {
        return Err(D::Error::custom("the id of a person is empty: write an account or e-mail address"));
    }
    if id.trim() != id || id.chars().any(is_invisible) {
        let shown = id.escape_debug();
        return Err(D::Error::custom(format!(
            "the id of a person holds blanks around it or invisible characters: `{shown}`"
        )));
    }
    Ok(id)
}

/// Characters that nobody sees, but that make two texts differ.
fn is_invisible(character: char) -> bool {
    let formatting = matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    formatting || character.is_control()
}

/// What an approver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalAnswer {
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

/// One answer of one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Unique within the deployment.
    pub id: String,
    /// Who answered.
    pub person: Person,
    /// In which role: one of the person's.
    pub role: String,
    /// What the person answered.
    pub answer: ApprovalAnswer,
    /// When.
    pub at: Timestamp,
    /// From this moment on it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// What was approved: the [subject](crate::Snapshot::subject) at that time.
    pub subject: Digest,
    /// What the person added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}
