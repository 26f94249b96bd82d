//! Writing to standard output and standard error: without a panic when nobody can read it, and without letting what a
//! document or a plugin says give orders to the terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Context as _;
use lockgate_domain::gives_orders;
use serde::Serialize;

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

/// The JSON, laid out for people. What a terminal would obey is escaped; JSON itself escapes only a part of it.
///
/// # Errors
/// If the value has no JSON.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    let json = serde_json::to_string_pretty(value)?;
    if !json.chars().any(gives_orders) {
        return Ok(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match gives_orders(character) {
            // All of them are within the first plane.
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(character))),
            false => escaped.push(character),
        }
    }
    Ok(escaped)
}

/// Writes to standard error what others lay out, for example the log: what a terminal would obey is shown, styles come
/// through.
pub(crate) struct Shown;

impl io::Write for Shown {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(shown(&text, true).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A list, as JSON: an object with its `items`, as the API answers lists.
///
/// # Errors
/// As [`json`].
pub(crate) fn list(items: &[impl Serialize]) -> serde_json::Result<String> {
    json(&serde_json::json!({ "items": items }))
}

/// What a document or a plugin says, with its control characters shown, styles included.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    shown(text, false)
}

/// The same, as one line: a text that comes from a document of others must not begin a line of its own, which a tool could take
/// for one of ours.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    match plain(text) {
        shown if shown.contains('\n') => Cow::Owned(shown.replace('\n', "␊")),
        shown => shown,
    }
}

/// The text with its control characters shown instead of sent: they could clear the screen, or write a verdict over the
/// one that was given.
fn shown(text: &str, styles: bool) -> Cow<'_, str> {
    if !text.chars().any(gives_orders) {
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
        match now.len() == character.len_utf8() && gives_orders(character) {
            true => shown.push(picture(character)),
            false => shown.push_str(now),
        }
        rest = later;
    }
    Cow::Owned(shown)
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
    use serde_json::{Value, json};

    use super::{json as to_json, plain, shown};

    #[test]
    fn what_documents_say_gives_no_orders_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[2J\r\nb\u{202e}\u{9b}\u{7f}\t"), "a␛[2J␍\nb\u{fffd}\u{fffd}␡\t");
        assert_eq!(plain("\u{1b}[8mhidden"), "␛[8mhidden");
        assert_eq!(plain("a\u{2028}b\u{2029}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(plain("Bo Lindqvist, größer"), "Bo Lindqvist, größer");
    }

    #[test]
    fn json_gives_no_orders_to_the_terminal_and_stays_the_same() {
        let value = json!({ "a\u{9b}2J": "b\u{202e}c\u{7f}\u{1b}\u{2066}\u{2028}größer" });
        let text = to_json(&value).unwrap_or_default();
        assert_eq!(text, "{\n  \"a\\u009b2J\": \"b\\u202ec\\u007f\\u001b\\u2066\\u2028größer\"\n}");
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value));
    }

    #[test]
    fn styles_come_through_and_other_orders_do_not() {
        assert_eq!(shown("\u{1b}[1;31mdeny\u{1b}[0m\u{1b}[2J\u{1b}", true), "\u{1b}[1;31mdeny\u{1b}[0m␛[2J␛");
    }
}
