//! The settings of the decision log.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_domain::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mask::MaskRule;
use crate::observe::mistake::Mistake;
use crate::observe::outbound::wrong_url;

/// Where decisions are sent to, and what of them. Without a sink, nothing is sent, and the ledger has them anyway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DecisionLogConfig {
    /// Writes each event as a line of JSON to standard output.
    pub console: bool,
    /// Appends each event as a line of JSON to that file. It is opened anew for each batch, so renaming it away is all
    /// that a rotation has to do.
    #[schemars(extend("format" = "path"))]
    pub file: Option<PathBuf>,
    /// Posts events to a server that speaks the decision log API of OPA.
    pub http: Option<HttpSinkConfig>,
    /// What an event has as its `input`.
    pub input: InputKind,
    /// Labels of every event, beside `app`, `id` and `version`, which may be replaced.
    pub labels: BTreeMap<String, String>,
    /// What is erased from each event or replaced in it, in that order.
    pub mask: Vec<MaskRule>,
    /// Whether a sink that is switched on for the first time is sent all decisions that the ledger has. Otherwise it
    /// begins with the first one after that moment.
    pub from_start: bool,
    /// How often the ledger is looked at when nobody says that there is something new. Decisions of other servers on the
    /// same ledger are found that way.
    pub interval: Duration,
    /// By how many entries of the ledger a sink may be behind before new decisions have to wait for it. None: they never
    /// wait, since the ledger keeps what was not sent yet.
    pub max_behind: Option<u64>,
    /// How long a request for a decision waits for a sink that is too far behind, before it is answered with 503.
    pub max_wait: Duration,
}

/// What an event has as its `input`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InputKind {
    /// What the client sent, if the decision was noted with it.
    #[default]
    Request,
    /// The snapshot that was decided on: large, and everything that is needed to decide again elsewhere.
    Snapshot,
    /// None.
    None,
}

/// A server that decisions are posted to, as gzipped JSON arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpSinkConfig {
    /// The whole URL, for example `https://logs.example.com/logs`.
    pub url: String,
    /// A file that holds the bearer token. It is read for each request, so it can be replaced at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub token_file: Option<PathBuf>,
    /// The environment variable that holds the bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// How many bytes of JSON one request has at most, before compression; an event that is larger goes by itself.
    #[serde(default = "chunk")]
    pub max_chunk_bytes: u64,
    /// How long one request may take.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// How long it waits at most between two attempts; the first waits are shorter.
    #[serde(default = "max_delay")]
    pub max_delay: Duration,
}

fn chunk() -> u64 {
    1 << 20
}

fn timeout() -> Duration {
    Duration::from_millis(10_000)
}

fn max_delay() -> Duration {
    Duration::from_millis(60_000)
}

impl HttpSinkConfig {
    /// A server without a token, and the usual limits.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token_file: None,
            token_env: None,
            max_chunk_bytes: chunk(),
            timeout: timeout(),
            max_delay: max_delay(),
        }
    }
}

impl Default for DecisionLogConfig {
    fn default() -> Self {
        Self {
            console: false,
            file: None,
            http: None,
            input: InputKind::default(),
            labels: BTreeMap::new(),
            mask: Vec::new(),
            from_start: false,
            interval: Duration::from_millis(1000),
            max_behind: None,
            max_wait: Duration::from_millis(1000),
        }
    }
}

impl DecisionLogConfig {
    /// All that is wrong with them.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        let mut wrong = |key: &str, message: String| mistakes.push(Mistake::new(key, message));
        if self.interval.as_millis() == 0 {
            wrong("interval", "it is 0: write for example `1s`".to_owned());
        }
        if self.max_behind == Some(0) {
            wrong(
                "max-behind",
                "it is 0, so every decision would wait: write for example 1000, or leave it out".to_owned(),
            );
        }
        if self.file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            wrong("file", "the path is empty: write one".to_owned());
        }
        if let Some(http) = &self.http {
            if let Some(message) = wrong_url(&http.url) {
                wrong("http.url", message);
            }
            if http.token_file.is_some() && http.token_env.is_some() {
                wrong("http.token-env", "`token-file` is set too: keep one of the two".to_owned());
            }
            if http.max_chunk_bytes == 0 {
                wrong("http.max-chunk-bytes", "it is 0, so no event would fit: write for example 1048576".to_owned());
            }
            if http.timeout.as_millis() == 0 {
                wrong("http.timeout", "no request is that fast: write for example `10s`".to_owned());
            }
            if http.max_delay.as_millis() == 0 {
                wrong("http.max-delay", "it is 0: write for example `1m`".to_owned());
            }
        }
        let sinkless = !self.console && self.file.is_none() && self.http.is_none();
        if sinkless && self.max_behind.is_some() {
            wrong("max-behind", "it needs a sink: set `console`, `file` or `http`".to_owned());
        }
        for (n, rule) in self.mask.iter().enumerate() {
            mistakes.extend(rule.mistakes().into_iter().map(|mistake| mistake.within(&format!("mask.{n}"))));
        }
        mistakes
    }
}
