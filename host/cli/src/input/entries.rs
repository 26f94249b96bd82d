//! Reads what is to be written to the registers of a server: an entry, a file with one entry in each line, samples.
//!
//! All of a file is checked before anything is sent, so that a wrong line does not leave half a file written.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use lockgate_domain::{NewRegisterEntry, NewSamples, RegisterKind, Sample, ValueError, read_value};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::file::{LARGEST_DOCUMENT, LARGEST_REGISTER, read_text, read_text_or_nothing};
use super::json::JsonDocument;
use super::shape;
use crate::diagnostic::{Diagnostic, InvalidInput, SourceText};

/// A line of a file: its number, from 1, and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileLine {
    pub(crate) number: usize,
    pub(crate) bytes: Range<usize>,
}

/// The lines of a text that are not blank.
pub(super) fn lines(text: &str) -> impl Iterator<Item = FileLine> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().filter_map(move |(index, line)| {
        let begin = start;
        start += line.len();
        let trimmed = line.trim();
        let blank = line.len() - line.trim_start().len();
        let bytes = begin + blank..begin + blank + trimmed.len();
        (!trimmed.is_empty()).then_some(FileLine { number: index + 1, bytes })
    })
}

/// A file with one document in each line.
#[derive(Debug)]
pub(crate) struct LinesFile {
    pub(crate) source: Arc<SourceText>,
    /// The lines that are not blank.
    pub(crate) lines: Vec<FileLine>,
}

impl LinesFile {
    pub(crate) fn text(&self, line: &FileLine) -> &str {
        self.source.text.get(line.bytes.clone()).unwrap_or_default()
    }
}

/// Reads an entry for a register, as `PUT` takes it. Returns the id of the entry too.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_new_entry(
    path: &Path,
    register: RegisterKind,
) -> Result<(NewRegisterEntry, String, JsonDocument), InvalidInput> {
    let json = JsonDocument::parse(read_text(path, "entry", LARGEST_DOCUMENT)?, "entry")?;
    let (new, value) = checked::<NewRegisterEntry>(&json, register, |new| Some(&new.value))?;
    let id = value.as_ref().and_then(|value| register.id_of(value)).unwrap_or_default().to_owned();
    Ok((new, id, json))
}

/// Reads a file with one entry for a register in each line, as `PUT` takes them, and checks all of them.
///
/// # Errors
/// Everything that is wrong with the file.
pub(crate) fn read_entry_lines(path: &Path, register: RegisterKind) -> Result<LinesFile, InvalidInput> {
    let source = read_text(path, "file of entries", LARGEST_REGISTER)?;
    let lines: Vec<FileLine> = lines(&source.text).collect();
    let mut invalid = InvalidInput::default();
    for line in &lines {
        let json = JsonDocument::parse_part(Arc::clone(&source), line.bytes.clone(), "entry");
        if let Some(json) = invalid.collect(json) {
            invalid.collect(checked::<NewRegisterEntry>(&json, register, |new| Some(&new.value)));
        }
    }
    if invalid.is_empty() { Ok(LinesFile { source, lines }) } else { Err(invalid) }
}

/// Reads a document whose member `value` is one of a register. Returns that value in its normal form too.
///
/// # Errors
/// Everything that is wrong with the document.
pub(super) fn checked<T: JsonSchema + DeserializeOwned>(
    json: &JsonDocument,
    register: RegisterKind,
    value_of: impl Fn(&T) -> Option<&Value>,
) -> Result<(T, Option<Value>), InvalidInput> {
    let read = read_value::<T>(&json.value).and_then(|document| {
        let within = |error: ValueError| ValueError { pointer: format!("/value{}", error.pointer), ..error };
        let value = value_of(&document).map(|value| register.normalized(value)).transpose().map_err(within)?;
        Ok((document, value))
    });
    // The schema explains more than the type does, and all that is wrong at once. It takes too long for valid lines.
    read.map_err(|error| match shape::check(json, &shape::schema_with_value::<T>(register)) {
        Err(explained) => explained,
        Ok(()) => shape::invalid_value(json, &error),
    })
}

/// Samples of an indicator, from a file.
#[derive(Debug)]
pub(crate) struct SamplesFile {
    pub(crate) name: String,
    pub(crate) samples: Vec<Sample>,
}

/// Reads samples: one in each line, or a document with `samples`.
///
/// # Errors
/// Everything that is wrong with the file, or if it has no sample.
pub(crate) fn read_samples(path: &Path) -> Result<SamplesFile, InvalidInput> {
    let source = read_text_or_nothing(path, "file of samples", LARGEST_REGISTER)?;
    let name = source.name.clone();
    let first = lines(&source.text).next().and_then(|line| source.text.get(line.bytes));
    let has_lines = first
        .is_some_and(|first| serde_json::from_str::<Value>(first).is_ok_and(|first| first.get("samples").is_none()));
    let samples = if has_lines {
        let (mut samples, mut invalid) = (Vec::new(), InvalidInput::default());
        for line in lines(&source.text) {
            let json = JsonDocument::parse_part(Arc::clone(&source), line.bytes, "sample");
            let read = json.and_then(|json| match read_value::<Sample>(&json.value) {
                Ok(sample) => Ok(sample),
                Err(error) => shape::read(&json).and_then(|_: Sample| Err(shape::invalid_value(&json, &error))),
            });
            samples.extend(invalid.collect(read));
        }
        if !invalid.is_empty() {
            return Err(invalid);
        }
        samples
    } else if first.is_some() {
        let json = JsonDocument::parse(source, "samples")?;
        shape::read::<NewSamples>(&json)?.samples
    } else {
        Vec::new()
    };
    if samples.is_empty() {
        let help = "write one in each line, for example `{\"at\": \"2026-11-24T20:00:00Z\", \"value\": 4.2}`";
        return Err(Diagnostic::error(format!("`{name}` has no sample")).help(help).into());
    }
    Ok(SamplesFile { name, samples })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.ndjson");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn blank_lines_count_as_lines_and_are_left_out() {
        let text = "a\n\n  bö \r\nc";
        let found: Vec<(usize, &str)> = lines(text).map(|line| (line.number, text.get(line.bytes).unwrap())).collect();
        assert_eq!(found, [(1, "a"), (3, "bö"), (4, "c")]);
        assert_eq!(lines("\n \n").count(), 0);
    }

    #[test]
    fn all_wrong_lines_are_told_with_line_and_place() {
        let (_folder, path) = file(concat!(
            "{\"value\": {\"id\": \"shop\"}}\n",
            "\n",
            "{\"value\": {\"id\": \"pay\", \"owners\": \"x\"}}\n",
            "{\"value\": {\"id\": \"bill\"},, }\n",
        ));
        let invalid = read_entry_lines(&path, RegisterKind::Products).unwrap_err();
        let places = invalid.diagnostics.iter().map(|found| {
            let location = found.location.as_ref().unwrap();
            (found.title.as_str(), location.source.position(location.span.start))
        });
        assert_eq!(
            places.collect::<Vec<_>>(),
            [("unknown key `owners`", (3, 25)), ("the entry is not JSON: key must be a string", (4, 26)),]
        );
    }

    #[test]
    fn samples_are_lines_or_a_document() {
        let one = r#"{"at": "2026-11-24T20:00:00Z", "value": 4.5}"#;
        let other = r#"{"at": "2026-11-24T21:00:00Z", "value": 5}"#;
        let (_one, of_lines) = file(&format!("{one}\n{other}\n"));
        let (_other, of_document) = file(&format!("{{\n \"samples\": [{one}, {other}]\n}}"));
        let found = read_samples(&of_lines).unwrap().samples;
        assert_eq!(found.iter().map(|sample| sample.value).collect::<Vec<_>>(), [4.5, 5.0]);
        assert_eq!(read_samples(&of_document).unwrap().samples, found);
    }
}
