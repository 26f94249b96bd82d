//! The snapshot that a decision may use.
//!
//! In a component this is the host's `evaluation` resource, in a native test a [`Fixture`](crate::testing::Fixture). A
//! plugin cannot distinguish them, so its tests need no WebAssembly.

#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::host::snapshot::Evaluation as Source;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::Fixture as Source;

use crate::bindings::lockgate::types::rollouts::{Analysis, Progress, Rollout};
use crate::time::Timestamp;
use crate::types::{
    Approval, ApprovedPlan, Attribute, Change, Component, Defect, Document, Environment, Evidence, Instance,
    KnowledgeItem, PastDeployment, Person, Phase, Plan, Product, Release, ReleaseNotes, Scenario, Stage,
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
    /// The kind of deployment.
    scenario -> Scenario;
    /// The digest that an approval must name. It covers release, plan and deployment model.
    subject -> String;
    /// The person who requested the deployment.
    requester -> Person;
    /// The people who contributed to the change.
    contributors -> Vec<Person>;
    /// The product that the release belongs to.
    product -> Product;
    /// The release to deploy.
    release -> Release;
    /// The components of the release.
    components -> Vec<Component>;
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
    /// The rollout as the strategy laid it out. None until it did.
    rollout -> Option<Rollout>;
    /// The progress of the rollout. None before it is carried out.
    progress -> Option<Progress>;
    /// The analysis that a step of the rollout asks this check for. None at a gate.
    analysis -> Option<Analysis>;
    /// The instances that should exist.
    desired_instances -> Vec<Instance>;
    /// The instances that exist.
    actual_instances -> Vec<Instance>;
    /// All answers of people, including those that no longer count.
    approvals -> Vec<Approval>;
    /// The approved plan. None until the deployment has passed the exit of plan-and-approve.
    approved -> Option<ApprovedPlan>;
    /// Earlier deployments of the product, newest first.
    history -> Vec<PastDeployment>;
    /// The labels of the deployment, in order of name.
    labels -> Vec<Attribute>;
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

    /// A fact by name. The names of the host's own facts begin with `it4it.`. Needs
    /// [`Capability::facts`](crate::Capability::facts) for that name.
    ///
    /// # Errors
    /// If there is no such fact, or the operator did not grant it.
    pub fn fact(&self, name: &str) -> Result<Document, ReadError> {
        self.source.fact(name)
    }
}
