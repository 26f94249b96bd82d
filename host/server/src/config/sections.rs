//! The sections of the configuration that belong to no other module.

use std::path::PathBuf;

use lockgate_domain::Duration;
use lockgate_runtime::AddressRange;
use lockgate_service::LONGEST_DELEGATION;
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

/// Whose word is taken for the address of a client.
///
/// Limits by address and the record of a decision go by the address of the client. Without this section it is the address of
/// the connection, so all clients of a proxy have one address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TrustedProxiesConfig {
    /// The addresses of the proxies, for example `10.1.2.3` or `10.1.2.0/24`. What others say of a client's address is not
    /// read.
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<AddressRange>,
    /// How the proxies tell the address of a client.
    pub client_address: ClientAddress,
}

/// How a proxy tells the address of a client. Only that way is read: a proxy hands on the headers of other ways as its client
/// sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddress {
    /// The `Forwarded` header (RFC 7239). The address is the last one that no proxy of `networks` has.
    #[default]
    Forwarded,
    /// The `X-Forwarded-For` header, read from its end in the same way.
    XForwardedFor,
    /// The PROXY protocol, version 1 or 2, at the beginning of each connection. A connection of a proxy without it is closed.
    ProxyProtocol,
}

/// How much is taken, and for how long is waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// How large the body of a request may be.
    pub body: Size,
    /// How large a piece of evidence may be.
    pub evidence: Size,
    /// How much memory the bodies of all requests take together, with the documents that are read from them. Beyond that, requests
    /// with a body are turned away with 503. Large answers that are not delivered yet may take as much again.
    pub bodies: Size,
    /// How much of it the requests of one credential take. Beyond that, they are turned away with 429. Its large answers may take
    /// half as much again, or one piece of evidence.
    pub bodies_per_credential: Size,
    /// How much of a body has to come in a second, on average and after the first five seconds. A slower request is answered
    /// with 408. A client that takes its answer more slowly is cut off, too.
    pub least_rate: Size,
    /// How many connections are open at once. For one more, the connections that have been silent for longest are closed; if
    /// all are being answered, it gets an answer only to questions about the server's health. A connection takes about 25 KiB of
    /// memory, and about 40 KiB while it follows a deployment.
    #[schemars(range(min = 1))]
    pub connections: u32,
    /// How many connections one address has open at once. For one more, those that have been silent for longest are closed; if
    /// all are being answered, it is refused. The addresses of an IPv6 network of 64 bits count as one.
    #[schemars(range(min = 1))]
    pub connections_per_address: u32,
    /// How many requests are worked on at once.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// How many of them one credential has. Of requests that only read, which are answered one after the other where there are few
    /// cores, it has half as many as there are cores, and at least one.
    #[schemars(range(min = 1))]
    pub requests_per_credential: u32,
    /// How many requests wait for their turn or send their body; more are turned away with 503 and `Retry-After`.
    pub queue: u32,
    /// How many of them one credential has; more are turned away with 429 and `Retry-After`.
    pub queue_per_credential: u32,
    /// How many clients may be waiting for a deployment to turn, or be sent its events. They do not count as `requests`.
    pub watchers: u32,
    /// How many of them one credential has.
    pub watchers_per_credential: u32,
    /// How long a connection may take until the first head of a request is complete: for the PROXY protocol, the TLS handshake,
    /// the preface of HTTP/2 and the head together. Then it is closed.
    pub header_read: Duration,
    /// How long a connection may be open without a request that is being answered. Then it is closed.
    pub idle: Duration,
    /// How long the answer to a request may take, from the last byte of its body to the head of the answer: then it is answered
    /// with 503.
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
            bodies: Size::mebibytes(256),
            bodies_per_credential: Size::mebibytes(64),
            least_rate: Size::bytes(16 << 10),
            connections: 1024,
            connections_per_address: 256,
            requests: 512,
            requests_per_credential: 32,
            queue: 2048,
            queue_per_credential: 512,
            watchers: 1024,
            watchers_per_credential: 256,
            header_read: Duration::from_millis(10_000),
            idle: Duration::from_millis(60_000),
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
