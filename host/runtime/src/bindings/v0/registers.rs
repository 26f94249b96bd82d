//! Converts the entries of registers to the types of the contract.

use lockgate_domain as domain;

use super::generated::lockgate::types::registers as seen;
use super::snapshot::{attributes, length};

impl From<&domain::Order> for seen::Order {
    fn from(entry: &domain::Order) -> Self {
        Self {
            id: entry.id.clone(),
            status: entry.status.clone(),
            fulfilled: entry.fulfilled,
            placed: entry.placed.map(domain::Timestamp::as_millis),
            due: entry.due.map(domain::Timestamp::as_millis),
            supplier: entry.supplier.clone(),
            required: attributes(&entry.required),
        }
    }
}

impl From<&domain::FulfillmentBook> for seen::FulfillmentBook {
    fn from(entry: &domain::FulfillmentBook) -> Self {
        Self {
            id: entry.id.clone(),
            fulfills: entry.fulfills.clone(),
            automated: entry.automated,
            verified: entry.verified,
            digest: entry.digest.map(|digest| digest.text()),
            execution_time: entry.execution_time.map(length),
        }
    }
}

impl From<&domain::ServiceContract> for seen::ServiceContract {
    fn from(entry: &domain::ServiceContract) -> Self {
        Self {
            id: entry.id.clone(),
            kind: entry.kind.clone(),
            provider: entry.provider.clone(),
            consumer: entry.consumer.clone(),
            active: entry.active,
            term: entry.term.map(Into::into),
            maintenance: entry.maintenance.iter().copied().map(Into::into).collect(),
            blackouts: entry.blackouts.iter().copied().map(Into::into).collect(),
            objectives: entry.objectives.clone(),
        }
    }
}

impl From<&domain::Kpi> for seen::Kpi {
    fn from(entry: &domain::Kpi) -> Self {
        Self {
            id: entry.id.clone(),
            contract: entry.contract.clone(),
            instance: entry.instance.clone(),
            objective: entry.objective.clone(),
            metric: entry.metric.clone(),
            unit: entry.unit.clone(),
            counter: entry.counter,
            at_least: entry.at_least,
            at_most: entry.at_most,
            budget: entry.budget,
            latest: entry.latest,
            measured: entry.measured.map(domain::Timestamp::as_millis),
            samples: entry.samples,
        }
    }
}

impl From<&domain::Sample> for seen::Sample {
    fn from(sample: &domain::Sample) -> Self {
        Self { at: sample.at.as_millis(), value: sample.value }
    }
}

impl From<&domain::SampleInterval> for seen::SampleInterval {
    fn from(interval: &domain::SampleInterval) -> Self {
        Self {
            start: interval.start.as_millis(),
            length: length(interval.length),
            count: interval.count,
            good: interval.good,
            least: interval.least,
            greatest: interval.greatest,
            first: interval.first.as_millis(),
            last: interval.last.as_millis(),
            longest_gap: length(interval.longest_gap),
        }
    }
}

impl From<&domain::Competence> for seen::Competence {
    fn from(competence: &domain::Competence) -> Self {
        Self {
            name: competence.name.clone(),
            level: competence.level.clone(),
            valid_until: competence.valid_until.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::Monitor> for seen::Monitor {
    fn from(entry: &domain::Monitor) -> Self {
        Self {
            id: entry.id.clone(),
            kind: entry.kind.clone(),
            instance: entry.instance.clone(),
            healthy: entry.healthy,
            last_status: entry.last_status.clone(),
            last_run: entry.last_run.map(domain::Timestamp::as_millis),
            interval: entry.interval.map(length),
        }
    }
}

impl From<&domain::Event> for seen::Event {
    fn from(entry: &domain::Event) -> Self {
        Self {
            id: entry.id.clone(),
            category: entry.category.clone(),
            kind: entry.kind.clone(),
            severity: entry.severity.into(),
            open: entry.open,
            at: entry.at.as_millis(),
            instance: entry.instance.clone(),
            message: entry.message.clone(),
            correlated: entry.correlated.clone(),
        }
    }
}

impl From<&domain::Incident> for seen::Incident {
    fn from(entry: &domain::Incident) -> Self {
        Self {
            id: entry.id.clone(),
            title: entry.title.clone(),
            status: entry.status.clone(),
            open: entry.open,
            severity: entry.severity.into(),
            priority: entry.priority.clone(),
            outage_start: entry.outage_start.map(domain::Timestamp::as_millis),
            outage_end: entry.outage_end.map(domain::Timestamp::as_millis),
            changes: entry.changes.clone(),
            instances: entry.instances.clone(),
        }
    }
}

impl From<&domain::Interaction> for seen::Interaction {
    fn from(entry: &domain::Interaction) -> Self {
        Self {
            id: entry.id.clone(),
            kind: entry.kind.clone(),
            at: entry.at.as_millis(),
            about: entry.about.clone(),
            title: entry.title.clone(),
        }
    }
}

impl From<&domain::Runbook> for seen::Runbook {
    fn from(entry: &domain::Runbook) -> Self {
        Self {
            id: entry.id.clone(),
            title: entry.title.clone(),
            kind: entry.kind.clone(),
            digest: entry.digest.map(|digest| digest.text()),
            instance: entry.instance.clone(),
            deployed: entry.deployed,
        }
    }
}

impl From<&domain::AuditFinding> for seen::AuditFinding {
    fn from(entry: &domain::AuditFinding) -> Self {
        Self {
            id: entry.id.clone(),
            title: entry.title.clone(),
            kind: entry.kind.clone(),
            severity: entry.severity.into(),
            open: entry.open,
            clause: entry.clause.clone(),
            about: entry.about.clone(),
            raised: entry.raised.as_millis(),
            due: entry.due.map(domain::Timestamp::as_millis),
        }
    }
}

impl From<&domain::Supplier> for seen::Supplier {
    fn from(entry: &domain::Supplier) -> Self {
        Self {
            id: entry.id.clone(),
            name: entry.name.clone(),
            contracts: entry.contracts.clone(),
            does: entry.does.clone(),
            attributes: attributes(&entry.attributes),
        }
    }
}

impl From<&domain::Capacity> for seen::Capacity {
    fn from(entry: &domain::Capacity) -> Self {
        Self {
            id: entry.id.clone(),
            product: entry.product.clone(),
            kind: entry.kind.clone(),
            unit: entry.unit.clone(),
            total: entry.total,
            used: entry.used,
            measured: entry.measured.map(domain::Timestamp::as_millis),
        }
    }
}
