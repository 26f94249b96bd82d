//! Checks the roles that a model names. Nobody holds a misspelt role, so a deployment that waits for it waits for ever.

use std::collections::BTreeSet;
use std::ops::Range;

use lockgate_domain::{closest, role_names};

use super::ModelFinding;

/// Warns of a role that neither Lockgate knows nor the model declares in `roles`.
pub(crate) fn unknown(role: &str, declared: &BTreeSet<String>, span: Range<usize>) -> Option<ModelFinding> {
    if role_names().contains(&role) || declared.contains(role) {
        return None;
    }
    let finding = ModelFinding::warning("unknown-role", span, format!("`{role}` is not a role that Lockgate knows"));
    let known = role_names().into_iter().chain(declared.iter().map(String::as_str));
    let finding = match closest(role, known) {
        Some(close) => finding.help(format!("did you mean `{close}`?")),
        None => finding,
    };
    let finding =
        finding.note("only people whose token or identity provider gives them exactly this role can act in it");
    Some(
        finding
            .help(format!("if it is a role of your own, declare it at the top of the model: `roles = [\"{role}\"]`")),
    )
}
