//! A recording as a file: canonical JSON (RFC 8785), compressed with Zstandard, so that `zstdcat` and `jq` can read it
//! without us.

use std::io::Read as _;

use lockgate_domain::{Digest, DigestError, JsonReader, ValueError, canonical_json, read_own_value};
use serde::{Deserialize, Serialize};

use super::Recording;
use crate::display::Bytes;

/// What the names of recordings end with.
pub const RECORDING_EXTENSION: &str = "recording.zst";
/// What every recording says that it is, once it is unpacked.
const FORMAT: &str = "lockgate-recording";
/// Raised with every change of the form. Older versions stay readable.
const VERSION: u32 = 1;
/// How large a recording can be once it is unpacked: a small file must not fill the memory.
const LARGEST: u64 = 256 << 20;
/// How many levels a recording can have. Documents have up to 128 of their own, and stand a few levels deep in it.
const DEEPEST: usize = 192;
/// How hard to compress: far beyond this, the time goes up and the size hardly goes down.
const LEVEL: i32 = 9;

/// Why some bytes are no recording, or a recording has no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// Not packed as recordings are, or cut off.
    #[error("this is not a recording, or it is cut off: {0}")]
    Packing(String),
    /// It unpacks to more than is looked at.
    #[error("this recording unpacks to more than the {} that are looked at", Bytes(LARGEST))]
    TooLarge,
    /// It unpacks to something else.
    #[error("this is not a recording: {0}")]
    Form(String),
    /// A later version.
    #[error("this recording has version {0} of its form, and this host reads up to {VERSION}: use a newer one")]
    Version(u32),
    /// A piece of evidence that the plugin could read is missing, or does not have its digest.
    #[error("this recording was changed: the content of the evidence `{0}` is not the one that its snapshot names")]
    Evidence(String),
    /// The settings are not the ones that were recorded.
    #[error("this recording was changed: its settings do not have the digest {0}")]
    Settings(Digest),
    /// It holds something without canonical form.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

/// What every version has.
#[derive(Deserialize)]
struct FileVersion {
    format: String,
    version: u32,
}

/// A recording under its head.
#[derive(Serialize)]
struct RecordingFile<'a> {
    format: &'static str,
    version: u32,
    recording: &'a Recording,
}

/// The same, read.
#[derive(Deserialize)]
struct RecordingBody {
    recording: Recording,
}

impl Recording {
    /// Its canonical form, not packed.
    ///
    /// # Errors
    /// If something in it has none.
    pub fn to_json(&self) -> Result<Vec<u8>, RecordingError> {
        Ok(canonical_json(&RecordingFile { format: FORMAT, version: VERSION, recording: self })?)
    }

    /// What makes it the one that it is: the digest of its canonical form.
    ///
    /// # Errors
    /// If something in it has no canonical form.
    pub fn digest(&self) -> Result<Digest, RecordingError> {
        Ok(Digest::of(&self.to_json()?))
    }

    /// The bytes of its file.
    ///
    /// # Errors
    /// If something in it has no canonical form, or it is more than can be read again.
    pub fn encode(&self) -> Result<Vec<u8>, RecordingError> {
        let json = self.to_json()?;
        // What could not be read again must not be written.
        Self::from_json(&json)?;
        zstd::encode_all(&*json, LEVEL).map_err(|error| RecordingError::Packing(error.to_string()))
    }

    /// Reads the bytes of a file. What they say of themselves is checked: whoever changed the evidence or the settings
    /// without their digests is found out; whoever changed those as well is not, since nobody signs a recording.
    ///
    /// # Errors
    /// If they are no recording, too much, of a later version, or contradict themselves.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordingError> {
        let packing = |error: std::io::Error| RecordingError::Packing(error.to_string());
        let mut json = Vec::new();
        zstd::Decoder::new(bytes).map_err(packing)?.take(LARGEST + 1).read_to_end(&mut json).map_err(packing)?;
        Self::from_json(&json)
    }

    /// Reads an unpacked recording.
    ///
    /// # Errors
    /// As [`Recording::decode`].
    pub fn from_json(json: &[u8]) -> Result<Self, RecordingError> {
        if json.len() as u64 > LARGEST {
            return Err(RecordingError::TooLarge);
        }
        if depth(json) > DEEPEST {
            return Err(RecordingError::Form(format!("it has more than {DEEPEST} levels")));
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

    /// Whether it agrees with itself.
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

/// How many lists and objects stand in each other, of something that may be JSON.
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
