//! A server that speaks OPA's decision log API: gzipped JSON arrays, by POST; any 2xx means that it has them.
//!
//! What a server finds too large is sent in smaller pieces. A single event that is too large is sent without its `input`
//! and `result`, and says so in `erased`: they are in the ledger, and the receiver knows which decision to ask for.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use ureq::Agent;
use ureq::http::header;

use super::super::mask::note_places;
use super::{Delivered, Failure, Sink};
use crate::config::HttpSinkConfig;
use crate::observe::outbound::agent;

/// Posts events to a server.
pub(in crate::observe::decision_log) struct Http {
    agent: Agent,
    config: HttpSinkConfig,
    /// How many bytes one request has at most now: less than was configured, once the server had found that too many.
    limit: usize,
}

/// What came of one request.
enum Posted {
    Taken,
    TooLarge,
    Failed(Failure),
}

impl Http {
    pub(in crate::observe::decision_log) fn new(config: HttpSinkConfig) -> Self {
        let agent = agent(Duration::from_millis(config.timeout.as_millis()));
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

    fn post(&self, lines: &[String]) -> Posted {
        self.try_post(lines).unwrap_or_else(|message| Posted::Failed(message.into()))
    }

    fn try_post(&self, lines: &[String]) -> Result<Posted, String> {
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
            return Ok(Posted::Taken);
        }
        if status.as_u16() == 413 {
            return Ok(Posted::TooLarge);
        }
        let after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let message = format!("`{url}` answered {status}");
        Ok(Posted::Failed(Failure { message, retry_after: after.map(Duration::from_secs) }))
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

impl Sink for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn deliver(&mut self, lines: &[String]) -> Delivered {
        let mut count = 0;
        while let Some(left) = lines.get(count..).filter(|left| !left.is_empty()) {
            let chunk = left.get(..self.fitting(left)).unwrap_or(left);
            let failed = match self.post(chunk) {
                Posted::Taken => {
                    count += chunk.len();
                    continue;
                }
                Posted::TooLarge if chunk.len() > 1 => {
                    let size: usize = chunk.iter().map(|line| line.len() + 1).sum();
                    self.limit = (size / 2).max(1);
                    continue;
                }
                Posted::TooLarge => match self.post(&chunk.iter().map(|line| shortened(line)).collect::<Vec<_>>()) {
                    Posted::Taken => {
                        count += 1;
                        continue;
                    }
                    Posted::TooLarge => {
                        format!("`{}` refuses even a single, shortened event as too large", self.config.url).into()
                    }
                    Posted::Failed(failure) => failure,
                },
                Posted::Failed(failure) => failure,
            };
            return Delivered { count, failure: Some(failed) };
        }
        Delivered { count, failure: None }
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

/// The event without what makes it large.
fn shortened(line: &str) -> String {
    let Ok(mut event) = serde_json::from_str::<Map<String, Value>>(line) else { return line.to_owned() };
    let gone = ["input", "result"].into_iter().filter(|part| event.remove(*part).is_some());
    let gone = gone.map(|part| format!("/{part}")).collect::<Vec<_>>();
    note_places(&mut event, "erased", gone);
    Value::Object(event).to_string()
}
