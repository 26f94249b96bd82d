//! The sections of the configuration that belong to no other module.

use std::path::PathBuf;

use lockgate_domain::Duration;
use lockgate_engine::service::LONGEST_DELEGATION;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Size;
use crate::observe::{LogConfig, TraceConfig};

/// TLS. Without a certificate, the endpoint speaks plain HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The chain of certificates, as PEM, that of the endpoint first.
    #[schemars(extend("format" = "path"))]
    pub certificate: Option<PathBuf>,
    /// The private key that belongs to it, as PEM (PKCS #8, SEC 1 or PKCS #1).
    #[schemars(extend("format" = "path"))]
    pub key: Option<PathBuf>,
    /// The authorities that sign the certificates of clients, as PEM. Without it, no client is asked for one.
    #[schemars(extend("format" = "path"))]
    pub client_ca: Option<PathBuf>,
    /// Whether a client needs a certificate, where there is a `client-ca`.
    pub client_certificate: ClientCertificate,
}

/// Whether a client needs a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    /// It may come without one, and show who it is in another way.
    #[default]
    Optional,
    /// Nobody is listened to without one, not even those who ask whether the endpoint is there.
    Required,
}

/// How much is taken, and for how long is waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// How large the body of a request may be.
    pub body: Size,
    /// How large a piece of evidence may be.
    pub evidence: Size,
    /// How many connections are open at once; others wait until one is closed.
    #[schemars(range(min = 1))]
    pub connections: u32,
    /// How many requests are worked on at once.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// How many requests wait for their turn; more are turned away with 503 and `Retry-After`.
    pub queue: u32,
    /// How many clients may be waiting for a deployment to turn, or be sent its events. They do not count as `requests`.
    pub watchers: u32,
    /// How long a client may take for a TLS handshake, and how long for the head of a request. An idle connection is
    /// closed after that long, too.
    pub header_read: Duration,
    /// How long a request may take from its head to the head of the answer: then it is answered with 408 or 503.
    pub request: Duration,
    /// How long a client may be left waiting for a deployment to turn (`wait`). Shorter than `request`.
    pub wait: Duration,
    /// How long a shutdown waits for what is being answered.
    pub shutdown: Duration,
    /// For how long a role may be lent (`POST /api/v1/delegations`).
    pub delegation: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body: Size::mebibytes(1),
            evidence: Size::mebibytes(16),
            connections: 10_000,
            requests: 512,
            queue: 2048,
            watchers: 4096,
            header_read: Duration::from_millis(30_000),
            request: Duration::from_millis(30_000),
            wait: Duration::from_millis(25_000),
            shutdown: Duration::from_millis(25_000),
            delegation: LONGEST_DELEGATION,
        }
    }
}

/// The ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LedgerConfig {
    /// How many writes may wait before more are turned away with 503.
    #[schemars(range(min = 1))]
    pub queue: u32,
    /// What is kept so that a decision can be replayed.
    pub recordings: Recordings,
    /// How far the system's clock may be behind the newest entry of the ledger, whose time is used where it is, before
    /// `/readyz` answers 503.
    pub clock_behind: Duration,
    /// After how long things are deleted. Their digests stay, and with them every proof.
    pub retention: RetentionConfig,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            queue: 1024,
            recordings: Recordings::default(),
            clock_behind: Duration::from_millis(60_000),
            retention: RetentionConfig::default(),
        }
    }
}

/// Which recordings of plugins are kept with a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Recordings {
    /// Those without which the decision could not be replayed: of plugins that asked for more than the snapshot.
    #[default]
    Needed,
    /// All of them.
    All,
    /// None: such decisions cannot be replayed.
    None,
}

/// After how long things are deleted; what is not said is kept for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Evidence that was handed in.
    pub evidence: Option<Duration>,
    /// Snapshots that were decided on.
    pub snapshots: Option<Duration>,
    /// Recordings of plugins.
    pub recordings: Option<Duration>,
    /// Answers to requests with an `Idempotency-Key`: for that long, the same request gets the same answer.
    pub requests: Duration,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self { evidence: None, snapshots: None, recordings: None, requests: Duration::from_millis(7 * 86_400_000) }
    }
}

/// What can be seen of the server from outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ObserveConfig {
    /// Whether there is `/metrics`, and for whom.
    pub metrics: MetricsAccess,
    /// What the server says on standard error.
    pub log: LogConfig,
    /// Where spans are sent to (OpenTelemetry).
    pub traces: TraceConfig,
}

/// Whether there is `/metrics`, and for whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsAccess {
    /// There is none.
    Off,
    /// For whoever has the right `read` and sees all teams: metrics count what all teams do.
    #[default]
    On,
    /// For everybody.
    Open,
}

/// When models and plugins are loaded anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReloadConfig {
    /// Whether files are looked at for changes. Without it, they are loaded anew on `SIGHUP` and on `POST
    /// /api/v1/reload` alone.
    pub watch: bool,
    /// How often they are looked at.
    pub interval: Duration,
}

impl Default for ReloadConfig {
    fn default() -> Self {
        Self { watch: true, interval: Duration::from_millis(2000) }
    }
}
