//! Binds the answer to a request to the log, by a digest that the first entry of the request names.
//!
//! The digest covers everything that the ledger keeps of the request, and a salt that is stored beside the answer and
//! not in the log. So nobody can guess the request from an entry. People who see only the hash of an entry cannot guess
//! the entry either, because they would have to guess the digest in it.

use lockgate_domain::Digest;

use crate::Error;
use crate::append::IdempotentRequest;
use crate::error::{FailureCause, StorageFailure};

/// What the digested bytes begin with.
const FORMAT: &[u8] = b"lockgate-request/v1";

/// Random bytes that only the ledger has.
pub(crate) type Salt = [u8; 16];

/// A request, bound to the entries that its append writes.
#[derive(Debug)]
pub(crate) struct RequestBinding {
    pub(crate) salt: Salt,
    pub(crate) digest: Digest,
}

impl RequestBinding {
    /// Binds a request to an append of `count` entries.
    pub(crate) fn new(request: &IdempotentRequest, count: u64) -> Result<Self, Error> {
        let mut salt = Salt::default();
        let no_salt =
            |error| StorageFailure::new(FailureCause::Other, format!("the system gives no random bytes: {error}"));
        getrandom::fill(&mut salt).map_err(no_salt)?;
        Ok(Self { salt, digest: Self::digest(request, count, &salt) })
    }

    /// SHA-256 over the format, the salt, the number of entries, and each part of the request with its length before
    /// it.
    pub(crate) fn digest(request: &IdempotentRequest, count: u64, salt: &Salt) -> Digest {
        let IdempotentRequest { scope, key, digest, answer } = request;
        let parts = [FORMAT, salt, &count.to_be_bytes(), scope.as_bytes(), key.as_bytes(), digest.as_bytes(), answer];
        let mut bytes = Vec::with_capacity(answer.len() + 256);
        for part in parts {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        Digest::of(&bytes)
    }
}
