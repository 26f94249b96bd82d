//! The two halves of a key: one signs, the other is for everybody who verifies.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// The signature type of Ed25519, as notes number it.
const ED25519_TYPE: u8 = 1;

/// Why a text or a name makes no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidKey {
    /// A name that notes do not allow.
    #[error("`{0}` cannot name a log: write at least one character, and no blank, no `+` and no control character")]
    Name(String),
    /// A text that does not have the form of a key.
    #[error("that is not {0}")]
    Malformed(&'static str),
    /// A key whose id is not the id of its name and key bytes.
    #[error(
        "the key of `{name}` says that its id is `{said}`, but it is `{is}`: it was damaged or put together wrongly"
    )]
    Id {
        /// The name in the text.
        name: String,
        /// The id in the text.
        said: String,
        /// The id that name and key bytes have.
        is: String,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes for a new key: {0}")]
    Random(String),
}

/// The half that verifies. Its text is `<name>+<id>+<base64>`, as c2sp.org/signed-note defines it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifyingKey {
    name: String,
    public: [u8; 32],
}

impl VerifyingKey {
    /// The name of the log that signs with this key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the digest over name, type and key. Signatures name their key by it.
    pub fn id(&self) -> u32 {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', ED25519_TYPE])
            .chain_update(self.public)
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        u32::from_be_bytes([a, b, c, d])
    }

    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text, signature).is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}+{}", self.name, self.id(), with_type(&self.public))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifyingKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        const WHAT: &str = "a verifying key: write `<name>+<id>+<base64>`";
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidKey::Malformed(WHAT));
        };
        let key = Self { name: checked(name)?, public: without_type(key).ok_or(InvalidKey::Malformed(WHAT))? };
        check_id(name, id, key.id())?;
        Ok(key)
    }
}

impl Serialize for VerifyingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifyingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The half that signs. It is never shown: `Debug` prints the verifying half.
pub struct SigningKey {
    verifying: VerifyingKey,
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Makes a new key for the log `name` from the system's random bytes. The best name is a URL without a scheme, for
    /// example `deploy.example.com/ledger`.
    ///
    /// # Errors
    /// If the name is not allowed, or the system gives no random bytes.
    pub fn generate(name: &str) -> Result<Self, InvalidKey> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| InvalidKey::Random(error.to_string()))?;
        Self::from_seed(name, seed)
    }

    fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, InvalidKey> {
        let name = checked(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| InvalidKey::Malformed("an Ed25519 seed"))?;
        let public = pair.public_key().as_ref();
        let public = public.try_into().map_err(|_| InvalidKey::Malformed("an Ed25519 key"))?;
        Ok(Self { verifying: VerifyingKey { name, public }, seed, pair })
    }

    /// The verifying half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    pub(super) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(text).as_ref().to_vec()
    }

    /// The secret text that a key file holds: `PRIVATE+KEY+<name>+<id>+<base64>`.
    pub(crate) fn to_secret(&self) -> String {
        format!("PRIVATE+KEY+{}+{:08x}+{}", self.verifying.name, self.verifying.id(), with_type(&self.seed))
    }

    /// Reads what [`Self::to_secret`] wrote.
    pub(crate) fn from_secret(text: &str) -> Result<Self, InvalidKey> {
        const WHAT: &str = "a signing key: it has the form `PRIVATE+KEY+<name>+<id>+<base64>`";
        let mut parts = text.strip_prefix("PRIVATE+KEY+").ok_or(InvalidKey::Malformed(WHAT))?.splitn(3, '+');
        let (Some(name), Some(id), Some(seed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidKey::Malformed(WHAT));
        };
        let key = Self::from_seed(name, without_type(seed).ok_or(InvalidKey::Malformed(WHAT))?)?;
        check_id(name, id, key.verifying.id())?;
        Ok(key)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the signing half of {}", self.verifying)
    }
}

fn checked(name: &str) -> Result<String, InvalidKey> {
    if name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        return Err(InvalidKey::Name(name.to_owned()));
    }
    Ok(name.to_owned())
}

fn check_id(name: &str, said: &str, is: u32) -> Result<(), InvalidKey> {
    let is = format!("{is:08x}");
    if said == is { Ok(()) } else { Err(InvalidKey::Id { name: name.to_owned(), said: said.to_owned(), is }) }
}

fn with_type(key: &[u8; 32]) -> String {
    let bytes: Vec<u8> = std::iter::once(ED25519_TYPE).chain(*key).collect();
    STANDARD.encode(bytes)
}

fn without_type(text: &str) -> Option<[u8; 32]> {
    let bytes = STANDARD.decode(text).ok()?;
    match bytes.split_first() {
        Some((&ED25519_TYPE, key)) => key.try_into().ok(),
        _ => None,
    }
}
