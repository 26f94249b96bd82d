//! Rules 5 and 6: what the change and the inventory say of the deployment as a whole.

use super::{Fix, Rule};
use crate::{ChangeApproval, Deployment, Finding, Gate, ReleaseStatus, Scenario, Snapshot};

pub(super) fn check(snapshot: &Snapshot, breaches: &mut Vec<Finding>) {
    let deployment = &snapshot.deployment;
    change_refused(deployment, breaches);
    release_refused(deployment, breaches);
    of_another_product(deployment, breaches);
    // Once fulfillment has begun, the instances of a first release exist.
    if deployment.scenario == Scenario::FirstRelease && snapshot.gate <= Gate::FULFILL_ENTRANCE {
        first_release(deployment, breaches);
    }
}

fn change_refused(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let change = &deployment.change;
    let what = match change.approval {
        ChangeApproval::Rejected => "rejected",
        ChangeApproval::Withdrawn => "withdrawn",
        ChangeApproval::Requested | ChangeApproval::Approved | ChangeApproval::Closed => return,
    };
    let fix =
        Fix::new("give the deployment up, or have the change approved", "approved").accepts("approved").found(what);
    let message = format!("the change `{}` is {what}: a deployment under it goes no further", change.id);
    breaches.push(Rule::ChangeRefused.correct(message, "/change/approval", fix).about(&change.id));
}

/// A withdrawn release is not deployed, and may be removed.
fn release_refused(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let release = &deployment.release;
    if release.status != ReleaseStatus::Withdrawn || deployment.scenario == Scenario::Removal {
        return;
    }
    let fix = Fix::new("deploy a release that is published, or have this one published again", "published")
        .accepts("published")
        .found("withdrawn");
    let message = format!("the release `{}` is withdrawn: a deployment of it goes no further", release.id);
    breaches.push(Rule::ReleaseRefused.correct(message, "/release/status", fix).about(&release.id));
}

fn of_another_product(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let (release, product) = (&deployment.release, &deployment.product.id);
    let Some(other) = release.product.as_ref().filter(|other| *other != product) else { return };
    let message = format!("the release `{}` is one of the product `{other}`, and not of `{product}`", release.id);
    let fix =
        Fix::new("deploy a release of the product, or name the other product", other.clone()).found(product.clone());
    breaches.push(Rule::ReleaseOfAnotherProduct.correct(message, "/product/id", fix.accepts(other.clone())));
}

fn first_release(deployment: &Deployment, breaches: &mut Vec<Finding>) {
    let environment = &deployment.environment.name;
    let here = |instance: &&crate::Instance| instance.status.exists() && instance.environment == *environment;
    let there: Vec<String> =
        deployment.actual_instances.iter().filter(here).map(|instance| format!("`{}`", instance.id)).collect();
    if !there.is_empty() {
        let there = there.join(", ");
        let message = format!("this is no first release: the inventory has instances in `{environment}`: {there}");
        let fix = Fix::new("ask for a deployment of a new version", "`new-version`").accepts("new-version");
        breaches.push(Rule::NotTheFirstRelease.correct(message, "/scenario", fix.found("first-release")));
    }
    if let Some(consumers) =
        deployment.product.consumers.filter(|consumers| *consumers > 0 && deployment.environment.live)
    {
        let message =
            format!("this is no first release: the product `{}` has {consumers} consumers", deployment.product.id);
        let fix = Fix::new("ask for a deployment of a new version", "0 consumers").found(consumers.to_string());
        breaches.push(Rule::NotTheFirstRelease.correct(message, "/product/consumers", fix));
    }
}
