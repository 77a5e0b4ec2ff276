//! A receiver that is stopped and started again under load, as an upgrade does it.

use std::io::{Read, Seek};
use std::time::Duration;

use crate::receiver::Receiver;
use crate::rig::{Simulator, wait_for};
use crate::rsyslog::{self, Input};
use crate::sending::{finish, place};
use crate::tally::{Tally, Truth};

const RESTARTS: usize = 10;

#[test]
fn ten_restarts_of_rsyslog_lose_nothing_over_relp() {
    let Some(receiver) = rsyslog::start(Input::Relp) else { return };
    restarted(receiver, "relp", "").assert_whole();
}

#[test]
fn ten_restarts_of_rsyslog_lose_nothing_over_tcp() {
    let Some(receiver) = rsyslog::start(Input::Tcp) else { return };
    restarted(receiver, "tcp", "framing = \"octet_counting\"").assert_whole();
}

/// Delivers while the receiver is stopped and started again, ten times.
fn restarted(mut receiver: Receiver, scheme: &str, sink: &str) -> Tally {
    let simulator = Simulator::start(&["--events", "12000", "--rate", "50"]);
    let place = place(&simulator, scheme, &receiver, sink);
    let daemon = place.daemon();
    let mut lines = Lines::default();
    for _ in 0..RESTARTS {
        // It is at work, and is stopped at any point of it.
        let before = lines.count(&receiver);
        wait_for("messages", || (lines.count(&receiver) > before).then_some(()));
        std::thread::sleep(Duration::from_millis(fastrand::u64(..200)));
        receiver.stop();
        std::thread::sleep(Duration::from_millis(fastrand::u64(..300)));
        receiver.start_again();
    }
    let under_load = lines.count(&receiver);
    simulator.rate(0.0);
    let truth = Truth::of(&simulator);
    assert!(under_load < truth.len(), "there was something left to send at each stop");
    truth.wait_in(&receiver);
    daemon.stop();
    receiver.stop();
    println!("{RESTARTS} restarts over {scheme}:");
    finish(&truth, &receiver)
}

/// Counts a growing file's lines.
#[derive(Default)]
struct Lines {
    read: u64,
    count: usize,
}

impl Lines {
    fn count(&mut self, receiver: &Receiver) -> usize {
        let Ok(mut file) = std::fs::File::open(receiver.file()) else { return 0 };
        file.seek(std::io::SeekFrom::Start(self.read)).unwrap();
        let mut more = Vec::new();
        self.read += file.read_to_end(&mut more).unwrap() as u64;
        self.count += memchr::memchr_iter(b'\n', &more).count();
        self.count
    }
}
