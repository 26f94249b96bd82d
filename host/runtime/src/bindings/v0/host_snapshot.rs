//! `lockgate:host/snapshot`: what the host answers when a plugin looks at its snapshot.
//!
//! Each function converts its part of the snapshot when it is called, so a plugin that looks at three parts pays for three.

use wasmtime::component::{HasSelf, Linker, Resource};

use lockgate_domain::Snapshot;

use super::generated::EvaluationResource;
use super::generated::lockgate::host::snapshot::{self as wit, ReadError};
use super::generated::lockgate::types::{registers, rollouts as seen, types};
use super::{provenance, sections, snapshot};
use crate::sandbox::{HostFunction, Sandbox};

/// The interface, with its version.
pub(crate) const SNAPSHOT: &str = "lockgate:host/snapshot@0.2.0-rc.2";

/// The methods of `evaluation`, in the order of the contract. A component that imports another one was built against a later
/// version.
#[rustfmt::skip]
pub(crate) const METHODS: &[&str] = &[
    "id", "now", "stage", "phase", "model", "scenario", "subject", "requester", "contributors", "product", "release",
    "components", "component-changes", "release-notes", "defects", "knowledge-items", "environment", "change", "plan", "timing", "rollout",
    "progress", "analysis", "desired-instances", "actual-instances", "instance-components", "instance-configuration",
    "differences", "approvals", "approved", "approved-components", "gates-passed", "hand-over", "evidence-list", "evidence",
    "evidence-content", "history", "labels", "overlaps", "exemptions", "orders", "fulfillment-books",
    "service-contracts", "kpis", "samples", "sample-intervals", "monitors", "events", "incidents", "interactions", "runbooks", "audit-findings",
    "suppliers", "capacities", "competences", "fact-names", "fact", "provenance", "sections", "json",
];

/// The handle of the evaluation that a plugin holds.
pub(crate) type EvaluationHandle = Resource<EvaluationResource>;

/// Links the snapshot, which every plugin may read. Its functions for evidence and facts answer that nothing is granted,
/// until the capabilities `evidence` and `facts` link them again.
pub(crate) fn link_snapshot(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<_>>(linker, |sandbox| sandbox)
}

impl Sandbox {
    /// Counts a call that asks for a page.
    fn count_page(&mut self, function: HostFunction, page: &types::Page) -> wasmtime::Result<&Snapshot> {
        self.strain(page.after.as_ref().map_or(0, |after| after.len() as u64))?;
        self.count_call(function)
    }
}

impl types::Host for Sandbox {}

impl seen::Host for Sandbox {}

impl registers::Host for Sandbox {}

impl wit::Host for Sandbox {}

/// Functions that convert one part of the snapshot. The text is their name in the contract.
macro_rules! parts {
    ($($name:ident $text:literal -> $result:ty = |$snapshot:ident| $convert:expr;)*) => {
        $(
            fn $name(&mut self, _: EvaluationHandle) -> wasmtime::Result<$result> {
                let $snapshot = self.count_call(HostFunction::plain($text))?;
                Ok($convert)
            }
        )*
    };
}

/// Functions that read a page of a register. The text is the name of the register in the contract.
macro_rules! registers {
    ($($name:ident $text:literal -> $entry:ident;)*) => {
        $(
            fn $name(
                &mut self,
                _: EvaluationHandle,
                page: types::Page,
            ) -> wasmtime::Result<Result<Vec<registers::$entry>, ReadError>> {
                let granted = self.grants().register($text);
                let registers = &self.count_page(HostFunction::plain($text), &page)?.deployment.registers;
                Ok(match &registers.$name {
                    _ if !granted => Err(ReadError::NotGranted($text.to_owned())),
                    None => Err(ReadError::Unknown($text.to_owned())),
                    Some(entries) => Ok(snapshot::page(entries, |entry| &entry.id, &page)),
                })
            }
        )*
    };
}

impl wit::HostEvaluation for Sandbox {
    registers! {
        orders "orders" -> Order;
        fulfillment_books "fulfillment-books" -> FulfillmentBook;
        service_contracts "service-contracts" -> ServiceContract;
        kpis "kpis" -> Kpi;
        monitors "monitors" -> Monitor;
        events "events" -> Event;
        incidents "incidents" -> Incident;
        interactions "interactions" -> Interaction;
        runbooks "runbooks" -> Runbook;
        audit_findings "audit-findings" -> AuditFinding;
        suppliers "suppliers" -> Supplier;
        capacities "capacities" -> Capacity;
    }

    parts! {
        id "id" -> String = |s| s.deployment.id.clone();
        stage "stage" -> wit::Stage = |s| s.gate.stage.into();
        phase "phase" -> wit::Phase = |s| s.gate.phase.into();
        scenario "scenario" -> wit::Scenario = |s| s.deployment.scenario.into();
        subject "subject" -> wit::Digest = |s| s.subject.text();
        requester "requester" -> wit::Person = |s| (&s.deployment.requester).into();
        contributors "contributors" -> Vec<wit::Person> = |s| snapshot::contributors(&s.deployment);
        product "product" -> wit::Product = |s| (&s.deployment.product).into();
        release "release" -> wit::Release = |s| (&s.deployment.release).into();
        release_notes "release-notes" -> Option<wit::ReleaseNotes> = |s| s.deployment.release.notes.as_ref().map(Into::into);
        defects "defects" -> Vec<wit::Defect> = |s| snapshot::each(&s.deployment.release.defects);
        knowledge_items "knowledge-items" -> Vec<wit::KnowledgeItem> = |s| snapshot::each(&s.deployment.release.knowledge_items);
        environment "environment" -> wit::Environment = |s| (&s.deployment.environment).into();
        change "change" -> wit::Change = |s| (&s.deployment.change).into();
        plan "plan" -> Option<wit::Plan> = |s| s.deployment.plan.as_ref().map(Into::into);
        rollout "rollout" -> Option<seen::Rollout> = |s| s.deployment.laid_out().map(Into::into);
        progress "progress" -> Option<seen::Progress> = |s| s.deployment.progress.as_ref().map(Into::into);
        analysis "analysis" -> Option<seen::Analysis> = |s| s.deployment.analysis.as_ref().map(Into::into);
        approvals "approvals" -> Vec<wit::Approval> = |s| s.deployment.independent_approvals().map(Into::into).collect();
        approved "approved" -> Option<wit::ApprovedPlan> = |s| s.deployment.approved.as_ref().map(Into::into);
        timing "timing" -> Option<wit::Timing> = |s| s.deployment.timing().map(Into::into);
        gates_passed "gates-passed" -> Vec<wit::GatePassage> = |s| snapshot::each(&s.deployment.gates_passed);
        hand_over "hand-over" -> Option<wit::HandOver> = |s| s.deployment.hand_over.as_ref().map(Into::into);
        overlaps "overlaps" -> Vec<wit::Overlap> = |s| snapshot::each(&s.deployment.overlaps);
        exemptions "exemptions" -> Vec<wit::Exemption> = |s| snapshot::each(&s.deployment.exemptions());
        labels "labels" -> Vec<wit::Attribute> = |s| snapshot::attributes(&s.deployment.labels);
    }

    fn model(&mut self, _: EvaluationHandle) -> wasmtime::Result<Option<wit::Model>> {
        self.count_call(HostFunction::plain("model"))?;
        Ok(self.asking_model().map(|model| (&**model).into()))
    }

    fn components(&mut self, _: EvaluationHandle, page: types::Page) -> wasmtime::Result<Vec<wit::Component>> {
        let components = &self.count_page(HostFunction::plain("components"), &page)?.deployment.release.components;
        Ok(snapshot::page(components, |component| &component.name, &page))
    }

    fn component_changes(
        &mut self,
        _: EvaluationHandle,
        page: types::Page,
    ) -> wasmtime::Result<Vec<wit::ComponentChange>> {
        let deployment = &self.count_page(HostFunction::plain("component-changes"), &page)?.deployment;
        let changes = deployment.component_changes();
        let found = snapshot::page(&changes, |change| &change.name, &page);
        let compared = (changes.len() + deployment.history.len()) as u64 + snapshot::parts(deployment);
        self.strain(compared * snapshot::ITEM)?;
        Ok(found)
    }

    fn approved_components(&mut self, _: EvaluationHandle, page: types::Page) -> wasmtime::Result<Vec<wit::Component>> {
        let approved = &self.count_page(HostFunction::plain("approved-components"), &page)?.deployment.approved;
        let components = approved.iter().flat_map(|approved| &approved.components);
        Ok(snapshot::page(components, |component| &component.name, &page))
    }

    fn desired_instances(&mut self, _: EvaluationHandle, page: types::Page) -> wasmtime::Result<Vec<wit::Instance>> {
        let instances = &self.count_page(HostFunction::plain("desired-instances"), &page)?.deployment.desired_instances;
        Ok(snapshot::page(instances, |instance| &instance.id, &page))
    }

    fn actual_instances(&mut self, _: EvaluationHandle, page: types::Page) -> wasmtime::Result<Vec<wit::Instance>> {
        let instances = &self.count_page(HostFunction::plain("actual-instances"), &page)?.deployment.actual_instances;
        Ok(snapshot::page(instances, |instance| &instance.id, &page))
    }

    fn instance_components(
        &mut self,
        _: EvaluationHandle,
        actual: bool,
        instance: String,
    ) -> wasmtime::Result<Vec<wit::Component>> {
        self.strain(instance.len() as u64)?;
        let snapshot = self.count_call(HostFunction::plain("instance-components"))?;
        let found = snapshot.deployment.instance(actual, &instance);
        Ok(found.map(|instance| snapshot::each(&instance.components)).unwrap_or_default())
    }

    fn instance_configuration(
        &mut self,
        _: EvaluationHandle,
        actual: bool,
        instance: String,
    ) -> wasmtime::Result<Vec<wit::Attribute>> {
        self.strain(instance.len() as u64)?;
        let snapshot = self.count_call(HostFunction::plain("instance-configuration"))?;
        let found = snapshot.deployment.instance(actual, &instance);
        Ok(found.map(|instance| snapshot::each(&instance.configuration)).unwrap_or_default())
    }

    fn differences(&mut self, _: EvaluationHandle, page: types::Page) -> wasmtime::Result<Vec<wit::Difference>> {
        let deployment = &self.count_page(HostFunction::plain("differences"), &page)?.deployment;
        let (found, compared) = snapshot::differences(deployment, &page);
        self.strain(compared)?;
        Ok(found)
    }

    fn history(&mut self, _: EvaluationHandle, page: types::Page) -> wasmtime::Result<Vec<wit::DeploymentRecord>> {
        let deployment = &self.count_page(HostFunction::plain("history"), &page)?.deployment;
        let (found, sorted) =
            (snapshot::page(deployment.newest_first(), |record| &record.id, &page), deployment.history.len() as u64);
        self.strain(sorted * snapshot::ITEM)?;
        Ok(found)
    }

    fn samples(
        &mut self,
        _: EvaluationHandle,
        kpi: String,
        page: types::Page,
    ) -> wasmtime::Result<Result<Vec<registers::Sample>, ReadError>> {
        self.strain(kpi.len() as u64)?;
        let granted = self.grants().register("kpis");
        let deployment = &self.count_page(HostFunction::plain("samples"), &page)?.deployment;
        Ok(match &deployment.samples {
            _ if !granted => Err(ReadError::NotGranted("kpis".to_owned())),
            None => Err(ReadError::Unknown("samples".to_owned())),
            Some(samples) => match samples.get(&kpi) {
                Some(samples) => Ok(snapshot::samples(samples, &page)),
                None => Err(ReadError::Unknown(kpi)),
            },
        })
    }

    fn sample_intervals(
        &mut self,
        _: EvaluationHandle,
        kpi: String,
        page: types::Page,
    ) -> wasmtime::Result<Result<Vec<registers::SampleInterval>, ReadError>> {
        self.strain(kpi.len() as u64)?;
        let granted = self.grants().register("kpis");
        let deployment = &self.count_page(HostFunction::plain("sample-intervals"), &page)?.deployment;
        Ok(match &deployment.sample_intervals {
            _ if !granted => Err(ReadError::NotGranted("kpis".to_owned())),
            None => Err(ReadError::Unknown("sample-intervals".to_owned())),
            Some(intervals) => match intervals.get(&kpi) {
                Some(intervals) => Ok(snapshot::sample_intervals(intervals, &page)),
                None => Err(ReadError::Unknown(kpi)),
            },
        })
    }

    fn competences(
        &mut self,
        _: EvaluationHandle,
        person: String,
    ) -> wasmtime::Result<Result<Vec<registers::Competence>, ReadError>> {
        self.strain(person.len() as u64)?;
        let granted = self.grants().register("people");
        let deployment = &self.count_call(HostFunction::plain("competences"))?.deployment;
        Ok(match &deployment.people {
            _ if !granted => Err(ReadError::NotGranted("people".to_owned())),
            None => Err(ReadError::Unknown("people".to_owned())),
            Some(people) => match people.get(&person) {
                Some(known) => Ok(snapshot::each(&known.competences)),
                None => Err(ReadError::Unknown(person)),
            },
        })
    }

    fn provenance(
        &mut self,
        _: EvaluationHandle,
        pointer: String,
    ) -> wasmtime::Result<Result<Option<wit::Provenance>, ReadError>> {
        // Each part of the pointer is looked up.
        self.strain(pointer.len() as u64 * snapshot::ITEM)?;
        let grants = self.grants().clone();
        let snapshot = self.count_call(HostFunction::plain("provenance"))?;
        Ok(provenance::find(snapshot, &grants, &pointer).map(|found| found.as_ref().map(Into::into)))
    }

    fn sections(&mut self, _: EvaluationHandle) -> wasmtime::Result<Vec<wit::Section>> {
        let grants = self.grants().clone();
        let model = self.asking_model().cloned();
        let snapshot = self.count_call(HostFunction::plain("sections"))?;
        let found = sections::list(snapshot, model.as_deref(), &grants)?;
        // Each digest is taken over the text of its section.
        self.strain(sections::EFFORT * found.iter().map(|section| u64::from(section.size)).sum::<u64>())?;
        Ok(found)
    }

    fn json(&mut self, _: EvaluationHandle, pointer: String) -> wasmtime::Result<Result<String, ReadError>> {
        self.strain(pointer.len() as u64)?;
        let grants = self.grants().clone();
        let model = self.asking_model().cloned();
        let snapshot = self.count_call(HostFunction::plain("json"))?;
        let (found, effort) = sections::json_at(snapshot, model.as_deref(), &grants, &pointer);
        if sections::is_moment(&pointer) {
            self.learn_moment();
        }
        // A part of a section is found in the whole of it.
        self.strain(sections::EFFORT.saturating_mul(effort))?;
        Ok(found)
    }

    fn now(&mut self, _: EvaluationHandle) -> wasmtime::Result<wit::Timestamp> {
        let now = self.count_call(HostFunction::plain("now"))?.now;
        self.learn_moment();
        Ok(now.as_millis())
    }

    /// No fact is granted, unless the capability `facts` links this function again.
    fn fact_names(&mut self, _: EvaluationHandle) -> wasmtime::Result<Vec<String>> {
        self.count_call(HostFunction::plain("fact-names"))?;
        Ok(Vec::new())
    }

    /// No fact is granted, unless the capability `facts` links this function again.
    fn fact(&mut self, _: EvaluationHandle, name: String) -> wasmtime::Result<Result<wit::Document, ReadError>> {
        self.strain(name.len() as u64)?;
        self.count_call(HostFunction::plain("fact"))?;
        Ok(Err(ReadError::NotGranted(name)))
    }

    /// No evidence is granted, unless the capability `evidence` links this function again.
    fn evidence_list(&mut self, _: EvaluationHandle) -> wasmtime::Result<Vec<wit::Evidence>> {
        self.count_call(HostFunction::plain("evidence-list"))?;
        Ok(Vec::new())
    }

    /// No evidence is granted, unless the capability `evidence` links this function again.
    fn evidence(&mut self, _: EvaluationHandle, name: String) -> wasmtime::Result<Result<wit::Evidence, ReadError>> {
        self.strain(name.len() as u64)?;
        self.count_call(HostFunction::plain("evidence"))?;
        Ok(Err(ReadError::NotGranted(name)))
    }

    /// No evidence is granted, unless the capability `evidence` links this function again.
    fn evidence_content(
        &mut self,
        _: EvaluationHandle,
        name: String,
        _: u32,
        _: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, ReadError>> {
        self.strain(name.len() as u64)?;
        self.count_call(HostFunction::plain("evidence-content"))?;
        Ok(Err(ReadError::NotGranted(name)))
    }

    /// Plugins borrow the evaluation and never own it, so nothing is dropped.
    fn drop(&mut self, _: EvaluationHandle) -> wasmtime::Result<()> {
        Ok(())
    }
}
