//! Content digests.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::time::as_text;
use crate::{DigestError, with_canonical_json};

/// A SHA-256 digest, written `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of the bytes that the hasher has read.
    pub(crate) fn of_hash(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }

    /// The digest of a value's canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// If the value has no JSON form.
    pub fn of_canonical<T: Serialize + ?Sized>(value: &T) -> Result<Self, DigestError> {
        with_canonical_json(value, |json, _| Self::of(json.as_bytes()))
    }

    /// The 32 bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hex digits, without the prefix for the algorithm.
    pub fn hex(&self) -> String {
        self.after("")
    }

    /// A prefix followed by the hex digits. Every call of a plugin needs some, so this is one allocation and no
    /// formatting.
    #[inline]
    fn after(&self, prefix: &str) -> String {
        let mut text = String::with_capacity(prefix.len() + 64);
        text.push_str(prefix);
        self.with_digits(|digits| text.push_str(digits));
        text
    }

    /// Hands the hex digits on, without an allocation.
    #[expect(clippy::expect_used, reason = "hex digits are ASCII")]
    fn with_digits<R>(&self, take: impl FnOnce(&str) -> R) -> R {
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        take(std::str::from_utf8(&digits).expect("hex digits"))
    }

    /// The digest as text: `sha256:` and the hex digits.
    #[inline]
    pub fn text(&self) -> String {
        self.after("sha256:")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.with_digits(|digits| f.write_str(digits))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let wrong = || DigestError::Malformed(text.to_owned());
        let hex = text.strip_prefix("sha256:").ok_or_else(wrong)?;
        if hex.len() != 64 || hex.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

as_text!(
    Digest,
    json_schema!({
        "type": "string",
        "pattern": "^sha256:[0-9a-f]{64}$",
        "description": "A SHA-256 digest."
    })
);
