//! What came of running recordings or decisions again: counted, grouped by what turned and why, with some by name.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{Standing, counted};
use lockgate_engine::replay::{OutcomeChange, ReplayOutcome};
use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::layout::grid;
use crate::print;
use crate::terminal::{BAD, GOOD, WAITING, of_standing, styled};

/// How many of one group are named.
const NAMED: usize = 3;

/// A recording or a decision that was run again.
pub(super) struct Run {
    /// As people call it.
    pub(super) name: String,
    /// What tools are told of it.
    pub(super) facts: Map<String, Value>,
    /// The plugin that was recorded, or the model that decided; empty if that cannot be read.
    pub(super) by: String,
    /// What came of it.
    pub(super) ended: ReplayOutcome,
}

/// What was run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Recordings,
    Decisions,
}

/// What came of it.
pub(super) struct Report<'a> {
    pub(super) subject: Subject,
    compares: bool,
    /// How many were of the plugins, or by the model, that are looked at.
    pub(super) concerned: usize,
    /// The plugins or the models.
    pub(super) by: BTreeSet<&'a str>,
    groups: BTreeMap<Group, Vec<&'a Run>>,
}

/// What happened, for the same reason. In the order in which people want to know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
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

impl Subject {
    /// Several of them.
    pub(super) fn many(self) -> &'static str {
        match self {
            Self::Recordings => "recordings",
            Self::Decisions => "decisions",
        }
    }

    /// So many of them.
    pub(super) fn counted(self, count: usize) -> String {
        match self {
            Self::Recordings => counted(count, "recording", "recordings"),
            Self::Decisions => counted(count, "decision", "decisions"),
        }
    }
}

impl<'a> Report<'a> {
    pub(super) fn of(runs: &'a [Run], subject: Subject, compares: bool) -> Self {
        let mut groups: BTreeMap<Group, Vec<&Run>> = BTreeMap::new();
        let mut concerned = 0;
        for run in runs {
            let group = match &run.ended {
                ReplayOutcome::Flipped(change) => Group::Flipped(change.clone()),
                ReplayOutcome::Changed(change) => Group::Changed(change.clone()),
                ReplayOutcome::Reworded(change) => Group::Reworded(change.clone()),
                ReplayOutcome::FuelDiffers { .. } => Group::FuelDiffers,
                ReplayOutcome::NotRecorded { .. } => Group::NotRecorded,
                ReplayOutcome::NotComparable { why } => Group::NotComparable(why.clone()),
                ReplayOutcome::Deleted { what, .. } => Group::Deleted(what.clone()),
                ReplayOutcome::NotChosen { why } => Group::NotChosen(why.clone()),
                ReplayOutcome::NotRun { why } => Group::NotRun(why.clone()),
                ReplayOutcome::NotConcerned => continue,
                ReplayOutcome::Same => Group::Same,
                other => Group::NotRun(format!("it ended in a way that is not known here: {other:?}")),
            };
            concerned += 1;
            groups.entry(group).or_default().push(run);
        }
        let by = runs.iter().map(|run| run.by.as_str()).filter(|name| !name.is_empty()).collect();
        Self { subject, compares, concerned, by, groups }
    }

    /// The plugins that there are recordings of, or the models that there are decisions by.
    pub(super) fn all_by(&self) -> String {
        self.by.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }

    fn count(&self, is: impl Fn(&Group) -> bool) -> usize {
        self.groups.iter().filter(|(group, _)| is(group)).map(|(_, runs)| runs.len()).sum()
    }

    fn flipped(&self) -> usize {
        self.count(|group| matches!(group, Group::Flipped(_)))
    }

    fn changed(&self) -> usize {
        self.count(|group| matches!(group, Group::Changed(_)))
    }

    fn reworded(&self) -> usize {
        self.count(|group| matches!(group, Group::Reworded(_)))
    }

    /// Without a candidate everything has to be as it was; with one, only what it says at a gate counts.
    pub(super) fn exit(&self) -> Exit {
        let differs = match self.compares {
            true => self.flipped() > 0,
            false => {
                let fuel = self.count(|group| *group == Group::FuelDiffers);
                self.flipped() + self.changed() + self.reworded() + fuel > 0
            }
        };
        if differs {
            Exit::Differs
        } else if self.count(|group| matches!(group, Group::NotRun(_))) > 0 {
            Exit::Failure
        } else if self.count(Group::is_untold) > 0 {
            Exit::Pending
        } else {
            Exit::Success
        }
    }

    pub(super) fn table(&self) -> String {
        let rows = self.groups.iter().filter(|(group, _)| **group != Group::Same).map(|(group, runs)| {
            let (what, why) = match group {
                Group::Flipped(change) => {
                    (format!("{} → {}", standing(change.from), standing(change.to)), because(change))
                }
                Group::Changed(change) => (format!("{}, other reasons", standing(change.to)), because(change)),
                Group::Reworded(change) => {
                    let why = "other words, or it asked or logged something else".to_owned();
                    (format!("{}, same reasons", standing(change.to)), why)
                }
                Group::FuelDiffers => (styled(BAD, "other fuel"), "the same answer".to_owned()),
                Group::NotRecorded => (styled(WAITING, "not recorded"), first_question(runs)),
                Group::NotComparable(why) => {
                    (styled(WAITING, "not comparable"), format!("`{why}`: the machine decided it, not the plugin"))
                }
                Group::Deleted(what) => (styled(WAITING, "deleted"), gone(what, runs)),
                Group::NotChosen(why) => (styled(WAITING, "not chosen"), why.clone()),
                Group::NotRun(why) => (styled(BAD, "not run"), why.clone()),
                Group::Same => return Vec::new(),
            };
            let (why, examples) = (print::plain(&why).into_owned(), print::plain(&examples(runs)).into_owned());
            vec![runs.len().to_string(), what, why, examples]
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let mut parts = Vec::new();
        if !rows.is_empty() {
            parts.push(grid(&[self.subject.many(), "what", "why", "for example"], rows));
        }
        parts.push(format!("  {}", self.sum()));
        parts.join("\n\n")
    }

    /// The line that closes it.
    fn sum(&self) -> String {
        let same = self.count(|group| *group == Group::Same);
        let others: usize = self.concerned - same;
        let style = if others == 0 { GOOD } else { BAD };
        let untold = self.count(|group| *group == Group::NotRecorded);
        let machine = self.count(|group| matches!(group, Group::NotComparable(_)));
        let not_run = self.count(|group| matches!(group, Group::NotRun(_)));
        let deleted = self.count(|group| matches!(group, Group::Deleted(_)));
        let not_chosen = self.count(|group| matches!(group, Group::NotChosen(_)));
        let mut parts = vec![self.subject.counted(self.concerned), styled(style, format!("{same} the same"))];
        if self.compares {
            parts.push(format!("{} flipped", self.flipped()));
            parts.push(format!("{} same verdict for other reasons", self.changed()));
            parts.push(format!("{} same reasons in other words", self.reworded()));
        } else {
            parts.push(format!("{} differ", others - untold - machine - deleted - not_run));
        }
        parts.extend((untold > 0).then(|| format!("{untold} ask what was not recorded")));
        parts.extend((deleted > 0).then(|| format!("{deleted} cannot be replayed: retention deleted a part")));
        parts.extend((not_chosen > 0).then(|| format!("{not_chosen} would be decided by another model")));
        parts.extend((machine > 0).then(|| format!("{machine} cannot be compared")));
        parts.extend((not_run > 0).then(|| format!("{not_run} could not be run")));
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
            (self.subject.many(), json!(self.concerned)),
            ("same", json!(self.count(|group| *group == Group::Same))),
            ("flipped", json!(self.flipped())),
            ("changed", json!(self.changed())),
            ("reworded", json!(self.reworded())),
            ("fuel_differs", json!(self.count(|group| *group == Group::FuelDiffers))),
            ("not_recorded", json!(self.count(|group| *group == Group::NotRecorded))),
            ("not_comparable", json!(self.count(|group| matches!(group, Group::NotComparable(_))))),
            ("not_run", json!(self.count(|group| matches!(group, Group::NotRun(_))))),
            ("items", json!(runs)),
        ]);
        if self.subject == Subject::Decisions {
            document.extend(facts([
                ("deleted", json!(self.count(|group| matches!(group, Group::Deleted(_))))),
                ("not_chosen", json!(self.count(|group| matches!(group, Group::NotChosen(_))))),
            ]));
        }
        Value::Object(document)
    }
}

impl Group {
    /// Whether nobody can tell how it would have come out.
    fn is_untold(&self) -> bool {
        matches!(self, Self::NotRecorded | Self::NotComparable(_) | Self::Deleted(_) | Self::NotChosen(_))
    }
}

/// What tools are told.
pub(super) fn facts<const N: usize>(facts: [(&str, Value); N]) -> Map<String, Value> {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn standing(standing: Standing) -> String {
    styled(of_standing(standing), standing.as_str())
}

/// The codes that explain a change: those that came, and those that went.
fn because(change: &OutcomeChange) -> String {
    let only = |these: &[String], those: &[String]| {
        these.iter().filter(|code| !those.contains(code)).map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
    };
    let (came, went) = (only(&change.is, &change.was), only(&change.was, &change.is));
    match (came.is_empty(), went.is_empty()) {
        (true, true) => "the same codes, about something else".to_owned(),
        (false, true) => came,
        (true, false) => format!("no longer {went}"),
        (false, false) => format!("{came} instead of {went}"),
    }
}

fn first_question(runs: &[&Run]) -> String {
    let question = runs.iter().find_map(|run| match &run.ended {
        ReplayOutcome::NotRecorded { question } => Some(question.clone()),
        _ => None,
    });
    question.unwrap_or_default()
}

/// What retention deleted, with its digest and when that was.
fn gone(what: &str, runs: &[&Run]) -> String {
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

fn examples(runs: &[&Run]) -> String {
    let mut names: Vec<String> = runs.iter().take(NAMED).map(|run| run.name.clone()).collect();
    if runs.len() > NAMED {
        names.push(format!("and {} more", runs.len() - NAMED));
    }
    names.join("\n")
}
