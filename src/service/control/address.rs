//! Where the control socket is.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The socket's name in the state directory.
const NAME: &str = "control.sock";

/// The socket's file.
pub(super) fn path(state_dir: &Path) -> PathBuf {
    state_dir.join(NAME)
}

/// The socket's path in a form that a socket's address can hold: 107 bytes on Linux (unix(7)).
#[derive(Debug)]
pub(super) struct Address {
    path: PathBuf,
    /// Open while the path leads through it.
    _directory: Option<File>,
}

impl Address {
    /// The address of the socket in this directory. A long one leads through an open directory.
    pub(super) fn of(state_dir: &Path) -> io::Result<Self> {
        let path = path(state_dir);
        if SocketAddr::from_pathname(&path).is_ok() {
            return Ok(Self { path, _directory: None });
        }
        let directory = File::open(state_dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(NAME);
        Ok(Self { path, _directory: Some(directory) })
    }

    /// What to bind or connect to, as long as this value lives.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}
