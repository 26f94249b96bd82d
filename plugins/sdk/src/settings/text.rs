//! Checks texts of settings for invisible parts: two texts that look alike must be alike.

/// What is wrong with a text: a control character other than a tab or a line end, or a character that changes the order
/// in which others are shown. None if nothing is wrong.
pub(crate) fn unreadable(text: &str) -> Option<String> {
    let wrong = text.chars().find(|character| is_unreadable(*character))?;
    Some(format!("the text contains {}: remove it", described(wrong)))
}

/// What is wrong with a name, or with a pattern over names, besides what is wrong with any text: blanks at its
/// beginning or end, line breaks, and invisible characters.
pub(crate) fn unclear_name(text: &str) -> Option<String> {
    if is_blank(text) {
        return Some(BLANK.to_owned());
    }
    if let Some(wrong) = text.chars().find(|c| !is_unreadable(*c) && (is_invisible(*c) || is_line_break(*c))) {
        return Some(format!("the text contains {}: remove it", described(wrong)));
    }
    (text.trim() != text).then(|| format!("`{text}` starts or ends with a blank: remove it"))
}

/// The message about a text without a visible character.
pub(crate) const BLANK: &str = "the text has no visible character";

/// Whether a text has no visible character. An empty text has none.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || is_invisible(character))
}

/// Whether a character is invisible, although it makes two texts differ: control characters, and Unicode's characters
/// without width. Blanks and line breaks do not count.
///
/// ```
/// use lockgate_plugin::is_invisible;
///
/// assert!(is_invisible('\u{200b}') && is_invisible('\0'));
/// assert!(!is_invisible('a') && !is_invisible(' ') && !is_invisible('\n'));
/// ```
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || (character.is_control() && !character.is_whitespace())
}

fn is_line_break(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_unreadable(character: char) -> bool {
    let is_directional = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_directional || (character.is_control() && !matches!(character, '\t' | '\n' | '\r'))
}

/// The character with its kind and its number: `a control character (U+001B)`.
fn described(character: char) -> String {
    let kind = match character {
        _ if is_line_break(character) => "a tab or a line break",
        _ if character.is_control() => "a control character",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a character that changes the direction of text"
        }
        _ => "an invisible character",
    };
    format!("{kind} (U+{:04X})", u32::from(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_character_that_people_do_not_see() {
        for (name, fault) in [
            ("change-authority", None),
            ("Größe 2", None),
            ("a\u{200b}b", Some("the text contains an invisible character (U+200B): remove it")),
            ("a\u{feff}", Some("the text contains an invisible character (U+FEFF): remove it")),
            ("a\nb", Some("the text contains a tab or a line break (U+000A): remove it")),
            ("a\u{2028}b", Some("the text contains a tab or a line break (U+2028): remove it")),
            ("a\u{200f}", Some("the text contains a character that changes the direction of text (U+200F): remove it")),
            ("a ", Some("`a ` starts or ends with a blank: remove it")),
            ("\u{a0}a", Some("`\u{a0}a` starts or ends with a blank: remove it")),
            ("", Some(BLANK)),
            (" \u{200b}\n", Some(BLANK)),
        ] {
            assert_eq!(unclear_name(name).as_deref(), fault, "{name:?}");
        }
    }

    #[test]
    fn prose_may_have_line_breaks_and_joined_characters() {
        assert_eq!(unreadable("two\r\n\tlines, and \u{1f469}\u{200d}\u{1f680}"), None);
        for (text, fault) in [
            ("a\u{1b}[1m", "the text contains a control character (U+001B): remove it"),
            ("a\u{202e}b", "the text contains a character that changes the direction of text (U+202E): remove it"),
        ] {
            assert_eq!(unreadable(text).as_deref(), Some(fault));
        }
    }
}
