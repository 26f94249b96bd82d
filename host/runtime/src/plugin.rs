//! A loaded plugin: what it is, and its four ways of being asked.

use std::sync::Arc;

use lockgate_domain::{
    Action, Answer, CONTRACT_VERSION, Description, Digest, Kind, Progress, Receipt, Report, Rollout, Snapshot,
};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource};

use crate::bindings::v0::{self, Broken, Intake};
use crate::capability::Patterns;
use crate::config::Limits;
use crate::evaluation::Evaluation;
use crate::freeze::Freezing;
use crate::runtime::Runtime;
use crate::sandbox::{self, Sandbox, Stop, View};

/// A loaded plugin. Clones share it; it can be asked from many threads at once, and each asking runs in a sandbox of
/// its own.
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<Loaded>,
}

/// Everything about it that does not change from call to call.
pub(crate) struct Loaded {
    pub(crate) runtime: Runtime,
    pub(crate) description: Description,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) component: Digest,
    pub(crate) settings: Digest,
    pub(crate) settings_json: String,
    pub(crate) freezing: Freezing,
    pub(crate) limits: Limits,
    pub(crate) evidence: Arc<Patterns>,
    pub(crate) ready: InstancePre<Sandbox>,
    pub(crate) entries: Entries,
}

/// Where in the component its functions are, by kind.
pub(crate) struct Entries {
    pub(crate) plugin: v0::plugin::GuestIndices,
    policy: Option<v0::policy::GuestIndices>,
    check: Option<v0::check::GuestIndices>,
    strategy: Option<v0::strategy::GuestIndices>,
}

impl Entries {
    /// Looks them up for a plugin of those kinds.
    pub(crate) fn find(component: &InstancePre<Sandbox>, kinds: &[Kind]) -> wasmtime::Result<Self> {
        let is = |kind| kinds.contains(&kind);
        Ok(Self {
            plugin: v0::plugin::GuestIndices::new(component)?,
            policy: is(Kind::ApprovalPolicy).then(|| v0::policy::GuestIndices::new(component)).transpose()?,
            check: is(Kind::ValidationCheck).then(|| v0::check::GuestIndices::new(component)).transpose()?,
            strategy: is(Kind::Strategy).then(|| v0::strategy::GuestIndices::new(component)).transpose()?,
        })
    }

    /// Checks that they have the types of the contract, which only an instance can tell.
    pub(crate) fn check_types(&self, store: &mut Store<Sandbox>, instance: &Instance) -> wasmtime::Result<()> {
        self.plugin.load(&mut *store, instance)?;
        if let Some(policy) = &self.policy {
            policy.load(&mut *store, instance)?;
        }
        if let Some(check) = &self.check {
            check.load(&mut *store, instance)?;
        }
        if let Some(strategy) = &self.strategy {
            strategy.load(&mut *store, instance)?;
        }
        Ok(())
    }
}

impl Plugin {
    pub(crate) fn new(loaded: Loaded) -> Self {
        Self { loaded: Arc::new(loaded) }
    }

    /// What it says of itself.
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// The kinds whose interfaces it exports, in order; what it says of itself agrees.
    pub fn kinds(&self) -> &[Kind] {
        &self.loaded.kinds
    }

    /// The digest of the component as it was handed in.
    pub fn component_digest(&self) -> Digest {
        self.loaded.component
    }

    /// The digest of its settings' canonical JSON.
    pub fn settings_digest(&self) -> Digest {
        self.loaded.settings
    }

    /// Whether every evaluation starts configured.
    pub fn freezing(&self) -> &Freezing {
        &self.loaded.freezing
    }

    /// What each call may use.
    pub fn limits(&self) -> &Limits {
        &self.loaded.limits
    }

    /// Asks an approval policy whether the deployment may go on.
    pub fn decide(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Answer> {
        self.call("decide", snapshot, |store, instance, limits| {
            let Some(policy) = &self.loaded.entries.policy else {
                return Err(self.is_no(Kind::ApprovalPolicy));
            };
            let said = policy.load(&mut *store, instance)?.call_decide(store, Resource::new_borrow(0))?;
            settle(said, limits, v0::answer)
        })
    }

    /// Has a validation check look.
    pub fn check(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Report> {
        self.call("run", snapshot, |store, instance, limits| {
            let Some(check) = &self.loaded.entries.check else {
                return Err(self.is_no(Kind::ValidationCheck));
            };
            let said = check.load(&mut *store, instance)?.call_run(store, Resource::new_borrow(0))?;
            settle(said, limits, v0::report)
        })
    }

    /// Has a strategy lay out the way.
    pub fn plan(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Rollout> {
        self.call("plan", snapshot, |store, instance, limits| {
            let Some(strategy) = &self.loaded.entries.strategy else {
                return Err(self.is_no(Kind::Strategy));
            };
            let said = strategy.load(&mut *store, instance)?.call_plan(store, Resource::new_borrow(0))?;
            settle(said, limits, v0::rollout)
        })
    }

    /// Asks a strategy what to do next.
    pub fn advance(&self, snapshot: &Arc<Snapshot>, progress: &Progress) -> Evaluation<Action> {
        self.call("advance", snapshot, |store, instance, limits| {
            let Some(strategy) = &self.loaded.entries.strategy else {
                return Err(self.is_no(Kind::Strategy));
            };
            let seen = v0::progress(progress);
            let said = strategy.load(&mut *store, instance)?.call_advance(store, Resource::new_borrow(0), &seen)?;
            settle(said, limits, |intake, action| v0::action(intake, action, progress))
        })
    }

    /// Runs one call in a sandbox of its own and accounts for it.
    fn call<T>(
        &self,
        function: &str,
        snapshot: &Arc<Snapshot>,
        body: impl FnOnce(&mut Store<Sandbox>, &Instance, &Limits) -> Result<T, Stop>,
    ) -> Evaluation<T> {
        let loaded = &*self.loaded;
        let finished =
            sandbox::run(&loaded.runtime.shared().slots, &loaded.limits, &loaded.ready, |store, instance| {
                if let Freezing::PerCall { .. } = loaded.freezing {
                    loaded.configure(store, instance)?;
                }
                store.data_mut().show(View { snapshot: Arc::clone(snapshot), evidence: Arc::clone(&loaded.evidence) });
                body(store, instance, &loaded.limits)
            });
        Evaluation {
            outcome: finished.outcome,
            receipt: Receipt {
                component: loaded.component,
                settings: loaded.settings,
                contract: CONTRACT_VERSION.to_owned(),
                function: function.to_owned(),
                fuel: finished.fuel,
                peak_memory: finished.peak_memory,
                wall_time_us: u64::try_from(finished.wall_time.as_micros()).unwrap_or(u64::MAX),
                host_calls: finished.host_calls,
            },
            log: finished.log,
            log_dropped: finished.log_dropped,
        }
    }

    fn is_no(&self, kind: Kind) -> Stop {
        let name = &self.loaded.description.name;
        sandbox::contract_violation(format!("`{name}` exports no `{}`", v0::interface_of(kind))).into()
    }
}

impl Loaded {
    /// Configures an instance with settings that were accepted when the plugin was loaded.
    fn configure(&self, store: &mut Store<Sandbox>, instance: &Instance) -> Result<(), Stop> {
        let plugin = self.entries.plugin.load(&mut *store, instance)?;
        match plugin.call_configure(store, &self.settings_json)? {
            Ok(()) => Ok(()),
            Err(_) => {
                let message = "`configure` refused settings that it had accepted when the plugin was loaded".to_owned();
                Err(sandbox::contract_violation(message).into())
            }
        }
    }
}

/// Takes what a plugin said: its answer, if the contract allows it and it is not too large, or its error.
fn settle<W, D>(
    said: Result<W, v0::types::PluginError>,
    limits: &Limits,
    take: impl FnOnce(&mut Intake, W) -> Result<D, Broken>,
) -> Result<D, Stop> {
    let mut intake = Intake::default();
    let taken = match said {
        Ok(answer) => take(&mut intake, answer).map(Ok),
        Err(error) => v0::plugin_error(&mut intake, error).map(Err),
    };
    let taken = taken.map_err(|Broken(what)| sandbox::contract_violation(what))?;
    if intake.size() > limits.result_size {
        return Err(sandbox::result_too_large(intake.size(), limits).into());
    }
    taken.map_err(|error| sandbox::plugin_error(error).into())
}
