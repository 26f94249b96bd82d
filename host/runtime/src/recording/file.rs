//! The file of a recording: canonical JSON (RFC 8785), compressed with Zstandard, so that `zstdcat` and `jq` can read it.

use std::io::Read as _;

use lockgate_domain::{Digest, DigestError, JsonReader, ValueError, canonical_json, read_own_value};
use serde::{Deserialize, Serialize};

use super::Recording;
use crate::display::Bytes;

/// The file name extension of recordings, without the leading dot.
pub const RECORDING_EXTENSION: &str = "recording.zst";
/// The `format` of every recording.
const FORMAT: &str = "lockgate-recording";
/// The `version` of the format, raised with every change. Older versions stay readable.
const VERSION: u32 = 1;
/// The largest unpacked size, in bytes: a small file must not fill the memory.
const LARGEST: u64 = 256 << 20;
/// The deepest nesting of lists and objects. Documents have up to 128 levels, and stand a few levels deep in a recording.
const DEEPEST: usize = 192;
/// The level of compression. Higher levels take much longer and save little.
const LEVEL: i32 = 9;

/// Why a recording cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The file is not compressed with Zstandard, or is cut off. The message is the decoder's.
    #[error("not a recording, or cut off: {0}")]
    Packing(String),
    /// The unpacked recording is larger than 256 MiB.
    #[error("this recording unpacks to more than the limit of {}", Bytes(LARGEST))]
    TooLarge,
    /// The unpacked file is not a recording. The message says what is wrong.
    #[error("not a recording: {0}")]
    Form(String),
    /// The recording has a later format version, which is given.
    #[error("this recording has format version {0}; this host reads up to {VERSION}: use a newer Lockgate")]
    Version(u32),
    /// Evidence that the plugin could read is missing, or does not have its digest. Its name is given.
    #[error("this recording was changed: the evidence `{0}` does not have the digest that its snapshot names")]
    Evidence(String),
    /// The settings do not have the recorded digest, which is given.
    #[error("this recording was changed: its settings do not have the digest {0}")]
    Settings(Digest),
    /// A part of it has no canonical JSON.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// The fields that a recording has in every version of the format.
#[derive(Deserialize)]
struct FileVersion {
    format: String,
    version: u32,
}

/// The file of a recording, for writing.
#[derive(Serialize)]
struct RecordingFile<'a> {
    format: &'static str,
    version: u32,
    recording: &'a Recording,
}

/// The file of a recording, for reading.
#[derive(Deserialize)]
struct RecordingBody {
    recording: Recording,
}

impl Recording {
    /// The canonical JSON of its file, before compression.
    ///
    /// # Errors
    /// If something in it has no canonical JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordingError> {
        Ok(canonical_json(&RecordingFile { format: FORMAT, version: VERSION, recording: self })?)
    }

    /// The SHA-256 digest of its canonical JSON, which identifies it.
    ///
    /// # Errors
    /// If something in it has no canonical JSON.
    pub fn digest(&self) -> Result<Digest, RecordingError> {
        Ok(Digest::of(&self.to_json()?))
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// If something in it has no canonical JSON, or the file could not be read again.
    pub fn encode(&self) -> Result<Vec<u8>, RecordingError> {
        let json = self.to_json()?;
        // A recording that could not be read again must not be written.
        Self::from_json(&json)?;
        zstd::encode_all(&*json, LEVEL).map_err(|error| RecordingError::Packing(error.to_string()))
    }

    /// Reads the bytes of a file. Evidence and settings are compared with their digests. That finds damage, not forgery:
    /// recordings are not signed.
    ///
    /// # Errors
    /// If they are not a recording, are too large, of a later version, or do not match their digests.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordingError> {
        let packing = |error: std::io::Error| RecordingError::Packing(error.to_string());
        let mut json = Vec::new();
        zstd::Decoder::new(bytes).map_err(packing)?.take(LARGEST + 1).read_to_end(&mut json).map_err(packing)?;
        Self::from_json(&json)
    }

    /// Reads the canonical JSON of a file.
    ///
    /// # Errors
    /// As [`Recording::decode`].
    pub fn from_json(json: &[u8]) -> Result<Self, RecordingError> {
        if json.len() as u64 > LARGEST {
            return Err(RecordingError::TooLarge);
        }
        if depth(json) > DEEPEST {
            return Err(RecordingError::Form(format!("it is nested deeper than {DEEPEST} levels")));
        }
        let form = |error: ValueError| RecordingError::Form(error.to_string());
        let json = JsonReader::default()
            .with_any_depth()
            .read(json)
            .map_err(|error| RecordingError::Form(error.to_string()))?;
        let head: FileVersion = read_own_value(&json).map_err(form)?;
        match (head.format.as_str(), head.version) {
            (FORMAT, VERSION) => {}
            (FORMAT, version) => return Err(RecordingError::Version(version)),
            (other, _) => return Err(RecordingError::Form(format!("its format is `{other}`"))),
        }
        let RecordingBody { recording } = read_own_value(&json).map_err(form)?;
        recording.check()?;
        Ok(recording)
    }

    /// Compares the settings and the evidence with their digests.
    fn check(&self) -> Result<(), RecordingError> {
        if Digest::of_canonical(&self.plugin.settings)? != self.plugin.settings_digest {
            return Err(RecordingError::Settings(self.plugin.settings_digest));
        }
        let readable = self.readable();
        let wrong = self.snapshot.evidence.iter().find(|(name, piece)| {
            let content = self.evidence.get(&piece.digest.text());
            match content {
                Some(content) => Digest::of(&content.0) != piece.digest,
                None => readable.allow(name),
            }
        });
        wrong.map_or(Ok(()), |(name, _)| Err(RecordingError::Evidence(name.clone())))
    }
}

/// The nesting depth of lists and objects in bytes that may be JSON.
fn depth(json: &[u8]) -> usize {
    let (mut open, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => {
                open += 1;
                deepest = deepest.max(open);
            }
            (false, b']' | b'}') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn brackets_in_texts_are_no_levels() {
        assert_eq!(depth(br#"{"a": [{"b\"[[[": "[{"}], "c": []}"#), 3);
        assert_eq!(depth(b"]]"), 0);
    }
}
