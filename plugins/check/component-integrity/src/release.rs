//! The components of the release: by themselves, and against what was approved.

use lockgate_plugin::roles::RELEASE_MANAGER;
use lockgate_plugin::types::{ApprovedPlan, Component, Severity};
use lockgate_plugin::{Evaluation, Finding};

use crate::compare::{self, Side};
use crate::facts::{self, MissingFact};
use crate::found::{Found, Place};
use crate::origin::{self, AllowedOrigin};
use crate::settings::Settings;

/// The release, in words.
pub(crate) const NAME: &str = "the release";

fn place() -> Place {
    Place::new("release", RELEASE_MANAGER).key("components")
}

/// Whether the list can be trusted at all: not empty, no name twice, digests and origins where they belong.
pub(crate) fn look(settings: &Settings, origins: &[AllowedOrigin], components: &[Component], found: &mut Found) {
    if components.is_empty() {
        let finding = Finding::new("inventory-empty", "the release names no components, so nothing can be checked");
        found.wrong(Severity::High, finding, &place(), "at least one component", "an empty list");
    }
    for (index, component) in components.iter().enumerate() {
        let (name, place) = (component.name.as_str(), place().index(index));
        if components.iter().take(index).any(|earlier| earlier.name == name) {
            let finding = Finding::new("component-twice", format!("the release names `{name}` twice")).about(name);
            found.wrong(Severity::High, finding, &place.key("name"), "a name of its own", name);
        }
        if settings.has_bytes(component) && component.digest.is_none() {
            let message = format!("`{name}` has no digest, so nobody can tell whether it is the right one");
            let finding = Finding::new("digest-missing", message).about(name);
            found.wrong(Severity::High, finding, &place.key("digest"), "the digest of its content", "nothing");
        }
        origin(settings, origins, component, &place.key("origin"), found);
    }
}

/// Whether each component says what its kind needs.
pub(crate) fn facts(settings: &Settings, components: &[Component], found: &mut Found) {
    for (index, component) in components.iter().enumerate().filter(|(_, one)| settings.has_facts(&one.kind)) {
        let (name, kind) = (component.name.as_str(), component.kind.as_str());
        for MissingFact { code, member, words } in facts::missing(component) {
            let message = format!("`{name}` is {kind}, and the release names no {words} of it");
            let finding = Finding::new(code, message).about(name);
            found.wrong(
                Severity::High,
                finding,
                &place().index(index).key(member),
                &format!("its {member}"),
                "nothing",
            );
        }
    }
}

fn origin(settings: &Settings, origins: &[AllowedOrigin], component: &Component, place: &Place, found: &mut Found) {
    if origins.is_empty() {
        return;
    }
    let name = component.name.as_str();
    let expected = origin::expected(origins);
    match component.origin.as_deref() {
        Some(origin) => {
            if let Some(why) = origin::objection(origin, origins) {
                let message =
                    format!("`{name}` was taken from `{}`, which is not an allowed origin{why}", origin.escape_debug());
                let finding = Finding::new("origin-not-allowed", message).about(name);
                found.wrong(Severity::High, finding, place, &expected, origin);
            }
        }
        None if settings.has_bytes(component) => {
            let message = format!("nobody knows where `{name}` was taken from");
            let finding = Finding::new("origin-missing", message).about(name);
            found.wrong(Severity::High, finding, place, &expected, "nothing");
        }
        None => {}
    }
}

/// What was approved.
pub(crate) struct Approved<'a> {
    pub(crate) plan: &'a ApprovedPlan,
    pub(crate) components: &'a [Component],
}

/// Whether the release is still what was approved.
pub(crate) fn compare(
    settings: &Settings,
    evaluation: &Evaluation,
    components: &[Component],
    approved: Approved<'_>,
    found: &mut Found,
) {
    let release = evaluation.release();
    if release.id != approved.plan.release {
        let message = format!("`{}` is to be deployed, and `{}` was approved", release.id, approved.plan.release);
        let finding = Finding::new("release-differs", message).about(&release.id);
        let place = Place::of_request("release").key("id");
        found.wrong(Severity::Critical, finding, &place, &approved.plan.release, &release.id);
    }
    let place = place();
    let there = Side { name: NAME, place: &place, components };
    let names: Vec<&str> = approved.components.iter().map(|component| component.name.as_str()).collect();
    compare::inventory(there, &names, "approved", found);
    compare::contents(settings, there, approved.components, found);
}
