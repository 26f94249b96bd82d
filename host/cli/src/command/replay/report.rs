//! The report of a replay: results, counted and grouped by what changed and why, with some examples.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{Standing, counted};
use lockgate_engine::replay::{OutcomeChange, ReplayOutcome};
use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::layout::grid;
use crate::print;
use crate::terminal::{BAD, GOOD, WAITING, of_standing, styled};

/// The most examples of a group.
const NAMED: usize = 3;

/// A replayed recording or decision.
pub(super) struct ReplayedItem {
    /// The name of the file, or the id of the decision.
    pub(super) name: String,
    /// Its members in the JSON output.
    pub(super) facts: Map<String, Value>,
    /// The plugin that was recorded, or the model that decided. Empty if it cannot be read.
    pub(super) by: String,
    /// The result.
    pub(super) ended: ReplayOutcome,
}

/// What was replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplayKind {
    Recordings,
    Decisions,
}

/// The results of a replay.
pub(super) struct ReplayReport<'a> {
    pub(super) kind: ReplayKind,
    compares: bool,
    /// How many are of the plugins or the model in question.
    pub(super) concerned: usize,
    /// The names of all plugins or models.
    pub(super) by: BTreeSet<&'a str>,
    groups: BTreeMap<OutcomeGroup, Vec<&'a ReplayedItem>>,
}

/// Items with the same result for the same reason. In the order in which people want to see them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum OutcomeGroup {
    Flipped(OutcomeChange),
    Changed(OutcomeChange),
    Reworded(OutcomeChange),
    FuelDiffers,
    NotRecorded,
    NotComparable(String),
    Deleted(String),
    NotChosen(String),
    NotRun(String),
    Same,
}

impl ReplayKind {
    pub(super) fn many(self) -> &'static str {
        match self {
            Self::Recordings => "recordings",
            Self::Decisions => "decisions",
        }
    }

    pub(super) fn counted(self, count: usize) -> String {
        match self {
            Self::Recordings => counted(count, "recording", "recordings"),
            Self::Decisions => counted(count, "decision", "decisions"),
        }
    }
}

impl<'a> ReplayReport<'a> {
    pub(super) fn of(runs: &'a [ReplayedItem], kind: ReplayKind, compares: bool) -> Self {
        let mut groups: BTreeMap<OutcomeGroup, Vec<&ReplayedItem>> = BTreeMap::new();
        let mut concerned = 0;
        for run in runs {
            let group = match &run.ended {
                ReplayOutcome::Flipped(change) => OutcomeGroup::Flipped(change.clone()),
                ReplayOutcome::Changed(change) => OutcomeGroup::Changed(change.clone()),
                ReplayOutcome::Reworded(change) => OutcomeGroup::Reworded(change.clone()),
                ReplayOutcome::FuelDiffers { .. } => OutcomeGroup::FuelDiffers,
                ReplayOutcome::NotRecorded { .. } => OutcomeGroup::NotRecorded,
                ReplayOutcome::NotComparable { why } => OutcomeGroup::NotComparable(why.clone()),
                ReplayOutcome::Deleted { what, .. } => OutcomeGroup::Deleted(what.clone()),
                ReplayOutcome::NotChosen { why } => OutcomeGroup::NotChosen(why.clone()),
                ReplayOutcome::NotRun { why } => OutcomeGroup::NotRun(why.clone()),
                ReplayOutcome::NotConcerned => continue,
                ReplayOutcome::Same => OutcomeGroup::Same,
                other => OutcomeGroup::NotRun(format!("unexpected result: {other:?}")),
            };
            concerned += 1;
            groups.entry(group).or_default().push(run);
        }
        let by = runs.iter().map(|run| run.by.as_str()).filter(|name| !name.is_empty()).collect();
        Self { kind, compares, concerned, by, groups }
    }

    /// The names of all plugins or models, for a message.
    pub(super) fn all_by(&self) -> String {
        self.by.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    fn count(&self, is: impl Fn(&OutcomeGroup) -> bool) -> usize {
        self.groups.iter().filter(|(group, _)| is(group)).map(|(_, runs)| runs.len()).sum()
    }

    fn flipped(&self) -> usize {
        self.count(|group| matches!(group, OutcomeGroup::Flipped(_)))
    }

    fn changed(&self) -> usize {
        self.count(|group| matches!(group, OutcomeGroup::Changed(_)))
    }

    fn reworded(&self) -> usize {
        self.count(|group| matches!(group, OutcomeGroup::Reworded(_)))
    }

    /// Without a candidate, any difference counts; with one, only a different verdict.
    pub(super) fn exit(&self) -> Exit {
        let differs = match self.compares {
            true => self.flipped() > 0,
            false => {
                let fuel = self.count(|group| *group == OutcomeGroup::FuelDiffers);
                self.flipped() + self.changed() + self.reworded() + fuel > 0
            }
        };
        if differs {
            Exit::Differs
        } else if self.count(|group| matches!(group, OutcomeGroup::NotRun(_))) > 0 {
            Exit::Failure
        } else if self.count(OutcomeGroup::is_unknown) > 0 {
            Exit::Pending
        } else {
            Exit::Success
        }
    }

    pub(super) fn table(&self) -> String {
        let rows = self.groups.iter().filter(|(group, _)| **group != OutcomeGroup::Same).map(|(group, runs)| {
            let (what, why) = match group {
                OutcomeGroup::Flipped(change) => {
                    (format!("{} → {}", standing(change.from), standing(change.to)), because(change))
                }
                OutcomeGroup::Changed(change) => {
                    (format!("{}, different reasons", standing(change.to)), because(change))
                }
                OutcomeGroup::Reworded(change) => {
                    let why = "different messages, questions or log lines".to_owned();
                    (format!("{}, same reasons", standing(change.to)), why)
                }
                OutcomeGroup::FuelDiffers => (styled(BAD, "different fuel"), "same answer".to_owned()),
                OutcomeGroup::NotRecorded => (styled(WAITING, "not recorded"), first_question(runs)),
                OutcomeGroup::NotComparable(why) => {
                    (styled(WAITING, "not comparable"), format!("`{why}`: depends on the machine, not on the plugin"))
                }
                OutcomeGroup::Deleted(what) => (styled(WAITING, "deleted"), gone(what, runs)),
                OutcomeGroup::NotChosen(why) => (styled(WAITING, "not chosen"), why.clone()),
                OutcomeGroup::NotRun(why) => (styled(BAD, "failed"), why.clone()),
                OutcomeGroup::Same => return Vec::new(),
            };
            let (why, examples) = (print::plain(&why).into_owned(), print::plain(&examples(runs)).into_owned());
            vec![runs.len().to_string(), what, why, examples]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let mut parts = Vec::new();
        if !rows.is_empty() {
            parts.push(grid(&[self.kind.many(), "result", "why", "examples"], rows));
        }
        parts.push(format!("  {}", self.summary()));
        parts.join("\n\n")
    }

    /// The last line.
    fn summary(&self) -> String {
        let same = self.count(|group| *group == OutcomeGroup::Same);
        let others: usize = self.concerned - same;
        let style = if others == 0 { GOOD } else { BAD };
        let unknown = self.count(|group| *group == OutcomeGroup::NotRecorded);
        let machine = self.count(|group| matches!(group, OutcomeGroup::NotComparable(_)));
        let not_run = self.count(|group| matches!(group, OutcomeGroup::NotRun(_)));
        let deleted = self.count(|group| matches!(group, OutcomeGroup::Deleted(_)));
        let not_chosen = self.count(|group| matches!(group, OutcomeGroup::NotChosen(_)));
        let mut parts = vec![self.kind.counted(self.concerned), styled(style, format!("{same} unchanged"))];
        if self.compares {
            parts.push(format!("{} with another verdict", self.flipped()));
            parts.push(format!("{} with the same verdict, different reasons", self.changed()));
            parts.push(format!("{} with the same reasons, different messages", self.reworded()));
        } else {
            parts.push(format!("{} changed", others - unknown - machine - deleted - not_run));
        }
        parts.extend((unknown > 0).then(|| format!("{unknown} need host answers that were not recorded")));
        parts.extend((deleted > 0).then(|| format!("{deleted} cannot be replayed (retention deleted a part)")));
        parts.extend((not_chosen > 0).then(|| format!("{not_chosen} would use another model")));
        parts.extend((machine > 0).then(|| format!("{machine} cannot be compared")));
        parts.extend((not_run > 0).then(|| format!("{not_run} failed")));
        parts.join(", ")
    }

    pub(super) fn document(&self) -> Value {
        let runs: Vec<Value> = self
            .groups
            .values()
            .flatten()
            .map(|run| {
                let mut document = serde_json::to_value(&run.ended).unwrap_or_default();
                if let Some(fields) = document.as_object_mut() {
                    fields.extend(run.facts.clone());
                }
                document
            })
            .collect();
        let mut document = facts([
            (self.kind.many(), json!(self.concerned)),
            ("same", json!(self.count(|group| *group == OutcomeGroup::Same))),
            ("flipped", json!(self.flipped())),
            ("changed", json!(self.changed())),
            ("reworded", json!(self.reworded())),
            ("fuel_differs", json!(self.count(|group| *group == OutcomeGroup::FuelDiffers))),
            ("not_recorded", json!(self.count(|group| *group == OutcomeGroup::NotRecorded))),
            ("not_comparable", json!(self.count(|group| matches!(group, OutcomeGroup::NotComparable(_))))),
            ("not_run", json!(self.count(|group| matches!(group, OutcomeGroup::NotRun(_))))),
            ("items", json!(runs)),
        ]);
        if self.kind == ReplayKind::Decisions {
            document.extend(facts([
                ("deleted", json!(self.count(|group| matches!(group, OutcomeGroup::Deleted(_))))),
                ("not_chosen", json!(self.count(|group| matches!(group, OutcomeGroup::NotChosen(_))))),
            ]));
        }
        Value::Object(document)
    }
}

impl OutcomeGroup {
    /// Whether the result cannot be known.
    fn is_unknown(&self) -> bool {
        matches!(self, Self::NotRecorded | Self::NotComparable(_) | Self::Deleted(_) | Self::NotChosen(_))
    }
}

/// Members of the JSON output.
pub(super) fn facts<const N: usize>(facts: [(&str, Value); N]) -> Map<String, Value> {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn standing(standing: Standing) -> String {
    styled(of_standing(standing), standing.as_str())
}

/// The codes that explain a change: the new ones, and those that are gone.
fn because(change: &OutcomeChange) -> String {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|code| !those.contains(code)).map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
    };
    let (came, went) = (only(&change.is, &change.was), only(&change.was, &change.is));
    match (came.is_empty(), went.is_empty()) {
        (true, true) => "same codes, about different things".to_owned(),
        (false, true) => came,
        (true, false) => format!("no longer {went}"),
        (false, false) => format!("{came} instead of {went}"),
    }
}

fn first_question(runs: &[&ReplayedItem]) -> String {
    let question = runs.iter().find_map(|run| match &run.ended {
        ReplayOutcome::NotRecorded { question } => Some(question.clone()),
        _ => None,
    });
    question.unwrap_or_default()
}

/// What retention deleted, with its digest and the time.
fn gone(what: &str, runs: &[&ReplayedItem]) -> String {
    let mut gone: BTreeSet<String> = BTreeSet::new();
    gone.extend(runs.iter().filter_map(|run| match &run.ended {
        ReplayOutcome::Deleted { digest, at, .. } => Some(format!("{digest} at {at}")),
        _ => None,
    }));
    match gone.first() {
        Some(first) if gone.len() == 1 => format!("{what}, {first}"),
        Some(first) => format!("{what}, for example {first}"),
        None => what.to_owned(),
    }
}

fn examples(runs: &[&ReplayedItem]) -> String {
    let mut names: Vec<String> = runs.iter().take(NAMED).map(|run| run.name.clone()).collect();
    if runs.len() > NAMED {
        names.push(format!("and {} more", runs.len() - NAMED));
    }
    names.join("\n")
}
