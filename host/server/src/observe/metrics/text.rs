//! Metrics as text: OpenMetrics for clients that ask for it, and otherwise the older format that every client reads.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use lockgate_ledger::Storage;
use prometheus_client::encoding::text::encode;

use super::Metrics;

/// A format of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
}

impl MetricsFormat {
    /// The format that a client accepts, by its `Accept` header.
    pub fn accepted(headers: &HeaderMap) -> Self {
        let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let mut types = accepted.flat_map(|value| value.split(','));
        if types.any(|one| one.trim().starts_with("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Metrics {
    /// All metrics as text.
    pub fn text(&self, format: MetricsFormat) -> String {
        self.bring_up_to_date();
        let mut text = String::new();
        // Writing into a string does not fail, and only numbers and labels are encoded.
        let _ = encode(&mut text, &self.registry);
        match format {
            MetricsFormat::OpenMetrics => text,
            MetricsFormat::Prometheus => classic(&text),
        }
    }
}

/// Converts OpenMetrics to the older format. OpenMetrics names a counter's type without `_total`, and has units and an
/// end marker. The older format has neither, and names the type by the full name.
fn classic(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut help: Option<(&str, &str)> = None;
    for line in openmetrics.lines() {
        if let Some((name, words)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help = Some((name, words));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let suffix = if kind == "counter" { "_total" } else { "" };
            if let Some((_, words)) = help.take().filter(|(of, _)| *of == name) {
                text.push_str(&format!("# HELP {name}{suffix} {words}\n"));
            }
            text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
        } else if !line.starts_with("# ") {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// The answer to `GET /metrics`: all metrics, with the present state of the ledger if `storage` is given.
///
/// ```
/// # use std::sync::Arc;
/// # use axum::{Router, http::HeaderMap, routing::get};
/// # use lockgate_server::observe::{Metrics, scrape};
/// # let (metrics, storage) = (Arc::new(Metrics::new()), None);
/// let routes: Router = Router::new().route("/metrics", get(move |headers: HeaderMap| scrape(metrics, storage, headers)));
/// ```
pub async fn scrape(metrics: Arc<Metrics>, storage: Option<Arc<dyn Storage>>, headers: HeaderMap) -> Response {
    let format = MetricsFormat::accepted(&headers);
    let look = move || {
        if let Some(storage) = storage {
            // The health reports a ledger that cannot be read; the size stays what it was.
            metrics.ledger(&storage.health(), storage.head().ok().map(|head| head.size));
        }
        metrics.text(format)
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(text) => ([(header::CONTENT_TYPE, format.media_type())], text).into_response(),
        // The runtime is shutting down.
        Err(_) => axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
