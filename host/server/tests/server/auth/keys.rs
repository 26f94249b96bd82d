//! Keys that were made for the test, and tokens signed with them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

pub(crate) enum Key {
    Ed(String, Ed25519KeyPair),
    Ec(String, EcdsaKeyPair),
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

impl Key {
    pub(crate) fn ed(id: &str) -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(id.to_owned(), Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    pub(crate) fn ec(id: &str) -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let made = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self::Ec(id.to_owned(), EcdsaKeyPair::from_pkcs8(kind, made.as_ref(), &random).unwrap())
    }

    pub(crate) fn public_bytes(&self) -> &[u8] {
        match self {
            Self::Ed(_, key) => key.public_key().as_ref(),
            Self::Ec(_, key) => key.public_key().as_ref(),
        }
    }

    /// As an issuer publishes it.
    pub(crate) fn public(&self) -> Value {
        let bytes = self.public_bytes();
        match self {
            Self::Ed(id, _) => json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "x": encoded(bytes) }),
            Self::Ec(id, _) => json!({
                "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "alg": "ES256",
                "x": encoded(&bytes[1..33]), "y": encoded(&bytes[33..]),
            }),
        }
    }

    pub(crate) fn header(&self) -> Value {
        match self {
            Self::Ed(id, _) => json!({ "typ": "JWT", "alg": "EdDSA", "kid": id }),
            Self::Ec(id, _) => json!({ "typ": "JWT", "alg": "ES256", "kid": id }),
        }
    }

    /// A token of these claims, as this key signs it.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), &claims.to_string())
    }

    pub(crate) fn sign_as(&self, header: &Value, claims: &str) -> String {
        let message = format!("{}.{}", encoded(header.to_string()), encoded(claims));
        let signature = match self {
            Self::Ed(_, key) => key.sign(message.as_bytes()).as_ref().to_vec(),
            Self::Ec(_, key) => key.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", encoded(signature))
    }
}
