//! What no log pipeline likes arrives whole, each event once, over every transport without TLS.

use crate::nasty::Nasty;
use crate::rig::Simulator;
use crate::rsyslog::{self, Input};
use crate::sending::{arrive_whole_and_once, finish, place, plant};
use crate::syslog_ng::{self, Driver};
use crate::tally::Truth;

/// Enough to meet every pair of oddities.
const MANY: Nasty = Nasty { count: 10_000, long: true };
const FEW: Nasty = Nasty { count: 1_000, long: true };

#[test]
fn rsyslog_gets_ten_thousand_nasty_events_over_octet_counted_tcp() {
    let Some(receiver) = rsyslog::start(Input::Tcp) else { return };
    arrive_whole_and_once(receiver, "tcp", "framing = \"octet_counting\"", MANY);
}

#[test]
fn rsyslog_gets_ten_thousand_nasty_events_over_relp() {
    let Some(receiver) = rsyslog::start(Input::Relp) else { return };
    arrive_whole_and_once(receiver, "relp", "", MANY);
}

#[test]
fn rsyslog_gets_nasty_events_in_lines_over_tcp() {
    let Some(receiver) = rsyslog::start(Input::Tcp) else { return };
    arrive_whole_and_once(receiver, "tcp", "framing = \"newline\"", FEW);
}

#[test]
fn rsyslog_gets_nasty_events_with_the_old_header() {
    let Some(receiver) = rsyslog::start(Input::Tcp) else { return };
    arrive_whole_and_once(receiver, "tcp", "protocol = \"rfc3164\"", FEW);
}

#[test]
fn syslog_ng_gets_nasty_events_over_octet_counted_tcp() {
    let Some(receiver) = syslog_ng::start(Driver::Syslog, None) else { return };
    arrive_whole_and_once(receiver, "tcp", "framing = \"octet_counting\"", FEW);
}

#[test]
fn syslog_ng_gets_nasty_events_in_lines_over_tcp() {
    let Some(receiver) = syslog_ng::start(Driver::Network, None) else { return };
    arrive_whole_and_once(receiver, "tcp", "framing = \"newline\"", FEW);
}

#[test]
fn lines_are_not_delivered_to_a_receiver_that_counts_octets() {
    let Some(mut receiver) = syslog_ng::start(Driver::Syslog, None) else { return };
    let simulator = Simulator::start(&["--events", "20", "--rate", "0"]);
    let place = place(&simulator, "tcp", &receiver, "framing = \"newline\"");
    // It reads them, finds no length, and closes the connection: nothing but that tells.
    let ended = place.run(&["run", "--once", "--timeout", "5s"]);
    assert_ne!(ended.code, Some(0), "{}", ended.stderr);
    receiver.stop();
    assert_eq!(Truth::of(&simulator).compare(&receiver.file()).arrived, 0);
}

#[test]
fn rsyslog_gets_nasty_events_over_udp() {
    /// They fit into the smallest receive buffer that Linux gives, should rsyslog not read at all for a while:
    /// so that none can be lost on loopback, however slow this machine is.
    const AT_ONCE: Nasty = Nasty { count: 30, long: false };
    let Some(mut receiver) = rsyslog::start(Input::Udp) else { return };
    let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
    let place = place(&simulator, "udp", &receiver, "");
    for _ in 0..10 {
        plant(&simulator, AT_ONCE);
        place.run_once();
        Truth::of(&simulator).wait_in(&receiver);
    }
    receiver.stop();
    finish(&Truth::of(&simulator), &receiver).assert_whole_and_once();
}
