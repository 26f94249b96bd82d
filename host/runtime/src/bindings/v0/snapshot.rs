//! Converts the types of the domain to those of the contract, for the snapshot.

use std::collections::BTreeMap;

use lockgate_domain as domain;

use super::generated::lockgate::types::types as wit;

/// Converts each item, in order.
pub(super) fn each<'a, D, W: From<&'a D>>(items: &'a [D]) -> Vec<W> {
    items.iter().map(W::from).collect()
}

/// Names and values, sorted by name.
pub(super) fn attributes(labels: &BTreeMap<String, String>) -> Vec<wit::Attribute> {
    labels.iter().map(|(name, value)| wit::Attribute { name: name.clone(), value: value.clone() }).collect()
}

/// A length of time. One that does not fit is longer than 290 million years.
pub(super) fn length(duration: domain::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Earlier deployments, newest first. Those that ended at the same time keep the order of the snapshot.
pub(super) fn newest_first(history: &[domain::PastDeployment]) -> Vec<wit::PastDeployment> {
    let mut newest_first: Vec<_> = history.iter().collect();
    newest_first.sort_by_key(|past| std::cmp::Reverse(past.finished));
    newest_first.into_iter().map(Into::into).collect()
}

/// Converts the head of one piece of evidence with its name.
pub(crate) fn evidence(name: &str, evidence: &domain::Evidence) -> wit::Evidence {
    wit::Evidence {
        name: name.to_owned(),
        digest: evidence.digest.text(),
        media_type: evidence.media_type.clone(),
        // It is limited to 64 MiB where it is read.
        size: u32::try_from(evidence.size).unwrap_or(u32::MAX),
        made: evidence.made.map(domain::Timestamp::as_millis),
        claimed_source: evidence.source.clone(),
    }
}

/// Converts enums that have the same members in the domain and in the contract.
macro_rules! same {
    ($($name:ident { $($member:ident)* })*) => {
        $(
            impl From<domain::$name> for wit::$name {
                fn from(value: domain::$name) -> Self {
                    match value {
                        $(domain::$name::$member => Self::$member,)*
                    }
                }
            }
        )*
    };
}

same! {
    Stage { PlanAndApprove Fulfill Validate Observe }
    Phase { Entrance Exit }
    Scenario { FirstRelease NewVersion Removal }
    ReleaseStatus { Draft Accepted Published Withdrawn }
    DefectStatus { Open Accepted Fixed }
    Severity { Info Low Medium High Critical }
    KnowledgeStatus { Draft InReview Validated Published Archived }
    EnvironmentControl { Full Limited None }
    ChangeCategory { Emergency Standard Normal }
    ChangeApproval { Requested Approved Rejected }
    ApprovalAnswer { Approved Rejected }
    InstanceStatus { Planned Deploying Running Degraded Stopped Removed }
    WayBackKind { Removal LastKnownGood ForwardOnly }
    DeploymentResult { UnderWay Operational RolledBack Failed Aborted Rejected }
}

impl From<domain::Risk> for wit::Level {
    fn from(risk: domain::Risk) -> Self {
        match risk {
            domain::Risk::Low => Self::Low,
            domain::Risk::Medium => Self::Medium,
            domain::Risk::High => Self::High,
            domain::Risk::Critical => Self::Critical,
        }
    }
}

/// The word of the contract for a kind of component.
fn component_kind(kind: domain::ComponentKind) -> &'static str {
    match kind {
        domain::ComponentKind::Hardware => "hardware",
        domain::ComponentKind::Software => "software",
        domain::ComponentKind::Documentation => "documentation",
        domain::ComponentKind::Process => "process",
        domain::ComponentKind::Licence => "licence",
        domain::ComponentKind::Data => "data",
        domain::ComponentKind::Other => "other",
    }
}

/// The word of the contract for a kind of environment.
fn environment_kind(kind: domain::EnvironmentKind) -> &'static str {
    match kind {
        domain::EnvironmentKind::Development => "development",
        domain::EnvironmentKind::Test => "test",
        domain::EnvironmentKind::Staging => "staging",
        domain::EnvironmentKind::Live => "live",
        domain::EnvironmentKind::Custom => "custom",
    }
}

impl From<&domain::Person> for wit::Person {
    fn from(person: &domain::Person) -> Self {
        Self { id: person.id.normal().to_owned(), name: person.name.clone(), roles: person.roles.clone() }
    }
}

/// The people who contribute, and everybody else who was ever involved. None of them is independent.
pub(super) fn contributors(deployment: &domain::Deployment) -> Vec<wit::Person> {
    let named = |id: &domain::PersonId| {
        deployment.requester.id == *id || deployment.contributors.iter().any(|person| person.id == *id)
    };
    let others = deployment.involved.iter().filter(|id| !named(id));
    let others = others.map(|id| wit::Person { id: id.normal().to_owned(), name: String::new(), roles: Vec::new() });
    each(&deployment.contributors).into_iter().chain(others).collect()
}

impl From<&domain::Product> for wit::Product {
    fn from(product: &domain::Product) -> Self {
        Self { id: product.id.clone(), name: product.name.clone(), depends_on: product.depends_on.clone() }
    }
}

impl From<&domain::Release> for wit::Release {
    fn from(release: &domain::Release) -> Self {
        Self {
            id: release.id.clone(),
            name: release.name.clone(),
            version: release.version.clone(),
            description: release.description.clone(),
            status: release.status.into(),
            digest: release.digest.map(|digest| digest.text()),
            tags: release.tags.clone(),
        }
    }
}

impl From<&domain::Component> for wit::Component {
    fn from(component: &domain::Component) -> Self {
        Self {
            name: component.name.clone(),
            kind: component_kind(component.kind).to_owned(),
            version: component.version.clone(),
            digest: component.digest.map(|digest| digest.text()),
            media_type: component.media_type.clone(),
            origin: component.origin.clone(),
        }
    }
}

impl From<&domain::ReleaseNotes> for wit::ReleaseNotes {
    fn from(notes: &domain::ReleaseNotes) -> Self {
        Self {
            uri: notes.uri.clone(),
            digest: notes.digest.map(|digest| digest.text()),
            defects: notes.defects.clone(),
        }
    }
}

impl From<&domain::Defect> for wit::Defect {
    fn from(defect: &domain::Defect) -> Self {
        Self {
            id: defect.id.clone(),
            title: defect.title.clone(),
            severity: defect.severity.into(),
            status: defect.status.into(),
        }
    }
}

impl From<&domain::KnowledgeItem> for wit::KnowledgeItem {
    fn from(item: &domain::KnowledgeItem) -> Self {
        Self {
            id: item.id.clone(),
            title: item.title.clone(),
            status: item.status.into(),
            author: item.author.clone(),
            expires: item.expires.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::Environment> for wit::Environment {
    fn from(environment: &domain::Environment) -> Self {
        Self {
            name: environment.name.clone(),
            kind: environment_kind(environment.kind).to_owned(),
            live: environment.kind == domain::EnvironmentKind::Live,
            purpose: environment.purpose.clone(),
            control: environment.control.into(),
        }
    }
}

impl From<domain::TimeWindow> for wit::TimeWindow {
    fn from(window: domain::TimeWindow) -> Self {
        Self { start: window.start.as_millis(), end: window.end.as_millis() }
    }
}

impl From<&domain::Change> for wit::Change {
    fn from(change: &domain::Change) -> Self {
        Self {
            id: change.id.clone(),
            title: change.title.clone(),
            description: change.description.clone(),
            category: change.category.into(),
            approval: change.approval.into(),
            risk: change.risk.into(),
            window: change.window.map(Into::into),
            assignee: change.assignee.as_ref().map(|assignee| assignee.normal().to_owned()),
            releases: change.releases.clone(),
        }
    }
}

impl From<&domain::Approval> for wit::Approval {
    fn from(approval: &domain::Approval) -> Self {
        Self {
            id: approval.id.clone(),
            person: (&approval.person).into(),
            role: approval.role.clone(),
            answer: approval.answer.into(),
            at: approval.at.as_millis(),
            expires: approval.expires.map(domain::Timestamp::as_millis),
            subject: approval.subject.text(),
            comment: approval.comment.clone(),
        }
    }
}

impl From<&domain::WayBack> for wit::WayBack {
    fn from(way_back: &domain::WayBack) -> Self {
        Self {
            kind: way_back.kind.into(),
            release: way_back.release.clone(),
            digest: way_back.digest.map(|digest| digest.text()),
            rehearsed_by: way_back.rehearsed_by.clone(),
        }
    }
}

impl From<&domain::Plan> for wit::Plan {
    fn from(plan: &domain::Plan) -> Self {
        Self {
            id: plan.id.clone(),
            slot: plan.slot.map(Into::into),
            priority: plan.priority.clone(),
            point_of_no_return: plan.point_of_no_return.clone(),
            way_back: plan.way_back.as_ref().map(Into::into),
            suppression: plan.suppression.map(Into::into),
            office_hours_exception: plan.office_hours_exception,
            targets: plan.targets.clone(),
            data_retention: plan.data_retention.as_ref().map(|retention| wit::DataRetention {
                keep: length(retention.keep),
                viewable_by_customer: retention.viewable_by_customer,
                decided_by: retention.decided_by.normal().to_owned(),
            }),
            criteria: plan.criteria.clone(),
        }
    }
}

impl From<&domain::Instance> for wit::Instance {
    fn from(instance: &domain::Instance) -> Self {
        Self {
            id: instance.id.clone(),
            name: instance.name.clone(),
            environment: instance.environment.clone(),
            release: instance.release.clone(),
            status: instance.status.into(),
            components: each(&instance.components),
            configuration: instance
                .configuration
                .iter()
                .map(|item| wit::Attribute { name: item.name.clone(), value: item.value.clone() })
                .collect(),
            owner: instance.owner.clone(),
            location: instance.location.clone(),
            consumers: instance.consumers,
            monitored: instance.monitored,
            documented: instance.documented,
            created: instance.created.map(domain::Timestamp::as_millis),
            modified: instance.modified.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::PastDeployment> for wit::PastDeployment {
    fn from(past: &domain::PastDeployment) -> Self {
        Self {
            id: past.id.clone(),
            release: past.release.clone(),
            environment: past.environment.clone(),
            scenario: past.scenario.into(),
            risk: past.risk.into(),
            finished: past.finished.as_millis(),
            outcome: past.outcome.into(),
        }
    }
}

impl From<&domain::ApprovedPlan> for wit::ApprovedPlan {
    fn from(approved: &domain::ApprovedPlan) -> Self {
        Self {
            subject: approved.subject.text(),
            decision: approved.decision.clone(),
            at: approved.at.as_millis(),
            release: approved.release.clone(),
            components: each(&approved.components),
        }
    }
}
