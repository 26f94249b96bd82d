//! The uses of plugins: each file is read once, each use is configured once, and each failure is told at its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_domain::{Digest, Kind, PluginRef};
use lockgate_runtime::{AdmissionError, Limits, LoadError, LoadRequest, Plugin, Refusal, Runtime};

use super::LoadedPlugin;
use crate::model::{Finding, Findings, LimitOverrides, PluginUse, Read, Spans, UsePlace};

/// Reads plugins' files, and loads uses of them.
pub(super) struct Uses<'a> {
    runtime: &'a Runtime,
    read: &'a Read,
    folder: &'a Path,
    /// By name; none if the file could not be had, which is told once.
    files: BTreeMap<String, Option<File>>,
    /// Equal uses share one plugin.
    loaded: Vec<(PluginUse, Plugin)>,
}

#[derive(Clone)]
struct File {
    bytes: Arc<[u8]>,
    digest: Digest,
}

impl<'a> Uses<'a> {
    pub(super) fn new(runtime: &'a Runtime, read: &'a Read, folder: &'a Path) -> Self {
        Self { runtime, read, folder, files: BTreeMap::new(), loaded: Vec::new() }
    }

    /// Where the parts of the model stand.
    pub(super) fn spans(&self) -> &'a Spans {
        &self.read.spans
    }

    /// Loads one use, as the kind that is wanted, or as the only kind that it can be bound as.
    pub(super) fn load(
        &mut self,
        used: &PluginUse,
        place: &UsePlace,
        wanted: Option<Kind>,
        findings: &mut Findings,
    ) -> Option<(LoadedPlugin, Kind)> {
        let file = self.file(&used.plugin, findings)?;
        let plugin = match self.loaded.iter().find(|(known, _)| known == used) {
            Some((_, plugin)) => plugin.clone(),
            None => {
                let plugin = self.configure(used, place, &file, findings)?;
                self.loaded.push((used.clone(), plugin.clone()));
                plugin
            }
        };
        let kind = self.kind(used, place, wanted, &plugin, findings)?;
        let reference =
            PluginRef { name: used.plugin.clone(), version: plugin.description().version.clone(), digest: file.digest };
        Some((LoadedPlugin { reference, plugin }, kind))
    }

    fn configure(&self, used: &PluginUse, place: &UsePlace, file: &File, findings: &mut Findings) -> Option<Plugin> {
        let request = LoadRequest {
            component: Arc::clone(&file.bytes),
            settings: used.settings.clone(),
            grants: used.grants.to_grants(self.folder),
            limits: limits(&used.limits),
        };
        let error = match self.runtime.load(request) {
            Ok(plugin) => return Some(plugin),
            Err(error) => error,
        };
        let spans = &self.read.spans;
        let name = &used.plugin;
        match error {
            LoadError::Settings(wrong) => findings.extend(wrong.into_iter().map(|found| {
                let span = spans.settings(place, &found.pointer);
                Finding::error("settings-refused", span, format!("`{name}` refuses its settings: {}", found.message))
                    .help(format!("`lockgate plugin inspect` shows which settings `{name}` takes"))
            })),
            LoadError::Admission(AdmissionError::Refused(refusals)) => {
                findings.extend(refusals.into_iter().map(|refusal| {
                    let span = match &refusal {
                        Refusal::NotGranted { .. } => spans.grants(place),
                        _ => spans.plugin(place),
                    };
                    Finding::error("plugin-refused", span, format!("plugin `{name}` is refused: {refusal}"))
                }));
            }
            LoadError::Admission(error) => findings.push(Finding::error(
                "plugin-refused",
                spans.plugin(place),
                format!("plugin `{name}` is refused: {error}"),
            )),
            LoadError::Grant(error) => findings.push(Finding::error(
                "grant-unfit",
                spans.grants(place),
                format!("plugin `{name}` cannot be granted this: {error}"),
            )),
            LoadError::Memory { .. } | LoadError::Start(_) => findings.push(
                Finding::error("limits-unfit", spans.limits(place), format!("plugin `{name}` cannot be used: {error}"))
                    .help("change its `limits`"),
            ),
            error => findings.push(Finding::error(
                "plugin-not-loaded",
                spans.plugin(place),
                format!("plugin `{name}` cannot be loaded: {error}"),
            )),
        }
        None
    }

    /// As what the plugin is asked.
    fn kind(
        &self,
        used: &PluginUse,
        place: &UsePlace,
        wanted: Option<Kind>,
        plugin: &Plugin,
        findings: &mut Findings,
    ) -> Option<Kind> {
        let span = self.read.spans.plugin(place);
        let (name, is) = (&used.plugin, plugin.kinds());
        let listed = || is.iter().map(|kind| format!("`{}`", kind.as_str())).collect::<Vec<_>>().join(" and ");
        let bindable: Vec<Kind> = is.iter().copied().filter(|kind| *kind != Kind::Strategy).collect();
        match (wanted, bindable.as_slice()) {
            (Some(wanted), _) if is.contains(&wanted) => return Some(wanted),
            (Some(wanted), _) => findings.push(
                Finding::error("wrong-kind", span, format!("plugin `{name}` is no `{}`", wanted.as_str()))
                    .note(format!("it is {}", listed())),
            ),
            (None, [only]) => return Some(*only),
            (None, []) => findings.push(
                Finding::error("wrong-kind", span, format!("plugin `{name}` is a strategy, and a gate cannot ask one"))
                    .help("name it in the `[strategy]` table"),
            ),
            (None, _) => {
                findings.push(Finding::error("kind-missing", span, format!("plugin `{name}` is {}", listed())).help(
                    "say as what the gate asks it: `kind = \"approval-policy\"` or `kind = \"validation-check\"`",
                ))
            }
        }
        None
    }

    /// The plugin's file, if it can be read and has the digest that the model pins.
    fn file(&mut self, name: &str, findings: &mut Findings) -> Option<File> {
        if let Some(known) = self.files.get(name) {
            return known.clone();
        }
        let file = self.read_file(name, findings);
        self.files.insert(name.to_owned(), file.clone());
        file
    }

    fn read_file(&self, name: &str, findings: &mut Findings) -> Option<File> {
        let source = self.read.model.plugins.get(name)?;
        let spans = &self.read.spans;
        let path = self.folder.join(&source.component);
        let bytes: Arc<[u8]> =
            match read_capped(&path, self.runtime.config().max_component_size) {
                Ok(bytes) => bytes.into(),
                Err(error) => {
                    let message = format!("cannot read plugin `{name}` from `{}`: {error}", path.display());
                    findings.push(Finding::error("plugin-file", spans.component(name), message).help(format!(
                        "`component` is a path from the model's own folder, `{}`",
                        self.folder.display()
                    )));
                    return None;
                }
            };
        let digest = Digest::of(&bytes);
        match source.digest {
            Some(pinned) if pinned == digest => Some(File { bytes, digest }),
            Some(pinned) => {
                findings.push(
                    Finding::error(
                        "digest-differs",
                        spans.digest(name),
                        format!("plugin `{name}` is not the one that is pinned"),
                    )
                    .note(format!("pinned {pinned}"))
                    .note(format!("found  {digest} in `{}`", path.display()))
                    .help("put the pinned file back, or look at the new one and pin it with `lockgate model pin`"),
                );
                None
            }
            None => {
                findings.push(
                    Finding::error(
                        "unpinned-plugin",
                        spans.component(name),
                        format!("plugin `{name}` is not pinned by digest"),
                    )
                    .help("pin it with `lockgate model pin`"),
                );
                None
            }
        }
    }
}

/// Reads a file, and stops when it is larger than what is looked at anyway.
fn read_capped(path: &PathBuf, most: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

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
