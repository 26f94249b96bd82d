//! SHA-256 in hexadecimal digits.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// The digest of a file, which may be larger than memory.
///
/// # Errors
/// It cannot be read.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let unreadable = || format!("cannot read `{}`", path.display());
    let mut file = File::open(path).with_context(unreadable)?;
    let (mut sha256, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).with_context(unreadable)? {
            0 => return Ok(hex(sha256)),
            read => sha256.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// The first 16 digits of the digest of all parts together: enough to tell things apart, and short enough for a name.
pub(crate) fn short<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut sha256 = Sha256::new();
    for part in parts {
        // So that bytes cannot move from one part to the next.
        sha256.update((part.len() as u64).to_le_bytes());
        sha256.update(part);
    }
    let mut hex = hex(sha256);
    hex.truncate(16);
    hex
}

fn hex(sha256: Sha256) -> String {
    sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn the_digest_of_a_file_is_that_of_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        // The first example of FIPS 180-2.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of_file(file.path()).unwrap(), expected);
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(short([&b"ab"[..], b"c"]), short([&b"a"[..], b"bc"]));
        assert_eq!(short([&b"ab"[..]]).len(), 16);
    }
}
