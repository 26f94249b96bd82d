//! The start of a server and its end.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use lockgate_ledger::{KeyFile, KeyFileError, SqliteOptions, Storage, SystemClock};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use super::due::keep_due;
use super::service::{OpenedService, ServiceStartError, keep_forgetting, keep_loading};
use super::signing_key::SigningKeyWatch;
use crate::api::{self, ReadinessChecks, ServerState, health_router, is_about_health};
use crate::auth::Authenticator;
use crate::auth::token::{TokenError, TokenSecret, first_administrator};
use crate::config::{Config, NotificationsConfig, SettingFault};
use crate::connection::{ConnectionServer, ServerTls, TlsError};
use crate::layers::around;
use crate::notify::keep_notifying;
use crate::observe::{self, DecisionLog, Metrics};
use crate::problem::RequestId;
use crate::process::Lifecycle;

/// How long the sinks of the decision log may take for events that are not delivered yet. The rest is delivered after
/// the next start.
const LAST_EVENTS: Duration = Duration::from_secs(5);

/// How long to wait for work in other threads, before the ledger is left to the end of the process.
const LAST_WORK: Duration = Duration::from_secs(5);

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("the data folder `{}`: {error}", path.display())]
    DataFolder { path: PathBuf, error: std::io::Error },
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] KeyFileError),
    /// The settings for authentication have mistakes.
    #[error("authentication: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Auth(Vec<SettingFault>),
    /// The first administrator's token cannot be issued.
    #[error("the token of the first administrator could not be issued: {0}")]
    FirstToken(#[from] TokenError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The server cannot listen on the address.
    #[error("cannot listen on `{address}`: {error}")]
    Listen { address: SocketAddr, error: std::io::Error },
    /// The settings would let everybody in from everywhere.
    #[error("`insecure-no-auth` needs a loopback address: `{0}` is not one")]
    OpenToAll(SocketAddr),
    /// A sink of the decision log does not start.
    #[error(transparent)]
    DecisionLog(#[from] observe::decision_log::SinkStartError),
    /// The process's own log cannot be set up.
    #[error(transparent)]
    Log(#[from] observe::LogInitError),
    /// The parts that decide cannot be set up.
    #[error(transparent)]
    Decide(#[from] ServiceStartError),
    /// The system gives no threads.
    #[error("the server could not start: {0}")]
    Threads(std::io::Error),
}

/// Makes the routes from the state of a server: all except those about its health.
type RouterFactory = Box<dyn FnOnce(&ServerState) -> Router + Send>;

/// A server that is not started yet.
pub struct Server {
    config: Config,
    metrics: Arc<Metrics>,
    traces: bool,
    clock: SystemClock,
    mount: RouterFactory,
}

impl Server {
    /// A server with a configuration.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            metrics: Arc::default(),
            traces: false,
            clock: SystemClock::default(),
            mount: Box::new(api::router),
        }
    }

    /// Counts into these metrics; `traces` is what [`observe::LogGuard::traces`] returns.
    #[must_use]
    pub fn observed(mut self, metrics: Arc<Metrics>, traces: bool) -> Self {
        (self.metrics, self.traces) = (metrics, traces);
        self
    }

    /// Uses another clock in place of the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: SystemClock) -> Self {
        self.clock = clock;
        self
    }

    /// Uses other routes than those of [`api::router`].
    #[must_use]
    pub fn with_routes(mut self, mount: impl FnOnce(&ServerState) -> Router + Send + 'static) -> Self {
        self.mount = Box::new(mount);
        self
    }

    /// Opens the data folder and the ledger, and starts to accept connections.
    ///
    /// # Errors
    /// If a part of the server cannot be set up.
    pub async fn start(self) -> Result<RunningServer, StartError> {
        let Self { config, metrics, traces, clock, mount } = self;
        if config.insecure_no_auth && !config.listen.ip().is_loopback() {
            return Err(StartError::OpenToAll(config.listen));
        }
        let tls = ServerTls::load(&config.tls)?.map(Arc::new);
        if !config.listen.ip().is_loopback() && tls.is_none() {
            tracing::warn!(
                listen = %config.listen,
                "the connection is not encrypted: configure `tls`, or use a proxy that terminates TLS"
            );
        }
        // Before the ledger is made, so that an address in use leaves nothing behind.
        let listen = |error| StartError::Listen { address: config.listen, error };
        let listener = listen_on(config.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;

        let lifecycle = Lifecycle::default();
        let opening = (config.clone(), clock, Arc::clone(&metrics), lifecycle.clone());
        let opened = tokio::task::spawn_blocking(move || open(opening.0, opening.1, opening.2, opening.3)).await;
        let OpenedData { state, first_token, key } =
            opened.map_err(|error| StartError::Threads(std::io::Error::other(error)))??;

        let looks_after = (Arc::downgrade(&state.storage), state.lifecycle.clone());
        let (catalogue, metrics_of) = (Arc::clone(&state.catalogue), Arc::clone(&state.metrics));
        let settings = state.config.reload.clone();
        let (storage, stops) = looks_after.clone();
        tokio::spawn(keep_loading(catalogue, storage, metrics_of, stops, settings));
        let (storage, stops) = looks_after;
        tokio::spawn(key.keep_looking(state.lifecycle.clone()));
        tokio::spawn(keep_forgetting(storage, stops, state.config.ledger.retention.clone()));
        tokio::spawn(keep_due(state.service.downgrade(), state.lifecycle.clone()));
        let NotificationsConfig { base_url, webhooks } = state.config.notifications.clone();
        let server = RequestId::generate();
        for webhook in webhooks {
            let base = base_url.clone().unwrap_or_default();
            let names = (base, state.config.name.clone(), server.as_str().to_owned());
            tokio::spawn(keep_notifying(state.service.downgrade(), state.lifecycle.clone(), webhook, names));
        }
        let routes = mount(&state).merge(health_router(&state));
        let router = around(routes, &metrics, traces, tls.is_some());
        let connections =
            ConnectionServer::new(router, tls.clone(), lifecycle.clone(), &config, &metrics, is_about_health);
        let serving = tokio::spawn(connections.serve(listener));
        tracing::info!(%address, tls = tls.is_some(), data = %config.data.display(), "listening");
        Ok(RunningServer { address, tls, lifecycle, state: Some(state), first_token, serving })
    }
}

/// The parts of a server that are on the disk, all open.
struct OpenedData {
    state: ServerState,
    first_token: Option<FirstToken>,
    key: SigningKeyWatch,
}

/// How many connections the system holds that are not accepted yet.
const BACKLOG: u32 = 4096;

/// How much of an untaken answer the system holds for a client, in bytes.
const SEND_BUFFER: u32 = 256 << 10;

/// Listens on an address. The connections inherit the buffers of the listener.
fn listen_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Opens everything on the disk, which blocks.
fn open(
    config: Config,
    clock: SystemClock,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
) -> Result<OpenedData, StartError> {
    make_private(&config.data).map_err(|error| StartError::DataFolder { path: config.data.clone(), error })?;
    let options = SqliteOptions {
        queue: usize::try_from(config.ledger.queue).unwrap_or(usize::MAX),
        largest: SqliteOptions::default().largest.max(config.limits.evidence.as_u64().saturating_mul(2)),
        clock,
        ..SqliteOptions::default()
    };
    let key = KeyFile::new(config.data.join("ledger.key"));
    let storage: Arc<dyn Storage> = Arc::new(key.open(&config.data.join("ledger.db"), &config.name, options)?);
    let (authenticator, first_token) = if config.insecure_no_auth {
        tracing::warn!("`insecure-no-auth` is set: every client is an administrator");
        (Authenticator::open(Arc::clone(storage.clock())), None)
    } else {
        let issued = first_administrator(storage.as_ref(), storage.now())?;
        let authenticator = Authenticator::new(&config.auth, Arc::clone(&storage)).map_err(StartError::Auth)?;
        (authenticator, issued.map(|issued| FirstToken::new(issued.secret, &config.data)))
    };
    let server = RequestId::generate();
    let decision_log = DecisionLog::start(&config.decision_log, Arc::clone(&storage), &metrics, server.as_str())?;
    let checks = ReadinessChecks::new(&storage, &lifecycle);
    let key = SigningKeyWatch::new(key, &storage, &checks);
    let OpenedService { service, catalogue } = OpenedService::open(&config, &storage, &metrics, &checks)?;
    let state = ServerState {
        checks: Arc::new(checks),
        service,
        catalogue,
        config: Arc::new(config),
        storage,
        authenticator: Arc::new(authenticator),
        metrics,
        decision_log: Arc::new(decision_log),
        lifecycle,
    };
    Ok(OpenedData { state, first_token, key })
}

/// Makes a folder that only its owner can read. An existing folder stays as it is: the secret files in it have their
/// own permissions.
fn make_private(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// A running server, until it is shut down.
pub struct RunningServer {
    address: SocketAddr,
    tls: Option<Arc<ServerTls>>,
    lifecycle: Lifecycle,
    state: Option<ServerState>,
    first_token: Option<FirstToken>,
    serving: JoinHandle<bool>,
}

/// The result of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownOutcome {
    /// Whether all requests in progress were answered in time.
    pub answered: bool,
    /// Whether the ledger was closed. If not, it is as after a crash: whole, with everything in it that was answered.
    pub closed: bool,
}

impl RunningServer {
    /// The address that it listens on, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The first administrator's token, if it was issued at this start. It exists nowhere else, unless it is
    /// [written](FirstToken::write) to its file.
    pub fn first_token(&self) -> Option<&FirstToken> {
        self.first_token.as_ref()
    }

    /// Whether the server shuts down, and its reload requests.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Reloads certificates, and requests a reload of models and plugins. If something cannot be used, that is logged,
    /// and the old one stays.
    pub fn reload(&self) {
        match self.tls.as_ref().map(|tls| tls.reload()) {
            Some(Ok(())) => tracing::info!("certificates reloaded"),
            Some(Err(error)) => tracing::error!(%error, "certificates could not be reloaded: the old ones stay in use"),
            None => {}
        }
        self.lifecycle.reload();
    }

    /// Shuts the server down: it reports that it is not ready, accepts no more connections, finishes the answers in
    /// progress (for at most `limits.shutdown`), and closes the ledger.
    pub async fn shutdown(mut self) -> ShutdownOutcome {
        tracing::info!("shutting down");
        self.lifecycle.stop();
        let answered = self.serving.await.unwrap_or_else(|error| {
            tracing::error!(%error, "connections aborted: internal error");
            false
        });
        let Some(ServerState { storage, decision_log, .. }) = self.state.take() else {
            return ShutdownOutcome { answered, closed: false };
        };
        // Handlers that go on although nobody waits for them hold the ledger, too.
        let gone = Arc::downgrade(&storage);
        drop(storage);
        let closing = move || {
            if let Some(decision_log) = Arc::into_inner(decision_log) {
                decision_log.close(LAST_EVENTS);
            }
            let begun = std::time::Instant::now();
            while gone.strong_count() > 0 && begun.elapsed() < LAST_WORK {
                std::thread::sleep(Duration::from_millis(5));
            }
            gone.strong_count() == 0
        };
        let closed = tokio::task::spawn_blocking(closing).await.unwrap_or(false);
        tracing::info!(answered, closed, "shut down");
        ShutdownOutcome { answered, closed }
    }
}

/// The name of the file in the data folder.
const FIRST_TOKEN_FILE: &str = "first-administrator.token";

/// The token that an endpoint issues when it starts for the first time.
#[derive(Debug)]
pub struct FirstToken {
    secret: TokenSecret,
    file: PathBuf,
}

impl FirstToken {
    fn new(secret: TokenSecret, data: &Path) -> Self {
        Self { secret, file: data.join(FIRST_TOKEN_FILE) }
    }

    /// The token's text. Show it only to the administrator.
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// The file that [`write`](Self::write) writes.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Writes the token, with a line end, to a new file in the data folder that only its owner can read. Replaces the
    /// file of an earlier ledger.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.file)?;
        writeln!(file, "{}", self.secret.expose())?;
        file.sync_all()
    }
}
