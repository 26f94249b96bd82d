//! The sections `[observe.log]`, `[observe.traces]` and `[decision-log]`: everything that the server reports to others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use json_patch::jsonptr::PointerBuf;
use lockgate_domain::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing_subscriber::filter::Targets;

use super::error::{SettingFault, SettingFaults, SettingPath};

/// The server's own log, on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LogConfig {
    /// The format of a line.
    pub format: LogFormat,
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`, also by module: `info,lockgate_service=debug`.
    pub filter: String,
    /// Whether each request is logged.
    pub access: bool,
}

/// The format of a line of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For programs: a JSON object on each line.
    Json,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::default(), filter: "info,h2=error".to_owned(), access: true }
    }
}

impl LogConfig {
    /// All mistakes in the section.
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = SettingFaults::default();
        if let Err(message) = self.targets() {
            faults.add(SettingPath::top("observe").key("log").key("filter"), message);
        }
        faults.0
    }

    /// The filter, read.
    pub(crate) fn targets(&self) -> Result<Targets, String> {
        self.filter.parse().map_err(|error| {
            format!(
                "`{}` ({error}): write a level, or `level,module=level`, for example `info,lockgate_service=debug`",
                self.filter
            )
        })
    }
}

/// Where spans are sent (OpenTelemetry).
///
/// These variables of OpenTelemetry work, too: `OTEL_EXPORTER_OTLP_HEADERS` (for example a token),
/// `OTEL_EXPORTER_OTLP_PROTOCOL` (`http/json`, the default, or `http/protobuf`), `OTEL_EXPORTER_OTLP_COMPRESSION`,
/// `OTEL_TRACES_SAMPLER`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_…`, and `OTEL_SDK_DISABLED`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TraceConfig {
    /// The collector, for example `http://localhost:4318`; spans go to its path `/v1/traces`. Default: the value of
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`. Without any of them, no spans are sent.
    pub endpoint: Option<String>,
    /// The `service.name` of the spans. Default: the value of `OTEL_SERVICE_NAME`, or `lockgate`.
    pub service_name: Option<String>,
    /// The time-out for a request to the collector.
    pub timeout: Duration,
}

impl Default for TraceConfig {
    fn default() -> Self {
        Self { endpoint: None, service_name: None, timeout: Duration::from_millis(10_000) }
    }
}

impl TraceConfig {
    /// All mistakes in the section.
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = SettingFaults::default();
        let top = SettingPath::top("observe").key("traces");
        if let Some(Err(message)) = self.endpoint.as_deref().map(check_url) {
            faults.add(top.key("endpoint"), message);
        }
        if self.service_name.as_deref() == Some("") {
            faults.add(top.key("service-name"), "it is empty: leave it out, or write the name of the service");
        }
        if self.timeout.as_millis() == 0 {
            faults.add(top.key("timeout"), "no request is that fast: write for example `10s`");
        }
        faults.0
    }
}

/// Where decisions are sent, and what of them. The ledger has them all; without a sink, nothing is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DecisionLogConfig {
    /// Whether events are written to standard output, each as a line of JSON.
    pub console: bool,
    /// A file that events are appended to, each as a line of JSON. It is opened again for each batch, so a rotation only has to
    /// rename it.
    #[schemars(extend("format" = "path"))]
    pub file: Option<PathBuf>,
    /// A server with OPA's decision log API that events are posted to.
    pub http: Option<HttpSinkConfig>,
    /// The `input` of an event.
    pub input: InputKind,
    /// Labels of every event, in addition to `app`, `id` and `version`, which they may replace.
    pub labels: BTreeMap<String, String>,
    /// What is removed from or replaced in each event, in this order.
    pub mask: Vec<MaskRule>,
    /// Whether a new sink receives all decisions of the ledger. Otherwise it begins with the first one after it was added.
    pub from_start: bool,
    /// How often the ledger is searched for decisions of other servers.
    pub interval: Duration,
    /// The most entries of the ledger that a sink may be behind. Beyond it, new decisions wait for the sink. Without it, they
    /// never wait, because the ledger keeps what was not sent yet.
    pub max_behind: Option<u64>,
    /// How long a request for a decision waits for a sink that is too far behind. After it, the request is answered with 503.
    pub max_wait: Duration,
}

/// The `input` of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InputKind {
    /// What the client sent, if the ledger keeps it with the decision.
    #[default]
    Request,
    /// The snapshot of the decision: large, and all that another engine needs to decide again.
    Snapshot,
    /// Nothing.
    None,
}

/// A server that decisions are posted to, as gzipped JSON arrays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpSinkConfig {
    /// The whole URL, for example `https://logs.example.com/logs`.
    pub url: String,
    /// A file with the bearer token. It is read for each request, so the token can be replaced at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "path"))]
    pub token_file: Option<PathBuf>,
    /// The environment variable with the bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The most bytes of JSON in one request, before compression. A larger event is sent alone.
    #[serde(default = "chunk")]
    pub max_chunk_bytes: u64,
    /// The time-out for one request.
    #[serde(default = "timeout")]
    pub timeout: Duration,
    /// The longest wait between two attempts. The first waits are shorter.
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
    /// A server without a token, and the default limits.
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
    /// All mistakes in the section.
    pub fn faults(&self) -> Vec<SettingFault> {
        let mut faults = SettingFaults::default();
        let top = SettingPath::top("decision-log");
        if self.interval.as_millis() == 0 {
            faults.add(top.key("interval"), "it is 0: write for example `1s`");
        }
        if self.max_behind == Some(0) {
            let message = "it is 0, so every decision would wait: write for example 1000, or leave it out";
            faults.add(top.key("max-behind"), message);
        }
        if self.file.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            faults.add(top.key("file"), "the path is empty: write one");
        }
        if let Some(http) = &self.http {
            http.check(&top.key("http"), &mut faults);
        }
        let has_no_sink = !self.console && self.file.is_none() && self.http.is_none();
        if has_no_sink && self.max_behind.is_some() {
            faults.add(top.key("max-behind"), "it needs a sink: set `console`, `file` or `http`");
        }
        for (n, rule) in self.mask.iter().enumerate() {
            rule.check(&top.key("mask").index(n), &mut faults);
        }
        faults.0
    }
}

impl HttpSinkConfig {
    fn check(&self, path: &SettingPath, faults: &mut SettingFaults) {
        if let Err(message) = check_url(&self.url) {
            faults.add(path.key("url"), message);
        }
        if self.token_file.is_some() && self.token_env.is_some() {
            faults.add(path.key("token-env"), "`token-file` is set too: keep one of the two");
        }
        if self.max_chunk_bytes == 0 {
            let message = "it is 0, so no event would fit: write for example 1048576";
            faults.add(path.key("max-chunk-bytes"), message);
        }
        if self.timeout.as_millis() == 0 {
            faults.add(path.key("timeout"), "no request is that fast: write for example `10s`");
        }
        if self.max_delay.as_millis() == 0 {
            faults.add(path.key("max-delay"), "it is 0: write for example `1m`");
        }
    }
}

/// The parts of an event that may be masked. The others identify the decision.
const MASKABLE: [&str; 4] = ["input", "result", "requested_by", "lockgate"];

/// What a mask does to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MaskOp {
    /// Removes it.
    Remove,
    /// Replaces it. Where the path has no `*`, it is also added where it was missing.
    Upsert,
}

/// One rule of masking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaskRule {
    /// `remove` or `upsert`.
    pub op: MaskOp,
    /// A JSON Pointer (RFC 6901) into the event, below `/input`, `/result`, `/requested_by` or `/lockgate`. A part `*`
    /// stands for all keys or elements.
    pub path: String,
    /// The new value, for `upsert` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl MaskRule {
    fn check(&self, path: &SettingPath, faults: &mut SettingFaults) {
        match self.path_parts() {
            Err(message) => faults.add(path.key("path"), message),
            Ok(parts) if !parts.first().is_some_and(|first| MASKABLE.contains(&first.as_str())) => {
                let allowed = MASKABLE.map(|part| format!("`/{part}`")).join(", ");
                let message = format!("`{}` cannot be masked: begin the path with one of {allowed}", self.path);
                faults.add(path.key("path"), message);
            }
            Ok(_) => {}
        }
        match (self.op, &self.value) {
            (MaskOp::Upsert, None) => {
                let message = "`upsert` needs a value: write for example `value = \"**REDACTED**\"`";
                faults.add(path.key("value"), message);
            }
            (MaskOp::Remove, Some(_)) => {
                faults.add(path.key("value"), "`remove` takes no value: leave it out, or write `upsert`");
            }
            _ => {}
        }
    }

    /// The parts of the path, unescaped.
    pub(crate) fn path_parts(&self) -> Result<Vec<String>, String> {
        let path = &self.path;
        if path.is_empty() {
            return Err("it is empty: write for example `/input/password`".to_owned());
        }
        let pointer = PointerBuf::parse(path.as_str())
            .map_err(|why| format!("`{path}` is not a JSON Pointer ({why}): write for example `/input/password`"))?;
        Ok(pointer.tokens().map(|token| token.decoded().into_owned()).collect())
    }
}

/// Checks a URL that requests are sent to.
///
/// # Errors
/// If requests may not be sent there; the text says why.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    let uri: axum::http::Uri =
        url.parse().map_err(|_| format!("`{url}` is not a URL: write it as `https://host:port/path`"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(format!("`{url}` is not an HTTP URL: write it as `https://host:port/path`"));
    }
    // The URL is not shown, because it contains a password.
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("a URL must not hold a user name or a password, because logs show it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_a_mask_rule_is_told() {
        let told = |op: MaskOp, path: &str| {
            let rule = MaskRule { op, path: path.to_owned(), value: None };
            let config = DecisionLogConfig { mask: vec![rule], ..DecisionLogConfig::default() };
            config.faults().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(MaskOp::Remove, "/input/*/a"), Vec::<String>::new());
        assert_eq!(
            told(MaskOp::Remove, "/decision_id"),
            [
                "`decision-log.mask[0].path`: `/decision_id` cannot be masked: begin the path with one of `/input`, `/result`, \
              `/requested_by`, `/lockgate`"
            ]
        );
        assert_eq!(
            told(MaskOp::Remove, ""),
            ["`decision-log.mask[0].path`: it is empty: write for example `/input/password`"]
        );
        let both = told(MaskOp::Upsert, "input");
        assert_eq!(both.len(), 2, "{both:?}");
        assert!(both.iter().any(|message| message.contains(".path`: `input` is not a JSON Pointer")), "{both:?}");
        assert!(both.iter().any(|message| message.contains(".value`: `upsert` needs a value")), "{both:?}");
    }

    #[test]
    fn an_endpoint_that_is_no_url_is_refused() {
        let config = TraceConfig { endpoint: Some("collector:4318".to_owned()), ..TraceConfig::default() };
        let faults: Vec<String> = config.faults().iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            ["`observe.traces.endpoint`: `collector:4318` is not an HTTP URL: write it as `https://host:port/path`"]
        );
    }
}
