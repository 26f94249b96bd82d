//! A connection that ends at a certain time, whatever the peer does.
//!
//! The time is a property of the socket and is looked at before each system call, so it holds for connecting, for the
//! TLS handshake, for a peer that takes a request byte by byte, and for one that sends an answer so.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport};

use super::origin::Host;

/// How many bytes are read or written at once, at most. An answer's header has to fit.
const BUFFER: usize = 64 << 10;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoLine {
    TookTooLong,
    /// Why not, for people.
    Failed(String),
}

/// A connection to one address.
pub(super) struct Line {
    stream: Box<dyn Stream>,
    buffers: LazyBuffers,
    is_tls: bool,
    peer: SocketAddr,
}

trait Stream: Read + Write + Send + Sync {}

impl<S: Read + Write + Send + Sync> Stream for S {}

impl Line {
    /// Connects to the first of the addresses that answers. Each has its share of the time that is left.
    pub(super) fn connect(addresses: &[IpAddr], port: u16, until: Instant) -> Result<Wire, NoLine> {
        let mut failed = NoLine::Failed("its name stands for no address".to_owned());
        for (tried, address) in addresses.iter().enumerate() {
            let peer = SocketAddr::new(*address, port);
            let (left, others) =
                (until.saturating_duration_since(Instant::now()), addresses.len().saturating_sub(tried));
            let share = left / u32::try_from(others).unwrap_or(u32::MAX).max(1);
            if share.is_zero() {
                return Err(NoLine::TookTooLong);
            }
            match TcpStream::connect_timeout(&peer, share) {
                Ok(stream) => {
                    // Only about speed: a request that waits for company is as good.
                    let _ = stream.set_nodelay(true);
                    return Ok(Wire { stream, peer, until });
                }
                Err(error) if is_timeout(&error) => failed = NoLine::TookTooLong,
                Err(error) => failed = NoLine::Failed(format!("{peer}: {error}")),
            }
        }
        Err(failed)
    }

    /// Speaks in the clear.
    pub(super) fn plain(wire: Wire) -> Self {
        let peer = wire.peer;
        Self { stream: Box::new(wire), buffers: LazyBuffers::new(BUFFER, BUFFER), is_tls: false, peer }
    }

    /// Speaks TLS, with whom the host's name says.
    pub(super) fn encrypted(mut wire: Wire, host: &Host, config: Arc<ClientConfig>) -> Result<Self, NoLine> {
        let unsafe_because = |why: &dyn fmt::Display| NoLine::Failed(format!("no safe connection: {why}"));
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|error| unsafe_because(&error))?,
            Host::Address(address) => ServerName::from(*address),
        };
        let mut session = ClientConnection::new(config, name).map_err(|error| unsafe_because(&error))?;
        while session.is_handshaking() {
            match session.complete_io(&mut wire) {
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return Err(NoLine::TookTooLong),
                Err(error) => return Err(unsafe_because(&error)),
            }
        }
        let peer = wire.peer;
        let stream = Box::new(StreamOwned::new(session, wire));
        Ok(Self { stream, buffers: LazyBuffers::new(BUFFER, BUFFER), is_tls: true, peer })
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl Transport for Line {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(self.stream.flush()?)
    }

    fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input).map_err(cut_off)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// So that nobody keeps it.
    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        self.is_tls
    }
}

/// Without a length, an answer ends where the connection does. That is only so if the peer closed it: what is cut off
/// must not look whole.
fn cut_off(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            io::Error::new(ErrorKind::InvalidData, "the connection was cut off")
        }
        _ => error,
    }
}

/// Whether it is about time.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("peer", &self.peer).field("is_tls", &self.is_tls).finish_non_exhaustive()
    }
}

/// A socket that is used until a certain time.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    peer: SocketAddr,
    until: Instant,
}

impl Wire {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Wire {
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

impl Write for Wire {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
