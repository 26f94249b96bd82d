//! Reads JSON from outside, and reports the place of a mistake.
//!
//! As the host does, it accepts a document as a whole or refuses it: an object that has a key twice has no meaning,
//! because RFC 8259 leaves open which of the two counts. It skips a byte order mark at the beginning.

mod doubled_keys;

use serde::Deserialize;

use crate::Pointer;
use crate::settings::pointer_of;

/// Why some bytes are not JSON that fits a type.
pub(crate) struct NotJson {
    /// The place of the mistake; the root if the bytes are not JSON at all.
    pub(crate) pointer: Pointer,
    /// What is wrong at this place.
    pub(crate) message: String,
}

/// The bytes without a byte order mark at the beginning.
pub(crate) fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Reads one JSON text.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, NotJson> {
    let bytes = without_byte_order_mark(bytes);
    doubled_keys::refuse(bytes)?;
    // Most documents are right, and finding the place of a mistake costs several times as much as reading.
    serde_json::from_slice(bytes).map_err(|error| {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let (pointer, message) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Err(error) => (pointer_of(error.path()), error.into_inner().to_string()),
            // The text after the value is wrong, not the value.
            Ok(_) => (Pointer::root(), error.to_string()),
        };
        NotJson { pointer, message }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_beginning_alone() {
        let read = |text: &str| read::<Value>(text.as_bytes()).ok();
        assert_eq!(read("\u{feff}{\"a\": 1}"), Some(json!({"a": 1})));
        for text in ["\u{feff}\u{feff}{}", " \u{feff}{}", "{}\u{feff}", "\u{feff}"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
