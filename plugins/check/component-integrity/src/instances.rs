//! The instances that are there, against those that shall be there and what was approved.

use lockgate_plugin::roles::OPERATIONS_MANAGER;
use lockgate_plugin::types::{Component, Instance, Scenario, Severity};
use lockgate_plugin::{Evaluation, Finding};

use crate::compare::{self, Side};
use crate::found::{Found, Place};
use crate::settings::Settings;

/// Compares the instances of the target environment. Where nobody knows what was approved, the desired instances still say
/// what has to be there.
pub(crate) fn compare(settings: &Settings, evaluation: &Evaluation, approved: Option<&[Component]>, found: &mut Found) {
    let environment = evaluation.environment().name;
    let folded = environment.trim().to_lowercase();
    // One that is in an environment of nearly that name is held against the others, and told: it could be passed over else.
    let here = |instance: &Instance| instance.environment.trim().to_lowercase() == folded && instance.status.exists();
    let desired = evaluation.desired_instances();
    let all = evaluation.actual_instances();
    let (actual_place, desired_place) =
        (Place::new("actual_instances", OPERATIONS_MANAGER), Place::of_request("desired_instances"));
    for (list, instances) in [(&desired_place, &desired), (&actual_place, &all)] {
        let elsewhere = |instance: &Instance| here(instance) && instance.environment != environment;
        for (index, instance) in instances.iter().enumerate().filter(|(_, instance)| elsewhere(instance)) {
            let id = instance.id.as_str();
            let message = format!(
                "instance `{id}` is named in `{}`, and the target environment is `{environment}`",
                instance.environment
            );
            let finding = Finding::new("environment-differs", message).about(id);
            let place = list.index(index).key("environment");
            found.wrong(Severity::High, finding, &place, &environment, &instance.environment);
        }
    }
    let desired: Vec<Instance> = desired.into_iter().filter(here).collect();
    let actual: Vec<(usize, &Instance)> = all.iter().enumerate().filter(|(_, instance)| here(instance)).collect();

    let place = actual_place;
    // After a removal there may be nothing left to look at, and that is as it should be.
    if evaluation.scenario() != Scenario::Removal {
        if all.is_empty() {
            let message = format!("nobody knows what is installed in `{environment}`: no actual instance is named");
            let finding = Finding::new("actual-instances-unknown", message);
            found.unknown(finding, &place, "the instances that are there");
        }
        if desired.is_empty() {
            let message =
                format!("nobody knows what shall be installed in `{environment}`: no desired instance is named");
            let finding = Finding::new("desired-instances-unknown", message);
            found.unknown(finding, &desired_place, "the instances that shall be there");
        }
        if all.is_empty() || desired.is_empty() {
            return;
        }
    }
    for wanted in &desired {
        if !actual.iter().any(|(_, instance)| instance.id == wanted.id) {
            let message = format!("instance `{}` shall be in `{environment}`, and it is not there", wanted.id);
            let finding = Finding::new("instance-missing", message).about(&wanted.id);
            found.wrong(Severity::High, finding, &place, &format!("an instance `{}`", wanted.id), "nothing");
        }
    }
    for (index, instance) in actual {
        let id = instance.id.as_str();
        let place = place.index(index);
        match desired.iter().find(|wanted| wanted.id == id) {
            Some(wanted) => {
                let content = Content {
                    desired: evaluation.instance_components(false, &wanted.id),
                    actual: evaluation.instance_components(true, id),
                    approved,
                };
                one(settings, id, &content, &place, found);
            }
            None => {
                let message = format!("instance `{id}` is in `{environment}`, and it shall not be there");
                let finding = Finding::new("instance-extra", message).about(id);
                found.wrong(Severity::High, finding, &place, "no such instance", id);
            }
        }
    }
}

/// The components of one instance.
struct Content<'a> {
    desired: Vec<Component>,
    actual: Vec<Component>,
    approved: Option<&'a [Component]>,
}

/// Compares one instance with the desired one of the same id.
///
/// An instance may hold a part of the release: which part, says the desired instance; what each component has to be,
/// says what was approved.
fn one(settings: &Settings, id: &str, content: &Content<'_>, place: &Place, found: &mut Found) {
    let Content { desired, actual, approved } = content;
    let name = format!("instance `{id}`");
    let place = place.key("components");
    let there = Side { name: &name, place: &place, components: actual };
    let (expected, of) = match (desired.as_slice(), *approved) {
        ([], Some(approved)) => (approved, "approved"),
        ([], None) => return,
        (desired, _) => (desired, "desired there"),
    };
    let names: Vec<&str> = expected.iter().map(|component| component.name.as_str()).collect();
    compare::inventory(there, &names, of, found);
    let Some(approved) = *approved else { return };
    for (index, component) in actual.iter().enumerate() {
        let known = |list: &[Component]| list.iter().any(|other| other.name == component.name);
        if known(expected) && !known(approved) {
            let message = format!("`{}` shall be in {name}, and it was never approved", component.name);
            let finding = Finding::new("component-not-approved", message).about(&component.name);
            found.wrong(Severity::High, finding, &place.index(index), "an approved component", &component.name);
        }
    }
    compare::contents(settings, there, approved, found);
}
