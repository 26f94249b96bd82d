//! A few values that outlive the evaluation.
//!
//! A plugin that uses them asks for [`Capability::key_value`](crate::Capability::key_value); one that does not, does
//! not even import the interface. In a native test, [`Fixture::with_value`](crate::testing::Fixture::with_value)
//! provides the values.
//!
//! A call sees the values from before the decision, and its own changes. The host writes the changes together with the
//! decision, and calls the plugin again if another decision has changed the values meanwhile, so a counter misses no
//! decision. The bindings of one gate all see the values from before, and the last one to change a key wins: if several
//! of them count, use a key for each.
//!
//! ```
//! use lockgate_plugin::key_value::Values;
//! use lockgate_plugin::testing::Fixture;
//! use lockgate_plugin::{Evaluation, PluginError};
//!
//! fn attempts(evaluation: &Evaluation) -> Result<usize, PluginError> {
//!     let values = Values::of(evaluation);
//!     values.set(&format!("attempt/{}", evaluation.id()), "")?;
//!     Ok(values.keys("attempt/")?.len())
//! }
//!
//! let fixture = Fixture::new().with_value("attempt/deployment-0", "");
//! assert_eq!(attempts(&fixture.evaluation()), Ok(2));
//! assert_eq!(fixture.value("attempt/deployment-1").as_deref(), Some(&b""[..]));
//! ```

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::host::key_value as host;
pub use crate::bindings::lockgate::host::key_value::KeyValueError;
use crate::json::{self, NotJson};
use crate::{Evaluation, PluginError};

/// How a plugin may use values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The plugin may read them.
    ReadOnly,
    /// The plugin may read and change them.
    ReadWrite,
}

impl Access {
    /// The word that operators use.
    pub fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
        }
    }
}

/// The values of the namespace that the operator names.
///
/// A key is text of 1 to 256 bytes without control characters. The operator limits the size of all keys and values
/// together.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    #[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "the host knows which evaluation it runs"))]
    evaluation: Evaluation<'a>,
}

impl<'a> Values<'a> {
    /// The values that the plugin may use.
    pub fn of(evaluation: &Evaluation<'a>) -> Self {
        Self { evaluation: *evaluation }
    }

    /// The value of a key, if it has one.
    ///
    /// # Errors
    /// If the key is not valid, or the host cannot read the values.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::get(key)
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.evaluation.fixture().values().get(key)
        }
    }

    /// The keys that begin with the prefix, in the order of their bytes. An empty prefix gives all keys.
    ///
    /// # Errors
    /// If the host cannot read the values.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, KeyValueError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::keys(prefix)
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.evaluation.fixture().values().keys(prefix)
        }
    }

    /// Sets the value of a key.
    ///
    /// # Errors
    /// If the values may only be read, the key is not valid, there is no room, or the host cannot read the values.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Result<(), KeyValueError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::set(key, value.as_ref())
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.evaluation.fixture().values().set(key, value.as_ref())
        }
    }

    /// Deletes a key, if it exists.
    ///
    /// # Errors
    /// If the values may only be read, the key is not valid, or the host cannot read the values.
    pub fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        #[cfg(target_arch = "wasm32")]
        {
            host::delete(key)
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.evaluation.fixture().values().delete(key)
        }
    }

    /// Reads the value of a key, if it has one, as one JSON text.
    ///
    /// # Errors
    /// As [`get`](Self::get), with the code `values-unusable`; `value-unreadable` if it is not JSON, has a key twice in
    /// one object, or does not fit the type.
    pub fn json<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, PluginError> {
        let unreadable = |NotJson { pointer, message }| {
            let place = if pointer.as_str().is_empty() { String::new() } else { format!(" at `{pointer}`") };
            PluginError::new("value-unreadable", format!("the value of `{key}`{place}: {message}"))
        };
        self.get(key)?.map(|value| json::read(&value).map_err(unreadable)).transpose()
    }

    /// Sets the value of a key as JSON.
    ///
    /// # Errors
    /// As [`set`](Self::set), with the code `values-unusable`; `value-unwritable` if the value has no JSON form.
    pub fn set_json<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), PluginError> {
        let unwritable = |error| PluginError::new("value-unwritable", format!("the value of `{key}`: {error}"));
        Ok(self.set(key, serde_json::to_vec(value).map_err(unwritable)?)?)
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values(..)")
    }
}

impl KeyValueError {
    /// The error for people.
    pub fn in_words(&self) -> String {
        match self {
            Self::ReadOnly => "the values are granted for reading only".to_owned(),
            Self::InvalidKey(why) => format!("invalid key: {why}"),
            Self::QuotaExceeded(granted) => format!("the quota of {granted} bytes is exceeded"),
            Self::Unavailable(why) => why.clone(),
        }
    }
}

impl From<KeyValueError> for PluginError {
    /// The plugin cannot answer without it: `values-unusable`.
    fn from(error: KeyValueError) -> Self {
        Self::new("values-unusable", error.in_words())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::testing::Fixture;

    #[test]
    fn a_fixture_keeps_values_from_one_call_to_the_next() {
        let fixture = Fixture::new().with_value("b", "1").with_value("ab", "2");
        let first = fixture.evaluation();
        Values::of(&first).set("a", [0, 255]).unwrap();
        Values::of(&first).delete("b").unwrap();
        let next = fixture.evaluation();
        let values = Values::of(&next);
        assert_eq!(values.keys("").unwrap(), ["a", "ab"]);
        assert_eq!(values.keys("ab").unwrap(), ["ab"]);
        assert_eq!(values.get("a").unwrap(), Some(vec![0, 255]));
        assert_eq!(values.get("b").unwrap(), None);
        assert_eq!((fixture.value("ab"), fixture.value("b")), (Some(b"2".to_vec()), None));
    }

    #[test]
    fn a_fixture_refuses_what_the_host_would() {
        let mut fixture = Fixture::new().with_value("a", "1");
        {
            let evaluation = fixture.evaluation();
            let values = Values::of(&evaluation);
            for key in ["", "line\nbreak", &"k".repeat(257)] {
                assert!(matches!(values.get(key), Err(KeyValueError::InvalidKey(_))));
                assert!(matches!(values.set(key, ""), Err(KeyValueError::InvalidKey(_))));
                assert!(matches!(values.delete(key), Err(KeyValueError::InvalidKey(_))));
            }
            assert_eq!(values.set("b", [0; 65_534]), Err(KeyValueError::QuotaExceeded(65_536)));
            assert_eq!(values.set("b", [0; 65_533]), Ok(()));
        }
        fixture = fixture.with_values_to_read_alone();
        let evaluation = fixture.evaluation();
        let values = Values::of(&evaluation);
        assert_eq!(values.get("a").unwrap(), Some(b"1".to_vec()));
        assert_eq!(values.set("a", "2"), Err(KeyValueError::ReadOnly));
        assert_eq!(values.delete("a"), Err(KeyValueError::ReadOnly));
    }

    #[test]
    fn a_test_says_that_values_are_not_to_be_had() {
        let fixture = Fixture::new().without_values("the disk is gone");
        let evaluation = fixture.evaluation();
        let error = Values::of(&evaluation).json::<u32>("a").unwrap_err();
        assert_eq!((error.code.as_str(), error.message.as_str()), ("values-unusable", "the disk is gone"));
    }

    #[test]
    fn values_can_be_json() {
        let fixture = Fixture::new().with_value("text", "seven");
        let evaluation = fixture.evaluation();
        let values = Values::of(&evaluation);
        values.set_json("count", &7).unwrap();
        assert_eq!(values.json::<u32>("count").unwrap(), Some(7));
        assert_eq!(values.json::<u32>("gone").unwrap(), None);
        let error = values.json::<u32>("text").unwrap_err();
        assert_eq!(error.code, "value-unreadable");
        assert_eq!(error.message, "the value of `text`: expected value at line 1 column 1");
    }
}
