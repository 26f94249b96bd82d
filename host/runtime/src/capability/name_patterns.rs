//! Grants by name: patterns that the name of a piece of evidence or a fact has to match.

use lockgate_domain::Pattern;

/// Patterns of names.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamePatterns(Vec<String>);

impl NamePatterns {
    pub(crate) fn new(patterns: &[String]) -> Self {
        Self(patterns.to_vec())
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether a pattern matches the name.
    pub(crate) fn allow(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| Pattern::new(pattern).matches(name))
    }

    /// Whether every name that the pattern `asked` matches is allowed. A `*` of `asked` is compared as a character, and a `**` as
    /// names with no slash, with one, and so on, up to one slash more than any allowed pattern has.
    pub(crate) fn covers(&self, asked: &str) -> bool {
        let most_slashes = self.0.iter().map(|pattern| pattern.matches('/').count() + 1).max().unwrap_or(0);
        (0..=most_slashes).all(|slashes| self.allow(&asked.replace("**", &vec!["*"; slashes + 1].join("/"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name) in
            [("sbom", "sbom"), ("report-*", "report-"), ("report-*", "report-unit"), ("*", ""), ("*-a*b", "x-a-ab")]
        {
            assert!(Pattern::new(pattern).matches(name), "`{pattern}` stands for `{name}`");
        }
    }

    #[test]
    fn everything_else_stands_for_itself() {
        for (pattern, name) in [("sbom", "sbom2"), ("sbom", "SBOM"), ("report-*", "report"), ("", "a"), ("a*b", "abc")]
        {
            assert!(!Pattern::new(pattern).matches(name), "`{pattern}` does not stand for `{name}`");
        }
    }

    #[test]
    fn a_wider_grant_covers_a_narrower_request() {
        let granted = NamePatterns::new(&["report-*".to_owned()]);
        assert!(granted.covers("report-unit-*"));
        assert!(granted.covers("report-*"));
        assert!(!granted.covers("*"));
        assert!(!granted.covers("report-**"));
        assert!(NamePatterns::new(&["report-**".to_owned()]).covers("report-**"));
        assert!(!NamePatterns::new(&["*/*".to_owned()]).covers("**"), "a name without a slash");
    }
}
