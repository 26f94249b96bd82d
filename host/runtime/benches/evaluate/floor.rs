//! The same plugin on wasmtime alone: the same pool, and nothing that bounds or watches what runs in it. What a host
//! function answers was converted beforehand.

use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Resource};
use wasmtime::{Config, Enabled, Engine as WasmEngine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

use bindings::exports::lockgate::approval::policy::{Answer, Guest, GuestIndices};
use bindings::lockgate::host::snapshot as wit;
use bindings::lockgate::types::types;

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated")]
mod bindings {
    pub enum Evaluation {}

    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/approval"],
        inline: "
            package lockgate:floor;
            world floor {
                import lockgate:host/snapshot@0.2.0-rc.2;
                import lockgate:host/log@0.2.0-rc.2;
                export lockgate:approval/policy@0.2.0-rc.2;
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
        let component = Component::new(&engine, component)?;
        // Standard error, to which nothing is printed here.
        linker.define_unknown_imports_as_traps(&component)?;
        let ready = linker.instantiate_pre(&component)?;
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

impl types::Host for Answers {}

impl bindings::lockgate::types::rollouts::Host for Answers {}

impl bindings::lockgate::types::registers::Host for Answers {}

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
        components(types::Page): Vec<wit::Component>;
        release_notes(): Option<wit::ReleaseNotes>;
        defects(): Vec<wit::Defect>;
        knowledge_items(): Vec<wit::KnowledgeItem>;
        environment(): wit::Environment;
        plan(): Option<wit::Plan>;
        rollout(): Option<wit::Rollout>;
        progress(): Option<wit::Progress>;
        analysis(): Option<wit::Analysis>;
        desired_instances(types::Page): Vec<wit::Instance>;
        actual_instances(types::Page): Vec<wit::Instance>;
        instance_components(bool, String): Vec<wit::Component>;
        instance_configuration(bool, String): Vec<wit::Attribute>;
        differences(types::Page): Vec<wit::Difference>;
        component_changes(types::Page): Vec<wit::ComponentChange>;
        approved_components(types::Page): Vec<wit::Component>;
        model(): Option<wit::Model>;
        timing(): Option<wit::Timing>;
        gates_passed(): Vec<wit::GatePassage>;
        hand_over(): Option<wit::HandOver>;
        overlaps(): Vec<wit::Overlap>;
        exemptions(): Vec<wit::Exemption>;
        orders(types::Page): Result<Vec<wit::Order>, wit::ReadError>;
        fulfillment_books(types::Page): Result<Vec<wit::FulfillmentBook>, wit::ReadError>;
        service_contracts(types::Page): Result<Vec<wit::ServiceContract>, wit::ReadError>;
        kpis(types::Page): Result<Vec<wit::Kpi>, wit::ReadError>;
        monitors(types::Page): Result<Vec<wit::Monitor>, wit::ReadError>;
        events(types::Page): Result<Vec<wit::Event>, wit::ReadError>;
        incidents(types::Page): Result<Vec<wit::Incident>, wit::ReadError>;
        interactions(types::Page): Result<Vec<wit::Interaction>, wit::ReadError>;
        runbooks(types::Page): Result<Vec<wit::Runbook>, wit::ReadError>;
        audit_findings(types::Page): Result<Vec<wit::AuditFinding>, wit::ReadError>;
        suppliers(types::Page): Result<Vec<wit::Supplier>, wit::ReadError>;
        capacities(types::Page): Result<Vec<wit::Capacity>, wit::ReadError>;
        samples(String, types::Page): Result<Vec<wit::Sample>, wit::ReadError>;
        sample_intervals(String, types::Page): Result<Vec<wit::SampleInterval>, wit::ReadError>;
        competences(String): Result<Vec<wit::Competence>, wit::ReadError>;
        provenance(String): Result<Option<wit::Provenance>, wit::ReadError>;
        sections(): Vec<wit::Section>;
        json(String): Result<String, wit::ReadError>;
        approved(): Option<wit::ApprovedPlan>;
        evidence_list(): Vec<wit::Evidence>;
        evidence(String): Result<wit::Evidence, wit::ReadError>;
        evidence_content(String, u32, u32): Result<Vec<u8>, wit::ReadError>;
        history(types::Page): Vec<wit::DeploymentRecord>;
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
        kind: person.kind.as_str().to_owned(),
        roles: person.roles.clone(),
        team: None,
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
            category: types::ChangeCategory::Normal,
            approval: types::ChangeApproval::Approved,
            approved_by: None,
            approved_at: None,
            risk: types::Level::Medium,
            urgency: None,
            impact: None,
            priority: None,
            trigger: None,
            trigger_reference: None,
            context: None,
            window: window
                .map(|window| types::TimeWindow { start: window.start.as_millis(), end: window.end.as_millis() }),
            requested_by: None,
            assignee: deployment.change.assignee.as_ref().map(|assignee| assignee.normal().to_owned()),
            releases: deployment.change.releases.clone(),
            planned_cost: None,
            system: None,
            address: None,
            status: None,
            attributes: Vec::new(),
        },
        approvals: deployment
            .approvals
            .iter()
            .map(|approval| wit::Approval {
                id: approval.id.clone(),
                person: person(&approval.person),
                role: approval.role.clone(),
                answer: types::ApprovalAnswer::Approved,
                at: approval.at.as_millis(),
                expires: approval.expires.map(lockgate_domain::Timestamp::as_millis),
                subject: approval.subject.to_string(),
                on_behalf_of: None,
                credential: approval.credential.clone(),
                signature: types::Verification::Absent,
                comment: approval.comment.clone(),
            })
            .collect(),
    }
}
