//! The definition of the environment, which is verified as a component is: it has a version, it comes from an allowed
//! repository, and the environment was built from that version.

use lockgate_plugin::roles::OPERATIONS_MANAGER;
use lockgate_plugin::types::{Severity, Stage};
use lockgate_plugin::{Evaluation, Finding};

use crate::found::{Found, Place};
use crate::origin::{self, AllowedOrigin};

/// Looks at the definition of the target environment. `allowed` is empty if it may come from anywhere.
pub(crate) fn look(allowed: &[AllowedOrigin], evaluation: &Evaluation, found: &mut Found) {
    let environment = evaluation.environment();
    let name = environment.name.as_str();
    let place = Place::new("environment", OPERATIONS_MANAGER);
    match environment.definition.as_deref() {
        None => {
            let finding =
                Finding::new("definition-missing", format!("nobody knows where the definition of `{name}` is"));
            let expected = match allowed {
                [] => "the address of its definition".to_owned(),
                allowed => origin::expected(allowed),
            };
            found.wrong(Severity::High, finding.about(name), &place.key("definition"), &expected, "nothing");
        }
        Some(_) if allowed.is_empty() => {}
        Some(definition) => {
            if let Some(why) = origin::objection(definition, allowed) {
                let shown = definition.escape_debug();
                let message = format!("the definition of `{name}` is `{shown}`, which is not an allowed origin{why}");
                let finding = Finding::new("definition-not-allowed", message).about(name);
                let expected = origin::expected(allowed);
                found.wrong(Severity::High, finding, &place.key("definition"), &expected, definition);
            }
        }
    }
    let Some(version) = environment.version.as_deref() else {
        let message = format!("the definition of `{name}` has no version, so nobody can tell whether it was changed");
        let finding = Finding::new("definition-version-missing", message).about(name);
        found.wrong(Severity::High, finding, &place.key("version"), "the digest of its definition", "nothing");
        return;
    };
    // Until the deployment is fulfilled, the environment may still be built.
    if evaluation.stage() == Stage::PlanAndApprove {
        return;
    }
    let place = place.key("applied");
    match environment.applied.as_deref() {
        Some(applied) if applied == version => {}
        Some(applied) => {
            let message = format!("`{name}` was built from the definition `{applied}`, and its version is `{version}`");
            let finding = Finding::new("definition-differs", message).about(name);
            found.wrong(Severity::High, finding, &place, version, applied);
        }
        None => {
            let message = format!("nobody knows which version of its definition `{name}` was built from");
            let finding = Finding::new("definition-applied-unknown", message).about(name);
            found.unknown(finding, &place, version);
        }
    }
}
