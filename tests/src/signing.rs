//! Keys that sign evidence, as suppliers and people have them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData as _, SignatureAlgorithm, SigningKey as _};
use serde_json::{Value, json};

/// A key that signs evidence, with its public key.
#[derive(Debug)]
pub struct EvidenceKey(KeyPair);

impl EvidenceKey {
    /// A new key pair of Ed25519.
    #[must_use]
    pub fn ed25519() -> Self {
        Self::of(&PKCS_ED25519)
    }

    /// A new key pair of ECDSA P-256, as cosign makes them.
    #[must_use]
    pub fn p256() -> Self {
        Self::of(&PKCS_ECDSA_P256_SHA256)
    }

    fn of(algorithm: &'static SignatureAlgorithm) -> Self {
        Self(KeyPair::generate_for(algorithm).unwrap())
    }

    /// The public key as PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        let der = STANDARD.encode(self.0.subject_public_key_info());
        let lines: Vec<&str> = der.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// The signature of some bytes: 64 bytes for Ed25519, DER for ECDSA.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(bytes).unwrap()
    }

    /// The signature of some bytes as base64, as `cosign sign-blob` writes it.
    #[must_use]
    pub fn sign_base64(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.sign(bytes))
    }
}

/// An envelope (DSSE) that these keys signed, each with an id of the key or with an empty one.
#[must_use]
pub fn envelope(payload_type: &str, payload: &[u8], signers: &[(&str, &EvidenceKey)]) -> Value {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    let signature = |(id, key): &(&str, &EvidenceKey)| json!({"keyid": id, "sig": key.sign_base64(&message)});
    let signatures: Vec<Value> = signers.iter().map(signature).collect();
    json!({"payloadType": payload_type, "payload": STANDARD.encode(payload), "signatures": signatures})
}
