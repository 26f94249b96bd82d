//! Compresses the bytes of a row: Zstandard with a dictionary that ships with the ledger.
//!
//! Entries are small and alike, so a dictionary does most of the work: it holds the names and the texts that they
//! share. Each row names its dictionary by number; 0 stands for uncompressed bytes. `cargo xtask dictionary` trains a
//! dictionary from generated traffic, and `CONTRIBUTING.md` says when. Digests and hashes always cover the uncompressed
//! bytes, so only storages use this module.

use std::borrow::Cow;
use std::sync::LazyLock;

use parking_lot::Mutex;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::{CParameter, compress_bound, get_frame_content_size};

/// The dictionaries, by number from 1. A dictionary that a released version of Lockgate has used stays here for ever.
const DICTIONARIES: &[&[u8]] = &[include_bytes!("../dictionaries/1.zdict")];
/// The number that stands for uncompressed bytes.
pub(crate) const UNCOMPRESSED: i64 = 0;
/// The level of compression. `ARCHITECTURE.md` compares them.
const LEVEL: i32 = 1;
/// How many idle contexts are kept for compressing, and how many for decompressing.
const KEPT_CONTEXTS: usize = 4;
/// The largest buffer that an idle context keeps, in bytes.
const LARGEST_KEPT_BUFFER: usize = 64 << 10;

/// Bytes as a row holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CompressedBytes {
    /// The number of the dictionary, or [`UNCOMPRESSED`].
    pub(crate) dictionary: i64,
    pub(crate) bytes: Vec<u8>,
}

impl CompressedBytes {
    /// Bytes that are kept as they are.
    pub(crate) fn uncompressed(bytes: Vec<u8>) -> Self {
        Self { dictionary: UNCOMPRESSED, bytes }
    }
}

/// Why the bytes of a row cannot be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecompressionError {
    #[error("it names the dictionary {0}, but there are {known}", known = DICTIONARIES.len())]
    UnknownDictionary(i64),
    #[error("its bytes are not a Zstandard frame that says how long its content is")]
    NotAFrame,
    #[error("it has {size} bytes uncompressed, but at most {limit} are possible")]
    TooLarge { size: u64, limit: usize },
    #[error("its bytes cannot be decompressed: {0}")]
    Damaged(String),
}

/// Compresses with the newest dictionary. Content that does not become smaller is kept as it is.
pub(crate) fn compress(content: &[u8]) -> CompressedBytes {
    let mut context = COMPRESSION_CONTEXTS.take(CompressionContext::new);
    let compressed = context.compress(content);
    COMPRESSION_CONTEXTS.give_back(context);
    match compressed {
        Some(bytes) => CompressedBytes { dictionary: DICTIONARIES.len() as i64, bytes },
        None => CompressedBytes::uncompressed(content.to_vec()),
    }
}

/// Decompresses the bytes of a row with the dictionary that the row names. Refuses a frame larger than `limit` bytes
/// before it allocates memory for it.
pub(crate) fn decompress(dictionary: i64, bytes: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, DecompressionError> {
    if dictionary == UNCOMPRESSED {
        return Ok(bytes.into());
    }
    let place = dictionary.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    let prepared = place.and_then(|place| DECODER_DICTIONARIES.get(place));
    let prepared = prepared.ok_or(DecompressionError::UnknownDictionary(dictionary))?;
    let size = get_frame_content_size(bytes).ok().flatten().ok_or(DecompressionError::NotAFrame)?;
    let room =
        usize::try_from(size).ok().filter(|&size| size <= limit).ok_or(DecompressionError::TooLarge { size, limit })?;
    let mut content = Vec::with_capacity(room);
    let mut context = DECOMPRESSION_CONTEXTS.take(Decompressor::default);
    let outcome = context
        .set_prepared_dictionary(prepared)
        .and_then(|()| context.decompress_to_buffer(bytes, &mut content))
        .map_err(|error| DecompressionError::Damaged(error.to_string()));
    DECOMPRESSION_CONTEXTS.give_back(context);
    outcome.map(|_| content.into())
}

static DECODER_DICTIONARIES: LazyLock<Vec<DecoderDictionary<'static>>> =
    LazyLock::new(|| DICTIONARIES.iter().map(|bytes| DecoderDictionary::copy(bytes)).collect());
#[expect(clippy::expect_used, reason = "without a dictionary, compressed rows would say that they are not")]
static ENCODER_DICTIONARY: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARIES.last().expect("there is a dictionary"), LEVEL));
static COMPRESSION_CONTEXTS: ContextPool<CompressionContext> = ContextPool::new();
static DECOMPRESSION_CONTEXTS: ContextPool<Decompressor<'static>> = ContextPool::new();

/// Idle contexts: making one takes longer than compressing an entry.
struct ContextPool<T>(Mutex<Vec<T>>);

impl<T> ContextPool<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn take(&self, make: impl FnOnce() -> T) -> T {
        let kept = self.0.lock().pop();
        kept.unwrap_or_else(make)
    }

    fn give_back(&self, context: T) {
        let mut kept = self.0.lock();
        if kept.len() < KEPT_CONTEXTS {
            kept.push(context);
        }
    }
}

/// A compressor, and the buffer that it writes into.
struct CompressionContext {
    compressor: Compressor<'static>,
    buffer: Vec<u8>,
}

impl CompressionContext {
    #[expect(clippy::expect_used, reason = "the dictionary was prepared already, and every context has that parameter")]
    fn new() -> Self {
        let mut compressor = Compressor::with_prepared_dictionary(&ENCODER_DICTIONARY).expect("a prepared dictionary");
        // The row names the dictionary, so the frame need not.
        compressor.set_parameter(CParameter::DictIdFlag(false)).expect("a parameter of Zstandard");
        Self { compressor, buffer: Vec::new() }
    }

    /// The compressed bytes. None if they are not fewer than the content's.
    fn compress(&mut self, content: &[u8]) -> Option<Vec<u8>> {
        self.buffer.clear();
        self.buffer.reserve(compress_bound(content.len()));
        let compressed = self.compressor.compress_to_buffer(content, &mut self.buffer);
        let smaller = compressed.is_ok_and(|size| size < content.len()).then(|| self.buffer.as_slice().to_vec());
        if self.buffer.capacity() > LARGEST_KEPT_BUFFER {
            self.buffer = Vec::new();
        }
        smaller
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;

    fn text(length: usize) -> Vec<u8> {
        br#"{"at":"2026-11-29T13:53:57.972Z","body":{"decision":{"verdict":"allow"}}}"#.repeat(length / 70)
    }

    #[test]
    fn what_is_compressed_comes_back_and_says_its_dictionary() {
        for length in [70, 700, 70_000] {
            let compressed = compress(&text(length));
            assert_eq!(compressed.dictionary, DICTIONARIES.len() as i64);
            assert!(compressed.bytes.len() < length);
            assert_eq!(decompress(compressed.dictionary, &compressed.bytes, LIMIT).unwrap(), text(length));
        }
    }

    #[test]
    fn what_does_not_become_smaller_is_kept_as_it_is() {
        let mut random = fastrand::Rng::with_seed(1);
        for length in [0, 1, 32, 1000] {
            let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            let kept = compress(&bytes);
            assert_eq!((kept.dictionary, &kept.bytes), (UNCOMPRESSED, &bytes));
            assert_eq!(decompress(UNCOMPRESSED, &kept.bytes, LIMIT).unwrap(), bytes);
        }
    }

    #[test]
    fn a_number_without_a_dictionary_is_refused() {
        for dictionary in [-1, DICTIONARIES.len() as i64 + 1, i64::MIN, i64::MAX] {
            let refused = decompress(dictionary, &compress(&text(700)).bytes, LIMIT).unwrap_err();
            assert_eq!(refused, DecompressionError::UnknownDictionary(dictionary));
        }
    }

    #[test]
    fn content_beyond_the_limit_is_refused_by_what_its_frame_says() {
        let compressed = compress(&vec![b'x'; 1 << 20]);
        assert!(compressed.bytes.len() < 1000, "a small frame of much content");
        let size = 1 << 20;
        assert!(decompress(compressed.dictionary, &compressed.bytes, size).is_ok());
        let refused = decompress(compressed.dictionary, &compressed.bytes, size - 1).unwrap_err();
        assert_eq!(refused, DecompressionError::TooLarge { size: size as u64, limit: size - 1 });
    }

    #[test]
    fn damaged_frames_are_refused_and_never_more_than_the_limit() {
        let CompressedBytes { dictionary, bytes } = compress(&text(1400));
        assert_eq!(decompress(dictionary, &[], LIMIT), Err(DecompressionError::NotAFrame));
        for cut in 0..bytes.len() {
            assert!(decompress(dictionary, &bytes[..cut], LIMIT).is_err(), "cut at {cut}");
        }
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[place] ^= 1 << bit;
                if let Ok(content) = decompress(dictionary, &changed, LIMIT) {
                    assert!(content.len() <= LIMIT);
                }
            }
        }
    }
}
