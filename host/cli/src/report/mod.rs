//! How a decision is told: to people, to pipelines, to tools. The decision is always the same; only the telling differs.

mod explain;
mod github;
mod junit;
mod sarif;
mod table;

use std::ops::Range;
use std::sync::Arc;

use clap::ValueEnum;
use lockgate_domain::Decision;

use crate::diagnostic::Source;
use crate::input::Json;
use crate::print;

pub(crate) use table::{fields, grid};

/// How to tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people: what stands in the way, and what each binding says.
    #[default]
    Table,
    /// The decision itself, as `lockgate schema decision` describes it.
    Json,
    /// JUnit XML: one suite for each gate, one case for each binding.
    Junit,
    /// SARIF 2.1.0: one result for each reason that stands in the way.
    Sarif,
    /// Annotations for the log of a GitHub workflow.
    Github,
}

/// How to tell what is no decision.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    #[default]
    Table,
    /// For tools.
    Json,
}

/// What was decided, and the files that its pointers lead into.
pub(crate) struct Told<'a> {
    /// In the order in which the gates were asked.
    pub(crate) decisions: &'a [Decision],
    /// Where the pointers lead.
    pub(crate) documents: Documents<'a>,
    /// Whether one gate was asked for, or all were tried in order.
    pub(crate) single: bool,
    /// Whether to show also what the plugins used up and logged.
    pub(crate) details: bool,
}

/// The files that a snapshot was put together from.
#[derive(Clone, Copy)]
pub(crate) struct Documents<'a> {
    /// The deployment.
    pub(crate) deployment: &'a Json,
    /// The decision that holds what was approved, if it was handed in.
    pub(crate) approved: Option<&'a Json>,
}

/// A place in one of the files.
pub(crate) struct Found {
    /// The file.
    pub(crate) source: Arc<Source>,
    /// The bytes.
    pub(crate) span: Range<usize>,
    /// What the pointer names and the file does not have.
    pub(crate) beyond: Option<String>,
}

impl Documents<'_> {
    /// Where a pointer into the snapshot leads. Nowhere, if it means what no file says: the time, the gate, evidence.
    pub(crate) fn find(&self, pointer: &str) -> Option<Found> {
        let is_below =
            |top: &str| pointer.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let json = match self.approved {
            Some(decision) if is_below("/approved") => decision,
            _ if ["/now", "/gate", "/subject", "/evidence"].into_iter().any(is_below) => return None,
            _ => self.deployment,
        };
        let spot = json.locate(pointer);
        let beyond = spot.beyond.clone();
        Some(Found { span: spot.span(&json.source), source: Arc::clone(&json.source), beyond })
    }
}

impl Output {
    /// The decisions in this form, to be printed as they are.
    ///
    /// # Errors
    /// If the form cannot hold what was decided.
    pub(crate) fn tell(self, told: &Told<'_>) -> anyhow::Result<String> {
        Ok(match self {
            Self::Table => table::tell(told),
            Self::Json => match (told.decisions, told.single) {
                ([only], true) => print::json(only)?,
                (several, _) => print::list(several)?,
            },
            Self::Junit => junit::tell(told)?,
            Self::Sarif => print::json(&sarif::tell(told))?,
            Self::Github => github::tell(told),
        })
    }
}
