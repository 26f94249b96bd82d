//! Reading JSON that came from elsewhere, with the place of what is wrong.
//!
//! As the host does, it reads a document wholly or not at all: an object that has a key twice has no meaning, because
//! RFC 8259 leaves open which of the two counts. A byte order mark at the beginning is skipped.

mod doubled_keys;

use serde::Deserialize;

use crate::Pointer;
use crate::settings::pointer_of;

/// Why some bytes are not JSON of a shape.
pub(crate) struct NotJson {
    /// Where the mistake lies; the root if it is no JSON at all.
    pub(crate) pointer: Pointer,
    /// What is wrong there.
    pub(crate) message: String,
}

/// The bytes without the byte order mark that they may begin with.
pub(crate) fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Reads one JSON text.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, NotJson> {
    let bytes = without_byte_order_mark(bytes);
    doubled_keys::refuse(bytes)?;
    // Most is as it should be, and finding the place of a mistake costs several times what reading costs.
    serde_json::from_slice(bytes).map_err(|error| {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let (pointer, message) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
            Err(error) => (pointer_of(error.path()), error.into_inner().to_string()),
            // What follows the value is wrong, not the value.
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
