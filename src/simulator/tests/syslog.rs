//! Receivers of syslog messages, over real connections.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::task::JoinSet;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

struct Served {
    simulator: Simulator,
    syslog: SocketAddr,
    relp: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<Result<(), SimulatorError>>,
}

impl Served {
    async fn start(faults: Value) -> Self {
        let simulator = Simulator::new(&quiet(0));
        simulator.patch_receiver_faults("siem", &faults).unwrap();
        let syslog = SyslogListener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let relp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let (syslog_at, relp_at) = (syslog.local_addr().unwrap(), relp.local_addr().unwrap());
        tasks.spawn(simulator.clone().serve_syslog(syslog, "siem".to_owned(), stop.clone()));
        tasks.spawn(simulator.clone().serve_relp(relp, "siem".to_owned(), stop.clone()));
        Self { simulator, syslog: syslog_at, relp: relp_at, stop, tasks }
    }

    /// Waits for counts like these.
    async fn wait(&self, is: impl Fn(&ReceiverStats) -> bool) -> ReceiverStats {
        let waiting = async {
            loop {
                let stats = self.simulator.receiver_stats("siem");
                if is(&stats) {
                    return stats;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("{:?}", self.simulator.receiver_stats("siem")))
    }

    /// Sends these frames and `close` over RELP: what the receiver says until the connection ends.
    async fn relp(&self, frames: &[String]) -> String {
        let mut connection = TcpStream::connect(self.relp).await.unwrap();
        let wire = format!("{}{} close 0\n", frames.concat(), frames.len() + 1);
        connection.write_all(wire.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let reading = connection.read_to_end(&mut answer);
        // The end may be a reset; what came before it counts.
        let _ = tokio::time::timeout(PATIENCE, reading).await.expect("an end in time");
        String::from_utf8(answer).unwrap()
    }

    async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = tokio::time::timeout(PATIENCE, self.tasks.join_next()).await.expect("an end")
        {
            ended.unwrap().unwrap();
        }
    }
}

fn message(id: u64) -> String {
    let event = serde_json::json!({
        "event": {"id": format!("{id:032x}"), "original": "{}", "dataset": "hubspot.login", "sequence": id},
        "auditferry": {"source": "hs", "stream": "login"},
    });
    format!("<109>1 - host auditferry 7 hubspot.login [x@32473 a=\"] {{\"] {event}")
}

fn open() -> String {
    let offer = "relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog";
    format!("1 open {} {offer}\n", offer.len())
}

fn frame(number: u32, message: &str) -> String {
    format!("{number} syslog {} {message}\n", message.len())
}

#[tokio::test]
async fn messages_arrive_over_tcp_in_both_framings_and_over_udp() {
    let served = Served::start(serde_json::json!({})).await;
    let mut stream = TcpStream::connect(served.syslog).await.unwrap();
    let counted = format!("{} {}", message(1).len(), message(1));
    let wire = format!("{counted}{}\n{counted}no message\n{} {}", message(2), message(3).len(), message(3));
    stream.write_all(wire.as_bytes()).await.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(message(4).as_bytes(), served.syslog).await.unwrap();
    let stats = served.wait(|stats| stats.requests == 6).await;
    assert_eq!((stats.unique, stats.repeated, stats.refused), (4, 1, 1), "{stats:?}");
    assert_eq!(stats.sequences["hs/login"], Sequence { first: 1, last: 4, holes: 0 });
    served.end().await;
}

#[tokio::test]
async fn a_reset_loses_what_is_not_read_yet() {
    let served = Served::start(serde_json::json!({"syslog": {"reset": {"every": 3}}})).await;
    let mut stream = TcpStream::connect(served.syslog).await.unwrap();
    let wire: String = (0..9).map(|id| format!("{}\n", message(id))).collect();
    stream.write_all(wire.as_bytes()).await.unwrap();
    let mut byte = [0];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut byte)).await.unwrap();
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(served.wait(|stats| stats.requests == 3).await.unique, 3);
    served.end().await;
}

#[tokio::test]
async fn a_blocked_receiver_reads_nothing_until_it_is_told_to() {
    let served = Served::start(serde_json::json!({"syslog": {"stop_reading": true}})).await;
    let mut stream = TcpStream::connect(served.syslog).await.unwrap();
    let wire = format!("{}\n", message(1)).repeat(1_000);
    // Until the buffers are full.
    while let Ok(written) =
        tokio::time::timeout(Duration::from_millis(300), stream.write_all(wire.as_bytes())).await
    {
        written.unwrap();
    }
    assert_eq!(served.simulator.receiver_stats("siem").requests, 0);
    let on = serde_json::json!({"syslog": {"stop_reading": false}});
    served.simulator.patch_receiver_faults("siem", &on).unwrap();
    served.wait(|stats| stats.requests > 0).await;
    served.end().await;
}

#[tokio::test]
async fn relp_answers_every_message_in_order() {
    let served = Served::start(serde_json::json!({})).await;
    let answers = served.relp(&[open(), frame(2, &message(1)), frame(3, "no message")]).await;
    assert!(answers.starts_with("1 rsp ") && answers.contains("\ncommands=syslog\n"), "{answers}");
    assert!(
        answers.ends_with("\n2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n"),
        "also a message that is none: {answers}"
    );
    let stats = served.simulator.receiver_stats("siem");
    assert_eq!((stats.unique, stats.refused), (1, 1));
    served.end().await;
}

#[tokio::test]
async fn relp_is_as_strict_as_rsyslog() {
    let served = Served::start(serde_json::json!({})).await;
    let early = served.relp(&[frame(1, &message(1))]).await;
    assert_eq!(early, "1 rsp 20 500 command disabled\n2 rsp 0\n0 serverclose 0\n");
    for wire in [
        vec![frame(2, &message(1))],
        vec![open(), frame(3, &message(1))],
        vec![open(), "nonsense\n\n\n".to_owned()],
    ] {
        let answers = served.relp(&wire).await;
        assert!(answers.ends_with("0 serverclose 0\n") && !answers.contains("2 rsp"), "{wire:?}: {answers}");
    }
    assert_eq!(served.simulator.receiver_stats("siem").requests, 0);
    served.end().await;
}

#[tokio::test]
async fn relp_fails_in_every_way_that_is_asked_for() {
    let served = Served::start(serde_json::json!({})).await;
    let ways = [
        ("refuse", "2 rsp 23 500 a simulated refusal\n3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n", 1),
        ("silent", "3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n", 2),
        ("reset", "", 1),
        ("half_answer", "2 rsp 6 ", 1),
        ("serverclose", "0 serverclose 0\n", 0),
    ];
    for (way, expected, taken) in ways {
        served.simulator.forget_receiver("siem");
        let faults = serde_json::json!({"syslog": {way: {"next": 1}}});
        served.simulator.patch_receiver_faults("siem", &faults).unwrap();
        let answers = served.relp(&[open(), frame(2, &message(1)), frame(3, &message(2))]).await;
        let behind = answers.split_once("commands=syslog\n").map_or("", |(_, behind)| behind);
        assert_eq!(behind, expected, "{way}");
        assert_eq!(served.simulator.receiver_stats("siem").unique, taken, "{way}");
    }
    for (way, expected) in [("without_syslog", "200 OK\nrelp_version"), ("refuse_open", "500 ")] {
        served.simulator.forget_receiver("siem");
        served.simulator.patch_receiver_faults("siem", &serde_json::json!({"syslog": {way: true}})).unwrap();
        let answers = served.relp(&[open()]).await;
        assert!(answers.contains(expected) && !answers.contains("commands=syslog"), "{way}: {answers}");
    }
    served.end().await;
}

#[tokio::test]
async fn relp_cuts_what_is_too_long_and_says_nothing_and_refuses_poison() {
    let cut = serde_json::json!({"syslog": {"cut_at": message(1).len() - 1}, "poison": "0ff"});
    let served = Served::start(cut).await;
    let answers = served.relp(&[open(), frame(2, &message(1))]).await;
    assert!(answers.contains("\n2 rsp 6 200 OK\n"), "{answers}");
    assert_eq!(served.simulator.receiver_stats("siem").refused, 1);
    let whole = serde_json::json!({"syslog": {"cut_at": 0}});
    served.simulator.patch_receiver_faults("siem", &whole).unwrap();
    let answers = served.relp(&[open(), frame(2, &message(0xff))]).await;
    assert!(answers.contains("2 rsp ") && answers.contains(" 500 "), "{answers}");
    assert_eq!(served.simulator.receiver_stats("siem").unique, 0);
    served.end().await;
}

#[tokio::test]
async fn no_syslog_receiver_listens_to_the_world() {
    let simulator = Simulator::new(&quiet(0));
    let stop = CancellationToken::new();
    let syslog = SyslogListener::bind("0.0.0.0:0".parse().unwrap()).await.unwrap();
    let refused = simulator.clone().serve_syslog(syslog, "siem".to_owned(), stop.clone()).await;
    assert!(matches!(refused, Err(SimulatorError::NotLoopback(_))));
    let relp = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = simulator.serve_relp(relp, "siem".to_owned(), stop).await;
    assert!(matches!(refused, Err(SimulatorError::NotLoopback(_))));
}
