//! A syslog receiver in a process of its own. It writes the MSG of every message to a file, a line each.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::rig::wait_for;

/// Where the next free port is looked for. Below the ports that Linux gives to outgoing connections, which
/// could take the port of a receiver while it is down.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// Whether a receiver is installed. Its absence is a failure where receivers are required.
#[track_caller]
pub(crate) fn is_installed(what: &str, missing: Option<&str>) -> bool {
    let Some(missing) = missing else { return true };
    let required = std::env::var("AUDITFERRY_RECEIVERS").is_ok_and(|value| value == "required");
    assert!(!required, "{what} is required here, and {missing} is missing");
    println!("skipped: no {what} on this machine ({missing} is missing)");
    false
}

/// The transport that a receiver listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Socket {
    Tcp,
    Udp,
}

/// A receiver; killed when it is dropped.
pub(crate) struct Receiver {
    directory: tempfile::TempDir,
    program: PathBuf,
    arguments: Vec<String>,
    library_path: Option<PathBuf>,
    socket: Socket,
    port: u16,
    child: Option<Child>,
}

/// What a receiver is started with: everything happens in `directory`.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a Path,
    pub(crate) arguments: Vec<String>,
    /// Where its shared libraries are, if not where the system looks.
    pub(crate) library_path: Option<PathBuf>,
    pub(crate) socket: Socket,
    pub(crate) port: u16,
    pub(crate) directory: tempfile::TempDir,
}

impl Receiver {
    /// The file that the configuration has to write messages to.
    pub(crate) const FILE: &str = "messages";

    /// Starts one and waits until it listens.
    #[track_caller]
    pub(crate) fn start(launch: Launch<'_>) -> Self {
        let Launch { program, arguments, library_path, socket, port, directory } = launch;
        let program = program.to_owned();
        let mut receiver = Self { directory, program, arguments, library_path, socket, port, child: None };
        receiver.start_again();
        receiver
    }

    /// Starts it again, with the same configuration and queue.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(self.directory.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        if let Some(path) = &self.library_path {
            command.env("LD_LIBRARY_PATH", path);
        }
        let mut child = command.spawn().unwrap();
        wait_for("the receiver to listen", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the receiver ended: {ended:?}: {}", self.log());
            is_bound(self.socket, self.port).then_some(())
        });
        self.child = Some(child);
    }

    /// Stops it as systemd does.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let command = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
        wait_for("the receiver's end", || child.try_wait().unwrap());
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The file that it writes messages to; it may not be there yet.
    pub(crate) fn file(&self) -> PathBuf {
        self.path(Self::FILE)
    }

    /// What it says about itself.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the receiver says:\n{}", self.log());
        }
        if let Some(child) = &mut self.child {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port of loopback that nobody uses, for TCP and UDP.
pub(crate) fn free_port() -> u16 {
    let start = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
    loop {
        let next = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST_PORT + (start + next) % PORTS;
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}

/// Whether somebody listens on this port of loopback, by the kernel's own tables (proc_net_tcp(5)): a
/// connection to find out would be one more for the receiver to handle.
fn is_bound(socket: Socket, port: u16) -> bool {
    let (table, state) = match socket {
        Socket::Tcp => ("/proc/net/tcp", "0A"),
        Socket::Udp => ("/proc/net/udp", "07"),
    };
    let local = format!("0100007F:{port:04X}");
    fs::read_to_string(table).unwrap().lines().any(|line| {
        let mut columns = line.split_ascii_whitespace().skip(1);
        columns.next() == Some(local.as_str()) && columns.nth(1) == Some(state)
    })
}
