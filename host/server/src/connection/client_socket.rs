//! The socket of a client. When the server cuts it off, the system drops the data that the client has not taken.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::activity::ConnectionActivity;

/// A socket that is reset when it is closed after [`ConnectionActivity::cut`]. After a normal close, the system keeps
/// the written data in memory until the client takes it, however long that is.
pub(super) struct ClientSocket {
    stream: TcpStream,
    activity: Arc<ConnectionActivity>,
    /// The time until which the server waits for the client, once everything is written.
    lingers: Option<Pin<Box<Sleep>>>,
}

/// How long a client may take to close its side.
const LINGER: Duration = Duration::from_secs(1);

impl ClientSocket {
    pub(super) fn new(stream: TcpStream, activity: &Arc<ConnectionActivity>) -> Self {
        Self { stream, activity: Arc::clone(activity), lingers: None }
    }
}

impl Drop for ClientSocket {
    fn drop(&mut self) {
        if self.activity.is_cut() {
            // If it fails, the socket is closed as usual.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for ClientSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ClientSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingers.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        // Closing a socket while the client still sends would lose data that is not delivered yet.
        let lingers = this.lingers.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut scratch = [0; 1024];
        while lingers.as_mut().poll(context).is_pending() {
            let mut unread = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.stream).poll_read(context, &mut unread)) {
                Ok(()) if !unread.filled().is_empty() => {}
                // The client has closed its side, or is gone.
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
