//! Passing a gate: the decision, and the move that it allows, in one piece.

use std::time::{Duration, Instant};

use lockgate_domain::{Decision, Gate, Phase, Stage, Verdict};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decision::{Asked, Prepared, digests};
use super::picture::Picture;
use super::read::Loaded;
use super::write::Recorded;
use super::{DeploymentRef, DeploymentSummary, Engine, EngineError, Write, Written};
use crate::authority::Right;
use crate::lifecycle::{By, Event, IllegalMove, LegalMove, Move, activities_of};
use lockgate_ledger::{Append, NewEntry};

/// What came of trying to pass a gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Passed {
    /// Whether it was passed: if and only if the decision allows.
    pub passed: bool,
    /// The decision.
    pub decision: Decision,
    /// The deployment since.
    pub deployment: DeploymentSummary,
    /// What may be done next.
    pub legal_moves: Vec<LegalMove>,
}

impl Engine {
    /// What a gate would say now to whoever asks, or tries to pass it: for those who wait for it to turn. It is no
    /// decision, since nothing is written, what its plugins want to be kept included: nobody is to be answered with it.
    ///
    /// # Errors
    /// As [`Engine::decide`] or [`Engine::pass`].
    pub fn outlook(
        &self,
        write: &Write<'_>,
        at: DeploymentRef<'_>,
        gate: Gate,
        passing: bool,
    ) -> Result<Verdict, EngineError> {
        let loaded = match passing {
            true => {
                write.actor.require(Right::Drive)?;
                let loaded = self.load(write.actor, at)?;
                next_is(write, &loaded, gate)?;
                loaded
            }
            false => {
                write.actor.require(Right::Decide)?;
                self.load(write.actor, at)?
            }
        };
        let picture = self.picture(&loaded, gate, write.now)?;
        Ok(self.evaluate(loaded, picture, Duration::ZERO)?.decision.verdict)
    }

    /// Decides at a gate, and passes it if the decision allows. Of two who try at the same time, one passes.
    ///
    /// # Errors
    /// If the actor may not, the gate is not the next one, shall activities are not reported, or the ledger does not take
    /// it. A decision that does not allow is no error.
    pub fn pass(
        &self,
        write: &Write<'_>,
        at: DeploymentRef<'_>,
        gate: Gate,
        asked: &Asked,
    ) -> Result<Written<Passed>, EngineError> {
        write.actor.require(Right::Drive)?;
        let load = || {
            let began = Instant::now();
            Ok((self.load(write.actor, at)?, began.elapsed()))
        };
        self.once(write, &("pass", at, gate, write.if_match), load, |(loaded, read), digest| {
            let began = Instant::now();
            next_is(write, &loaded, gate)?;
            let picture = self.picture(&loaded, gate, write.now)?;
            carried_out(&loaded, &picture, gate)?;
            let _turn = self.0.value_turns.take(&picture.still.model.writable_namespaces(gate));
            let evaluated = self.evaluate(loaded, picture, began.elapsed())?;
            let prepared = self.write_down(write.actor, evaluated, asked, read, true)?;
            let Prepared { decision, loaded, mut entries, content, expect, values, .. } = prepared;
            let decision = Decision::clone(&decision);
            let passed = decision.verdict == Verdict::Allow;
            let mut after = (*loaded).clone();
            if passed {
                let unreported = activities_of(gate.stage).filter(|activity| {
                    gate.phase == Phase::Exit && loaded.state.activity(gate.stage, activity.id).is_none()
                });
                let skipped = unreported.filter(|activity| !activity.shall).map(|activity| activity.id.to_owned());
                let event = Event::GatePassed {
                    gate,
                    decision: decision.id.clone(),
                    approved: decision.approved.clone(),
                    skipped: skipped.collect(),
                };
                let by = By::from(write.actor);
                after.state.apply(&event, &by, write.now);
                let kind = event.kind();
                let entry = NewEntry::new(&loaded.stream, kind, write.now, &Recorded { by, event })?;
                entries.push(entry.with_id(&loaded.id)?.of_team(&loaded.state.team)?);
                entries.extend(self.occupancy(&loaded, after.state.position, write.now)?);
            }
            let value =
                Passed { passed, decision, deployment: after.summary(), legal_moves: after.state.legal_moves() };
            let stored = digests(&content);
            let append = Append { entries, content, expect, values, ..Append::default() };
            match self.commit(write, digest, append, Some(&after), value) {
                Ok(written) => {
                    self.0.stored.add(stored.into_iter());
                    Ok(written)
                }
                Err(error) => {
                    self.0.stored.forget();
                    Err(error)
                }
            }
        })
    }
}

/// Whether the gate is the next one for the deployment that the write rests on.
fn next_is(write: &Write<'_>, loaded: &Loaded, gate: Gate) -> Result<(), EngineError> {
    loaded.matches(write)?;
    Ok(loaded.state.settled(write.now).check(Move::Pass(gate))?)
}

/// Whether the strategy that the model names was carried out, at the exit of fulfill: else nobody would have to wait for its
/// holds.
fn carried_out(loaded: &Loaded, picture: &Picture, gate: Gate) -> Result<(), EngineError> {
    let leaves = gate == Gate { stage: Stage::Fulfill, phase: Phase::Exit };
    if !leaves || picture.still.model.model().strategy.is_none() || loaded.state.progress.is_some() {
        return Ok(());
    }
    let why = "the model names a strategy, and its rollout was not carried out: ask what comes next".to_owned();
    let (position, legal) = (loaded.state.position, Vec::new());
    Err(IllegalMove { asked: Move::Pass(gate), position, why, legal }.into())
}
