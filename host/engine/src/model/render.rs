//! Renders findings for a terminal: what, where, why, and what to do.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Message, Origin, Renderer, Snippet};

use super::{FindingSeverity, ModelFinding, ModelFindings, Source};

/// The longest line that is shown, in characters. Nobody reads longer ones.
const LONGEST_SHOWN_LINE: usize = 400;

impl ModelFindings {
    /// All findings, one after the other, and a closing line `N errors, N warnings`. With `color`, in ANSI colours.
    pub fn render(&self, source: &Source, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for finding in self.iter() {
            text.push_str(&renderer.render(&[group(finding, source)]));
            text.push_str("\n\n");
        }
        text.push_str(&self.summary());
        text.push('\n');
        text
    }
}

fn group<'a>(finding: &'a ModelFinding, source: &'a Source) -> Group<'a> {
    let level = match finding.severity {
        FindingSeverity::Error => Level::ERROR,
        FindingSeverity::Warning => Level::WARNING,
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let messages = |level: Level<'a>, texts: &'a [String]| {
        texts.iter().map(move |text| level.clone().message(text.as_str())).collect::<Vec<Message<'a>>>()
    };
    let group = place(Group::with_title(title), finding, source);
    group.elements(messages(Level::NOTE, &finding.notes)).elements(messages(Level::HELP, &finding.helps))
}

fn place<'a>(group: Group<'a>, finding: &'a ModelFinding, source: &'a Source) -> Group<'a> {
    let spans = || std::iter::once(&finding.span).chain(finding.related.iter().map(|related| &related.span));
    if spans().any(|span| longest_line(&source.text, span.start, span.end) > LONGEST_SHOWN_LINE) {
        let position = source.position(finding.span.start);
        let origin = Origin::path(source.name.as_str()).line(position.line).char_column(position.column);
        let group = group.element(origin);
        return if finding.label.is_empty() {
            group
        } else {
            group.element(Level::NOTE.message(finding.label.as_str()))
        };
    }
    let whole = excerpt(&source.text, spans());
    let within = |span: &Range<usize>| {
        let start = source.text.floor_char_boundary(span.start);
        let end = source.text.ceil_char_boundary(span.end).max(start);
        start - whole.start..end - whole.start
    };
    let label = (!finding.label.is_empty()).then_some(finding.label.as_str());
    let primary = AnnotationKind::Primary.span(within(&finding.span)).label(label);
    let related = finding
        .related
        .iter()
        .map(|related| AnnotationKind::Context.span(within(&related.span)).label(related.label.as_str()));
    let snippet = Snippet::source(source.text.get(whole.clone()).unwrap_or_default())
        .path(source.name.as_str())
        .line_start(source.position(whole.start).line)
        .annotation(primary);
    group.element(snippet.annotations(related))
}

/// The lines from the first of the spans to the last: rendering the whole file for each finding would take long.
fn excerpt<'a>(text: &str, spans: impl Iterator<Item = &'a Range<usize>> + Clone) -> Range<usize> {
    let first = spans.clone().map(|span| span.start).min().unwrap_or_default();
    let last = spans.map(|span| span.end.max(span.start)).max().unwrap_or_default();
    let start = text.get(..text.floor_char_boundary(first)).and_then(|before| before.rfind('\n'));
    let end = text.get(text.ceil_char_boundary(last)..).and_then(|rest| rest.find('\n'));
    start.map_or(0, |newline| newline + 1)..end.map_or(text.len(), |newline| text.ceil_char_boundary(last) + newline)
}

/// The length in bytes of the longest line that the span touches.
fn longest_line(text: &str, start: usize, end: usize) -> usize {
    let start = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let end = text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| end + newline);
    text.get(start..end).unwrap_or_default().lines().map(str::len).max().unwrap_or_default()
}
