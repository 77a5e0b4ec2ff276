use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;
use crate::config::SyslogTransport;
use crate::sink::Verdict;
use crate::sink::syslog::testing::{LONG, batch, config};

mod secured;

/// More than the buffers of two kernels hold.
const MUCH: usize = 24 * 1024 * 1024;

fn listener() -> (TcpListener, SyslogConfig) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let config = config(SyslogTransport::Tcp, listener.local_addr().unwrap());
    (listener, config)
}

/// Plays the receiver on a thread of its own.
fn played<T: Send + 'static>(by: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    std::thread::spawn(by)
}

fn accepted(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

fn read(mut stream: impl Read, length: usize) -> String {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Waits until the kernel holds something for the program, which does not read it.
fn await_bytes(stream: &TcpStream) {
    assert!(stream.peek(&mut [0]).unwrap() > 0);
}

#[tokio::test]
async fn batches_go_over_one_connection_in_either_framing() {
    for (framing, all) in
        [(Framing::OctetCounting, "3 one3 two5 three"), (Framing::Newline, "one\ntwo\nthree\n")]
    {
        let (listener, config) = listener();
        let receiver = played(move || read(accepted(&listener), all.len()));
        let stream = Stream::new(&SyslogConfig { framing, ..config }).unwrap();
        assert_eq!(stream.deliver(&batch(&["one", "two"])).await, Outcome::Accepted);
        assert_eq!(stream.deliver(&batch(&["three"])).await, Outcome::Accepted);
        assert_eq!(receiver.join().unwrap(), all);
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_and_the_others_go() {
    let (listener, config) = listener();
    let receiver = played(move || read(accepted(&listener), 10));
    let stream = Stream::new(&SyslogConfig { max_message_size: 4, ..config }).unwrap();
    let outcome = stream.deliver(&batch(&["one", "three", "two"])).await;
    let Outcome::Each(verdicts) = outcome else { panic!("a verdict for each: {outcome:?}") };
    assert!(matches!(&verdicts[..], [Verdict::Accepted, Verdict::Refused(_), Verdict::Accepted]));
    assert_eq!(receiver.join().unwrap(), "3 one3 two");
    let alone = stream.deliver(&batch(&["three"])).await;
    assert!(matches!(alone, Outcome::Each(_)), "nothing is written for it: {alone:?}");
}

#[tokio::test]
async fn a_receiver_that_ends_when_it_has_read_everything_has_everything() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let first = read(accepted(&listener), 5);
        first + &read(accepted(&listener), 5)
    });
    let stream = Stream::new(&config).unwrap();
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    assert_eq!(stream.deliver(&batch(&["two"])).await, Outcome::Accepted, "on a new connection");
    assert_eq!(receiver.join().unwrap(), "3 one3 two");
}

#[tokio::test]
async fn what_a_receiver_has_not_read_when_it_ends_is_sent_again() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let unread = accepted(&listener);
        await_bytes(&unread);
        drop(unread);
        read(accepted(&listener), 10)
    });
    let mut stream = Stream::new(&config).unwrap();
    // The break comes when the receiver's thread gets its turn: the test must not race with it.
    stream.settling = LONG;
    let batch = batch(&["one", "two"]);
    let outcome = stream.deliver(&batch).await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("broke")),
        "acknowledged by the kernel, never read: {outcome:?}"
    );
    stream.settling = SETTLING;
    assert_eq!(stream.deliver(&batch).await, Outcome::Accepted);
    assert_eq!(receiver.join().unwrap(), "3 one3 two");
}

#[tokio::test]
async fn a_half_written_frame_is_never_continued_on_a_new_connection() {
    let (listener, config) = listener();
    let message = "x".repeat(MUCH);
    let frame = format!("{MUCH} {message}");
    let length = frame.len();
    let receiver = played(move || {
        read(&accepted(&listener), MUCH / 8);
        read(accepted(&listener), length)
    });
    let stream = Stream::new(&SyslogConfig { max_message_size: MUCH, ..config }).unwrap();
    let batch = batch(&[&message]);
    assert!(matches!(stream.deliver(&batch).await, Outcome::Retry { .. }));
    assert_eq!(stream.deliver(&batch).await, Outcome::Accepted);
    assert!(receiver.join().unwrap() == frame);
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_any_more_is_left() {
    let (listener, config) = listener();
    let timeout = Duration::from_millis(300);
    let stream = Stream::new(&SyslogConfig { max_message_size: MUCH, timeout, ..config }).unwrap();
    let message = "x".repeat(MUCH);
    let outcome = stream.deliver(&batch(&[&message])).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert!(stream.line.lock().await.connection.is_none());
    drop(listener);
}

/// Ends a connection as a kernel does whose program has left bytes unread.
fn break_off(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[tokio::test]
async fn what_was_accepted_last_is_sent_again_when_the_connection_breaks_later() {
    let (listener, config) = listener();
    let (go, told) = std::sync::mpsc::channel();
    let (broken, mut is_broken) = tokio::sync::mpsc::channel(1);
    let receiver = played(move || {
        let hung = accepted(&listener);
        told.recv_timeout(LONG).unwrap();
        break_off(hung);
        broken.blocking_send(()).unwrap();
        let mut all = String::new();
        accepted(&listener).read_to_string(&mut all).unwrap();
        all
    });
    let stream = Stream::new(&config).unwrap();
    for message in ["one", "two"] {
        assert_eq!(stream.deliver(&batch(&[message])).await, Outcome::Accepted, "it hangs, and nobody sees");
    }
    go.send(()).unwrap();
    is_broken.recv().await.unwrap();
    assert_eq!(stream.deliver(&batch(&["three"])).await, Outcome::Accepted);
    assert_eq!(stream.deliver(&batch(&["four"])).await, Outcome::Accepted);
    drop(stream);
    assert_eq!(receiver.join().unwrap(), "3 one3 two5 three4 four");
}

#[tokio::test]
async fn a_break_while_a_batch_is_on_its_way_brings_back_the_one_before_too() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let hung = accepted(&listener);
        hung.peek(&mut [0; 5]).unwrap();
        // The second batch follows the first one, unread both.
        while hung.peek(&mut [0; 10]).unwrap() < 10 {
            std::thread::yield_now();
        }
        break_off(hung);
        let mut all = String::new();
        accepted(&listener).read_to_string(&mut all).unwrap();
        all
    });
    let mut stream = Stream::new(&config).unwrap();
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    stream.settling = LONG;
    let second = batch(&["two"]);
    assert!(matches!(stream.deliver(&second).await, Outcome::Retry { .. }));
    stream.settling = SETTLING;
    assert_eq!(stream.deliver(&second).await, Outcome::Accepted);
    drop(stream);
    assert_eq!(receiver.join().unwrap(), "3 one3 two");
}

#[tokio::test]
async fn what_a_receiver_says_is_ignored_unless_it_never_ends() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let mut polite = accepted(&listener);
        polite.write_all(b"220 welcome\r\n").unwrap();
        assert_eq!(read(&polite, 10), "3 one3 two");
        let mut talkative = accepted(&listener);
        // Until the other side has had enough.
        while talkative.write_all(&[b'x'; 4096]).is_ok() {}
        drop(polite);
    });
    let stream = Stream::new(&config).unwrap();
    for message in ["one", "two"] {
        assert_eq!(stream.deliver(&batch(&[message])).await, Outcome::Accepted);
    }
    let mut stream = Stream::new(&config).unwrap();
    stream.settling = LONG;
    let outcome = stream.deliver(&batch(&["three"])).await;
    assert!(
        matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("no syslog receiver")),
        "{outcome:?}"
    );
    receiver.join().unwrap();
}

#[tokio::test]
async fn an_end_while_bytes_are_on_their_way_is_no_acceptance() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let ending = accepted(&listener);
        ending.shutdown(Shutdown::Write).unwrap();
        read(&ending, 1);
        await_bytes(&ending);
        drop(ending);
    });
    let mut stream = Stream::new(&config).unwrap();
    stream.settling = LONG;
    let outcome = stream.deliver(&batch(&["one"])).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    receiver.join().unwrap();
}

#[tokio::test]
async fn a_probe_connects_and_leaves_nothing_behind() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let mut bytes = Vec::new();
        accepted(&listener).read_to_end(&mut bytes).unwrap();
        bytes
    });
    let stream = Stream::new(&config).unwrap();
    assert!(matches!(stream.probe().await, Probe::Passed(found) if found.contains("no answer to ask for")));
    assert_eq!(receiver.join().unwrap(), b"");
    let Probe::Failed(reason) = stream.probe().await else { panic!("nobody listens") };
    assert!(reason.contains(&config.address.port.to_string()), "{reason}");
    assert!(matches!(stream.deliver(&batch(&["one"])).await, Outcome::Retry { .. }));
}
