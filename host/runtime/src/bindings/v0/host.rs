//! What the host answers when a plugin calls it.
//!
//! Each function converts what it is asked for, when it is asked for it: a plugin that looks at three things pays for
//! three.

use lockgate_domain::LogLevel;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};

use super::generated::lockgate::host::log::{self, Level};
use super::generated::lockgate::host::snapshot::{self as wit, EvidenceError};
use super::generated::lockgate::types::types;
use super::{Evaluation, facts, snapshot};
use crate::capability;
use crate::sandbox::{HostCall, Sandbox};

type Me = Resource<Evaluation>;

impl types::Host for Sandbox {}

impl wit::Host for Sandbox {}

/// The whole of a function that converts one part of the snapshot.
macro_rules! look {
    ($($name:ident $call:ident -> $result:ty = |$snapshot:ident| $convert:expr;)*) => {
        $(
            fn $name(&mut self, _: Me) -> wasmtime::Result<$result> {
                let $snapshot = &*self.view(HostCall::$call)?.snapshot;
                Ok($convert)
            }
        )*
    };
}

impl wit::HostEvaluation for Sandbox {
    look! {
        id Id -> String = |s| s.deployment.id.clone();
        now Now -> wit::Timestamp = |s| s.now.as_millis();
        stage Stage -> wit::Stage = |s| s.gate.stage.into();
        phase Phase -> wit::Phase = |s| s.gate.phase.into();
        scenario Scenario -> wit::Scenario = |s| s.deployment.scenario.into();
        subject Subject -> wit::Digest = |s| s.subject.text();
        requester Requester -> wit::Person = |s| (&s.deployment.requester).into();
        contributors Contributors -> Vec<wit::Person> = |s| snapshot::contributors(&s.deployment);
        product Product -> wit::Product = |s| (&s.deployment.product).into();
        release Release -> wit::Release = |s| (&s.deployment.release).into();
        components Components -> Vec<wit::Component> = |s| snapshot::each(&s.deployment.release.components);
        release_notes ReleaseNotes -> Option<wit::ReleaseNotes> = |s| s.deployment.release.notes.as_ref().map(Into::into);
        defects Defects -> Vec<wit::Defect> = |s| snapshot::each(&s.deployment.release.defects);
        knowledge_items KnowledgeItems -> Vec<wit::KnowledgeItem> = |s| snapshot::each(&s.deployment.release.knowledge_items);
        environment Environment -> wit::Environment = |s| (&s.deployment.environment).into();
        change Change -> wit::Change = |s| (&s.deployment.change).into();
        plan Plan -> Option<wit::Plan> = |s| s.deployment.plan.as_ref().map(Into::into);
        desired_instances DesiredInstances -> Vec<wit::Instance> = |s| snapshot::each(&s.deployment.desired_instances);
        actual_instances ActualInstances -> Vec<wit::Instance> = |s| snapshot::each(&s.deployment.actual_instances);
        approvals Approvals -> Vec<wit::Approval> = |s| s.deployment.independent_approvals().map(Into::into).collect();
        approved Approved -> Option<wit::ApprovedPlan> = |s| s.deployment.approved.as_ref().map(Into::into);
        history History -> Vec<wit::PastDeployment> = |s| snapshot::newest_first(&s.deployment.history);
        labels Labels -> Vec<(String, String)> = |s| snapshot::pairs(&s.deployment.labels);
        fact_names FactNames -> Vec<String> = |s| facts::names(&s.deployment);
    }

    fn evidence_names(&mut self, _: Me) -> wasmtime::Result<Vec<String>> {
        let view = self.view(HostCall::EvidenceNames)?;
        Ok(view.snapshot.evidence.keys().filter(|name| view.held.evidence.allow(name)).cloned().collect())
    }

    fn fact(&mut self, _: Me, name: String) -> wasmtime::Result<Option<wit::Document>> {
        self.strain(name.len() as u64)?;
        let deployment = &self.view(HostCall::Fact)?.snapshot.deployment;
        Ok(facts::find(deployment, &name)?)
    }

    fn evidence(&mut self, _: Me, name: String) -> wasmtime::Result<Result<wit::Evidence, EvidenceError>> {
        self.strain(name.len() as u64)?;
        let view = self.view(HostCall::Evidence)?;
        if !view.held.evidence.allow(&name) {
            return Ok(Err(EvidenceError::NotGranted(name)));
        }
        Ok(view
            .snapshot
            .evidence
            .get(&name)
            .map(|found| snapshot::evidence(&name, found))
            .ok_or(EvidenceError::Missing))
    }

    /// Plugins are lent the evaluation and never own it, so there is nothing to drop.
    fn drop(&mut self, _: Me) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Links once more the two functions that hand over as many bytes as others put there, so that the guest pays for them:
/// a byte costs one unit of fuel. All others hand over structures, for which the guest pays as it takes them in.
pub(super) fn link_bulk(linker: &mut Linker<Sandbox>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance("lockgate:host/snapshot@0.1.0")?;
    interface.func_wrap(
        "[method]evaluation.fact",
        |mut store: StoreContextMut<'_, Sandbox>, (me, name): (Me, String)| {
            let found = wit::HostEvaluation::fact(store.data_mut(), me, name)?;
            capability::charge(&mut store, found.as_ref().map_or(0, |fact| fact.json.len() as u64))?;
            Ok((found,))
        },
    )?;
    interface.func_wrap(
        "[method]evaluation.evidence",
        |mut store: StoreContextMut<'_, Sandbox>, (me, name): (Me, String)| {
            let found = wit::HostEvaluation::evidence(store.data_mut(), me, name)?;
            capability::charge(&mut store, found.as_ref().map_or(0, |piece| piece.content.len() as u64))?;
            Ok((found,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl log::Host for Sandbox {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let level = match level {
            Level::Trace => LogLevel::Trace,
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.write_log(level, message)
    }
}
