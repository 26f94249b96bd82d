//! The terminal: its width, the styles of all output, line wrapping, progress bars.
//!
//! `main` decides once whether colour is used. All output is styled and printed through `anstream`, which removes the styles where
//! there is no colour.

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lockgate_domain::{Standing, Verdict};

/// For names, numbers and headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// For details.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// For success.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// For failure.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// For warnings and what is pending.
pub(crate) const WAITING: Style = AnsiColor::Yellow.on_default().bold();

/// The text in a style.
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a verdict.
pub(crate) fn of_verdict(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allow => GOOD,
        Verdict::Deny | Verdict::Error => BAD,
        Verdict::Pending => WAITING,
    }
}

/// The style of the standing of a binding or group.
pub(crate) fn of_standing(standing: Standing) -> Style {
    match standing {
        Standing::Allow => GOOD,
        Standing::Deny | Standing::Error => BAD,
        Standing::Pending => WAITING,
        Standing::NotApplicable => FAINT,
    }
}

/// A progress bar on a terminal, for example for `entries`. Its length may be set later.
pub(crate) fn progress_bar(length: Option<u64>, things: &str, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let template = format!("  {{bar:40}} {things}: {{human_pos}} of {{human_len}}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(length, target).with_style(style)
}

/// The width in characters: `COLUMNS`, or that of the terminal. None for a file or a pipe.
pub(crate) fn width() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(seen).map(|columns| columns.clamp(40, 160))
}

/// Wraps the text to the terminal's width. `taken` characters of the first line are already used.
pub(crate) fn wrapped(text: &str, taken: usize) -> String {
    match width() {
        Some(width) => textwrap::wrap(text, wrap_options(width.saturating_sub(taken).max(20))).join("\n"),
        None => text.to_owned(),
    }
}

/// Wraps the text to the terminal's width and indents each line.
pub(crate) fn indented(text: &str, indentation: &str) -> String {
    let lines = wrapped(text, indentation.len());
    lines.lines().map(|line| format!("{indentation}{line}")).collect::<Vec<_>>().join("\n")
}

/// Wraps at that width but never within a word, so that digests and times can be copied.
pub(crate) fn wrap_options<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width).break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation)
}
