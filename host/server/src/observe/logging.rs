//! The server's own log on standard error: one line for each event, as text or as JSON.
//!
//! A separate thread writes the lines. If nobody reads standard error, lines are dropped and counted
//! (`lockgate_log_lines_dropped_total`), and no request waits. Decisions are not logged here: they are in the ledger.

use std::io::{self, IsTerminal as _, Write};
use std::time::Duration;

use lockgate_domain::gives_orders;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, Level};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry};

use super::metrics::Metrics;
use super::traces::provider;
use crate::config::{LogConfig, LogFormat, TraceConfig};

/// The target of the access log.
pub const ACCESS: &str = "lockgate::access";

/// The target of the spans of requests.
pub(super) const SPAN: &str = "lockgate::request";

/// How long unsent spans may delay the end of the process.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Why the log cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogInitError {
    /// The filter cannot be read.
    #[error("the log's filter {0}")]
    Filter(String),
    /// Spans cannot be sent.
    #[error("traces: {0}")]
    Traces(String),
    /// The process has a log already.
    #[error("logging was already set up: set it up once, before the first message")]
    Twice,
}

/// Writes the waiting lines when it is dropped: hold it until the end of the process.
#[derive(Debug)]
pub struct LogGuard {
    provider: Option<SdkTracerProvider>,
    _writer: WorkerGuard,
}

impl LogGuard {
    /// Whether spans are sent.
    pub fn traces(&self) -> bool {
        self.provider.is_some()
    }

    /// Sends the waiting spans. Blocks until that is done, or has failed.
    pub fn flush_traces(&self) {
        if let Some(provider) = &self.provider {
            // Failures are counted where they happen.
            let _ = provider.force_flush();
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            let _ = provider.shutdown_with_timeout(LAST_SPANS);
        }
    }
}

/// Writes lines in which every character is visible: control characters that a terminal would obey are escaped.
struct EscapingWriter<W> {
    writer: W,
    format: LogFormat,
    /// Whether lines have styles. Styles begin with an escape character, which the formatter allows nowhere else.
    styles: bool,
}

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let is_hidden = |character: char| gives_orders(character) && !(self.styles && character == '\u{1b}');
        match text.contains(is_hidden) {
            false => self.writer.write_all(line)?,
            true => {
                let shown = |character: char| match (is_hidden(character), self.format) {
                    (false, _) => character.to_string(),
                    (true, LogFormat::Text) => char::REPLACEMENT_CHARACTER.to_string(),
                    // Such characters only occur in strings, and all of them are within the first plane.
                    (true, LogFormat::Json) => format!("\\u{:04x}", u32::from(character)),
                };
                self.writer.write_all(text.chars().map(shown).collect::<String>().as_bytes())?;
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Sets up the log of this process: on standard error, with spans if they are to be sent.
///
/// # Errors
/// If a setting cannot be used, or there is a log already.
pub fn init(log: &LogConfig, traces: &TraceConfig, metrics: &Metrics) -> Result<LogGuard, LogInitError> {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let (dispatch, guard) = subscriber(log, traces, metrics, std::io::stderr(), colour)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| LogInitError::Twice)?;
    Ok(guard)
}

/// The same, to be set up elsewhere: for a part of a process, writing to any destination.
///
/// # Errors
/// If a setting cannot be used.
pub fn subscriber(
    log: &LogConfig,
    traces: &TraceConfig,
    metrics: &Metrics,
    writer: impl Write + Send + 'static,
    colour: bool,
) -> Result<(Dispatch, LogGuard), LogInitError> {
    let targets = log.targets().map_err(LogInitError::Filter)?;
    let provider = provider(traces, metrics).map_err(LogInitError::Traces)?;
    let (writer, guard) = NonBlocking::new(EscapingWriter { writer, format: log.format, styles: colour });
    metrics.watch_log(writer.error_counter());
    let access_level = if log.access { LevelFilter::INFO } else { LevelFilter::OFF };
    // Lines of the access log are complete in themselves, so the span around them is left out.
    let access = Targets::new().with_target(ACCESS, access_level);
    let rest = targets.with_target(ACCESS, LevelFilter::OFF);
    let boxed = |layer: BoxedLayer, filter: Targets| layer.with_filter(filter);
    let lines: [BoxedLayer; 2] = match log.format {
        LogFormat::Json => [
            Box::new(layer().json().flatten_event(true).with_span_list(false).with_writer(writer.clone())),
            Box::new(
                layer().json().flatten_event(true).with_current_span(false).with_span_list(false).with_writer(writer),
            ),
        ],
        LogFormat::Text => [
            Box::new(layer().with_ansi(colour).with_writer(writer.clone())),
            Box::new(layer().with_ansi(colour).with_target(false).with_writer(writer)),
        ],
    };
    let [lines, access_lines] = lines;
    let spans = provider.as_ref().map(|provider| {
        // Spans without a request only go to the log, above all those of the exporter itself.
        let wanted =
            filter_fn(|metadata| metadata.is_span() && metadata.target() == SPAN && *metadata.level() <= Level::INFO);
        tracing_opentelemetry::layer().with_tracer(provider.tracer("lockgate")).with_filter(wanted)
    });
    let subscriber = Registry::default().with(vec![boxed(lines, rest), boxed(access_lines, access)]).with(spans);
    Ok((Dispatch::new(subscriber), LogGuard { provider, _writer: guard }))
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn written(format: LogFormat, styles: bool, line: &str) -> String {
        let mut visible = EscapingWriter { writer: Vec::new(), format, styles };
        visible.write_all(line.as_bytes()).unwrap();
        String::from_utf8(visible.writer).unwrap()
    }

    #[test]
    fn lines_of_the_log_give_no_orders_to_a_terminal() {
        let line = "\u{1b}[2mid\u{1b}[0m=a\u{202e}b\u{2028}c\u{9b}\tbüro\n";
        assert_eq!(written(LogFormat::Text, true, line), "\u{1b}[2mid\u{1b}[0m=a\u{fffd}b\u{fffd}c\u{fffd}\tbüro\n");
        assert_eq!(written(LogFormat::Text, false, "a\u{1b}[2J\n"), "a\u{fffd}[2J\n");
        let json = written(LogFormat::Json, false, "{\"id\":\"a\u{202e}b\u{9b}\"}\n");
        assert_eq!(json, "{\"id\":\"a\\u202eb\\u009b\"}\n");
    }
}
