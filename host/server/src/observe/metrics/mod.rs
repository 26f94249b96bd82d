//! The metrics of the server, for Prometheus.
//!
//! Names follow the conventions of Prometheus: base units (seconds, bytes), `_total` for values that only grow, and
//! metrics whose sum over all labels is meaningful. The time of a decision is therefore two metrics: its parts, and the
//! whole. Nothing here waits for anybody, and nothing grows without bound: see [`labels`].

mod labels;
mod text;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lockgate_domain::{BindingAnswer, Decision, ModelRef, Timestamp};
use lockgate_ledger::StorageHealth;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tracing_appender::non_blocking::ErrorCounter;

pub(crate) use labels::CloseReason;
pub use labels::{RequestPhases, ShedReason};
pub use text::{MetricsFormat, scrape};

use labels::{
    DecisionLabels, KindLabel, LabelLimiter, ModelLabels, OutcomeLabel, OutcomeLabels, PhaseLabel, PluginLabel,
    PositionLabel, RequestLabels, RouteLabels, SinkLabel, VersionLabel,
};

/// How many pairs of a plugin and a binding get labels of their own, and how many models.
const MOST_BINDINGS: usize = 1000;
const MOST_MODELS: usize = 200;

/// From a plugin's few microseconds to the longest wait, in seconds.
const FINE: [f64; 19] = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// From the fastest answer over HTTP to the longest long-poll, in seconds.
const COARSE: [f64; 15] = [5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

type HistogramFamily<L> = Family<L, Histogram, fn() -> Histogram>;

fn fine() -> Histogram {
    Histogram::new(FINE)
}

fn coarse() -> Histogram {
    Histogram::new(COARSE)
}

/// From a thousand to ten thousand million units: from the smallest policy to more than any grant.
fn fuel() -> Histogram {
    Histogram::new(exponential_buckets(1e3, 10.0, 8))
}

/// All metrics of one server. Counting is cheap and never blocks for long. Share it by `Arc`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    known_bindings: LabelLimiter,
    known_models: LabelLimiter,
    decisions: Family<DecisionLabels, Counter>,
    decision_duration: Histogram,
    phase_duration: HistogramFamily<PhaseLabel>,
    outcomes: Family<OutcomeLabels, Counter>,
    call_duration: HistogramFamily<PluginLabel>,
    call_fuel: HistogramFamily<PluginLabel>,
    reused_answers: Family<PluginLabel, Counter>,
    requests: Family<RequestLabels, Counter>,
    request_duration: HistogramFamily<RouteLabels>,
    in_flight: Gauge,
    shed: Family<KindLabel, Counter>,
    closed_connections: Family<KindLabel, Counter>,
    throttled: Counter,
    authentication_failures: Family<KindLabel, Counter>,
    ledger_waiting: Gauge,
    ledger_limit: Gauge,
    ledger_failing: Gauge,
    ledger_entries: Gauge,
    deployments: Family<PositionLabel, Gauge>,
    models: Family<ModelLabels, Gauge>,
    reloads: Family<OutcomeLabel, Counter>,
    reloaded: Gauge<f64, AtomicU64>,
    sent: Family<SinkLabel, Counter>,
    send_failures: Family<SinkLabel, Counter>,
    dropped: Family<SinkLabel, Counter>,
    behind: Family<SinkLabel, Gauge>,
    log_lines_dropped: Counter,
    log_lines: OnceLock<ErrorCounter>,
    trace_exports: Family<OutcomeLabel, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// Registers a new metric and returns it. `name` lacks the suffix for its type or unit.
fn register<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// New metrics, all zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("lockgate");
        let seconds = |registry: &mut Registry, name: &str, help: &str, metric: Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
            metric
        };
        fn seconds_by<L>(registry: &mut Registry, name: &str, help: &str, make: fn() -> Histogram) -> HistogramFamily<L>
        where
            L: Clone + std::hash::Hash + Eq + Send + Sync + std::fmt::Debug + 'static,
            L: prometheus_client::encoding::EncodeLabelSet,
        {
            let family = HistogramFamily::new_with_constructor(make);
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
            family
        }
        let r = &mut registry;
        let build: Family<VersionLabel, Gauge> = register(r, "build_info", "The running version", Family::default());
        build.get_or_create(&VersionLabel { version: env!("CARGO_PKG_VERSION") }).set(1);
        let reloaded = Gauge::default();
        r.register_with_unit(
            "models_last_reload_timestamp",
            "When models and plugins were last loaded successfully, since 1970",
            Unit::Seconds,
            reloaded.clone(),
        );
        let call_fuel = HistogramFamily::new_with_constructor(fuel as fn() -> Histogram);
        r.register("plugin_call_fuel", "The fuel that a call of a plugin used", call_fuel.clone());
        Self {
            known_bindings: LabelLimiter::new(MOST_BINDINGS),
            known_models: LabelLimiter::new(MOST_MODELS),
            decisions: register(r, "decisions", "Decisions by gate, model and verdict", Family::default()),
            decision_duration: seconds(r, "decision_duration", "The whole of a decision", fine()),
            phase_duration: seconds_by(r, "decision_phase_duration", "The parts of a decision", fine),
            outcomes: register(
                r,
                "plugin_outcomes",
                "Answers of bindings: `failure` is the reason if one could not answer",
                Family::default(),
            ),
            call_duration: seconds_by(r, "plugin_call_duration", "A call of a plugin", fine),
            call_fuel,
            reused_answers: register(
                r,
                "plugin_answers_reused",
                "Answers of a plugin that were reused for the same snapshot",
                Family::default(),
            ),
            requests: register(
                r,
                "http_requests",
                "Answered requests; 499: the client disconnected",
                Family::default(),
            ),
            request_duration: seconds_by(
                r,
                "http_request_duration",
                "Time from a request to the end of its answer",
                coarse,
            ),
            in_flight: register(r, "http_requests_in_flight", "Requests being answered", Gauge::default()),
            shed: register(r, "requests_shed", "Requests turned away", Family::default()),
            closed_connections: register(
                r,
                "http_connections_closed",
                "Connections that the server closed or refused",
                Family::default(),
            ),
            throttled: register(
                r,
                "requests_throttled",
                "Requests refused for too many failed sign-ins",
                Counter::default(),
            ),
            authentication_failures: register(
                r,
                "authentication_failures",
                "Requests with a refused credential",
                Family::default(),
            ),
            ledger_waiting: register(r, "ledger_writes_waiting", "Writes waiting for the ledger", Gauge::default()),
            ledger_limit: register(r, "ledger_writes_waiting_limit", "The most writes that may wait", Gauge::default()),
            ledger_failing: register(r, "ledger_failing", "1 while the ledger cannot write, else 0", Gauge::default()),
            ledger_entries: register(r, "ledger_entries", "Entries in the log", Gauge::default()),
            deployments: register(r, "deployments", "Deployments by status and stage", Family::default()),
            models: register(r, "model_info", "Loaded deployment models", Family::default()),
            reloads: register(r, "models_reloads", "Reloads of models and plugins by outcome", Family::default()),
            reloaded,
            sent: register(r, "decision_log_sent", "Events delivered to a sink", Family::default()),
            send_failures: register(
                r,
                "decision_log_failures",
                "Failed deliveries to a sink; their events are sent again",
                Family::default(),
            ),
            dropped: register(
                r,
                "decision_log_dropped",
                "Always 0: the ledger keeps events until they are delivered",
                Family::default(),
            ),
            behind: register(
                r,
                "decision_log_behind_entries",
                "Entries of the ledger that a sink has not received yet, at most",
                Family::default(),
            ),
            log_lines_dropped: register(
                r,
                "log_lines_dropped",
                "Log lines dropped because standard error was too slow",
                Counter::default(),
            ),
            log_lines: OnceLock::new(),
            trace_exports: register(r, "trace_exports", "Batches of spans by outcome", Family::default()),
            registry,
        }
    }

    /// Counts a decision whose answer is on the way.
    pub fn decision(&self, decision: &Decision, phases: &RequestPhases) {
        let gate = format!("{}/{}", decision.gate.stage.as_str(), decision.gate.phase.as_str());
        let (model, _) = self.known_models.pair(&decision.model.id, "");
        let verdict = decision.verdict.as_str();
        self.decisions.get_or_create(&DecisionLabels { gate, model, verdict }).inc();
        self.decision_duration.observe(phases.total.as_secs_f64());
        for (phase, time) in phases.parts().into_iter().filter(|(_, time)| !time.is_zero()) {
            self.phase_duration.get_or_create(&PhaseLabel { phase }).observe(time.as_secs_f64());
        }
        for outcome in &decision.bindings {
            let (plugin, binding) = self.known_bindings.pair(&outcome.plugin.name, &outcome.id);
            let failure = match &outcome.answer {
                BindingAnswer::Failed(failure) => failure.kind.as_str(),
                _ => "",
            };
            let standing = outcome.standing.as_str();
            let label = || PluginLabel { plugin: plugin.clone() };
            if let Some(receipt) = &outcome.receipt
                && receipt.reused
            {
                self.reused_answers.get_or_create(&label()).inc();
            } else if let Some(receipt) = &outcome.receipt {
                let label = label();
                let time = Duration::from_micros(receipt.wall_time_us);
                self.call_duration.get_or_create(&label).observe(time.as_secs_f64());
                #[expect(clippy::cast_precision_loss, reason = "a histogram has no use for the last digits of fuel")]
                self.call_fuel.get_or_create(&label).observe(receipt.fuel as f64);
            }
            self.outcomes.get_or_create(&OutcomeLabels { plugin, binding, standing, failure }).inc();
        }
    }

    /// Counts a request that arrived.
    pub(super) fn request_began(&self) {
        self.in_flight.inc();
    }

    /// Counts a request that was answered to the last byte. The route is a pattern of the router.
    pub(super) fn request_ended(&self, method: &'static str, route: &str, status: u16, time: Duration) {
        self.in_flight.dec();
        let route = route.to_owned();
        self.request_duration.get_or_create(&RouteLabels { method, route: route.clone() }).observe(time.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    /// Counts a request that was refused because there is too much to do.
    pub fn shed(&self, why: ShedReason) {
        self.shed.get_or_create(&KindLabel { kind: why.as_str() }).inc();
    }

    /// Counts a connection that was closed, or not accepted.
    pub(crate) fn connection_closed(&self, why: CloseReason) {
        self.closed_connections.get_or_create(&KindLabel { kind: why.as_str() }).inc();
    }

    /// Counts a request that was refused because its client asks too often.
    pub fn throttled(&self) {
        self.throttled.inc();
    }

    /// Counts a credential that was refused. The kinds are those of [`CredentialRefusal`](crate::auth::CredentialRefusal), `scheme` and
    /// `malformed`.
    pub fn authentication_failed(&self, kind: &'static str) {
        self.authentication_failures.get_or_create(&KindLabel { kind }).inc();
    }

    /// Records the health of the ledger, and the number of its entries.
    pub fn ledger(&self, health: &StorageHealth, entries: Option<u64>) {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.ledger_waiting.set(number(health.waiting));
        self.ledger_limit.set(number(health.limit));
        self.ledger_failing.set(health.failing.is_some().into());
        if let Some(entries) = entries {
            self.ledger_entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        }
    }

    /// Records how many deployments are in each position of the lifecycle.
    pub fn deployments<'a>(&self, positions: impl IntoIterator<Item = (&'a str, u64)>) {
        // Positions without deployments are no longer reported.
        self.deployments.clear();
        for (position, count) in positions {
            let label = PositionLabel { position: position.to_owned() };
            self.deployments.get_or_create(&label).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Records that models and plugins were loaded, and which are in use now.
    pub fn reloaded<'a>(&self, models: impl IntoIterator<Item = &'a ModelRef>, at: Timestamp) {
        self.reloads.get_or_create(&OutcomeLabel { outcome: "success" }).inc();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 have fewer digits than a float")]
        self.reloaded.set(at.as_millis() as f64 / 1000.0);
        self.models.clear();
        for model in models {
            let (id, version, digest) = (model.id.clone(), model.version.clone(), model.digest.to_string());
            self.models.get_or_create(&ModelLabels { id, version, digest }).set(1);
        }
    }

    /// Counts a failed load of models and plugins. The old ones stay in use.
    pub fn reload_failed(&self) {
        self.reloads.get_or_create(&OutcomeLabel { outcome: "failure" }).inc();
    }

    /// The metrics of a sink of the decision log, reported from now on.
    pub(super) fn sink(&self, sink: &'static str) -> SinkMetrics {
        let label = SinkLabel { sink };
        self.dropped.get_or_create_owned(&label);
        SinkMetrics {
            sent: self.sent.get_or_create_owned(&label),
            failures: self.send_failures.get_or_create_owned(&label),
            behind: self.behind.get_or_create_owned(&label),
        }
    }

    /// The counters of span exports: successes and failures.
    pub(super) fn trace_exports(&self) -> (Counter, Counter) {
        let of = |outcome| self.trace_exports.get_or_create_owned(&OutcomeLabel { outcome });
        (of("success"), of("failure"))
    }

    /// Reports the number of lines that the process could not log.
    pub(super) fn watch_log(&self, lines: ErrorCounter) {
        // A second log of the same process is not counted.
        let _ = self.log_lines.set(lines);
    }

    fn bring_up_to_date(&self) {
        if let Some(lines) = self.log_lines.get() {
            self.log_lines_dropped.inner().store(lines.dropped_lines() as u64, Ordering::Relaxed);
        }
    }
}

/// The metrics of one sink of the decision log.
#[derive(Clone, Debug)]
pub(super) struct SinkMetrics {
    sent: Counter,
    failures: Counter,
    behind: Gauge,
}

impl SinkMetrics {
    pub(super) fn sent(&self, events: u64) {
        self.sent.inc_by(events);
    }

    pub(super) fn failed(&self) {
        self.failures.inc();
    }

    pub(super) fn behind(&self, entries: u64) {
        self.behind.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }
}
