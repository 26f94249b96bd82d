//! What an operator writes.

use lockgate_plugin::types::Severity;
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

/// Where the scanner is, and what is borne.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where the scanner answers: a URL that the digest of a release is put behind, such as
    /// `https://scanner.example.com/scans/`.
    pub(crate) scanner: String,
    /// The worst severity of what the scanner may find.
    #[serde(default = "low")]
    pub(crate) worst_finding: Severity,
    /// How often the scanner may have no answer about a release before the check fails.
    #[serde(default = "three")]
    pub(crate) most_waits: u32,
}

fn low() -> Severity {
    Severity::Low
}

fn three() -> u32 {
    3
}

impl Settings {
    /// What no schema can say.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let is_url = self.scanner.starts_with("https://") || self.scanner.starts_with("http://");
        if is_url && self.scanner.ends_with('/') {
            return Vec::new();
        }
        let message = "must be a URL that begins with `https://` or `http://` and ends with `/`";
        vec![SettingsFinding::new(Pointer::root().key("scanner"), message)]
    }
}
