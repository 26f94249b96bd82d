//! The uses of plugins: reads each file once, configures each use once, and reports each failure at its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_domain::{AskingModel, Digest, DigestError, Kind, PluginRef, Snapshot};
use lockgate_runtime::{
    AdmissionError, AdmissionRefusal, Limits, LoadError, LoadRequest, Plugin, PluginInvocation, Runtime,
};

use super::components::{ComponentSource, LoadPurpose, PluginComponent};
use crate::model::{LimitOverrides, Model, ModelFinding, ModelFindings, PluginUse, Read, Spans, UsePlace};

/// A use of a plugin, with its name in decisions.
#[derive(Clone)]
pub(crate) struct LoadedPluginUse {
    pub(crate) reference: PluginRef,
    pub(crate) plugin: Plugin,
    /// The model and the place in it, as the plugin is told.
    pub(crate) model: Arc<AskingModel>,
}

impl LoadedPluginUse {
    /// Prepares a call on this snapshot.
    pub(crate) fn on<'a>(&'a self, snapshot: &'a Arc<Snapshot>) -> PluginInvocation<'a> {
        self.plugin.invocation(snapshot).asked_by(Arc::clone(&self.model))
    }
}

/// Reads plugin files, and loads uses of them.
pub(super) struct PluginUses<'a> {
    runtime: &'a Runtime,
    read: &'a Read,
    /// The digest of the model.
    digest: Result<Digest, DigestError>,
    components: &'a dyn ComponentSource,
    /// The components by name. None if a component could not be read, which is reported once.
    known: BTreeMap<String, Option<PluginComponent>>,
    /// The loaded plugins. Equal uses share one.
    loaded: Vec<(PluginUse, Plugin)>,
    /// All uses that were loaded.
    places: Vec<(UsePlace, Plugin)>,
}

impl<'a> PluginUses<'a> {
    pub(super) fn new(runtime: &'a Runtime, read: &'a Read, components: &'a dyn ComponentSource) -> Self {
        Self {
            runtime,
            read,
            digest: read.model.digest(),
            components,
            known: BTreeMap::new(),
            loaded: Vec::new(),
            places: Vec::new(),
        }
    }

    /// The digest of the model, or why it has none.
    pub(super) fn digest(&self) -> Result<Digest, &DigestError> {
        self.digest.as_ref().copied()
    }

    /// The places of the model's parts.
    pub(super) fn spans(&self) -> &'a Spans {
        &self.read.spans
    }

    /// All uses that were loaded, with their places.
    pub(super) fn places(&self) -> &[(UsePlace, Plugin)] {
        &self.places
    }

    pub(super) fn purpose(&self) -> LoadPurpose {
        self.components.purpose()
    }

    /// Loads one use as the kind that the model names, or as the only kind that the plugin can be bound as.
    pub(super) fn load(
        &mut self,
        used: &PluginUse,
        place: &UsePlace,
        wanted: Option<Kind>,
        findings: &mut ModelFindings,
    ) -> Option<(LoadedPluginUse, Kind)> {
        let component = self.component(&used.plugin, findings)?;
        let plugin = match self.loaded.iter().find(|(known, _)| known == used) {
            Some((_, plugin)) => plugin.clone(),
            None => {
                let plugin = self.configure(used, place, &component, findings)?;
                self.loaded.push((used.clone(), plugin.clone()));
                plugin
            }
        };
        self.places.push((place.clone(), plugin.clone()));
        let kind = self.kind(used, place, wanted, &plugin, findings)?;
        let version = plugin.description().version.clone();
        let reference = PluginRef { name: used.plugin.clone(), version, digest: component.digest };
        // A model without a digest is an error of its own, which is reported once.
        let digest = self.digest().ok()?;
        let Model { id, version, .. } = &self.read.model;
        let (id, version, binding) = (id.clone(), version.clone(), place.id().to_owned());
        let model = AskingModel { id, version, digest, binding };
        Some((LoadedPluginUse { reference, plugin, model: Arc::new(model) }, kind))
    }

    fn configure(
        &self,
        used: &PluginUse,
        place: &UsePlace,
        component: &PluginComponent,
        findings: &mut ModelFindings,
    ) -> Option<Plugin> {
        let limits = limits(&used.limits);
        let (grants, limits) = match self.components.purpose() {
            LoadPurpose::Deciding | LoadPurpose::Checking { .. } => {
                (used.grants.to_grants(self.components.folder()), limits)
            }
            LoadPurpose::Replaying => (used.grants.to_recorded(), limits.to_replay()),
        };
        let (component, settings) = (Arc::clone(&component.bytes), used.settings.clone());
        let request = LoadRequest { component, settings, grants, limits };
        let error = match self.runtime.load(request) {
            Ok(plugin) => {
                findings.extend(plugin.readiness().warnings.iter().map(|found| {
                    let span = self.read.spans.settings(place, &found.pointer);
                    let message = format!("plugin `{}` about its settings: {}", used.plugin, found.message);
                    ModelFinding::warning("settings-warning", span, message)
                }));
                return Some(plugin);
            }
            Err(error) => error,
        };
        let spans = &self.read.spans;
        let name = &used.plugin;
        match error {
            LoadError::Settings(wrong) => findings.extend(wrong.into_iter().map(|found| {
                let span = spans.settings(place, &found.pointer);
                ModelFinding::error(
                    "settings-refused",
                    span,
                    format!("the settings of `{name}` are refused: {}", found.message),
                )
                .help(format!("`lockgate plugin inspect` shows which settings `{name}` takes"))
            })),
            LoadError::Admission(AdmissionError::Refused(refusals)) => {
                findings.extend(refusals.into_iter().map(|refusal| {
                    let span = match &refusal {
                        AdmissionRefusal::NotGranted { .. } => spans.grants(place),
                        _ => spans.plugin(place),
                    };
                    ModelFinding::error("plugin-refused", span, format!("plugin `{name}` is refused: {refusal}"))
                }));
            }
            LoadError::NeedsGrants(missing) => findings.extend(missing.into_iter().map(|asked| {
                let scope = asked.scope.iter().map(|part| format!(" `{part}`")).collect::<String>();
                let message =
                    format!("plugin `{name}` needs `{}`{scope}, which is not granted: {}", asked.name, asked.reason);
                let finding = ModelFinding::error("grant-missing", spans.grants(place), message);
                match asked.name.as_str() {
                    "evidence" | "facts" => {
                        let scope: Vec<String> = asked.scope.iter().map(|part| format!("\"{part}\"")).collect();
                        finding.help(format!("add {} to `grants.{}` of this use", scope.join(", "), asked.name))
                    }
                    name => finding.help(format!("grant it by `grants.{name}`: see docs/capabilities.md")),
                }
            })),
            LoadError::Admission(error) => findings.push(ModelFinding::error(
                "plugin-refused",
                spans.plugin(place),
                format!("plugin `{name}` is refused: {error}"),
            )),
            LoadError::Grant(error) => findings.push(ModelFinding::error(
                "grant-unfit",
                spans.grants(place),
                format!("plugin `{name}` cannot be granted this: {error}"),
            )),
            LoadError::Memory { .. } | LoadError::Start(_) => findings.push(
                ModelFinding::error(
                    "limits-unfit",
                    spans.limits(place),
                    format!("plugin `{name}` cannot be used: {error}"),
                )
                .help("change its `limits`"),
            ),
            error => findings.push(ModelFinding::error(
                "plugin-not-loaded",
                spans.plugin(place),
                format!("plugin `{name}` cannot be loaded: {error}"),
            )),
        }
        None
    }

    /// The kind that the plugin is used as.
    fn kind(
        &self,
        used: &PluginUse,
        place: &UsePlace,
        wanted: Option<Kind>,
        plugin: &Plugin,
        findings: &mut ModelFindings,
    ) -> Option<Kind> {
        let span = self.read.spans.plugin(place);
        let (name, is) = (&used.plugin, plugin.kinds());
        let listed = || is.iter().map(|kind| format!("`{}`", kind.as_str())).collect::<Vec<_>>().join(" and ");
        let bindable: Vec<Kind> = is.iter().copied().filter(|kind| *kind != Kind::Strategy).collect();
        match (wanted, bindable.as_slice()) {
            (Some(wanted), _) if is.contains(&wanted) => return Some(wanted),
            (Some(wanted), _) => findings.push(
                ModelFinding::error("wrong-kind", span, format!("plugin `{name}` is no `{}`", wanted.as_str()))
                    .note(format!("it is {}", listed())),
            ),
            (None, [only]) => return Some(*only),
            (None, []) => findings.push(
                ModelFinding::error(
                    "wrong-kind",
                    span,
                    format!("plugin `{name}` is a strategy, and a gate cannot ask one"),
                )
                .help("name it in the `[strategy]` table"),
            ),
            (None, _) => findings.push(
                ModelFinding::error("kind-missing", span, format!("plugin `{name}` is {}", listed())).help(
                    "say as what the gate asks it: `kind = \"approval-policy\"` or `kind = \"validation-check\"`",
                ),
            ),
        }
        None
    }

    /// The plugin's component, if it can be read and has the digest that the model pins.
    fn component(&mut self, name: &str, findings: &mut ModelFindings) -> Option<PluginComponent> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let component = self.pinned(name, findings);
        self.known.insert(name.to_owned(), component.clone());
        component
    }

    fn pinned(&self, name: &str, findings: &mut ModelFindings) -> Option<PluginComponent> {
        let source = self.read.model.plugins.get(name)?;
        let spans = &self.read.spans;
        let component = match self.components.component(name, source) {
            Ok(component) => component,
            Err(missing) => {
                let finding =
                    ModelFinding::error("plugin-file", spans.component(name), missing.message).note(UNCHECKED);
                findings.push(missing.help.into_iter().fold(finding, ModelFinding::help));
                return None;
            }
        };
        match source.digest {
            Some(pinned) if pinned == component.digest => Some(component),
            Some(pinned) => {
                findings.push(
                    ModelFinding::error(
                        "digest-differs",
                        spans.digest(name),
                        format!("plugin `{name}` is not the one that is pinned"),
                    )
                    .note(format!("pinned {pinned}"))
                    .note(format!("found  {} in {}", component.digest, component.place))
                    .note(UNCHECKED)
                    .help("put the pinned file back, or look at the new one and pin it with `lockgate model pin`"),
                );
                None
            }
            None => {
                let (place, message) = (spans.component(name), format!("plugin `{name}` is not pinned by digest"));
                let is_loaded = matches!(self.components.purpose(), LoadPurpose::Checking { .. });
                let finding = match is_loaded {
                    true => ModelFinding::warning("unpinned-plugin", place, message)
                        .note("a model decides only with plugins that are pinned"),
                    false => ModelFinding::error("unpinned-plugin", place, message).note(UNCHECKED),
                };
                findings.push(finding.help("pin it with `lockgate model pin`"));
                is_loaded.then_some(component)
            }
        }
    }
}

/// The note about a plugin that was not loaded.
const UNCHECKED: &str = "the plugin was not loaded, so its settings, limits and grants were not checked";

fn limits(overrides: &LimitOverrides) -> Limits {
    let default = Limits::default();
    Limits {
        fuel: overrides.fuel.unwrap_or(default.fuel),
        memory: overrides.memory.unwrap_or(default.memory),
        result_size: overrides.result_size.unwrap_or(default.result_size),
        wall_clock: overrides
            .wall_clock
            .map_or(default.wall_clock, |length| std::time::Duration::from_millis(length.as_millis())),
        ..default
    }
}
