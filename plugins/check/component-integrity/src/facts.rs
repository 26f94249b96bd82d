//! What a component is, beyond its bytes: each kind has facts that tell one of its components from another.

use lockgate_plugin::types::component_kind;
use lockgate_plugin::{Evaluation, PluginError};
use serde::Deserialize;

/// The facts of a component that its record in the contract does not have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ComponentFacts {
    serial: Option<String>,
    order: Option<String>,
    entitlement: Option<String>,
    migration: Option<String>,
    retention: Option<String>,
    reviewer: Option<String>,
}

/// A fact that a component lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MissingFact {
    /// The code of the finding.
    pub(crate) code: &'static str,
    /// The member of the component that would hold it.
    pub(crate) member: &'static str,
    /// The fact in words.
    pub(crate) words: &'static str,
}

impl ComponentFacts {
    /// No facts.
    pub(crate) const NONE: Self =
        Self { serial: None, order: None, entitlement: None, migration: None, retention: None, reviewer: None };

    /// The facts of the release's components, in their order.
    ///
    /// # Errors
    /// If the snapshot cannot be read.
    pub(crate) fn of_release(evaluation: &Evaluation) -> Result<Vec<Self>, PluginError> {
        read(evaluation, "/release/components")
    }

    /// The facts that a component of this kind needs and lacks.
    pub(crate) fn missing(&self, kind: &str) -> Vec<MissingFact> {
        let is_missing = |fact: &Option<String>| fact.as_ref().is_none_or(|fact| fact.trim().is_empty());
        let fact = |code, member, words| MissingFact { code, member, words };
        let facts: &[(bool, MissingFact)] = match kind {
            component_kind::HARDWARE => &[
                (is_missing(&self.serial), fact("serial-missing", "serial", "serial number")),
                (is_missing(&self.order), fact("order-missing", "order", "order")),
            ],
            component_kind::LICENCE => {
                &[(is_missing(&self.entitlement), fact("entitlement-missing", "entitlement", "entitlement"))]
            }
            component_kind::DATA => &[(
                is_missing(&self.migration) && is_missing(&self.retention),
                fact("data-handling-missing", "migration", "migration and no retention"),
            )],
            component_kind::DOCUMENTATION => {
                &[(is_missing(&self.reviewer), fact("reviewer-missing", "reviewer", "reviewer"))]
            }
            _ => &[],
        };
        facts.iter().filter(|(is_missing, _)| *is_missing).map(|(_, fact)| *fact).collect()
    }
}

/// The environment's definition, as the snapshot has it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct AppliedDefinition {
    /// The digest of the definition that the environment was last built from.
    pub(crate) applied: Option<String>,
}

impl AppliedDefinition {
    /// The definition that was applied to the target environment.
    ///
    /// # Errors
    /// If the snapshot cannot be read.
    pub(crate) fn of_environment(evaluation: &Evaluation) -> Result<Self, PluginError> {
        read(evaluation, "/environment")
    }
}

fn read<T: for<'de> Deserialize<'de>>(evaluation: &Evaluation, pointer: &str) -> Result<T, PluginError> {
    let text = evaluation.json(pointer)?;
    serde_json::from_str(&text)
        .map_err(|error| PluginError::new("snapshot-unreadable", format!("`{pointer}`: {error}")))
}
