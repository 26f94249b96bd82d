//! The same plugin on wasmtime alone: the same pool, and nothing that bounds or watches what runs in it. What a host
//! function answers was converted beforehand.

use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Resource};
use wasmtime::{Config, Enabled, Engine as WasmEngine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use bindings::exports::lockgate::approval::policy::{Answer, Guest, GuestIndices};
use bindings::lockgate::host::snapshot as wit;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod bindings {
    pub enum Evaluation {}

    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/approval"],
        inline: "
            package lockgate:floor;
            world floor {
                import lockgate:host/snapshot@0.2.0-rc.1;
                import lockgate:host/log@0.2.0-rc.1;
                export lockgate:approval/policy@0.2.0-rc.1;
            }
        ",
        world: "lockgate:floor/floor",
        imports: { default: trappable },
        with: { "lockgate:host/snapshot.evaluation": Evaluation },
    });
}

type Me = Resource<bindings::Evaluation>;

/// What the host answers.
#[derive(Clone)]
pub struct Answers {
    pub now: i64,
    pub subject: String,
    pub requester: wit::Person,
    pub change: wit::Change,
    pub approvals: Vec<wit::Approval>,
}

/// The plugin, ready to be instantiated.
pub struct Floor {
    engine: WasmEngine,
    ready: InstancePre<Answers>,
    entries: GuestIndices,
    answers: Answers,
}

/// An instance that has been called and can be called again.
pub struct Reused {
    store: Store<Answers>,
    guest: Guest,
}

impl Floor {
    pub fn new(component: &[u8], answers: Answers) -> wasmtime::Result<Self> {
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(64)
            .total_memories(64)
            .total_tables(1024)
            .total_core_instances(1024)
            .linear_memory_keep_resident(1 << 20)
            .table_keep_resident(64 << 10)
            .pagemap_scan(Enabled::Auto);
        let mut config = Config::new();
        config.concurrency_support(false).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = WasmEngine::new(&config)?;
        let mut linker = Linker::new(&engine);
        wit::add_to_linker::<_, HasSelf<_>>(&mut linker, |answers: &mut Answers| answers)?;
        bindings::lockgate::host::log::add_to_linker::<_, HasSelf<_>>(&mut linker, |answers: &mut Answers| answers)?;
        let ready = linker.instantiate_pre(&Component::new(&engine, component)?)?;
        let entries = GuestIndices::new(&ready)?;
        Ok(Self { engine, ready, entries, answers })
    }

    /// A fresh instance.
    pub fn start(&self) -> wasmtime::Result<Reused> {
        let mut store = Store::new(&self.engine, self.answers.clone());
        let instance = self.ready.instantiate(&mut store)?;
        let guest = self.entries.load(&mut store, &instance)?;
        Ok(Reused { store, guest })
    }
}

impl Reused {
    /// One decision.
    pub fn decide(&mut self) -> wasmtime::Result<Answer> {
        let said = self.guest.call_decide(&mut self.store, Resource::new_borrow(0))?;
        said.map_err(|error| wasmtime::format_err!("{}: {}", error.code, error.message))
    }
}

impl bindings::lockgate::types::types::Host for Answers {}

impl bindings::lockgate::types::rollouts::Host for Answers {}

impl wit::Host for Answers {}

macro_rules! answers {
    ($($name:ident: $type:ty = |$me:ident| $answer:expr;)*) => {
        $(fn $name(&mut self, _: Me) -> wasmtime::Result<$type> {
            let $me = self;
            Ok($answer)
        })*
    };
}

macro_rules! unused {
    ($($name:ident($($argument:ty),*): $type:ty;)*) => {
        $(fn $name(&mut self, _: Me $(, _: $argument)*) -> wasmtime::Result<$type> {
            Err(wasmtime::format_err!("the plugin under test does not call `{}`", stringify!($name)))
        })*
    };
}

impl wit::HostEvaluation for Answers {
    answers! {
        now: i64 = |me| me.now;
        subject: String = |me| me.subject.clone();
        requester: wit::Person = |me| me.requester.clone();
        contributors: Vec<wit::Person> = |_me| Vec::new();
        change: wit::Change = |me| me.change.clone();
        approvals: Vec<wit::Approval> = |me| me.approvals.clone();
    }

    unused! {
        id(): String;
        stage(): wit::Stage;
        phase(): wit::Phase;
        scenario(): wit::Scenario;
        product(): wit::Product;
        release(): wit::Release;
        components(): Vec<wit::Component>;
        release_notes(): Option<wit::ReleaseNotes>;
        defects(): Vec<wit::Defect>;
        knowledge_items(): Vec<wit::KnowledgeItem>;
        environment(): wit::Environment;
        plan(): Option<wit::Plan>;
        rollout(): Option<wit::Rollout>;
        progress(): Option<wit::Progress>;
        analysis(): Option<wit::Analysis>;
        desired_instances(): Vec<wit::Instance>;
        actual_instances(): Vec<wit::Instance>;
        approved(): Option<wit::ApprovedPlan>;
        evidence_list(): Vec<wit::Evidence>;
        evidence(String): Result<wit::Evidence, wit::ReadError>;
        evidence_content(String, u32, u32): Result<Vec<u8>, wit::ReadError>;
        history(): Vec<wit::PastDeployment>;
        labels(): Vec<wit::Attribute>;
        fact_names(): Vec<String>;
        fact(String): Result<wit::Document, wit::ReadError>;
    }

    fn drop(&mut self, _: Me) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl bindings::lockgate::host::log::Host for Answers {
    fn log(&mut self, _: bindings::lockgate::host::log::Level, _: String) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// The same snapshot that the runtime is shown.
pub fn answers(snapshot: &lockgate_domain::Snapshot) -> Answers {
    let person = |person: &lockgate_domain::Person| wit::Person {
        id: person.id.normal().to_owned(),
        name: person.name.clone(),
        roles: person.roles.clone(),
    };
    let deployment = &snapshot.deployment;
    let window = deployment.change.window;
    Answers {
        now: snapshot.now.as_millis(),
        subject: snapshot.subject.to_string(),
        requester: person(&deployment.requester),
        change: wit::Change {
            id: deployment.change.id.clone(),
            title: deployment.change.title.clone(),
            description: deployment.change.description.clone(),
            category: bindings::lockgate::types::types::ChangeCategory::Normal,
            approval: bindings::lockgate::types::types::ChangeApproval::Approved,
            risk: bindings::lockgate::types::types::Level::Medium,
            window: window.map(|window| bindings::lockgate::types::types::TimeWindow {
                start: window.start.as_millis(),
                end: window.end.as_millis(),
            }),
            assignee: deployment.change.assignee.as_ref().map(|assignee| assignee.normal().to_owned()),
            releases: deployment.change.releases.clone(),
        },
        approvals: deployment
            .approvals
            .iter()
            .map(|approval| wit::Approval {
                id: approval.id.clone(),
                person: person(&approval.person),
                role: approval.role.clone(),
                answer: bindings::lockgate::types::types::ApprovalAnswer::Approved,
                at: approval.at.as_millis(),
                expires: approval.expires.map(lockgate_domain::Timestamp::as_millis),
                subject: approval.subject.to_string(),
                comment: approval.comment.clone(),
            })
            .collect(),
    }
}
