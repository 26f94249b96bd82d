//! Bytes that are base64 (RFC 4648) in JSON, as the tape of an evaluation and recordings hold them.
//!
//! Text is base64, too: binary data must come back unchanged, and must not look different from text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes whose JSON form is a base64 text (RFC 4648, with padding).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64Bytes(pub(crate) Vec<u8>);

impl From<Vec<u8>> for Base64Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Serialize for Base64Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(|error| D::Error::custom(format_args!("invalid base64: {error}")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn bytes_are_base64_on_the_tape_and_come_back_as_they_were() {
        let written = serde_json::to_string(&Base64Bytes(vec![0, 0xff, b'a', b'b'])).unwrap();
        assert_eq!(written, r#""AP9hYg==""#);
        assert_eq!(serde_json::from_str::<Base64Bytes>(&written).unwrap().0, [0, 0xff, b'a', b'b']);
        assert_eq!(serde_json::to_string(&Base64Bytes::default()).unwrap(), r#""""#);
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        assert!(serde_json::from_str::<Base64Bytes>(r#""AP9hYg""#).is_err());
        assert!(serde_json::from_str::<Base64Bytes>("7").is_err());
    }
}
