//! The daemon between the simulator and a receiver.

use serde_json::Value;

use crate::nasty::Nasty;
use crate::receiver::Receiver;
use crate::rig::{HUBSPOT_TOKEN, Place, Simulator, exchange};
use crate::tally::{Tally, Truth};

/// The largest message that the receivers of these tests take.
const LONGEST: &str = "1MiB";
/// What fits into a datagram.
const LONGEST_DATAGRAM: &str = "65507";

/// The daemon with a `syslog` sink. `sink` are more lines of it. Each poll finds what was planted meanwhile.
pub(crate) fn place(simulator: &Simulator, scheme: &str, receiver: &Receiver, sink: &str) -> Place {
    let (api, receiver) = (&simulator.address, receiver.address());
    let longest = if scheme == "udp" { LONGEST_DATAGRAM } else { LONGEST };
    Place::with_text(&format!(
        "state_dir = \"state\"\nserver.listen = \"\"\n\
         [sources.hubspot]\ntype = \"hubspot\"\ntoken = \"{HUBSPOT_TOKEN}\"\nbase_url = \"http://{api}\"\n\
         requests_per_10s = 1000000\npoll_interval = \"1s\"\n\
         [sources.brevo]\ntype = \"brevo\"\napi_key = \"xkeysib-simulated\"\nbase_url = \"http://{api}\"\n\
         requests_per_hour = 100000000\npoll_interval = \"1s\"\nlookback = \"30d\"\n\
         [sinks.receiver]\ntype = \"syslog\"\naddress = \"{scheme}://{receiver}\"\n\
         max_message_size = \"{longest}\"\nbatch.max_wait = \"50ms\"\n{sink}\n"
    ))
}

/// Makes the simulator serve these.
#[track_caller]
pub(crate) fn plant(simulator: &Simulator, nasty: Nasty) {
    let (status, answer) =
        exchange(&simulator.address, "POST", "/simulator/events", &nasty.planted()).unwrap();
    assert_eq!(status, 200, "{answer}");
}

/// Sends nasty events through the daemon: each arrives whole and once.
#[track_caller]
pub(crate) fn arrive_whole_and_once(mut receiver: Receiver, scheme: &str, sink: &str, nasty: Nasty) {
    let simulator = Simulator::start(&["--events", "0", "--rate", "0"]);
    plant(&simulator, nasty);
    place(&simulator, scheme, &receiver, sink).run_once();
    let truth = Truth::of(&simulator);
    assert_eq!(truth.len(), nasty.count);
    truth.wait_in(&receiver);
    // What it would still write twice is there when it has ended.
    receiver.stop();
    finish(&truth, &receiver).assert_whole_and_once();
}

/// The tally of a receiver that has stopped, printed.
#[track_caller]
pub(crate) fn finish(truth: &Truth, receiver: &Receiver) -> Tally {
    let tally = truth.compare(&receiver.file());
    println!("{tally}");
    tally
}

/// A configuration's text for a path or another value.
pub(crate) fn quoted(value: impl std::fmt::Display) -> String {
    Value::String(value.to_string()).to_string()
}
