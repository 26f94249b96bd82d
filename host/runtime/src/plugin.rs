//! A loaded plugin and its four functions.

use std::fmt;
use std::sync::Arc;

use lockgate_domain::{
    Action, Answer, AskingModel, CONTRACT_VERSION, Description, Digest, Kind, PluginReadiness, Receipt, Report,
    Rollout, Snapshot,
};
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre, Resource};

use crate::bindings::v0::{self, AnswerIntake, ContractBreach};
use crate::capability::{GrantedCapabilities, KeyValueCapability, Namespaces};
use crate::config::Limits;
use crate::evaluation::Evaluation;
use crate::freeze::StartUp;
use crate::runtime::Runtime;
use crate::sandbox::{self, CapabilityExchange, RecordedTape, RunError, Sandbox, SandboxSlots};
use crate::settings::{MarkedSetting, NormalSettings};

/// A loaded plugin. Clones share it. It can be called from many threads at the same time; each call runs in a fresh
/// sandbox.
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<LoadedPlugin>,
}

/// The parts of a plugin that are the same in every call.
pub(crate) struct LoadedPlugin {
    pub(crate) runtime: Runtime,
    pub(crate) description: Description,
    pub(crate) readiness: PluginReadiness,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) component: Digest,
    pub(crate) settings: NormalSettings,
    pub(crate) start_up: StartUp,
    /// The names of the methods of `evaluation` that it imports.
    pub(crate) methods: Vec<String>,
    pub(crate) limits: Limits,
    pub(crate) granted: GrantedCapabilities,
    pub(crate) ready: InstancePre<Sandbox>,
    pub(crate) entries: ExportedFunctions,
    /// The sandboxes that the plugin can hold at the same time.
    pub(crate) share: SandboxSlots,
}

/// The functions that a component exports, by kind of plugin.
pub(crate) struct ExportedFunctions {
    pub(crate) plugin: v0::plugin::GuestIndices,
    policy: Option<v0::policy::GuestIndices>,
    check: Option<v0::check::GuestIndices>,
    strategy: Option<v0::strategy::GuestIndices>,
}

impl ExportedFunctions {
    /// Finds the functions of a plugin of these kinds.
    pub(crate) fn find(component: &InstancePre<Sandbox>, kinds: &[Kind]) -> wasmtime::Result<Self> {
        let is = |kind| kinds.contains(&kind);
        Ok(Self {
            plugin: v0::plugin::GuestIndices::new(component)?,
            policy: is(Kind::ApprovalPolicy).then(|| v0::policy::GuestIndices::new(component)).transpose()?,
            check: is(Kind::ValidationCheck).then(|| v0::check::GuestIndices::new(component)).transpose()?,
            strategy: is(Kind::Strategy).then(|| v0::strategy::GuestIndices::new(component)).transpose()?,
        })
    }

    /// Checks that the functions have the types of the contract, which takes an instance.
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

impl fmt::Debug for PluginInvocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginInvocation").field("model", &self.model).finish_non_exhaustive()
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LoadedPlugin { description, component, settings, .. } = &*self.loaded;
        f.debug_struct("Plugin")
            .field("name", &description.name)
            .field("component", component)
            .field("settings", &settings.digest())
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(loaded: LoadedPlugin) -> Self {
        Self { loaded: Arc::new(loaded) }
    }

    /// The result of its `describe`.
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// What it needs with its settings, and the codes that it can give.
    pub fn readiness(&self) -> &PluginReadiness {
        &self.loaded.readiness
    }

    /// The kinds of plugin whose interfaces it exports, in order.
    pub fn kinds(&self) -> &[Kind] {
        &self.loaded.kinds
    }

    /// The SHA-256 digest of the component as it was loaded, before freezing.
    pub fn component_digest(&self) -> Digest {
        self.loaded.component
    }

    /// The SHA-256 digest of the canonical JSON of [`Plugin::settings`].
    pub fn settings_digest(&self) -> Digest {
        self.loaded.settings.digest()
    }

    /// The settings that the plugin was configured with. Ids of people that their schema marks are in their normal form.
    pub fn settings(&self) -> &serde_json::Value {
        self.loaded.settings.value()
    }

    /// The values in the settings that their schema marks with a format of Lockgate, in the order of the settings, except ids
    /// of people.
    pub fn marked_settings(&self) -> &[MarkedSetting] {
        self.loaded.settings.marked()
    }

    /// The patterns of the names of evidence that the plugin may read.
    pub fn evidence_granted(&self) -> &[String] {
        self.loaded.granted.evidence.as_ref().map_or(&[], |evidence| evidence.patterns().as_slice())
    }

    /// The patterns of the names of facts that the plugin may read.
    pub fn facts_granted(&self) -> &[String] {
        self.loaded.granted.facts.as_ref().map_or(&[], |facts| facts.granted())
    }

    /// The names of the methods of `evaluation` that it imports: what it can look at.
    pub fn methods(&self) -> &[String] {
        &self.loaded.methods
    }

    /// Whether it can read the samples of indicators: it imports `samples` or `sample-intervals`, or reads the snapshot as JSON, and is granted the
    /// register `kpis`.
    pub fn reads_samples(&self) -> bool {
        let imports = |method: &String| matches!(method.as_str(), "samples" | "sample-intervals" | "json" | "sections");
        self.loaded.granted.read_grants().register("kpis") && self.loaded.methods.iter().any(imports)
    }

    /// Whether an evaluation starts with the plugin configured.
    pub fn start_up(&self) -> &StartUp {
        &self.loaded.start_up
    }

    /// The limits of each call.
    pub fn limits(&self) -> &Limits {
        &self.loaded.limits
    }

    /// Calls `decide` of an approval policy.
    pub fn decide(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Answer> {
        self.invocation(snapshot).decide()
    }

    /// Calls `run` of a validation check.
    pub fn check(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Report> {
        self.invocation(snapshot).check()
    }

    /// Calls `plan` of a strategy.
    pub fn plan(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Rollout> {
        self.invocation(snapshot).plan()
    }

    /// Calls `advance` of a strategy. The snapshot holds the progress of the rollout.
    pub fn advance(&self, snapshot: &Arc<Snapshot>) -> Evaluation<Action> {
        self.invocation(snapshot).advance()
    }

    /// Whether a call may wait for another machine, for example for an HTTP response.
    pub fn may_wait(&self) -> bool {
        self.loaded.granted.may_wait()
    }

    /// The store that its values are read from; none if it was not granted `key-value`.
    pub fn namespaces(&self) -> Option<&Arc<dyn Namespaces>> {
        self.loaded.granted.key_value.as_ref().map(|key_value| key_value.namespaces())
    }

    /// The namespace whose values it may change; none if there is none.
    pub fn writable_namespace(&self) -> Option<&str> {
        self.loaded.granted.key_value.as_ref()?.writable_namespace()
    }

    pub(crate) fn granted(&self) -> &GrantedCapabilities {
        &self.loaded.granted
    }

    /// Prepares a call on this snapshot, without a model.
    pub fn invocation<'a>(&'a self, snapshot: &'a Arc<Snapshot>) -> PluginInvocation<'a> {
        PluginInvocation { loaded: &self.loaded, snapshot, model: None, recorded: None, namespaces: None }
    }
}

impl LoadedPlugin {
    fn is_no(&self, kind: Kind) -> RunError {
        let name = &self.description.name;
        sandbox::contract_violation(format!("`{name}` does not export `{}`", v0::interface_of(kind))).into()
    }

    /// Configures an instance with the settings that the plugin accepted when it was loaded.
    fn configure(&self, store: &mut Store<Sandbox>, instance: &Instance) -> Result<(), RunError> {
        let plugin = self.entries.plugin.load(&mut *store, instance)?;
        match plugin.call_configure(store, &v0::settings(&self.settings))? {
            Ok(_) => Ok(()),
            Err(_) => {
                let message = "`configure` refused settings that it had accepted when the plugin was loaded".to_owned();
                Err(sandbox::contract_violation(message).into())
            }
        }
    }
}

/// A call of a plugin before it is made: the plugin, the snapshot, the model that asks, and where the answers of its
/// capabilities come from.
pub struct PluginInvocation<'a> {
    loaded: &'a LoadedPlugin,
    snapshot: &'a Arc<Snapshot>,
    model: Option<Arc<AskingModel>>,
    /// The answers of a recording; none if the capabilities answer live.
    recorded: Option<RecordedTape>,
    /// The store that values are read from; none for the store of the runtime.
    namespaces: Option<Arc<dyn Namespaces>>,
}

/// The snapshot without a rollout and its progress.
fn without_rollout(snapshot: &Arc<Snapshot>) -> Arc<Snapshot> {
    let deployment = &snapshot.deployment;
    if deployment.rollout.is_none() && deployment.progress.is_none() && deployment.analysis.is_none() {
        return Arc::clone(snapshot);
    }
    let mut bare = Snapshot::clone(snapshot);
    let deployment = Arc::make_mut(&mut bare.deployment);
    (deployment.rollout, deployment.progress, deployment.analysis) = (None, None, None);
    Arc::new(bare)
}

impl PluginInvocation<'_> {
    /// Lets the plugin read which model asks.
    #[must_use]
    pub fn asked_by(mut self, model: Arc<AskingModel>) -> Self {
        self.model = Some(model);
        self
    }

    /// Takes the answers of the capabilities from a recording. A question that has no answer among the exchanges ends the
    /// evaluation with [`FailureKind::NotRecorded`](lockgate_domain::FailureKind::NotRecorded).
    #[must_use]
    pub fn answered_by(mut self, exchanges: &[CapabilityExchange]) -> Self {
        self.recorded = Some(RecordedTape::new(exchanges));
        self
    }

    /// Reads the values of namespaces from there instead of from the store of the runtime.
    #[must_use]
    pub fn reading_from(mut self, namespaces: Arc<dyn Namespaces>) -> Self {
        self.namespaces = Some(namespaces);
        self
    }

    pub(crate) fn decide(self) -> Evaluation<Answer> {
        let loaded = self.loaded;
        let snapshot = self.snapshot;
        self.call("decide", |store, instance| {
            let Some(policy) = &loaded.entries.policy else {
                return Err(loaded.is_no(Kind::ApprovalPolicy));
            };
            let said = policy.load(&mut *store, instance)?.call_decide(store, Resource::new_borrow(0))?;
            settle(said, snapshot, &loaded.limits, v0::answer)
        })
    }

    pub(crate) fn check(self) -> Evaluation<Report> {
        let loaded = self.loaded;
        let snapshot = self.snapshot;
        self.call("run", |store, instance| {
            let Some(check) = &loaded.entries.check else {
                return Err(loaded.is_no(Kind::ValidationCheck));
            };
            let said = check.load(&mut *store, instance)?.call_run(store, Resource::new_borrow(0))?;
            settle(said, snapshot, &loaded.limits, v0::report)
        })
    }

    /// Calls `plan` on the snapshot without a rollout: what is laid out depends on nothing that was laid out before.
    pub(crate) fn plan(self) -> Evaluation<Rollout> {
        let loaded = self.loaded;
        let snapshot = self.snapshot;
        let bare = without_rollout(self.snapshot);
        PluginInvocation { snapshot: &bare, ..self }.call("plan", |store, instance| {
            let Some(strategy) = &loaded.entries.strategy else {
                return Err(loaded.is_no(Kind::Strategy));
            };
            let said = strategy.load(&mut *store, instance)?.call_plan(store, Resource::new_borrow(0))?;
            settle(said, snapshot, &loaded.limits, v0::rollout)
        })
    }

    pub(crate) fn advance(self) -> Evaluation<Action> {
        let loaded = self.loaded;
        let snapshot = self.snapshot;
        let progress = self.snapshot.deployment.progress.as_ref();
        self.call("advance", |store, instance| {
            let Some(strategy) = &loaded.entries.strategy else {
                return Err(loaded.is_no(Kind::Strategy));
            };
            let Some(progress) = progress else {
                let message = "no rollout is carried out, so there is no next action".to_owned();
                return Err(sandbox::contract_violation(message).into());
            };
            let said = strategy.load(&mut *store, instance)?.call_advance(store, Resource::new_borrow(0))?;
            settle(said, snapshot, &loaded.limits, |intake, action| v0::action(intake, action, progress))
        })
    }

    /// Runs the call in a fresh sandbox, and writes its receipt.
    fn call<T>(
        self,
        function: &str,
        body: impl FnOnce(&mut Store<Sandbox>, &Instance) -> Result<T, RunError>,
    ) -> Evaluation<T> {
        let Self { loaded, snapshot, model, recorded, namespaces } = self;
        let mut changes = None;
        let finished =
            loaded.runtime.core().run(Some(&loaded.share), &loaded.limits, &loaded.ready, |store, instance| {
                if let StartUp::ConfiguredPerCall { .. } = loaded.start_up {
                    loaded.configure(store, instance)?;
                }
                let sandbox = store.data_mut();
                sandbox.show(Arc::clone(snapshot), model, loaded.granted.read_grants());
                if let Some(key_value) = &loaded.granted.key_value {
                    key_value.begin(sandbox, namespaces);
                }
                if let Some(recorded) = recorded {
                    sandbox.tape.play(recorded);
                }
                let answer = body(store, instance)?;
                changes = KeyValueCapability::take_changes(store.data_mut());
                Ok(answer)
            });
        Evaluation {
            outcome: finished.outcome,
            receipt: Receipt {
                component: loaded.component,
                settings: loaded.settings.digest(),
                contract: CONTRACT_VERSION.to_owned(),
                function: function.to_owned(),
                fuel: finished.fuel,
                host_effort: finished.host_effort,
                peak_memory: finished.peak_memory,
                wall_time_us: u64::try_from(finished.wall_time.as_micros()).unwrap_or(u64::MAX),
                host_calls: finished.host_calls,
                reused: false,
            },
            log: finished.log,
            log_dropped: finished.log_dropped,
            exchanges: finished.exchanges,
            timeless: finished.timeless,
            changes,
        }
    }
}

/// Converts the result of a call: the answer, if it follows the contract and is not too large, or the plugin's error.
fn settle<W, D>(
    said: Result<W, v0::types::PluginError>,
    snapshot: &Snapshot,
    limits: &Limits,
    take: impl FnOnce(&mut AnswerIntake, W) -> Result<D, ContractBreach>,
) -> Result<D, RunError> {
    let mut intake = AnswerIntake::about(snapshot.subject);
    let taken = match said {
        Ok(answer) => take(&mut intake, answer).map(Ok),
        Err(error) => v0::plugin_error(&mut intake, error).map(Err),
    };
    let taken = taken.map_err(|ContractBreach(what)| sandbox::contract_violation(what))?;
    if intake.size() > limits.result_size {
        return Err(sandbox::result_too_large(intake.size(), limits).into());
    }
    taken.map_err(|error| sandbox::plugin_error(error).into())
}
