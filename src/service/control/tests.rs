use std::os::unix::net::UnixListener as StdListener;

use super::*;
use crate::service::command::dead_letters;
use crate::service::command::tests::refused;

/// More than any wait takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Less than a person waits, more than a request takes here.
const HURRY: Duration = Duration::from_secs(1);

/// Runs `ask` beside a daemon that serves the directory's socket.
async fn beside<T>(directory: &Path, ask: impl Future<Output = T>) -> T {
    let store = refused(directory, 3).await;
    let mut socket = ControlSocket::bind(directory).unwrap();
    socket.request_timeout = HURRY;
    let asked = tokio::select! {
        () = socket.serve(Commands { store: store.clone(), running: None }) => unreachable!("it serves for ever"),
        asked = timeout(PATIENCE, ask) => asked.expect("no answer in time"),
    };
    store.close().await.unwrap();
    asked
}

/// Sends these bytes as they are, and everything that comes back.
async fn said(directory: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(directory.join("control.sock")).await.unwrap();
    // Who refuses a long line does not read it to its end.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn counted(directory: &Path) -> Answer {
    let daemon = connect(directory).await.unwrap().unwrap();
    let request = Request::DeadLetters(dead_letters::Request::Count(dead_letters::Choice::All));
    let (answers, mut incoming) = mpsc::channel(1);
    let (asked, answer) = tokio::join!(daemon.ask(&request, answers), incoming.recv());
    asked.unwrap();
    answer.unwrap()
}

const COUNT: &[u8] = b"{\"dead_letters\":{\"count\":\"all\"}}\n";
const COUNTED: &str = "{\"done\":{\"letters\":{\"siem\":3}}}\n";

#[tokio::test]
async fn a_command_is_answered_line_by_line_and_the_last_line_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    beside(path, async {
        let list = b"{\"dead_letters\":{\"list\":{\"most\":2}}}\n";
        let answer = said(path, list).await;
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(lines.len(), 3, "{answer}");
        assert!(lines[0].starts_with("{\"letter\":{\"id\":1,"), "{answer}");
        assert_eq!(lines[2], "{\"done\":\"shown\"}");
        assert_eq!(said(path, COUNT).await, COUNTED);
        assert!(matches!(counted(path).await, Answer::Done(_)));
    })
    .await;
}

#[tokio::test]
async fn garbage_and_lines_without_end_are_refused_and_the_next_command_is_served() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    beside(path, async {
        let long = vec![b' '; 2 * usize::try_from(LONGEST_REQUEST).unwrap()];
        let cases: [(&[u8], &str); 5] = [
            (b"GET / HTTP/1.1\r\n\r\n", "not a request"),
            (b"\xff\xfe\n", "not a request"),
            (b"{\"dead_letters\":{\"burn\":\"all\"}}\n", "unknown variant `burn`"),
            (b"\n", "not a request"),
            (&long, "one line of at most 262144 bytes"),
        ];
        for (bytes, reason) in cases {
            let answer = said(path, bytes).await;
            assert!(answer.starts_with("{\"error\":\"") && answer.ends_with("\"}\n"), "{answer}");
            assert!(answer.contains(reason), "{answer}");
        }
        assert_eq!(said(path, COUNT).await, COUNTED);
    })
    .await;
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_hung_up_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    beside(path, async {
        let mut silent = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            silent.push(UnixStream::connect(path.join("control.sock")).await.unwrap());
        }
        // One too many: served when the others are gone.
        assert_eq!(said(path, COUNT).await, COUNTED);
        let mut answer = String::new();
        silent[0].read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("no request came within 1 s"), "{answer}");
        // Who hangs up without a word disturbs nobody.
        drop(silent);
        assert_eq!(said(path, COUNT).await, COUNTED);
    })
    .await;
}

#[tokio::test]
async fn the_socket_is_for_its_owner_alone_and_goes_with_the_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control.sock");
    // As a killed daemon leaves it.
    drop(StdListener::bind(&path).unwrap());
    assert!(connect(directory.path()).await.unwrap().is_none(), "nobody answers there");
    beside(directory.path(), async {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(counted(directory.path()).await, Answer::Done(_)));
    })
    .await;
    assert!(!path.exists());
    assert!(connect(directory.path()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_a_socket_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("control.sock");
    fs::write(&path, "mine").unwrap();
    assert!(ControlSocket::bind(directory.path()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_reached_all_the_same() {
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("d".repeat(100)).join("e".repeat(100));
    fs::create_dir_all(&directory).unwrap();
    beside(&directory, async {
        assert!(directory.join("control.sock").exists());
        assert!(matches!(counted(&directory).await, Answer::Done(_)));
    })
    .await;
    assert!(!directory.join("control.sock").exists());
}

#[tokio::test]
async fn a_daemon_that_breaks_off_is_not_taken_for_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(directory.path().join("control.sock")).unwrap();
    let ask = async {
        let daemon = connect(directory.path()).await.unwrap().unwrap();
        let request = Request::DeadLetters(dead_letters::Request::Show { id: 1 });
        let (answers, _incoming) = mpsc::channel(1);
        daemon.ask(&request, answers).await.unwrap_err().to_string()
    };
    let break_off = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"{\"done\":").await.unwrap();
    };
    let (error, ()) = tokio::join!(ask, break_off);
    assert!(error.contains("broke off") && error.contains("auditferry status"), "{error}");
}

#[test]
fn only_root_and_the_owner_may_ask() {
    assert!(may_ask(0, 1000) && may_ask(1000, 1000));
    assert!(!may_ask(1001, 1000) && !may_ask(1000, 0));
}
