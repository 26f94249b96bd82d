//! What lives on the ledger: joins the ledger, the deployment models and the plugins, and moves deployments along.
//!
//! Every operation is one method of [`DeploymentService`], and goes one way: who asks is looked at first ([`authority`]), then
//! the deployment is read as its events say ([`lifecycle`]), then what is asked for is held against the rules, and what
//! comes of it is written in one piece. It returns when that is on the disk. Nothing is kept between two operations that another
//! server could not have changed: what is cached is asked for its version each time.
//!
//! Every write names the versions that it rests on, so that of two who saw the same only one can win; and with an
//! idempotency key it can be sent again without harm.

#![allow(missing_docs, reason = "no crate but ours builds on it")]
#![allow(missing_docs, reason = "no crate but ours builds on it")]

mod activity;
mod approval;
pub mod authority;
pub mod catalogue;
mod decision;
mod delegation;
mod document;
mod environment_overlap;
mod error;
mod evidence;
mod gate;
mod gate_request;
mod granted;
pub mod lifecycle;
mod locate;
mod moves;
mod namespaces;
mod overrides;
mod read;
pub mod replay;
mod rollout;
mod snapshot_cache;
mod value_turns;
mod view;
mod waiver;
mod waiver_scope;
mod write;

use std::sync::Arc;

use lockgate_domain::{Digest, Duration, Gate, Timestamp};
use lockgate_engine::LoadedModel;
use lockgate_ledger::Storage;
use quick_cache::sync::Cache;

use authority::{Actor, CredentialCheck};

pub use approval::NewApproval;
pub use decision::{DecisionOrigin, DecisionPhases, DecisionRecord, RequestRef};
pub use delegation::{Credentials, Delegation, DelegationState, NewDelegation, NoCredentials, TokensHeld};
pub use document::NewDeployment;
pub use error::{InputError, RuleRefusal, ServiceError};
pub use evidence::NewEvidence;
pub use gate::GatePass;
pub use gate_request::{GateAnswer, GateOutcome, GatePurpose, GateRequest, GateThreads, ThreadWork};
pub use locate::DeploymentRef;
pub(crate) use locate::{decision_stream, teams_with};
pub use moves::ReasonGiven;
pub use namespaces::LedgerNamespaces;
pub use overrides::{NewOverride, NewReview, PendingOverride};
pub use read::{EventRecord, Page, PageRequest};
pub use rollout::{NextStep, StepOutcome, StepReport};
pub use view::{ActivityView, ApprovalView, DeploymentSummary, DeploymentView, ModelChoice};
pub use waiver::{GrantedWaiver, NewWaiver, WaiverState};
pub use waiver_scope::unknown_in_scope;

use decision::RecentContent;
use environment_overlap::{EnvironmentDeployments, ProductHistory};
use granted::GrantsById;
use locate::KnownTeams;
use read::{FollowedStreams, LoadedDeployment};
use snapshot_cache::CachedSnapshot;
use value_turns::ValueTurns;

/// Where the engine gets deployment models from.
pub trait Models: Send + Sync {
    /// Those that new deployments are decided by.
    fn current(&self) -> Arc<[LoadedModel]>;

    /// The one of that digest, also if it was replaced since.
    fn by_digest(&self, digest: Digest) -> Option<LoadedModel>;
}

/// Which calls of plugins are recorded, for `lockgate replay`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recordings {
    /// Those of plugins that can ask for more than the snapshot holds: all others run again from the snapshot alone.
    #[default]
    Needed,
    /// All.
    All,
    /// None: what plugins asked of the outside is not kept, so their decisions cannot be replayed.
    None,
}

/// For how long a role is lent at most, if nobody says.
pub const LONGEST_DELEGATION: Duration = Duration::from_millis(30 * 86_400_000);

/// How an engine does its work.
pub struct ServiceSettings {
    /// Which calls of plugins are recorded.
    pub recordings: Recordings,
    /// For how long a role is lent at most.
    pub longest_delegation: Duration,
    /// Which API tokens people hold.
    pub credentials: Arc<dyn Credentials>,
}

/// The engine of a server. Cheap to clone.
#[derive(Clone)]
pub struct DeploymentService(Arc<ServiceParts>);

struct ServiceParts {
    storage: Arc<dyn Storage>,
    models: Arc<dyn Models>,
    recordings: Recordings,
    deployments: Cache<String, Arc<LoadedDeployment>>,
    contents: Cache<Digest, Arc<Vec<u8>>>,
    snapshots: Cache<(String, Gate), Arc<CachedSnapshot>>,
    /// The teams that have a deployment of an id.
    teams: Cache<String, KnownTeams>,
    waivers: FollowedStreams<GrantsById<WaiverState>>,
    delegations: FollowedStreams<GrantsById<Delegation>>,
    /// When something granted was ended, by stream.
    ends: Cache<String, Timestamp>,
    environments: FollowedStreams<EnvironmentDeployments>,
    histories: FollowedStreams<ProductHistory>,
    /// For how long a role is lent at most.
    longest_delegation: Duration,
    credentials: Arc<dyn Credentials>,
    /// The content that this process has stored lately, and need not send again.
    stored: RecentContent,
    /// The turns of those who want to change the same values of plugins.
    value_turns: ValueTurns,
}

/// A write that is asked for.
#[derive(Clone, Debug)]
pub struct WriteContext<'a> {
    /// By whom.
    pub actor: &'a Actor,
    /// When.
    pub now: Timestamp,
    /// What makes it safe to send it twice.
    pub key: Option<&'a str>,
    /// The version of the deployment that it rests on, if the caller says.
    pub if_match: Option<u64>,
    /// What is asked right before the ledger takes the write, since plugins may have taken long; none: nothing.
    pub credential: Option<&'a dyn CredentialCheck>,
}

/// What came of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteAnswer<T> {
    /// The answer.
    pub value: T,
    /// The version of the deployment since; 0 where there is none.
    pub version: u64,
    /// Whether it had been answered before, under the same idempotency key.
    pub repeated: bool,
    /// The stream of the deployment that was written to, for those who wait for it; none where there is none, or where it
    /// was answered before.
    pub stream: Option<String>,
}

impl DeploymentService {
    /// An engine over a ledger and models, which issues no credentials of its own.
    pub fn new(storage: Arc<dyn Storage>, models: Arc<dyn Models>, recordings: Recordings) -> Self {
        let (longest_delegation, credentials) = (LONGEST_DELEGATION, Arc::new(NoCredentials));
        Self::with(storage, models, ServiceSettings { recordings, longest_delegation, credentials })
    }

    /// An engine over a ledger and models.
    pub fn with(storage: Arc<dyn Storage>, models: Arc<dyn Models>, settings: ServiceSettings) -> Self {
        let ServiceSettings { recordings, longest_delegation, credentials } = settings;
        Self(Arc::new(ServiceParts {
            storage,
            models,
            recordings,
            deployments: Cache::new(10_000),
            contents: Cache::new(256),
            snapshots: Cache::new(1_024),
            teams: Cache::new(10_000),
            waivers: Cache::new(1_000),
            delegations: Cache::new(1),
            ends: Cache::new(10_000),
            longest_delegation,
            credentials,
            environments: Cache::new(1_000),
            histories: Cache::new(1_000),
            stored: RecentContent::default(),
            value_turns: ValueTurns::default(),
        }))
    }

    /// The time that the ledger goes by: never before its newest entry.
    pub fn now(&self) -> Timestamp {
        self.0.storage.now()
    }

    /// The ledger.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.0.storage
    }
}
