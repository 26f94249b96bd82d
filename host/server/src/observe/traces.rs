//! Traces: sends spans of requests to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! A bounded queue hands spans to a separate thread, and nothing waits for it: if a collector is down, spans are lost
//! and requests are not. Traces are off unless an endpoint is set, in the configuration or by OpenTelemetry's usual
//! environment variables.

use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus_client::metrics::counter::Counter;
use ureq::Agent;

use super::metrics::Metrics;
use crate::config::{TraceConfig, check_url};
use crate::process::outbound_agent;

/// The full URL for spans, if there is one. The configuration takes precedence over the environment.
fn url_of(config: &TraceConfig, environment: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty());
    if set("OTEL_SDK_DISABLED").is_some_and(|disabled| disabled.eq_ignore_ascii_case("true")) {
        return None;
    }
    let below = |base: String| format!("{}/v1/traces", base.trim_end_matches('/'));
    let own = config.endpoint.clone().map(below);
    own.or_else(|| set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")).or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").map(below))
}

/// The provider that makes and sends spans, if there is an endpoint.
pub(super) fn provider(config: &TraceConfig, metrics: &Metrics) -> Result<Option<SdkTracerProvider>, String> {
    let environment = |name: &str| std::env::var(name).ok();
    let Some(url) = url_of(config, environment) else { return Ok(None) };
    check_url(&url)?;
    let timeout = Duration::from_millis(config.timeout.as_millis());
    let (succeeded, failed) = metrics.trace_exports();
    let client = TraceClient { agent: outbound_agent(timeout), succeeded, failed };
    let mut exporter = SpanExporter::builder().with_http().with_http_client(client).with_endpoint(url);
    exporter = exporter.with_timeout(timeout);
    // One of the protocols that a user can ask for is not built in.
    let asked =
        environment("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL").or_else(|| environment("OTEL_EXPORTER_OTLP_PROTOCOL"));
    exporter = match asked.as_deref() {
        Some("http/protobuf") => exporter.with_protocol(Protocol::HttpBinary),
        None | Some("" | "http/json") => exporter.with_protocol(Protocol::HttpJson),
        Some(other) => {
            return Err(format!(
                "`{other}` is not supported: set OTEL_EXPORTER_OTLP_PROTOCOL to http/json or http/protobuf"
            ));
        }
    };
    let exporter = exporter.build().map_err(|error| error.to_string())?;
    let name = config.service_name.clone().or_else(|| environment("OTEL_SERVICE_NAME")).filter(|name| !name.is_empty());
    let resource = Resource::builder()
        .with_service_name(name.unwrap_or_else(|| "lockgate".to_owned()))
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
}

/// The client that sends spans. It blocks, so only the thread of the batch processor uses it.
#[derive(Debug)]
struct TraceClient {
    agent: Agent,
    succeeded: Counter,
    failed: Counter,
}

impl TraceClient {
    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.agent.run(request.map(|body| body.to_vec()))?;
        let (parts, mut body) = answer.into_parts();
        let body = body.with_config().limit(1 << 20).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

#[async_trait::async_trait]
impl HttpClient for TraceClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answer = self.send(request);
        match &answer {
            Ok(answer) if answer.status().is_success() => self.succeeded.inc(),
            _ => self.failed.inc(),
        };
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: Option<&str>, environment: &[(&str, &str)]) -> Option<String> {
        let config = TraceConfig { endpoint: endpoint.map(str::to_owned), ..TraceConfig::default() };
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        url_of(&config, find)
    }

    #[test]
    fn without_an_endpoint_there_are_no_spans() {
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), None);
    }

    #[test]
    fn the_variables_of_opentelemetry_are_heeded_and_the_configuration_goes_first() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:9000/here");
        assert_eq!(url(None, &[general]).as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!(url(None, &[general, own]).as_deref(), Some("http://traces:9000/here"));
        assert_eq!(url(Some("http://mine:1"), &[general, own]).as_deref(), Some("http://mine:1/v1/traces"));
        assert_eq!(url(Some("http://mine:1"), &[("OTEL_SDK_DISABLED", "true")]), None);
    }
}
