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

/// The same, and the connection, which stays open: a receiver goes on reading.
fn read_on(stream: TcpStream, length: usize) -> (String, TcpStream) {
    (read(&stream, length), stream)
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
        let receiver = played(move || read_on(accepted(&listener), all.len()));
        let stream = Stream::new(&SyslogConfig { framing, ..config }).unwrap();
        assert_eq!(stream.deliver(&batch(&["one", "two"])).await, Outcome::Accepted);
        assert_eq!(stream.deliver(&batch(&["three"])).await, Outcome::Accepted);
        assert_eq!(receiver.join().unwrap().0, all);
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_is_refused_and_the_others_go() {
    let (listener, config) = listener();
    let receiver = played(move || read_on(accepted(&listener), 10));
    let stream = Stream::new(&SyslogConfig { max_message_size: 4, ..config }).unwrap();
    let outcome = stream.deliver(&batch(&["one", "three", "two"])).await;
    let Outcome::Each(verdicts) = outcome else { panic!("a verdict for each: {outcome:?}") };
    assert!(matches!(&verdicts[..], [Verdict::Accepted, Verdict::Refused(_), Verdict::Accepted]));
    assert_eq!(receiver.join().unwrap().0, "3 one3 two");
    let alone = stream.deliver(&batch(&["three"])).await;
    assert!(matches!(alone, Outcome::Each(_)), "nothing is written for it: {alone:?}");
}

#[tokio::test]
async fn a_receiver_that_closes_upon_a_batch_may_not_have_taken_it() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let first = read(&accepted(&listener), 5);
        let (second, open) = read_on(accepted(&listener), 5);
        (first + &second, open)
    });
    let mut stream = Stream::new(&config).unwrap();
    stream.settling = Duration::from_secs(3);
    let outcome = stream.deliver(&batch(&["one"])).await;
    assert!(matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("framing")), "{outcome:?}");
    stream.settling = SETTLING;
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted, "on a new connection");
    assert_eq!(receiver.join().unwrap().0, "3 one3 one");
}

#[tokio::test]
async fn a_receiver_that_closes_later_has_everything() {
    let (listener, config) = listener();
    let again = listener.try_clone().unwrap();
    let receiver = played(move || read_on(accepted(&listener), 5));
    let stream = Stream::new(&config).unwrap();
    assert_eq!(stream.deliver(&batch(&["one"])).await, Outcome::Accepted);
    let (first, open) = receiver.join().unwrap();
    drop(open);
    let receiver = played(move || read_on(accepted(&again), 5));
    assert_eq!(stream.deliver(&batch(&["two"])).await, Outcome::Accepted, "on a new connection");
    assert_eq!(first + &receiver.join().unwrap().0, "3 one3 two");
}

/// A receiver of so many connections that reads each to its end, and then ends it too.
fn reading_to_the_end(listener: TcpListener, connections: usize) -> JoinHandle<Vec<usize>> {
    played(move || {
        let read = |_| accepted(&listener).read_to_end(&mut Vec::new()).unwrap();
        (0..connections).map(read).collect()
    })
}

#[tokio::test]
async fn after_a_megabyte_a_connection_is_ended_to_see_that_it_was_read() {
    let (listener, config) = listener();
    let receiver = reading_to_the_end(listener, 2);
    let stream = Stream::new(&SyslogConfig { max_message_size: MUCH, ..config }).unwrap();
    let long = "x".repeat(600_000);
    for _ in 0..3 {
        assert_eq!(stream.deliver(&batch(&[&long])).await, Outcome::Accepted);
    }
    drop(stream);
    assert_eq!(receiver.join().unwrap(), [2 * 600_007, 600_007]);
}

#[tokio::test]
async fn a_receiver_that_dies_before_it_has_read_to_the_end_gets_it_again() {
    let (listener, config) = listener();
    let (go, told) = std::sync::mpsc::channel();
    let receiver = played(move || {
        let hung = accepted(&listener);
        // The bytes are in its kernel, which takes them without the program.
        told.recv_timeout(LONG).unwrap();
        break_off(hung);
        let mut all = Vec::new();
        accepted(&listener).read_to_end(&mut all).unwrap();
        all.len()
    });
    let stream = Stream::new(&SyslogConfig { max_message_size: MUCH, ..config }).unwrap();
    let long = "x".repeat(30_000);
    assert_eq!(stream.deliver(&batch(&[&long])).await, Outcome::Accepted);
    // As if it were a megabyte, which some kernels would not take.
    stream.line.lock().await.tail.push(vec![b'y'; 1024 * 1024]);
    let next = batch(&["three"]);
    let (outcome, ()) = tokio::join!(stream.deliver(&next), async {
        while stream.line.try_lock().is_ok() {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
    });
    assert_eq!(outcome, Outcome::Accepted);
    drop(stream);
    assert_eq!(receiver.join().unwrap(), 30_006 + 1024 * 1024 + 7);
}

#[tokio::test]
async fn a_receiver_that_never_ends_a_connection_is_waited_for_once() {
    let (listener, config) = listener();
    let receiver =
        played(move || (0..2).map(|_| read_on(accepted(&listener), 1_200_008)).collect::<Vec<_>>());
    let wait = Duration::from_secs(1);
    let mut stream = Stream::new(&SyslogConfig { max_message_size: MUCH, ..config }).unwrap();
    let long = "x".repeat(1_200_000);
    assert_eq!(stream.deliver(&batch(&[&long])).await, Outcome::Accepted);
    stream.timeout = wait;
    stream.settling = Duration::ZERO;
    let outcome = stream.deliver(&batch(&[&long])).await;
    assert!(matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("not read")), "{outcome:?}");
    sleep(wait).await;
    // The wait that is over in the test's eyes may not be over in the sink's.
    let mut outcome = stream.deliver(&batch(&[&long])).await;
    while matches!(&outcome, Outcome::Retry { reason, .. } if reason.contains("not read")) {
        outcome = stream.deliver(&batch(&[&long])).await;
    }
    assert_eq!(outcome, Outcome::Accepted);
    assert!(stream.line.lock().await.never_ends);
    assert_eq!(receiver.join().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_receiver_has_not_read_when_it_ends_is_sent_again() {
    let (listener, config) = listener();
    let receiver = played(move || {
        let unread = accepted(&listener);
        await_bytes(&unread);
        drop(unread);
        read_on(accepted(&listener), 10)
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
    assert_eq!(receiver.join().unwrap().0, "3 one3 two");
}

#[tokio::test]
async fn a_half_written_frame_is_never_continued_on_a_new_connection() {
    let (listener, config) = listener();
    let message = "x".repeat(MUCH);
    let frame = format!("{MUCH} {message}");
    let length = frame.len();
    let receiver = played(move || {
        read(&accepted(&listener), MUCH / 8);
        read_on(accepted(&listener), length)
    });
    let stream = Stream::new(&SyslogConfig { max_message_size: MUCH, ..config }).unwrap();
    let batch = batch(&[&message]);
    assert!(matches!(stream.deliver(&batch).await, Outcome::Retry { .. }));
    assert_eq!(stream.deliver(&batch).await, Outcome::Accepted);
    assert!(receiver.join().unwrap().0 == frame);
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
