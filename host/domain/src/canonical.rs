//! Canonical JSON (RFC 8785), the form of everything that has a digest.
//!
//! Every decision needs it many times, so it is made in one buffer. The members of an object are written in the order
//! in which they arrive, and sorted in place when the object ends. That costs nothing if they arrived in order, and one
//! copy of the object otherwise.

use std::cell::Cell;
use std::cmp::Ordering;
use std::io;
use std::ops::Range;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Why a text is not a digest, or a value has none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The text is not `sha256:` and 64 lower-case hex digits.
    #[error("`{0}` is not a digest: write `sha256:` and 64 lower-case hex digits")]
    Malformed(String),
    /// The value has no JSON form, for example a number that is not finite.
    #[error("the value has no canonical JSON form: {0}")]
    NotCanonical(String),
}

/// The largest whole number that is the same in JSON as in JavaScript, on whose numbers RFC 8785 is based.
const LARGEST_WHOLE: u64 = 1 << 53;
/// The largest buffer that a thread keeps for the next value, in bytes.
const LARGEST_ROOM: usize = 256 << 10;

thread_local! {
    /// The buffer of this thread, used for one value after the other.
    static ROOM: Cell<Option<Canonical>> = const { Cell::new(None) };
}

/// Makes a value's canonical JSON (RFC 8785): the same value always gives the same bytes.
///
/// # Errors
/// If the value has no JSON form, or one of its objects has two members with the same name.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, DigestError> {
    with_canonical_json(value, |json, _| json.as_bytes().to_vec())
}

/// Passes a value's canonical JSON (RFC 8785) to `take`, for callers that need not keep it. Also passes the nesting
/// depth of arrays and objects in it: 0 for a text or a number.
///
/// # Errors
/// As [`canonical_json`].
pub fn with_canonical_json<T: Serialize + ?Sized, R>(
    value: &T,
    take: impl FnOnce(&str, usize) -> R,
) -> Result<R, DigestError> {
    let mut canonical = ROOM.take().unwrap_or_default();
    canonical.clear();
    let mut serializer = Serializer::with_formatter(io::sink(), CanonicalWriter(&mut canonical));
    value.serialize(&mut serializer).map_err(|error| DigestError::NotCanonical(error.to_string()))?;
    let taken = take(&canonical.json, canonical.deepest);
    if canonical.json.capacity() <= LARGEST_ROOM {
        ROOM.set(Some(canonical));
    }
    Ok(taken)
}

/// The JSON that is written so far.
#[derive(Default)]
struct Canonical {
    json: String,
    /// The open objects: where each begins, in the text and in `members`.
    objects: Vec<(usize, usize)>,
    /// The members of the open objects.
    members: Vec<SortedMember>,
    /// The buffer for sorting an object.
    ordered: String,
    /// How many arrays and objects are open now, and how many were open at most.
    depth: usize,
    deepest: usize,
}

/// A member of an object: where its name with the quotation marks begins and ends, and where the member ends, after its
/// comma.
struct SortedMember {
    name: Range<usize>,
    /// Whether the name is ASCII without escapes, so that its bytes can be compared directly.
    plain: bool,
    end: usize,
}

impl Canonical {
    /// Removes the text, and keeps the buffer.
    fn clear(&mut self) {
        self.json.clear();
        self.objects.clear();
        self.members.clear();
        (self.depth, self.deepest) = (0, 0);
    }

    fn write(&mut self, text: &str) {
        self.json.push_str(text);
    }

    fn open(&mut self) {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// The text at a place that was noted while it was written.
    #[expect(clippy::expect_used, reason = "a digest of anything else would be signed")]
    fn written(&self, place: Range<usize>) -> &str {
        self.json.get(place).expect("the place was noted when it was written")
    }

    /// The name of a member, with its quotation marks.
    fn name(&self, member: &SortedMember) -> &str {
        self.written(member.name.clone())
    }

    /// The order of RFC 8785, which compares the names' UTF-16 code units. For plain names it compares the bytes
    /// without the closing quotation mark, so that a prefix of another name comes first.
    fn order(&self, one: &SortedMember, other: &SortedMember) -> Ordering {
        let (name, next) = (self.name(one), self.name(other));
        if one.plain && other.plain {
            let unquoted = |name: &str| name.len().saturating_sub(1);
            return name.get(..unquoted(name)).cmp(&next.get(..unquoted(next)));
        }
        utf16_order(name, next)
    }

    fn end_name(&mut self) -> io::Result<()> {
        let here = self.json.len();
        let mut member = self.members.pop().ok_or_else(|| wrong("a name ends that has not begun"))?;
        member.name.end = here;
        member.plain = self.name(&member).bytes().all(|byte| byte.is_ascii() && byte != b'\\');
        self.members.push(member);
        Ok(())
    }

    /// Ends an object, and sorts its members if they are not in order.
    fn end_object(&mut self) -> io::Result<()> {
        let (begin, first) = self.objects.pop().ok_or_else(|| wrong("an object ends that has not begun"))?;
        self.depth = self.depth.saturating_sub(1);
        let members = self.members_from(first);
        let empty = members.is_empty();
        let in_order = members.is_sorted_by(|one, other| self.order(one, other) == Ordering::Less);
        if !in_order {
            self.put_in_order(begin, first)?;
        }
        self.members.truncate(first);
        if !empty {
            // The comma after the last member.
            self.json.pop();
        }
        self.write("}");
        Ok(())
    }

    /// The members of the object whose first member has this index.
    #[expect(clippy::expect_used, reason = "a digest of anything else would be signed")]
    fn members_from(&self, first: usize) -> &[SortedMember] {
        self.members.get(first..).expect("members are taken away from the end, down to the first one of an object")
    }

    fn put_in_order(&mut self, begin: usize, first: usize) -> io::Result<()> {
        let mut members = self.members.split_off(first);
        members.sort_unstable_by(|one, other| self.order(one, other));
        for pair in members.windows(2) {
            if let [one, other] = pair
                && self.name(one) == self.name(other)
            {
                return Err(wrong(&format!("an object has two members {}", self.name(one))));
            }
        }
        let mut ordered = std::mem::take(&mut self.ordered);
        ordered.clear();
        for member in &members {
            ordered.push_str(self.written(member.name.start..member.end));
        }
        self.json.truncate(begin);
        self.write(&ordered);
        self.ordered = ordered;
        Ok(())
    }
}

/// The order of two names, written as JSON, by their UTF-16 code units.
#[expect(clippy::expect_used, reason = "a digest of anything else would be signed")]
fn utf16_order(one: &str, other: &str) -> Ordering {
    let name = |json: &str| serde_json::from_str::<String>(json).expect("the name was written as a JSON string");
    name(one).encode_utf16().cmp(name(other).encode_utf16())
}

fn wrong(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Writes JSON as serde produces it. The writer that serde gets stays empty.
struct CanonicalWriter<'c>(&'c mut Canonical);

impl CanonicalWriter<'_> {
    fn whole(&mut self, number: impl itoa::Integer) {
        self.0.write(itoa::Buffer::new().format(number));
    }

    #[expect(clippy::cast_precision_loss, reason = "RFC 8785 knows no other numbers than doubles")]
    fn unsigned(&mut self, number: u64) -> io::Result<()> {
        if number <= LARGEST_WHOLE {
            self.whole(number);
            return Ok(());
        }
        self.double(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "RFC 8785 knows no other numbers than doubles")]
    fn signed(&mut self, number: i64) -> io::Result<()> {
        if number.unsigned_abs() <= LARGEST_WHOLE {
            self.whole(number);
            return Ok(());
        }
        self.double(number as f64)
    }

    fn double(&mut self, number: f64) -> io::Result<()> {
        if !number.is_finite() {
            return Err(wrong("there are no infinite numbers in JSON, and none that are not a number"));
        }
        self.0.write(ryu_js::Buffer::new().format_finite(number));
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ty => $as:ident,)*) => {$(
        fn $method<W: ?Sized + io::Write>(&mut self, _: &mut W, number: $number) -> io::Result<()> {
            self.$as(number.into())
        }
    )*};
}

macro_rules! texts {
    ($($method:ident => $text:literal,)*) => {$(
        fn $method<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
            self.0.write($text);
            Ok(())
        }
    )*};
}

impl Formatter for CanonicalWriter<'_> {
    numbers! {
        write_i8: i8 => signed,
        write_i16: i16 => signed,
        write_i32: i32 => signed,
        write_i64: i64 => signed,
        write_u8: u8 => unsigned,
        write_u16: u16 => unsigned,
        write_u32: u32 => unsigned,
        write_u64: u64 => unsigned,
        write_f32: f32 => double,
        write_f64: f64 => double,
    }

    texts! {
        write_null => "null",
        begin_string => "\"",
        end_string => "\"",
        begin_object_value => ":",
    }

    fn write_bool<W: ?Sized + io::Write>(&mut self, _: &mut W, value: bool) -> io::Result<()> {
        self.0.write(if value { "true" } else { "false" });
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "RFC 8785 knows no other numbers than doubles")]
    fn write_i128<W: ?Sized + io::Write>(&mut self, _: &mut W, number: i128) -> io::Result<()> {
        match i64::try_from(number) {
            Ok(number) => self.signed(number),
            Err(_) => self.double(number as f64),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "RFC 8785 knows no other numbers than doubles")]
    fn write_u128<W: ?Sized + io::Write>(&mut self, _: &mut W, number: u128) -> io::Result<()> {
        match u64::try_from(number) {
            Ok(number) => self.unsigned(number),
            Err(_) => self.double(number as f64),
        }
    }

    fn write_number_str<W: ?Sized + io::Write>(&mut self, _: &mut W, number: &str) -> io::Result<()> {
        self.double(number.parse().map_err(|_| wrong(&format!("`{number}` is not a number")))?)
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
        self.0.write(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + io::Write>(&mut self, _: &mut W, escape: CharEscape) -> io::Result<()> {
        let text = match escape {
            CharEscape::Quote => "\\\"",
            CharEscape::ReverseSolidus => "\\\\",
            CharEscape::Solidus => "/",
            CharEscape::Backspace => "\\b",
            CharEscape::FormFeed => "\\f",
            CharEscape::LineFeed => "\\n",
            CharEscape::CarriageReturn => "\\r",
            CharEscape::Tab => "\\t",
            CharEscape::AsciiControl(byte) => {
                self.0.write(&format!("\\u{byte:04x}"));
                return Ok(());
            }
        };
        self.0.write(text);
        Ok(())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.open();
        self.0.write("[");
        Ok(())
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.depth = self.0.depth.saturating_sub(1);
        self.0.write("]");
        Ok(())
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.0.write(",");
        }
        Ok(())
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.open();
        self.0.write("{");
        let place = (self.0.json.len(), self.0.members.len());
        self.0.objects.push(place);
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.end_object()
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        let here = self.0.json.len();
        self.0.members.push(SortedMember { name: here..here, plain: false, end: here });
        Ok(())
    }

    fn end_object_key<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.end_name()
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.0.write(",");
        let here = self.0.json.len();
        let member = self.0.members.last_mut().ok_or_else(|| wrong("a value ends that has not begun"))?;
        member.end = here;
        Ok(())
    }

    fn write_raw_fragment<W: ?Sized + io::Write>(&mut self, _: &mut W, _: &str) -> io::Result<()> {
        Err(wrong("JSON that was written elsewhere has no canonical form"))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn text(value: &impl Serialize) -> String {
        String::from_utf8(canonical_json(value).unwrap()).unwrap()
    }

    #[test]
    fn members_stand_in_the_order_of_their_utf_16_units() {
        // The example of RFC 8785, section 3.2.3.
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis"
        });
        let order = ["\\r", "\"1\"", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"];
        let written = text(&value);
        let places: Vec<usize> = order.iter().map(|name| written.find(name).unwrap()).collect();
        assert!(places.is_sorted(), "{written}");
    }

    #[test]
    fn a_name_that_another_one_begins_with_comes_first() {
        assert_eq!(text(&json!({"a b": 1, "a!": 2, "ab": 3, "a": {}})), r#"{"a":{},"a b":1,"a!":2,"ab":3}"#);
    }

    #[test]
    fn numbers_are_those_of_javascript() {
        let numbers =
            json!([0, -0.0, 1.0, 1e21, 1e-7, 333_333_333.333_333_3, 9_007_199_254_740_993_u64, u64::MAX, i64::MIN]);
        let expected =
            "[0,0,1,1e+21,1e-7,333333333.3333333,9007199254740992,18446744073709552000,-9223372036854776000]";
        assert_eq!(text(&numbers), expected);
        assert_eq!(text(&[u128::from(u64::MAX) * 1000]), "[1.8446744073709552e+22]");
        assert_eq!(text(&BTreeMap::from([(1, ()), (10, ()), (2, ())])), r#"{"1":null,"10":null,"2":null}"#);
    }

    #[test]
    fn how_deep_it_is_nested_is_told() {
        let depth = |value: Value| with_canonical_json(&value, |_, depth| depth).unwrap();
        assert_eq!((depth(json!("[{")), depth(json!([])), depth(json!([1, {"a": [[]]}, 2]))), (0, 1, 4));
    }

    #[test]
    fn two_members_of_one_name_are_refused() {
        #[derive(Serialize)]
        struct Twice {
            first: u8,
            #[serde(flatten)]
            more: BTreeMap<&'static str, u8>,
        }
        let error = canonical_json(&Twice { first: 1, more: BTreeMap::from([("first", 2)]) }).unwrap_err();
        assert_eq!(error.to_string(), "the value has no canonical JSON form: an object has two members \"first\"");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let name = prop_oneof!["[a-c]{0,3}", ".{0,4}", "[\u{0}-\u{7f}\u{e000}\u{1f600}\"\\\\]{0,3}"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1000_i64..1000).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            name.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Writes the members of objects from the last to the first.
    struct Reversed<'v>(&'v Value);

    impl Serialize for Reversed<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                Value::Object(members) => {
                    serializer.collect_map(members.iter().rev().map(|(name, value)| (name, Reversed(value))))
                }
                Value::Array(items) => serializer.collect_seq(items.iter().map(Reversed)),
                other => other.serialize(serializer),
            }
        }
    }

    proptest! {
        #![proptest_config(lockgate_repeat::Repeat::new(256, 12_800).property())]

        #[test]
        fn it_is_what_another_implementation_writes(value in any_json()) {
            let expected = serde_json_canonicalizer::to_string(&value).unwrap();
            prop_assert_eq!(&text(&value), &expected);
            prop_assert_eq!(&text(&Reversed(&value)), &expected);
        }
    }
}
