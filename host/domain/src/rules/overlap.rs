//! Two deployments that change the same product in the same environment, or a product and one that it depends on, are not
//! fulfilled at the same time.

use super::{Fix, Rule};
use crate::{Finding, Gate, OverlapRelation, Phase, Snapshot, Stage};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    if snapshot.gate != (Gate { stage: Stage::Fulfill, phase: Phase::Entrance }) {
        return;
    }
    for (place, overlap) in snapshot.deployment.overlaps.iter().enumerate() {
        let product = overlap.product.as_ref().map_or("a product".to_owned(), |product| format!("`{product}`"));
        let why = match overlap.relation {
            _ if !overlap.under_way => continue,
            OverlapRelation::SameEnvironment => continue,
            OverlapRelation::SameProduct => format!("it changes the same product, {product}, there"),
            OverlapRelation::Conflicting => "it and this one are not to be changed at the same time".to_owned(),
            OverlapRelation::DependedOn => format!("it changes {product}, which this product depends on"),
            OverlapRelation::Dependent => format!("it changes {product}, which depends on this product"),
            OverlapRelation::SharedResource => match &overlap.shared {
                Some(resource) => format!("it needs the resource `{resource}`, which this deployment needs for itself"),
                None => "it needs a resource that this deployment needs for itself".to_owned(),
            },
        };
        let (what, it) = match &overlap.deployment {
            Some(id) => (format!("deployment `{id}`"), format!("`{id}`")),
            None => ("a deployment of another team".to_owned(), "the deployment of the other team".to_owned()),
        };
        let message = format!("{what} is under way in `{}`, and {why}", overlap.environment);
        let fix = Fix::new(format!("wait until {it} has ended"), format!("{it} has ended")).found("under way");
        let breach = Rule::OverlappingDeployment.correct(message, format!("/overlaps/{place}"), fix);
        breaches.push(Finding { about: overlap.deployment.clone(), ..breach });
    }
}
