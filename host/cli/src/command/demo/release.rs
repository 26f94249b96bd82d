//! The deployment of the demo: Lockgate's own release.

use anyhow::Result;
use lockgate_domain::{
    Approval, ApprovalAnswer, Deployment, DeploymentRecord, DeploymentResult, Digest, Duration, HandOver, Instance,
    Person, Receiver, Risk, Scenario, TimeWindow, Timestamp, WayBack,
};

use super::files::{LockgateBuild, short_hex};
use super::live::{ENVIRONMENT, INSTANCES, LiveEnvironment};

/// The hand-over of the deployment, which the requester proposed to that person, and the person accepted.
pub(super) fn hand_over(deployment: &Deployment, to: &Person, now: Timestamp) -> HandOver {
    HandOver {
        receiver: Receiver { person: Some(to.id.clone()), team: None },
        runbooks: Vec::new(),
        knowledge_items: deployment.release.knowledge_items.iter().map(|item| item.id.clone()).collect(),
        service_contracts: Vec::new(),
        monitors: Vec::new(),
        note: None,
        proposed_by: deployment.requester.id.clone(),
        proposed: now,
        accepted_by: Some(to.id.clone()),
        accepted: Some(now),
    }
}

/// The parts of the demo's deployment.
pub(super) struct DeploymentParts<'a> {
    /// The deployment of the example: the people, the product, the knowledge items.
    pub(super) example: Deployment,
    /// The live build.
    pub(super) current: &'a LockgateBuild,
    /// The build to deploy.
    pub(super) candidate: &'a LockgateBuild,
    /// The commit that both were built from.
    pub(super) commit: &'a str,
    /// When the demo began.
    pub(super) began: Timestamp,
    /// The current instances.
    pub(super) inventory: Vec<Instance>,
}

impl DeploymentParts<'_> {
    /// Composes the deployment, without approvals.
    pub(super) fn compose(self) -> Result<Deployment> {
        let Self { example, current, candidate, commit, began, inventory } = self;
        let id = format!("deploy-{}-{ENVIRONMENT}", candidate.package.release);
        let window = TimeWindow {
            start: Timestamp::from_millis(began.as_millis() - 60_000),
            end: began.saturating_add(Duration::from_millis(2 * 60 * 60 * 1000)),
        };
        let mut deployment = Deployment { id, approvals: Vec::new(), approved: None, hand_over: None, ..example };
        let release = &mut deployment.release;
        release.id.clone_from(&candidate.package.release);
        release.name = format!("Lockgate {}", short_hex(candidate.digest));
        release.version.clone_from(&candidate.version);
        release.description = format!("Built from commit {commit}, without symbols.");
        release.components.clone_from(&candidate.package.components);
        release.digest = Some(release.computed_digest());
        let change = &mut deployment.change;
        change.title = format!("{} to {ENVIRONMENT}", candidate.package.release);
        change.releases = vec![candidate.package.release.clone()];
        change.window = Some(window);
        let plan = deployment.plan.get_or_insert_default();
        plan.slot = Some(window);
        plan.suppression = Some(window);
        plan.targets = (0..INSTANCES).map(LiveEnvironment::id).collect();
        plan.way_back = Some(WayBack {
            digest: Some(current.release_digest()?),
            ..WayBack::last_known_good(current.package.release.clone())
        });
        deployment.desired_instances = inventory
            .iter()
            .cloned()
            .map(|instance| Instance {
                release: Some(candidate.package.release.clone()),
                components: candidate.package.components.clone(),
                ..instance
            })
            .collect();
        deployment.actual_instances = inventory;
        deployment.history = vec![DeploymentRecord {
            id: format!("deploy-{}-{ENVIRONMENT}", current.package.release),
            release: current.package.release.clone(),
            product: deployment.product.id.clone(),
            change: None,
            digest: None,
            components: Vec::new(),
            environment: ENVIRONMENT.to_owned(),
            live: deployment.environment.live,
            model: None,
            model_version: None,
            scenario: Scenario::FirstRelease,
            risk: Risk::Medium,
            iteration: 1,
            requested: began,
            began: Some(began),
            ended: Some(began),
            outcome: DeploymentResult::Operational,
            returned_to: None,
            incidents: Vec::new(),
        }];
        Ok(deployment)
    }
}

/// A person's approval of a subject.
pub(super) fn approval(person: &Person, subject: Digest, at: Timestamp) -> Approval {
    let role = person.roles.first().cloned().unwrap_or_default();
    let id = format!("approval-of-{}", person.id);
    Approval::new(id, person.clone(), role, ApprovalAnswer::Approved, at, subject)
}
