//! Chooses the model of a deployment among several.
//!
//! The order of the models never decides, because the author of one model does not see it. Among the models that apply,
//! the one with the highest rank is chosen. Two of equal rank are an error, which a person must settle.

use std::fmt;

use super::Model;
use crate::expression::{Expression, ExpressionError, Variables};

/// A model that could be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub model: &'a Model,
    /// Its `applies-when`, parsed. None: it applies to every deployment.
    pub applies_when: Option<&'a Expression>,
}

/// A model that was considered, and whether it applies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Considered {
    pub id: String,
    pub version: String,
    pub rank: i64,
    pub applies: bool,
    /// Why it applies or not, in one clause.
    pub because: String,
}

impl fmt::Display for Considered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {} {}", self.id, self.version, self.because)
    }
}

/// The chosen model.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection<'a> {
    pub model: &'a Model,
    /// Why it was chosen, in one sentence, which the decision records.
    pub because: String,
    /// All considered models, in order of id and version.
    pub considered: Vec<Considered>,
}

/// Why no model was chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// There was no model to choose from.
    #[error("there is no deployment model to choose from")]
    NoCandidates,
    /// No model applies.
    #[error(
        "no deployment model applies to deployment `{deployment}`: {}; change an `applies-when`, or add a model",
        clauses(considered)
    )]
    NoneApplies {
        /// The id of the deployment.
        deployment: String,
        /// All models, and why each does not apply.
        considered: Vec<Considered>,
    },
    /// Several models apply, and none has the highest rank alone.
    #[error(
        "{} apply to deployment `{deployment}` with the same rank {rank}: give one of them a higher `rank`, or change an \
         `applies-when` so that only one applies",
        names(tied)
    )]
    Tie {
        /// The id of the deployment.
        deployment: String,
        rank: i64,
        /// The models with this rank, in order of id and version.
        tied: Vec<Considered>,
    },
    /// Nobody knows whether a model applies, so no other one can be chosen either.
    #[error(
        "whether deployment model `{model}` {version} applies is unknown: its `applies-when` {error}{}",
        way_out(error)
    )]
    Unknown {
        /// The id of the model.
        model: String,
        version: String,
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

/// Chooses the model of a deployment. The order of the candidates does not matter.
///
/// # Errors
/// If no model applies, if several apply and none of them has the highest rank alone, or if it is unknown whether one
/// applies.
pub fn select<'a>(candidates: &[Candidate<'a>], variables: &Variables<'_>) -> Result<Selection<'a>, SelectionError> {
    let mut considered = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        considered.push((consider(candidate, variables), candidate.model));
    }
    // The first error in order of name, independent of the order of the candidates.
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

/// Why this model was chosen, in one sentence.
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
