//! Public keys with which the signatures of evidence are verified. The registers of suppliers and of people hold them. They are
//! read here; the service verifies with them.

use std::fmt;
use std::str::FromStr;

use rustls_pki_types::pem::{PemObject as _, SectionKind};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Timestamp;
use crate::distinct::{distinct, keyed};

/// The most keys of one entry of a register.
const MOST_KEYS: usize = 16;

/// The longest id of a key, in bytes.
const LONGEST_ID: usize = 64;

/// A public key: Ed25519, or ECDSA on the curve P-256 with SHA-256.
#[derive(Clone)]
pub struct PublicKey {
    /// As it was written: a SubjectPublicKeyInfo (RFC 5280) as PEM (RFC 7468).
    pem: String,
    algorithm: KeyAlgorithm,
    /// The key alone, as its algorithm writes it.
    bytes: Vec<u8>,
}

/// The algorithm of a public key, and of the signatures that are made with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// Ed25519. A signature has 64 bytes (RFC 8032).
    Ed25519,
    /// ECDSA on the curve P-256 with SHA-256. A signature is DER (RFC 3279).
    EcdsaP256Sha256,
}

/// The bytes that a SubjectPublicKeyInfo of each algorithm begins with (RFC 8410, RFC 5480), and the number of bytes of the key after
/// them. An algorithm has one form in DER, and a point of a curve is not compressed.
const FORMS: [(KeyAlgorithm, &[u8], usize); 2] = [
    (KeyAlgorithm::Ed25519, &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], 32),
    (
        KeyAlgorithm::EcdsaP256Sha256,
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
        65,
    ),
];

/// A text holds no public key that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublicKey {
    /// The text holds no PEM, or damaged PEM.
    #[error("this is no public key: write it as PEM, from `-----BEGIN PUBLIC KEY-----` to `-----END PUBLIC KEY-----`")]
    NotPem,
    /// The text holds a private key.
    #[error(
        "this is a private key, which is no longer secret now: make another one, and write its public key (`openssl pkey \
         -pubout`)"
    )]
    Private,
    /// The text holds something else.
    #[error("this is PEM, and no public key: write one that begins with `-----BEGIN PUBLIC KEY-----`")]
    OtherPem,
    /// The text holds more than one key.
    #[error("this is more than one key: write an entry of `keys` for each")]
    Several,
    /// The key is damaged, or of another algorithm.
    #[error("the key is none of Ed25519 or ECDSA P-256: make one with `cosign generate-key-pair`, or with openssl")]
    Algorithm,
}

impl PublicKey {
    /// The algorithm of the key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The key alone: 32 bytes for Ed25519, and an uncompressed point for ECDSA (SEC 1).
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The key as PEM, as it was written.
    pub fn as_pem(&self) -> &str {
        &self.pem
    }
}

impl FromStr for PublicKey {
    type Err = InvalidPublicKey;

    fn from_str(text: &str) -> Result<Self, InvalidPublicKey> {
        let sections: Vec<(SectionKind, Vec<u8>)> = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .or(Err(InvalidPublicKey::NotPem))?;
        if sections.iter().any(|(kind, _)| {
            matches!(kind, SectionKind::PrivateKey | SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey)
        }) || text.contains("PRIVATE KEY-----")
        {
            return Err(InvalidPublicKey::Private);
        }
        let mut sections = sections.into_iter();
        let der = match (sections.next(), sections.next()) {
            (None, _) => return Err(InvalidPublicKey::NotPem),
            (Some(_), Some(_)) => return Err(InvalidPublicKey::Several),
            (Some((SectionKind::PublicKey, der)), None) => der,
            (Some(_), None) => return Err(InvalidPublicKey::OtherPem),
        };
        let read = |(algorithm, begin, length): (KeyAlgorithm, &[u8], usize)| {
            let key = der.strip_prefix(begin).filter(|key| key.len() == length)?;
            let is_point = algorithm == KeyAlgorithm::Ed25519 || key.first() == Some(&0x04);
            is_point.then(|| (algorithm, key.to_vec()))
        };
        let (algorithm, bytes) = FORMS.into_iter().find_map(read).ok_or(InvalidPublicKey::Algorithm)?;
        Ok(Self { pem: text.to_owned(), algorithm, bytes })
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicKey").field(&self.pem).finish()
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.pem)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for PublicKey {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PublicKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "description": "A public key as PEM (`-----BEGIN PUBLIC KEY-----`): Ed25519 or ECDSA P-256, as `cosign \
                            generate-key-pair` and `openssl pkey -pubout` write it."
        })
    }
}

/// A key of an entry of a register. Signatures of evidence count while it is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisteredKey {
    /// The id of the key, unique in the entry: 1 to 64 letters, digits, `.`, `-` or `_`.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub id: String,
    /// The public key.
    pub public_key: PublicKey,
    /// From when on the key is valid (RFC 3339). Absent: always before `valid_until`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Timestamp>,
    /// From when on the key is no longer valid (RFC 3339). Absent: it stays valid until it is taken out of the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

keyed!(RegisteredKey: id);

/// A key as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    id: KeyId,
    public_key: PublicKey,
    #[serde(default)]
    valid_from: Option<Timestamp>,
    #[serde(default)]
    valid_until: Option<Timestamp>,
}

/// The id of a key.
struct KeyId(String);

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        match (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(plain) {
            true => Ok(Self(id)),
            false => Err(D::Error::custom(format_args!(
                "the id of a key has 1 to {LONGEST_ID} letters, digits, `.`, `-` or `_`"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for RegisteredKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let WrittenKey { id: KeyId(id), public_key, valid_from, valid_until } = WrittenKey::deserialize(deserializer)?;
        match (valid_from, valid_until) {
            (Some(from), Some(until)) if until <= from => Err(D::Error::custom(format_args!(
                "the key `{id}` is valid until `{until}`, which is not after `{from}`: state a later time"
            ))),
            _ => Ok(Self { id, public_key, valid_from, valid_until }),
        }
    }
}

/// Reads the keys of an entry: for `serde`'s `deserialize_with`.
pub(crate) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RegisteredKey>, D::Error> {
    let keys: Vec<RegisteredKey> = distinct(deserializer)?;
    match keys.len() {
        0..=MOST_KEYS => Ok(keys),
        more => Err(D::Error::custom(format_args!("{more} keys: at most {MOST_KEYS} are allowed"))),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::RegisterKind;

    const ED25519: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA0tyqj3eB5v6s7itzUKduFDPVm4B0f4a50lE9jbc8ALw=\n-----END PUBLIC KEY-----\n";
    const P256: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEyfqYfehhy96QbbnpMnavhWalWkWY\nx+4DB5GGhowzhFGGShRTkCTiG0uWbDuUCriAkASTnh4AFGGJNrw5UDsuNQ==\n-----END PUBLIC KEY-----\n";
    const P384: &str = "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE/rg4Uzg6x2DQVIdtigKfSDt8UZV4h0P/\nRS/5ma8qb9nfZ6+lcgBUyh61aKfEJSk8BhqWiONhtkkPjAdr5BDODIrYPmuPu719\nGDdspw+VYZQfxXsd4YVYggQERi+KdRky\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_is_read_with_its_algorithm() {
        let read = |pem: &str| {
            let key: PublicKey = pem.parse().unwrap();
            (key.algorithm(), key.as_bytes().len(), key.as_pem().to_owned())
        };
        assert_eq!(read(ED25519), (KeyAlgorithm::Ed25519, 32, ED25519.to_owned()));
        assert_eq!(read(P256), (KeyAlgorithm::EcdsaP256Sha256, 65, P256.to_owned()));
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_the_reason() {
        let cut: String = ED25519.replace("ALw=", "AL==");
        let cases = [
            ("", InvalidPublicKey::NotPem),
            ("MCowBQYDK2VwAyEA0tyqj3eB5v6s7itzUKduFDPVm4B0f4a50lE9jbc8ALw=", InvalidPublicKey::NotPem),
            ("-----BEGIN PUBLIC KEY-----\n???\n-----END PUBLIC KEY-----\n", InvalidPublicKey::NotPem),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", InvalidPublicKey::Algorithm),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", InvalidPublicKey::Private),
            (
                "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
                InvalidPublicKey::Private,
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", InvalidPublicKey::OtherPem),
            (&cut, InvalidPublicKey::Algorithm),
            (P384, InvalidPublicKey::Algorithm),
            (&format!("{ED25519}{P256}"), InvalidPublicKey::Several),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<PublicKey>().unwrap_err(), expected, "{text}");
        }
    }

    fn supplier(keys: &Value) -> Value {
        json!({"id": "acme", "name": "Acme", "keys": keys})
    }

    #[test]
    fn an_entry_is_refused_at_the_place_of_a_wrong_key() {
        let key = json!({"id": "build", "public_key": ED25519});
        let normal = RegisterKind::Suppliers.normalized(&supplier(&json!([key]))).unwrap();
        assert_eq!(normal.pointer("/keys/0"), Some(&key));
        let plain = RegisterKind::Suppliers.normalized(&json!({"id": "acme", "name": "Acme"})).unwrap();
        assert_eq!(plain.get("keys"), None, "an empty list is left out");
        let person = json!({"id": "rita", "keys": [key]});
        assert_eq!(RegisterKind::People.normalized(&person).unwrap().pointer("/keys/0"), Some(&key));
        let until = json!({
            "id": "build", "public_key": ED25519, "valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-02-01T00:00:00Z",
        });
        let many: Vec<Value> = (0..17).map(|index| json!({"id": format!("k{index}"), "public_key": P256})).collect();
        let cases = [
            (json!([key, {"id": "next", "public_key": P384}]), "/keys/1/public_key", "none of Ed25519 or ECDSA P-256"),
            (json!([{"id": "a#b", "public_key": P256}]), "/keys/0/id", "the id of a key has 1 to 64 letters"),
            (json!([key, key]), "/keys/1", "`build` is in the list twice: remove one"),
            (json!([until]), "/keys/0", "which is not after `2026-02-01T00:00:00Z`: state a later time"),
            (json!(many), "/keys", "17 keys: at most 16 are allowed"),
            (json!([{"id": "build", "public_key": P256, "expires": 1}]), "/keys/0/expires", "unknown key `expires`"),
        ];
        for (keys, pointer, said) in cases {
            let error = RegisterKind::Suppliers.normalized(&supplier(&keys)).unwrap_err();
            assert_eq!(error.pointer, pointer, "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
