//! The signatures of evidence: what was signed, and whose key made the signature.
//!
//! Evidence is an envelope that holds its signatures (DSSE), or any file with a signature beside it. The keys are those of the
//! registers of suppliers and people. Everything here depends on its arguments alone, so a server and `lockgate eval` verify
//! alike.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use lockgate_domain::{
    DetachedSignature, Digest, DigestError, Evidence, JsonReader, KeyAlgorithm, PublicKey, RegisterKind, RegisteredKey,
    Timestamp, Verification, counted, read_value,
};
use ring::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::Value;

use super::InputError;

/// The media type of an envelope with signatures (DSSE).
pub const DSSE_ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

/// The type of a payload that is an in-toto statement.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// What the `_type` of an in-toto statement begins with.
const STATEMENT: &str = "https://in-toto.io/Statement/";

/// The most signatures of one envelope.
const MOST_SIGNATURES: usize = 16;

const DECODING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A key of an entry of a register, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The register: that of suppliers, or that of people.
    pub register: RegisterKind,
    /// The id of the entry.
    pub id: String,
    /// From when on the whole entry is no longer valid.
    pub entry_until: Option<Timestamp>,
    pub key: Arc<RegisteredKey>,
}

impl KnownKey {
    /// The keys of the value of an entry. None if it is no value of a register whose entries have keys.
    pub fn of_entry(register: RegisterKind, id: &str, entry_until: Option<Timestamp>, value: &Value) -> Vec<Self> {
        let keys = value.get("keys").and_then(Value::as_array).into_iter().flatten();
        let keys = keys.filter_map(|key| read_value::<RegisteredKey>(key).ok());
        keys.map(|key| Self { register, id: id.to_owned(), entry_until, key: Arc::new(key) }).collect()
    }

    /// Since when, and until when the key is valid.
    fn validity(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let until = [self.key.valid_until, self.entry_until].into_iter().flatten().min();
        (self.key.valid_from, until)
    }

    /// Why the key does not count at a moment. None if it does.
    fn invalid_at(&self, now: Timestamp) -> Option<String> {
        match self.validity() {
            (Some(from), _) if now < from => Some(format!("is valid from {from} on")),
            (_, Some(until)) if until <= now => Some(format!("was valid until {until}")),
            _ => None,
        }
    }

    /// Whether a signature that names a key by this id may be one of this key.
    fn is_named(&self, name: &str) -> bool {
        self.key.id == name || self.to_string() == name
    }
}

impl fmt::Display for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let holder = if self.register == RegisterKind::People { "person" } else { "supplier" };
        write!(f, "{holder}:{}#{}", self.register.normal_id(&self.id), self.key.id)
    }
}

/// A signature of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
struct EvidenceSignature {
    bytes: Vec<u8>,
    /// The id of the key, if the signature names it.
    key: Option<String>,
}

/// Evidence that somebody signed: the message that the signatures are about, and the signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEvidence {
    message: Arc<Vec<u8>>,
    signatures: Vec<EvidenceSignature>,
    /// Whether a signature that names an unknown key may be of any key: the name in an envelope is a hint.
    any_key: bool,
    /// The digests of the things that the evidence is about, as an in-toto statement names them.
    pub subjects: Vec<Digest>,
}

/// The result of verifying the signatures of evidence at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureResult {
    pub verification: Verification,
    /// The keys that verified it, one in each line.
    pub verified_by: Option<String>,
    /// The result, as a sentence.
    pub message: String,
    /// The moment from which on the result may be another one.
    pub until: Option<Timestamp>,
}

/// The keys that made the signatures of a piece of evidence, whether they are valid or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureMatches {
    /// The positions of these keys among the known ones.
    pub keys: Vec<usize>,
    /// How many keys were tried.
    tried: usize,
}

/// An envelope, as DSSE defines it. Members that it does not define are ignored.
#[derive(Deserialize)]
struct Envelope {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Deserialize)]
struct EnvelopeSignature {
    #[serde(default)]
    keyid: Option<String>,
    sig: String,
}

/// An in-toto statement, as far as it is read here.
#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<StatementSubject>,
}

#[derive(Deserialize)]
struct StatementSubject {
    digest: BTreeMap<String, String>,
}

fn invalid(pointer: impl Into<String>, message: impl Into<String>) -> InputError {
    InputError::new(pointer, message)
}

/// Decodes base64 in the usual alphabet, or in that for URLs, with or without padding.
fn decoded(pointer: impl Into<String>, text: &str) -> Result<Vec<u8>, InputError> {
    let alphabet = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    match GeneralPurpose::new(&alphabet, DECODING).decode(text.trim()) {
        Ok(bytes) if bytes.is_empty() => Err(invalid(pointer, "the text is empty: write base64")),
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(invalid(pointer, format!("the text is not base64: {error}"))),
    }
}

/// A signature from a file beside evidence: base64, as `cosign sign-blob` writes it, or the bytes, as openssl does.
pub fn detached_from_file(bytes: &[u8]) -> DetachedSignature {
    let text = std::str::from_utf8(bytes).ok().map(str::trim).filter(|text| decoded("", text).is_ok());
    let signature = text.map_or_else(|| BASE64.encode(bytes), str::to_owned);
    DetachedSignature { signature, key: None }
}

/// The message of an envelope's signatures: its pre-authentication encoding.
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

/// Whether a media type is that of an envelope.
fn is_envelope(media_type: &str) -> bool {
    media_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(DSSE_ENVELOPE)
}

impl SignedEvidence {
    /// Reads the signatures of evidence. None if nothing is signed.
    ///
    /// # Errors
    /// If the envelope or the signature beside the file cannot be read, or there are both. The place is a pointer into the
    /// envelope, or `/signature`.
    pub fn read(evidence: &Evidence, detached: Option<&DetachedSignature>) -> Result<Option<Self>, InputError> {
        match (is_envelope(&evidence.media_type), detached) {
            (false, None) => Ok(None),
            (true, None) => Self::of_envelope(&evidence.content).map(Some),
            (true, Some(_)) => Err(invalid(
                "/signature",
                format!(
                    "the evidence is an envelope (`{DSSE_ENVELOPE}`), which holds its signatures: leave this one out"
                ),
            )),
            (false, Some(DetachedSignature { signature, key })) => {
                let bytes = decoded("/signature", signature)?;
                let signatures = vec![EvidenceSignature { bytes, key: key.clone() }];
                let message = Arc::clone(&evidence.content);
                Ok(Some(Self { message, signatures, any_key: false, subjects: Vec::new() }))
            }
        }
    }

    fn of_envelope(content: &[u8]) -> Result<Self, InputError> {
        let what = "this is no DSSE envelope";
        let value = JsonReader::default().read(content).map_err(|error| invalid("", format!("{what}: {error}")))?;
        let envelope: Envelope = read_value(&value).map_err(InputError::from)?;
        let Envelope { payload, payload_type, signatures } = envelope;
        if signatures.is_empty() || signatures.len() > MOST_SIGNATURES {
            let message =
                format!("an envelope has 1 to {MOST_SIGNATURES} signatures, and this one {}", signatures.len());
            return Err(invalid("/signatures", message));
        }
        let payload = decoded("/payload", &payload)?;
        let subjects = match payload_type.as_str() {
            IN_TOTO => subjects(&payload)?,
            _ => Vec::new(),
        };
        let signatures = signatures.into_iter().enumerate().map(|(index, EnvelopeSignature { keyid, sig })| {
            let bytes = decoded(format!("/signatures/{index}/sig"), &sig)?;
            Ok(EvidenceSignature { bytes, key: keyid.filter(|key| !key.is_empty()) })
        });
        let signatures = signatures.collect::<Result<_, InputError>>()?;
        let message = Arc::new(pre_authentication_encoding(&payload_type, &payload));
        Ok(Self { message, signatures, any_key: true, subjects })
    }

    /// The keys that made its signatures.
    pub fn matches(&self, known: &[KnownKey]) -> SignatureMatches {
        let (mut keys, mut tried) = (BTreeSet::new(), BTreeSet::new());
        for EvidenceSignature { bytes, key } in &self.signatures {
            let is_known = |name: &str| known.iter().any(|known| known.is_named(name));
            let name = key.as_deref().filter(|name| !self.any_key || is_known(name));
            for (index, known) in known.iter().enumerate() {
                if name.is_some_and(|name| !known.is_named(name)) {
                    continue;
                }
                tried.insert(index);
                if verifies(&known.key.public_key, &self.message, bytes) {
                    keys.insert(index);
                }
            }
        }
        SignatureMatches { keys: keys.into_iter().collect(), tried: tried.len() }
    }

    /// The result at a moment, given the keys that made its signatures.
    pub fn judge(&self, matches: &SignatureMatches, known: &[KnownKey], now: Timestamp) -> SignatureResult {
        let matching: Vec<&KnownKey> = matches.keys.iter().filter_map(|index| known.get(*index)).collect();
        let changes = matching.iter().flat_map(|key| <[_; 2]>::from(key.validity())).flatten();
        let until = changes.filter(|change| now < *change).min();
        let mut valid: Vec<&KnownKey> = matching.iter().copied().filter(|key| key.invalid_at(now).is_none()).collect();
        // Those of suppliers first.
        valid.sort_by_key(|key| (Reverse(key.register), &key.id, &key.key.id));
        let names = |keys: &[&KnownKey]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
        let result = |verification, message| SignatureResult { verification, verified_by: None, message, until };
        if !valid.is_empty() {
            let message = format!("verified with `{}`", names(&valid).join("`, `"));
            return SignatureResult {
                verified_by: Some(names(&valid).join("\n")),
                ..result(Verification::Verified, message)
            };
        }
        let named: Vec<&str> = self.signatures.iter().filter_map(|signature| signature.key.as_deref()).collect();
        if let Some((key, why)) = matching.iter().find_map(|key| Some((key, key.invalid_at(now)?))) {
            let message = format!("`{key}` made the signature, and this key {why}: it does not count");
            return result(Verification::Unchecked, message);
        }
        let register = "of the registers `suppliers` and `people`";
        match (matches.tried, named.as_slice()) {
            (0, []) => {
                let message = format!("no entry {register} has a key: put the signer's into theirs");
                result(Verification::Unchecked, message)
            }
            (0, named) => {
                let named = named.join("`, `");
                let message =
                    format!("no entry {register} has a key `{named}`: put it into the signer's, or name another");
                result(Verification::Unchecked, message)
            }
            (tried, _) => {
                let keys = counted(tried, "key", "keys");
                let message = format!(
                    "the signature is wrong, or its key is unknown: of {keys} {register} that may have made it, none did"
                );
                result(Verification::Failed, message)
            }
        }
    }
}

/// The digests of the subjects of an in-toto statement. Those without a SHA-256 are left out.
fn subjects(payload: &[u8]) -> Result<Vec<Digest>, InputError> {
    let within = |error: InputError| invalid("/payload", format!("the payload is no in-toto statement: {error}"));
    let value = JsonReader::default().read(payload).map_err(|error| within(invalid("", error.to_string())))?;
    let Statement { statement_type, subject } = read_value(&value).map_err(|error| within(error.into()))?;
    if !statement_type.starts_with(STATEMENT) {
        let message = format!("expected a type that begins with `{STATEMENT}`, got `{statement_type}`");
        return Err(within(invalid("/_type", message)));
    }
    let digests = subject
        .iter()
        .enumerate()
        .filter_map(|(index, StatementSubject { digest })| Some((index, digest.get("sha256")?)));
    let mut found = Vec::new();
    for (index, digest) in digests {
        let digest = format!("sha256:{}", digest.to_ascii_lowercase());
        let digest: Digest = digest.parse().map_err(|error: DigestError| {
            within(invalid(format!("/subject/{index}/digest/sha256"), error.to_string()))
        })?;
        if !found.contains(&digest) {
            found.push(digest);
        }
    }
    Ok(found)
}

/// Whether a key made the signature of the message.
fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let algorithm: &dyn VerificationAlgorithm = match key.algorithm() {
        KeyAlgorithm::Ed25519 => &ED25519,
        KeyAlgorithm::EcdsaP256Sha256 => &ECDSA_P256_SHA256_ASN1,
    };
    UnparsedPublicKey::new(algorithm, key.as_bytes()).verify(message, signature).is_ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    // Made with OpenSSL 3.0: `openssl pkeyutl -sign -rawin` for Ed25519, and `openssl dgst -sha256 -sign` for P-256.
    const MESSAGE: &[u8] = b"the scan found nothing\n";
    const OF_ED25519: &str = "/0mjJSJFHtcT8OAcCJ+fL4TaVcXK5si5NbYAhGPpOnX0nMFlIntc/rA8kBa4YzxjdVYibOgE7Qg22DCi1WYhAg==";
    const OF_P256: &str =
        "MEUCICx4hfWwFm8FkFoanGw8EjkGiSxXaeAf0vFHasi/3DprAiEA8+1wQPBefypdLFEknZnT+p7OiM3VS7Je/oemC0oo8iE=";
    const ED25519_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA0tyqj3eB5v6s7itzUKduFDPVm4B0f4a50lE9jbc8ALw=\n-----END PUBLIC KEY-----\n";
    const P256_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyfqYfehhy96QbbnpMnavhWalWkWY\nx+4DB5GGhowzhFGGShRTkCTiG0uWbDuUCriAkASTnh4AFGGJNrw5UDsuNQ==\n-----END PUBLIC KEY-----\n";

    #[test]
    fn signatures_of_openssl_are_verified_and_nothing_else_is() {
        for (key, other, signature) in [(ED25519_KEY, P256_KEY, OF_ED25519), (P256_KEY, ED25519_KEY, OF_P256)] {
            let [key, other]: [PublicKey; 2] = [key, other].map(|pem| pem.parse().unwrap());
            let signature = BASE64.decode(signature).unwrap();
            assert!(verifies(&key, MESSAGE, &signature));
            assert!(!verifies(&key, b"the scan found something\n", &signature));
            assert!(!verifies(&other, MESSAGE, &signature));
            let mut wrong = signature.clone();
            *wrong.last_mut().unwrap() ^= 1;
            assert!(!verifies(&key, MESSAGE, &wrong));
            assert!(!verifies(&key, MESSAGE, b""));
        }
    }
}
