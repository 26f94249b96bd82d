//! Converts the types of the domain to those of the contract, for the snapshot.

use std::collections::BTreeMap;

use lockgate_domain as domain;

use super::generated::lockgate::types::{registers, types as wit};

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

/// The most items of a page.
const LARGEST_PAGE: u32 = 1_000;

/// The number of items that a page may have.
fn most(page: &wit::Page) -> usize {
    usize::try_from(page.at_most.min(LARGEST_PAGE)).unwrap_or(0)
}

/// The items of one page: those after the one with that key, in their order. No item has an unknown key, so nothing comes
/// after it.
pub(super) fn page<'a, D: 'a, W: From<&'a D>>(
    items: impl IntoIterator<Item = &'a D>,
    key: impl Fn(&'a D) -> &'a str,
    page: &wit::Page,
) -> Vec<W> {
    let mut items = items.into_iter();
    if let Some(after) = &page.after
        && !items.any(|item| key(item) == after)
    {
        return Vec::new();
    }
    items.take(most(page)).map(W::from).collect()
}

/// What it takes to sort or to compare one item, in units of fuel.
pub(super) const ITEM: u64 = 50;

/// The number of things that the instances consist of.
pub(super) fn parts(deployment: &domain::Deployment) -> u64 {
    let instances = deployment.desired_instances.iter().chain(&deployment.actual_instances);
    instances.map(|instance| 4 + instance.components.len() as u64 + instance.configuration.len() as u64).sum()
}

/// The items of one page, which goes on after the moment of an item. No item has a text that is no moment.
fn page_by_moment<'a, D: 'a, W: From<&'a D>>(
    items: &'a [D],
    moment: impl Fn(&D) -> domain::Timestamp,
    page: &wit::Page,
) -> Vec<W> {
    let mut items = items.iter();
    if let Some(after) = &page.after {
        let after = after.parse::<domain::Timestamp>().ok();
        if !items.any(|item| Some(moment(item)) == after) {
            return Vec::new();
        }
    }
    items.take(most(page)).map(W::from).collect()
}

/// The samples of one page, which goes on after a moment.
pub(super) fn samples(samples: &domain::KpiSamples, page: &wit::Page) -> Vec<registers::Sample> {
    page_by_moment(samples.newest_first(), |sample| sample.at, page)
}

/// The intervals of one page, which goes on after the start of one.
pub(super) fn sample_intervals(intervals: &domain::KpiIntervals, page: &wit::Page) -> Vec<registers::SampleInterval> {
    page_by_moment(intervals.oldest_first(), |interval| interval.start, page)
}

/// The differences of one page, and what it took to find them. All differences of an instance are in one page, however many
/// they are.
pub(super) fn differences(deployment: &domain::Deployment, page: &wit::Page) -> (Vec<wit::Difference>, u64) {
    let effort = parts(deployment) * ITEM;
    let most = most(page);
    if most == 0 {
        return (Vec::new(), effort);
    }
    let all = deployment.differences();
    let after = |difference: &&domain::Difference| page.after.as_ref().is_none_or(|after| difference.instance > *after);
    let mut left = all.iter().filter(after).peekable();
    let mut found: Vec<wit::Difference> = Vec::new();
    while let Some(next) = left.peek() {
        let instance = next.instance.clone();
        let of_it: Vec<wit::Difference> =
            std::iter::from_fn(|| left.next_if(|next| next.instance == instance)).map(Into::into).collect();
        if !found.is_empty() && found.len() + of_it.len() > most {
            break;
        }
        found.extend(of_it);
    }
    (found, effort)
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
        attester: evidence.attester.as_ref().map(|attester| attester.normal().to_owned()),
        credential: evidence.credential.clone(),
        attested: evidence.attested.map(domain::Timestamp::as_millis),
        valid_until: evidence.valid_until.map(domain::Timestamp::as_millis),
        verification: evidence.verification.into(),
        verified_by: evidence.verified_by.clone(),
        subjects: evidence.subjects.iter().map(|digest| digest.text()).collect(),
        claimed_source: evidence.claimed_source.clone(),
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
    ChangeApproval { Requested Approved Rejected Withdrawn Closed }
    ApprovalAnswer { Approved Rejected }
    InstanceStatus { Planned Deploying Running Degraded Stopped Disabled Removed Disposed }
    Verification { Absent Unchecked Verified Failed }
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

impl From<&domain::Person> for wit::Person {
    fn from(person: &domain::Person) -> Self {
        Self {
            id: person.id.normal().to_owned(),
            kind: person.kind.as_str().to_owned(),
            roles: person.roles.clone(),
            team: person.team.clone(),
        }
    }
}

/// The people who contribute, and everybody else who was ever involved. None of them is independent.
pub(super) fn contributors(deployment: &domain::Deployment) -> Vec<wit::Person> {
    each(&deployment.everybody_else())
}

impl From<&domain::Product> for wit::Product {
    fn from(product: &domain::Product) -> Self {
        Self {
            id: product.id.clone(),
            name: product.name.clone(),
            owner: product.owner.clone(),
            depends_on: product.depends_on.clone(),
            segments: product.segments.clone(),
            consumers: product.consumers,
            attributes: attributes(&product.attributes),
        }
    }
}

impl From<&domain::Release> for wit::Release {
    fn from(release: &domain::Release) -> Self {
        Self {
            id: release.id.clone(),
            name: release.name.clone(),
            version: release.version.clone(),
            status: release.status.into(),
            digest: release.digest.map(|digest| digest.text()),
            sourcing: release.sourcing.clone(),
            supplier: release.supplier.clone(),
            tags: release.tags.clone(),
            attributes: attributes(&release.attributes),
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
            serial: component.serial.clone(),
            order: component.order.clone(),
            entitlement: component.entitlement.clone(),
            migration: component.migration.clone(),
            retention: component.retention.map(length),
            reviewer: component.reviewer.as_ref().map(|id| id.normal().to_owned()),
        }
    }
}

impl From<&domain::ComponentChange> for wit::ComponentChange {
    fn from(change: &domain::ComponentChange) -> Self {
        let version = |side: &Option<domain::ComponentIdentity>| side.as_ref().map(|side| side.version.clone());
        let digest = |side: &Option<domain::ComponentIdentity>| side.as_ref()?.digest.map(|digest| digest.text());
        Self {
            name: change.name.clone(),
            change: change.change.as_str().to_owned(),
            before_version: version(&change.before),
            before_digest: digest(&change.before),
            after_version: version(&change.after),
            after_digest: digest(&change.after),
        }
    }
}

impl From<&domain::Provenance> for wit::Provenance {
    fn from(provenance: &domain::Provenance) -> Self {
        Self {
            source: provenance.source.as_str().to_owned(),
            attester: provenance.attester.as_ref().map(|id| id.normal().to_owned()),
            kind: provenance.kind.map(|kind| kind.as_str().to_owned()),
            roles: provenance.roles.clone(),
            credential: provenance.credential.clone(),
            as_of: provenance.as_of.map(domain::Timestamp::as_millis),
            recorded: provenance.recorded.map(domain::Timestamp::as_millis),
            valid_until: provenance.valid_until.map(domain::Timestamp::as_millis),
            entry: provenance.entry.map(|digest| digest.text()),
            verification: provenance.verification.into(),
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
            kind: item.kind.clone(),
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
            kind: environment.kind.as_str().to_owned(),
            live: environment.live,
            purpose: environment.purpose.clone(),
            control: environment.control.into(),
            owner: environment.owner.clone(),
            third_party: environment.third_party.clone(),
            version: environment.version.map(|digest| digest.text()),
            definition: environment.definition.clone(),
            applied: environment.applied.map(|digest| digest.text()),
            parameters: attributes(&environment.parameters),
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
        let person = |id: &Option<domain::PersonId>| id.as_ref().map(|id| id.normal().to_owned());
        Self {
            id: change.id.clone(),
            title: change.title.clone(),
            category: change.category.into(),
            approval: change.approval.into(),
            approved_by: person(&change.approved_by),
            approved_at: change.approved_at.map(domain::Timestamp::as_millis),
            risk: change.risk.into(),
            urgency: change.urgency.map(Into::into),
            impact: change.impact.map(Into::into),
            priority: change.priority.clone(),
            trigger: change.trigger.map(|trigger| trigger.as_str().to_owned()),
            trigger_reference: change.trigger_reference.clone(),
            context: change.context.map(|context| context.as_str().to_owned()),
            window: change.window.map(Into::into),
            requested_by: person(&change.requested_by),
            assignee: person(&change.assignee),
            releases: change.releases.clone(),
            planned_cost: change
                .planned_cost
                .as_ref()
                .map(|cost| wit::Money { amount: cost.amount, currency: cost.currency.clone() }),
            system: change.system.clone(),
            address: change.address.clone(),
            status: change.status.clone(),
            attributes: attributes(&change.attributes),
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
            on_behalf_of: approval.on_behalf_of.as_ref().map(|id| id.normal().to_owned()),
            credential: approval.credential.clone(),
            signature: approval.signature.into(),
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
            notice: plan.notice.map(domain::Timestamp::as_millis),
            targets: plan.targets.clone(),
            staying: plan.staying.clone(),
            data_retention: plan.data_retention.as_ref().map(|retention| wit::DataRetention {
                keep: length(retention.keep),
                viewable_by_customer: retention.viewable_by_customer,
                decided_by: retention.decided_by.normal().to_owned(),
            }),
            criteria: plan.criteria.clone(),
            resources: plan.resources.clone(),
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
            owner: instance.owner.clone(),
            location: instance.location.clone(),
            consumers: instance.consumers,
            monitored: instance.monitored,
            documented: instance.documented,
            content: instance.content().text(),
            created: instance.created.map(domain::Timestamp::as_millis),
            modified: instance.modified.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::ConfigurationItem> for wit::Attribute {
    fn from(item: &domain::ConfigurationItem) -> Self {
        Self { name: item.name.clone(), value: item.value.clone() }
    }
}

impl From<&domain::Difference> for wit::Difference {
    fn from(difference: &domain::Difference) -> Self {
        Self {
            instance: difference.instance.clone(),
            kind: difference.kind.as_str().to_owned(),
            name: difference.name.clone(),
            desired: difference.desired.clone(),
            actual: difference.actual.clone(),
        }
    }
}

impl From<&domain::DeploymentRecord> for wit::DeploymentRecord {
    fn from(record: &domain::DeploymentRecord) -> Self {
        Self {
            id: record.id.clone(),
            product: record.product.clone(),
            environment: record.environment.clone(),
            live: record.live,
            change: record.change.clone(),
            release: record.release.clone(),
            digest: record.digest.map(|digest| digest.text()),
            model: record.model.clone(),
            model_version: record.model_version.clone(),
            scenario: record.scenario.into(),
            risk: record.risk.into(),
            iteration: record.iteration,
            requested: record.requested.as_millis(),
            began: record.began.map(domain::Timestamp::as_millis),
            ended: record.ended.map(domain::Timestamp::as_millis),
            outcome: record.outcome.into(),
            returned_to: record.returned_to.clone(),
            incidents: record.incidents.clone(),
        }
    }
}

impl From<&domain::ApprovedPlan> for wit::ApprovedPlan {
    fn from(approved: &domain::ApprovedPlan) -> Self {
        let part =
            |(name, digest): (&String, &domain::Digest)| wit::Attribute { name: name.clone(), value: digest.text() };
        Self {
            subject: approved.subject.text(),
            decision: approved.decision.clone(),
            at: approved.at.as_millis(),
            release: approved.release.clone(),
            digest: approved.digest.map(|digest| digest.text()),
            model: approved.model.text(),
            rollout: approved.rollout.map(|digest| digest.text()),
            parts: approved.parts.iter().map(part).collect(),
        }
    }
}

impl From<&domain::HandOver> for wit::HandOver {
    fn from(hand_over: &domain::HandOver) -> Self {
        let receiver = &hand_over.receiver;
        Self {
            receiver: wit::Receiver {
                person: receiver.person.as_ref().map(|person| person.normal().to_owned()),
                team: receiver.team.as_ref().map(|team| team.as_str().to_owned()),
            },
            runbooks: hand_over.runbooks.clone(),
            knowledge_items: hand_over.knowledge_items.clone(),
            service_contracts: hand_over.service_contracts.clone(),
            monitors: hand_over.monitors.clone(),
            note: hand_over.note.clone(),
            proposed_by: hand_over.proposed_by.normal().to_owned(),
            proposed: hand_over.proposed.as_millis(),
            accepted_by: hand_over.accepted_by.as_ref().map(|person| person.normal().to_owned()),
            accepted: hand_over.accepted.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::GatePassage> for wit::GatePassage {
    fn from(passage: &domain::GatePassage) -> Self {
        Self {
            stage: passage.stage.into(),
            phase: passage.phase.into(),
            at: passage.at.as_millis(),
            decision: passage.decision.clone(),
        }
    }
}

impl From<&domain::AskingModel> for wit::Model {
    fn from(model: &domain::AskingModel) -> Self {
        Self {
            id: model.id.clone(),
            version: model.version.clone(),
            digest: model.digest.text(),
            binding: model.binding.clone(),
        }
    }
}

impl From<domain::Timing> for wit::Timing {
    fn from(timing: domain::Timing) -> Self {
        Self {
            window: timing.window.map(Into::into),
            forward: length(timing.forward),
            back: length(timing.back),
            rest: length(timing.rest),
            moment_of_no_return: timing.moment_of_no_return.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::Overlap> for wit::Overlap {
    fn from(overlap: &domain::Overlap) -> Self {
        Self {
            deployment: overlap.deployment.clone(),
            environment: overlap.environment.clone(),
            product: overlap.product.clone(),
            shared: overlap.shared.clone(),
            relation: overlap.relation.as_str().to_owned(),
            window: overlap.window.map(Into::into),
            under_way: overlap.under_way,
        }
    }
}

impl From<&domain::GrantedExemption> for wit::Exemption {
    fn from(exemption: &domain::GrantedExemption) -> Self {
        Self {
            id: exemption.id.clone(),
            kind: exemption.kind.clone(),
            binding: exemption.binding.clone(),
            codes: exemption.codes.clone(),
            owner: exemption.owner.clone(),
            reason: exemption.reason.clone(),
            expires: exemption.expires.map(domain::Timestamp::as_millis),
        }
    }
}
