//! Two deployments that change the same product in the same environment, or a product and one that it depends on, are not
//! fulfilled at the same time.

use super::{Fix, Rule};
use crate::{Gate, OverlapRelation, Phase, Snapshot, Stage, Violation};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Violation>) {
    if snapshot.gate != (Gate { stage: Stage::Fulfill, phase: Phase::Entrance }) {
        return;
    }
    for (place, overlap) in snapshot.deployment.overlaps.iter().enumerate() {
        let (product, id) = (&overlap.product, &overlap.deployment);
        let why = match overlap.relation {
            _ if !overlap.under_way => continue,
            OverlapRelation::SameEnvironment => continue,
            OverlapRelation::SameProduct => format!("it changes the same product, `{product}`, there"),
            OverlapRelation::DependedOn => format!("it changes `{product}`, which this product depends on"),
            OverlapRelation::Dependent => format!("it changes `{product}`, which depends on this product"),
        };
        let message = format!("deployment `{id}` is under way in `{}`, and {why}", overlap.environment);
        let fix = Fix::new(format!("wait until `{id}` has ended"), format!("`{id}` has ended")).found("under way");
        let breach = Rule::OverlappingDeployment.correct(message, format!("/overlaps/{place}"), fix);
        breaches.push(Violation { subject: Some(id.clone()), ..breach });
    }
}
