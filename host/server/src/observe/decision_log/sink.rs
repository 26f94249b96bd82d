//! The destinations of events: standard output, a file, or a server. A sink runs on the thread of its sender, and
//! blocks until it has delivered the events.

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::header;

use super::mask::note_places;
use crate::config::HttpSinkConfig;
use crate::process::outbound_agent;

/// A destination of events.
pub(super) trait Sink: Send {
    /// The name in settings, metrics and the ledger.
    fn name(&self) -> &'static str;

    /// Delivers lines of JSON, in order. Lines that it reports as delivered are safe with the receiver.
    fn deliver(&mut self, lines: &[String]) -> DeliveryOutcome;
}

/// How many lines a sink delivered.
#[derive(Debug)]
pub(super) struct DeliveryOutcome {
    /// How many lines, from the first, were delivered.
    pub(super) count: usize,
    /// Why not all lines were delivered.
    pub(super) failure: Option<DeliveryFailure>,
}

/// Why a delivery failed. It is tried again.
#[derive(Debug)]
pub(super) struct DeliveryFailure {
    /// What happened, and with which receiver.
    pub(super) message: String,
    /// How long the receiver asks the sender to wait.
    pub(super) retry_after: Option<Duration>,
}

impl From<String> for DeliveryFailure {
    fn from(message: String) -> Self {
        Self { message, retry_after: None }
    }
}

impl DeliveryOutcome {
    fn all_or_none(count: usize, outcome: Result<(), String>) -> Self {
        match outcome {
            Ok(()) => Self { count, failure: None },
            Err(message) => Self { count: 0, failure: Some(message.into()) },
        }
    }
}

/// Writes each event as a line to standard output.
pub(super) struct ConsoleSink;

impl Sink for ConsoleSink {
    fn name(&self) -> &'static str {
        "console"
    }

    fn deliver(&mut self, lines: &[String]) -> DeliveryOutcome {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        let mut out = std::io::stdout().lock();
        let outcome = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        DeliveryOutcome::all_or_none(
            lines.len(),
            outcome.map_err(|error| format!("writing to standard output: {error}")),
        )
    }
}

/// Appends each event as a line to a file. The file is opened for each batch and closed again, so that a rotation only
/// needs to rename it. A batch counts as delivered when it is on the disk.
pub(super) struct FileSink {
    path: PathBuf,
}

impl FileSink {
    /// A file, which is made if it is missing. Only its owner can read it, because decisions name people.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub(super) fn open(path: PathBuf) -> Result<Self, String> {
        let file = Self { path };
        file.append("").map(|()| file)
    }

    fn append(&self, text: &str) -> Result<(), String> {
        self.try_append(text).map_err(|error| format!("writing to `{}`: {error}", self.path.display()))
    }

    fn try_append(&self, text: &str) -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path)?;
        // A line that a crash or a full disk cut off stays on its own line; its event is sent again.
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        if !text.is_empty() {
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
        }
        Ok(())
    }
}

impl Sink for FileSink {
    fn name(&self) -> &'static str {
        "file"
    }

    fn deliver(&mut self, lines: &[String]) -> DeliveryOutcome {
        let mut text = lines.join("\n");
        text.push('\n');
        DeliveryOutcome::all_or_none(lines.len(), self.append(&text))
    }
}

/// Posts events to a server with OPA's decision log API: gzipped JSON arrays; any 2xx means that it has them.
///
/// If the server finds a batch too large, it is sent in smaller pieces. A single event that is too large is sent
/// without its `input` and `result`, and says so in `erased`: both are in the ledger, and the event names the decision.
pub(super) struct HttpSink {
    agent: Agent,
    config: HttpSinkConfig,
    /// The most bytes in one request now: less than configured, once the server has refused that size.
    limit: usize,
}

/// The result of one request.
enum PostOutcome {
    Taken,
    TooLarge,
    Failed(DeliveryFailure),
}

impl HttpSink {
    pub(super) fn new(config: HttpSinkConfig) -> Self {
        let agent = outbound_agent(Duration::from_millis(config.timeout.as_millis()));
        let limit = usize::try_from(config.max_chunk_bytes).unwrap_or(usize::MAX);
        Self { agent, config, limit }
    }

    /// How many lines, from the first, go into one request: at least one.
    fn fitting(&self, lines: &[String]) -> usize {
        let mut size = 1_usize;
        let within = lines.iter().take_while(|line| {
            size = size.saturating_add(line.len()).saturating_add(1);
            size <= self.limit
        });
        within.count().max(1)
    }

    fn post(&self, lines: &[String]) -> PostOutcome {
        self.try_post(lines).unwrap_or_else(|message| PostOutcome::Failed(message.into()))
    }

    fn try_post(&self, lines: &[String]) -> Result<PostOutcome, String> {
        let url = &self.config.url;
        let body = gzipped(lines).map_err(|error| format!("compressing events: {error}"))?;
        let mut request = self
            .agent
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_ENCODING, "gzip");
        if let Some(token) = self.token()? {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = request.send(&body[..]).map_err(|error| format!("posting to `{url}`: {error}"))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(PostOutcome::Taken);
        }
        if status.as_u16() == 413 {
            return Ok(PostOutcome::TooLarge);
        }
        let after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let message = format!("`{url}` answered {status}");
        Ok(PostOutcome::Failed(DeliveryFailure { message, retry_after: after.map(Duration::from_secs) }))
    }

    fn token(&self) -> Result<Option<String>, String> {
        let HttpSinkConfig { token_file, token_env, .. } = &self.config;
        if let Some(file) = token_file {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("reading the token from `{}`: {error}", file.display()))?;
            return Ok(Some(text.trim().to_owned()));
        }
        let Some(variable) = token_env else { return Ok(None) };
        let value = std::env::var(variable);
        value
            .map(|token| Some(token.trim().to_owned()))
            .map_err(|_| format!("the variable `{variable}` has no token: set it"))
    }
}

impl Sink for HttpSink {
    fn name(&self) -> &'static str {
        "http"
    }

    fn deliver(&mut self, lines: &[String]) -> DeliveryOutcome {
        let mut count = 0;
        while let Some(left) = lines.get(count..).filter(|left| !left.is_empty()) {
            let chunk = left.get(..self.fitting(left)).unwrap_or(left);
            let failed = match self.post(chunk) {
                PostOutcome::Taken => {
                    count += chunk.len();
                    continue;
                }
                PostOutcome::TooLarge if chunk.len() > 1 => {
                    let size: usize = chunk.iter().map(|line| line.len() + 1).sum();
                    self.limit = (size / 2).max(1);
                    continue;
                }
                PostOutcome::TooLarge => match self.post(&chunk.iter().map(|line| shortened(line)).collect::<Vec<_>>())
                {
                    PostOutcome::Taken => {
                        count += 1;
                        continue;
                    }
                    PostOutcome::TooLarge => {
                        format!("`{}` refuses even a single, shortened event as too large", self.config.url).into()
                    }
                    PostOutcome::Failed(failure) => failure,
                },
                PostOutcome::Failed(failure) => failure,
            };
            return DeliveryOutcome { count, failure: Some(failed) };
        }
        DeliveryOutcome { count, failure: None }
    }
}

fn gzipped(lines: &[String]) -> std::io::Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    for (n, line) in lines.iter().enumerate() {
        out.write_all(if n == 0 { b"[" } else { b"," })?;
        out.write_all(line.as_bytes())?;
    }
    out.write_all(b"]")?;
    out.finish()
}

/// The event without its large members.
fn shortened(line: &str) -> String {
    let Ok(mut event) = serde_json::from_str::<Map<String, Value>>(line) else { return line.to_owned() };
    let gone = ["input", "result"].into_iter().filter(|part| event.remove(*part).is_some());
    let gone = gone.map(|part| format!("/{part}")).collect::<Vec<_>>();
    note_places(&mut event, "erased", gone);
    Value::Object(event).to_string()
}
