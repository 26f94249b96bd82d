//! The configuration as types: [`Config`], and the sections that have no file of their own.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use lockgate_domain::{AttestRule, Duration, usual_stop_roles};
use lockgate_runtime::AddressRange;
use lockgate_service::LONGEST_DELEGATION;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::auth::AuthConfig;
use super::notifications::NotificationsConfig;
use super::observe::{DecisionLogConfig, LogConfig, TraceConfig};

/// The whole configuration. The defaults of all keys work on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// The name of the audit log, which its checkpoints and proofs carry. It is fixed when the ledger is created. A URL
    /// without its scheme is a good name, for example `deploy.example.com/lockgate`.
    pub name: String,
    /// The address and port to listen on. Port 0 takes a free port.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// The folder of the ledger, its signing key and the cache. It is created if it does not exist.
    #[schemars(extend("format" = "path"))]
    pub data: PathBuf,
    /// The files of the deployment models; `folder/*.toml` stands for all such files of a folder. Without a model, decisions
    /// are not possible.
    #[schemars(extend("format" = "path"))]
    pub models: Vec<String>,
    /// Makes every client an administrator, for trying things out. Only on a loopback address.
    pub insecure_no_auth: bool,
    /// TLS. Without a certificate, the server speaks plain HTTP.
    pub tls: TlsConfig,
    /// The proxies that may tell the address of a client.
    pub trusted_proxies: TrustedProxiesConfig,
    /// Limits on sizes, numbers and times.
    pub limits: LimitsConfig,
    /// How requests are authenticated.
    pub auth: AuthConfig,
    /// Who may attest entries of the registers. A rule replaces the usual roles of the registers that it names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attest: Vec<AttestRule>,
    /// Who stops the line.
    pub stops: StopsConfig,
    /// The ledger.
    pub ledger: LedgerConfig,
    /// Metrics, the server's own log, and traces.
    pub observe: ObserveConfig,
    /// Who is told of what.
    pub notifications: NotificationsConfig,
    /// Where decisions are sent.
    pub decision_log: DecisionLogConfig,
    /// When models and plugins are reloaded.
    pub reload: ReloadConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "lockgate".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 8181)),
            data: PathBuf::from("lockgate-data"),
            models: vec!["models/*.toml".to_owned()],
            insecure_no_auth: false,
            tls: TlsConfig::default(),
            trusted_proxies: TrustedProxiesConfig::default(),
            limits: LimitsConfig::default(),
            auth: AuthConfig::default(),
            attest: Vec::new(),
            stops: StopsConfig::default(),
            ledger: LedgerConfig::default(),
            observe: ObserveConfig::default(),
            notifications: NotificationsConfig::default(),
            decision_log: DecisionLogConfig::default(),
            reload: ReloadConfig::default(),
        }
    }
}

/// Writes lengths of time as people do: `30d`, not `2592000s`. Nothing else in a configuration has their form.
fn write_lengths_for_people(json: &mut Value) {
    match json {
        Value::String(text) => {
            let number = text.strip_suffix("ms").or_else(|| text.strip_suffix('s'));
            let is_length =
                number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
            if let Some(length) = is_length.then(|| text.parse::<Duration>().ok()).flatten() {
                *text = length.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_lengths_for_people),
        Value::Object(members) => members.values_mut().for_each(write_lengths_for_people),
        _ => {}
    }
}

impl Config {
    #[expect(clippy::expect_used, reason = "all keys are texts, and all values have a JSON form")]
    pub(super) fn to_json(&self) -> Value {
        let mut json = serde_json::to_value(self).expect("a configuration has a JSON form");
        write_lengths_for_people(&mut json);
        json
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| {
        let message =
            format!("`{text}` is not an address with a port: write for example `127.0.0.1:8181` or `[::1]:8181`");
        D::Error::custom(message)
    })
}

/// TLS. Without a certificate, the server speaks plain HTTP.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The certificate chain in PEM, the server's own certificate first.
    #[schemars(extend("format" = "path"))]
    pub certificate: Option<PathBuf>,
    /// The private key of the certificate in PEM (PKCS #8, SEC 1 or PKCS #1).
    #[schemars(extend("format" = "path"))]
    pub key: Option<PathBuf>,
    /// The authorities that sign client certificates, in PEM. Without it, clients are not asked for a certificate.
    #[schemars(extend("format" = "path"))]
    pub client_ca: Option<PathBuf>,
    /// Whether clients need a certificate, where `client-ca` is set.
    pub client_certificate: ClientCertificate,
}

/// Whether clients need a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientCertificate {
    /// A client without a certificate may authenticate in another way.
    #[default]
    Optional,
    /// Clients without a certificate cannot connect, not even for health checks.
    Required,
}

/// The proxies that may tell the address of a client.
///
/// Limits by address and the records of decisions use the client's address. Without this section it is the address of the
/// connection, so all clients of a proxy share one address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TrustedProxiesConfig {
    /// The addresses of the proxies, for example `10.1.2.3` or `10.1.2.0/24`. What others say about a client's address is
    /// ignored.
    #[schemars(with = "Vec<String>")]
    pub networks: Vec<AddressRange>,
    /// How the proxies tell the address of a client.
    pub client_address: ClientAddress,
}

/// How a proxy tells the address of a client. The server reads only that one: proxies pass on the headers of the others as the
/// client sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddress {
    /// The `Forwarded` header (RFC 7239). The client's address is the last one that is not in `networks`.
    #[default]
    Forwarded,
    /// The `X-Forwarded-For` header, read from its end in the same way.
    XForwardedFor,
    /// The PROXY protocol, version 1 or 2, at the beginning of each connection. A proxy's connection without it is closed.
    ProxyProtocol,
}

/// Limits on sizes, numbers and times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// The largest body of a request.
    pub body: ByteSize,
    /// The largest evidence file.
    pub evidence: ByteSize,
    /// The memory for the bodies of all open requests, with the documents that are read from them. When it is full, requests
    /// with a body are refused with 503. Large answers that are not yet delivered may take as much again.
    pub bodies: ByteSize,
    /// The part of `bodies` that the requests of one credential may take. When it is full, they are refused with 429. Large
    /// answers to the credential may take half as much again, or one evidence file.
    pub bodies_per_credential: ByteSize,
    /// The least number of bytes of a body that a client has to send in a second, on average, after the first five seconds. A
    /// slower request is answered with 408. A client that reads its answer more slowly is disconnected.
    pub least_rate: ByteSize,
    /// The most open connections. For one more, the connections that have been silent for longest are closed; if the server is
    /// answering on all of them, the new one is only answered if it asks for the server's health. A connection takes about 25
    /// KiB of memory, and about 40 KiB while it follows a deployment.
    #[schemars(range(min = 1))]
    pub connections: u32,
    /// The most open connections from one address. For one more, those that have been silent for longest are closed; if the
    /// server is answering on all of them, the new one is refused. An IPv6 network of 64 bits counts as one address.
    #[schemars(range(min = 1))]
    pub connections_per_address: u32,
    /// The most requests that are worked on at once.
    #[schemars(range(min = 1))]
    pub requests: u32,
    /// The most of them with one credential. Requests that only read are fewer: half as many as the machine has cores, and at
    /// least one.
    #[schemars(range(min = 1))]
    pub requests_per_credential: u32,
    /// The most requests that wait for their turn or send their body. More are refused with 503 and `Retry-After`.
    pub queue: u32,
    /// The most of them with one credential. More are refused with 429 and `Retry-After`.
    pub queue_per_credential: u32,
    /// The most clients that wait for a deployment to change or receive its events. They do not count as `requests`.
    pub watchers: u32,
    /// The most of them with one credential.
    pub watchers_per_credential: u32,
    /// The time until the head of a connection's first request is complete, with the PROXY protocol and the TLS handshake. A
    /// slower connection is closed.
    pub header_read: Duration,
    /// The time that a connection stays open without a request.
    pub idle: Duration,
    /// The time for an answer, from the last byte of the request's body to the head of the answer. After it, the request is
    /// answered with 503.
    pub request: Duration,
    /// The longest time that a client may wait for a deployment to change (`wait`). Shorter than `request`.
    pub wait: Duration,
    /// The time that a shutdown waits for open requests.
    pub shutdown: Duration,
    /// The longest time that a role may be lent for (`POST /api/v1/delegations`).
    pub delegation: Duration,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body: ByteSize::mebibytes(1),
            evidence: ByteSize::mebibytes(16),
            bodies: ByteSize::mebibytes(256),
            bodies_per_credential: ByteSize::mebibytes(64),
            least_rate: ByteSize::bytes(16 << 10),
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
    /// The most writes that may wait. More are refused with 503.
    #[schemars(range(min = 1))]
    pub queue: u32,
    /// Which recordings of plugins are stored, for replaying decisions.
    pub recordings: RecordingsConfig,
    /// How far the system's clock may be behind the newest entry of the ledger before `/readyz` answers 503. While it is
    /// behind, new entries have the time of the newest one.
    pub clock_behind: Duration,
    /// When content is deleted. Its digest stays, so every proof stays valid.
    pub retention: RetentionConfig,
}

impl Default for LedgerConfig {
    fn default() -> Self {
        Self {
            queue: 1024,
            recordings: RecordingsConfig::default(),
            clock_behind: Duration::from_millis(60_000),
            retention: RetentionConfig::default(),
        }
    }
}

/// Which recordings of plugins are stored with a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RecordingsConfig {
    /// Those that a replay needs: of plugins that read more than the snapshot.
    #[default]
    Needed,
    /// All of them.
    All,
    /// None. Decisions of plugins that read more than the snapshot cannot be replayed.
    None,
}

/// How long content is kept. What has no time is kept for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Evidence files.
    pub evidence: Option<Duration>,
    /// Snapshots of decisions.
    pub snapshots: Option<Duration>,
    /// Recordings of plugins.
    pub recordings: Option<Duration>,
    /// Values of entries of registers that were replaced or withdrawn, counted from when they were attested last. The
    /// present value of an entry is never deleted. Decisions that used a deleted value cannot be replayed.
    pub registers: Option<Duration>,
    /// Answers to requests with an `Idempotency-Key`. For that long, a repeated request gets the same answer.
    pub requests: Duration,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            evidence: None,
            snapshots: None,
            recordings: None,
            registers: None,
            requests: Duration::from_millis(7 * 86_400_000),
        }
    }
}

/// Metrics, the server's own log, and traces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ObserveConfig {
    /// Who may read `/metrics`.
    pub metrics: MetricsAccess,
    /// The server's own log, on standard error.
    pub log: LogConfig,
    /// Where spans are sent (OpenTelemetry).
    pub traces: TraceConfig,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MetricsAccess {
    /// Nobody: the route does not exist.
    Off,
    /// Credentials with the right `read` and access to all teams, because metrics cover all teams.
    #[default]
    On,
    /// Everybody.
    Open,
}

/// Who stops the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct StopsConfig {
    /// The roles that may stop the line and lift stops, of Lockgate's or of your own.
    pub roles: BTreeSet<String>,
}

impl Default for StopsConfig {
    fn default() -> Self {
        Self { roles: usual_stop_roles() }
    }
}

/// When models and plugins are reloaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReloadConfig {
    /// Whether changed files are reloaded. Without it, only `SIGHUP` and `POST /api/v1/reload` reload them.
    pub watch: bool,
    /// How often the files are checked for changes.
    pub interval: Duration,
}

impl Default for ReloadConfig {
    fn default() -> Self {
        Self { watch: true, interval: Duration::from_millis(2000) }
    }
}

/// A number of bytes: a text such as `16 MiB`, `500 kB` or `1GiB`, or a whole number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// An amount of MiB (1,048,576 bytes).
    pub const fn mebibytes(amount: u64) -> Self {
        Self(amount << 20)
    }

    pub const fn bytes(amount: u64) -> Self {
        Self(amount)
    }

    /// The amount in bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
        match units.into_iter().find(|(shift, _)| self.0 > 0 && self.0.trailing_zeros() >= *shift) {
            Some((shift, unit)) => write!(f, "{} {unit}", self.0 >> shift),
            None => write!(f, "{} B", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("`{text}` is not a number of bytes: write for example `16 MiB`, `500 kB` or `4096`");
        text.parse::<bytesize::ByteSize>().map(|size| Self(size.as_u64())).map_err(wrong)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a number of bytes, for example `16 MiB` or `4096`")]
        enum SizeInput<'a> {
            Number(u64),
            Text(Cow<'a, str>),
        }
        match SizeInput::deserialize(deserializer)? {
            SizeInput::Number(bytes) => Ok(Self(bytes)),
            SizeInput::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "description": "A number of bytes: a text such as `16 MiB`, or a number.",
            "examples": ["16 MiB", "500 kB", 4096]
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::ByteSize;

    #[test]
    fn sizes_are_written_as_they_can_be_read() {
        for (text, bytes, written) in [
            ("16 MiB", 16 << 20, "16 MiB"),
            ("1.5 GiB", 1536 << 20, "1536 MiB"),
            ("500 kB", 500_000, "500000 B"),
            ("4096", 4096, "4 KiB"),
            ("0", 0, "0 B"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.as_u64(), size.to_string()), (bytes, written.to_owned()));
            assert_eq!(written.parse(), Ok(size));
        }
        assert!("many".parse::<ByteSize>().unwrap_err().contains("`many` is not a number of bytes"));
    }
}
