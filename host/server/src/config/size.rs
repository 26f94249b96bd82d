//! A number of bytes, as people write it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number of bytes: a text such as `16 MiB`, `500 kB` or `1GiB`, or a whole number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// That many MiB (1,048,576 bytes).
    pub const fn mebibytes(amount: u64) -> Self {
        Self(amount << 20)
    }

    /// That many bytes.
    pub const fn bytes(amount: u64) -> Self {
        Self(amount)
    }

    /// The amount in bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The amount in bytes, or as much as fits into memory.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        match units.into_iter().find(|(shift, _)| self.0 > 0 && self.0.trailing_zeros() >= *shift) {
            Some((shift, unit)) => write!(f, "{} {unit}", self.0 >> shift),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("`{text}` is not a number of bytes: write for example `16 MiB`, `500 kB` or `4096`");
        text.parse::<bytesize::ByteSize>().map(|size| Self(size.as_u64())).map_err(wrong)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number of bytes, for example `16 MiB` or `4096`")]
        enum Written<'a> {
            Number(u64),
            Text(Cow<'a, str>),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(bytes) => Ok(Self(bytes)),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "A number of bytes: a text such as `16 MiB`, or a number.",
            "examples": ["16 MiB", "500 kB", 4096]
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Size;

    #[test]
    fn an_amount_is_written_as_it_can_be_read() {
        for (text, bytes, written) in [
            ("16 MiB", 16 << 20, "16 MiB"),
            ("1.5 GiB", 1536 << 20, "1536 MiB"),
            ("500 kB", 500_000, "500000 B"),
            ("4096", 4096, "4 KiB"),
            ("0", 0, "0 B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.as_u64(), size.to_string()), (bytes, written.to_owned()));
            assert_eq!(written.parse(), Ok(size));
        }
        assert!("many".parse::<Size>().unwrap_err().contains("`many` is not a number of bytes"));
    }
}
