//! Parts of sentences that all reports use: lists, numbers, shortened digests.

use lockgate_domain::shortened;

/// The most items of a list that are shown without `-v`.
const MOST_ITEMS: usize = 8;
/// The most characters of a foreign value that are shown without `-v`.
const LONGEST_VALUE: usize = 200;

/// `a`, `a or b`, `a, b or c`, where `last` is the word before the last item.
pub(super) fn joined<T: AsRef<str>>(items: &[T], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., final_item] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", first.join(", "), final_item.as_ref())
        }
    }
}

/// As [`joined`]. Without `details`, a long list ends in the number of the items that are left out.
pub(super) fn joined_briefly<T: AsRef<str>>(items: &[T], last: &str, details: bool) -> String {
    match items.get(..MOST_ITEMS) {
        Some(shown) if !details && items.len() > MOST_ITEMS => {
            let shown: Vec<&str> = shown.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {} more", shown.join(", "), items.len() - MOST_ITEMS)
        }
        _ => joined(items, last),
    }
}

/// Names in backticks, as [`joined_briefly`].
pub(super) fn names<T: AsRef<str>>(names: &[T], last: &str, details: bool) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    joined_briefly(&quoted, last, details)
}

/// A value from a plugin. Without `details`, a long one is cut.
pub(super) fn value(text: &str, details: bool) -> String {
    if details { text.to_owned() } else { shortened(text, LONGEST_VALUE) }
}

/// Whether the text contains the words as words, and not as parts of longer ones.
pub(super) fn mentions(text: &str, words: &str) -> bool {
    let is_border = |character: Option<char>| !character.is_some_and(char::is_alphanumeric);
    text.match_indices(words).any(|(start, _)| {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        let after = text.get(start + words.len()..).and_then(|after| after.chars().next());
        is_border(before) && is_border(after)
    })
}

/// A number as people write it: very large and very small ones with an exponent.
pub(super) fn number(value: f64) -> String {
    let plain = value == 0.0 || (1e-6..1e15).contains(&value.abs());
    if plain { value.to_string() } else { format!("{value:e}") }
}

/// The text with shortened digests. Digests that people need to copy are in the helps.
pub(super) fn with_short_digests(text: &str) -> String {
    const SHOWN: usize = 12;
    let mut parts = text.split("sha256:");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        short.push_str("sha256:");
        if let (64, Some(shown), Some(rest)) = (digits, part.get(..SHOWN), part.get(digits..)) {
            short.push_str(shown);
            short.push('…');
            short.push_str(rest);
        } else {
            short.push_str(part);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_joined_with_commas_and_a_last_word() {
        assert_eq!(joined::<&str>(&[], "or"), "");
        assert_eq!(joined(&["a"], "or"), "a");
        assert_eq!(joined(&["a", "b", "c"], "or"), "a, b or c");
    }

    #[test]
    fn long_lists_are_cut_without_details() {
        let ids: Vec<String> = (1..=10).map(|id| id.to_string()).collect();
        assert_eq!(names(&ids, "and", false), "`1`, `2`, `3`, `4`, `5`, `6`, `7`, `8` and 2 more");
        assert!(names(&ids, "and", true).ends_with("`9` and `10`"));
    }

    #[test]
    fn a_word_is_mentioned_if_it_stands_alone() {
        assert!(mentions("approve as `ops`", "ops"));
        assert!(mentions("3 approvals are missing", "3 approvals"));
        assert!(!mentions("13 approvals are missing", "3 approvals"));
        assert!(!mentions("the opsgenie", "ops") && mentions("opsgenie or ops", "ops"));
    }

    #[test]
    fn numbers_have_an_exponent_only_where_they_are_hard_to_read() {
        assert_eq!([34.0, 0.25, -1.5, 0.0].map(number), ["34", "0.25", "-1.5", "0"]);
        assert_eq!([1e300, 2.5e-9].map(number), ["1e300", "2.5e-9"]);
    }
}
