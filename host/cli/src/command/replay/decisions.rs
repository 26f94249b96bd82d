//! Replays the decisions of a ledger, unchanged or with a candidate for their model.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockgate_domain::Timestamp;
use lockgate_engine::LoadedModel;
use lockgate_engine::replay::ReplayedDecision;
use lockgate_ledger::LogSource as _;
use lockgate_runtime::Runtime;
use lockgate_service::replay::{DecisionFilter, KeptDecision, LedgerReplay};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde_json::json;

use super::report::{ReplayedItem, facts};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::options::GlobalOptions;
use crate::{data_folder, host, models, terminal};

/// How many decisions are read at once.
const PAGE: usize = 256;

#[derive(Debug, clap::Args)]
pub(super) struct LedgerArguments {
    /// Replay the decisions of this ledger: its file, or the data folder of a server, which may be running.
    #[arg(long, value_name = "FILE|FOLDER", help_heading = "Decisions of a ledger")]
    ledger: Option<PathBuf>,
    /// Replay the decisions of the model with the same id with this model instead, and report which results change.
    #[arg(short, long, value_name = "FILE", requires = "ledger", help_heading = "Decisions of a ledger")]
    model: Option<PathBuf>,
    /// Only decisions for this deployment.
    #[arg(long, value_name = "ID", requires = "ledger", help_heading = "Decisions of a ledger")]
    deployment: Option<String>,
    /// Only decisions at this time or later.
    #[arg(long, value_name = "RFC3339", requires = "ledger", help_heading = "Decisions of a ledger")]
    since: Option<Timestamp>,
    /// Only decisions before this time.
    #[arg(long, value_name = "RFC3339", requires = "ledger", help_heading = "Decisions of a ledger")]
    until: Option<Timestamp>,
}

impl LedgerArguments {
    /// Whether decisions of a ledger are to be replayed, and not recordings.
    pub(super) fn is_given(&self) -> bool {
        self.ledger.is_some()
    }

    /// Replays the decisions with these ids, or all if there are none.
    pub(super) fn replay(
        &self,
        ids: Vec<String>,
        pool: &ThreadPool,
        global: &GlobalOptions,
    ) -> anyhow::Result<DecisionReplay> {
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
        let mut runs: Vec<ReplayedItem> = Vec::new();
        let mut from = Some(0);
        while let Some(place) = from {
            let (page, next) = decisions.find(&which, place, PAGE)?;
            let again = page.par_iter().map(|kept| ReplayedItem::of_decision(kept, decisions.replay(kept)));
            runs.extend(pool.install(|| again.collect::<Vec<_>>()));
            from = next;
            bar.set_position(next.unwrap_or(place));
        }
        let took = began.elapsed();
        bar.finish_and_clear();
        check_all_found(&which, &runs, &path)?;
        Ok(DecisionReplay { runs, candidate: candidate_id, took })
    }
}

/// The results of replaying decisions.
pub(super) struct DecisionReplay {
    pub(super) runs: Vec<ReplayedItem>,
    /// The id of the candidate, if there was one.
    pub(super) candidate: Option<String>,
    pub(super) took: Duration,
}

/// Loads the candidate: first like a server, to report everything that is wrong with it, and then for the replay.
fn candidate(runtime: &Runtime, file: &Path, global: &GlobalOptions) -> Result<LoadedModel, InvalidInput> {
    models::load(runtime, file, global.quiet)?;
    let source = models::read(file)?;
    let loaded = LoadedModel::load_to_replay(runtime, &source, models::folder_of(file));
    loaded.map(|ready| ready.model).map_err(|findings| models::invalid(&source, &findings))
}

/// Checks that there are decisions, and that every requested id was found.
fn check_all_found(which: &DecisionFilter, runs: &[ReplayedItem], path: &Path) -> Result<(), InvalidInput> {
    let missing = |id: &&String| !runs.iter().any(|run| run.name == **id);
    let missing: Vec<Diagnostic> = which
        .ids
        .iter()
        .filter(missing)
        .map(|id| Diagnostic::error(format!("no decision `{id}` in `{}`", path.display())))
        .collect();
    if !missing.is_empty() {
        return Err(missing.into());
    }
    if runs.is_empty() {
        let title = format!("no matching decisions in `{}`", path.display());
        return Err(Diagnostic::error(title).help("see what the ledger contains with `lockgate ledger info`").into());
    }
    Ok(())
}

impl ReplayedItem {
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
