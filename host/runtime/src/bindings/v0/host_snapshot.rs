//! `lockgate:host/snapshot`: what the host answers when a plugin looks at its snapshot.
//!
//! Each function converts its part of the snapshot when it is called, so a plugin that looks at three parts pays for three.

use wasmtime::component::{HasSelf, Linker, Resource};

use super::generated::EvaluationResource;
use super::generated::lockgate::host::snapshot::{self as wit, ReadError};
use super::generated::lockgate::types::{rollouts as seen, types};
use super::snapshot;
use crate::sandbox::{HostFunction, Sandbox};

/// The interface, with its version.
pub(crate) const SNAPSHOT: &str = "lockgate:host/snapshot@0.2.0-rc.1";

/// The handle of the evaluation that a plugin holds.
pub(crate) type EvaluationHandle = Resource<EvaluationResource>;

/// Links the snapshot, which every plugin may read. Its functions for evidence and facts answer that nothing is granted,
/// until the capabilities `evidence` and `facts` link them again.
pub(crate) fn link_snapshot(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    wit::add_to_linker::<_, HasSelf<_>>(linker, |sandbox| sandbox)
}

impl types::Host for Sandbox {}

impl seen::Host for Sandbox {}

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

impl wit::HostEvaluation for Sandbox {
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
        components "components" -> Vec<wit::Component> = |s| snapshot::each(&s.deployment.release.components);
        release_notes "release-notes" -> Option<wit::ReleaseNotes> = |s| s.deployment.release.notes.as_ref().map(Into::into);
        defects "defects" -> Vec<wit::Defect> = |s| snapshot::each(&s.deployment.release.defects);
        knowledge_items "knowledge-items" -> Vec<wit::KnowledgeItem> = |s| snapshot::each(&s.deployment.release.knowledge_items);
        environment "environment" -> wit::Environment = |s| (&s.deployment.environment).into();
        change "change" -> wit::Change = |s| (&s.deployment.change).into();
        plan "plan" -> Option<wit::Plan> = |s| s.deployment.plan.as_ref().map(Into::into);
        rollout "rollout" -> Option<seen::Rollout> = |s| s.deployment.laid_out().map(Into::into);
        progress "progress" -> Option<seen::Progress> = |s| s.deployment.progress.as_ref().map(Into::into);
        analysis "analysis" -> Option<seen::Analysis> = |s| s.deployment.analysis.as_ref().map(Into::into);
        desired_instances "desired-instances" -> Vec<wit::Instance> = |s| snapshot::each(&s.deployment.desired_instances);
        actual_instances "actual-instances" -> Vec<wit::Instance> = |s| snapshot::each(&s.deployment.actual_instances);
        approvals "approvals" -> Vec<wit::Approval> = |s| s.deployment.independent_approvals().map(Into::into).collect();
        approved "approved" -> Option<wit::ApprovedPlan> = |s| s.deployment.approved.as_ref().map(Into::into);
        history "history" -> Vec<wit::PastDeployment> = |s| snapshot::newest_first(&s.deployment.history);
        labels "labels" -> Vec<wit::Attribute> = |s| snapshot::attributes(&s.deployment.labels);
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
