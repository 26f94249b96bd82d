//! From the settings text to a configured plugin, with everything that is wrong reported at once.
//!
//! Reading stops at the first mistake, which would let an operator correct one line at a time. So the text is held
//! against the JSON Schema of the settings first ([`schema`]), which finds all mistakes of shape; what has the right
//! shape is read; and what is read is judged by the plugin.

mod schema;
mod text;

use schemars::generate::SchemaSettings;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

pub use crate::bindings::exports::lockgate::types::plugin::SettingsFinding;
use crate::json::{self, NotJson};
use crate::{Plugin, Pointer};
pub use text::is_invisible;

impl SettingsFinding {
    /// Something is wrong at that place in the settings; see [`Pointer`]. The root is the settings as a whole.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// The JSON Schema of the plugin's settings (2020-12).
pub(crate) fn schema_of<P: Plugin>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<P::Settings>().to_value()
}

/// Reads the settings and configures the plugin.
pub(crate) fn configure<P: Plugin>(text: &str) -> Result<P, Vec<SettingsFinding>> {
    let value: Value = json::read(text.as_bytes()).map_err(|NotJson { pointer, message }| {
        let what = if pointer == Pointer::root() { "the settings are not JSON: " } else { "" };
        vec![SettingsFinding::new(pointer, format!("{what}{message}"))]
    })?;
    let findings = schema::findings(&schema_of::<P>(), &value);
    if !findings.is_empty() {
        return Err(findings);
    }
    let settings = serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer_of(error.path());
        vec![SettingsFinding::new(pointer, error.into_inner().to_string())]
    })?;
    P::configure(settings)
}

/// The place where reading stopped.
pub(crate) fn pointer_of(path: &Path) -> Pointer {
    path.iter().fold(Pointer::root(), |pointer, segment| match segment {
        Segment::Seq { index } => pointer.index(*index),
        Segment::Map { key } => pointer.key(key),
        // The name of a variant is no place of its own; an unknown segment has no name.
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}
