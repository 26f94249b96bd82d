//! Samples of key performance indicators: the values that were measured.

use std::path::PathBuf;

use lockgate_client::RequestBody;
use lockgate_domain::{Digest, NewSamples, RegisterKind, Sample, counted};
use lockgate_service::{Page, SamplesRecorded};
use serde_json::json;

use super::show::{self, ListFormat};
use super::{OwnerArguments, entry_path};
use crate::exit::Exit;
use crate::input::{SamplesFile, read_samples};
use crate::layout::{OutputFormat, grid};
use crate::print;

/// The most samples of a request.
const MOST_SAMPLES: usize = 1_000;

#[derive(Debug, clap::Args)]
pub(crate) struct SamplesCommand {
    /// The id of the indicator.
    id: String,
    #[command(flatten)]
    owner: OwnerArguments,
    /// The most samples: the newest ones, at most 10,000.
    #[arg(long, value_name = "NUMBER", default_value_t = MOST_SAMPLES)]
    limit: usize,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: ListFormat,
}

impl SamplesCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let path = self.owner.within(entry_path(RegisterKind::Kpis, &self.id).segment("samples"));
        let Page { items, .. } = self.owner.client()?.get::<Page<Sample>>(&path.query("limit", self.limit))?;
        match self.output {
            ListFormat::Json => print::data(print::list(&items)?)?,
            ListFormat::Ndjson => show::lines(&items)?,
            ListFormat::Table if items.is_empty() => print::text("No samples.")?,
            ListFormat::Table => {
                let rows = items.iter().map(|sample| vec![sample.at.to_string(), sample.value.to_string()]);
                print::text(grid(&["at", "value"], rows.collect()))?;
            }
        }
        Ok(Exit::Success)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecordCommand {
    /// The id of the indicator.
    id: String,
    /// A file with one sample in each line, `{"at": …, "value": …}`, or a JSON document with `samples`; `-` reads standard input.
    file: PathBuf,
    #[command(flatten)]
    owner: OwnerArguments,
    /// Output format.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl RecordCommand {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let client = self.owner.client()?;
        let SamplesFile { name, samples } = read_samples(&self.file)?;
        let path = self.owner.within(entry_path(RegisterKind::Kpis, &self.id).segment("samples"));
        let (mut sent, mut newest) = (0, None);
        for samples in samples.chunks(MOST_SAMPLES) {
            let bytes = serde_json::to_vec(&NewSamples { samples: samples.to_vec() })?;
            // The same samples are recorded once, although a command that was cut off is started again.
            let key = Digest::of(&[path.to_string().as_bytes(), b"\n", &bytes].concat()).to_string();
            let body = RequestBody { media_type: "application/json", bytes };
            let answer = client.post_body::<SamplesRecorded>(&path, body, &key).map_err(|error| {
                let (first, last) = (sent + 1, sent + samples.len());
                let context = format!("samples {first} to {last} of `{name}` were not recorded");
                anyhow::Error::new(error).context(context)
            })?;
            sent += samples.len();
            newest = Some(answer.document);
        }
        let Some(SamplesRecorded { total, latest }) = newest else { return Ok(Exit::Success) };
        match self.output {
            OutputFormat::Json => {
                print::data(print::json(&json!({ "recorded": sent, "total": total, "latest": latest }))?)?;
            }
            OutputFormat::Table => print::text(format!(
                "{} recorded, {total} in all; the newest is {} at {}",
                counted(sent, "sample", "samples"),
                latest.value,
                latest.at
            ))?,
        }
        Ok(Exit::Success)
    }
}
