//! The capability `evidence`: files that others attest, by name.
//!
//! It is no import but a part of the snapshot, so it is checked whenever a name is asked for.

/// Name patterns in which `*` stands for any run of characters, also none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Patterns(Vec<String>);

impl Patterns {
    pub(crate) fn new(patterns: &[String]) -> Self {
        Self(patterns.to_vec())
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// Whether one of them stands for the name.
    pub(crate) fn allow(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, name))
    }

    /// Whether every name that `asked` stands for is allowed. A pattern covers itself and what it matches when the
    /// `*` of `asked` is read as a character: exact for the patterns that people write, and never too generous.
    pub(crate) fn covers(&self, asked: &str) -> bool {
        self.allow(asked)
    }
}

/// Goes through both texts once, and back to the last `*` where they part: no pattern makes it slow.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut from) = (0, 0);
    let mut last_star = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                last_star = Some((at, from));
                at += 1;
            }
            Some(byte) if Some(byte) == name.get(from) => {
                at += 1;
                from += 1;
            }
            _ => match last_star {
                Some((star, taken)) => {
                    last_star = Some((star, taken + 1));
                    at = star + 1;
                    from = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name) in
            [("sbom", "sbom"), ("report-*", "report-"), ("report-*", "report-unit"), ("*", ""), ("*-a*b", "x-a-ab")]
        {
            assert!(matches(pattern, name), "`{pattern}` stands for `{name}`");
        }
    }

    #[test]
    fn everything_else_stands_for_itself() {
        for (pattern, name) in [("sbom", "sbom2"), ("sbom", "SBOM"), ("report-*", "report"), ("", "a"), ("a*b", "abc")]
        {
            assert!(!matches(pattern, name), "`{pattern}` does not stand for `{name}`");
        }
    }

    #[test]
    fn a_wider_grant_covers_a_narrower_request() {
        let granted = Patterns::new(&["report-*".to_owned()]);
        assert!(granted.covers("report-unit-*"));
        assert!(!granted.covers("*"));
    }
}
