//! Patterns with `*`, for names, origins and package URLs in settings.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text in which `*` stands for any run of characters except `/`, and `**` for any run of characters.
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
    /// The length of the text before the first star: most texts already differ there.
    literal: usize,
    /// The part from the first star on. None if there is no star.
    automaton: Option<Automaton>,
}

impl Pattern {
    /// Reads a pattern. Every text is a pattern.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let literal = text.find('*').unwrap_or(text.len());
        let automaton = text.get(literal..).filter(|starred| !starred.is_empty()).map(Automaton::new);
        Self { text, literal, automaton }
    }

    /// Whether the whole text matches. However many stars the pattern has, this takes a few steps for each character of
    /// the text, and as many more for each 63 characters of the pattern.
    pub fn matches(&self, text: &str) -> bool {
        let literal = self.text.get(..self.literal).unwrap_or_default();
        match (text.strip_prefix(literal), &self.automaton) {
            (None, _) => false,
            (Some(rest), None) => rest.is_empty(),
            (Some(rest), Some(automaton)) => automaton.accepts(rest),
        }
    }
}

/// The states of a pattern, for all ways of reading a text at once: bit `n` says that the first `n` characters that are
/// not stars have been read. The stars before the next such character keep a state as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Automaton {
    /// The number of characters that are not stars.
    characters: usize,
    /// The text after the last star: a text with another ending does not match.
    ending: String,
    /// For each character that is not a star, in order of the characters: the states in which it is the next.
    next: Vec<(char, Vec<u64>)>,
    /// The states that any character keeps, because `**` follows.
    kept: Vec<u64>,
    /// The states that any character except `/` keeps, because `*` follows.
    kept_in_segment: Vec<u64>,
}

impl Automaton {
    /// The automaton for a pattern that begins with a star.
    fn new(starred: &str) -> Self {
        let characters = starred.chars().filter(|character| *character != '*').count();
        let states = vec![0; characters / 64 + 1];
        let (mut kept, mut kept_in_segment) = (states.clone(), states.clone());
        let mut next: BTreeMap<char, Vec<u64>> = BTreeMap::new();
        let mut state = 0;
        let mut stars = 0;
        for character in starred.chars() {
            if character != '*' {
                set(next.entry(character).or_insert_with(|| states.clone()), state);
                (state, stars) = (state + 1, 0);
                continue;
            }
            stars += 1;
            set(&mut kept_in_segment, state);
            if stars == 2 {
                set(&mut kept, state);
            }
        }
        let ending = starred.rsplit('*').next().unwrap_or_default().to_owned();
        Self { characters, ending, next: next.into_iter().collect(), kept, kept_in_segment }
    }

    fn accepts(&self, text: &str) -> bool {
        if !text.ends_with(&self.ending) {
            return false;
        }
        let mut now = vec![0; self.kept.len()];
        set(&mut now, 0);
        for character in text.chars() {
            let found = self.next.binary_search_by_key(&character, |(character, _)| *character).ok();
            let next = found.and_then(|index| self.next.get(index)).map(|(_, states)| states.as_slice());
            let kept = if character == '/' { &self.kept } else { &self.kept_in_segment };
            let mut carried = 0;
            let mut any = 0;
            for (index, (states, kept)) in now.iter_mut().zip(kept).enumerate() {
                let step = next.and_then(|next| next.get(index)).map_or(0, |next| *states & next);
                *states = (*states & kept) | (step << 1) | carried;
                carried = step >> 63;
                any |= *states;
            }
            if any == 0 {
                return false;
            }
        }
        now.get(self.characters / 64).is_some_and(|states| states >> (self.characters % 64) & 1 == 1)
    }
}

fn set(states: &mut [u64], state: usize) {
    if let Some(states) = states.get_mut(state / 64) {
        *states |= 1 << (state % 64);
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
            "format": "lockgate-pattern",
            "description": "A text in which `*` matches any characters except `/`, and `**` matches any characters."
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
        let many = format!("pkg:npm/{}z", "*a".repeat(5000));
        assert!(!fits(&many, &format!("pkg:npm/{}", "a".repeat(100_000))), "it does not end so");
        assert!(!fits(&"**a*".repeat(60), &format!("{}b/", "a".repeat(59))));
    }

    /// What a pattern says, in the fewest words: each star stands for any of the beginnings of what is left.
    fn fits_by_definition(pattern: &str, text: &str) -> bool {
        let (rest, within) = match (pattern.strip_prefix("**"), pattern.strip_prefix('*')) {
            (Some(rest), _) => (rest, text),
            (None, Some(rest)) => (rest, text.split('/').next().unwrap_or_default()),
            (None, None) => {
                let mut pattern = pattern.chars();
                return match pattern.next() {
                    None => text.is_empty(),
                    Some(one) => text.strip_prefix(one).is_some_and(|text| fits_by_definition(pattern.as_str(), text)),
                };
            }
        };
        let ends = within.char_indices().map(|(end, _)| end).chain([within.len()]);
        ends.filter_map(|end| text.get(end..)).any(|text| fits_by_definition(rest, text))
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
    fn every_short_pattern_fits_what_it_says() {
        let texts_of_three = texts(&["a", "é", "/"], 4);
        for pattern in texts(&["*", "a", "é", "/"], 5) {
            for text in &texts_of_three {
                assert_eq!(fits(&pattern, text), fits_by_definition(&pattern, text), "`{pattern}` `{text}`");
            }
        }
    }

    #[test]
    fn patterns_of_more_than_64_characters_are_read_wholly() {
        for length in 60..=200 {
            let literal: String = ('a'..='z').cycle().take(length).collect();
            let (starred, split) = (format!("*{literal}"), literal.split_at(length / 2));
            assert!(fits(&starred, &literal) && fits(&starred, &format!("xyz{literal}")), "{length}");
            assert!(!fits(&starred, &literal[1..]) && !fits(&starred, &format!("{literal}!")), "{length}");
            let halves = format!("{}*{}", split.0, split.1);
            assert!(fits(&halves, &literal) && !fits(&halves, &format!("{}/{}", split.0, split.1)), "{length}");
        }
    }
}
