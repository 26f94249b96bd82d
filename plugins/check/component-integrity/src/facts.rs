//! What a component is, beyond its bytes: each kind has facts that tell one of its components from another.

use lockgate_plugin::types::{Component, component_kind};

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

/// The facts that a component needs because of its kind, and lacks.
pub(crate) fn missing(component: &Component) -> Vec<MissingFact> {
    let is_missing = |fact: &Option<String>| fact.as_ref().is_none_or(|fact| fact.trim().is_empty());
    let fact = |code, member, words| MissingFact { code, member, words };
    let facts: &[(bool, MissingFact)] = match component.kind.as_str() {
        component_kind::HARDWARE => &[
            (is_missing(&component.serial), fact("serial-missing", "serial", "serial number")),
            (is_missing(&component.order), fact("order-missing", "order", "order")),
        ],
        component_kind::LICENCE => {
            &[(is_missing(&component.entitlement), fact("entitlement-missing", "entitlement", "entitlement"))]
        }
        component_kind::DATA => &[(
            is_missing(&component.migration) && component.retention.is_none(),
            fact("data-handling-missing", "migration", "migration and no retention"),
        )],
        component_kind::DOCUMENTATION => {
            &[(is_missing(&component.reviewer), fact("reviewer-missing", "reviewer", "reviewer"))]
        }
        _ => &[],
    };
    facts.iter().filter(|(is_missing, _)| *is_missing).map(|(_, fact)| *fact).collect()
}
