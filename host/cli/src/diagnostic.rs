//! Diagnostics: what is wrong, where, why, and how to repair it. Invalid input and denials look alike.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Message, Origin, Renderer, Snippet};

use crate::{print, terminal};

/// A line with more bytes than this is named but not shown: nobody reads it, and it would take long to lay out.
const LONGEST_SHOWN_LINE: usize = 2000;

/// The text of a file that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SourceText {
    /// The path, as the user wrote it.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl SourceText {
    /// The line and the column of a byte offset, both from 1; the column counts characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
    }
}

/// A range of bytes in a text, and a label for it.
#[derive(Clone, Debug)]
pub(crate) struct SourceLocation {
    pub(crate) source: Arc<SourceText>,
    pub(crate) span: Range<usize>,
    /// May be empty.
    pub(crate) label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiagnosticLevel {
    /// Something is wrong or denied.
    Error,
    /// The gate waits until somebody provides something.
    Pending,
    /// Nothing is blocked.
    Warning,
    /// Nothing is wrong enough to object to.
    Remark,
}

/// A message with its location, notes and helps.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    pub(crate) level: DiagnosticLevel,
    /// A stable code for tools.
    pub(crate) code: Option<String>,
    /// What is wrong.
    pub(crate) title: String,
    pub(crate) location: Option<SourceLocation>,
    /// Why, and other facts.
    pub(crate) notes: Vec<String>,
    /// How to repair it.
    pub(crate) helps: Vec<String>,
}

impl Diagnostic {
    pub(crate) fn error(title: impl Into<String>) -> Self {
        Self::new(DiagnosticLevel::Error, title)
    }

    pub(crate) fn new(level: DiagnosticLevel, title: impl Into<String>) -> Self {
        Self { level, code: None, title: title.into(), location: None, notes: Vec::new(), helps: Vec::new() }
    }

    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) fn at(mut self, source: &Arc<SourceText>, span: Range<usize>, label: impl Into<String>) -> Self {
        self.location = Some(SourceLocation { source: Arc::clone(source), span, label: label.into() });
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// The same diagnostic with control characters made visible.
    pub(crate) fn plain(mut self) -> Self {
        self.each_text(|text| *text = print::plain(text).into_owned());
        self
    }

    /// The same diagnostic with each text on one line.
    pub(crate) fn in_lines(mut self) -> Self {
        self.each_text(|text| *text = print::line(text).into_owned());
        self
    }

    fn each_text(&mut self, change: impl FnMut(&mut String)) {
        let texts = [&mut self.title].into_iter().chain(&mut self.notes).chain(&mut self.helps).chain(&mut self.code);
        texts.chain(self.location.as_mut().map(|location| &mut location.label)).for_each(change);
    }

    /// The diagnostic in the style of compilers, with colours.
    pub(crate) fn render(&self) -> String {
        let (level, name) = match self.level {
            DiagnosticLevel::Error => (Level::ERROR, "error"),
            DiagnosticLevel::Pending => (Level::WARNING.with_name("pending"), "pending"),
            DiagnosticLevel::Warning => (Level::WARNING, "warning"),
            DiagnosticLevel::Remark => (Level::NOTE.with_name("remark"), "remark"),
        };
        let code = self.code.as_deref().unwrap_or_default();
        let title = terminal::wrapped(&self.title, name.len() + code.len() + 4);
        let mut title = level.primary_title(title);
        if !code.is_empty() {
            title = title.id(code);
        }
        let mut group = Group::with_title(title);
        if let Some(location) = &self.location {
            group = location.show(group);
        }
        // The renderer puts `<line number> = help: ` before it.
        let wrapped = |text: &String| terminal::wrapped(&print::plain(text), 14);
        let notes = self.notes.iter().map(|note| Level::NOTE.message(wrapped(note)));
        let helps = self.helps.iter().map(|help| Level::HELP.message(wrapped(help)));
        group = group.elements(notes.chain(helps).collect::<Vec<Message<'_>>>());
        Renderer::styled().term_width(terminal::width().unwrap_or(DEFAULT_TERM_WIDTH)).render(&[group])
    }
}

impl SourceLocation {
    fn show<'a>(&'a self, group: Group<'a>) -> Group<'a> {
        let (line, column) = self.source.position(self.span.start);
        let excerpt = self.excerpt();
        let text = self.source.text.get(excerpt.clone()).unwrap_or_default();
        if text.is_empty() || text.len() > LONGEST_SHOWN_LINE {
            let group = group.element(Origin::path(self.source.name.as_str()).line(line).char_column(column));
            return if self.label.is_empty() { group } else { group.element(Level::NOTE.message(self.label.as_str())) };
        }
        let first_line = line - text.get(..self.span.start - excerpt.start).unwrap_or_default().matches('\n').count();
        let end = self.span.end.min(excerpt.end);
        let annotation = AnnotationKind::Primary
            .span(self.span.start - excerpt.start..end - excerpt.start)
            .label((!self.label.is_empty()).then_some(self.label.as_str()));
        group.element(
            Snippet::source(text).path(self.source.name.as_str()).line_start(first_line).annotation(annotation),
        )
    }

    /// The line in which the range begins. For an object, this is its first line.
    fn excerpt(&self) -> Range<usize> {
        let text = &self.source.text;
        let start = text.get(..self.span.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let rest = text.get(self.span.start..).unwrap_or_default();
        start..self.span.start + rest.find('\n').unwrap_or(rest.len())
    }
}

/// The input is invalid: everything that is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct InvalidInput {
    /// What is wrong with deployments, evidence, settings and options.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What is wrong with models, as the engine renders it.
    pub(crate) models: Vec<String>,
}

impl From<Diagnostic> for InvalidInput {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::from(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for InvalidInput {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self { diagnostics, models: Vec::new() }
    }
}

impl InvalidInput {
    /// The value, if the input was valid. Otherwise its diagnostics are added to these, so that other input can still be checked.
    pub(crate) fn collect<T>(&mut self, read: Result<T, Self>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(more) => {
                self.diagnostics.extend(more.diagnostics);
                self.models.extend(more.models);
                None
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.diagnostics.is_empty() && self.models.is_empty()
    }
}

/// The most diagnostics that are shown.
const MOST_SHOWN: usize = 25;

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for model in &self.models {
            writeln!(f, "{}\n", model.trim_end())?;
        }
        for diagnostic in self.diagnostics.iter().take(MOST_SHOWN) {
            writeln!(f, "{}\n", diagnostic.render())?;
        }
        let (count, style) = (self.diagnostics.len(), terminal::BAD);
        write!(f, "{style}invalid input{style:#}")?;
        if count > 1 {
            write!(f, ": {count} errors")?;
        }
        if count > MOST_SHOWN {
            write!(f, " (the first {MOST_SHOWN} are shown)")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidInput {}
