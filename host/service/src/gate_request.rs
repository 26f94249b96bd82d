//! The way of a request to a gate, whatever asks it: look, ask, or pass.
//!
//! 1. On a thread that computes: the rights are checked, the deployment is read, the model is chosen and the snapshot taken.
//! 2. On the same thread, or, where a plugin of the gate may wait for others, on one that may wait: the plugins are asked, and the
//!    entry of the decision is made.
//! 3. On the one thread of the ledger, in a group with all that wait at that moment: the entry is written. What is handed back is
//!    on the disk.
//!
//! Where somebody else was faster, the request begins again with what is known now.

use std::collections::BTreeSet;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use lockgate_domain::{Decision, Digest, Gate, Right, TeamName, Timestamp, Verdict};
use lockgate_ledger::{CommittedAppend, Error, WriteAttempts};

use super::decision::{DecisionOrigin, DecisionPhases, EvaluatedDecision, PreparedDecision, digests};
use super::gate::GatePass;
use super::read::{LoadedDeployment, ReadMode};
use super::snapshot_cache::GateSnapshot;
use super::value_turns::ValueTurn;
use super::write::{kept, request_of};
use super::{DeploymentRef, DeploymentService, ServiceError, WriteAnswer, WriteContext};
use crate::authority::{Actor, CredentialCheck};

/// A piece of work for another thread.
pub type ThreadWork = Box<dyn FnOnce() + Send>;

/// The threads on which requests to gates are worked on.
pub trait GateThreads: Send + Sync {
    /// Runs work that only computes. Few threads are enough for it, and none of them may wait.
    fn compute(&self, work: ThreadWork);

    /// Runs work that may wait for others than this machine, or for its turn.
    fn wait(&self, work: ThreadWork);
}

/// A request to a gate.
#[derive(Clone, Debug)]
pub struct GateRequest {
    /// The person or program whose rights are checked, and who is recorded with the decision.
    pub actor: Arc<Actor>,
    /// The id of the deployment.
    pub deployment: String,
    /// The team that the deployment belongs to. None: one of the teams of the actor.
    pub team: Option<TeamName>,
    /// The stage and the phase that are asked about.
    pub gate: Gate,
    /// What is wanted of it.
    pub purpose: GatePurpose,
    /// How it is asked, for the record.
    pub asked: DecisionOrigin,
    /// The time of the decision. None: that of the ledger's clock when the deployment is read.
    pub now: Option<Timestamp>,
    /// The credential, to be checked again: the request may have stood in a queue, and plugins may take long.
    pub credential: Option<Arc<dyn CredentialCheck>>,
}

/// What is wanted of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatePurpose {
    /// The verdict that there would be. It is no decision: nothing is written, what plugins want to be kept included, and nobody is
    /// to be answered with it.
    Look {
        /// Whether it is for somebody who wants to pass the gate.
        passing: bool,
    },
    /// A decision. The deployment does not move.
    Ask,
    /// A decision, and to pass the gate if it allows. Of several who try at the same time, one passes.
    Pass {
        /// The idempotency key.
        key: Option<String>,
        /// The version of the deployment that the request rests on.
        if_match: Option<u64>,
    },
}

/// The answer of a gate.
#[derive(Clone, Debug, PartialEq)]
pub enum GateAnswer {
    /// The verdict that a look found. It is written nowhere.
    Verdict(Verdict),
    /// A decision that is on the disk.
    Decision(Arc<Decision>),
    /// A decision that is on the disk, and with which the gate was passed if it allows.
    Pass(Box<WriteAnswer<GatePass>>),
}

/// An answer, and how long its parts took.
#[derive(Clone, Debug, PartialEq)]
pub struct GateOutcome {
    /// What was asked for: one variant for each [`GatePurpose`].
    pub answer: GateAnswer,
    /// How long reading, the snapshot and the evaluation took.
    pub phases: DecisionPhases,
    /// How long it took until the decision was on the disk.
    pub append: Duration,
}

type GateCallback = Box<dyn FnOnce(Result<GateOutcome, ServiceError>) + Send>;

/// What a request comes to before plugins are asked.
enum FirstStep {
    /// The snapshot that is decided on.
    Evaluate(Look),
    /// The answer that was given under the same idempotency key before.
    Repeat(Box<WriteAnswer<GatePass>>),
}

/// What is decided on.
struct Look {
    loaded: Arc<LoadedDeployment>,
    gate_snapshot: GateSnapshot,
    /// How long it took to read the deployment, and to choose the model and take the snapshot.
    read: Duration,
    snapshot_time: Duration,
}

/// A request to a gate that is being worked on.
struct RunningGateRequest {
    engine: DeploymentService,
    threads: Arc<dyn GateThreads>,
    request: GateRequest,
    /// The digest of what is asked under the idempotency key.
    key_digest: Option<Digest>,
    attempts: WriteAttempts,
    /// The turn at values that an earlier attempt waited for. A request that loses to another process keeps its place in the line.
    turn: Option<ValueTurn>,
    done: GateCallback,
}

impl DeploymentService {
    /// Takes a request to a gate, and calls back with the answer, perhaps from a thread of the ledger: the callback must be quick.
    ///
    /// The callback gets an error if the actor may not ask or does not see the deployment, if no model applies, if another gate is
    /// the next one to be passed, or if the ledger does not take the decision. A decision that denies is no error. The callback is
    /// not called if a thread panics.
    pub fn gate(
        &self,
        request: GateRequest,
        threads: Arc<dyn GateThreads>,
        done: impl FnOnce(Result<GateOutcome, ServiceError>) + Send + 'static,
    ) {
        let done = Box::new(done);
        let key_digest = match request.key_digest() {
            Ok(digest) => digest,
            Err(error) => return done(Err(error)),
        };
        let attempts = WriteAttempts::begin();
        RunningGateRequest { engine: self.clone(), threads, request, key_digest, attempts, turn: None, done }.begin();
    }

    /// Takes a request to a gate, works on it on this thread, and waits for the answer.
    ///
    /// # Errors
    /// As [`DeploymentService::gate`] says.
    pub fn gate_blocking(&self, request: GateRequest) -> Result<GateOutcome, ServiceError> {
        enum CallerStep {
            Work(ThreadWork),
            Done(Box<Result<GateOutcome, ServiceError>>),
        }
        struct ThisThread(mpsc::Sender<CallerStep>);
        impl GateThreads for ThisThread {
            fn compute(&self, work: ThreadWork) {
                // It is received as long as there is no answer.
                drop(self.0.send(CallerStep::Work(work)));
            }
            fn wait(&self, work: ThreadWork) {
                self.compute(work);
            }
        }
        let (send, steps) = mpsc::channel();
        let answer = send.clone();
        self.gate(request, Arc::new(ThisThread(send)), move |outcome| {
            drop(answer.send(CallerStep::Done(Box::new(outcome))));
        });
        for step in steps {
            match step {
                CallerStep::Work(work) => work(),
                CallerStep::Done(outcome) => return *outcome,
            }
        }
        Err(ServiceError::Damaged("the ledger was closed, and did not answer".to_owned()))
    }
}

impl GateRequest {
    fn at(&self) -> DeploymentRef<'_> {
        DeploymentRef { id: &self.deployment, team: self.team.as_ref() }
    }

    fn key_digest(&self) -> Result<Option<Digest>, ServiceError> {
        match &self.purpose {
            GatePurpose::Pass { key: Some(_), if_match } => {
                Ok(Some(Digest::of_canonical(&("pass", self.at(), self.gate, if_match))?))
            }
            _ => Ok(None),
        }
    }

    /// As a write at that moment.
    fn write(&self, now: Timestamp) -> WriteContext<'_> {
        let (key, if_match) = match &self.purpose {
            GatePurpose::Pass { key, if_match } => (key.as_deref(), *if_match),
            GatePurpose::Look { .. } | GatePurpose::Ask => (None, None),
        };
        WriteContext { actor: &self.actor, now, key, if_match, credential: self.credential.as_deref() }
    }

    fn is_passing(&self) -> bool {
        matches!(self.purpose, GatePurpose::Look { passing: true } | GatePurpose::Pass { .. })
    }

    /// Before and after plugins are asked. Who passes a gate is checked once more, right before it is written.
    fn check_credential(&self) -> Result<(), ServiceError> {
        match (&self.purpose, &self.credential) {
            (GatePurpose::Ask | GatePurpose::Pass { .. }, Some(credential)) => Ok(credential.was_accepted_lately()?),
            _ => Ok(()),
        }
    }
}

impl RunningGateRequest {
    /// Begins on a thread that computes, for the first time or once more.
    fn begin(self) {
        let threads = Arc::clone(&self.threads);
        threads.compute(Box::new(move || match self.first_step() {
            Ok(FirstStep::Evaluate(look)) => self.choose_thread(look),
            Ok(FirstStep::Repeat(written)) => {
                self.answer(GateAnswer::Pass(written), DecisionPhases::default(), Duration::ZERO);
            }
            Err(error) => self.end(Err(error)),
        }));
    }

    /// Checks who asks, and reads what is decided on, or what was answered before.
    fn first_step(&self) -> Result<FirstStep, ServiceError> {
        let request = &self.request;
        request.actor.require(if request.is_passing() { Right::Drive } else { Right::Decide })?;
        request.check_credential()?;
        let began = Instant::now();
        // A decision rests on what was known lately: the ledger takes it only if that is still so.
        if request.purpose == GatePurpose::Ask
            && let Ok(look) = self.look_as_of(ReadMode::Stale, began)
        {
            return Ok(FirstStep::Evaluate(look));
        }
        // What is wrong is said only if it is wrong now.
        let look = self.look_as_of(ReadMode::Fresh, began);
        if self.key_digest.is_none() || self.attempts.lost() > 0 {
            return look.map(FirstStep::Evaluate);
        }
        match look {
            // An actor who may not ask, or does not see the deployment, is not given the earlier answer either. Other errors do not
            // keep it back: the gate was passed since, or another of the actor's teams has a deployment with the same id.
            Err(error @ (ServiceError::NotFound { .. } | ServiceError::Forbidden(_))) => Err(error),
            look => match self.kept_answer()? {
                Some(written) => Ok(FirstStep::Repeat(Box::new(written))),
                None => look.map(FirstStep::Evaluate),
            },
        }
    }

    fn look_as_of(&self, as_of: ReadMode, began: Instant) -> Result<Look, ServiceError> {
        let Self { engine, request, .. } = self;
        let now = request.now.unwrap_or_else(|| engine.now());
        let loaded = engine.load_as_of(as_of, &request.actor, request.at())?;
        let read = began.elapsed();
        if request.is_passing() {
            engine.is_next(&request.write(now), &loaded, request.gate)?;
        }
        let gate_snapshot = engine.gate_snapshot_as_of(as_of, &loaded, request.gate, now)?;
        Ok(Look { loaded, gate_snapshot, read, snapshot_time: began.elapsed().saturating_sub(read) })
    }

    fn kept_answer(&self) -> Result<Option<WriteAnswer<GatePass>>, ServiceError> {
        let Self { engine, request, key_digest, .. } = self;
        let write = request.write(engine.now());
        engine.kept_answer(&write, *key_digest)?.map(|answer| kept(&answer)).transpose()
    }

    /// Goes on here, or, where a plugin or the turn at its values has to be waited for, on a thread that may wait.
    fn choose_thread(mut self, look: Look) {
        let model = &look.gate_snapshot.cached.model;
        let turns = self.engine.0.value_turns.clone();
        let namespaces = match self.request.purpose {
            GatePurpose::Look { .. } => BTreeSet::new(),
            _ => model.writable_namespaces(self.request.gate),
        };
        if !model.may_wait(self.request.gate) {
            let had = self.turn.take();
            if let Ok(turn) = had.map_or_else(|| turns.try_take(&namespaces), |turn| Ok(Some(turn))) {
                return self.evaluate(look, turn);
            }
        }
        let threads = Arc::clone(&self.threads);
        threads.wait(Box::new(move || {
            let turn = self.turn.take().or_else(|| turns.take(&namespaces));
            self.evaluate(look, turn);
        }));
    }

    /// Asks the plugins, and writes what was decided.
    fn evaluate(self, look: Look, turn: Option<ValueTurn>) {
        let Look { loaded, gate_snapshot, read, snapshot_time } = look;
        let evaluated = match self.engine.evaluate(loaded, gate_snapshot, snapshot_time) {
            Ok(evaluated) => evaluated,
            Err(error) => return self.end(Err(error)),
        };
        match &self.request.purpose {
            GatePurpose::Look { .. } => {
                let phases = evaluated.phases(read);
                self.answer(GateAnswer::Verdict(evaluated.decision.verdict), phases, Duration::ZERO);
            }
            GatePurpose::Ask => self.write_decision(evaluated, read, turn),
            GatePurpose::Pass { .. } => self.write_pass(evaluated, read, turn),
        }
    }

    fn write_decision(self, evaluated: EvaluatedDecision, read: Duration, turn: Option<ValueTurn>) {
        let Self { engine, request, .. } = &self;
        let prepared = engine.write_down(&request.actor, evaluated, &request.asked, read, false);
        let prepared = prepared.and_then(|prepared| request.check_credential().map(|()| prepared));
        match prepared {
            Ok(prepared) => {
                let decision = Arc::clone(&prepared.decision);
                self.write(prepared, turn, move |_| Ok(GateAnswer::Decision(decision)));
            }
            Err(error) => self.end(Err(error)),
        }
    }

    fn write_pass(self, evaluated: EvaluatedDecision, read: Duration, turn: Option<ValueTurn>) {
        let Self { engine, request, key_digest, .. } = &self;
        let prepare = || {
            let mut prepared = engine.write_down(&request.actor, evaluated, &request.asked, read, true)?;
            let write = request.write(prepared.decision.at);
            let (value, version, stream) = engine.add_pass(&write, request.gate, &mut prepared)?;
            prepared.request = request_of(&write, *key_digest, version, &value)?;
            if let Some(credential) = &request.credential {
                credential.still_accepted()?;
            }
            Ok((prepared, WriteAnswer { value, version, repeated: false, stream: Some(stream) }))
        };
        match prepare() {
            Ok((prepared, written)) => self.write(prepared, turn, move |appended| {
                let written = match &appended.repeat {
                    Some(answer) => kept(answer)?,
                    None => written,
                };
                Ok(GateAnswer::Pass(Box::new(written)))
            }),
            Err(error) => self.end(Err(error)),
        }
    }

    /// Has the ledger write it, and answers when it is on the disk; or begins again, if something it rested on has changed.
    fn write(
        mut self,
        prepared: PreparedDecision,
        turn: Option<ValueTurn>,
        answer: impl FnOnce(&CommittedAppend) -> Result<GateAnswer, ServiceError> + Send + 'static,
    ) {
        let (phases, content) = (prepared.phases, digests(&prepared.content));
        let storage = Arc::clone(&self.engine.0.storage);
        let submitted = Instant::now();
        let written = move |outcome: Result<CommittedAppend, Error>| match outcome {
            Ok(appended) => {
                drop(turn);
                self.engine.0.stored.add(content.into_iter());
                match answer(&appended) {
                    Ok(answer) => self.answer(answer, phases, submitted.elapsed()),
                    Err(error) => self.end(Err(error)),
                }
            }
            Err(error) if self.engine.is_worth_another_attempt(&error) && self.attempts.lose() => {
                self.turn = turn.filter(|turn| turn.covers(&error));
                self.begin();
            }
            Err(error) => {
                drop(turn);
                self.end(Err(error.into()));
            }
        };
        storage.submit(prepared.append(), Box::new(written));
    }

    fn answer(self, answer: GateAnswer, phases: DecisionPhases, append: Duration) {
        self.end(Ok(GateOutcome { answer, phases, append }));
    }

    fn end(self, outcome: Result<GateOutcome, ServiceError>) {
        (self.done)(outcome);
    }
}
