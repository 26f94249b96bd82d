//! Prepares a model for deciding: reads the plugins' files, compares them with their digests, configures each use of
//! each plugin, and parses every expression. It reports all mistakes at once, each at its place in the model.

mod components;
mod coverage;
mod marked;
mod monotone;
mod needs;
mod periods;
mod plugin_use;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{
    Deployment, Digest, DigestError, Evidence, Gate, Kind, ModelName, PluginRef, Snapshot, Timestamp,
};
use lockgate_runtime::{Plugin, Runtime};

use crate::expression::Expression;
use crate::model::{
    self, Binding, GateModel, Group, Model, ModelFinding, ModelFindings, PluginUse, STRATEGY_ID, Source, UsePlace,
};
use crate::values::PendingValues;
pub use components::{
    ComponentSource, ForPurpose, LoadPurpose, MissingComponent, ModelFolder, PluginComponent, ReadFile, read_capped,
};
pub(crate) use plugin_use::LoadedPluginUse;
use plugin_use::PluginUses;

/// A model with its plugins, configured and ready to decide. Cheap to clone.
#[derive(Clone)]
pub struct LoadedModel(Arc<ModelParts>);

struct ModelParts {
    model: Model,
    digest: Digest,
    applies: Option<Expression>,
    gates: Vec<LoadedGate>,
    /// The strategy, as a binding that has to answer wherever it is asked.
    strategy: Option<LoadedBinding>,
    analyses: BTreeMap<String, LoadedBinding>,
}

/// A guarded gate, ready to decide.
pub(crate) struct LoadedGate {
    gate: Gate,
    pub(crate) bindings: Vec<LoadedBinding>,
    pub(crate) groups: Vec<LoadedGroup>,
}

/// A binding, ready to be asked.
pub(crate) struct LoadedBinding {
    pub(crate) model: Binding,
    pub(crate) kind: Kind,
    pub(crate) plugin: LoadedPluginUse,
    pub(crate) when: Option<Expression>,
}

/// A group, ready to combine answers.
pub(crate) struct LoadedGroup {
    pub(crate) model: Group,
    pub(crate) expression: Expression,
}

/// A loaded model, and its warnings.
#[derive(Debug)]
pub struct LoadReport {
    pub model: LoadedModel,
    /// The warnings. There are no errors among them.
    pub warnings: ModelFindings,
}

impl fmt::Debug for LoadedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ModelParts { model, digest, .. } = &*self.0;
        f.debug_struct("LoadedModel")
            .field("id", &model.id)
            .field("version", &model.version)
            .field("digest", digest)
            .finish()
    }
}

impl LoadedModel {
    /// Loads a model. Its plugins' files are looked up in `folder`, the model's own folder.
    ///
    /// # Errors
    /// All mistakes in the model, its plugins' files, digests, settings and grants.
    pub fn load(runtime: &Runtime, source: &Source, folder: &Path) -> Result<LoadReport, ModelFindings> {
        Self::load_for(LoadPurpose::Deciding, runtime, source, folder)
    }

    /// Loads a model as [`LoadedModel::load`] does, to make decisions again: its plugins reach nothing outside, and
    /// have a generous time limit. It decides only in [`replay`](crate::replay).
    ///
    /// # Errors
    /// As [`LoadedModel::load`], except for directories and namespaces, which are not looked for.
    pub fn load_to_replay(runtime: &Runtime, source: &Source, folder: &Path) -> Result<LoadReport, ModelFindings> {
        Self::load_for(LoadPurpose::Replaying, runtime, source, folder)
    }

    /// All errors and warnings of a model that [`LoadedModel::load`] would load. For authors of models: plugins that
    /// are not pinned are loaded too, with a warning. Settings that expire soon after `now` get a warning as well.
    pub fn check(runtime: &Runtime, source: &Source, folder: &Path, now: Timestamp) -> ModelFindings {
        match Self::load_for(LoadPurpose::Checking { now }, runtime, source, folder) {
            Ok(ready) => ready.warnings,
            Err(findings) => findings,
        }
    }

    fn load_for(
        purpose: LoadPurpose,
        runtime: &Runtime,
        source: &Source,
        folder: &Path,
    ) -> Result<LoadReport, ModelFindings> {
        let most = runtime.config().max_component_size;
        let read = |path: &Path| read_capped(path, most).map(Arc::from).map_err(|error| error.to_string());
        Self::load_from(
            runtime,
            source,
            &ForPurpose { components: &ModelFolder { path: folder, read: &read }, purpose },
        )
    }

    /// Loads a model whose components come from another source.
    pub fn load_from(
        runtime: &Runtime,
        source: &Source,
        components: &dyn ComponentSource,
    ) -> Result<LoadReport, ModelFindings> {
        let read = match model::check(source) {
            Ok(read) => read,
            Err(mut findings) => {
                // One check should also find the mistakes in the plugins of a broken file.
                if let (Some(partial), _) = model::read_partly(source) {
                    load(&partial.model, &mut PluginUses::new(runtime, &partial, components), &mut findings);
                }
                return Err(findings);
            }
        };
        let mut findings = read.warnings.clone();
        let mut plugin_use = PluginUses::new(runtime, &read, components);
        let loaded = load(&read.model, &mut plugin_use, &mut findings);
        match loaded {
            Some(loaded) if !findings.has_errors() => {
                Ok(LoadReport { model: LoadedModel(Arc::new(loaded)), warnings: findings })
            }
            _ => Err(findings),
        }
    }

    /// The model itself.
    pub fn model(&self) -> &Model {
        &self.0.model
    }

    /// The digest of the model's meaning.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// The model's id, version and digest.
    pub fn name(&self) -> ModelName {
        let model = self.model();
        ModelName { id: model.id.clone(), version: model.version.clone(), digest: self.digest() }
    }

    /// The plugins of the model, each once, by their names in the model, as they are loaded.
    pub fn plugins(&self) -> Vec<(&PluginRef, &Plugin)> {
        let ModelParts { gates, strategy, analyses, .. } = &*self.0;
        let bound = gates.iter().flat_map(|gate| &gate.bindings).map(|binding| &binding.plugin);
        let all = strategy.iter().chain(analyses.values()).map(|used| &used.plugin).chain(bound);
        let by_name: BTreeMap<&str, &LoadedPluginUse> =
            all.map(|plugin| (plugin.reference.name.as_str(), plugin)).collect();
        by_name.into_values().map(|plugin| (&plugin.reference, &plugin.plugin)).collect()
    }

    /// Whether a plugin of the model can read the samples of indicators.
    pub fn reads_samples(&self) -> bool {
        self.plugins().into_iter().any(|(_, plugin)| plugin.reads_samples())
    }

    /// The condition for the deployments that the model applies to. None: all deployments.
    pub fn applies(&self) -> Option<&Expression> {
        self.0.applies.as_ref()
    }

    /// Whether a plugin that the model binds to this gate may wait for other machines.
    pub fn may_wait(&self, gate: Gate) -> bool {
        self.asked_at(gate).any(|binding| binding.plugin.plugin.may_wait())
    }

    /// Whether the answers at this gate need more than the snapshot, so that a replay needs a recording of them.
    pub fn reaches_outside(&self, gate: Gate) -> bool {
        self.asked_at(gate).any(|binding| binding.model.plugin.grants.reach_outside())
    }

    /// Whether the answers to a question within a rollout need more than the snapshot.
    pub fn reaches_outside_in_rollout(&self) -> bool {
        self.0.strategy.iter().chain(self.0.analyses.values()).any(|used| used.model.plugin.grants.reach_outside())
    }

    /// Whether the strategy reaches more than the snapshot: something outside, or the values of a namespace.
    pub fn strategy_reaches_outside(&self) -> bool {
        self.strategy_binding()
            .is_some_and(|used| used.model.plugin.grants.reach_outside() || used.plugin.plugin.namespaces().is_some())
    }

    /// The use with this id of a plugin that is asked within a rollout.
    pub fn use_in_rollout(&self, id: &str) -> Option<&PluginUse> {
        let used = if id == STRATEGY_ID { self.strategy_binding() } else { self.analysis(id) };
        used.map(|used| &used.model.plugin)
    }

    /// The use with this id of a plugin that is asked at a gate.
    pub fn use_at(&self, gate: Gate, id: &str) -> Option<&PluginUse> {
        self.asked_at(gate).find(|binding| binding.model.id == id).map(|binding| &binding.model.plugin)
    }

    /// All bindings that are asked at a gate, with the strategy if it lays out the rollout there.
    fn asked_at(&self, gate: Gate) -> impl Iterator<Item = &LoadedBinding> {
        let strategy = self.strategy_binding().filter(|_| self.lays_out_at(gate));
        self.gate(gate).into_iter().flat_map(|gate| &gate.bindings).chain(strategy)
    }

    /// The namespaces whose values plugins at a gate may change.
    pub fn writable_namespaces(&self, gate: Gate) -> BTreeSet<String> {
        writable(self.asked_at(gate).map(|binding| &binding.plugin))
    }

    /// The namespaces whose values the strategy and the analyses may change.
    pub fn writable_namespaces_of_rollout(&self) -> BTreeSet<String> {
        writable(self.0.strategy.iter().chain(self.0.analyses.values()).map(|used| &used.plugin))
    }

    /// The values that calls see in an evaluation without a write.
    pub(crate) fn unwritten_values(&self) -> Arc<PendingValues> {
        let ModelParts { gates, strategy, analyses, .. } = &*self.0;
        let bound = gates.iter().flat_map(|gate| &gate.bindings).map(|binding| &binding.plugin);
        let mut all = strategy.iter().chain(analyses.values()).map(|used| &used.plugin).chain(bound);
        // One runtime loaded all plugins of a model, and it has one store.
        PendingValues::of_runtime(all.find_map(|used| used.plugin.namespaces().cloned()))
    }

    /// Takes a snapshot: the state of a deployment from which this model decides at one gate. From the approval of the plan on,
    /// it has the rollout that the strategy lays out, if the deployment has none.
    ///
    /// # Errors
    /// If the release or the plan has no canonical JSON form.
    pub fn snapshot(
        &self,
        deployment: impl Into<Arc<Deployment>>,
        gate: Gate,
        now: Timestamp,
        evidence: BTreeMap<String, Evidence>,
    ) -> Result<Snapshot, DigestError> {
        let deployment = self.with_rollout(deployment.into(), gate, now, &evidence);
        let subject = Snapshot::subject_of(&deployment, &evidence, self.digest())?;
        Ok(Snapshot { deployment, gate, now, subject, evidence })
    }

    pub(crate) fn gate(&self, gate: Gate) -> Option<&LoadedGate> {
        self.0.gates.iter().find(|guarded| guarded.gate == gate)
    }

    pub(crate) fn analysis(&self, id: &str) -> Option<&LoadedBinding> {
        self.0.analyses.get(id)
    }

    pub(crate) fn strategy_use(&self) -> Option<&LoadedPluginUse> {
        self.strategy_binding().map(|strategy| &strategy.plugin)
    }

    pub(crate) fn strategy_binding(&self) -> Option<&LoadedBinding> {
        self.0.strategy.as_ref()
    }

    pub fn strategy(&self) -> Option<&Plugin> {
        self.strategy_use().map(|strategy| &strategy.plugin)
    }
}

fn writable<'a>(plugins: impl Iterator<Item = &'a LoadedPluginUse>) -> BTreeSet<String> {
    plugins.filter_map(|used| used.plugin.writable_namespace()).map(str::to_owned).collect()
}

/// Loads everything, even after a mistake, so that the next mistakes are found too.
fn load(model: &Model, plugin_use: &mut PluginUses<'_>, findings: &mut ModelFindings) -> Option<ModelParts> {
    let strategy = model.strategy.as_ref().map(|used| {
        let loaded = plugin_use.load(&used.plugin, &UsePlace::Strategy, Some(Kind::Strategy), findings);
        loaded.map(|(plugin, kind)| LoadedBinding {
            model: used.plugin.as_mandatory(STRATEGY_ID, kind),
            kind,
            plugin,
            when: None,
        })
    });
    let mut analyses = BTreeMap::new();
    for (id, used) in &model.analyses {
        let place = UsePlace::Analysis(id.clone());
        if let Some((plugin, kind)) = plugin_use.load(used, &place, Some(Kind::ValidationCheck), findings) {
            let binding = used.as_mandatory(id, kind);
            analyses.insert(id.clone(), LoadedBinding { model: binding, kind, plugin, when: None });
        }
    }
    let mut gates = Vec::new();
    for guarded in &model.gates {
        let mut bindings = Vec::new();
        for binding in &guarded.bindings {
            let place = UsePlace::Binding { gate: guarded.gate, id: binding.id.clone() };
            let used = plugin_use.load(&binding.plugin, &place, binding.kind, findings);
            let when = binding.when.as_deref().map(condition).transpose();
            if let (Some((plugin, kind)), Ok(when)) = (used, when) {
                bindings.push(LoadedBinding { model: binding.clone(), kind, plugin, when });
            }
        }
        let groups = guarded.groups.iter().filter_map(|group| {
            let (expression, _) = Expression::over_members(&group.expression).ok()?;
            Some(LoadedGroup { model: group.clone(), expression })
        });
        let groups: Vec<LoadedGroup> = groups.collect();
        findings.extend(groups.iter().filter_map(|group| wrong_group(guarded, group, plugin_use)));
        gates.push(LoadedGate { gate: guarded.gate, bindings, groups });
    }
    // The decisions of a replay used the settings as they are.
    if plugin_use.purpose() != LoadPurpose::Replaying {
        findings.extend(marked::unknown_analyses(model, plugin_use));
        findings.extend(marked::doubtful_roles(model, plugin_use));
    }
    if let LoadPurpose::Checking { now } = plugin_use.purpose() {
        findings.extend(periods::that_run_out(plugin_use, now));
        findings.extend(coverage::unchecked_hops(model, &gates, plugin_use.spans()));
        findings.extend(coverage::unchecked_criteria(model, &gates, plugin_use.spans()));
    }
    let digest = match plugin_use.digest() {
        Ok(digest) => digest,
        Err(error) => {
            findings.push(ModelFinding::error("no-canonical-form", 0..0, error.to_string()));
            return None;
        }
    };
    Some(ModelParts {
        model: model.clone(),
        digest,
        applies: model.applies_when.as_deref().map(condition).transpose().ok()?,
        gates,
        strategy: strategy.unwrap_or_default(),
        analyses,
    })
}

/// The mistake in a group that is satisfied whatever its members answer, or that is no longer satisfied when one more
/// member allows.
fn wrong_group(guarded: &GateModel, group: &LoadedGroup, plugin_use: &PluginUses<'_>) -> Option<ModelFinding> {
    let id = &group.model.id;
    let members = guarded.bindings.iter().filter(|binding| binding.group.as_ref() == Some(id));
    let members: Vec<(&str, &str)> =
        members.map(|member| (member.id.as_str(), member.plugin.plugin.as_str())).collect();
    if monotone::always_holds(&group.expression, &members) {
        let names = members.iter().map(|(name, _)| *name);
        let message = format!("group `{id}` is satisfied even if all of its members deny, so they decide nothing");
        return Some(
            ModelFinding::error(
                "group-always-satisfied",
                plugin_use.spans().group(guarded.gate, id, "expression"),
                message,
            )
            .note(format!(
                "its members are {}: a name that none of them has is never found",
                crate::model::listed(names)
            ))
            .help("say how many members, or which, have to allow: `members.exists(m, m.standing == \"allow\")`"),
        );
    }
    let (member, said) = monotone::falls(&group.expression, &members)?;
    let said = said.as_str();
    let message = format!("group `{id}` can be satisfied because `{member}` says `{said}`, and not once it allows");
    Some(
        ModelFinding::error("group-not-monotone", plugin_use.spans().group(guarded.gate, id, "expression"), message)
            .note("one more member that allows must never make a group say no")
            .help("say how many members, or which, have to allow: `members.exists(m, m.standing == \"allow\")`"),
    )
}

/// Parses an expression that was found to be right when the model was read.
fn condition(text: &str) -> Result<Expression, Vec<ModelFinding>> {
    Expression::condition(text).map(|(expression, _)| expression)
}
