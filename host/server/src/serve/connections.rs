//! From a listening socket to requests: connections, handshakes, and their end.
//!
//! `axum::serve` has no place for a time limit on the head of a request, so this goes by the same parts that it is made
//! of (hyper). A handshake is done by the task of its connection: one that never ends keeps nobody else waiting.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use super::lifecycle::Lifecycle;
use super::peer::Peer;
use super::tls::Tls;
use crate::config::LimitsConfig;

/// How long to wait before the next try when no connection can be taken, for example because too many files are open.
const PAUSE: Duration = Duration::from_millis(200);

/// The longest that a head may be, in bytes, with all its headers.
const LARGEST_HEAD: u32 = 64 << 10;

/// How often a silent connection of HTTP/2 is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);

/// What connections are served with.
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) lifecycle: Lifecycle,
    builder: Builder<TokioExecutor>,
    header_read: Duration,
    at_once: Arc<Semaphore>,
    shutdown: Duration,
}

impl Connections {
    pub(super) fn new(router: Router, tls: Option<Arc<Tls>>, lifecycle: Lifecycle, limits: &LimitsConfig) -> Self {
        let header_read = Duration::from_millis(limits.header_read.as_millis());
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(header_read)
            .max_buf_size(usize::try_from(LARGEST_HEAD).unwrap_or(usize::MAX));
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(header_read)
            .max_header_list_size(LARGEST_HEAD);
        let at_once = usize::try_from(limits.connections).unwrap_or(Semaphore::MAX_PERMITS);
        let at_once = Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS)));
        let shutdown = Duration::from_millis(limits.shutdown.as_millis());
        Self { router, tls, lifecycle, builder, header_read, at_once, shutdown }
    }

    /// Takes connections until a shutdown begins, and then waits until what is being answered is answered. Whether that
    /// was done in time.
    pub(super) async fn serve(self, listener: TcpListener) -> bool {
        let this = Arc::new(self);
        let graceful = GracefulShutdown::new();
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                biased;
                () = this.lifecycle.stopping() => break,
                accepted = this.accept(&listener) => accepted,
            };
            while tasks.try_join_next().is_some() {}
            match accepted {
                Ok((stream, address, permit)) => {
                    let (this, watcher) = (Arc::clone(&this), graceful.watcher());
                    tasks.spawn(async move {
                        this.connection(stream, address, watcher).await;
                        drop(permit);
                    });
                }
                // The client has left already.
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be taken at the moment");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(listener);
        let in_time = tokio::time::timeout(this.shutdown, graceful.shutdown()).await.is_ok();
        if !in_time {
            tracing::warn!(open = tasks.len(), "connections were cut off: they did not end within `limits.shutdown`");
        }
        tasks.shutdown().await;
        in_time
    }

    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.at_once).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = listener.accept().await?;
        Ok((stream, address, permit))
    }

    async fn connection(&self, stream: TcpStream, address: SocketAddr, watcher: Watcher) {
        // Answers are small, and written at once.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.requests(stream, Peer { address, certificate: None }, watcher).await;
        };
        let handshake = tokio::time::timeout(self.header_read, tls.acceptor().accept(stream));
        let handshake = tokio::select! {
            handshake = handshake => handshake,
            () = self.lifecycle.stopping() => return,
        };
        match handshake {
            Ok(Ok(stream)) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let certificate = certificates.and_then(|chain| chain.first()).cloned().map(Arc::new);
                self.requests(stream, Peer { address, certificate }, watcher).await;
            }
            Ok(Err(error)) => tracing::debug!(%address, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%address, "a TLS handshake took too long"),
        }
    }

    async fn requests<S>(&self, stream: S, peer: Peer, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let address = peer.address;
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer.clone()));
            self.router.clone().oneshot(request)
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        if let Err(error) = watcher.watch(connection).await {
            // A client that leaves in the middle, or speaks something else.
            tracing::debug!(%address, error = &*error, "a connection ended");
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
