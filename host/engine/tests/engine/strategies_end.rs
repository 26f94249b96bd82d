//! Walks every state that a rollout of the bundled strategies can reach, whatever its steps and analyses do: each end has
//! the old or the new version whole, and no way back begins after the point or the moment of no return.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_domain::{
    Action, Direction, Progress, Rollout, RolloutQuestion, Scenario, Snapshot, Step, StepAction, StepEnd, StepStatus,
    Timestamp, rules,
};
use lockgate_engine::gate::{AnswerSource, RecordCalls, RolloutAnswer};
use lockgate_engine::rollout::carrying;
use lockgate_engine::{LoadedModel, PendingValues, ValueStore, VersionedValues};
use lockgate_runtime::NamespaceError;
use serde_json::{Value, json};

use crate::gate_support::{deployment, load, snapshot};
use lockgate_domain::Gate;

/// The content of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    Old,
    New,
    /// A step failed while it changed the slot.
    Broken,
}

/// What is installed where, and how many of the consumers are sent there, in hundredths of a percent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Slots {
    content: BTreeMap<String, Content>,
    weight: BTreeMap<String, u16>,
}

const ALL: u16 = 10_000;

impl Slots {
    /// One slot with all consumers.
    fn one(slot: &str, content: Content) -> Self {
        Self { content: [(slot.to_owned(), content)].into(), weight: [(slot.to_owned(), ALL)].into() }
    }

    /// One slot alone is in use, and nothing else is installed.
    fn is_whole(&self, wanted: Content) -> bool {
        let [(slot, content)] = self.content.iter().collect::<Vec<_>>()[..] else { return false };
        *content == wanted
            && self.weight.iter().all(|(used, weight)| *weight == if used == slot { ALL } else { 0 })
            && self.weight.contains_key(slot)
    }

    fn is_empty(&self) -> bool {
        self.content.is_empty() && self.weight.values().all(|weight| *weight == 0)
    }

    /// What a step does. Half of it, if it breaks.
    fn change(&mut self, step: &Step, direction: Direction, breaks: bool) {
        match &step.action {
            StepAction::Deploy { to, .. } => {
                let whole = if direction == Direction::Forward { Content::New } else { Content::Old };
                self.content.insert(to.slot.clone().unwrap(), if breaks { Content::Broken } else { whole });
            }
            StepAction::Route { slot, weight, .. } => {
                let weight = if breaks { weight.hundredths() / 2 } else { weight.hundredths() };
                let others: Vec<String> = self.weight.keys().filter(|other| *other != slot).cloned().collect();
                self.weight.insert(slot.clone(), weight);
                let rest = if weight == 0 { None } else { Some(ALL - weight) };
                for (place, other) in others.into_iter().enumerate() {
                    if let Some(rest) = rest {
                        self.weight.insert(other, if place == 0 { rest } else { 0 });
                    }
                }
            }
            StepAction::Remove(target) | StepAction::Disable(target) => {
                let slot = target.slot.clone().unwrap();
                if breaks {
                    self.content.insert(slot, Content::Broken);
                } else {
                    self.content.remove(&slot);
                    self.weight.remove(&slot);
                }
            }
            other => panic!("the bundled strategies have no {other:?}"),
        }
    }
}

/// A state of a rollout.
#[derive(Clone)]
struct State {
    progress: Progress,
    slots: Slots,
    /// Whether the moment of no return is over.
    late: bool,
}

/// What makes two states the same.
type Key = (Vec<(StepStatus, u32, bool)>, bool, Slots, bool);

impl State {
    fn key(&self) -> String {
        let Progress { steps, back, direction, .. } = &self.progress;
        let states = steps.iter().chain(back);
        let states: Vec<_> =
            states.map(|state| (state.status, state.attempts.min(2), state.resumed_by.is_some())).collect();
        let key: Key = (states, *direction == Direction::Back, self.slots.clone(), self.late);
        format!("{key:?}")
    }
}

#[derive(Debug)]
struct NoValues;

impl ValueStore for NoValues {
    fn values(&self, _: &str) -> Result<VersionedValues, NamespaceError> {
        Ok(VersionedValues::default())
    }
}

struct Walk<'a> {
    model: &'a LoadedModel,
    snapshot: Arc<Snapshot>,
    before: Slots,
    scenario: Scenario,
    early: Timestamp,
    late: Timestamp,
    /// How often each kind of end was reached.
    ends: BTreeMap<&'static str, usize>,
}

impl Walk<'_> {
    fn now(&self, late: bool) -> Timestamp {
        if late { self.late } else { self.early }
    }

    fn count(&mut self, end: &'static str) {
        *self.ends.entry(end).or_default() += 1;
    }

    /// Visits all states that can be reached. Returns how many there are.
    fn all(&mut self, rollout: Rollout) -> usize {
        let mut seen = BTreeSet::new();
        let mut open = vec![State { progress: Progress::new(rollout), slots: self.before.clone(), late: false }];
        while let Some(state) = open.pop() {
            if seen.insert(state.key()) {
                assert!(seen.len() < 50_000, "the strategy does not come to an end");
                // At any time, it may have become late.
                if !state.late {
                    open.push(State { late: true, ..state.clone() });
                }
                open.extend(self.after(state));
            }
        }
        seen.len()
    }

    /// The states that follow.
    fn after(&mut self, mut state: State) -> Vec<State> {
        let now = self.now(state.late);
        state.progress.settle(now);
        let at = Arc::new(Snapshot { now, ..Snapshot::clone(&self.snapshot) });
        let question = carrying(&at, &state.progress, None);
        let values = PendingValues::of(NoValues);
        let outside = AnswerSource::Live(RecordCalls::No);
        let decided =
            self.model.decide_in_rollout(&question, &RolloutQuestion::Advance, "it is the only one", outside, &values);
        let RolloutAnswer::Next(action) = decided.unwrap().answer else { panic!() };
        match action {
            Action::Perform(ids) => self.performed(&state, &ids[0]),
            Action::Wait(_) => {
                let running = state.progress.steps.iter().chain(&state.progress.back);
                let hold = running.clone().find(|step| step.status == StepStatus::Running).map(|step| step.id.clone());
                let mut next = state.clone();
                match hold {
                    Some(hold) => next.progress.resume(&hold, "kim"),
                    // The analysis is tried again later.
                    None => return Vec::new(),
                }
                vec![next]
            }
            Action::Skip(_) => panic!("the bundled strategies leave nothing out"),
            Action::GoBack(_) => {
                assert!(!state.progress.past_point_of_no_return && !state.late, "past the point or the moment");
                state.progress.turn_back(now);
                vec![state]
            }
            Action::Pause(_) => self.decided_by_people(state),
            Action::Complete => {
                let slots = &state.slots;
                let is_whole = match (state.progress.direction, self.scenario) {
                    (Direction::Forward, Scenario::Removal) => slots.is_empty(),
                    (Direction::Forward, _) => slots.is_whole(Content::New),
                    (Direction::Back, Scenario::FirstRelease) => slots.is_empty(),
                    (Direction::Back, _) => slots.is_whole(Content::Old),
                };
                assert!(is_whole, "{:?} ended with {slots:?}: {:?}", state.progress.direction, state.progress);
                self.count(if state.progress.direction == Direction::Forward { "forward" } else { "back" });
                Vec::new()
            }
        }
    }

    /// A step succeeds, or fails before, while or after it changed something. Done again, it succeeds at last.
    fn performed(&self, state: &State, id: &str) -> Vec<State> {
        let now = self.now(state.late);
        let step = state.progress.step(id).unwrap().clone();
        let direction = state.progress.direction;
        let mut begun = state.clone();
        begun.progress.begin(id, now);
        let again = begun.progress.state(id).unwrap().attempts > 1;
        let ended = |status: StepStatus, change: Option<bool>| {
            let mut ended = begun.clone();
            if let Some(breaks) = change {
                ended.slots.change(&step, direction, breaks);
            }
            ended.progress.end(id, StepEnd::new(status, None), now);
            ended
        };
        match &step.action {
            StepAction::Hold { .. } => vec![begun],
            StepAction::Analyze { .. } if again => vec![ended(StepStatus::Succeeded, None)],
            StepAction::Analyze { .. } => {
                [StepStatus::Succeeded, StepStatus::Failed, StepStatus::Inconclusive].map(|end| ended(end, None)).into()
            }
            _ if again => vec![ended(StepStatus::Succeeded, Some(false))],
            _ => vec![
                ended(StepStatus::Succeeded, Some(false)),
                ended(StepStatus::Failed, None),
                ended(StepStatus::Failed, Some(true)),
                ended(StepStatus::Failed, Some(false)),
            ],
        }
    }

    /// People resume the step for which the rollout is paused, or roll back if the rules allow it.
    fn decided_by_people(&mut self, state: State) -> Vec<State> {
        self.count("paused");
        let mut next = Vec::new();
        let stopped = state.progress.steps.iter().chain(&state.progress.back);
        let stopped = stopped.clone().find(|step| matches!(step.status, StepStatus::Failed | StepStatus::Inconclusive));
        if let Some(step) = stopped.map(|step| step.id.clone()) {
            let mut resumed = state.clone();
            resumed.progress.resume(&step, "kim");
            next.push(resumed);
        }
        let under_way = carrying(&self.snapshot, &state.progress, None);
        let allowed = rules::may_roll_back(&under_way.deployment, self.now(state.late)).is_ok();
        if allowed && state.progress.direction == Direction::Forward {
            assert!(!state.late, "past the moment");
            let mut back = state;
            back.progress.turn_back(self.now(back.late));
            next.push(back);
        }
        next
    }
}

/// The names of the slots, and which has the old version.
const CANARY: (&str, &str) = ("canary", "stable");
const BLUE_GREEN: (&str, &str) = ("blue-green", "blue");

fn walk((plugin, live): (&str, &str), settings: &str, scenario: Scenario) -> BTreeMap<&'static str, usize> {
    let text = format!(
        "[strategy]\nplugin = \"{plugin}\"\n{settings}\n[analyses.integrity]\nplugin = \"component-integrity\"\n"
    );
    let model = load(&[plugin, "component-integrity"], &text);
    let mut document: Value = deployment();
    document["scenario"] = json!(scenario.as_str());
    document["change"]["window"] = json!({"start": "2026-11-24T20:00:00Z", "end": "2027-11-24T20:00:00Z"});
    document["plan"] = match scenario {
        Scenario::FirstRelease => json!({"id": "plan-1", "way_back": {"kind": "removal"}}),
        Scenario::NewVersion | Scenario::Removal => {
            json!({"id": "plan-1", "way_back": {"kind": "last-known-good", "release": "shop-1"}})
        }
    };
    let snapshot = snapshot(&model, Gate::FULFILL_ENTRANCE, document);
    let rollout = snapshot.deployment.rollout.clone().unwrap();
    let (before, late) = (
        match scenario {
            Scenario::FirstRelease => Slots::default(),
            Scenario::NewVersion | Scenario::Removal => Slots::one(live, Content::Old),
        },
        snapshot.deployment.moment_of_no_return().unwrap(),
    );
    let late = Timestamp::from_millis(late.as_millis() + 1);
    let early = "2026-11-24T20:30:00Z".parse().unwrap();
    let mut walk = Walk { model: &model, snapshot, before, scenario, early, late, ends: BTreeMap::new() };
    let states = walk.all(rollout);
    assert!(states > 10, "{states}");
    assert!(walk.ends.contains_key("forward"), "{:?}", walk.ends);
    assert!(walk.ends.contains_key("back"), "{:?}", walk.ends);
    walk.ends
}

const SCENARIOS: [Scenario; 3] = [Scenario::FirstRelease, Scenario::NewVersion, Scenario::Removal];

#[test]
fn every_rollout_of_the_canary_ends_with_the_old_or_the_new_version_whole() {
    let steps = "settings.steps = [{ weight = 10, analyze = [\"integrity\"] }, { weight = 50, confirm = true }]\n";
    for on_inconclusive in ["pause", "go-back"] {
        for no_return in ["replace-stable", "retire-canary", "none"] {
            let settings = format!(
                "{steps}settings.on-inconclusive = \"{on_inconclusive}\"\nsettings.point-of-no-return = \"{no_return}\"\n"
            );
            for scenario in SCENARIOS {
                walk(CANARY, &settings, scenario);
            }
        }
    }
}

#[test]
fn every_blue_green_rollout_ends_with_the_old_or_the_new_version_whole() {
    let checks =
        "settings.slots = [\"blue\", \"green\"]\nsettings.analyze = [\"integrity\"]\nsettings.confirm = true\n";
    for no_return in ["switch", "retire", "none"] {
        for after in ["[]", "[\"integrity\"]"] {
            let settings =
                format!("{checks}settings.analyze-after = {after}\nsettings.point-of-no-return = \"{no_return}\"\n");
            for scenario in SCENARIOS {
                walk(BLUE_GREEN, &settings, scenario);
            }
        }
    }
}
