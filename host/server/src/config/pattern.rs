//! Patterns for claims and names: plain text, or a glob.

use globset::{GlobBuilder, GlobMatcher};

/// A pattern. `*` and `?` stand for anything but `/`, so that `acme/*` means the repositories of `acme` and nothing deeper;
/// `**` stands for that too.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(GlobMatcher);

impl Pattern {
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty, so nothing matches: write a pattern".to_owned());
        }
        let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
        let glob = glob.map_err(|error| format!("`{text}` is not a pattern: {}", error.kind()))?;
        Ok(Self(glob.compile_matcher()))
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).unwrap().fits(text)
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        assert!(fits("acme/*", "acme/shop"));
        assert!(!fits("acme/*", "acme/shop/deep"));
        assert!(fits("acme/**", "acme/shop/deep"));
        assert!(!fits("acme/*", "acme-evil/shop"));
        assert!(!fits("acme/**", "acme"));
        assert!(fits("**", "repo:acme/shop:ref:refs/heads/main"));
    }

    #[test]
    fn plain_text_fits_only_itself() {
        assert!(fits("acme/shop", "acme/shop"));
        assert!(!fits("acme/shop", "acme/shop2"));
        assert!(!fits("acme/shop", "ACME/shop"));
        assert!(!fits("a.me", "acme"));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_said() {
        assert_eq!(
            Pattern::new("acme/[").unwrap_err(),
            "`acme/[` is not a pattern: unclosed character class; missing ']'"
        );
    }
}
