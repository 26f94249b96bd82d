//! Words of the vocabularies of SBOM formats: read as what they mean, or refused. One that was passed over could hide a
//! package.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// How similar two words have to be for one to be suggested for the other: a Jaro-Winkler similarity.
const SIMILAR: f64 = 0.85;

/// The words that a member of a document can have.
pub(super) trait Vocabulary {
    /// What a word is, in words.
    const WHAT: &'static str;
    /// All of them, as the standard writes them.
    const WORDS: &'static [&'static str];

    /// The word that is written so. Unless said otherwise, neither case counts, nor whether `-` or `_` joins two words.
    fn read(text: &str) -> Option<&'static str> {
        let same = |a: u8, b: u8| a.eq_ignore_ascii_case(&b) || matches!((a, b), (b'-' | b'_', b'-' | b'_'));
        let is_same = |word: &str| word.len() == text.len() && word.bytes().zip(text.bytes()).all(|(a, b)| same(a, b));
        exact::<Self>(text).or_else(|| Self::WORDS.iter().copied().find(|word| is_same(word)))
    }
}

/// The word that is written exactly so.
pub(super) fn exact<V: Vocabulary + ?Sized>(text: &str) -> Option<&'static str> {
    V::WORDS.iter().copied().find(|word| *word == text)
}

/// A word of a vocabulary, as the standard writes it.
pub(super) struct Word<V>(&'static str, PhantomData<V>);

impl<V> Deref for Word<V> {
    type Target = str;

    fn deref(&self) -> &'static str {
        self.0
    }
}

impl<V> fmt::Debug for Word<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, V: Vocabulary> Deserialize<'de> for Word<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordVisitor<V>(PhantomData<V>);

        impl<V: Vocabulary> Visitor<'_> for WordVisitor<V> {
            type Value = Word<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Word<V>, E> {
                V::read(text).map(|word| Word(word, PhantomData)).ok_or_else(|| E::custom(unknown::<V>(text)))
            }
        }

        deserializer.deserialize_str(WordVisitor(PhantomData))
    }
}

/// What is wrong with a text that is none of the words.
fn unknown<V: Vocabulary>(text: &str) -> String {
    let low = text.to_ascii_lowercase();
    let rated = V::WORDS.iter().map(|word| (strsim::jaro_winkler(&low, &word.to_ascii_lowercase()), *word));
    let best = rated.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(similarity, _)| *similarity >= SIMILAR);
    let hint = best.map(|(_, word)| format!(": did you mean `{word}`?")).unwrap_or_default();
    format!("`{}` is no {}{hint}", super::clipped(text), V::WHAT)
}
