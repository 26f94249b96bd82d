//! The findings about a model: one, and all of them together.
//!
//! The reader of a model collects findings instead of stopping at the first, because people want to repair a file once.
//! A finding has byte offsets, not lines; [`Source`] turns them into lines and columns for an editor, and
//! [`ModelFindings::render`] into text for a terminal.

use std::fmt;
use std::ops::Range;

use lockgate_domain::{closest, counted};
use schemars::JsonSchema;
use serde::Serialize;

use super::Source;

/// The severity of a finding about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingSeverity {
    /// The finding makes the model unusable.
    Error,
    /// The model can be used, but probably means something else than its author intended.
    Warning,
}

impl FindingSeverity {
    /// The name that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Another place that a finding refers to, for example the first of two equal ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The place, in bytes of the text.
    pub span: Range<usize>,
    /// The label at this place.
    pub label: String,
}

/// An error or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFinding {
    /// Whether it is an error or a warning.
    pub severity: FindingSeverity,
    /// A stable code that tools can match. `docs/models.md` lists all codes.
    pub code: &'static str,
    /// What is wrong, in one clause: lower-case, without a full stop.
    pub message: String,
    /// The place, in bytes of the text.
    pub span: Range<usize>,
    /// The label at the place. Empty if the message says it all.
    pub label: String,
    /// Other places that the finding refers to.
    pub related: Vec<Related>,
    /// Explanations of the finding.
    pub notes: Vec<String>,
    /// Suggestions for a correction.
    pub helps: Vec<String>,
}

impl ModelFinding {
    /// An error, which has to be repaired.
    pub fn error(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(FindingSeverity::Error, code, span, message)
    }

    /// A warning, which a person should look at.
    pub fn warning(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(FindingSeverity::Warning, code, span, message)
    }

    fn new(severity: FindingSeverity, code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            span,
            label: String::new(),
            related: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Adds the label at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.related.push(Related { span, label: label.into() });
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a suggestion.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// Suggests the closest of the right words if one is close, or else all of them if they are few.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        let right: Vec<&str> = right.into_iter().collect();
        match closest(word, right.iter().copied()) {
            Some(close) => self.help(format!("did you mean `{close}`?")),
            None if right.is_empty() || right.len() > MOST_LISTED => self,
            None => self.help(format!("one of {} would be right here", listed(right))),
        }
    }
}

/// The most words that a suggestion lists.
const MOST_LISTED: usize = 24;

/// Words in backticks, with commas between.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A finding about a model, with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LocatedFinding {
    /// The severity of the finding.
    pub severity: FindingSeverity,
    /// The stable code of the finding, for programs.
    pub code: &'static str,
    /// The finding in one clause, for people.
    pub message: String,
    /// The name of the file, as it was given.
    pub file: String,
    /// The line of the first character, counted from 1.
    pub line: usize,
    /// The column of the first character, counted from 1.
    pub column: usize,
    /// The line of the first character after the place, counted from 1.
    pub end_line: usize,
    /// The column of the first character after the place, counted from 1.
    pub end_column: usize,
    /// The label at the place. It may be empty.
    pub label: String,
    /// Explanations of the finding.
    pub notes: Vec<String>,
    /// Suggestions for a correction.
    pub helps: Vec<String>,
}

/// All findings of one model, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFindings {
    list: Vec<ModelFinding>,
    left_out: usize,
}

/// The most findings that are kept. Further ones are only counted.
const MOST_KEPT: usize = 200;

impl ModelFindings {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, finding: ModelFinding) {
        self.extend([finding]);
    }

    /// All findings, in the order of the text. At one place, errors come first.
    pub fn iter(&self) -> std::slice::Iter<'_, ModelFinding> {
        self.list.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn len(&self) -> usize {
        self.list.len() + self.left_out
    }

    /// How many findings are only counted and not kept.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The number of errors among the kept findings.
    pub fn errors(&self) -> usize {
        self.iter().filter(|finding| finding.severity == FindingSeverity::Error).count()
    }

    /// The number of warnings among the kept findings.
    pub fn warnings(&self) -> usize {
        self.iter().filter(|finding| finding.severity == FindingSeverity::Warning).count()
    }

    /// Whether the model cannot be used.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// The findings with lines and columns.
    pub fn located(&self, source: &Source) -> Vec<LocatedFinding> {
        self.iter()
            .map(|finding| {
                let (start, end) = (source.position(finding.span.start), source.position(finding.span.end));
                LocatedFinding {
                    severity: finding.severity,
                    code: finding.code,
                    message: finding.message.clone(),
                    file: source.name.clone(),
                    line: start.line,
                    column: start.column,
                    end_line: end.line,
                    end_column: end.column,
                    label: finding.label.clone(),
                    notes: finding.notes.clone(),
                    helps: finding.helps.clone(),
                }
            })
            .collect()
    }

    /// The closing line with the numbers of errors and warnings.
    pub fn summary(&self) -> String {
        let errors = counted(self.errors(), "error", "errors");
        let mut summary = format!("{errors}, {}", counted(self.warnings(), "warning", "warnings"));
        if self.left_out > 0 {
            summary.push_str(&format!(", and {} not shown", counted(self.left_out, "more that is", "more that are")));
        }
        summary
    }
}

impl Extend<ModelFinding> for ModelFindings {
    fn extend<I: IntoIterator<Item = ModelFinding>>(&mut self, findings: I) {
        for finding in findings {
            if self.list.len() < MOST_KEPT || finding.severity == FindingSeverity::Error && !self.has_errors() {
                self.list.push(finding);
            } else {
                self.left_out += 1;
            }
        }
        self.list.sort_by(|one, other| {
            let key = |finding: &ModelFinding| (finding.span.start, finding.severity, finding.span.end);
            key(one).cmp(&key(other))
        });
    }
}

impl FromIterator<ModelFinding> for ModelFindings {
    fn from_iter<I: IntoIterator<Item = ModelFinding>>(findings: I) -> Self {
        let mut all = Self::new();
        all.extend(findings);
        all
    }
}

impl IntoIterator for ModelFindings {
    type Item = ModelFinding;
    type IntoIter = std::vec::IntoIter<ModelFinding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// One line for each finding, without places, for use without the text.
impl fmt::Display for ModelFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in self.iter() {
            writeln!(f, "{}[{}]: {}", finding.severity.as_str(), finding.code, finding.message)?;
        }
        f.write_str(&self.summary())
    }
}

impl std::error::Error for ModelFindings {}
