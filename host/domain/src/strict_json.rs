//! Reads JSON from outside: at the server, at the command line, from a plugin. All of them use this reader.
//!
//! A document is accepted as a whole or refused. An object that has one key twice has no meaning (RFC 8259 leaves open
//! which one counts), so it is refused. A number that the canonical form (RFC 8785) cannot keep would be another one
//! when it is read back from the ledger, so it is refused too. Every other number is converted to its canonical form at
//! once.
//!
//! `serde_json` gives the double that is nearest to a number. Only the text shows whether it is the number itself, so
//! the reader finds the text of each number.

use crate::escaped_token;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Number, Value};

/// The largest whole number that a double distinguishes from its neighbours, and the largest number that a document may
/// hold: 2^53.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// The most faults of one document that are listed.
const MOST_FAULTS: usize = 100;

/// A fault at one place of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonFault {
    /// The place, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The kind of fault.
    pub kind: JsonFaultKind,
}

/// A kind of fault of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonFaultKind {
    /// An object has a key twice.
    #[error("the key `{0}` appears twice in one object: keep one of the two")]
    DoubledKey(String),
    /// A number is larger than the canonical form can keep.
    #[error(
        "the number is too large: numbers are exact from -9007199254740992 to 9007199254740992 (2^53); write it as a \
         text, for example \"9007199254740993\""
    )]
    LargeNumber,
    /// A number has more digits than a double can keep.
    #[error(
        "the number `{}` is not kept exactly, only as `{nearest}`: write that, or write it as a text, \"{}\"",
        shortened(written),
        shortened(written)
    )]
    InexactNumber {
        /// The number as it is written.
        written: String,
        /// The shortest number that would be kept in its place.
        nearest: String,
    },
    /// A number is larger than a double can be.
    #[error("the number `{}` is larger than a number can be: write it as a text, \"{}\"", shortened(.0), shortened(.0))]
    EndlessNumber(String),
}

/// Why a text is refused as a JSON document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is not JSON (RFC 8259).
    #[error("{}", located(.0))]
    Syntax(serde_json::Error),
    /// The text is JSON, but has at least one fault.
    #[error("{}", listed(.0))]
    Faults(Vec<JsonFault>),
}

/// The message of a syntax error, with its place first.
fn located(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    if error.is_eof() {
        return format!("the text ends too early, at line {line}, column {column}");
    }
    let said = error.to_string();
    let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    format!("line {line}, column {column}: {said}")
}

fn listed(faults: &[JsonFault]) -> String {
    let told = |JsonFault { pointer, kind }: &JsonFault| match pointer.as_str() {
        "" => kind.to_string(),
        pointer => format!("at `{pointer}`: {kind}"),
    };
    faults.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// The bytes without a byte order mark at the beginning.
pub fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

/// Reads a document that the ledger may keep: every number in its canonical form, and each key once.
///
/// # Errors
/// If it is not JSON, is nested more than 127 levels deep, has a key twice in one object, or a number that the
/// canonical form cannot keep exactly.
pub fn read_json(bytes: &[u8]) -> Result<Value, JsonError> {
    JsonReader::default().with_canonical_numbers().read(bytes)
}

/// Reads JSON strictly. By default it accepts numbers as they are, and 127 levels.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonReader {
    canonical_numbers: bool,
    any_depth: bool,
}

impl JsonReader {
    /// Converts numbers to their canonical form, and refuses those that have none.
    #[must_use]
    pub fn with_canonical_numbers(self) -> Self {
        Self { canonical_numbers: true, ..self }
    }

    /// Reads to any depth. Use it only for a text whose depth is known to be bounded.
    #[must_use]
    pub fn with_any_depth(self) -> Self {
        Self { any_depth: true, ..self }
    }

    /// Reads a document. Skips a byte order mark at its beginning.
    ///
    /// # Errors
    /// If it is not JSON, is too deep, or has faults.
    pub fn read(self, bytes: &[u8]) -> Result<Value, JsonError> {
        let bytes = without_byte_order_mark(bytes);
        let readable = without_endless_numbers(bytes);
        let mut deserializer = Deserializer::from_slice(&readable);
        if self.any_depth {
            deserializer.disable_recursion_limit();
        }
        let mut reading = Reading { numbers: NumberTexts { text: bytes, at: 0 }, faults: Vec::new() };
        let seed = ValueSeed { reader: self, place: &JsonPlace::Root, reading: &mut reading };
        let value = seed.deserialize(&mut deserializer).map_err(JsonError::Syntax)?;
        deserializer.end().map_err(JsonError::Syntax)?;
        match reading.faults.is_empty() {
            true => Ok(value),
            false => Err(JsonError::Faults(reading.faults)),
        }
    }
}

/// The state while a text is read.
struct Reading<'t> {
    /// The numbers that were not read yet.
    numbers: NumberTexts<'t>,
    /// The faults that were found so far.
    faults: Vec<JsonFault>,
}

impl Reading<'_> {
    fn fault(&mut self, place: &JsonPlace<'_>, kind: JsonFaultKind) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(JsonFault { pointer: place.pointer(), kind });
        }
    }
}

/// The numbers of a JSON text, one after the other, with their places.
struct NumberTexts<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> NumberTexts<'t> {
    /// The next number as it is written.
    #[expect(clippy::expect_used, reason = "a number that is not held against its text could be read as 0")]
    fn next_text(&mut self) -> &'t str {
        let number = self.next().and_then(|range| self.text.get(range));
        let number = number.and_then(|number| std::str::from_utf8(number).ok());
        number.expect("`serde_json` hands over each number once, in the order of the text")
    }
}

impl Iterator for NumberTexts<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let mut in_string = false;
        loop {
            match self.text.get(self.at)? {
                // An escaped quotation mark does not end the string.
                b'\\' if in_string => self.at += 1,
                b'"' => in_string = !in_string,
                b'-' | b'0'..=b'9' if !in_string => break,
                _ => {}
            }
            self.at += 1;
        }
        let rest = self.text.get(self.at..)?;
        let is_of_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let start = self.at;
        self.at += rest.iter().take_while(is_of_number).count();
        Some(start..self.at)
    }
}

/// The text with a zero in place of each number that is no double, which `serde_json` refuses without its place. All
/// other places stay the same.
fn without_endless_numbers(text: &[u8]) -> Cow<'_, [u8]> {
    let mut readable = Cow::Borrowed(text);
    for range in (NumberTexts { text, at: 0 }) {
        let number = text.get(range.clone()).and_then(|number| std::str::from_utf8(number).ok());
        if number.is_some_and(is_endless)
            && let Some(number) = readable.to_mut().get_mut(range)
        {
            number.fill(b' ');
            if let Some(first) = number.first_mut() {
                *first = b'0';
            }
        }
    }
    readable
}

/// Whether a number is larger than the largest double. Only a long one or one with an exponent can be.
fn is_endless(number: &str) -> bool {
    (number.len() > 300 || number.contains(['e', 'E'])) && number.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// The digits of a number without zeros at either end, and the power of ten that multiplies them: `1200` gives `12` and
/// `2`. None if the power does not fit into an `i64`.
fn decimal(number: &str) -> Option<(Cow<'_, str>, i64)> {
    let number = number.strip_prefix('-').unwrap_or(number);
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all: Cow<'_, str> = if fraction.is_empty() { whole.into() } else { format!("{whole}{fraction}").into() };
    let significant = all.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(("".into(), 0));
    }
    let zeros = all.len() - all.trim_end_matches('0').len();
    let shift = i64::try_from(zeros).ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let exponent = exponent.parse::<i64>().ok()?.checked_add(shift)?;
    Some((significant.to_owned().into(), exponent))
}

/// The part of a number that a message shows.
fn shortened(number: &str) -> Cow<'_, str> {
    const LONGEST: usize = 40;
    match number.get(..LONGEST) {
        Some(begin) if number.len() > LONGEST => format!("{begin}...").into(),
        _ => number.into(),
    }
}

/// The place of a value.
enum JsonPlace<'p> {
    Root,
    Item(&'p JsonPlace<'p>, usize),
    Member(&'p JsonPlace<'p>, &'p str),
}

impl JsonPlace<'_> {
    fn pointer(&self) -> String {
        let (mut steps, mut place) = (Vec::new(), self);
        loop {
            place = match place {
                JsonPlace::Root => break,
                JsonPlace::Item(of, index) => {
                    steps.push(format!("/{index}"));
                    of
                }
                JsonPlace::Member(of, name) => {
                    steps.push(format!("/{}", escaped_token(name)));
                    of
                }
            };
        }
        steps.into_iter().rev().collect()
    }
}

/// Reads one value at its place.
struct ValueSeed<'p, 't> {
    reader: JsonReader,
    place: &'p JsonPlace<'p>,
    reading: &'p mut Reading<'t>,
}

impl ValueSeed<'_, '_> {
    fn number(self, number: Number) -> Value {
        let written = self.reading.numbers.next_text();
        let kept = match is_endless(written) {
            true => Err(JsonFaultKind::EndlessNumber(written.to_owned())),
            false if self.reader.canonical_numbers => kept_number(&number, written),
            false => Ok(number),
        };
        match kept {
            Ok(number) => Value::Number(number),
            Err(kind) => {
                self.reading.fault(self.place, kind);
                Value::Null
            }
        }
    }
}

/// The number in its canonical form, if that keeps it exactly.
fn kept_number(number: &Number, written: &str) -> Result<Number, JsonFaultKind> {
    let canonical = canonical_number(number).ok_or(JsonFaultKind::LargeNumber)?;
    let is_whole = number.is_i64() || number.is_u64();
    // Rust writes the shortest number that is read as this double.
    let nearest = canonical.to_string();
    match is_whole || decimal(written).is_some_and(|decimal_of| Some(decimal_of) == decimal(&nearest)) {
        true => Ok(canonical),
        false => Err(JsonFaultKind::InexactNumber { written: written.to_owned(), nearest }),
    }
}

/// The number as it is read back from canonical JSON: a whole number without a fraction. None if that does not keep it
/// exactly.
pub fn canonical_number(number: &Number) -> Option<Number> {
    if let Some(whole) = number.as_i64() {
        return (whole.unsigned_abs() <= 1 << 53).then(|| number.clone());
    }
    let double = number.as_f64().filter(|double| double.abs() <= LARGEST)?;
    if double.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and at most 2^53")]
        return Some((double as i64).into());
    }
    Some(number.clone())
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(self.number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(self.number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("a number is not finite"))?;
        Ok(self.number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Self { reader, place, reading } = self;
        let mut list = Vec::new();
        loop {
            let place = JsonPlace::Item(place, list.len());
            let seed = ValueSeed { reader, place: &place, reading: &mut *reading };
            match items.next_element_seed(seed)? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Self { reader, place, reading } = self;
        let mut object = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let place = JsonPlace::Member(place, &name);
            if object.contains_key(&name) {
                reading.fault(&place, JsonFaultKind::DoubledKey(name.clone()));
            }
            let value = members.next_value_seed(ValueSeed { reader, place: &place, reading: &mut *reading })?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use lockgate_repeat::Repeat;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::canonical_json;

    fn faults(text: &str) -> Vec<(String, JsonFaultKind)> {
        match read_json(text.as_bytes()) {
            Err(JsonError::Faults(faults)) => {
                faults.into_iter().map(|JsonFault { pointer, kind }| (pointer, kind)).collect()
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn numbers_are_read_in_their_canonical_form() {
        for (written, canonical) in [
            ("1000.0", "1000"),
            ("1E2", "100"),
            ("100.0", "100"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("1e-7", "1e-7"),
            ("100.5", "100.5"),
            ("0.1", "0.1"),
            ("9007199254740992", "9007199254740992"),
            ("-9007199254740992.0", "-9007199254740992"),
            ("9007199254740991.0", "9007199254740991"),
        ] {
            let read = read_json(format!("[{written}]").as_bytes()).unwrap();
            assert_eq!(canonical_json(&read).unwrap(), format!("[{canonical}]").as_bytes(), "{written}");
            assert_eq!(read, serde_json::from_str::<Value>(&format!("[{canonical}]")).unwrap(), "{written}");
        }
    }

    #[test]
    fn numbers_that_the_canonical_form_does_not_keep_are_refused_with_their_place() {
        for number in [
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "100000000000000000001",
            "1e300",
            "-1E17",
        ] {
            let text = format!(r#"{{"a/b": [0, {{"v": {number}}}]}}"#);
            assert_eq!(faults(&text), [("/a~1b/1/v".to_owned(), JsonFaultKind::LargeNumber)], "{number}");
            assert!(JsonReader::default().read(text.as_bytes()).is_ok());
        }
    }

    #[test]
    fn decimals_that_a_double_does_not_keep_are_refused_with_their_place() {
        for (written, nearest) in [
            ("9007199254740991.5", "9007199254740992"),
            ("1.00000000000000000001", "1"),
            ("0.1e-400", "0"),
            ("0.1e-99999999999999999999", "0"),
            ("-123456789.123456789123", "-123456789.12345679"),
            ("0.10000000000000001", "0.1"),
        ] {
            let text = format!(r#"{{"-1": "-1.5\"", "a": [0.5, {written}, 1e400, 2]}}"#);
            let (written, nearest) = (written.to_owned(), nearest.to_owned());
            let inexact = JsonFaultKind::InexactNumber { written, nearest };
            let endless = JsonFaultKind::EndlessNumber("1e400".to_owned());
            assert_eq!(faults(&text), [("/a/1".to_owned(), inexact), ("/a/2".to_owned(), endless)]);
        }
        for exact in [
            "0.1",
            "1.50",
            "1e3",
            "-2.5E-3",
            "0.30000000000000004",
            "5e-324",
            "0e400",
            "-0.0e-999999999999999999999",
            "12.00e1",
        ] {
            assert!(read_json(exact.as_bytes()).is_ok(), "{exact}");
        }
    }

    #[test]
    fn a_number_that_is_no_double_is_refused_with_its_place_and_nothing_else_is_taken_for_one() {
        let endless = |text: &str| JsonFaultKind::EndlessNumber(text.to_owned());
        assert_eq!(faults("-1e400"), [(String::new(), endless("-1e400"))]);
        let long = format!("1{}", "0".repeat(400));
        assert_eq!(faults(&format!("[{long}]")), [("/0".to_owned(), endless(&long))]);
        assert!(endless(&long).to_string().len() < 200);
        let read = JsonReader::default().read(br#"{"a": 1e400}"#);
        assert!(matches!(read, Err(JsonError::Faults(_))), "{read:?}");
        assert_eq!(read_json(br#"{"1e400": "\\\" -1e400"}"#).unwrap(), json!({"1e400": "\\\" -1e400"}));
        for text in ["[1e400.1]x", "01e400", "+1e400", "1e400 1", "[1e400", "1.e400 ]", "1e400x"] {
            assert!(read_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_that_stand_twice_are_refused_each_with_its_place() {
        let text = r#"{"a": 1, "b": [{"c": {"x~": 1, "x~": 1, "y": 2}}], "\u0061": {"a": 1}}"#;
        let twice = |name: &str| JsonFaultKind::DoubledKey(name.to_owned());
        assert_eq!(faults(text), [("/b/0/c/x~0".to_owned(), twice("x~")), ("/a".to_owned(), twice("a"))]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_beginning_alone() {
        assert_eq!(read_json("\u{feff}{\"a\": 1}".as_bytes()).unwrap(), json!({"a": 1}));
        assert_eq!(read_json("\u{feff} \"\u{feff}\"".as_bytes()).unwrap(), json!("\u{feff}"));
        for text in ["\u{feff}\u{feff}{}", " \u{feff}{}", "{}\u{feff}", "\u{feff}", "", "{} {}"] {
            assert!(matches!(read_json(text.as_bytes()), Err(JsonError::Syntax(_))), "{text:?}");
        }
    }

    #[test]
    fn depth_is_bounded_unless_the_caller_bounded_it() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(read_json(deep(127).as_bytes()).is_ok());
        assert!(matches!(read_json(deep(128).as_bytes()), Err(JsonError::Syntax(_))));
        assert!(JsonReader::default().with_any_depth().read(deep(200).as_bytes()).is_ok());
    }

    proptest! {
        #![proptest_config(Repeat::new(256, 100_000).property())]

        #[test]
        fn what_was_read_is_read_back_the_same_from_its_canonical_form(
            doubles in proptest::collection::vec(any::<f64>(), 0..4),
            small in -1e6..1e6_f64,
            whole in any::<i64>(),
        ) {
            for number in doubles.into_iter().chain([small, small.round()]).map(|number| json!(number)).chain([json!(whole)]) {
                // The shortest form of a double is always that double.
                let is_large = number.as_f64().is_some_and(|number| number.abs() > LARGEST);
                prop_assert_eq!(read_json(number.to_string().as_bytes()).is_ok(), !is_large, "{}", number);
                if let Ok(read) = read_json(number.to_string().as_bytes()) {
                    let canonical = canonical_json(&read).unwrap();
                    prop_assert_eq!(&read, &serde_json::from_slice::<Value>(&canonical).unwrap());
                    prop_assert_eq!(&read, &read_json(&canonical).unwrap());
                }
            }
        }
    }
}
