//! Prints decisions in the format that a person, a pipeline or a tool needs.

mod check;
mod ci_formats;
mod documents;
mod explain;
mod requirement;
mod table;
#[cfg(test)]
mod tests;
mod words;

use clap::ValueEnum;

use crate::print;

pub(crate) use documents::{DecisionReport, InputDocuments};

/// The output format of decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecisionFormat {
    /// Text for people: what blocks the deployment, and the result of each binding.
    #[default]
    Table,
    /// The decision as JSON (see `lockgate schema decision`).
    Json,
    /// JUnit XML: one suite for each gate, one case for each binding.
    Junit,
    /// SARIF 2.1.0: one result for each blocking reason.
    Sarif,
    /// Annotations for a GitHub workflow.
    Github,
}

impl DecisionFormat {
    /// Renders the decisions in this format.
    ///
    /// # Errors
    /// If the format cannot represent them.
    pub(crate) fn render(self, report: &DecisionReport<'_>) -> anyhow::Result<String> {
        Ok(match self {
            Self::Table => table::render(report),
            Self::Json => match (report.decisions, report.single) {
                ([only], true) => print::json(only)?,
                (several, _) => print::list(several)?,
            },
            Self::Junit => ci_formats::junit(report)?,
            Self::Sarif => print::json(&ci_formats::sarif(report))?,
            Self::Github => ci_formats::github(report),
        })
    }
}
