//! How a decision is told: to people, to pipelines, to tools. The decision is always the same; only the telling differs.

mod ci_formats;
mod documents;
mod explain;
mod table;

use clap::ValueEnum;

use crate::print;

pub(crate) use documents::{Documents, Told};

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
            Self::Junit => ci_formats::junit(told)?,
            Self::Sarif => print::json(&ci_formats::sarif(told))?,
            Self::Github => ci_formats::github(told),
        })
    }
}
