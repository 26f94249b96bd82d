//! Loads models beside those that are in use.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_domain::{AttestRules, Digest, Timestamp};
use lockgate_runtime::Runtime;
use parking_lot::Mutex;

use super::files::{FileReader, FileWatch, model_files};
use super::set::{ListedModel, ModelSet, UnkeptComponents};
use super::{CatalogueError, FileFindings, ReloadChanges};
use lockgate_engine::load::{LoadedModel, ModelFolder};
use lockgate_engine::model::{
    LARGEST_SOURCE, Model, ModelFinding, ModelFindings, Read, Source, attesters_without_rule, read_partly,
};

/// New models, all of them good.
pub(super) struct PreparedModels {
    pub(super) set: ModelSet,
    /// Warnings only.
    pub(super) findings: Vec<FileFindings>,
}

/// A model file, as far as it can be read.
struct ModelFileCandidate {
    path: PathBuf,
    source: Source,
    read: Option<Read>,
    findings: ModelFindings,
    listed: Option<Arc<ListedModel>>,
}

/// Loads the models of the named files and folders. Also returns the files to watch, even if loading fails.
pub(super) fn prepare(
    host: (&Runtime, &AttestRules),
    named: &[PathBuf],
    old: &ModelSet,
) -> (FileWatch, Result<PreparedModels, CatalogueError>) {
    let paths = model_files(named);
    let files = RefCell::new(FileReader::default());
    let mut candidates: Vec<ModelFileCandidate> = Vec::new();
    for path in &paths {
        let mut candidate = candidate(host, &files, path, old);
        if let Some(first) = candidates.iter().find(|first| first.id() == candidate.id() && first.id().is_some()) {
            candidate.is_second(first);
        }
        candidate.compare(old);
        candidates.push(candidate);
    }
    let all_listed: Option<Vec<Arc<ListedModel>>> =
        candidates.iter().map(|candidate| candidate.listed.clone()).collect();
    let wrong = candidates.iter().any(|candidate| candidate.findings.has_errors());
    let found = candidates.into_iter().filter(|candidate| !candidate.findings.is_empty());
    let found = found.map(|ModelFileCandidate { source, findings, .. }| FileFindings { source, findings }).collect();
    let watch = files.into_inner().watch(paths);
    let prepared = match all_listed {
        Some(listed) if !wrong => Ok(PreparedModels { set: ModelSet::new(listed), findings: found }),
        _ => Err(CatalogueError { files: found }),
    };
    (watch, prepared)
}

fn candidate(
    (runtime, attest): (&Runtime, &AttestRules),
    files: &RefCell<FileReader>,
    path: &Path,
    old: &ModelSet,
) -> ModelFileCandidate {
    // Watches the file even if it is not text.
    drop(files.borrow_mut().read(path, LARGEST_SOURCE));
    let source = match Source::read(path) {
        Ok(source) => source,
        Err(error) => {
            let finding = ModelFinding::error("unreadable-model", 0..0, error.to_string());
            let source = Source::new(path.display().to_string(), "");
            return ModelFileCandidate {
                path: path.to_owned(),
                source,
                read: None,
                findings: [finding].into_iter().collect(),
                listed: None,
            };
        }
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let most = runtime.config().max_component_size;
    let file = |path: &Path| files.borrow_mut().read(path, most);
    let component = |component: &str| file(&folder.join(component)).ok();
    let (read, _) = read_partly(&source);
    let declared = read.iter().flat_map(|read| &read.model.plugins);
    let components: BTreeMap<String, Option<Digest>> = declared
        .map(|(name, plugin)| (name.clone(), component(&plugin.component).map(|bytes| Digest::of(&bytes))))
        .collect();
    let mut candidate =
        ModelFileCandidate { path: path.to_owned(), source, read, findings: ModelFindings::new(), listed: None };
    if let Some(same) = candidate.is_as_before(old, &components) {
        candidate.findings = same.warnings.clone();
        candidate.listed = Some(same);
        return candidate;
    }
    match LoadedModel::load_from(runtime, &candidate.source, &ModelFolder { path: folder, read: &file }) {
        Ok(mut ready) => {
            ready.warnings.extend(candidate.read.iter().flat_map(|read| attesters_without_rule(read, attest)));
            candidate.findings = ready.warnings.clone();
            let unkept = used(&ready.model, |plugin| component(plugin));
            candidate.listed = Some(Arc::new(ListedModel {
                since: since(&ready.model, old),
                model: ready.model,
                file: candidate.path.clone(),
                source: candidate.source.clone(),
                components,
                warnings: ready.warnings,
                unkept: Mutex::new(Some(unkept)),
            }));
        }
        Err(findings) => candidate.findings = findings,
    }
    candidate
}

/// The components that a model uses.
fn used(loaded: &LoadedModel, component: impl Fn(&str) -> Option<Arc<[u8]>>) -> UnkeptComponents {
    let plugins = loaded.plugins().into_iter();
    let used = plugins.filter_map(|(plugin, _)| {
        let source = loaded.model().plugins.get(&plugin.name)?;
        Some((plugin.digest, component(&source.component)?))
    });
    used.collect()
}

fn since(loaded: &LoadedModel, old: &ModelSet) -> Timestamp {
    let before = old.listed(&loaded.model().id).filter(|before| before.model.digest() == loaded.digest());
    before.map_or_else(attempt_time, |before| before.since)
}

impl ModelFileCandidate {
    /// The id of the model, if it can be read.
    fn id(&self) -> Option<&str> {
        self.read.as_ref().map(|read| read.model.id.as_str()).filter(|id| !id.is_empty())
    }

    /// The model in use that is made of the same bytes. A model that grants directories is loaded again in any case:
    /// its directories were opened when it was loaded, and others may have replaced them.
    fn is_as_before(&self, old: &ModelSet, components: &BTreeMap<String, Option<Digest>>) -> Option<Arc<ListedModel>> {
        let before = old.listed(self.id()?)?;
        let same = before.file == self.path && before.source == self.source && before.components == *components;
        (same && !grants_directories(before.model.model())).then(|| Arc::clone(before))
    }

    /// Reports that another file has a model with the same id.
    fn is_second(&mut self, first: &Self) {
        let Some(read) = &self.read else { return };
        let (id, one, other) = (&read.model.id, &first.source.name, &self.source.name);
        let message = format!("model `{id}` is in two files: `{one}` and `{other}`");
        let finding = ModelFinding::error("duplicate-model", read.spans.at("/id"), message);
        self.findings.push(finding.help("give one of them another id, or take one of the files out"));
    }

    /// Reports that the model has the version of the one in use, but another meaning.
    fn compare(&mut self, old: &ModelSet) {
        let (Some(read), Some(listed)) = (&self.read, &self.listed) else { return };
        let new = listed.model.name();
        let Some(before) = old.by_id(&new.id).map(LoadedModel::name) else { return };
        if before.version != new.version || before.digest == new.digest {
            return;
        }
        let message = format!("`{new}` means something else than the `{new}` that was in use");
        let finding = ModelFinding::warning("version-reused", read.spans.at("/version"), message)
            .note(format!("was {}", before.digest))
            .note(format!("is  {}", new.digest))
            .help("raise `version`, so that people can tell which of them a deployment was approved under");
        self.findings.push(finding);
    }
}

/// Whether the model's decisions depend on directories, too.
pub(super) fn grants_directories(model: &Model) -> bool {
    model.uses().any(|used| !used.grants.directory.is_empty())
}

/// How the models change when the new ones replace the old ones.
pub(super) fn compare(old: &ModelSet, new: &ModelSet) -> ReloadChanges {
    let mut reloaded = ReloadChanges::default();
    for name in new.names() {
        match old.by_id(&name.id).map(LoadedModel::digest) {
            None => reloaded.added.push(name),
            Some(digest) if digest == name.digest => reloaded.unchanged.push(name),
            Some(_) => reloaded.changed.push(name),
        }
    }
    reloaded.removed = old.names().into_iter().filter(|name| new.by_id(&name.id).is_none()).collect();
    reloaded
}

/// The time of an attempt to load. People see it beside the models; no decision uses it, and the ledger does not record
/// it.
#[expect(clippy::disallowed_methods, reason = "the catalogue knows no ledger, and nothing is decided by this time")]
pub(super) fn attempt_time() -> Timestamp {
    Timestamp::now()
}
