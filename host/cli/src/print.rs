//! Writes to standard output and standard error. A closed pipe causes no panic, and control characters from documents and plugins do
//! not reach the terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::Context as _;
use lockgate_domain::gives_orders;
use serde::Serialize;

/// Prints data for tools unchanged, and a line end.
///
/// # Errors
/// If it cannot be written, for example because the disk is full. A closed pipe is no error.
pub(crate) fn data(text: impl Display) -> anyhow::Result<()> {
    let mut output = anstream::stdout().lock();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints text for people and a line end. Styles are kept; other control characters are made visible.
///
/// # Errors
/// As [`data`].
pub(crate) fn text(text: impl AsRef<str>) -> anyhow::Result<()> {
    data(visible(text.as_ref(), true))
}

/// Prints a message on standard error, like [`text`]. Failures to print are ignored.
pub(crate) fn message(text: impl AsRef<str>) {
    let _ = writeln!(anstream::stderr().lock(), "{}", visible(text.as_ref(), true));
}

/// Pretty-printed JSON. Control characters that JSON allows unescaped are escaped too.
///
/// # Errors
/// If the value has no JSON.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(escaped)
}

/// JSON on one line, escaped like [`json`].
///
/// # Errors
/// As [`json`].
pub(crate) fn json_line(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    serde_json::to_string(value).map(escaped)
}

/// The same JSON with all control characters escaped.
fn escaped(json: String) -> String {
    if !json.chars().any(gives_orders) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match gives_orders(character) {
            // All of these characters are in the first plane, so four digits are enough.
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(character))),
            false => escaped.push(character),
        }
    }
    escaped
}

/// Writes to standard error, for example the log. Styles are kept; other control characters are made visible.
pub(crate) struct EscapingStderr;

impl io::Write for EscapingStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(visible(&text, true).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A list as JSON: an object with `items`, like lists of the API.
///
/// # Errors
/// As [`json`].
pub(crate) fn list(items: &[impl Serialize]) -> serde_json::Result<String> {
    json(&serde_json::json!({ "items": items }))
}

/// Text from a document or a plugin, with all control characters made visible, styles too.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    visible(text, false)
}

/// Like [`plain`], but on one line: text from a document must not start a line that tools could take for one of Lockgate's.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    match plain(text) {
        shown if shown.contains('\n') => Cow::Owned(shown.replace('\n', "␊")),
        shown => shown,
    }
}

/// The text with control characters made visible: they could clear the screen or overwrite a verdict. With `keep_styles`,
/// sequences that set colours are kept.
fn visible(text: &str, keep_styles: bool) -> Cow<'_, str> {
    if !text.chars().any(gives_orders) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let taken = match style_length(rest) {
            Some(length) if keep_styles => length,
            _ => character.len_utf8(),
        };
        let (now, later) = rest.split_at(taken);
        match now.len() == character.len_utf8() && gives_orders(character) {
            true => shown.push(symbol(character)),
            false => shown.push_str(now),
        }
        rest = later;
    }
    Cow::Owned(shown)
}

fn symbol(character: char) -> char {
    match u32::from(character) {
        code @ 0..0x20 => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '␡',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// The length in bytes of the style at the start, for example of `␛[1;31m`.
fn style_length(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters.get(end..)?.starts_with('m').then_some(end + 3)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{json as to_json, plain, visible};

    #[test]
    fn control_characters_in_documents_are_made_visible() {
        assert_eq!(plain("a\u{1b}[2J\r\nb\u{202e}\u{9b}\u{7f}\t"), "a␛[2J␍\nb\u{fffd}\u{fffd}␡\t");
        assert_eq!(plain("\u{1b}[8mhidden"), "␛[8mhidden");
        assert_eq!(plain("a\u{2028}b\u{2029}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(plain("Bo Lindqvist, größer"), "Bo Lindqvist, größer");
    }

    #[test]
    fn control_characters_in_json_are_escaped_and_read_back_unchanged() {
        let value = json!({ "a\u{9b}2J": "b\u{202e}c\u{7f}\u{1b}\u{2066}\u{2028}größer" });
        let text = to_json(&value).unwrap_or_default();
        assert_eq!(text, "{\n  \"a\\u009b2J\": \"b\\u202ec\\u007f\\u001b\\u2066\\u2028größer\"\n}");
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value));
    }

    #[test]
    fn styles_are_kept_and_other_control_characters_are_made_visible() {
        assert_eq!(visible("\u{1b}[1;31mdeny\u{1b}[0m\u{1b}[2J\u{1b}", true), "\u{1b}[1;31mdeny\u{1b}[0m␛[2J␛");
    }
}
