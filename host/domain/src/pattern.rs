//! Patterns of names: the one grammar for claims, certificates, grants of evidence and, in `plugins/sdk`, the settings
//! of plugins. `docs/models.md` describes it for users.

/// A text in which `*` stands for any run of characters except `/`, and `**` for any run of characters. A run may be
/// empty. Every other character stands for itself.
///
/// ```
/// use lockgate_domain::Pattern;
///
/// assert!(Pattern::new("acme/*").matches("acme/shop"));
/// assert!(!Pattern::new("acme/*").matches("acme/shop/deep"));
/// assert!(Pattern::new("acme/**").matches("acme/shop/deep"));
/// assert!(Pattern::new("dependabot[bot]").matches("dependabot[bot]"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<PatternPart>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PatternPart {
    Character(char),
    /// `*`
    WithinSegment,
    /// `**`
    Anything,
}

/// Why a text is refused as a pattern. [`Pattern::new`] accepts every text; these mistakes are for places where people
/// might expect shell patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternFault {
    /// The text is empty.
    #[error("it is empty, so nothing matches: write a pattern")]
    Empty,
    /// The text holds `?`.
    #[error("`?` is no wildcard: write `*`, which stands for any characters but `/`")]
    QuestionMark,
    /// The text holds `{` or `}`.
    #[error("braces list no alternatives: write several patterns, for example `[\"a/*\", \"b/*\"]`")]
    Braces,
    /// The text holds `\`.
    #[error("`\\` escapes nothing: leave it out, because only `*` is a wildcard")]
    Backslash,
}

impl PatternPart {
    fn is_star(self) -> bool {
        matches!(self, Self::WithinSegment | Self::Anything)
    }

    /// Whether a run of this part may continue over the character.
    fn spans(self, character: char) -> bool {
        match self {
            Self::Character(_) => false,
            Self::WithinSegment => character != '/',
            Self::Anything => true,
        }
    }
}

impl Pattern {
    /// Reads a pattern. Every text is a pattern.
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::with_capacity(text.len());
        for character in text.chars() {
            match (character, parts.last_mut()) {
                ('*', Some(star @ (PatternPart::WithinSegment | PatternPart::Anything))) => {
                    *star = PatternPart::Anything
                }
                ('*', _) => parts.push(PatternPart::WithinSegment),
                (character, _) => parts.push(PatternPart::Character(character)),
            }
        }
        Self(parts)
    }

    /// Reads a pattern that people write.
    ///
    /// # Errors
    /// If it is empty, or holds characters that have a meaning in shell patterns and none here.
    pub fn checked(text: &str) -> Result<Self, PatternFault> {
        match text.chars().find(|character| matches!(character, '?' | '{' | '}' | '\\')) {
            _ if text.is_empty() => Err(PatternFault::Empty),
            Some('?') => Err(PatternFault::QuestionMark),
            Some('\\') => Err(PatternFault::Backslash),
            Some(_) => Err(PatternFault::Braces),
            None => Ok(Self::new(text)),
        }
    }

    /// Whether the pattern matches the whole text. It takes at most as many steps as the text has characters, times the
    /// characters of the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let mut reached = self.begin();
        for character in text.chars() {
            if !reached.contains(&true) {
                return false;
            }
            reached = self.step(&reached, character);
        }
        reached.last() == Some(&true)
    }

    /// The parts that can match the empty text: the item `n` says whether the first `n` parts can.
    fn begin(&self) -> Vec<bool> {
        let stars = self.0.iter().take_while(|part| part.is_star()).count();
        (0..=self.0.len()).map(|parts| parts <= stars).collect()
    }

    /// The parts that can match after one more character.
    fn step(&self, reached: &[bool], character: char) -> Vec<bool> {
        let mut next = Vec::with_capacity(reached.len());
        // The previous part, whether it was reached before, and whether it is reached now.
        let mut before: Option<(PatternPart, bool, bool)> = None;
        for (index, was_reached) in reached.iter().enumerate() {
            let part = self.0.get(index).copied();
            let stays = *was_reached && part.is_some_and(|part| part.spans(character));
            let enters = before.is_some_and(|(part, was_reached, is_reached)| {
                (was_reached && part == PatternPart::Character(character)) || (is_reached && part.is_star())
            });
            next.push(stays || enters);
            before = part.map(|part| (part, *was_reached, stays || enters));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, PatternFault};

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).matches(text)
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, text) in [
            ("acme/*", "acme/shop"),
            ("acme/**", "acme/shop/deep"),
            ("**", "repo:acme/shop:ref:refs/heads/main"),
            ("a/*/c", "a//c"),
            ("a/**/c", "a/b/b/c"),
            ("report-*", "report-"),
            ("**", ""),
            ("*-a*b", "x-a-ab"),
            ("**a*b", "xa/a-b"),
        ] {
            assert!(matches(pattern, text), "`{pattern}` `{text}`");
        }
        for (pattern, text) in [
            ("acme/*", "acme/shop/deep"),
            ("acme/*", "acme-evil/shop"),
            ("acme/**", "acme"),
            ("a/*/c", "a/b/b/c"),
            ("https://example.com/*", "https://example.com.evil.org/x"),
            ("a*b", "abc"),
        ] {
            assert!(!matches(pattern, text), "`{pattern}` `{text}`");
        }
    }

    #[test]
    fn every_other_character_stands_for_itself() {
        for text in ["acme/shop", "dependabot[bot]", "a?b", "", "äöü"] {
            assert!(matches(text, text), "`{text}`");
        }
        for (pattern, text) in
            [("acme/shop", "acme/shop2"), ("acme/shop", "ACME/shop"), ("a.me", "acme"), ("[ab]", "a"), ("", "a")]
        {
            assert!(!matches(pattern, text), "`{pattern}` `{text}`");
        }
    }

    #[test]
    fn what_a_shell_would_take_for_a_pattern_is_refused() {
        let fault = |text: &str| Pattern::checked(text).err();
        assert_eq!(fault(""), Some(PatternFault::Empty));
        assert_eq!(fault("v?"), Some(PatternFault::QuestionMark));
        assert_eq!(fault("{main,release}"), Some(PatternFault::Braces));
        assert_eq!(fault("dependabot\\[bot\\]"), Some(PatternFault::Backslash));
        assert_eq!(fault("dependabot[bot]"), None);
    }

    /// The definition of a pattern in the fewest words: each star stands for any of the beginnings of the rest.
    fn matches_by_definition(pattern: &str, text: &str) -> bool {
        let (rest, within) = match (pattern.strip_prefix("**"), pattern.strip_prefix('*')) {
            (Some(rest), _) => (rest, text),
            (None, Some(rest)) => (rest, text.split('/').next().unwrap_or_default()),
            (None, None) => {
                let mut pattern = pattern.chars();
                return match pattern.next() {
                    None => text.is_empty(),
                    Some(one) => {
                        text.strip_prefix(one).is_some_and(|text| matches_by_definition(pattern.as_str(), text))
                    }
                };
            }
        };
        let ends = within.char_indices().map(|(end, _)| end).chain([within.len()]);
        ends.filter_map(|end| text.get(end..)).any(|text| matches_by_definition(rest, text))
    }

    /// Every text of up to that many of these characters.
    fn texts(characters: &[&str], most: u32) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut longest = all.clone();
        for _ in 0..most {
            longest =
                longest.iter().flat_map(|text| characters.iter().map(move |more| format!("{text}{more}"))).collect();
            all.extend(longest.iter().cloned());
        }
        all
    }

    #[test]
    fn every_short_pattern_matches_by_its_definition() {
        let texts_of_three = texts(&["a", "é", "/"], 4);
        for pattern in texts(&["*", "a", "é", "/"], 5) {
            for text in &texts_of_three {
                assert_eq!(matches(&pattern, text), matches_by_definition(&pattern, text), "`{pattern}` `{text}`");
            }
        }
    }

    #[test]
    fn many_stars_take_no_longer() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
        assert!(matches(&"**a".repeat(50), &"ba".repeat(5000)));
    }
}
