//! From a listening socket to requests: connections, handshakes, and their end.
//!
//! `axum::serve` has no limits on connections, so this module uses the same parts as axum (hyper). The task of a
//! connection does its handshake, and closes it when the client keeps the server waiting: hyper only limits the time
//! for a head of HTTP/1, neither that until the first bytes tell the version, nor that for the frames of HTTP/2.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Request, Response, Uri, Version};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulConnection;
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::ServiceExt as _;

use super::activity::{AnswerBody, ConnectionActivity, OverdueReason, SilenceLimits, TAKEN_IN};
use super::client_address::{RequestPeer, TrustedProxies, read_proxy_header};
use super::client_socket::ClientSocket;
use super::table::{ConnectionPlace, ConnectionTable, connection_limit};
use super::tls::ServerTls;
use crate::config::Config;
use crate::observe::{CloseReason, Metrics};
use crate::problem::Problem;
use crate::process::Lifecycle;

/// The pause before the next attempt if no connection can be accepted, for example because too many files are open.
const PAUSE: Duration = Duration::from_millis(200);

/// The shortest pause: the system needs time to close a connection.
const SHORT_PAUSE: Duration = Duration::from_millis(5);

/// The longest head with all its headers, in bytes.
const LARGEST_HEAD: u32 = 16 << 10;

/// How often the server pings a silent HTTP/2 connection.
const PING: Duration = Duration::from_secs(30);

/// How many requests a connection of HTTP/2 may have open at once.
const STREAMS: u32 = 32;

/// How many bytes of bodies an HTTP/2 client may send before they are read: for one request, and for a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// How long a connection that only gets health answers may take until its first head is complete.
const FIRST_HEAD_FOR_HEALTH: Duration = Duration::from_secs(2);

/// The settings for serving connections.
pub(crate) struct ConnectionServer {
    router: Router,
    tls: Option<Arc<ServerTls>>,
    lifecycle: Lifecycle,
    builder: Builder<TokioExecutor>,
    silence: SilenceLimits,
    least_rate: u64,
    table: ConnectionTable,
    proxies: TrustedProxies,
    metrics: Arc<Metrics>,
    shutdown: Duration,
    /// Whether a path belongs to the routes about the server's health.
    is_about_health: fn(&str) -> bool,
}

impl ConnectionServer {
    pub(crate) fn new(
        router: Router,
        tls: Option<Arc<ServerTls>>,
        lifecycle: Lifecycle,
        config: &Config,
        metrics: &Arc<Metrics>,
        is_about_health: fn(&str) -> bool,
    ) -> Self {
        let limits = &config.limits;
        let first_head = Duration::from_millis(limits.header_read.as_millis());
        let idle = Duration::from_millis(limits.idle.as_millis());
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            // hyper counts this time from the end of the previous request, so a shorter one would cut off an idle
            // client.
            .header_read_timeout(idle.max(first_head))
            .max_buf_size(usize::try_from(LARGEST_HEAD).unwrap_or(usize::MAX));
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(first_head)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(LARGEST_HEAD);
        let per_address = usize::try_from(limits.connections_per_address).unwrap_or(usize::MAX);
        Self {
            router,
            tls,
            lifecycle,
            builder,
            silence: SilenceLimits { first_head, idle },
            least_rate: limits.least_rate.as_u64(),
            table: ConnectionTable::new(connection_limit(limits.connections), per_address, Arc::clone(metrics)),
            proxies: TrustedProxies::new(&config.trusted_proxies),
            metrics: Arc::clone(metrics),
            shutdown: Duration::from_millis(limits.shutdown.as_millis()),
            is_about_health,
        }
    }

    /// Accepts connections until a shutdown begins, and then waits for the answers in progress. Returns whether they
    /// ended in time.
    pub(crate) async fn serve(self, listener: TcpListener) -> bool {
        let this = Arc::new(self);
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            let accepted = tokio::select! {
                biased;
                () = this.lifecycle.stopping() => break,
                // Connections that were closed for others keep their files open until their tasks have ended.
                Some(_) = tasks.join_next(), if tasks.len() >= this.table.most_tasks() => continue,
                accepted = listener.accept(), if tasks.len() < this.table.most_tasks() => accepted,
            };
            match accepted {
                Ok((stream, address)) => this.take(stream, address, &mut tasks),
                // The client has left already.
                Err(error) if is_of_the_client(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "no connection can be accepted");
                    let _ = tokio::time::timeout(PAUSE, tasks.join_next()).await;
                    tokio::time::sleep(SHORT_PAUSE).await;
                }
            }
        }
        drop(listener);
        let all_ended = async { while tasks.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(this.shutdown, all_ended).await.is_ok();
        if !in_time {
            tracing::warn!(open = tasks.len(), "connections closed: they did not end within `limits.shutdown`");
        }
        tasks.shutdown().await;
        in_time
    }

    /// Starts the task of a connection, or closes it.
    fn take(self: &Arc<Self>, stream: TcpStream, address: SocketAddr, tasks: &mut JoinSet<()>) {
        // Answers are small, and written at once.
        let _ = stream.set_nodelay(true);
        let activity = Arc::new(ConnectionActivity::new(self.least_rate));
        let counted = (!self.proxies.contains(address.ip())).then(|| address.ip());
        let Some(place) = self.table.take(&activity, counted) else { return };
        let this = Arc::clone(self);
        tasks.spawn(async move {
            let stream = ClientSocket::new(stream, &activity);
            tokio::select! {
                () = this.connection(stream, address, &activity, &place) => {}
                () = activity.evicted() => {}
            }
        });
    }

    async fn connection(
        &self,
        stream: ClientSocket,
        address: SocketAddr,
        activity: &Arc<ConnectionActivity>,
        place: &ConnectionPlace,
    ) {
        if !self.proxies.speaks_proxy_protocol(address.ip()) {
            return self.encrypted(stream, address, activity, place).await;
        }
        match self.in_time(activity, place, Box::pin(read_proxy_header(stream))).await {
            // Without an address, the proxy asks for itself.
            Some(Ok((stream, client))) if client.is_none_or(|client| place.belongs_to(client.ip())) => {
                Box::pin(self.encrypted(stream, client.unwrap_or(address), activity, place)).await;
            }
            Some(Err(error)) => {
                tracing::warn!(proxy = %address, %error, "a trusted proxy sent no PROXY protocol header");
            }
            // The client has too many connections, or was too slow.
            Some(Ok(_)) | None => {}
        }
    }

    /// Does the TLS handshake, if TLS is on. Each kind of connection is boxed by itself, so that a silent connection
    /// does not take the memory of all kinds.
    async fn encrypted<S>(
        &self,
        stream: S,
        address: SocketAddr,
        activity: &Arc<ConnectionActivity>,
        place: &ConnectionPlace,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(tls) = &self.tls else {
            return Box::pin(self.requests(stream, address, None, activity, place)).await;
        };
        match self.in_time(activity, place, Box::pin(tls.acceptor().accept(stream).into_future())).await {
            Some(Ok(stream)) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let certificate = certificates.and_then(|chain| chain.first()).cloned().map(Arc::new);
                Box::pin(self.requests(stream, address, certificate, activity, place)).await;
            }
            Some(Err(error)) => tracing::debug!(%address, %error, "a TLS handshake failed"),
            None => {}
        }
    }

    /// Does the work before the first head, unless it takes too long or a shutdown begins.
    async fn in_time<T>(
        &self,
        activity: &ConnectionActivity,
        place: &ConnectionPlace,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let until = activity.opened() + self.silence_of(place).first_head;
        tokio::select! {
            done = timeout_at(until, work) => {
                if done.is_err() {
                    self.metrics.connection_closed(CloseReason::NoHead);
                }
                done.ok()
            }
            () = self.lifecycle.stopping() => None,
        }
    }

    /// The limits of a connection.
    fn silence_of(&self, place: &ConnectionPlace) -> SilenceLimits {
        let SilenceLimits { first_head, idle } = self.silence;
        match place.for_health {
            true => SilenceLimits { first_head: first_head.min(FIRST_HEAD_FOR_HEALTH), idle: idle.min(TAKEN_IN) },
            false => self.silence,
        }
    }

    async fn requests<S>(
        &self,
        stream: S,
        address: SocketAddr,
        certificate: Option<Arc<CertificateDer<'static>>>,
        activity: &Arc<ConnectionActivity>,
        place: &ConnectionPlace,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let for_health = place.for_health;
        let service = service_fn(|request: Request<Incoming>| {
            let working = activity.head();
            let mut request = request.map(Body::new);
            without_trailing_slash(request.uri_mut());
            let client = self.proxies.client(address, request.headers());
            let peer = RequestPeer { address: client, certificate: certificate.clone() };
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Arc::clone(activity));
            let refused = for_health && !(self.is_about_health)(request.uri().path());
            // HTTP/2 has no such header.
            let close = for_health && request.version() < Version::HTTP_2;
            let router = self.router.clone();
            async move {
                let mut response = if refused { no_room() } else { router.oneshot(request).await? };
                if close {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response.map(|body| AnswerBody::new(body, working)))
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        if let Some(why) = self.drive(connection, address, activity, self.silence_of(place)).await {
            self.metrics.connection_closed(why);
        }
    }

    /// Serves a connection until it ends. Returns why, if the server closed it.
    async fn drive<C>(
        &self,
        connection: C,
        address: SocketAddr,
        activity: &ConnectionActivity,
        silence: SilenceLimits,
    ) -> Option<CloseReason>
    where
        C: GracefulConnection,
        C::Error: std::fmt::Display,
    {
        let mut connection = pin!(connection);
        let mut stopping = pin!(self.lifecycle.stopping());
        let (mut told_to_end, mut why) = (false, None);
        let mut wake = activity.opened() + silence.first_head;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        // The client left in the middle, or speaks another protocol.
                        tracing::debug!(%address, %error, "a connection ended");
                    }
                    return why;
                }
                () = stopping.as_mut(), if !told_to_end => {
                    connection.as_mut().graceful_shutdown();
                    (told_to_end, wake) = (true, Instant::now() + TAKEN_IN);
                }
                () = activity.ended(), if !told_to_end => {
                    connection.as_mut().graceful_shutdown();
                    (told_to_end, wake) = (true, Instant::now() + TAKEN_IN);
                }
                () = sleep_until(wake) => match activity.overdue(silence) {
                    // Requests in progress are answered; a client that takes nothing is not waited for.
                    _ if told_to_end && !activity.is_silent_for(TAKEN_IN) => {
                        activity.count_no_more();
                        wake = Instant::now() + TAKEN_IN;
                    }
                    _ if told_to_end => {
                        activity.cut();
                        return why;
                    }
                    Err(again) => wake = again,
                    Ok(OverdueReason::NoHead) => return Some(CloseReason::NoHead),
                    Ok(OverdueReason::Idle) => {
                        connection.as_mut().graceful_shutdown();
                        (told_to_end, wake) = (true, Instant::now() + TAKEN_IN);
                        why = Some(CloseReason::Idle);
                    }
                },
            }
        }
    }
}

/// The answer on a connection that was only accepted for health requests.
fn no_room() -> Response<Body> {
    Problem::overloaded("all connections are in use: only health checks are answered").into_response()
}

fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Removes the slash at the end of the path, unless it is the whole path, so that rights, metrics and the routes for
/// health see the same path.
fn without_trailing_slash(uri: &mut Uri) {
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else { return };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    // The rest of a valid path and query is valid, too.
    let Ok(path_and_query) = path_and_query else { return };
    parts.path_and_query = Some(path_and_query);
    if let Ok(shorter) = Uri::from_parts(parts) {
        *uri = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_at_the_end_of_the_path_is_taken_away() {
        for (written, read) in [
            ("/v1/data/", "/v1/data"),
            ("/v1/data/?input=%7B%7D/", "/v1/data?input=%7B%7D/"),
            ("http://example.org/a/b/?c", "http://example.org/a/b?c"),
            ("/a//", "/a/"),
            ("/a/%2F", "/a/%2F"),
            ("/a?b/", "/a?b/"),
            ("/", "/"),
            ("//", "/"),
            ("*", "*"),
        ] {
            let mut uri = Uri::from_static(written);
            without_trailing_slash(&mut uri);
            assert_eq!(uri, Uri::from_static(read), "{written}");
        }
    }
}
