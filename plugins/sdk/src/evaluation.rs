//! The snapshot that a decision may look at.
//!
//! In a component this is the host's `evaluation` resource, in a native test a [`Fixture`](crate::testing::Fixture): a
//! plugin cannot tell them apart, and so needs no WebAssembly to be tested.

#[cfg(target_arch = "wasm32")]
use crate::bindings::lockgate::host::snapshot::Evaluation as Source;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::Fixture as Source;

use crate::EvidenceError;
use crate::time::Timestamp;
use crate::types::{
    Approval, ApprovedPlan, Change, Component, Defect, Document, Environment, Evidence, Instance, KnowledgeItem,
    PastDeployment, Person, Phase, Plan, Product, Release, ReleaseNotes, Scenario, Stage,
};

/// Everything that the decision may look at. It never changes while the plugin runs.
///
/// In a component each method is a call of the host that copies what it answers: keep the answer rather than ask twice.
#[derive(Clone, Copy)]
pub struct Evaluation<'a> {
    source: &'a Source,
}

impl<'a> Evaluation<'a> {
    /// Wraps what the host lent for one call.
    #[doc(hidden)]
    pub fn new(source: &'a Source) -> Self {
        Self { source }
    }

    /// What stands for the host in a native test.
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
    /// The stage that is gated.
    stage -> Stage;
    /// Whether it is the way into the stage or out of it.
    phase -> Phase;
    /// What kind of deployment it is.
    scenario -> Scenario;
    /// What an approval has to name: the digest over release, plan and deployment model.
    subject -> String;
    /// Who asked for the deployment.
    requester -> Person;
    /// Who contributed to the change.
    contributors -> Vec<Person>;
    /// The product that the release belongs to.
    product -> Product;
    /// What is deployed.
    release -> Release;
    /// The components of the release.
    components -> Vec<Component>;
    /// The release notes, once they are written.
    release_notes -> Option<ReleaseNotes>;
    /// The known defects of the release.
    defects -> Vec<Defect>;
    /// What people need to know about the release.
    knowledge_items -> Vec<KnowledgeItem>;
    /// The target environment.
    environment -> Environment;
    /// The change under which the deployment runs.
    change -> Change;
    /// The plan; none until somebody planned.
    plan -> Option<Plan>;
    /// What shall be there.
    desired_instances -> Vec<Instance>;
    /// What is there.
    actual_instances -> Vec<Instance>;
    /// All answers that people gave, also those that no longer count.
    approvals -> Vec<Approval>;
    /// What was approved; none until the exit of plan-and-approve has been passed.
    approved -> Option<ApprovedPlan>;
    /// Earlier deployments of the product, newest first.
    history -> Vec<PastDeployment>;
    /// Name and value, by name.
    labels -> Vec<(String, String)>;
}

impl Evaluation<'_> {
    /// The only time there is: when the snapshot was taken.
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

    /// The names of the evidence that was handed in and that the plugin may read.
    pub fn evidence_names(&self) -> Vec<String> {
        self.source.evidence_names()
    }

    /// One piece of evidence, by name. Needs [`Capability::evidence`](crate::Capability::evidence) for that name.
    ///
    /// # Errors
    /// If nobody handed it in, or the operator did not grant it.
    pub fn evidence(&self, name: &str) -> Result<Evidence, EvidenceError> {
        self.source.evidence(name)
    }

    /// The names of the facts.
    pub fn fact_names(&self) -> Vec<String> {
        self.source.fact_names()
    }

    /// One fact, by name. The host's own begin with `it4it.`.
    pub fn fact(&self, name: &str) -> Option<Document> {
        self.source.fact(name)
    }
}
