//! Normalises the settings that an operator wrote for `configure`.
//!
//! A plugin marks ids of people in the JSON Schema of its settings by `"format": "lockgate-person"`. The host puts each of them
//! into its normal form, which snapshots have, so that a plugin in any language can compare ids as bytes. Everything else
//! reaches the plugin as it was written, and the plugin checks whether the settings fit their schema. Other formats
//! ([`SettingsMark`]) tell the host what a value is, so that it can compare it with the rest of a deployment model.
//!
//! A validator of JSON Schema cannot be used. It drops the formats of settings that do not fit, so an id beside an error would
//! reach the plugin as it was written. And a schema comes from a plugin: one of a few kilobytes that refers to its own parts
//! many times would keep a validator busy for years. So [`search`] counts its steps, and [`schema`] refuses formats where
//! [`search`] does not look.

mod mark;
mod rewrite;
mod schema;
mod search;
#[cfg(test)]
mod tests;

use lockgate_domain::{Digest, DigestError, SettingsFinding, canonical_json};
use serde_json::Value;

use rewrite::rewrite;
use search::MarkSearch;

pub use mark::{MarkedSetting, MarkedValue, PeriodEnd, SettingsMark};
pub use schema::MarkError;
pub(crate) use schema::check as check_schema;

/// The most searches of settings. Several can be necessary, because an id in its normal form can make another branch of the
/// schema fit.
const MOST_SEARCHES: usize = 8;

/// Why a plugin cannot be configured with some settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// Invalid ids of people, and keys of one object that are the same person.
    #[error("the settings are refused")]
    Findings(Vec<SettingsFinding>),
    /// The settings are too large: their size and the limit, in bytes of canonical JSON.
    #[error("the settings are too large")]
    TooLarge { size: u64, limit: u64 },
    /// The settings have no canonical JSON.
    #[error(transparent)]
    NotCanonical(#[from] DigestError),
    /// The host could miss a format of their schema.
    #[error(transparent)]
    Schema(#[from] MarkError),
}

/// The settings that an operator wrote, or that a recording holds.
#[derive(Clone, Debug)]
pub(crate) struct WrittenSettings(CanonicalSettings);

/// The settings that a plugin is configured with, in which every id of a person is in its normal form. Only
/// [`WrittenSettings::normalise`] makes them, and `configure` gets nothing else.
#[derive(Clone, Debug)]
pub(crate) struct NormalSettings {
    canonical: CanonicalSettings,
    marked: Vec<MarkedSetting>,
}

#[derive(Clone, Debug)]
struct CanonicalSettings {
    value: Value,
    json: String,
    digest: Digest,
}

impl WrittenSettings {
    /// Settings of at most `limit` bytes of canonical JSON.
    ///
    /// # Errors
    /// If they are larger, or have no canonical JSON.
    pub(crate) fn new(value: Value, limit: u64) -> Result<Self, SettingsError> {
        CanonicalSettings::new(value, limit).map(Self)
    }

    /// The SHA-256 digest of their canonical JSON.
    pub(crate) fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The settings with each id of a person in its normal form, of at most `limit` bytes. Normal settings stay the same.
    ///
    /// # Errors
    /// If an id of a person is invalid, two keys of one object are the same person, or the schema is too complex to search.
    pub(crate) fn normalise(&self, schema: &Value, limit: u64) -> Result<NormalSettings, SettingsError> {
        let (value, marked) = normal_value(schema, &self.0.value)?;
        Ok(NormalSettings { canonical: CanonicalSettings::new(value, limit)?, marked })
    }
}

impl NormalSettings {
    /// The settings.
    pub(crate) fn value(&self) -> &Value {
        &self.canonical.value
    }

    /// The marked values in them except ids of people, in the order of the settings.
    pub(crate) fn marked(&self) -> &[MarkedSetting] {
        &self.marked
    }

    /// Their canonical JSON.
    pub(crate) fn json(&self) -> &str {
        &self.canonical.json
    }

    /// The SHA-256 digest of their canonical JSON.
    pub(crate) fn digest(&self) -> Digest {
        self.canonical.digest
    }
}

impl CanonicalSettings {
    fn new(value: Value, limit: u64) -> Result<Self, SettingsError> {
        let json = canonical_json(&value)?;
        let size = json.len() as u64;
        if size > limit {
            return Err(SettingsError::TooLarge { size, limit });
        }
        let digest = Digest::of(&json);
        let json = String::from_utf8(json).map_err(|error| DigestError::NotCanonical(error.to_string()))?;
        Ok(Self { value, json, digest })
    }
}

/// The settings with each id of a person in its normal form, and the other marked values.
fn normal_value(schema: &Value, settings: &Value) -> Result<(Value, Vec<MarkedSetting>), SettingsError> {
    let mut settings = settings.clone();
    if !schema::has_marks(schema) {
        return Ok((settings, Vec::new()));
    }
    let mut search = MarkSearch::new(schema);
    for _ in 0..MOST_SEARCHES {
        let marks = search.marks(&settings)?;
        let (rewritten, marked) = rewrite(&settings, &marks).map_err(SettingsError::Findings)?;
        if rewritten == settings {
            return Ok((settings, marked));
        }
        settings = rewritten;
    }
    Err(MarkError::TooIntricate.into())
}
