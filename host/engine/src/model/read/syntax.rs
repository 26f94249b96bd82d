//! The syntax errors of the TOML text, and what is uncertain because of them.
//!
//! After an unreadable line, a key may seem to be missing that is only misspelt. A finding about it would send people
//! after a mistake that is not there.

use std::ops::Range;

use crate::model::ModelFinding;

/// The syntax errors of a file.
pub(super) struct Syntax {
    errors: Vec<(String, Range<usize>)>,
    /// The places of the lines that look like a table's header.
    headers: Vec<usize>,
    /// The names of tables with an error, such as `plugins` or `gates`.
    damaged: Vec<String>,
}

impl Syntax {
    /// The errors that the parser found in the text.
    pub(super) fn new(text: &str, errors: Vec<toml::de::Error>) -> Self {
        let errors: Vec<_> = errors
            .into_iter()
            .map(|error| {
                let span = error.span().unwrap_or(0..0);
                let start = text.floor_char_boundary(span.start);
                (error.message().to_owned(), start..text.ceil_char_boundary(span.end).max(start))
            })
            .collect();
        let mut headers = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if line.trim_start().starts_with('[') {
                headers.push(start);
            }
            start += line.len();
        }
        let damaged = errors
            .iter()
            .filter_map(|(_, span)| {
                let header = headers.iter().rev().find(|header| **header <= span.start)?;
                let line = text.get(*header..)?.trim_start().trim_start_matches('[').trim_start();
                line.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_')).next().map(str::to_owned)
            })
            .collect();
        Self { errors, headers, damaged }
    }

    /// The syntax errors as findings.
    pub(super) fn findings(&self) -> Vec<ModelFinding> {
        let finding = |(message, span): &(String, Range<usize>)| {
            ModelFinding::error("syntax", span.clone(), format!("this is not TOML: {message}"))
        };
        self.errors.iter().map(finding).collect()
    }

    /// Whether there is a syntax error on the lines of a finding. The value that the parser put there is its own guess.
    pub(super) fn is_on_lines_of(&self, text: &str, span: &Range<usize>) -> bool {
        let line_start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let line_end = text.get(span.end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| span.end + end);
        self.errors.iter().any(|(_, error)| line_start <= error.start && error.start <= line_end)
    }

    /// Whether there is a syntax error in the table that begins at this byte.
    pub(super) fn is_in_table(&self, start: usize) -> bool {
        let end = self.headers.iter().find(|header| **header > start).copied().unwrap_or(usize::MAX);
        self.errors.iter().any(|(_, span)| start <= span.start && span.start <= end)
    }

    /// Whether there is a syntax error in a table with this name, or in one below it.
    pub(super) fn is_below(&self, name: &str) -> bool {
        self.damaged.iter().any(|damaged| damaged == name)
    }
}
