//! What is known of the place that people read on: its width, and the few styles that everything is written in.
//!
//! Whether there is colour at all is decided once, in `main`, for the whole process: everything is styled here and
//! printed through `anstream`, which takes the styles out where nobody would see them.

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lockgate_domain::{Standing, Verdict};

/// Names, numbers, headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// Yes.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// No.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Not yet, or not known.
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

/// The style of what one binding or group says.
pub(crate) fn of_standing(standing: Standing) -> Style {
    match standing {
        Standing::Allow => GOOD,
        Standing::Deny | Standing::Error => BAD,
        Standing::Pending => WAITING,
        Standing::NotApplicable => FAINT,
    }
}

/// A bar that shows on a terminal how many of `things` are done; of how many may be told later.
pub(crate) fn progress_bar(length: Option<u64>, things: &str, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let template = format!("  {{bar:40}} {things}: {{human_pos}} of {{human_len}}, {{per_sec}}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(length, target).with_style(style)
}

/// How many columns there are: what `COLUMNS` says, else those of the terminal; none where nobody counts them, as in a
/// file or a pipe.
pub(crate) fn width() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse::<usize>().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    set.or_else(seen).map(|columns| columns.clamp(40, 160))
}

/// The text in lines of at most that width, if there is one; what follows the first line is aligned with it.
pub(crate) fn wrapped(text: &str, taken: usize) -> String {
    match width() {
        Some(width) => textwrap::wrap(text, in_words(width.saturating_sub(taken).max(20))).join("\n"),
        None => text.to_owned(),
    }
}

/// The text behind an indentation, in lines of at most the terminal's width.
pub(crate) fn indented(text: &str, indentation: &str) -> String {
    let lines = wrapped(text, indentation.len());
    lines.lines().map(|line| format!("{indentation}{line}")).collect::<Vec<_>>().join("\n")
}

/// Lines of at most that width, unless a word is longer: a digest or a time is never broken, because people copy it.
pub(crate) fn in_words<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width).break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation)
}
