//! Rule 6: a release is what its digest says.

use serde_json::json;

use super::{Fix, Rule};
use crate::{Deployment, Digest, Finding, Instance, Release, Scenario, Snapshot};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    for mistake in mistakes(&snapshot.deployment.release) {
        let ReleaseMistake { rule, pointer, message, remedy, accepted, found } = mistake;
        let fix = Fix::new(remedy, accepted.join(" or ")).found(found);
        let fix = accepted.into_iter().fold(fix, Fix::accepts);
        breaches.push(rule.correct(message, format!("/release{pointer}"), fix));
    }
    laid_down(&snapshot.deployment, breaches);
}

/// Compares what the release lays down for the environment with what is desired, and with the register.
fn laid_down(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let (release, environment) = (&deployment.release, &deployment.environment.name);
    if let Some(desired) = release.desired_instances(environment)
        && deployment.scenario != Scenario::Removal
        && desired != deployment.desired_instances
    {
        let ids = |instances: &[Instance]| {
            instances.iter().map(|instance| format!("`{}`", instance.id)).collect::<Vec<_>>().join(", ")
        };
        let message = format!(
            "the desired instances are not the ones that the blueprint of the release `{}` lays down for `{environment}`",
            release.id
        );
        let fix =
            Fix::new("leave the desired instances to the blueprint, or have the blueprint changed", ids(&desired));
        let breach = Rule::DesiredInstancesDiffer.correct(
            message,
            "/desired_instances",
            fix.accepts(json!(desired)).found(ids(&deployment.desired_instances)),
        );
        breaches.push(breach);
    }
    let brought = release.blueprint_for(environment).into_iter().flat_map(|laid_down| &laid_down.fulfillment_books);
    let known = deployment.registers.fulfillment_books.as_deref().unwrap_or_default();
    for book in brought {
        let Some((place, there)) = known.iter().enumerate().find(|(_, there)| there.id == book.id) else { continue };
        if there.digest == book.digest {
            continue;
        }
        let said = |digest: Option<Digest>| digest.map_or("no digest".to_owned(), |digest| digest.to_string());
        let message = format!(
            "the fulfillment book `{}` of the release `{}` is not the one of the register: their digests differ",
            book.id, release.id
        );
        let fix = Fix::new("have the book of the release verified in the register", said(book.digest));
        let place = format!("/registers/fulfillment_books/{place}/digest");
        let breach = Rule::FulfillmentBookDiffers.correct(message, place, fix.found(said(there.digest)));
        breaches.push(Finding { about: Some(book.id.clone()), ..breach });
    }
}

/// What is wrong with a release as it was written.
#[derive(Clone, Debug)]
pub struct ReleaseMistake {
    rule: Rule,
    /// The place, as a JSON Pointer into the release.
    pub pointer: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// How to mend it.
    pub remedy: String,
    accepted: Vec<String>,
    found: String,
}

/// What is wrong with a release: its digest is not that of its content, or its blueprint names components that it lacks.
pub fn mistakes(release: &Release) -> Vec<ReleaseMistake> {
    let mut found = Vec::new();
    if let Some(digest) = release.digest {
        let computed = release.computed_digest();
        if digest != computed {
            found.push(ReleaseMistake {
                rule: Rule::ReleaseDigestDiffers,
                pointer: "/digest".to_owned(),
                message: format!(
                    "the digest of the release `{}` is `{digest}`, and its components and its blueprint have `{computed}`",
                    release.id
                ),
                remedy: "state the components that were released, or the digest that they have".to_owned(),
                accepted: vec![computed.to_string()],
                found: digest.to_string(),
            });
        }
    }
    for (pointer, name) in release.unknown_components() {
        let known: Vec<String> = release.components.iter().map(|component| component.name.clone()).collect();
        found.push(ReleaseMistake {
            rule: Rule::BlueprintComponentUnknown,
            pointer,
            message: format!("the blueprint names the component `{name}`, and the release does not have it"),
            remedy: format!("name a component of the release: `{}`", known.join("`, `")),
            accepted: known,
            found: name.to_owned(),
        });
    }
    found
}
