//! Finds objects that have a key twice, in any part of a document, whether it is read or skipped.
//!
//! The scan only looks at quotes, braces and commas, because a document can be large and each byte costs fuel. Text
//! that is not JSON is left to the parser.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::IgnoredAny;

use super::NotJson;
use crate::Pointer;

/// The number of keys up to which they are compared one by one: for so few, that is faster than a set.
const FEW: usize = 16;

/// The deepest nesting of a document, as for the host and for `serde_json`.
const DEEPEST: usize = 127;

/// Refuses a document that has a key twice in one object, or is nested too deeply.
pub(super) fn refuse(bytes: &[u8]) -> Result<(), NotJson> {
    let fault = match (Scan { bytes, open: Vec::new(), keys: Vec::new(), starts: Vec::new() }).run() {
        Ok(()) => return Ok(()),
        Err(fault) => fault,
    };
    // In text that is not JSON, the scan may have misread a part.
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(IgnoredAny) => Err(fault),
        Err(error) => Err(NotJson { pointer: Pointer::root(), message: error.to_string() }),
    }
}

type Key<'a> = Cow<'a, [u8]>;

struct Scan<'a> {
    bytes: &'a [u8],
    /// The objects and lists that are open.
    open: Vec<Open<'a>>,
    /// The keys of all open objects, up to the present place. The keys of one object follow each other.
    keys: Vec<Key<'a>>,
    /// The [`start`] of each key. Most keys already differ there.
    starts: Vec<u64>,
}

/// An open object or list.
enum Open<'a> {
    Object {
        /// The index of its first key.
        first: usize,
        /// Its keys beyond [`FEW`], to find them faster.
        more: Option<BTreeSet<Key<'a>>>,
    },
    List {
        index: usize,
    },
}

impl<'a> Scan<'a> {
    fn run(mut self) -> Result<(), NotJson> {
        let bytes = self.bytes;
        let mut at = 0;
        let mut before_key = false;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'"' => {
                    let Some((end, escaped)) = end_of_string(bytes, at) else { return Ok(()) };
                    if before_key && let Some(key) = key(bytes, at, end, escaped) {
                        self.add(key)?;
                    }
                    before_key = false;
                    at = end + 1;
                }
                b'{' => {
                    self.begin(Open::Object { first: self.keys.len(), more: None })?;
                    before_key = true;
                }
                b'[' => {
                    self.begin(Open::List { index: 0 })?;
                    before_key = false;
                }
                b'}' | b']' => {
                    if let Some(Open::Object { first, .. }) = self.open.pop() {
                        self.keys.truncate(first);
                        self.starts.truncate(first);
                    }
                    before_key = false;
                }
                b',' => match self.open.last_mut() {
                    Some(Open::Object { .. }) => before_key = true,
                    Some(Open::List { index }) => *index += 1,
                    None => {}
                },
                b'\n' => {
                    while bytes.get(at..).and_then(|rest| rest.first_chunk()) == Some(b"        ") {
                        at += 8;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, open: Open<'a>) -> Result<(), NotJson> {
        if self.open.len() == DEEPEST {
            let message = format!("it is nested more than {DEEPEST} levels deep");
            return Err(NotJson { pointer: Pointer::root(), message });
        }
        self.open.push(open);
        Ok(())
    }

    /// Adds a key to the innermost object.
    fn add(&mut self, key: Key<'a>) -> Result<(), NotJson> {
        let Some(Open::Object { first, more }) = self.open.last_mut() else { return Ok(()) };
        let (first, start) = (*first, start(&key));
        let starts = self.starts.get(first..).unwrap_or_default();
        let is_doubled = if starts.len() < FEW {
            let mut alike = starts.iter().enumerate().filter(|(_, other)| **other == start);
            alike.any(|(index, _)| self.keys.get(first + index) == Some(&key))
        } else {
            let few = || self.keys.iter().skip(first).cloned().collect();
            !more.get_or_insert_with(few).insert(key.clone())
        };
        if is_doubled {
            return Err(self.doubled(&key));
        }
        self.keys.push(key);
        self.starts.push(start);
        Ok(())
    }

    fn doubled(&self, key: &[u8]) -> NotJson {
        let text = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
        // The object belongs to the last key before its beginning.
        let starts = self.open.iter().skip(1).map(|open| match open {
            Open::Object { first, .. } => Some(*first),
            Open::List { .. } => None,
        });
        let mut place = Pointer::root();
        for (depth, open) in self.open.iter().enumerate() {
            place = match open {
                Open::List { index } => place.index(*index),
                Open::Object { .. } => {
                    let next = starts.clone().skip(depth).flatten().next();
                    let last = next.and_then(|next| self.keys.get(next.checked_sub(1)?));
                    place.key(&text(last.map_or(key, |last| last)))
                }
            };
        }
        let message = format!("the key `{}` is duplicated in one object: keep one of them", text(key));
        NotJson { pointer: place, message }
    }
}

/// The end of the string whose opening quote is before `at`, and whether it has escapes. Reads eight bytes at once.
/// None if the string does not end.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    const ONES: u64 = u64::MAX / 0xff;
    /// Sets the highest bit in each byte that is zero, at least up to the first such byte.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & (ONES << 7)
    }
    let mut escaped = false;
    loop {
        let rest = bytes.get(at..)?;
        let found = match rest.first_chunk() {
            Some(word) => {
                let word = u64::from_le_bytes(*word);
                let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
                if found == 0 {
                    at += 8;
                    continue;
                }
                (found.trailing_zeros() / 8) as usize
            }
            None => rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?,
        };
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// The key between its quotes, unescaped if needed.
fn key(bytes: &[u8], from: usize, end: usize, escaped: bool) -> Option<Key<'_>> {
    if escaped {
        let text: String = serde_json::from_slice(bytes.get(from.checked_sub(1)?..=end)?).ok()?;
        return Some(Cow::Owned(text.into_bytes()));
    }
    bytes.get(from..end).map(Cow::Borrowed)
}

/// The length of a key, as far as a byte holds it, and its first bytes: keys that differ here are not the same.
fn start(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(7);
    if let (Some(start), Some(key)) = (bytes.get_mut(..length), key.get(..length)) {
        start.copy_from_slice(key);
    }
    u64::from_le_bytes(bytes) | (key.len() as u64) << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<String> {
        refuse(text.as_bytes()).err().map(|error| format!("{}: {}", error.pointer, error.message))
    }

    fn twice(place: &str, key: &str) -> Option<String> {
        Some(format!("{place}: the key `{key}` is duplicated in one object: keep one of them"))
    }

    #[test]
    fn the_first_key_that_stands_twice_is_refused_with_its_place() {
        assert_eq!(fault(r#"{"a": 1, "b": [{"c": {"x~": 1, "y": 2, "x~": {}}}]}"#), twice("/b/0/c/x~0", "x~"));
        assert_eq!(fault(r#"[[0, 1], {"k": [2, {"v": 0, "w": [], "v": 1}]}]"#), twice("/1/k/1/v", "v"));
        assert_eq!(fault(r#"{"a": {"b": 1}, "c": 2, "a": {"d": 1}}"#), twice("/a", "a"));
        assert_eq!(fault("{\"ключ\" : 1 ,\n\t\"ключ\" : 2}"), twice("/ключ", "ключ"));
    }

    #[test]
    fn keys_are_compared_as_what_they_say() {
        assert_eq!(fault(r#"{"a": 1, "\u0061": 2}"#), twice("/a", "a"));
        assert_eq!(fault(r#"{"\"": 1, "\u0022": 2}"#), twice("/\"", "\""));
        assert_eq!(fault(r#"{"a\\": 1, "a": 2, "a\\\"": 3}"#), None);
        assert_eq!(fault(r#"{"": 1, "": 2}"#), twice("/", ""));
    }

    #[test]
    fn keys_beyond_the_first_few_are_compared_too() {
        let many: Vec<String> = (0..40).map(|number| format!(r#""k{number}": 0"#)).collect();
        let many = many.join(",");
        assert_eq!(fault(&format!(r#"[{{{many}}}, {{{many}}}]"#)), None);
        assert_eq!(fault(&format!(r#"[{{{many}, "k39": 1}}]"#)), twice("/0/k39", "k39"));
        assert_eq!(fault(&format!(r#"[{{{many}, "k3": 1}}]"#)), twice("/0/k3", "k3"));
    }

    #[test]
    fn what_is_no_key_is_no_fault() {
        for text in [
            r#"{"a": {"a": [{"a": 1.5}, {"a": null}]}, "b": {"a": -1}}"#,
            r#"{"a": "a", "b": ["a", "a", "b"], "c": "{\"a\": 1, \"a\": 2}"}"#,
            r#"{"a": "\\", "b": "\"", "c": "}{][,:"}"#,
            r#"["a", "a"]"#,
            r#""a""#,
            "{}",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn the_end_of_a_string_is_found_at_every_offset() {
        for length in 0..40 {
            let plain = [vec![b'!'; length], b"\"!!".to_vec()].concat();
            assert_eq!(end_of_string(&plain, 0), Some((length, false)));
            for at in 0..length {
                let escaped = [vec![0xa2; at], b"\\\"".to_vec(), vec![b'#'; length - at], vec![b'"']].concat();
                assert_eq!(end_of_string(&escaped, 0), Some((length + 2, true)), "{length} {at}");
                assert_eq!(end_of_string(&escaped, at + 2), Some((length + 2, false)), "{length} {at}");
            }
            assert_eq!(end_of_string(&vec![0xa2; length], 0), None);
            assert_eq!(end_of_string(&[vec![b'!'; length], b"\\\"".to_vec()].concat(), 0), None);
        }
    }

    #[test]
    fn keys_that_begin_alike_are_told_apart() {
        let long = |end: &str| format!("{}{end}", "k".repeat(300));
        let (a, b, shorter) = (long("a"), long("b"), "k".repeat(45));
        assert_eq!(fault(&format!(r#"{{"{a}": 1, "{b}": 2, "{shorter}": 3, "kkkkkkk": 4, "kkkkkk": 5}}"#)), None);
        assert_eq!(fault(&format!(r#"{{"{a}": 1, "{b}": 2, "{a}": 3}}"#)), twice(&format!("/{a}"), &a));
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(fault(&deep(127)), None);
        assert_eq!(fault(&deep(128)), Some(": it is nested more than 127 levels deep".to_owned()));
    }

    #[test]
    fn what_is_no_json_is_left_to_those_who_read_it() {
        for text in ["", "{", "[1,]", "{} {}", "nul", "}}]]", "\"", "\"\\", "{\"a\"", "{\"a\\u00\": 1}", ",,:"] {
            assert_eq!(fault(text), None, "{text}");
        }
        let broken = r#"{"a": 1 "a": 2, "a": 3}"#;
        assert!(fault(broken).is_some_and(|fault| fault.starts_with(": expected `,` or `}`")), "{:?}", fault(broken));
        assert!(super::super::read::<serde_json::Value>(b"{} {}").is_err());
    }
}
