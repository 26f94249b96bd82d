//! A connection that ends at a deadline, whatever the peer does.
//!
//! The deadline belongs to the socket and is checked before each system call, so it bounds connecting, the TLS handshake,
//! a peer that reads a request byte by byte, and one that sends a response byte by byte.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

use super::origin::Host;

/// The most bytes that are read or written at once. The header of a response has to fit.
const BUFFER: usize = 64 << 10;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The deadline has passed.
    TimedOut,
    /// The reason, for people.
    Failed(String),
}

/// An open connection to one address, plain or encrypted.
pub(super) struct HttpConnection {
    stream: Box<dyn Stream>,
    buffers: LazyBuffers,
    is_tls: bool,
    peer: SocketAddr,
}

trait Stream: Read + Write + Send + Sync {}

impl<S: Read + Write + Send + Sync> Stream for S {}

impl HttpConnection {
    /// Connects to the first address that answers. Each address gets an equal share of the time until the deadline.
    pub(super) fn connect(addresses: &[IpAddr], port: u16, until: Instant) -> Result<DeadlineSocket, ConnectError> {
        let mut failed = ConnectError::Failed("its name has no address".to_owned());
        #[expect(clippy::expect_used, reason = "the client tries a few addresses of a name")]
        let mut untried = u32::try_from(addresses.len()).expect("a few addresses");
        for address in addresses {
            let peer = SocketAddr::new(*address, port);
            let share = until.saturating_duration_since(Instant::now()) / untried;
            untried -= 1;
            if share.is_zero() {
                return Err(ConnectError::TimedOut);
            }
            match TcpStream::connect_timeout(&peer, share) {
                Ok(stream) => {
                    // Only about speed: a request that waits for company is as good.
                    let _ = stream.set_nodelay(true);
                    return Ok(DeadlineSocket { stream, peer, until });
                }
                Err(error) if is_timeout(&error) => failed = ConnectError::TimedOut,
                Err(error) => failed = ConnectError::Failed(format!("{peer}: {error}")),
            }
        }
        Err(failed)
    }

    /// Speaks plain HTTP on the socket.
    pub(super) fn plain(socket: DeadlineSocket) -> Self {
        let peer = socket.peer;
        Self { stream: Box::new(socket), buffers: LazyBuffers::new(BUFFER, BUFFER), is_tls: false, peer }
    }

    /// Speaks TLS on the socket. The peer has to prove that it is `host`.
    pub(super) fn encrypted(
        mut socket: DeadlineSocket,
        host: &Host,
        config: Arc<ClientConfig>,
    ) -> Result<Self, ConnectError> {
        let unsafe_because = |why: &dyn fmt::Display| ConnectError::Failed(format!("no safe connection: {why}"));
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| unsafe_because(&error))?,
            Host::Address(address) => ServerName::from(*address),
        };
        let mut session = ClientConnection::new(config, name).map_err(|error| unsafe_because(&error))?;
        while session.is_handshaking() {
            match session.complete_io(&mut socket) {
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return Err(ConnectError::TimedOut),
                Err(error) => return Err(unsafe_because(&error)),
            }
        }
        let peer = socket.peer;
        let stream = Box::new(StreamOwned::new(session, socket));
        Ok(Self { stream, buffers: LazyBuffers::new(BUFFER, BUFFER), is_tls: true, peer })
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl Transport for HttpConnection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        #[expect(clippy::expect_used, reason = "ureq transmits what it has put into the buffer")]
        let output = self.buffers.output().get(..amount).expect("so much output");
        self.stream.write_all(output)?;
        Ok(self.stream.flush()?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input).map_err(cut_off)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Says no, so that ureq does not keep the connection.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

/// A response without a length ends where the connection ends. That is its end only if the peer closed the connection: a
/// response that was cut off must not look complete.
fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            io::Error::new(ErrorKind::InvalidData, "the connection was cut off")
        }
        _ => error,
    }
}

/// Whether the error says that the deadline has passed.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

impl fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnection").field("peer", &self.peer).field("is_tls", &self.is_tls).finish_non_exhaustive()
    }
}

/// A socket that can be used until a deadline.
#[derive(Debug)]
pub(super) struct DeadlineSocket {
    stream: TcpStream,
    peer: SocketAddr,
    until: Instant,
}

impl DeadlineSocket {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for DeadlineSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }
}

impl Write for DeadlineSocket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
