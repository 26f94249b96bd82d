//! Trains the dictionary that the ledger's entries are compressed with, and says what it is worth.
//!
//! `lockgate-dictionary <samples> <dictionaries> [--replace]`. The samples are the files that the bench `traffic` of
//! `lockgate-tests` writes for each organisation, one sample a line. Every fourth organisation is not trained on, and is what
//! the dictionaries are compared with: so they are compared as strangers will use them. The new dictionary gets the next
//! number, or with `--replace` the number of the newest one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use zstd::bulk::Compressor;
use zstd::dict::EncoderDictionary;

/// How large a dictionary is, in bytes. Twice as much makes entries a few per cent smaller, and costs twice the memory.
#[cfg(feature = "train")]
const SIZE: usize = 32 << 10;
/// The level that the ledger compresses with.
const LEVEL: i32 = 1;
/// One organisation in so many is measured and not trained on.
const MEASURED: usize = 4;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folders, flags): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| !argument.starts_with("--"));
    let ([samples, dictionaries], [] | ["--replace"]) = (folders.as_slice(), flags.as_slice()) else {
        bail!("usage: lockgate-dictionary <samples> <dictionaries> [--replace]");
    };
    let all = read_samples(Path::new(samples))?;
    let (newest, old) = newest_dictionary(Path::new(dictionaries))?;
    let new = train(&all)?;
    print_comparison(&all, &old, &new)?;
    let number = if flags.is_empty() { newest + 1 } else { newest.max(1) };
    let file = dictionary_file(Path::new(dictionaries), number);
    fs::write(&file, &new).with_context(|| format!("cannot write `{}`", file.display()))?;
    println!("wrote `{}`, {} bytes", file.display(), new.len());
    Ok(())
}

/// A text as the ledger keeps it.
struct Sample {
    /// Of what it is a sample.
    kind: String,
    text: Vec<u8>,
    is_measured: bool,
}

/// Reads the files `<number of the organisation>-<entries or content>.jsonl`.
fn read_samples(folder: &Path) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for organisation in 0.. {
        for what in ["entries", "content"] {
            let file = folder.join(format!("{organisation}-{what}.jsonl"));
            if !file.exists() {
                return Ok(samples);
            }
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
            samples.extend(text.lines().map(|line| Sample {
                kind: kind_of(line).map_or_else(|| what.to_owned(), |kind| format!("entry `{kind}`")),
                text: line.as_bytes().to_vec(),
                is_measured: organisation % MEASURED == MEASURED - 1,
            }));
        }
    }
    Ok(samples)
}

/// The kind of an entry: it stands behind the body.
fn kind_of(leaf: &str) -> Option<&str> {
    let (_, rest) = leaf.rsplit_once(",\"kind\":\"")?;
    rest.contains("\"sequence\":").then(|| rest.split('"').next()).flatten()
}

/// The number and the bytes of the newest dictionary; 0 and none if there is none.
fn newest_dictionary(folder: &Path) -> Result<(u32, Vec<u8>)> {
    let mut number = 0;
    while dictionary_file(folder, number + 1).exists() {
        number += 1;
    }
    let bytes = if number == 0 { Vec::new() } else { fs::read(dictionary_file(folder, number))? };
    Ok((number, bytes))
}

fn dictionary_file(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number}.zdict"))
}

#[cfg(feature = "train")]
fn train(samples: &[Sample]) -> Result<Vec<u8>> {
    let trained: Vec<&[u8]> =
        samples.iter().filter(|sample| !sample.is_measured).map(|sample| sample.text.as_slice()).collect();
    Ok(zstd::dict::from_samples(&trained, SIZE)?)
}

#[cfg(not(feature = "train"))]
fn train(_: &[Sample]) -> Result<Vec<u8>> {
    bail!("this was built without the feature `train`: run `cargo xtask dictionary`")
}

/// What samples of one kind come to, in bytes.
#[derive(Default)]
struct Sizes {
    count: usize,
    plain: usize,
    old: usize,
    new: usize,
    largest: usize,
}

/// Prints how large the measured samples are without a dictionary, and with the old and the new one.
fn print_comparison(samples: &[Sample], old: &[u8], new: &[u8]) -> Result<()> {
    let (old, new) = (EncoderDictionary::copy(old, LEVEL), EncoderDictionary::copy(new, LEVEL));
    let mut with_old = Compressor::with_prepared_dictionary(&old)?;
    let mut with_new = Compressor::with_prepared_dictionary(&new)?;
    let mut kinds = BTreeMap::<&str, Sizes>::new();
    let mut time = Duration::ZERO;
    let measured: Vec<&Sample> = samples.iter().filter(|sample| sample.is_measured).collect();
    for sample in &measured {
        let sizes = kinds.entry(&sample.kind).or_default();
        sizes.count += 1;
        sizes.plain += sample.text.len();
        sizes.old += with_old.compress(&sample.text)?.len();
        let begun = Instant::now();
        let compressed = with_new.compress(&sample.text)?.len();
        time += begun.elapsed();
        sizes.new += compressed;
        sizes.largest = sizes.largest.max(compressed);
    }
    println!("| of those that were not trained on | count | mean bytes | old dictionary | new dictionary | largest |");
    println!("|---|---:|---:|---:|---:|---:|");
    for (kind, Sizes { count, plain, old, new, largest }) in &kinds {
        println!("| {kind} | {count} | {} | {} | {} | {largest} |", plain / count, old / count, new / count);
    }
    println!("{:.1} µs for each", time.as_secs_f64() * 1e6 / measured.len().max(1) as f64);
    Ok(())
}
