//! Handles a request to a gate, from any interface: to look, to ask, or to pass.
//!
//! 1. On a thread that computes: checks the rights, reads the deployment, chooses the model and takes the snapshot.
//! 2. On the same thread, or, if a plugin of the gate may wait for others, on one that may wait: asks the plugins, and
//!    makes the entry of the decision.
//! 3. On the one thread of the ledger, in a group with all that wait at that moment: writes the entry. The outcome is
//!    on the disk when it is returned.
//!
//! If another writer was faster, the request begins again and reads the new state.

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
use super::{DeploymentRef, DeploymentService, IfMatch, ServiceError, WriteAnswer, WriteContext};
use crate::authority::{Actor, CredentialCheck};

/// A piece of work for another thread.
pub type ThreadWork = Box<dyn FnOnce() + Send>;

/// The threads that handle requests to gates.
pub trait GateThreads: Send + Sync {
    /// Runs work that only computes. A few threads are enough for it, and none of them may wait.
    fn compute(&self, work: ThreadWork);

    /// Runs work that may wait for other machines, or for its turn.
    fn wait(&self, work: ThreadWork);
}

/// A request to a gate.
#[derive(Clone, Debug)]
pub struct GateRequest {
    /// The person or program that asks. Their rights are checked, and they are recorded with the decision.
    pub actor: Arc<Actor>,
    /// The id of the deployment.
    pub deployment: String,
    /// The team that owns the deployment. None: one of the actor's teams.
    pub team: Option<TeamName>,
    /// The stage and the phase of the gate.
    pub gate: Gate,
    pub purpose: GatePurpose,
    /// The interface and the request that asked, for the record.
    pub asked: DecisionOrigin,
    /// The time of the decision. None: the ledger's time when the deployment is read.
    pub now: Option<Timestamp>,
    /// The credential, to be checked again: the request may wait in a queue, and plugins may take long.
    pub credential: Option<Arc<dyn CredentialCheck>>,
}

/// The purpose of a request to a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatePurpose {
    /// Only evaluates the gate. The verdict is no decision: nothing is written, not even the values that plugins want
    /// to keep, and nobody may act on it.
    Look {
        /// Whether the actor wants to pass the gate.
        passing: bool,
    },
    /// A decision. The deployment does not move.
    Ask,
    /// A decision. The deployment passes the gate if it allows. Of several requests at the same time, one passes.
    Pass {
        key: Option<String>,
        /// The condition of the request on the deployment.
        if_match: Option<IfMatch>,
    },
}

/// The answer of a gate.
#[derive(Clone, Debug, PartialEq)]
pub enum GateAnswer {
    /// The verdict of a look. It is not recorded.
    Verdict(Verdict),
    /// A decision, which is on the disk.
    Decision(Arc<Decision>),
    /// A decision, which is on the disk. The deployment has passed the gate if it allows.
    Pass(Box<WriteAnswer<GatePass>>),
}

/// An answer, and the durations of its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct GateOutcome {
    /// The answer: one variant for each [`GatePurpose`].
    pub answer: GateAnswer,
    /// How long reading, taking the snapshot and evaluating took.
    pub phases: DecisionPhases,
    /// How long writing the decision to the disk took.
    pub append: Duration,
}

type GateCallback = Box<dyn FnOnce(Result<GateOutcome, ServiceError>) + Send>;

/// The result of a request's first step, before plugins are asked.
enum FirstStep {
    /// The snapshot to decide on.
    Evaluate(Look),
    /// The earlier answer to the same idempotency key.
    Repeat(Box<WriteAnswer<GatePass>>),
}

/// What the gate decides on.
struct Look {
    loaded: Arc<LoadedDeployment>,
    gate_snapshot: GateSnapshot,
    /// How long reading the deployment took, and how long choosing the model and taking the snapshot took.
    read: Duration,
    snapshot_time: Duration,
}

/// A request to a gate in progress.
struct RunningGateRequest {
    service: DeploymentService,
    threads: Arc<dyn GateThreads>,
    request: GateRequest,
    /// The digest of the request, for its idempotency key.
    key_digest: Option<Digest>,
    attempts: WriteAttempts,
    /// The turn at values that an earlier attempt waited for. A request that loses to another process keeps its turn.
    turn: Option<ValueTurn>,
    done: GateCallback,
}

impl DeploymentService {
    /// Takes a request to a gate, and calls back with the answer. A thread of the ledger may run the callback, so it
    /// must be quick.
    ///
    /// The callback gets an error if the actor may not ask or does not see the deployment, if no model applies, if
    /// another gate is the next one to pass, or if the ledger does not accept the decision. A decision that denies is
    /// no error. If a thread panics, the callback is not called.
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
        RunningGateRequest { service: self.clone(), threads, request, key_digest, attempts, turn: None, done }.begin();
    }

    /// Handles a request to a gate on this thread, and waits for the answer.
    ///
    /// # Errors
    /// The errors of [`DeploymentService::gate`].
    pub fn gate_blocking(&self, request: GateRequest) -> Result<GateOutcome, ServiceError> {
        enum CallerStep {
            Work(ThreadWork),
            Done(Box<Result<GateOutcome, ServiceError>>),
        }
        struct ThisThread(mpsc::Sender<CallerStep>);
        impl GateThreads for ThisThread {
            fn compute(&self, work: ThreadWork) {
                // The receiver exists until the answer has arrived.
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

    /// The context of a write at this moment.
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

    /// Checks the credential, before and after plugins are asked. A pass is checked once more, right before the write.
    fn check_credential(&self) -> Result<(), ServiceError> {
        match (&self.purpose, &self.credential) {
            (GatePurpose::Ask | GatePurpose::Pass { .. }, Some(credential)) => Ok(credential.was_accepted_lately()?),
            _ => Ok(()),
        }
    }
}

impl RunningGateRequest {
    /// Begins the first or a further attempt on a thread that computes.
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

    /// Checks the actor's rights, and reads the deployment or the earlier answer.
    fn first_step(&self) -> Result<FirstStep, ServiceError> {
        let request = &self.request;
        request.actor.require(if request.is_passing() { Right::Drive } else { Right::Decide })?;
        request.check_credential()?;
        let began = Instant::now();
        // A decision uses the state that this process last knew: the ledger accepts it only if that state is still
        // current.
        if request.purpose == GatePurpose::Ask
            && let Ok(look) = self.look_as_of(ReadMode::Stale, began)
        {
            return Ok(FirstStep::Evaluate(look));
        }
        // Reports an error only if it occurs with the current state.
        let look = self.look_as_of(ReadMode::Fresh, began);
        if self.key_digest.is_none() || self.attempts.lost() > 0 {
            return look.map(FirstStep::Evaluate);
        }
        match look {
            // An actor who may not ask, or does not see the deployment, does not get the earlier answer either. Other
            // errors do not withhold it: the gate was passed since, or another of the actor's teams has a deployment
            // with the same id.
            Err(error @ (ServiceError::NotFound { .. } | ServiceError::Forbidden(_))) => Err(error),
            look => match self.kept_answer()? {
                Some(written) => Ok(FirstStep::Repeat(Box::new(written))),
                None => look.map(FirstStep::Evaluate),
            },
        }
    }

    fn look_as_of(&self, as_of: ReadMode, began: Instant) -> Result<Look, ServiceError> {
        let Self { service, request, .. } = self;
        let now = request.now.unwrap_or_else(|| service.now());
        let loaded = service.load_as_of(as_of, &request.actor, request.at())?;
        let read = began.elapsed();
        if request.is_passing() {
            service.is_next(&request.write(now), &loaded, request.gate)?;
        }
        let gate_snapshot = service.gate_snapshot_as_of(as_of, &loaded, request.gate, now)?;
        Ok(Look { loaded, gate_snapshot, read, snapshot_time: began.elapsed().saturating_sub(read) })
    }

    fn kept_answer(&self) -> Result<Option<WriteAnswer<GatePass>>, ServiceError> {
        let Self { service, request, key_digest, .. } = self;
        let write = request.write(service.now());
        service.kept_answer(&write, *key_digest)?.map(|answer| kept(&answer)).transpose()
    }

    /// Continues on this thread, or on one that may wait if a plugin or the turn at its values has to be waited for.
    fn choose_thread(mut self, look: Look) {
        let model = &look.gate_snapshot.cached.model;
        let turns = self.service.0.value_turns.clone();
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

    /// Asks the plugins, and writes the decision.
    fn evaluate(self, look: Look, turn: Option<ValueTurn>) {
        let Look { loaded, gate_snapshot, read, snapshot_time } = look;
        let evaluated = match self.service.evaluate(loaded, gate_snapshot, snapshot_time) {
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
        let Self { service, request, .. } = &self;
        let prepared = service.write_down(&request.actor, evaluated, &request.asked, read, false);
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
        let Self { service, request, key_digest, .. } = &self;
        let prepare = || {
            let mut prepared = service.write_down(&request.actor, evaluated, &request.asked, read, true)?;
            let write = request.write(prepared.decision.at);
            let (value, version, stream) = service.add_pass(&write, request.gate, &mut prepared)?;
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

    /// Writes the decision to the ledger, and answers when it is on the disk. Begins again if something it depends on
    /// has changed.
    fn write(
        mut self,
        prepared: PreparedDecision,
        turn: Option<ValueTurn>,
        answer: impl FnOnce(&CommittedAppend) -> Result<GateAnswer, ServiceError> + Send + 'static,
    ) {
        let (phases, content) = (prepared.phases, digests(&prepared.content));
        let storage = Arc::clone(&self.service.0.storage);
        let submitted = Instant::now();
        let written = move |outcome: Result<CommittedAppend, Error>| match outcome {
            Ok(appended) => {
                drop(turn);
                self.service.0.stored.add(content.into_iter());
                match answer(&appended) {
                    Ok(answer) => self.answer(answer, phases, submitted.elapsed()),
                    Err(error) => self.end(Err(error)),
                }
            }
            Err(error) if self.service.is_worth_another_attempt(&error) && self.attempts.lose() => {
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
