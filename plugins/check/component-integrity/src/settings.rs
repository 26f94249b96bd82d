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
    /// The kinds of component that have to say what they are: hardware its serial number and its order, a licence its
    /// entitlement, data its migration or its retention, documentation its reviewer.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) kinds_with_facts: Vec<KindWithFacts>,
    /// Whether the environment must have been built from the version of its definition.
    pub(crate) environment_definition: bool,
    /// Patterns for the repositories that the definition of the environment may be taken from. Empty: any repository.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) allowed_definitions: Vec<Pattern>,
}

/// A kind of component that has facts of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindWithFacts {
    Hardware,
    Licence,
    Data,
    Documentation,
}

impl KindWithFacts {
    /// The word of the contract.
    fn word(self) -> &'static str {
        match self {
            Self::Hardware => component_kind::HARDWARE,
            Self::Licence => component_kind::LICENCE,
            Self::Data => component_kind::DATA,
            Self::Documentation => component_kind::DOCUMENTATION,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            kinds_with_bytes: vec![ComponentKind::Software, ComponentKind::Documentation, ComponentKind::Data],
            kinds_with_facts: vec![
                KindWithFacts::Hardware,
                KindWithFacts::Licence,
                KindWithFacts::Data,
                KindWithFacts::Documentation,
            ],
            environment_definition: false,
            allowed_definitions: Vec::new(),
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

    /// Whether a component of this kind has to say what it is.
    pub(crate) fn has_facts(&self, kind: &str) -> bool {
        self.kinds_with_facts.iter().any(|with_facts| with_facts.word() == kind)
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

    /// The patterns in the form in which they are compared, or what is wrong with the settings.
    pub(crate) fn sources(&self) -> Result<AllowedSources, Vec<SettingsFinding>> {
        let mut findings = Vec::new();
        let origins = allowed(&self.allowed_origins, "allowed-origins", "origins", &mut findings);
        let definitions = allowed(&self.allowed_definitions, "allowed-definitions", "definitions", &mut findings);
        findings.extend(self.kinds());
        if !self.environment_definition && !self.allowed_definitions.is_empty() {
            let message = "the definition of the environment is not looked at: set `environment-definition = true`, or leave \
                           this out";
            findings.push(SettingsFinding::new(Pointer::root().key("allowed-definitions"), message));
        }
        SettingsFinding::refuse_any(findings)?;
        Ok(AllowedSources { origins, definitions })
    }
}

/// Where components and the definition of the environment may be taken from.
#[derive(Debug)]
pub(crate) struct AllowedSources {
    /// Empty: from anywhere.
    pub(crate) origins: Vec<AllowedOrigin>,
    /// Empty: from anywhere.
    pub(crate) definitions: Vec<AllowedOrigin>,
}

/// The patterns of a setting in the form in which they are compared. `what` they are for is a plural.
fn allowed(patterns: &[Pattern], setting: &str, what: &str, findings: &mut Vec<SettingsFinding>) -> Vec<AllowedOrigin> {
    let place = Pointer::root().key(setting);
    let mut found = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        match AllowedOrigin::new(pattern) {
            Ok(origin) => found.push(origin),
            Err(why) => {
                let message = format!("no {what} can be allowed by `{pattern}`: {why}");
                findings.push(SettingsFinding::new(place.index(index), message));
            }
        }
    }
    found
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
