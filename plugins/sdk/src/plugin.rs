//! What every plugin is, whatever its kind.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use crate::bindings::lockgate::types::types::PluginError;
use crate::{Capability, SettingsFinding};

/// A plugin with its settings taken in.
///
/// The host calls [`configure`](Self::configure) once and freezes the memory: whatever is worked out there (patterns
/// compiled, time zones looked up) costs nothing when a decision is made. An evaluation sees `&self` and can leave
/// nothing behind.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// What an operator writes. A JSON Schema is made of it for tools and pages, and settings are checked against that
    /// schema before they are read, so that all mistakes are reported at once. Keys are written in TOML:
    /// use `#[serde(rename_all = "kebab-case", deny_unknown_fields)]`. A default is in the schema only if its type
    /// implements `Serialize` too. The id of a person is a [`PersonId`](crate::PersonId), which marks it for the host.
    ///
    /// A plugin that keeps its settings as they are can say `type Settings = Self`, and one that has none
    /// [`NoSettings`].
    type Settings: DeserializeOwned + JsonSchema;

    /// Takes in settings that have the right shape.
    ///
    /// It must not look at anything but the settings: there is no deployment yet, and the log cannot be written.
    ///
    /// # Errors
    /// All that is wrong with the settings and that their shape does not tell.
    fn configure(settings: Self::Settings) -> Result<Self, Vec<SettingsFinding>>;

    /// What the plugin asks to be allowed to use: nothing, unless said otherwise.
    fn capabilities() -> Vec<Capability> {
        Vec::new()
    }
}

/// The settings of a plugin that has none: an empty table.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

impl PluginError {
    /// The plugin cannot answer, and this is why. It never means "no": say that with a denial or a failed report.
    ///
    /// `code` is stable, lower-case, its words joined by hyphens; `message` is one sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
