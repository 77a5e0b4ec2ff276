use std::net::UdpSocket as StdSocket;

use super::*;
use crate::config::SyslogTransport;
use crate::sink::syslog::testing::{LONG, batch, config};

fn receiver(address: &str) -> StdSocket {
    let socket = StdSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket
}

fn next(socket: &StdSocket) -> String {
    let mut datagram = vec![0; 70_000];
    let (length, _) = socket.recv_from(&mut datagram).unwrap();
    String::from_utf8(datagram[..length].to_vec()).unwrap()
}

fn udp(receiver: &StdSocket, max_message_size: usize) -> Udp {
    let config = config(SyslogTransport::Udp, receiver.local_addr().unwrap());
    Udp::new(&SyslogConfig { max_message_size, ..config })
}

#[tokio::test]
async fn a_message_is_a_datagram_over_either_protocol() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let receiver = receiver(address);
        let udp = udp(&receiver, 100);
        for messages in [&["one", "two"][..], &["three"]] {
            assert_eq!(udp.deliver(&batch(messages)).await, Outcome::Accepted);
            for message in messages {
                assert_eq!(next(&receiver), *message);
            }
        }
    }
}

#[tokio::test]
async fn what_no_datagram_takes_is_refused_and_the_others_go() {
    let receiver = receiver("127.0.0.1:0");
    let udp = udp(&receiver, 69_000);
    let (too_large, too_long) = ("x".repeat(66_000), "x".repeat(69_001));
    let outcome = udp.deliver(&batch(&["one", &too_large, "two", &too_long, "three"])).await;
    let Outcome::Each(verdicts) = outcome else { panic!("a verdict for each: {outcome:?}") };
    for (index, verdict) in verdicts.iter().enumerate() {
        match (index, verdict) {
            (1 | 3, Verdict::Refused(reason)) => assert!(reason.contains("max_message_size"), "{reason}"),
            (1 | 3, _) | (_, Verdict::Refused(_) | Verdict::Retry(_) | Verdict::Held(_)) => {
                panic!("{index}: {verdict:?}")
            }
            (_, Verdict::Accepted) => {}
        }
    }
    for message in ["one", "two", "three"] {
        assert_eq!(next(&receiver), message);
    }
}

#[tokio::test]
async fn a_machine_where_nobody_listens_gets_the_messages_again() {
    let gone = receiver("127.0.0.1:0");
    let udp = udp(&gone, 100);
    let address = gone.local_addr().unwrap();
    drop(gone);
    for messages in [&["only"][..], &["first", "second", "third"]] {
        let outcome = udp.deliver(&batch(messages)).await;
        assert!(
            matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains(&address.to_string())),
            "{outcome:?}"
        );
    }
    let back = receiver(&address.to_string());
    assert_eq!(udp.deliver(&batch(&["again"])).await, Outcome::Accepted);
    assert_eq!(next(&back), "again");
}

#[tokio::test]
async fn a_name_that_is_not_known_is_tried_again_and_a_probe_says_so() {
    let mut config = config(SyslogTransport::Udp, "127.0.0.1:514".parse().unwrap());
    assert!(matches!(Udp::new(&config).probe().await, Probe::OnlyByEvent(_)));
    config.address.host = "receiver.invalid".to_owned();
    let udp = Udp::new(&config);
    assert!(matches!(udp.deliver(&batch(&["one"])).await, Outcome::Retry { .. }));
    let Probe::Failed(reason) = udp.probe().await else { panic!("the probe passed") };
    assert!(reason.contains("receiver.invalid:514"), "{reason}");
}
