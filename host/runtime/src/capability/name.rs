//! What operators may call the things that they grant by name: directories and namespaces.
//!
//! Names stand in models, in reports and in the names of files, so they are of the kind that is safe everywhere.

/// How long a name may be, in bytes.
const LONGEST: usize = 64;

/// What a name has to be, for messages.
pub(crate) const RULE: &str = "at most 64 lower-case letters, digits and single hyphens";

/// Whether it is lower-case words joined by hyphens, and not too long.
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
