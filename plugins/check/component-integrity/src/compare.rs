//! Compares one list of components with another: inventory complete, nothing extra, each as it should be.

use lockgate_plugin::Finding;
use lockgate_plugin::types::{Component, Severity};

use crate::found::{Found, Place};
use crate::settings::Settings;

/// One side of a comparison.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    /// What it is, in words: `the release`, `instance shop-1`.
    pub(crate) name: &'a str,
    /// Where its components lie.
    pub(crate) place: &'a Place,
    pub(crate) components: &'a [Component],
}

/// Which components should be there and which are. `of` says in words what they are compared with.
pub(crate) fn inventory(there: Side<'_>, names: &[&str], of: &str, found: &mut Found) {
    for name in names {
        if !there.components.iter().any(|component| component.name == *name) {
            let message = format!("`{name}` is {of}, and {} does not have it", there.name);
            let finding = Finding::new("component-missing", message).about(*name);
            found.wrong(Severity::High, finding, there.place, &format!("a component `{name}`"), "nothing");
        }
    }
    for (index, component) in there.components.iter().enumerate() {
        let name = component.name.as_str();
        if !names.contains(&name) {
            let message = format!("{} has `{name}`, which is not {of}", there.name);
            let finding = Finding::new("component-extra", message).about(name);
            found.wrong(Severity::High, finding, &there.place.index(index), "no such component", name);
        }
    }
}

/// Whether each component is the approved one of its name. Those that are not in the list are the inventory's matter.
pub(crate) fn contents(settings: &Settings, there: Side<'_>, approved: &[Component], found: &mut Found) {
    for (index, component) in there.components.iter().enumerate() {
        let Some(expected) = approved.iter().find(|expected| expected.name == component.name) else { continue };
        let place = there.place.index(index);
        let name = component.name.as_str();
        if component.kind != expected.kind {
            let (is, should) = (&component.kind, &expected.kind);
            let message = format!("`{name}` in {} is {is}, and {should} was approved", there.name);
            let finding = Finding::new("kind-differs", message).about(name);
            found.wrong(Severity::High, finding, &place.key("kind"), should, is);
        }
        if component.version != expected.version {
            let (is, should) = (component.version.as_str(), expected.version.as_str());
            let message = format!("`{name}` in {} has version `{is}`, and `{should}` was approved", there.name);
            let finding = Finding::new("version-differs", message).about(name);
            found.wrong(Severity::High, finding, &place.key("version"), should, is);
        }
        digest(settings, there.name, component, expected, &place.key("digest"), found);
    }
}

fn digest(
    settings: &Settings,
    side: &str,
    component: &Component,
    expected: &Component,
    place: &Place,
    found: &mut Found,
) {
    let name = component.name.as_str();
    match (component.digest.as_deref(), expected.digest.as_deref()) {
        (Some(is), Some(should)) if is == should => {}
        (None, None) => {}
        (Some(is), Some(should)) => {
            let message = format!("`{name}` in {side} is not what was approved: its digest is `{is}`, not `{should}`");
            let finding = Finding::new("digest-differs", message).about(name);
            found.wrong(Severity::Critical, finding, place, should, is);
        }
        (Some(is), None) => {
            let message = format!("`{name}` in {side} has the digest `{is}`, and it was approved without one");
            let finding = Finding::new("digest-not-approved", message).about(name);
            found.wrong(Severity::High, finding, place, "the approval of a component with a digest", is);
        }
        // Where the release itself is looked at, a missing digest of a kind that has bytes has been told already.
        (None, Some(should)) if !settings.has_bytes(component) || side != crate::release::NAME => {
            let message = format!("nobody knows the digest of `{name}` in {side}; `{should}` was approved");
            let finding = Finding::new("digest-missing", message).about(name);
            found.wrong(Severity::High, finding, place, should, "nothing");
        }
        (None, Some(_)) => {}
    }
}
