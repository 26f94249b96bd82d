//! Imports a file of entries: checks all lines, and sends them in requests that a server writes as a whole each.

use std::path::PathBuf;

use lockgate_client::{Client, Error, RequestBody, RequestPath};
use lockgate_domain::{Digest, RegisterKind, counted};
use lockgate_service::ImportReport;
use serde::Serialize;

use super::write::refused_places;
use super::{OwnerArguments, register_name};
use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::exit::Exit;
use crate::input::{FileLine, JsonDocument, LinesFile, read_entry_lines};
use crate::layout::OutputFormat;
use crate::options::GlobalOptions;
use crate::print;
use crate::terminal::{WAITING, progress_bar, styled};

/// The most lines of a request: as many as a server writes as a whole.
const MOST_LINES: usize = 500;
/// The most bytes of a request. A longer line is sent alone.
const MOST_BYTES: usize = 512 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct ImportCommand {
    /// The register.
    #[arg(value_parser = register_name())]
    register: RegisterKind,
    /// A file with one entry in each line, as `lockgate register put` takes it; `-` reads standard input.
    file: PathBuf,
    #[command(flatten)]
    owner: OwnerArguments,
    /// Write the entries again, although an earlier import had the same lines.
    #[arg(long)]
    again: bool,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// What an import has done so far.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct ImportProgress {
    #[serde(flatten)]
    report: ImportReport,
    /// The number of entries that an earlier import with the same lines has written.
    repeated: usize,
}

impl ImportProgress {
    fn words(&self) -> String {
        let Self { report: ImportReport { written, unchanged, batches }, repeated } = self;
        let mut words = format!("{} written, {unchanged} unchanged", counted(*written, "entry", "entries"));
        if *repeated > 0 {
            words.push_str(&format!(", {repeated} as an earlier import has written them"));
        }
        format!("{words}, in {}", counted(*batches, "batch", "batches"))
    }
}

impl ImportCommand {
    pub(super) fn run(self, global: &GlobalOptions) -> anyhow::Result<Exit> {
        let client = self.owner.client()?;
        let file = read_entry_lines(&self.file, self.register)?;
        let path = self.owner.path(self.register);
        let mut progress = ImportProgress::default();
        let bar = progress_bar(Some(file.lines.len() as u64), "entries", global.quiet);
        for batch in batches(&file.lines) {
            let sent = self.send(&client, &path, &file, batch);
            let answer = sent.map_err(|error| {
                bar.finish_and_clear();
                refused(&file, batch, &progress, error)
            })?;
            progress.report.batches += answer.document.batches;
            if answer.is_repeated {
                progress.repeated += batch.len();
            } else {
                progress.report.written += answer.document.written;
                progress.report.unchanged += answer.document.unchanged;
            }
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        match self.output {
            OutputFormat::Json => print::data(print::json(&progress)?)?,
            OutputFormat::Table => print::text(format!("{}: {}", self.register, progress.words()))?,
        }
        if progress.repeated > 0 {
            let words = "nothing was written for entries that an earlier import has written. If they have changed since, import \
                         them with `--again`";
            print::message(format!("{}: {words}", styled(WAITING, "warning")));
        }
        Ok(Exit::Success)
    }

    fn send(
        &self,
        client: &Client,
        path: &RequestPath,
        file: &LinesFile,
        batch: &[FileLine],
    ) -> Result<lockgate_client::Answered<ImportReport>, Error> {
        let mut bytes = Vec::new();
        for line in batch {
            bytes.extend_from_slice(file.text(line).as_bytes());
            bytes.push(b'\n');
        }
        // An import that was cut off and is started again writes nothing twice.
        let asked = [path.to_string().as_bytes(), b"\n", &bytes].concat();
        let key = if self.again { client.new_key(path)? } else { Digest::of(&asked).to_string() };
        client.post_body(path, RequestBody { media_type: "application/x-ndjson", bytes }, &key)
    }
}

/// Splits lines into requests.
fn batches(lines: &[FileLine]) -> impl Iterator<Item = &[FileLine]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |line: &&FileLine| {
            bytes += line.bytes.len() + 1;
            bytes <= MOST_BYTES
        };
        let count = rest.iter().take(MOST_LINES).take_while(fits).count().max(1);
        let (batch, later) = rest.split_at_checked(count)?;
        rest = later;
        Some(batch)
    })
}

/// The error of a request that was refused: the lines, and what was written before.
fn refused(file: &LinesFile, batch: &[FileLine], progress: &ImportProgress, error: Error) -> anyhow::Error {
    let number = |line: Option<&FileLine>| line.map_or(0, |line| line.number);
    let lines = match (number(batch.first()), number(batch.last())) {
        (first, last) if first == last => format!("line {first}"),
        (first, last) => format!("lines {first} to {last}"),
    };
    let name = &file.source.name;
    let before = match progress.report.batches {
        0 => "nothing was written before".to_owned(),
        _ => format!("before: {}", progress.words()),
    };
    let places = error.refusal().and_then(refused_places);
    let diagnostics: Vec<Diagnostic> = places
        .into_iter()
        .flatten()
        .filter_map(|(pointer, message)| {
            // A pointer begins with the number of the line in the request.
            let (line, pointer) =
                pointer.strip_prefix('/')?.split_at(pointer.get(1..)?.find('/').unwrap_or(pointer.len() - 1));
            let line = batch.get(line.parse::<usize>().ok()?.checked_sub(1)?)?;
            let json = JsonDocument::parse_part(file.source.clone(), line.bytes.clone(), "entry").ok()?;
            Some(Diagnostic::error(message).at_value(json.locate(pointer), ""))
        })
        .collect();
    if diagnostics.is_empty() {
        return anyhow::Error::new(error).context(format!("{lines} of `{name}` were not written ({before})"));
    }
    let mut invalid = InvalidInput::from(diagnostics);
    let summary = Diagnostic::error(format!("the server refuses {lines} of `{name}`: none of them was written"));
    invalid.diagnostics.push(summary.note(before));
    invalid.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(sizes: &[usize]) -> Vec<FileLine> {
        let mut start = 0;
        let line = |(index, size): (usize, &usize)| {
            start += size;
            FileLine { number: index + 1, bytes: start - size..start }
        };
        sizes.iter().enumerate().map(line).collect()
    }

    fn counts(sizes: &[usize]) -> Vec<usize> {
        batches(&lines(sizes)).map(<[FileLine]>::len).collect()
    }

    #[test]
    fn a_request_has_at_most_500_lines_and_512_kib() {
        assert_eq!(counts(&[]), [0; 0]);
        assert_eq!(counts(&[10; 500]), [500]);
        assert_eq!(counts(&[10; 1_201]), [500, 500, 201]);
        // Each line is followed by a line end.
        assert_eq!(counts(&[(256 << 10) - 1; 3]), [2, 1]);
        assert_eq!(counts(&[256 << 10; 3]), [1, 1, 1]);
        assert_eq!(counts(&[10, 600 << 10, 10, 10]), [1, 1, 2]);
    }
}
