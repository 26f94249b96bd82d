//! Configures a plugin from the text of its settings, and reports all mistakes at once.
//!
//! Reading stops at the first mistake, so an operator would have to correct one line at a time. So the text is first
//! checked against the JSON Schema of the settings ([`schema`]), which finds all mistakes of shape. Text with the right
//! shape is read, and the plugin checks the result.

mod schema;
mod text;

use schemars::generate::SchemaSettings;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::bindings::exports::lockgate::types::plugin::Settings;
pub use crate::bindings::exports::lockgate::types::plugin::{CodeDescription, SettingsFile, SettingsFinding};
use crate::json::{self, NotJson};
use crate::{Plugin, Pointer};
pub use text::is_invisible;
pub(crate) use text::unclear_name;

impl SettingsFinding {
    /// A mistake at this place in the settings; see [`Pointer`]. The root stands for the settings as a whole.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), file: None, line: None, column: None, message: message.into() }
    }

    /// A mistake in a file that came with the settings.
    pub fn in_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: Some(file.into()), ..Self::new(Pointer::root(), message) }
    }

    /// Refuses the settings if anything was found.
    ///
    /// # Errors
    /// The findings, if there are any.
    pub fn refuse_any(findings: Vec<Self>) -> Result<(), Vec<Self>> {
        if findings.is_empty() { Ok(()) } else { Err(findings) }
    }

    /// The same mistake, at that line and character of the file, both from 1.
    #[must_use]
    pub fn at(mut self, line: u32, column: u32) -> Self {
        (self.line, self.column) = (Some(line), Some(column));
        self
    }
}

/// The JSON Schema of the plugin's settings (2020-12).
pub(crate) fn schema_of<P: Plugin>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<P::Settings>().to_value()
}

/// Reads settings without files.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn configure_text<P: Plugin>(text: &str) -> Result<P, Vec<SettingsFinding>> {
    configure(Settings { json: text.to_owned(), files: Vec::new() })
}

/// Reads the settings and configures the plugin.
pub(crate) fn configure<P: Plugin>(settings: Settings) -> Result<P, Vec<SettingsFinding>> {
    let Settings { json: text, files } = settings;
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
    P::configure_with_files(settings, files)
}

/// The place where reading stopped.
pub(crate) fn pointer_of(path: &Path) -> Pointer {
    path.iter().fold(Pointer::root(), |pointer, segment| match segment {
        Segment::Seq { index } => pointer.index(*index),
        Segment::Map { key } => pointer.key(key),
        // The name of a variant has no place of its own; an unknown segment has no name.
        Segment::Enum { .. } | Segment::Unknown => pointer,
    })
}
