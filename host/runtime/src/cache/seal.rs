//! The seal of a cached file: HMAC-SHA256 over its name and its content.
//!
//! It covers the name, so that a file of one plugin is not valid under the name of another.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key as long as a block of SHA-256, in bytes.
pub(super) type SealKey = [u8; 64];

/// Seals and verifies files with one key.
pub(super) struct Seal(Hmac<Sha256>);

/// The content of a file whose seal matches. Only [`Seal::open`] makes one.
pub(super) struct VerifiedFile<'a> {
    profile: &'a [u8],
    code: &'a [u8],
}

const MAGIC: &[u8; 8] = b"lockgate";

impl Seal {
    pub(super) fn new(key: &SealKey) -> Self {
        Self(Hmac::new(&(*key).into()))
    }

    /// The bytes of a file with that name and content: a magic number, the seal, the length of the profile, the profile and
    /// the code.
    pub(super) fn close(&self, name: &str, profile: &[u8], code: &[u8]) -> Vec<u8> {
        let length = (profile.len() as u64).to_le_bytes();
        let seal = self.over(name, &length, profile, code).finalize().into_bytes();
        [MAGIC, &seal[..], &length, profile, code].concat()
    }

    /// The content of the file with that name; none if its seal does not match.
    pub(super) fn open<'a>(&self, name: &str, file: &'a [u8]) -> Option<VerifiedFile<'a>> {
        let rest = file.strip_prefix(MAGIC)?;
        let (seal, rest) = rest.split_at_checked(32)?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (profile, code) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        self.over(name, length, profile, code).verify_slice(seal).ok()?;
        Some(VerifiedFile { profile, code })
    }

    fn over(&self, name: &str, length: &[u8; 8], profile: &[u8], code: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&(name.len() as u64).to_le_bytes());
        for part in [name.as_bytes(), length, profile, code] {
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl<'a> VerifiedFile<'a> {
    /// The profile of the plugin, as JSON.
    pub(super) fn profile(&self) -> &'a [u8] {
        self.profile
    }

    /// The machine code.
    pub(super) fn code(&self) -> &'a [u8] {
        self.code
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

    use super::*;

    #[test]
    fn what_was_closed_opens_under_its_own_name_only() {
        let seal = Seal::new(&[7; 64]);
        let file = seal.close("a", b"profile", b"code");
        let verified = seal.open("a", &file).unwrap();
        assert_eq!((verified.profile(), verified.code()), (&b"profile"[..], &b"code"[..]));
        assert!(seal.open("b", &file).is_none());
        assert!(Seal::new(&[8; 64]).open("a", &file).is_none());
    }

    #[test]
    fn no_changed_byte_and_no_cut_goes_unnoticed() {
        let seal = Seal::new(&[7; 64]);
        let file = seal.close("a", b"profile", b"code");
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(seal.open("a", &changed).is_none(), "byte {at}");
            assert!(seal.open("a", &file[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn bytes_cannot_move_from_one_part_to_the_other() {
        let seal = Seal::new(&[7; 64]);
        let one = seal.close("a", b"profile", b"code");
        let other = seal.close("a", b"profilec", b"ode");
        assert_ne!(one[8..40], other[8..40]);
    }
}
