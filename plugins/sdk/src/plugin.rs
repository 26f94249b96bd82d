//! The parts that plugins of all kinds have in common.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::lockgate::types::types::PluginError;
use crate::settings::SettingsFile;
use crate::{Capability, CodeDescription, SettingsFinding};

/// A configured plugin.
///
/// The host calls [`configure`](Self::configure) once and freezes the memory: its results (compiled patterns, time
/// zones) cost nothing when a decision is made. An evaluation sees `&self` and can leave nothing behind.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// The settings that an operator writes. A JSON Schema for tools and pages is made from the type, and settings are
    /// checked against that schema before they are read, so that all mistakes are reported at once. Keys are written in
    /// TOML: use `#[serde(rename_all = "kebab-case", deny_unknown_fields)]`. The schema has a default only if its type
    /// implements `Serialize` too. The type for the id of a person is [`PersonId`](crate::PersonId), which marks it for
    /// the host.
    ///
    /// A plugin that keeps its settings as they are can use `type Settings = Self`, and one without settings
    /// [`NoSettings`].
    type Settings: DeserializeOwned + JsonSchema;

    /// Configures the plugin with settings that have the right shape.
    ///
    /// It must read only the settings: there is no deployment yet, and the log cannot be written.
    ///
    /// # Errors
    /// All mistakes in the settings that their shape does not show.
    fn configure(settings: Self::Settings) -> Result<Self, Vec<SettingsFinding>>;

    /// The name of the plugin for people. Default: none, so people see the name of the package.
    const TITLE: &'static str = "";

    /// As [`configure`](Self::configure), for a plugin that takes files with its settings, for example policies in another
    /// language. Default: a plugin that gets files refuses them.
    ///
    /// # Errors
    /// All mistakes in the settings and the files.
    fn configure_with_files(settings: Self::Settings, files: Vec<SettingsFile>) -> Result<Self, Vec<SettingsFinding>> {
        match files.as_slice() {
            [] => Self::configure(settings),
            files => Err(files.iter().map(|file| SettingsFinding::in_file(&file.name, "it takes no files")).collect()),
        }
    }

    /// The capabilities that the plugin needs whatever its settings are. Default: none.
    fn capabilities() -> Vec<Capability> {
        Vec::new()
    }

    /// The capabilities that it needs with these settings, besides those. Default: none.
    fn needs(&self) -> Vec<Capability> {
        Vec::new()
    }

    /// All codes that it can give with these settings. Default: none, which means that it does not say.
    fn codes(&self) -> Vec<CodeDescription> {
        Vec::new()
    }

    /// What is allowed in the settings and probably a mistake. Default: nothing.
    fn warnings(&self) -> Vec<SettingsFinding> {
        Vec::new()
    }
}

/// The settings of a plugin that has none: an empty table.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

impl PluginError {
    /// The plugin cannot answer, for this reason. It never means "no": use a denial or a failed report for that.
    ///
    /// `code` is stable, lower-case, its words joined by hyphens; `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), transient: false }
    }

    /// The same question may be answered later, for example because a service did not respond.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }
}
