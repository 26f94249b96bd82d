//! Compressed bodies: `Content-Encoding: gzip` is decompressed on arrival, so that limits, routes and the ledger see
//! what the client meant. Every other coding is refused with 415, and the answer names the accepted one (RFC 7694).
//! Media types that no route takes are refused here, too.

use std::io::Read as _;

use axum::body::Bytes;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use flate2::bufread::MultiGzDecoder;

use super::admission::HeldMemory;
use crate::config::ByteSize;
use crate::problem::Problem;

/// How many bytes are decompressed at once: other requests get their turn in between.
const PIECE: usize = 64 << 10;

/// The coding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentCoding {
    /// Uncompressed.
    Identity,
    /// Compressed as RFC 1952 defines it.
    Gzip,
}

impl ContentCoding {
    /// The coding that the head of a request names.
    ///
    /// # Errors
    /// If the coding is not supported, or there are several.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let named = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let named = named.collect::<Vec<_>>().join(",").to_ascii_lowercase();
        let codings = named.split(',').map(str::trim).filter(|coding| !matches!(*coding, "" | "identity"));
        match codings.collect::<Vec<_>>().as_slice() {
            [] => Ok(Self::Identity),
            ["gzip" | "x-gzip"] => Ok(Self::Gzip),
            other => Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail(format!(
                    "unknown `Content-Encoding`, `{}`: send the body without one, or with `gzip`",
                    other.join(", ")
                ))
                .header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
        }
    }

    /// Checks that a body without bytes can have this coding.
    ///
    /// # Errors
    /// If it cannot: gzip always has a header.
    pub(super) fn check_empty(self) -> Result<(), Problem> {
        match self {
            Self::Identity => Ok(()),
            Self::Gzip => Err(Problem::of_status(StatusCode::BAD_REQUEST)
                .detail("the body is empty, and so not valid gzip, as `Content-Encoding` says")),
        }
    }

    /// Decompresses a body. Both the compressed and the decompressed bytes count until that is done.
    ///
    /// # Errors
    /// If the body has another coding, has more than `largest` bytes, or there is not that much memory.
    pub(super) async fn unpack(
        self,
        packed: Bytes,
        largest: ByteSize,
        memory: &mut HeldMemory,
    ) -> Result<Bytes, Problem> {
        if self == Self::Identity {
            return Ok(packed);
        }
        if packed.is_empty() {
            self.check_empty()?;
        }
        let mut decoder = MultiGzDecoder::new(&*packed);
        let mut unpacked = Vec::new();
        let mut piece = vec![0; PIECE];
        loop {
            let length = decoder.read(&mut piece).map_err(|error| {
                Problem::of_status(StatusCode::BAD_REQUEST)
                    .detail(format!("the body is not valid gzip, as `Content-Encoding` says: {error}"))
            })?;
            if length == 0 {
                return Ok(unpacked.into());
            }
            let size = (unpacked.len() + length) as u64;
            if size > largest.as_u64() {
                return Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)
                    .detail(format!("the body is larger than {largest} when unpacked")));
            }
            memory.grow_for(packed.len() as u64 + size)?;
            unpacked.extend_from_slice(piece.get(..length).unwrap_or_default());
            tokio::task::yield_now().await;
        }
    }
}

/// Adapts the head of a request whose body was decompressed.
pub(super) fn describe_unpacked(headers: &mut HeaderMap, length: usize) {
    if headers.remove(CONTENT_ENCODING).is_some() {
        headers.insert(CONTENT_LENGTH, length.into());
    }
}

/// Refuses a multipart body: it is not defined which part would count.
///
/// # Errors
/// If the body has parts.
pub(super) fn refuse_parts(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = MediaType::of(headers);
    match kind.essence.starts_with("multipart/") {
        true => Err(kind.no_file()),
        false => Ok(()),
    }
}

/// The media type of a body.
pub(crate) struct MediaType<'h> {
    written: &'h str,
    /// The type and the subtype in lower case. Empty if the request names none.
    pub(crate) essence: String,
}

impl<'h> MediaType<'h> {
    /// The media type in the head of a request.
    pub(crate) fn of(headers: &'h HeaderMap) -> Self {
        let written = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        Self { written, essence }
    }

    /// Whether it is JSON, or a format that is written in JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.essence.contains("json")
    }

    /// Refuses a type that is not that of a file: a form, or a text that is no media type.
    ///
    /// # Errors
    /// If it is not a file.
    pub(crate) fn check_file(&self) -> Result<(), Problem> {
        let is_token = |text: &str| {
            let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            !text.is_empty() && text.bytes().all(of_token)
        };
        match self.essence.split_once('/') {
            _ if self.essence == "application/x-www-form-urlencoded" => Err(self.no_file()),
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => Ok(()),
            _ => Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(format!(
                "the `Content-Type` is not a media type, `{}`: send for example `application/json` or `text/plain`",
                self.written
            ))),
        }
    }

    /// Refuses a text in another encoding than UTF-8.
    ///
    /// # Errors
    /// If it names another one.
    pub(crate) fn check_charset(&self) -> Result<(), Problem> {
        let parameters = self.written.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let mut charsets = parameters
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim().trim_matches('"'));
        match charsets.find(|charset| !charset.eq_ignore_ascii_case("utf-8")) {
            Some(other) => Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .detail(format!("the body is in `{other}`, as `Content-Type` says: send it in UTF-8"))),
            None => Ok(()),
        }
    }

    fn no_file(&self) -> Problem {
        Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).detail(format!(
            "the body is a form or has several parts (`{}`): send the file itself, with its own `Content-Type`. With curl, \
             write `--data-binary @file -H 'Content-Type: application/json'`",
            self.essence
        ))
    }
}
