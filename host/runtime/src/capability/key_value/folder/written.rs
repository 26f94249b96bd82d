//! What stands in the file of a namespace: a version, the namespace, the values, and a digest over all three.
//!
//! The digest is no seal: who can write to the folder can write another one. It is there so that what was cut off,
//! edited by hand or copied from another namespace is an error that names the file, instead of an answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use lockgate_domain::Digest;
use serde::{Deserialize, Serialize};

use super::super::super::content::Content;
use super::NamespaceError;

/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;

/// What the digest is taken over.
#[derive(Serialize)]
struct Sealed<'a> {
    version: u64,
    namespace: &'a str,
    values: &'a BTreeMap<String, Content>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    version: u64,
    namespace: Cow<'a, str>,
    values: BTreeMap<String, Content>,
    digest: Digest,
}

/// All that can be said of a file of any version.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// The bytes of the file.
pub(super) fn write(
    path: &Path,
    namespace: &str,
    values: BTreeMap<String, Vec<u8>>,
) -> Result<Vec<u8>, NamespaceError> {
    let values = values.into_iter().map(|(key, value)| (key, Content(value))).collect();
    let digest = digest(path, namespace, &values)?;
    let written = Written { version: VERSION, namespace: Cow::Borrowed(namespace), values, digest };
    let mut bytes = serde_json::to_vec_pretty(&written).map_err(|error| damaged(path, error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The values in the bytes of the file.
pub(super) fn read(path: &Path, namespace: &str, bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, NamespaceError> {
    let Versioned { version } = serde_json::from_slice(bytes).map_err(|error| damaged(path, error))?;
    if version != VERSION {
        return Err(NamespaceError::OfAnotherVersion { path: path.to_owned(), version });
    }
    let written: Written<'_> = serde_json::from_slice(bytes).map_err(|error| damaged(path, error))?;
    if written.namespace != namespace {
        return Err(damaged(path, format_args!("it was written for the namespace `{}`", written.namespace)));
    }
    if written.digest != digest(path, namespace, &written.values)? {
        return Err(damaged(path, "it does not hold what it held when it was written"));
    }
    Ok(written.values.into_iter().map(|(key, content)| (key, content.0)).collect())
}

fn digest(path: &Path, namespace: &str, values: &BTreeMap<String, Content>) -> Result<Digest, NamespaceError> {
    Digest::of_canonical(&Sealed { version: VERSION, namespace, values }).map_err(|error| damaged(path, error))
}

fn damaged(path: &Path, reason: impl ToString) -> NamespaceError {
    NamespaceError::Damaged { path: path.to_owned(), reason: reason.to_string() }
}
