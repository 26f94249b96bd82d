//! The rule for names that operators give to granted directories and namespaces.
//!
//! Names are part of models, reports and file names, so they only have characters that are safe everywhere.

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// The rule, for messages.
pub(crate) const RULE: &str = "at most 64 lower-case letters, digits and single hyphens";

/// Whether the text is lower-case words joined by hyphens, and not too long.
pub(crate) fn is_name(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.len() <= LONGEST && text.split('-').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_words_joined_by_hyphens() {
        for name in ["catalog", "allow-list-2", "7", &"a".repeat(64)] {
            assert!(is_name(name), "`{name}`");
        }
        for none in ["", "-", "a-", "-a", "a--b", "Catalog", "a_b", "a/b", "..", "a b", "ä", &"a".repeat(65)] {
            assert!(!is_name(none), "`{none}`");
        }
    }
}
