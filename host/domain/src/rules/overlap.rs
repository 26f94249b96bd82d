//! Deployments that would get in each other's way are fulfilled one after the other: the fulfillment of one does not begin
//! while another is under way that changes the same product in the same environment, that changes a product which depends
//! on it or which it depends on, or that needs the same resource.

use super::{Fix, Rule};
use crate::{Finding, Gate, Overlap, OverlapRelation, Snapshot};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    if snapshot.gate != Gate::FULFILL_ENTRANCE {
        return;
    }
    for (place, overlap) in snapshot.deployment.overlaps.iter().enumerate().filter(|(_, overlap)| overlap.under_way) {
        let Some(why) = hindrance(snapshot, overlap) else { continue };
        let (what, it) = match &overlap.deployment {
            Some(id) => (format!("deployment `{id}`"), format!("`{id}`")),
            None => ("a deployment of another team".to_owned(), "the deployment of the other team".to_owned()),
        };
        let message = format!("{what} is under way in `{}`, and {why}", overlap.environment);
        let is_over = "has passed the exit of validate, or has ended";
        let fix = Fix::new(format!("wait until {it} {is_over}"), format!("{it} {is_over}")).found("under way");
        let breach = Rule::OverlappingDeployment.correct(message, format!("/overlaps/{place}"), fix);
        breaches.push(Finding { about: overlap.deployment.clone(), ..breach });
    }
}

/// Why this deployment waits for one that is under way, in half a sentence about the other one. None: it need not wait.
fn hindrance(snapshot: &Snapshot, overlap: &Overlap) -> Option<String> {
    let (environment, own) = (&snapshot.deployment.environment, &snapshot.deployment.product.id);
    let same_environment = overlap.environment == environment.name;
    let product = overlap.product.as_ref().map_or("a product".to_owned(), |product| format!("`{product}`"));
    let both_live = match same_environment {
        true => String::new(),
        false => format!("; consumers depend on `{}` and on `{}`", overlap.environment, environment.name),
    };
    match overlap.relation {
        OverlapRelation::SharedResource => Some(match &overlap.shared {
            Some(resource) => format!("it needs the resource `{resource}`, which this deployment needs for itself"),
            None => "it needs a resource that this deployment needs for itself".to_owned(),
        }),
        OverlapRelation::SameEnvironment | OverlapRelation::Related => None,
        // In another environment, it disturbs nobody unless consumers depend on both.
        _ if !same_environment && !environment.live => None,
        OverlapRelation::SameProduct if !same_environment => None,
        OverlapRelation::SameProduct => Some(format!("it changes the same product, {product}, there")),
        OverlapRelation::DependedOn => Some(format!("it changes {product}, which `{own}` depends on{both_live}")),
        OverlapRelation::Dependent => Some(format!("it changes {product}, which depends on `{own}`{both_live}")),
        OverlapRelation::Conflicting if same_environment => {
            let why =
                format!("it changes `{own}` there too, or a product that `{own}` depends on or that depends on it");
            Some(why)
        }
        OverlapRelation::Conflicting => {
            Some(format!("it changes a product that `{own}` depends on, or that depends on it{both_live}"))
        }
    }
}
