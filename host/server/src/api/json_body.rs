//! JSON bodies: all routes read them in this way.
//!
//! A document is accepted as a whole or refused: no key twice, no number that the ledger cannot keep, and no member
//! that the type does not know. A refusal names the place.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use lockgate_domain::{JsonError, JsonReader, ValueError, ValueFault, read_value};
use lockgate_service::InputError;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::errors::invalid;
use super::errors::unreadable;
use crate::intake::MediaType;
use crate::problem::Problem;

/// The type of a JSON body.
pub(super) trait RequestDocument: DeserializeOwned {
    /// The members that the server sets, each with the value that it gets. The stored form of a document has them, so
    /// people hand them in.
    const SET_BY_SERVER: &'static [(&'static str, &'static str)] = &[];
}

/// A body of JSON.
#[derive(Clone, Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: RequestDocument> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = body_of_type(request, state, &["application/json"]).await?;
        Ok(Self(read_kept(&body, T::SET_BY_SERVER)?))
    }
}

/// A body with a JSON merge patch (RFC 7396).
#[derive(Clone, Debug)]
pub(super) struct MergePatch(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = body_of_type(request, state, &["application/merge-patch+json", "application/json"]).await?;
        Ok(Self(read_kept(&body, &[])?))
    }
}

/// The whole body, if it has one of these media types.
pub(super) async fn body_of_type<S: Send + Sync>(
    request: Request,
    state: &S,
    kinds: &[&str],
) -> Result<Bytes, Problem> {
    let kind = MediaType::of(request.headers());
    if kinds.contains(&kind.essence.as_str()) {
        kind.check_charset()?;
        return bytes(request, state).await;
    }
    let wanted = kinds.join("` or `");
    let detail = match kind.essence.as_str() {
        "" => format!("`Content-Type` is missing: send `{wanted}`"),
        kind => format!("wrong `Content-Type`, `{kind}`: send `{wanted}`"),
    };
    Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(detail))
}

/// A body of a decision API, in UTF-8.
#[derive(Clone, Debug)]
pub(super) struct RawBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        MediaType::of(request.headers()).check_charset()?;
        bytes(request, state).await.map(Self)
    }
}

/// The whole body, up to the limit.
pub(super) async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let bytes = Bytes::from_request(request, state).await;
    bytes.map_err(|rejected| Problem::of_status(rejected.status()).detail("the body could not be read to its end"))
}

/// Why a body is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyRefusal {
    /// It is not JSON. The text says why.
    NotJson(String),
    /// It is JSON, but wrong at these places.
    Mistakes(Vec<InputError>),
}

impl From<BodyRefusal> for Problem {
    fn from(refusal: BodyRefusal) -> Self {
        match refusal {
            BodyRefusal::NotJson(why) => unreadable(format!("the body is not JSON: {why}")),
            BodyRefusal::Mistakes(mistakes) => invalid(&mistakes),
        }
    }
}

/// Reads a body that the ledger may store: every number in it is in its canonical form.
pub(super) fn read_kept<T: DeserializeOwned>(body: &[u8], set_by_server: SetByServer) -> Result<T, BodyRefusal> {
    typed(&value(JsonReader::default().with_canonical_numbers(), body)?, set_by_server)
}

/// Reads a body from which only names are kept.
pub(super) fn read_asked<T: DeserializeOwned>(body: &[u8]) -> Result<T, BodyRefusal> {
    typed(&value(JsonReader::default(), body)?, &[])
}

fn value(reader: JsonReader, body: &[u8]) -> Result<Value, BodyRefusal> {
    reader.read(body).map_err(|error| match error {
        JsonError::Faults(faults) => BodyRefusal::Mistakes(
            faults
                .into_iter()
                .map(|fault| InputError { pointer: fault.pointer, message: fault.kind.to_string() })
                .collect(),
        ),
        error => BodyRefusal::NotJson(error.to_string()),
    })
}

/// As [`RequestDocument::SET_BY_SERVER`].
pub(super) type SetByServer = &'static [(&'static str, &'static str)];

fn typed<T: DeserializeOwned>(value: &Value, set_by_server: SetByServer) -> Result<T, BodyRefusal> {
    read_value(value).map_err(|error| BodyRefusal::Mistakes(mistakes(value, error, set_by_server)))
}

/// The mistakes in a value. An object with unknown members gets all of them reported, although reading stops at the
/// first.
fn mistakes(value: &Value, error: ValueError, set_by_server: SetByServer) -> Vec<InputError> {
    let ValueFault::UnknownKey { known, .. } = &error.fault else { return vec![error.into()] };
    let object = error.pointer.rsplit_once('/').map_or("", |(object, _)| object).to_owned();
    let members = value.pointer(&object).and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let unknown = members.filter(|name| !known.contains(name)).map(|name| {
        let mistake: InputError = ValueError::unknown_key(&object, name, known.clone()).into();
        match set_by_server.iter().find(|(set, _)| object.is_empty() && set == name) {
            Some((_, to)) => {
                InputError { message: format!("the server sets `{name}`, to {to}: leave it out"), ..mistake }
            }
            None => mistake,
        }
    });
    let unknown: Vec<InputError> = unknown.collect();
    if unknown.is_empty() { vec![error.into()] } else { unknown }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
        Ok(read_kept(body, &[("at", "the time of the request")])?)
    }

    #[test]
    fn all_members_that_do_not_belong_there_are_told_at_once() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Thing {
            #[expect(dead_code, reason = "only read")]
            reason: String,
            #[expect(dead_code, reason = "only read")]
            other: Option<Box<Thing>>,
        }
        let told = |body: &[u8]| {
            let wrong = read::<Thing>(body).unwrap_err().document(None);
            let errors = wrong.members["errors"].as_array().unwrap().clone();
            let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
            errors.iter().map(|error| (text(error, "pointer"), text(error, "message"))).collect::<Vec<_>>()
        };
        let told_as = |pointer: &str, message: &str| (pointer.to_owned(), message.to_owned());
        assert_eq!(
            told(br#"{"at": 1, "reason": "a", "reasons": 2, "a/b": 3}"#),
            [
                told_as("/a~1b", "unknown key `a/b`: write one of `reason`, `other`"),
                told_as("/at", "the server sets `at`, to the time of the request: leave it out"),
                told_as("/reasons", "unknown key `reasons`: did you mean `reason`?"),
            ]
        );
        assert_eq!(
            told(br#"{"reason": "a", "other": {"at": 1, "reason": ""}}"#),
            [told_as("/other/at", "unknown key `at`: write one of `reason`, `other`")]
        );
    }

    #[test]
    fn a_mistake_in_a_document_is_told_by_its_place() {
        #[derive(Debug, Deserialize)]
        struct Thing {
            #[expect(dead_code, reason = "only read")]
            a: Vec<u32>,
        }
        let wrong = read::<Thing>(br#"{"a": [1, "2"]}"#).unwrap_err().document(None);
        assert_eq!(wrong.status, 422);
        assert_eq!(wrong.members["errors"][0]["pointer"], "/a/1");
        assert_eq!(read::<Thing>(br#"{"a": [1"#).unwrap_err().status(), 400);
        assert_eq!(read::<Thing>(br#"{"a": [1]} {}"#).unwrap_err().status(), 400);
    }
}
