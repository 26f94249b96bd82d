//! Reading JSON that came from elsewhere, with the place of what is wrong.

use serde::de::DeserializeOwned;

use crate::Pointer;
use crate::settings::pointer_of;

/// Why some bytes are not JSON of a shape.
pub(crate) struct NotJson {
    /// Where the mistake lies; the root if it is no JSON at all.
    pub(crate) pointer: Pointer,
    /// What is wrong there.
    pub(crate) message: String,
}

/// Reads one JSON text.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, NotJson> {
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
