//! The service on top of the ledger: joins the ledger, the deployment models and the plugins, and moves deployments
//! along.
//!
//! Every operation is one method of [`DeploymentService`] with the same steps: check the actor's rights
//! ([`authority`]), read the deployment from its events ([`lifecycle`]), check the rules, and write the result in one
//! append. A method returns when the append is on the disk. The service keeps no state between operations that another
//! server could have changed: it checks the version of everything that it caches each time.
//!
//! Every write names the versions that it depends on, so that of two writers who saw the same versions only one
//! succeeds. With an idempotency key, a write can be repeated without harm.
//!
//! The modules, in the order in which a request to a gate passes them:
//!
//! 1. [`authority`]: the actor, their rights, and whether their credential still counts.
//! 2. `locate`: finds the deployment in the actor's teams; `read` and `view` read it and show it.
//! 3. [`lifecycle`]: builds the state of a deployment from its events, and knows the legal moves.
//! 4. [`catalogue`]: the deployment models that are in use, and their reload.
//! 5. `snapshot_cache`, `booking`, `product_history` and `granted`: the snapshot, with other deployments, earlier ones, and granted
//!    exceptions.
//! 6. `gate_request`, `gate` and `decision`: evaluate a gate, pass it, and record the decision; `namespaces` and `value_turns`: the
//!    values of plugins that are written with it.
//! 7. `write`: one append with its conditions, its idempotency key, and further attempts after a conflict.
//!
//! `registers` keeps what the owners of facts attest, and joins it to the snapshot. The other operations have a module each: `document`, `evidence`, `approval`, `activity`, `hand_over`, `moves`, `rollout`, `overrides`,
//! `waiver` (with `waiver_scope`) and `delegation`. `change_view` shows the
//! way of a change, and `drift` what went round the gates. `due` is the host's clock, `stops` keeps the stops of the
//! line, and `notice` says what entries tell people. [`replay`] makes recorded decisions again. `error` has the errors of all.

#![allow(missing_docs, reason = "no crate but ours builds on it")]

mod activity;
mod approval;
pub mod authority;
mod booking;
pub mod catalogue;
mod change_view;
mod decision;
mod delegation;
mod document;
mod drift;
mod due;
mod error;
mod evidence;
mod gate;
mod gate_request;
mod granted;
mod hand_over;
pub mod lifecycle;
mod locate;
mod moves;
mod namespaces;
mod notice;
mod overrides;
mod product_history;
mod read;
mod registers;
pub mod replay;
mod rollout;
pub mod signature;
mod snapshot_cache;
mod stops;
mod value_turns;
mod view;
mod waiver;
mod waiver_scope;
mod write;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use lockgate_domain::{AttestRules, Digest, Duration, Gate, Timestamp, usual_stop_roles};
use lockgate_engine::LoadedModel;
use lockgate_ledger::Storage;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use serde::Serialize;

use authority::{Actor, CredentialCheck};

pub use approval::NewApproval;
pub use booking::Booking;
pub use change_view::{ChangeDeployment, ChangeView};
pub use decision::{DecisionOrigin, DecisionPhases, DecisionRecord, RequestRef};
pub use delegation::{Credentials, Delegation, DelegationState, NewDelegation, NoCredentials, TokensHeld};
pub use document::NewDeployment;
pub use drift::DriftFinding;
pub use due::{DueCursor, DueFilter, DueItem, DueKind, DueMark, DuePage, DuePageRequest, DueRound, InvalidDueCursor};
pub use error::{InputError, RuleRefusal, ServiceError};
pub use evidence::{AttachedEvidence, NewEvidence};
pub use gate::GatePass;
pub use gate_request::{GateAnswer, GateOutcome, GatePurpose, GateRequest, GateThreads, ThreadWork};
pub use hand_over::{NewHandOver, OpenExposure};
pub use locate::DeploymentRef;
pub(crate) use locate::{decision_stream, teams_with};
pub use moves::ReasonGiven;
pub use namespaces::LedgerNamespaces;
pub use notice::{Notice, NoticeKind, NoticedDeployment};
pub use overrides::{NewOverride, NewReview, PendingOverride};
pub use read::{EventRecord, Page, PageRequest};
pub use registers::{
    EntriesFilter, ImportLine, ImportReport, RegisterRef, RegisterScope, SamplesRecorded, register_content,
};
pub use rollout::{NextStep, StepOutcome, StepReport};
pub use stops::{NewStop, StopLift, StopState};
pub use view::{ActivityView, ApprovalView, DeploymentSummary, DeploymentView, ModelChoice};
pub use waiver::{GrantedWaiver, NewWaiver, WaiverState};
pub use waiver_scope::unknown_in_scope;

use booking::StreamBookings;
use decision::RecentContent;
use due::Agenda;
use granted::GrantsById;
use locate::KnownTeams;
use product_history::ProductHistory;
use read::{FollowedStreams, LoadedDeployment};
use registers::RegisterCaches;
use snapshot_cache::CachedSnapshot;
use stops::KnownStops;
use value_turns::ValueTurns;

/// The source of deployment models for the engine.
pub trait Models: Send + Sync {
    /// The models that decide on new deployments.
    fn current(&self) -> Arc<[LoadedModel]>;

    /// The model with this digest, even if it has been replaced.
    fn by_digest(&self, digest: Digest) -> Option<LoadedModel>;
}

/// Which plugin calls are recorded for `lockgate replay`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recordings {
    /// The calls of plugins that can ask for more than the snapshot holds. All others run again from the snapshot
    /// alone.
    #[default]
    Needed,
    /// All calls.
    All,
    /// No calls. Answers that plugins got from outside are not kept, so decisions that used them cannot be replayed.
    None,
}

/// The default for the longest delegation.
pub const LONGEST_DELEGATION: Duration = Duration::from_millis(30 * 86_400_000);

/// The settings of an engine.
pub struct ServiceSettings {
    /// Which plugin calls are recorded.
    pub recordings: Recordings,
    /// The longest delegation.
    pub longest_delegation: Duration,
    /// The API tokens that people hold.
    pub credentials: Arc<dyn Credentials>,
    /// Who may attest entries of which register.
    pub attest: AttestRules,
    /// The roles that may stop the line.
    pub stop_roles: BTreeSet<String>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            recordings: Recordings::default(),
            longest_delegation: LONGEST_DELEGATION,
            credentials: Arc::new(NoCredentials),
            attest: AttestRules::default(),
            stop_roles: usual_stop_roles(),
        }
    }
}

/// The engine of a server. Cheap to clone.
#[derive(Clone)]
pub struct DeploymentService(Arc<ServiceParts>);

/// A reference to a service that does not keep its ledger open, for work that goes on until the server ends.
#[derive(Clone)]
pub struct WeakDeploymentService(Weak<ServiceParts>);

impl WeakDeploymentService {
    /// The service, while its server runs.
    pub fn upgrade(&self) -> Option<DeploymentService> {
        self.0.upgrade().map(DeploymentService)
    }
}

struct ServiceParts {
    storage: Arc<dyn Storage>,
    models: Arc<dyn Models>,
    recordings: Recordings,
    deployments: Cache<String, Arc<LoadedDeployment>>,
    contents: Cache<Digest, Arc<Vec<u8>>>,
    /// The version of the ledger's own stream, whose entries say what content was deleted, up to which nothing that is deleted is in
    /// memory.
    deletions: AtomicU64,
    snapshots: Cache<(String, Gate), Arc<CachedSnapshot>>,
    /// The teams that have a deployment with this id.
    teams: Cache<String, KnownTeams>,
    waivers: FollowedStreams<GrantsById<WaiverState>>,
    delegations: FollowedStreams<GrantsById<Delegation>>,
    /// The early ends of grants, by stream.
    ends: Cache<String, Timestamp>,
    bookings: FollowedStreams<StreamBookings>,
    histories: FollowedStreams<ProductHistory>,
    /// The longest delegation.
    longest_delegation: Duration,
    credentials: Arc<dyn Credentials>,
    /// Who may attest entries of which register.
    attest: AttestRules,
    /// What was read of the registers.
    registers: RegisterCaches,
    /// The content that this process has stored lately, and need not send again.
    stored: RecentContent,
    /// The stops of the line.
    stops: FollowedStreams<KnownStops>,
    /// The roles that may stop the line.
    stop_roles: BTreeSet<String>,
    /// What is due.
    agenda: Mutex<Agenda>,
    /// The turns of decisions that want to change the same values of plugins.
    value_turns: ValueTurns,
}

/// The condition of a write on what it changes, as the header `If-Match` says it (RFC 9110, section 13.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum IfMatch {
    /// It exists (`*`).
    Exists,
    /// It has this version.
    Version(u64),
}

/// The context of a write.
#[derive(Clone, Debug)]
pub struct WriteContext<'a> {
    /// The actor who asks for it.
    pub actor: &'a Actor,
    /// The time of the write.
    pub now: Timestamp,
    /// The idempotency key, which makes it safe to send the write twice.
    pub key: Option<&'a str>,
    /// The condition on what is changed, if the caller names one.
    pub if_match: Option<IfMatch>,
    /// The credential to check right before the ledger takes the write, because plugins may have taken long. None: no
    /// check.
    pub credential: Option<&'a dyn CredentialCheck>,
}

/// The result of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteAnswer<T> {
    pub value: T,
    /// The deployment's new version. 0 if the write is not about a deployment.
    pub version: u64,
    /// Whether the write was answered earlier, under the same idempotency key.
    pub repeated: bool,
    /// The deployment's stream, for requests that wait for it. None if the write is not about a deployment, or was
    /// answered earlier.
    pub stream: Option<String>,
}

impl DeploymentService {
    /// An engine over a ledger and models, for a server that issues no credentials of its own.
    pub fn new(storage: Arc<dyn Storage>, models: Arc<dyn Models>, recordings: Recordings) -> Self {
        Self::with(storage, models, ServiceSettings { recordings, ..ServiceSettings::default() })
    }

    /// An engine over a ledger and models.
    pub fn with(storage: Arc<dyn Storage>, models: Arc<dyn Models>, settings: ServiceSettings) -> Self {
        let ServiceSettings { recordings, longest_delegation, credentials, attest, stop_roles } = settings;
        Self(Arc::new(ServiceParts {
            storage,
            models,
            recordings,
            deployments: Cache::new(10_000),
            contents: Cache::new(256),
            deletions: AtomicU64::new(0),
            snapshots: Cache::new(1_024),
            teams: Cache::new(10_000),
            waivers: Cache::new(1_000),
            delegations: Cache::new(1),
            ends: Cache::new(10_000),
            longest_delegation,
            credentials,
            bookings: Cache::new(4_000),
            histories: Cache::new(1_000),
            attest,
            registers: RegisterCaches::default(),
            stored: RecentContent::default(),
            stops: Cache::new(1),
            stop_roles,
            agenda: Mutex::default(),
            value_turns: ValueTurns::default(),
        }))
    }

    /// A reference that does not keep the ledger open.
    pub fn downgrade(&self) -> WeakDeploymentService {
        WeakDeploymentService(Arc::downgrade(&self.0))
    }

    /// The ledger's time, which is never before its newest entry.
    pub fn now(&self) -> Timestamp {
        self.0.storage.now()
    }

    /// Who may attest entries of which register.
    pub fn attest_rules(&self) -> &AttestRules {
        &self.0.attest
    }

    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.0.storage
    }
}
