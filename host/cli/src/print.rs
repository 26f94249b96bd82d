//! Writing to standard output and standard error: without a panic when nobody can read it, and without letting what a
//! document or a plugin says give orders to the terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Context as _;

/// Prints data for tools, as it is, with a line end.
///
/// # Errors
/// If it cannot be written, for example because the disk is full. That a reader has seen enough, as `head` does, is none.
pub(crate) fn data(text: impl Display) -> anyhow::Result<()> {
    let mut output = anstream::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints text for people, with a line end: styles come through, other orders to the terminal are shown.
///
/// # Errors
/// As [`data`].
pub(crate) fn text(text: impl AsRef<str>) -> anyhow::Result<()> {
    data(shown(text.as_ref(), true))
}

/// Says something on standard error, as [`text`]. If nobody can be told, nobody is.
pub(crate) fn words(text: impl AsRef<str>) {
    let _ = writeln!(anstream::stderr().lock(), "{}", shown(text.as_ref(), true));
}

/// What a document or a plugin says, with its control characters shown, styles included.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    shown(text, false)
}

/// The text with its control characters shown instead of sent: they could clear the screen, or write a verdict over the
/// one that was given.
fn shown(text: &str, styles: bool) -> Cow<'_, str> {
    if !text.chars().any(is_order) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let taken = match style(rest) {
            Some(length) if styles => length,
            _ => character.len_utf8(),
        };
        let (now, later) = rest.split_at(taken);
        match now.len() == character.len_utf8() && is_order(character) {
            true => shown.push(picture(character)),
            false => shown.push_str(now),
        }
        rest = later;
    }
    Cow::Owned(shown)
}

/// Whether a terminal would do something else than show it: control characters but line ends and tabs, and those that
/// turn the direction of writing.
fn is_order(character: char) -> bool {
    let turns =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && !matches!(character, '\n' | '\t'))
}

fn picture(character: char) -> char {
    match u32::from(character) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '␡',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// How many bytes of the beginning are a style, as `␛[1;31m` is.
fn style(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters.get(end..)?.starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use super::{plain, shown};

    #[test]
    fn what_documents_say_gives_no_orders_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[2J\r\nb\u{202e}\u{9b}\u{7f}\t"), "a␛[2J␍\nb\u{fffd}\u{fffd}␡\t");
        assert_eq!(plain("\u{1b}[8mhidden"), "␛[8mhidden");
        assert_eq!(plain("Bo Lindqvist, größer"), "Bo Lindqvist, größer");
    }

    #[test]
    fn styles_come_through_and_other_orders_do_not() {
        assert_eq!(shown("\u{1b}[1;31mdeny\u{1b}[0m\u{1b}[2J\u{1b}", true), "\u{1b}[1;31mdeny\u{1b}[0m␛[2J␛");
    }
}
