//! Shortens foreign texts for messages.

/// A text of at most `longest` characters: a longer one ends in `…`.
pub fn shortened(text: &str, longest: usize) -> String {
    if text.chars().nth(longest).is_none() {
        return text.to_owned();
    }
    let mut shortened: String = text.chars().take(longest).collect();
    shortened.push('…');
    shortened
}

/// The text, with what stands in backticks shortened to at most `longest` characters each. Messages quote foreign texts so.
pub fn shortened_quotes(text: &str, longest: usize) -> String {
    let quoted = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => shortened(part, longest),
    };
    text.split('`').enumerate().map(quoted).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_where_it_has_too_many_characters() {
        assert_eq!(shortened("größer", 6), "größer");
        assert_eq!(shortened("größer", 3), "grö…");
    }

    #[test]
    fn only_what_is_quoted_is_cut_in_a_message() {
        assert_eq!(shortened_quotes("there is no entry `größer` of `x`", 3), "there is no entry `grö…` of `x`");
        assert_eq!(shortened_quotes("`größer", 3), "`grö…");
        assert_eq!(shortened_quotes("größer", 3), "größer");
    }
}
