//! A text with signatures under it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{SigningKey, VerifyingKey};

/// The most signatures that a note may carry. Every reader of notes must accept this many.
const MOST_SIGNATURES: usize = 16;
/// How large a note may be, in bytes.
const LARGEST: usize = 64 * 1024;

/// Why a note cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// The text does not have the form of a note. The message says what is wrong.
    #[error("not a signed note: {0}")]
    Malformed(&'static str),
    /// No trusted key has signed the note.
    #[error("no signature of a trusted key: signed by {signed_by}, trusted is {trusted}")]
    Unsigned {
        /// The names and ids of the keys that signed.
        signed_by: String,
        /// The names and ids of the trusted keys.
        trusted: String,
    },
    /// The signature of a trusted key is wrong: somebody changed the text or the signature.
    #[error("the signature of `{0}` does not fit the text: one of them was changed")]
    Forged(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    name: String,
    id: u32,
    bytes: Vec<u8>,
}

/// A text with signatures under it. Do not rely on the text before [`Self::verify`] has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

impl Note {
    /// Signs a text, which has to end in a newline, and returns the whole note.
    pub fn sign(text: &str, keys: &[&SigningKey]) -> String {
        let mut note = format!("{text}\n");
        for key in keys {
            let verifying = key.verifying_key();
            let mut signature = verifying.id().to_be_bytes().to_vec();
            signature.extend(key.sign(text.as_bytes()));
            note.push_str(&format!("\u{2014} {} {}\n", verifying.name(), STANDARD.encode(signature)));
        }
        note
    }

    /// Splits a note into text and signatures, without verifying it.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let malformed = NoteError::Malformed;
        if note.len() > LARGEST {
            return Err(malformed("it is larger than 64 KiB"));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(malformed("it holds a control character"));
        }
        let split = note.rfind("\n\n").ok_or(malformed("it has no empty line before its signatures"))?;
        let (text, signatures) = (note.get(..=split), note.get(split + 2..));
        let (Some(text), Some(signatures)) = (text, signatures) else { return Err(malformed("it is cut off")) };
        let signatures = signatures.strip_suffix('\n').ok_or(malformed("its last line does not end"))?;
        let signatures = signatures.split('\n').map(signature).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MOST_SIGNATURES {
            return Err(malformed("it has more than 16 signatures"));
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The text, without the signatures. It has not been verified.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Verifies that one of the trusted keys has signed the text, and returns that key.
    ///
    /// # Errors
    /// If none of them has, or one of their signatures is wrong.
    pub fn verify<'k>(&self, trusted: &[&'k VerifyingKey]) -> Result<&'k VerifyingKey, NoteError> {
        let mut found = None;
        for signature in &self.signatures {
            let key = trusted.iter().find(|key| key.name() == signature.name && key.id() == signature.id);
            let Some(key) = key else { continue };
            if !key.verifies(self.text.as_bytes(), &signature.bytes) {
                return Err(NoteError::Forged(signature.name.clone()));
            }
            found = found.or(Some(*key));
        }
        found.ok_or_else(|| NoteError::Unsigned {
            signed_by: listed(self.signatures.iter().map(|s| (s.name.as_str(), s.id))),
            trusted: listed(trusted.iter().map(|key| (key.name(), key.id()))),
        })
    }
}

fn listed<'a>(keys: impl Iterator<Item = (&'a str, u32)>) -> String {
    let keys: Vec<String> = keys.map(|(name, id)| format!("`{name}` ({id:08x})")).collect();
    if keys.is_empty() { "nobody".to_owned() } else { keys.join(", ") }
}

fn signature(line: &str) -> Result<Signature, NoteError> {
    const WRONG: NoteError = NoteError::Malformed("a signature is not `— <name> <base64>`");
    let (name, bytes) = line.strip_prefix("\u{2014} ").and_then(|rest| rest.split_once(' ')).ok_or(WRONG)?;
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c == '+') {
        return Err(WRONG);
    }
    let bytes = STANDARD.decode(bytes).map_err(|_| WRONG)?;
    let (id, bytes) = bytes.split_first_chunk::<4>().ok_or(WRONG)?;
    Ok(Signature { name: name.to_owned(), id: u32::from_be_bytes(*id), bytes: bytes.to_vec() })
}
