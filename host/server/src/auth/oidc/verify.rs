//! Verifies signatures: `jsonwebtoken` parses the token and compares it with the expected values; `ring` does the
//! cryptography, as everywhere else in Lockgate.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{self, ErrorKind, new_error};
use jsonwebtoken::signature::{Error as Wrong, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey, Validation};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

use super::claims::Claims;
use crate::auth::CredentialRefusal;
use crate::config::{IssuerConfig, SigningAlgorithm};

/// The algorithm, as `jsonwebtoken` names it.
pub(super) fn algorithm(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::RS256 => Algorithm::RS256,
        SigningAlgorithm::RS384 => Algorithm::RS384,
        SigningAlgorithm::RS512 => Algorithm::RS512,
        SigningAlgorithm::PS256 => Algorithm::PS256,
        SigningAlgorithm::PS384 => Algorithm::PS384,
        SigningAlgorithm::PS512 => Algorithm::PS512,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::ES384 => Algorithm::ES384,
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
    }
}

/// The claims of a token, if this key signed it with this algorithm, and issuer and audience are the expected ones. The
/// caller checks the times, because `jsonwebtoken` only knows the machine's clock.
pub(super) fn verify(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
    config: &IssuerConfig,
) -> Result<Claims, CredentialRefusal> {
    // Process-wide, because `jsonwebtoken` requires that. Nothing else here uses it.
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // If another thread was faster, its provider is used.
        let _ = WITH_RING.install_default();
    });
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&config.audiences);
    validation.set_issuer(&[&config.issuer]);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.validate_exp = false;
    let missing =
        |claim: &str| CredentialRefusal::Claim { claim: claim.to_owned(), problem: "is missing or unreadable" };
    match jsonwebtoken::decode::<Claims>(token, key, &validation) {
        Ok(verified) => Ok(verified.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidSignature => CredentialRefusal::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => CredentialRefusal::Algorithm,
            ErrorKind::InvalidKeyFormat => CredentialRefusal::Key,
            ErrorKind::InvalidAudience => CredentialRefusal::Audience { expected: config.audiences.join("` or `") },
            ErrorKind::InvalidIssuer => CredentialRefusal::Issuer,
            ErrorKind::MissingRequiredClaim(claim) => missing(claim),
            ErrorKind::Json(_) => CredentialRefusal::NoToken("its claims are unreadable"),
            _ => CredentialRefusal::NoToken("it is unreadable"),
        }),
    }
}

static WITH_RING: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(unsupported()),
        rsa_pub_components_from_public_key: |_| Err(unsupported()),
        ec_pub_components_from_private_key: |_, _| Err(unsupported()),
        ed_pub_components_from_private_key: |_, _| Err(unsupported()),
        compute_digest: |_, _| Err(unsupported()),
    },
};

fn unsupported() -> errors::Error {
    new_error(ErrorKind::UnsupportedAlgorithm)
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> errors::Result<Box<dyn JwtSigner>> {
    Err(unsupported())
}

/// A key with one algorithm of its family. The family is the key's, whatever the token says.
struct RingVerifier {
    algorithm: Algorithm,
    key: DecodingKey,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> errors::Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() || algorithm.family() == AlgorithmFamily::Hmac {
        return Err(new_error(ErrorKind::InvalidAlgorithm));
    }
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key: key.clone() }))
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Wrong> {
        let rsa = match self.algorithm {
            Algorithm::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
            Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
            Algorithm::ES256 => return self.curve(&signature::ECDSA_P256_SHA256_FIXED, message, signature),
            Algorithm::ES384 => return self.curve(&signature::ECDSA_P384_SHA384_FIXED, message, signature),
            Algorithm::EdDSA => return self.curve(&signature::ED25519, message, signature),
            _ => return Err(Wrong::new()),
        };
        match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                // Some issuers write a sign byte before the number, which ring does not accept.
                let (n, e) = (without_zeros(n), without_zeros(e));
                RsaPublicKeyComponents { n, e }.verify(rsa, message, signature).map_err(|_| Wrong::new())
            }
            DecodingKeyKind::SecretOrDer(_) => Err(Wrong::new()),
        }
    }
}

impl RingVerifier {
    fn curve(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Wrong> {
        let key = self.key.try_get_as_bytes().map_err(|_| Wrong::new())?;
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| Wrong::new())
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
