//! Patterns with `*`, for names, origins and package URLs in settings.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text in which `*` stands for any run of characters but `/`, and `**` for any run of characters.
///
/// ```
/// use lockgate_plugin::Pattern;
///
/// assert!(Pattern::new("oci://registry.example.com/shop/*").matches("oci://registry.example.com/shop/app:2.4"));
/// assert!(!Pattern::new("oci://registry.example.com/shop/*").matches("oci://registry.example.com/shop/a/b"));
/// assert!(Pattern::new("pkg:npm/**").matches("pkg:npm/%40scope/name@1.0.0"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// How much of the text stands before the first star: most texts differ there already.
    literal: usize,
    /// What follows it.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// This character.
    One(char),
    /// Any run of characters but `/`.
    Segment,
    /// Any run of characters.
    Anything,
}

impl Pattern {
    /// The pattern that is written so. Every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let literal = text.find('*').unwrap_or(text.len());
        let mut parts = Vec::new();
        let mut characters = text.get(literal..).unwrap_or_default().chars().peekable();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' if characters.next_if_eq(&'*').is_some() => Part::Anything,
                '*' => Part::Segment,
                other => Part::One(other),
            });
        }
        Self { text, literal, parts }
    }

    /// Whether the whole text fits. Takes time in proportion to the lengths of both.
    pub fn matches(&self, text: &str) -> bool {
        let literal = self.text.get(..self.literal).unwrap_or_default();
        let Some(text) = text.strip_prefix(literal) else { return false };
        if self.parts.is_empty() {
            return text.is_empty();
        }
        // How many parts may be done when that much of the text has been read.
        let mut done = vec![false; self.parts.len() + 1];
        let mut next = done.clone();
        if let Some(first) = done.first_mut() {
            *first = true;
        }
        self.skip_runs(&mut done);
        for character in text.chars() {
            next.fill(false);
            for (index, part) in self.parts.iter().enumerate() {
                if !done.get(index).copied().unwrap_or(false) {
                    continue;
                }
                let after = match part {
                    Part::One(one) if *one == character => index + 1,
                    Part::Segment if character != '/' => index,
                    Part::Anything => index,
                    _ => continue,
                };
                if let Some(after) = next.get_mut(after) {
                    *after = true;
                }
            }
            self.skip_runs(&mut next);
            std::mem::swap(&mut done, &mut next);
        }
        done.last().copied().unwrap_or(false)
    }

    /// A run may be empty.
    fn skip_runs(&self, done: &mut [bool]) {
        for (index, part) in self.parts.iter().enumerate() {
            if *part != (Part::Segment) && *part != (Part::Anything) {
                continue;
            }
            if done.get(index).copied().unwrap_or(false)
                && let Some(after) = done.get_mut(index + 1)
            {
                *after = true;
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A text in which `*` stands for any run of characters but `/`, and `**` for any run."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).matches(text)
    }

    #[test]
    fn a_pattern_without_stars_fits_only_itself() {
        assert!(fits("sbom", "sbom"));
        assert!(!fits("sbom", "sbom2"));
        assert!(!fits("sbom", "sbo"));
        assert!(fits("", ""));
    }

    #[test]
    fn a_star_stays_within_a_segment_and_two_do_not() {
        assert!(fits("a/*/c", "a/b/c"));
        assert!(fits("a/*/c", "a//c"));
        assert!(!fits("a/*/c", "a/b/b/c"));
        assert!(fits("a/**/c", "a/b/b/c"));
        assert!(fits("**", ""));
        assert!(fits("report-*", "report-"));
        assert!(!fits("https://example.com/*", "https://example.com.evil.org/x"));
    }

    #[test]
    fn many_stars_take_no_longer() {
        assert!(!fits(&"*a".repeat(200), &"a".repeat(199)));
        assert!(fits(&"**a".repeat(50), &"ba".repeat(5000)));
    }
}
