//! Which of several models a deployment goes by.
//!
//! There is no first match: the order in which models are handed over never decides, because nobody who writes one
//! model sees that order. Among those that apply the highest rank is chosen, and two of equal rank are an error that a
//! person has to settle.

use std::fmt;

use super::Model;
use crate::expression::{Expression, ExpressionError, Variables};

/// A model that could be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The model.
    pub model: &'a Model,
    /// Its `applies-when`, parsed. None: it applies to every deployment.
    pub applies_when: Option<&'a Expression>,
}

/// A model that was considered, and whether it applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Considered {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its rank.
    pub rank: i64,
    /// Whether it applies.
    pub applies: bool,
    /// Why, in one clause.
    pub because: String,
}

impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {} {}", self.id, self.version, self.because)
    }
}

/// The choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection<'a> {
    /// The model that was chosen.
    pub model: &'a Model,
    /// Why, in one sentence: what a decision records.
    pub because: String,
    /// All models that were considered, by id and version in order.
    pub considered: Vec<Considered>,
}

/// Why no model was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// There was none to choose from.
    #[error("there is no deployment model to choose from")]
    NoCandidates,
    /// None applies.
    #[error(
        "no deployment model applies to deployment `{deployment}`: {}; change an `applies-when`, or add a model",
        clauses(considered)
    )]
    NoneApplies {
        /// The deployment, by id.
        deployment: String,
        /// All models, and why each does not apply.
        considered: Vec<Considered>,
    },
    /// Several apply and none has the highest rank alone.
    #[error(
        "{} apply to deployment `{deployment}` with the same rank {rank}: give one of them a higher `rank`, or change an \
         `applies-when` so that only one applies",
        names(tied)
    )]
    Tie {
        /// The deployment, by id.
        deployment: String,
        /// The rank.
        rank: i64,
        /// Those that have it, by id and version in order.
        tied: Vec<Considered>,
    },
    /// Whether a model applies is unknown, so no other one can be chosen either.
    #[error(
        "whether deployment model `{model}` {version} applies is unknown: its `applies-when` {error}{}",
        way_out(error)
    )]
    Unknown {
        /// The model, by id.
        model: String,
        /// Its version.
        version: String,
        /// Why.
        error: ExpressionError,
    },
}

fn way_out(error: &ExpressionError) -> &'static str {
    match error {
        ExpressionError::Absent { .. } => {
            ": write `has(…) && (…)` if the model is not for such deployments, or `!has(…) || (…)` if it is"
        }
        _ => "",
    }
}

fn clauses(considered: &[Considered]) -> String {
    considered.iter().map(Considered::to_string).collect::<Vec<_>>().join("; ")
}

fn names(considered: &[Considered]) -> String {
    let names: Vec<String> = considered.iter().map(|model| format!("`{}` {}", model.id, model.version)).collect();
    format!("the deployment models {}", names.join(" and "))
}

/// Chooses the model for a deployment. The order of the candidates does not matter.
///
/// # Errors
/// If none applies, if several apply and none of them has the highest rank alone, or if it is unknown whether one
/// applies.
pub fn select<'a>(candidates: &[Candidate<'a>], variables: &Variables<'_>) -> Result<Selection<'a>, SelectionError> {
    let mut considered = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        considered.push((consider(candidate, variables), candidate.model));
    }
    // The first error by name, not by order.
    considered.sort_by_key(|(result, model)| (model.id.clone(), model.version.clone(), result.is_ok()));
    let considered: Vec<(Considered, &'a Model)> =
        considered.into_iter().map(|(result, model)| Ok((result?, model))).collect::<Result<_, SelectionError>>()?;
    let all: Vec<Considered> = considered.iter().map(|(considered, _)| considered.clone()).collect();
    let deployment = variables.snapshot().deployment.id.clone();
    let applicable = || considered.iter().filter(|(considered, _)| considered.applies);
    let Some(rank) = applicable().map(|(considered, _)| considered.rank).max() else {
        return Err(match all.is_empty() {
            true => SelectionError::NoCandidates,
            false => SelectionError::NoneApplies { deployment, considered: all },
        });
    };
    let highest: Vec<&(Considered, &Model)> = applicable().filter(|(considered, _)| considered.rank == rank).collect();
    match highest.as_slice() {
        [(chosen, model)] => Ok(Selection { model, because: because(chosen, &all), considered: all }),
        several => {
            let tied = several.iter().map(|(considered, _)| considered.clone()).collect();
            Err(SelectionError::Tie { deployment, rank, tied })
        }
    }
}

fn consider(candidate: &Candidate<'_>, variables: &Variables<'_>) -> Result<Considered, SelectionError> {
    let Candidate { model, applies_when } = candidate;
    let (applies, because) = match applies_when {
        None => (true, "applies to every deployment".to_owned()),
        Some(expression) => match expression.holds(variables) {
            Ok(true) => (true, format!("applies, because `{expression}`")),
            Ok(false) => {
                let part = expression.false_part(variables).unwrap_or_else(|| expression.text().to_owned());
                (false, format!("does not apply, because `{part}` is false"))
            }
            Err(error) => {
                let (model, version) = (model.id.clone(), model.version.clone());
                return Err(SelectionError::Unknown { model, version, error });
            }
        },
    };
    Ok(Considered { id: model.id.clone(), version: model.version.clone(), rank: model.rank, applies, because })
}

/// Why this one was chosen, in one sentence.
fn because(chosen: &Considered, all: &[Considered]) -> String {
    let others = || all.iter().filter(|other| *other != chosen);
    let lower: Vec<String> = others()
        .filter(|other| other.applies)
        .map(|other| format!("`{}` {} with rank {}", other.id, other.version, other.rank))
        .collect();
    let excluded: Vec<String> = others().filter(|other| !other.applies).map(Considered::to_string).collect();
    let mut because = chosen.because.clone();
    if !lower.is_empty() {
        because.push_str(&format!("; its rank {} is the highest, above {}", chosen.rank, lower.join(" and ")));
    }
    if !excluded.is_empty() {
        because.push_str(&format!("; {}", excluded.join("; ")));
    }
    because
}
