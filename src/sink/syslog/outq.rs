//! What the peer's kernel has not acknowledged yet.
#![expect(unsafe_code, reason = "no safe wrapper exists for SIOCOUTQ")]

use std::io;
use std::os::fd::AsRawFd;

use tokio::net::TcpStream;

/// Bytes that were written to the socket and that the peer's kernel has not acknowledged: `SIOCOUTQ`, see
/// tcp(7). It is the same number as `TIOCOUTQ`.
///
/// # Errors
/// The system's, when it is no connected socket.
pub(super) fn unacknowledged(socket: &TcpStream) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open as long as `socket` is borrowed, and this request writes one `int` to the
    // address it is given, which lives until the call is over.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(bytes).unwrap_or(0))
}
