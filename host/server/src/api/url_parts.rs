//! Reads the parameters of the query and the parts of the path, with plain error messages.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use lockgate_domain::{ValueError, ValueFault, unescaped_token};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer as _, MapAccess, Visitor,
};

use super::errors::unreadable;
use crate::problem::Problem;

/// The parameters of the query.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct QueryParams<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// The parts of the path that the route names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PathParts<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathParts<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(parts)| Self(parts)).map_err(|rejected| path_refused(&rejected))
    }
}

fn path_refused(rejected: &PathRejection) -> Problem {
    unreadable(match rejected {
        PathRejection::FailedToDeserializePathParams(error) => match error.kind() {
            ErrorKind::ParseErrorAtIndex { value, .. }
            | ErrorKind::ParseErrorAtKey { value, .. }
            | ErrorKind::ParseError { value, .. } => format!("`{value}` in the path is not a whole number"),
            ErrorKind::InvalidUtf8InPathParam { key } => {
                format!("`{{{key}}}` in the path is not UTF-8: write the bytes of its UTF-8 form as `%hh`")
            }
            _ => "the path cannot be read".to_owned(),
        },
        _ => "the path cannot be read".to_owned(),
    })
}

type QueryPairs<'q> = Vec<(Cow<'q, str>, Cow<'q, str>)>;

fn read_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs: QueryPairs<'_> = form_urlencoded::parse(query.as_bytes()).collect();
    T::deserialize(QueryDeserializer { pairs: pairs.iter(), current: ("", "") })
        .map_err(|error| refused(&pairs, &error))
}

/// Makes the problem. A message that begins with the value becomes one about `name=value`.
fn refused(pairs: &QueryPairs<'_>, error: &ValueError) -> Problem {
    let name = unescaped_token(error.pointer.trim_start_matches('/'));
    let detail = match &error.fault {
        ValueFault::Missing(name) => format!("the parameter `{name}` is required"),
        ValueFault::UnknownKey { .. } => error.fault.to_string().replacen("key", "parameter", 1),
        ValueFault::Doubled(name) => format!("the parameter `{name}` appears twice: keep one of the two"),
        fault => {
            let message = fault.to_string();
            let text = pairs.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
            match message.strip_prefix(&format!("`{text}`")) {
                Some(rest) => format!("`{name}={text}`{rest}"),
                None => format!("`{name}={text}`: {message}"),
            }
        }
    };
    unreadable(detail).with("parameter", name)
}

/// The pairs of a query that are not read yet.
struct QueryDeserializer<'q> {
    pairs: std::slice::Iter<'q, (Cow<'q, str>, Cow<'q, str>)>,
    /// The pair whose value is read next.
    current: (&'q str, &'q str),
}

impl<'de> Deserializer<'de> for QueryDeserializer<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_map(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for QueryDeserializer<'_> {
    type Error = ValueError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ValueError> {
        let Some((name, text)) = self.pairs.next() else { return Ok(None) };
        self.current = (name, text);
        let key: StrDeserializer<'_, ValueError> = (**name).into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.within(name))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ValueError> {
        let (name, text) = self.current;
        seed.deserialize(ParameterText(text)).map_err(|error| error.within(name))
    }
}

/// The value of a parameter.
#[derive(Clone, Copy)]
struct ParameterText<'q>(&'q str);

impl ParameterText<'_> {
    fn number<N: FromStr>(self, least: impl Display, most: impl Display) -> Result<N, ValueError> {
        let Self(text) = self;
        text.parse().map_err(|_| ValueError::custom(format!("`{text}` is not a whole number from {least} to {most}")))
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ident, $visit:ident;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            visitor.$visit(self.number($number::MIN, $number::MAX)?)
        })*
    };
}

impl<'de> Deserializer<'de> for ParameterText<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_str(self.0)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            text => Err(ValueError::custom(format!("`{text}` is neither `true` nor `false`"))),
        }
    }

    numbers! {
        deserialize_i8: i8, visit_i8;
        deserialize_i16: i16, visit_i16;
        deserialize_i32: i32, visit_i32;
        deserialize_i64: i64, visit_i64;
        deserialize_u8: u8, visit_u8;
        deserialize_u16: u16, visit_u16;
        deserialize_u32: u32, visit_u32;
        deserialize_u64: u64, visit_u64;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let name: StrDeserializer<'_, ValueError> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use lockgate_domain::Duration;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Goal {
        Decided,
        Allow,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wanted {
        from: String,
        wait: Option<Duration>,
        limit: Option<u16>,
        ask: Option<bool>,
        until: Option<Goal>,
    }

    fn refusal(query: &str) -> String {
        read_query::<Wanted>(query).unwrap_err().document(None).detail.unwrap()
    }

    #[test]
    fn parameters_are_read_by_their_types() {
        let all = read_query::<Wanted>("from=a%20b&wait=20s&limit=7&ask=true&until=allow").unwrap();
        let wait = Some(Duration::from_millis(20_000));
        let wanted = Wanted { from: "a b".to_owned(), wait, limit: Some(7), ask: Some(true), until: Some(Goal::Allow) };
        assert_eq!(all, wanted);
        assert_eq!(read_query::<Wanted>("from=").unwrap().from, "");
    }

    #[test]
    fn a_refused_parameter_is_named_with_what_to_write() {
        for (query, detail) in [
            ("", "the parameter `from` is required"),
            ("from=a&wait=20", "`wait=20` needs a unit, for example `20s`"),
            (
                "from=a&wait=soon",
                "`wait=soon` is not a length of time: write amounts with the units w, d, h, m, s or ms, longest first, for example `90d` or `1h 30m`",
            ),
            ("from=a&limit=x", "`limit=x` is not a whole number from 0 to 65535"),
            ("from=a&limit=-1", "`limit=-1` is not a whole number from 0 to 65535"),
            ("from=a&limit=65536", "`limit=65536` is not a whole number from 0 to 65535"),
            ("from=a&ask=yes", "`ask=yes` is neither `true` nor `false`"),
            ("from=a&until=later", "`until=later` is not one of `decided`, `allow`"),
            ("from=a&limt=7", "unknown parameter `limt`: did you mean `limit`?"),
            ("from=a&x=7", "unknown parameter `x`: write one of `from`, `wait`, `limit`, `ask`, `until`"),
            ("from=a&from=b", "the parameter `from` appears twice: keep one of the two"),
        ] {
            assert_eq!(refusal(query), detail, "{query}");
        }
    }
}
