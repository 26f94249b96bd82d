//! One thing to tell a person: what, why, where, and what would turn it. Bad input and denials read alike.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Group, Level, Message, Origin, Renderer, Snippet};

use crate::{print, terminal};

/// A line longer than this is named, not shown: nobody reads it, and it would take long to lay out.
const LONGEST_SHOWN_LINE: usize = 2000;

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// As the user wrote the path.
    pub(crate) name: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    /// The line and the column of a byte, both from 1; the column counts characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
    }
}

/// Where in a text something lies.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The text.
    pub(crate) source: Arc<Source>,
    /// The bytes.
    pub(crate) span: Range<usize>,
    /// What is said right there; may be empty.
    pub(crate) label: String,
}

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It stands in the way.
    Error,
    /// It stands in the way until somebody brings something.
    Pending,
    /// It does not stand in the way.
    Warning,
}

/// One thing to tell.
#[derive(Clone, Debug)]
pub(crate) struct Diagnostic {
    /// How much it matters.
    pub(crate) tone: Tone,
    /// What tools match on.
    pub(crate) code: Option<String>,
    /// What.
    pub(crate) title: String,
    /// Where.
    pub(crate) place: Option<Place>,
    /// Why, and what else is known.
    pub(crate) notes: Vec<String>,
    /// What would turn it.
    pub(crate) helps: Vec<String>,
}

impl Diagnostic {
    /// Something that stands in the way.
    pub(crate) fn error(title: impl Into<String>) -> Self {
        Self::new(Tone::Error, title)
    }

    /// Something to tell in that tone.
    pub(crate) fn new(tone: Tone, title: impl Into<String>) -> Self {
        Self { tone, code: None, title: title.into(), place: None, notes: Vec::new(), helps: Vec::new() }
    }

    /// With the code that tools match on.
    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With the place where it lies.
    pub(crate) fn at(mut self, source: &Arc<Source>, span: Range<usize>, label: impl Into<String>) -> Self {
        self.place = Some(Place { source: Arc::clone(source), span, label: label.into() });
        self
    }

    /// With why it is so.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// With what would turn it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// The same, with what would give orders to a terminal shown instead: tools show what is in reports to people.
    pub(crate) fn plain(mut self) -> Self {
        self.each_text(|text| *text = print::plain(text).into_owned());
        self
    }

    /// The same, with each text as one line.
    pub(crate) fn in_lines(mut self) -> Self {
        self.each_text(|text| *text = print::line(text).into_owned());
        self
    }

    fn each_text(&mut self, change: impl FnMut(&mut String)) {
        let texts = [&mut self.title].into_iter().chain(&mut self.notes).chain(&mut self.helps).chain(&mut self.code);
        texts.chain(self.place.as_mut().map(|place| &mut place.label)).for_each(change);
    }

    /// The diagnostic as a compiler would lay it out, styled.
    pub(crate) fn render(&self) -> String {
        let level = match self.tone {
            Tone::Error => Level::ERROR,
            Tone::Pending => Level::WARNING.with_name("pending"),
            Tone::Warning => Level::WARNING,
        };
        let name = if self.tone == Tone::Error { "error" } else { "pending" };
        let code = self.code.as_deref().unwrap_or_default();
        let said = terminal::wrapped(&self.title, name.len() + code.len() + 4);
        let mut title = level.primary_title(said);
        if !code.is_empty() {
            title = title.id(code);
        }
        let mut group = Group::with_title(title);
        if let Some(place) = &self.place {
            group = place.show(group);
        }
        // `line number = help: ` stands before it.
        let said = |text: &String| terminal::wrapped(&print::plain(text), 14);
        let notes = self.notes.iter().map(|note| Level::NOTE.message(said(note)));
        let helps = self.helps.iter().map(|help| Level::HELP.message(said(help)));
        group = group.elements(notes.chain(helps).collect::<Vec<Message<'_>>>());
        Renderer::styled().term_width(terminal::width().unwrap_or(DEFAULT_TERM_WIDTH)).render(&[group])
    }
}

impl Place {
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

    /// The line in which the place begins: an object that is wrong is shown by its first line.
    fn excerpt(&self) -> Range<usize> {
        let text = &self.source.text;
        let start = text.get(..self.span.start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let rest = text.get(self.span.start..).unwrap_or_default();
        start..self.span.start + rest.find('\n').unwrap_or(rest.len())
    }
}

/// What was handed in is not valid: everything that is wrong with it, at once.
#[derive(Debug, Default)]
pub(crate) struct InvalidInput {
    /// What is wrong with deployments, evidence, settings.
    pub(crate) mistakes: Vec<Diagnostic>,
    /// What is wrong with models, as the engine lays it out.
    pub(crate) models: Vec<String>,
}

impl From<Diagnostic> for InvalidInput {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::from(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for InvalidInput {
    fn from(mistakes: Vec<Diagnostic>) -> Self {
        Self { mistakes, models: Vec::new() }
    }
}

impl InvalidInput {
    /// What was read, if it could be read; else what is wrong with it is kept, so that more can be looked at.
    pub(crate) fn keep<T>(&mut self, read: Result<T, Self>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(more) => {
                self.mistakes.extend(more.mistakes);
                self.models.extend(more.models);
                None
            }
        }
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.mistakes.is_empty() && self.models.is_empty()
    }
}

/// Beyond this many, people stop reading.
const MOST_SHOWN: usize = 25;

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for model in &self.models {
            writeln!(f, "{}\n", model.trim_end())?;
        }
        for diagnostic in self.mistakes.iter().take(MOST_SHOWN) {
            writeln!(f, "{}\n", diagnostic.render())?;
        }
        let (count, style) = (self.mistakes.len(), terminal::BAD);
        write!(f, "{style}invalid input{style:#}")?;
        if count > 1 {
            write!(f, ": {count} mistakes")?;
        }
        if count > MOST_SHOWN {
            write!(f, ", of which the first {MOST_SHOWN} are shown")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidInput {}
