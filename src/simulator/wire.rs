//! Connections that can be cut: a reset, or a body that breaks off, is not to be had from an HTTP server.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// No cut is planned.
const UNBOUNDED: usize = usize::MAX;

/// Cuts the connection that it belongs to. A handler gets it as connect info.
#[derive(Debug, Clone)]
pub(crate) struct Cutter(Arc<Cut>);

#[derive(Debug)]
struct Cut {
    /// Bytes that may still be written.
    left: AtomicUsize,
    /// Whether the peer gets a reset instead of an orderly end.
    reset: AtomicBool,
}

impl Cutter {
    fn new() -> Self {
        Self(Arc::new(Cut { left: AtomicUsize::new(UNBOUNDED), reset: AtomicBool::new(false) }))
    }

    /// The answer does not begin; the peer gets a reset.
    pub(crate) fn reset(&self) {
        self.0.reset.store(true, Ordering::Relaxed);
        self.0.left.store(0, Ordering::Relaxed);
    }

    /// The answer ends after so many bytes, its head included.
    pub(crate) fn end_after(&self, bytes: usize) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }
}

/// A connection of [`Loopback`].
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    cutter: Cutter,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.cutter.0.left.load(Ordering::Relaxed);
        if left == 0 {
            if self.cutter.0.reset.load(Ordering::Relaxed) {
                // Closing a socket that does not linger sends a reset.
                self.stream.set_zero_linger()?;
            }
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let bytes = &bytes[..bytes.len().min(left)];
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        if left != UNBOUNDED {
            self.cutter.0.left.store(left - written, Ordering::Relaxed);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Accepts connections that can be cut.
#[derive(Debug)]
pub(crate) struct Loopback(pub TcpListener);

impl Listener for Loopback {
    type Io = Wire;
    type Addr = Cutter;

    async fn accept(&mut self) -> (Wire, Cutter) {
        // The trait's implementation for TcpListener waits and goes on after an error such as too many
        // open files.
        let (stream, _) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for the peer's delayed acknowledgement. Without it they are only slow.
        let _ = stream.set_nodelay(true);
        let cutter = Cutter::new();
        (Wire { stream, cutter: cutter.clone() }, cutter)
    }

    fn local_addr(&self) -> io::Result<Cutter> {
        Ok(Cutter::new())
    }
}

impl Connected<IncomingStream<'_, Loopback>> for Cutter {
    fn connect_info(stream: IncomingStream<'_, Loopback>) -> Self {
        stream.remote_addr().clone()
    }
}
