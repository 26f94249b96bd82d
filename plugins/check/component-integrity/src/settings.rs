//! What an operator writes.

use lockgate_plugin::types::{Component, component_kind};
use lockgate_plugin::{Pattern, Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::origin::AllowedOrigin;

/// The published kinds of component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ComponentKind {
    Hardware,
    Software,
    Documentation,
    Process,
    Licence,
    Data,
    Other,
}

impl ComponentKind {
    /// The word of the contract.
    fn word(self) -> &'static str {
        match self {
            Self::Hardware => component_kind::HARDWARE,
            Self::Software => component_kind::SOFTWARE,
            Self::Documentation => component_kind::DOCUMENTATION,
            Self::Process => component_kind::PROCESS,
            Self::Licence => component_kind::LICENCE,
            Self::Data => component_kind::DATA,
            Self::Other => component_kind::OTHER,
        }
    }
}

/// The requirements for the components of a release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Patterns for the origins that components may have. Empty: any origin.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) allowed_origins: Vec<Pattern>,
    /// The kinds of component that have bytes: they need a digest and, where origins are limited, an origin.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) kinds_with_bytes: Vec<ComponentKind>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            kinds_with_bytes: vec![ComponentKind::Software, ComponentKind::Documentation, ComponentKind::Data],
        }
    }
}

impl Settings {
    /// Whether the component needs a digest and, where origins are limited, an origin. Who hands in the release names the
    /// kinds, so what is software by its media type counts as such under any kind, and so does what is of the kind `other`
    /// and has a media type at all.
    pub(crate) fn has_bytes(&self, component: &Component) -> bool {
        let counts = |kind: &str| self.kinds_with_bytes.iter().any(|with_bytes| with_bytes.word() == kind);
        let is_software = component.media_type.as_deref().is_some_and(|media_type| {
            component.kind == component_kind::OTHER && !media_type.trim().is_empty() || is_of_software(media_type)
        });
        counts(&component.kind) || (is_software && counts(component_kind::SOFTWARE))
    }

    /// What is wrong with the kinds.
    fn kinds(&self) -> Option<SettingsFinding> {
        let without_bytes = |kind: &ComponentKind| matches!(kind, ComponentKind::Hardware | ComponentKind::Process);
        self.kinds_with_bytes.iter().all(without_bytes).then(|| {
            let message =
                "no component would need a digest: name a kind that has bytes, such as `software`, or leave it out";
            SettingsFinding::new(Pointer::root().key("kinds-with-bytes"), message)
        })
    }

    /// The patterns for origins in the form in which they are compared, or what is wrong with the settings.
    pub(crate) fn origins(&self) -> Result<Vec<AllowedOrigin>, Vec<SettingsFinding>> {
        let place = Pointer::root().key("allowed-origins");
        let (mut origins, mut findings) = (Vec::new(), Vec::new());
        for (index, pattern) in self.allowed_origins.iter().enumerate() {
            match AllowedOrigin::new(pattern) {
                Ok(origin) => origins.push(origin),
                Err(why) => {
                    let message = format!("no origins can be allowed by `{pattern}`: {why}");
                    findings.push(SettingsFinding::new(place.index(index), message));
                }
            }
        }
        findings.extend(self.kinds());
        if findings.is_empty() { Ok(origins) } else { Err(findings) }
    }
}

/// Whether content of that media type runs, or is an archive of what runs.
fn is_of_software(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let begins = ["application/vnd.oci.", "application/vnd.docker.", "application/vnd.cncf.helm.", "application/x-"];
    let is = [
        "application/octet-stream",
        "application/gzip",
        "application/java-archive",
        "application/java-vm",
        "application/javascript",
        "application/vnd.android.package-archive",
        "application/vnd.debian.binary-package",
        "application/vnd.microsoft.portable-executable",
        "application/wasm",
        "application/zip",
        "application/zstd",
        "text/javascript",
    ];
    is.contains(&essence.as_str()) || begins.iter().any(|start| essence.starts_with(start))
}
