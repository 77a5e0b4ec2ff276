//! CEF and LEEF arrive at rsyslog byte for byte: what it writes against what a socket was sent meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::nasty::Nasty;
use crate::rig::{Simulator, wait_for};
use crate::rsyslog::{self, Input};
use crate::sending::{place, plant};

const EVENTS: Nasty = Nasty { count: 600, long: true };

#[test]
fn rsyslog_gets_cef_byte_for_byte_over_octet_counted_tcp() {
    arrives_byte_for_byte("cef", "CEF:0|", "octet_counting");
}

#[test]
fn rsyslog_gets_cef_byte_for_byte_in_lines() {
    arrives_byte_for_byte("cef", "CEF:0|", "newline");
}

#[test]
fn rsyslog_gets_leef_byte_for_byte_over_octet_counted_tcp() {
    arrives_byte_for_byte("leef", "LEEF:2.0|", "octet_counting");
}

#[test]
fn rsyslog_gets_leef_byte_for_byte_in_lines() {
    arrives_byte_for_byte("leef", "LEEF:2.0|", "newline");
}

/// `start` is what every line of the format starts with.
#[track_caller]
fn arrives_byte_for_byte(format: &str, start: &str, framing: &str) {
    let Some(mut receiver) = rsyslog::start(Input::Tcp) else { return };
    let recorder = Recorder::start();
    let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
    plant(&simulator, EVENTS);
    let sinks = format!(
        "framing = \"{framing}\"\nformat = \"{format}\"\n\
         [sinks.recorder]\ntype = \"syslog\"\naddress = \"tcp://{}\"\nmax_message_size = \"1MiB\"\n\
         framing = \"octet_counting\"\nformat = \"{format}\"\n",
        recorder.address
    );
    place(&simulator, "tcp", &receiver, &sinks).run_once();

    let sent: BTreeSet<String> = recorder
        .finish()
        .iter()
        .map(|message| message[message.find(start).expect("a line of the format")..].to_owned())
        .collect();
    assert!(sent.len() >= EVENTS.count, "{} of {}", sent.len(), EVENTS.count);
    let written = || -> BTreeSet<String> {
        let text = String::from_utf8(fs::read(receiver.file()).unwrap_or_default()).unwrap_or_default();
        text.split_terminator('\n').map(str::to_owned).collect()
    };
    wait_for("rsyslog to write everything", || (written().len() >= sent.len()).then_some(()));
    for (written, sent) in written().iter().zip(&sent) {
        assert_eq!(written, sent);
    }
    assert_eq!(written().len(), sent.len());
    receiver.stop();
}

/// A receiver that keeps the bytes of every connection.
struct Recorder {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Recorder {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        let is_told = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut messages = Vec::new();
            for connection in listener.incoming() {
                if is_told.load(Ordering::SeqCst) {
                    break;
                }
                let mut bytes = Vec::new();
                connection.unwrap().read_to_end(&mut bytes).unwrap();
                messages.extend(frames(&bytes));
            }
            messages
        });
        Self { address, is_over, thread }
    }

    /// The messages so far, when nobody sends any more.
    fn finish(self) -> Vec<String> {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes it up.
        TcpStream::connect(self.address).unwrap();
        self.thread.join().unwrap()
    }
}

/// `LENGTH SP MESSAGE`, again and again.
fn frames(mut bytes: &[u8]) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let (message, rest) = bytes[space + 1..].split_at(length);
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = rest;
    }
    messages
}
