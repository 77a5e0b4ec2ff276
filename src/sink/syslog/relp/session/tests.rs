//! What a session promises, against receivers that follow a script.

use std::future::Future;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const TIMEOUT: Duration = Duration::from_secs(5);
const OFFER: &str =
    "200 OK\nrelp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog\n";

/// The receiver's side.
struct Receiver {
    connection: DuplexStream,
    arrived: Vec<u8>,
}

impl Receiver {
    async fn next(&mut self) -> (u32, String, String) {
        loop {
            if let Some(frame) = next_frame(&mut self.arrived).unwrap() {
                return (frame.number, frame.command, String::from_utf8(frame.data).unwrap());
            }
            let mut chunk = [0; 1024];
            let count = self.connection.read(&mut chunk).await.unwrap();
            assert!(count > 0, "the client has gone");
            self.arrived.extend_from_slice(&chunk[..count]);
        }
    }

    async fn answer(&mut self, number: u32, data: &str) {
        self.say(number, "rsp", data).await;
    }

    async fn say(&mut self, number: u32, command: &str, data: &str) {
        let mut frame = Vec::new();
        frame::write(number, command, data.as_bytes(), &mut frame);
        self.connection.write_all(&frame).await.unwrap();
    }

    /// Answers `open`.
    async fn open(mut self) -> Self {
        let (number, command, _) = self.next().await;
        assert_eq!((number, command.as_str()), (1, "open"));
        self.answer(1, OFFER).await;
        self
    }
}

/// Runs a client and a receiver against each other.
async fn run<T, R: Future>(
    receiver: impl FnOnce(Receiver) -> R,
    client: impl AsyncFnOnce(DuplexStream) -> T,
) -> (T, R::Output) {
    // Small, so that frames come in pieces.
    let (ours, theirs) = duplex(37);
    tokio::join!(client(ours), receiver(Receiver { connection: theirs, arrived: Vec::new() }))
}

async fn opened(connection: DuplexStream) -> Session<DuplexStream> {
    Session::open(connection, TIMEOUT).await.unwrap().0
}

async fn refusal(reply: &str) -> OpenError {
    let receiver = async |mut receiver: Receiver| {
        receiver.next().await;
        receiver.answer(1, reply).await;
        receiver
    };
    let (opened, _) = run(receiver, async |connection| Session::open(connection, TIMEOUT).await).await;
    opened.unwrap_err()
}

fn unknown(answer: &Answer) -> bool {
    matches!(answer, Answer::Unknown(_))
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_open_is_answered() {
    let receiver = async |mut receiver: Receiver| {
        let (number, command, data) = receiver.next().await;
        assert_eq!((number, command.as_str()), (1, "open"));
        let lines: Vec<&str> = data.lines().collect();
        assert!(lines.contains(&"relp_version=0") && lines.contains(&"commands=syslog"), "{data}");
        let more = tokio::time::timeout(Duration::from_secs(1), receiver.next()).await;
        assert!(more.is_err(), "{more:?}");
        receiver.answer(1, OFFER).await;
        let (number, command, data) = receiver.next().await;
        assert_eq!((number, command.as_str(), data.as_str()), (2, "syslog", "one"));
        receiver.answer(2, "200 OK").await;
        receiver
    };
    let client = async |connection| {
        let (mut session, software) = Session::open(connection, TIMEOUT).await.unwrap();
        assert_eq!(software, "librelp,1.11.0,http://librelp.adiscon.com");
        session.send(&[b"one"], TIMEOUT).await
    };
    let (answers, _) = run(receiver, client).await;
    assert_eq!(answers, [Answer::Taken]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_take_syslog_messages_is_none_for_us() {
    for (reply, reason) in [
        ("200 OK\nrelp_version=0\ncommands=starttls", "takes no syslog messages"),
        ("200 OK\nrelp_version=0", "takes no syslog messages"),
        ("200 OK\nrelp_version=2\ncommands=syslog", "version 2"),
        ("500 required command not supported by client", "500 required command not supported"),
        ("", "it answered"),
    ] {
        let error = refusal(reply).await;
        assert!(matches!(error, OpenError::Refused(_)), "{reply}: {error}");
        assert!(error.to_string().contains(reason), "{reply}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_protocol_at_the_address_is_named_and_silence_is_waited_for_once() {
    let web = async |mut receiver: Receiver| {
        receiver.connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        receiver
    };
    let (error, _) = run(web, async |connection| Session::open(connection, TIMEOUT).await.unwrap_err()).await;
    assert!(matches!(error, OpenError::Refused(_)) && error.to_string().contains("no RELP"), "{error}");

    let silent = async |receiver| receiver;
    let (error, _) =
        run(silent, async |connection| Session::open(connection, TIMEOUT).await.unwrap_err()).await;
    assert!(matches!(error, OpenError::Broken(_)) && error.to_string().contains("silent"), "{error}");

    let gone = async |receiver| drop(receiver);
    let (error, ()) =
        run(gone, async |connection| Session::open(connection, TIMEOUT).await.unwrap_err()).await;
    assert!(!matches!(error, OpenError::Refused(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn only_128_messages_are_without_an_answer_at_a_time() {
    let texts: Vec<String> = (0..300).map(|number| format!("message {number}")).collect();
    let receiver = async |receiver: Receiver| {
        let mut receiver = receiver.open().await;
        for number in 2..2 + 128 {
            assert_eq!(receiver.next().await.2, format!("message {}", number - 2));
        }
        let more = tokio::time::timeout(Duration::from_secs(1), receiver.next()).await;
        assert!(more.is_err(), "{more:?}");
        for number in 2..2 + 300 {
            receiver.answer(number, "200 OK").await;
            if number + 128 < 2 + 300 {
                let (next, command, _) = receiver.next().await;
                assert_eq!((next, command.as_str()), (number + 128, "syslog"));
            }
        }
        receiver
    };
    let client = async |connection| {
        let mut session = opened(connection).await;
        let messages: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        let answers = session.send(&messages, TIMEOUT).await;
        (answers, session)
    };
    let ((answers, _), _) = run(receiver, client).await;
    assert_eq!(answers, vec![Answer::Taken; 300]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_taken_is_told_with_the_receivers_words_and_the_others_go_on() {
    let receiver = async |receiver: Receiver| {
        let mut receiver = receiver.open().await;
        for (number, answer) in (2..).zip(["200 OK", "500 disk\x1b full", "2000", "200"]) {
            receiver.next().await;
            receiver.answer(number, answer).await;
        }
        receiver
    };
    let client = async |connection| {
        let mut session = opened(connection).await;
        let answers = session.send(&[b"a", b"b", b"c", b"d"], TIMEOUT).await;
        (answers, session.is_broken())
    };
    let ((answers, is_broken), _) = run(receiver, client).await;
    let not_taken = |words: &str| Answer::NotTaken(format!("it answered: {words}"));
    assert_eq!(answers, [Answer::Taken, not_taken("500 disk full"), not_taken("2000"), Answer::Taken]);
    assert!(!is_broken, "the session goes on");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_when_the_session_breaks_is_unknown() {
    async fn answers_of<R: Future>(end: impl FnOnce(Receiver) -> R) -> Vec<Answer> {
        let receiver = async |receiver: Receiver| {
            let mut receiver = receiver.open().await;
            for number in 2..5 {
                receiver.next().await;
                if number < 4 {
                    receiver.answer(number, "200 OK").await;
                }
            }
            end(receiver).await
        };
        let client = async |connection| {
            let mut session = opened(connection).await;
            let answers = session.send(&[b"a", b"b", b"c", b"d"], TIMEOUT).await;
            assert!(session.is_broken() && !session.is_open().await);
            answers
        };
        run(receiver, client).await.0
    }
    let closed = answers_of(async |receiver| drop(receiver)).await;
    let ended = answers_of(async |mut receiver: Receiver| {
        receiver.say(0, "serverclose", "").await;
        receiver
    });
    let nonsense = answers_of(async |mut receiver: Receiver| {
        receiver.connection.write_all(b"4 rsp 999999999 ").await.unwrap();
        receiver
    });
    let unasked = answers_of(async |mut receiver: Receiver| {
        receiver.answer(77, "200 OK").await;
        receiver
    });
    let twice = answers_of(async |mut receiver: Receiver| {
        receiver.answer(3, "200 OK").await;
        receiver
    });
    for answers in [closed, ended.await, nonsense.await, unasked.await, twice.await] {
        assert_eq!(answers[..2], [Answer::Taken, Answer::Taken]);
        assert!(answers[2..].iter().all(unknown), "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_session_and_hints_do_not_prolong_it() {
    let receiver = async |receiver: Receiver| {
        let mut receiver = receiver.open().await;
        receiver.next().await;
        for _ in 0..9 {
            tokio::time::sleep(TIMEOUT / 4).await;
            let mut hint = Vec::new();
            frame::write(0, "hint", b"still here", &mut hint);
            if receiver.connection.write_all(&hint).await.is_err() {
                return true;
            }
        }
        false
    };
    let client = async |connection| {
        let mut session = opened(connection).await;
        let started = Instant::now();
        let answers = session.send(&[b"a"], TIMEOUT).await;
        assert_eq!(started.elapsed(), TIMEOUT);
        answers
    };
    let (answers, went) = run(receiver, client).await;
    assert!(unknown(&answers[0]) && went, "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_receiver_that_goes_on_answering_is_waited_for() {
    let receiver = async |receiver: Receiver| {
        let mut receiver = receiver.open().await;
        for number in 2..12 {
            receiver.next().await;
            tokio::time::sleep(TIMEOUT / 2).await;
            receiver.answer(number, "200 OK").await;
        }
        receiver
    };
    let client = async |connection| opened(connection).await.send(&[&b"a"[..]; 10], TIMEOUT).await;
    let (answers, _) = run(receiver, client).await;
    assert_eq!(answers, vec![Answer::Taken; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_used_again_until_the_receiver_has_ended_it() {
    for end in ["serverclose", "close the connection"] {
        let receiver = async |receiver: Receiver| {
            let mut receiver = receiver.open().await;
            for number in 2..4 {
                assert_eq!(receiver.next().await.0, number, "consecutive over several batches");
                receiver.answer(number, "200 OK").await;
            }
            receiver.say(0, "hint", "").await;
            if end == "serverclose" {
                receiver.say(0, "serverclose", "").await;
                return Some(receiver);
            }
            None
        };
        let client = async |connection| {
            let mut session = opened(connection).await;
            assert_eq!(session.send(&[b"a"], TIMEOUT).await, [Answer::Taken]);
            assert!(session.is_open().await);
            assert_eq!(session.send(&[b"b"], TIMEOUT).await, [Answer::Taken]);
            while session.is_open().await {
                tokio::task::yield_now().await;
            }
            session.is_broken()
        };
        assert!(run(receiver, client).await.0, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_begin_again_behind_the_last_one() {
    let receiver = async |receiver: Receiver| {
        let mut receiver = receiver.open().await;
        let mut numbers = Vec::new();
        for _ in 0..3 {
            let (number, ..) = receiver.next().await;
            numbers.push(number);
            receiver.answer(number, "200 OK").await;
        }
        numbers
    };
    let client = async |connection| {
        let mut session = opened(connection).await;
        session.last = LAST_NUMBER - 1;
        session.send(&[b"a", b"b", b"c"], TIMEOUT).await
    };
    let (answers, numbers) = run(receiver, client).await;
    assert_eq!(answers, vec![Answer::Taken; 3]);
    assert_eq!(numbers, [LAST_NUMBER, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn close_is_sent_in_turn_and_its_answer_awaited() {
    let receiver = async |receiver: Receiver| {
        let mut receiver = receiver.open().await;
        let closed = receiver.next().await;
        receiver.answer(2, "").await;
        closed
    };
    let client = async |connection| opened(connection).await.close(TIMEOUT).await;
    let ((), closed) = run(receiver, client).await;
    assert_eq!(closed, (2, "close".to_owned(), String::new()));
}
