//! What an operator writes.

use lockgate_plugin::Pattern;
use lockgate_plugin::types::{Component, ComponentKind};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a component has to show.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Where components may be taken from: patterns for their origin. Empty: from anywhere.
    pub(crate) allowed_origins: Vec<Pattern>,
    /// The kinds of component that have bytes: they need a digest and, where origins are limited, an origin.
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
    pub(crate) fn has_bytes(&self, component: &Component) -> bool {
        self.kinds_with_bytes.contains(&component.kind)
    }

    /// Whether the origin is one of the allowed ones. One with a step upwards in its path never is: it says one place
    /// and means another.
    pub(crate) fn allows(&self, origin: &str) -> bool {
        let climbs = origin.split(['/', '\\']).any(|part| part == ".." || part.eq_ignore_ascii_case("%2e%2e"));
        !climbs && self.allowed_origins.iter().any(|pattern| pattern.matches(origin))
    }
}
