//! The snapshot that a decision may use.
//!
//! In a component this is the host's `evaluation` resource, in a native test a [`Fixture`](crate::testing::Fixture). A
//! plugin cannot distinguish them, so its tests need no WebAssembly.

#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::host::snapshot::Evaluation as Source;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::Fixture as Source;

use crate::bindings::lockgate::types::rollouts::{Analysis, Progress, Rollout};
#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::types::types::Page;
use crate::registers::{
    AuditFinding, Capacity, Competence, Event, FulfillmentBook, Incident, Interaction, Kpi, Monitor, Order, Runbook,
    Sample, SampleInterval, ServiceContract, Supplier,
};
use crate::time::Timestamp;
use crate::types::{
    Approval, ApprovedPlan, Attribute, Change, Component, ComponentChange, Defect, DeploymentRecord, Difference,
    Document, Environment, Evidence, Exemption, GatePassage, HandOver, Instance, KnowledgeItem, Model, Overlap, Person,
    Phase, Plan, Product, Provenance, Release, ReleaseNotes, Scenario, Section, Stage, Timing,
};
use crate::{EvidenceFile, ReadError};

/// Everything that the decision may use. It never changes while the plugin runs.
///
/// In a component each method is a call of the host that copies its answer: keep the answer rather than ask twice.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    source: &'a Source,
}

impl<'a> Evaluation<'a> {
    /// Wraps the resource that the host lends for one call.
    #[doc(hidden)]
    pub fn new(source: &'a Source) -> Self {
        Self { source }
    }

    /// The fixture that replaces the host in a native test.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn fixture(&self) -> &'a Source {
        self.source
    }
}

macro_rules! readers {
    ($($(#[$doc:meta])* $name:ident -> $type:ty;)+) => {
        impl Evaluation<'_> { $(
            $(#[$doc])*
            pub fn $name(&self) -> $type {
                #[cfg(target_arch = "wasm32")]
                { self.source.$name() }
                #[cfg(not(target_arch = "wasm32"))]
                { self.source.$name.clone() }
            }
        )+ }
    };
}

readers! {
    /// The id of the deployment.
    id -> String;
    /// The stage of the gate.
    stage -> Stage;
    /// The entrance or the exit of the stage.
    phase -> Phase;
    /// The deployment model that asks, and for which binding. None if the plugin is tried without a model.
    model -> Option<Model>;
    /// The kind of deployment.
    scenario -> Scenario;
    /// The digest that an approval must name. It covers the release, the plan, the environment, the change, the deployment
    /// model and the people.
    subject -> String;
    /// The person who requested the deployment.
    requester -> Person;
    /// The people who contributed to the change, and everybody else who was ever involved.
    contributors -> Vec<Person>;
    /// The product that the release belongs to.
    product -> Product;
    /// The release to deploy.
    release -> Release;
    /// The release notes, once they are written.
    release_notes -> Option<ReleaseNotes>;
    /// The known defects of the release.
    defects -> Vec<Defect>;
    /// The knowledge items of the release: what people need to know about it.
    knowledge_items -> Vec<KnowledgeItem>;
    /// The target environment.
    environment -> Environment;
    /// The change under which the deployment runs.
    change -> Change;
    /// The plan. None until somebody has planned.
    plan -> Option<Plan>;
    /// How long the rollout takes, which the host adds up. None until it is laid out.
    timing -> Option<Timing>;
    /// The rollout as the strategy laid it out. None until it did.
    rollout -> Option<Rollout>;
    /// The progress of the rollout. None before it is carried out.
    progress -> Option<Progress>;
    /// The analysis that a step of the rollout asks this check for. None at a gate.
    analysis -> Option<Analysis>;
    /// The answers of people who are not involved, including those that no longer count.
    approvals -> Vec<Approval>;
    /// The approved plan. None until the deployment has passed the exit of plan-and-approve.
    approved -> Option<ApprovedPlan>;
    /// The gates that were passed, in order.
    gates_passed -> Vec<GatePassage>;
    /// The hand-over to those who operate what was deployed. None until somebody proposes it.
    hand_over -> Option<HandOver>;
    /// The labels of the deployment, in order of name.
    labels -> Vec<Attribute>;
    /// Other deployments whose time overlaps with that of this one.
    overlaps -> Vec<Overlap>;
    /// The waivers and overrides that were granted for the deployment.
    exemptions -> Vec<Exemption>;
}

/// All items of a list that the host returns in pages, each of which goes on after the key of the last item.
#[cfg(target_arch = "wasm32")]
fn every<T, E>(mut read: impl FnMut(&Page) -> Result<Vec<T>, E>, key: impl Fn(&T) -> &String) -> Result<Vec<T>, E> {
    let mut page = Page { after: None, at_most: u32::MAX };
    let mut items = Vec::new();
    loop {
        let part = read(&page)?;
        let Some(last) = part.last() else { return Ok(items) };
        page.after = Some(key(last).clone());
        items.extend(part);
    }
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident by $key:ident -> $type:ty;)+) => {
        impl Evaluation<'_> { $(
            $(#[$doc])*
            pub fn $name(&self) -> Vec<$type> {
                #[cfg(target_arch = "wasm32")]
                {
                    let read = |page: &Page| Ok::<_, core::convert::Infallible>(self.source.$name(page));
                    let Ok(items) = every(read, |item| &item.$key);
                    items
                }
                #[cfg(not(target_arch = "wasm32"))]
                { self.source.$name.clone() }
            }
        )+ }
    };
}

lists! {
    /// The components of the release.
    components by name -> Component;
    /// The approved components, in the order of the release.
    approved_components by name -> Component;
    /// Earlier deployments of the product, newest first.
    history by id -> DeploymentRecord;
}

macro_rules! registers {
    ($($(#[$doc:meta])* $name:ident -> $type:ty;)+) => {
        impl Evaluation<'_> { $(
            $(#[$doc])*
            ///
            /// # Errors
            /// If nobody keeps the register, or the operator did not grant it. An empty register is no error.
            pub fn $name(&self) -> Result<Vec<$type>, ReadError> {
                #[cfg(target_arch = "wasm32")]
                { every(|page| self.source.$name(page), |item| &item.id) }
                #[cfg(not(target_arch = "wasm32"))]
                { self.source.register(stringify!($name), self.source.registers.$name.as_ref()) }
            }
        )+ }
    };
}

registers! {
    /// The orders from Consume or to Fulfill. Needs [`Capability::facts`](crate::Capability::facts) for `orders`.
    orders -> Order;
    /// The procedures that fulfill resources. Needs the capability for `fulfillment-books`.
    fulfillment_books -> FulfillmentBook;
    /// The contracts about the service. Needs the capability for `service-contracts`.
    service_contracts -> ServiceContract;
    /// The key performance indicators, each with its last value. Needs the capability for `kpis`.
    kpis -> Kpi;
    /// The monitors that watch the instances. Needs the capability for `monitors`.
    monitors -> Monitor;
    /// The events that monitors and components reported. Needs the capability for `events`.
    events -> Event;
    /// The interruptions of the service. Needs the capability for `incidents`.
    incidents -> Incident;
    /// The interactions with consumers. Needs the capability for `interactions`.
    interactions -> Interaction;
    /// The instructions for operators. Needs the capability for `runbooks`.
    runbooks -> Runbook;
    /// The findings of audits and assessments. Needs the capability for `audit-findings`.
    audit_findings -> AuditFinding;
    /// The suppliers. Needs the capability for `suppliers`.
    suppliers -> Supplier;
    /// The capacities of the product. Needs the capability for `capacities`.
    capacities -> Capacity;
}

impl Evaluation<'_> {
    /// The time when the snapshot was taken: the only time that a plugin knows.
    pub fn now(&self) -> Timestamp {
        #[cfg(target_arch = "wasm32")]
        {
            Timestamp::from_millis(self.source.now())
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.now
        }
    }

    /// The instances that should exist.
    pub fn desired_instances(&self) -> Vec<Instance> {
        #[cfg(target_arch = "wasm32")]
        {
            let read = |page: &Page| Ok::<_, core::convert::Infallible>(self.source.desired_instances(page));
            let Ok(instances) = every(read, |instance| &instance.id);
            instances
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.instances(false)
        }
    }

    /// The instances that exist.
    pub fn actual_instances(&self) -> Vec<Instance> {
        #[cfg(target_arch = "wasm32")]
        {
            let read = |page: &Page| Ok::<_, core::convert::Infallible>(self.source.actual_instances(page));
            let Ok(instances) = every(read, |instance| &instance.id);
            instances
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.instances(true)
        }
    }

    /// The components of an instance, found by its id among the instances as they are if `actual` is true, and as they should be if
    /// it is false. The list is empty if there is no instance with that id.
    pub fn instance_components(&self, actual: bool, id: &str) -> Vec<Component> {
        self.source.instance_components(actual, id)
    }

    /// The configured values of an instance, found as its components are. The list is empty if there is no instance with that id.
    pub fn instance_configuration(&self, actual: bool, id: &str) -> Vec<Attribute> {
        self.source.instance_configuration(actual, id)
    }

    /// The differences between the desired and the actual instances, which the host computes: sorted by instance, then by
    /// kind and name.
    pub fn differences(&self) -> Vec<Difference> {
        #[cfg(target_arch = "wasm32")]
        {
            let read = |page: &Page| Ok::<_, core::convert::Infallible>(self.source.differences(page));
            let Ok(differences) = every(read, |difference| &difference.instance);
            differences
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.differences()
        }
    }

    /// What the deployment does to each component in the environment, which the host computes, in order of name.
    pub fn component_changes(&self) -> Vec<ComponentChange> {
        #[cfg(target_arch = "wasm32")]
        {
            let read = |page: &Page| Ok::<_, core::convert::Infallible>(self.source.component_changes(page));
            let Ok(changes) = every(read, |change| &change.name);
            changes
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.component_changes()
        }
    }

    /// The samples of the key performance indicator with that id: the last 100 that were recorded, newest first. Needs
    /// [`Capability::facts`](crate::Capability::facts) for `kpis`.
    ///
    /// # Errors
    /// If nobody keeps indicators, there is none with that id, or the operator did not grant them.
    pub fn samples(&self, kpi: &str) -> Result<Vec<Sample>, ReadError> {
        #[cfg(target_arch = "wasm32")]
        {
            // They are fewer than a page holds.
            self.source.samples(kpi, &Page { after: None, at_most: u32::MAX })
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.samples(kpi)
        }
    }

    /// The samples of the key performance indicator with that id since the exit of fulfill was passed, summarized by intervals of one
    /// length: oldest first, one for each interval that has samples. Needs [`Capability::facts`](crate::Capability::facts) for `kpis`.
    ///
    /// # Errors
    /// If nobody keeps indicators, there is none with that id, the exit of fulfill was not passed, or the operator did not grant them.
    pub fn sample_intervals(&self, kpi: &str) -> Result<Vec<SampleInterval>, ReadError> {
        #[cfg(target_arch = "wasm32")]
        {
            // They are fewer than a page holds.
            self.source.sample_intervals(kpi, &Page { after: None, at_most: u32::MAX })
        }
        #[cfg(not(target_arch = "wasm32"))]
        {
            self.source.sample_intervals(kpi)
        }
    }

    /// The competences of a person that the snapshot names, by the person's id. Needs
    /// [`Capability::facts`](crate::Capability::facts) for `people`.
    ///
    /// # Errors
    /// If nobody keeps people, the register does not have the person, or the operator did not grant it.
    pub fn competences(&self, person: &str) -> Result<Vec<Competence>, ReadError> {
        self.source.competences(person)
    }

    /// The provenance of a place of the snapshot, for example `/change` or `/registers/incidents/0`: who says what stands there. If nobody
    /// says that place by itself, it is the provenance of the nearest part around it. None if the host computes the place.
    ///
    /// # Errors
    /// If the snapshot has no such place, or the operator did not grant the register, the evidence or the fact.
    pub fn provenance(&self, pointer: &str) -> Result<Option<Provenance>, ReadError> {
        self.source.provenance(pointer)
    }

    /// The heads of the evidence that the plugin may read, in order of name.
    pub fn evidence_list(&self) -> Vec<Evidence> {
        self.source.evidence_list()
    }

    /// The head of a piece of evidence by name. Needs [`Capability::evidence`](crate::Capability::evidence) for that name.
    ///
    /// # Errors
    /// If nobody handed it in, or the operator did not grant it.
    pub fn evidence(&self, name: &str) -> Result<Evidence, ReadError> {
        self.source.evidence(name)
    }

    /// A piece of evidence by name, with all of its bytes.
    ///
    /// # Errors
    /// As [`evidence`](Self::evidence).
    pub fn evidence_file(&self, name: &str) -> Result<EvidenceFile, ReadError> {
        let head = self.evidence(name)?;
        let mut content = Vec::new();
        let mut offset = 0;
        while offset < head.size {
            let part = self.source.evidence_content(name, offset, u32::MAX)?;
            if part.is_empty() {
                break;
            }
            content.extend(part);
            offset = u32::try_from(content.len()).map_err(|_| ReadError::TooLarge(u32::MAX))?;
        }
        Ok(EvidenceFile { head, content })
    }

    /// The names of the facts that the plugin may read.
    pub fn fact_names(&self) -> Vec<String> {
        self.source.fact_names()
    }

    /// A fact of the organisation by name. Needs [`Capability::facts`](crate::Capability::facts) for `fact:` and the name.
    ///
    /// # Errors
    /// If there is no such fact, or the operator did not grant it.
    pub fn fact(&self, name: &str) -> Result<Document, ReadError> {
        self.source.fact(name)
    }

    /// The sections of the snapshot as JSON, sorted by pointer, those included that the plugin may not read.
    pub fn sections(&self) -> Vec<Section> {
        self.source.sections()
    }

    /// A section of the snapshot, or something in it, as canonical JSON: `/change`, `/change/risk`,
    /// `/registers/incidents/0`. Needs the grants of the typed methods.
    ///
    /// # Errors
    /// If there is nothing at the pointer, the operator did not grant it, or it is larger than 1 MiB.
    pub fn json(&self, pointer: &str) -> Result<String, ReadError> {
        self.source.json(pointer)
    }
}
