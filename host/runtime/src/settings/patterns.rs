//! The regular expressions of a schema, each compiled once and within bounds.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::MarkError;

/// How many regular expressions a schema may have.
const MOST_PATTERNS: usize = 64;
/// How many bytes a small one has at most when it is compiled: `^[^@ ]+@[^@ ]+$` has 3,000.
const SMALL_PATTERN: usize = 16 << 10;
/// How many bytes any may have: `^[\w.+-]+@[\w.-]+$` has 120,000.
const LARGEST_PATTERN: usize = 256 << 10;

/// The compiled regular expressions of a schema; none for one that this host cannot use.
#[derive(Debug, Default)]
pub(super) struct Patterns<'a>(HashMap<&'a str, Option<Pattern>>);

/// One of them.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// How much longer it takes at worst for each byte of a text than a small one does.
    pub(super) weight: usize,
}

impl<'a> Patterns<'a> {
    /// The compiled form of a regular expression; none if it has a syntax that this host does not know, such as a
    /// look-ahead, or becomes too large.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn compiled(&mut self, pattern: &'a str) -> Result<Option<&Pattern>, MarkError> {
        if self.0.len() >= MOST_PATTERNS && !self.0.contains_key(pattern) {
            return Err(MarkError::TooIntricate);
        }
        Ok(self.0.entry(pattern).or_insert_with(|| Pattern::new(pattern)).as_ref())
    }
}

impl Pattern {
    fn new(pattern: &str) -> Option<Self> {
        let sizes = [SMALL_PATTERN, LARGEST_PATTERN];
        sizes.into_iter().find_map(|size| {
            let regex = RegexBuilder::new(pattern).size_limit(size).build().ok()?;
            Some(Self { regex, weight: size / SMALL_PATTERN })
        })
    }
}
