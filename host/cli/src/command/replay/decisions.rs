//! The decisions of a ledger, made again: as they were, or with a candidate in the place of their model.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Timestamp;
use lockgate_engine::LoadedModel;
use lockgate_engine::replay::ReplayedDecision;
use lockgate_ledger::Source as _;
use lockgate_runtime::Runtime;
use lockgate_service::replay::{DecisionFilter, KeptDecision, LedgerReplay};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde_json::json;

use super::report::{Run, facts};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::options::Global;
use crate::{data_folder, host, models, terminal};

/// So many decisions are read at once.
const PAGE: usize = 256;

/// Which decisions, of which ledger.
#[derive(Debug, clap::Args)]
pub(super) struct LedgerArguments {
    /// Makes the decisions of this ledger again instead: its file, or the data folder of a server, whether it runs or not.
    #[arg(long, value_name = "FILE|FOLDER", help_heading = "Decisions of a ledger")]
    ledger: Option<PathBuf>,
    /// A candidate: makes the decisions by the model of that id again with this one, and reports what it would turn.
    #[arg(short, long, value_name = "FILE", requires = "ledger", help_heading = "Decisions of a ledger")]
    model: Option<PathBuf>,
    /// Only the decisions about this deployment.
    #[arg(long, value_name = "ID", requires = "ledger", help_heading = "Decisions of a ledger")]
    deployment: Option<String>,
    /// Only the decisions that were made at that moment or later.
    #[arg(long, value_name = "RFC3339", requires = "ledger", help_heading = "Decisions of a ledger")]
    since: Option<Timestamp>,
    /// Only the decisions that were made before that moment.
    #[arg(long, value_name = "RFC3339", requires = "ledger", help_heading = "Decisions of a ledger")]
    until: Option<Timestamp>,
}

impl LedgerArguments {
    /// Whether it is a ledger whose decisions are to be made again.
    pub(super) fn is_named(&self) -> bool {
        self.ledger.is_some()
    }

    /// Makes the decisions again: those with these ids, or all if there are none.
    pub(super) fn replay(&self, ids: Vec<String>, pool: &ThreadPool, global: &Global) -> anyhow::Result<Replayed> {
        let path = data_folder::file_of(self.ledger.as_deref().unwrap_or(Path::new(data_folder::USUAL_DATA)));
        let storage = data_folder::open_to_read(&path)?;
        let runtime = host::runtime(global)?;
        let candidate = self.model.as_deref().map(|file| candidate(&runtime, file, global)).transpose()?;
        let candidate_id = candidate.as_ref().map(|candidate| candidate.model().id.clone());
        let entries = storage.head()?.size;
        let decisions = LedgerReplay::of(runtime, Arc::new(storage), candidate)?;
        let Self { deployment, since, until, .. } = self;
        let which = DecisionFilter { ids, deployment: deployment.clone(), since: *since, until: *until };
        let bar = terminal::progress_bar(Some(entries), "entries", global.quiet);
        let began = Instant::now();
        let mut runs: Vec<Run> = Vec::new();
        let mut from = Some(0);
        while let Some(place) = from {
            let (page, next) = decisions.find(&which, place, PAGE)?;
            let again = page.par_iter().map(|kept| Run::of_decision(kept, decisions.replay(kept)));
            runs.extend(pool.install(|| again.collect::<Vec<_>>()));
            from = next;
            bar.set_position(next.unwrap_or(place));
        }
        let took = began.elapsed();
        bar.finish_and_clear();
        all_found(&which, &runs, &path)?;
        Ok(Replayed { runs, candidate: candidate_id, took })
    }
}

/// What came of making decisions again.
pub(super) struct Replayed {
    pub(super) runs: Vec<Run>,
    /// The id of the candidate, if there was one.
    pub(super) candidate: Option<String>,
    pub(super) took: Duration,
}

/// The candidate: first as a server would load it, so that all is told that is wrong with it; then to decide again.
fn candidate(runtime: &Runtime, file: &Path, global: &Global) -> Result<LoadedModel, InvalidInput> {
    models::load(runtime, file, global.quiet)?;
    let source = models::read(file)?;
    let loaded = LoadedModel::load_to_replay(runtime, &source, models::folder_of(file));
    loaded.map(|ready| ready.model).map_err(|findings| models::invalid(&source, &findings))
}

/// Whether there was something to make again, and every decision that was named.
fn all_found(which: &DecisionFilter, runs: &[Run], path: &Path) -> Result<(), InvalidInput> {
    let missing = |id: &&String| !runs.iter().any(|run| run.name == **id);
    let missing: Vec<Diagnostic> = which
        .ids
        .iter()
        .filter(missing)
        .map(|id| Diagnostic::error(format!("there is no decision `{id}` in `{}`", path.display())))
        .collect();
    if !missing.is_empty() {
        return Err(missing.into());
    }
    if runs.is_empty() {
        let title = format!("there are no such decisions in `{}`", path.display());
        return Err(Diagnostic::error(title).help("`lockgate ledger info` says what a ledger holds").into());
    }
    Ok(())
}

impl Run {
    fn of_decision(kept: &KeptDecision, again: ReplayedDecision) -> Self {
        let ReplayedDecision { ended, differs } = again;
        let mut facts = facts([("decision", json!(kept.id)), ("entry", json!(kept.index))]);
        let mut by = String::new();
        if let Ok(record) = &kept.record {
            by.clone_from(&record.decision.model.id);
            facts.insert("deployment".to_owned(), json!(record.decision.deployment));
            facts.insert("gate".to_owned(), json!(record.decision.gate));
            facts.insert("decided".to_owned(), json!(record.decision.at));
            facts.insert("model".to_owned(), json!(record.decision.model));
        }
        if !differs.is_empty() {
            facts.insert("differs".to_owned(), json!(differs));
        }
        Self { name: kept.id.clone(), facts, by, ended }
    }
}
