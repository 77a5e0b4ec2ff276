use std::time::{Duration, Instant};

use super::*;

fn read(secret: &Secret) -> Result<String, String> {
    let environment =
        Environment::from([("TOKEN", "from env"), ("EMPTY", ""), ("CREDENTIALS_DIRECTORY", "/nowhere")]);
    secret.read_in(&environment).map(|text| text.expose_secret().to_owned()).map_err(|error| error.0)
}

fn shell(script: &str) -> Secret {
    Secret::Command(["sh", "-c", script].map(str::to_owned).to_vec())
}

#[test]
fn a_secret_is_read_in_each_of_its_forms() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    std::fs::write(&path, "from file\n").unwrap();
    assert_eq!(read(&Secret::Plain("plain".into())).unwrap(), "plain");
    assert_eq!(read(&Secret::Env("TOKEN".into())).unwrap(), "from env");
    assert_eq!(read(&Secret::File(path)).unwrap(), "from file");
    assert_eq!(read(&shell("echo from command")).unwrap(), "from command");
    let credentials = Environment::from([("CREDENTIALS_DIRECTORY", directory.path().to_str().unwrap())]);
    let credential = Secret::Credential("token".into()).read_in(&credentials).unwrap();
    assert_eq!(credential.expose_secret(), "from file");
    std::fs::write(directory.path().join("auditferry_key"), "from a directory").unwrap();
    std::fs::write(directory.path().join("auditferry_token"), "of another").unwrap();
    for (name, text) in
        [("key", "from a directory"), ("auditferry_key", "from a directory"), ("token", "from file")]
    {
        let credential = Secret::Credential(name.into()).read_in(&credentials).unwrap();
        assert_eq!(credential.expose_secret(), text, "{name}");
    }
}

#[test]
fn one_line_break_at_the_end_is_cut_and_no_more() {
    for (written, read) in [
        ("a\n", Ok("a")),
        ("a\r\n", Ok("a")),
        (" a ", Ok(" a ")),
        ("", Err("is empty")),
        ("\n", Err("is empty")),
        ("a\n\n", Err("holds a line break or another control character")),
        ("a\nb", Err("holds a line break or another control character")),
        ("ä", Err("holds a character beyond ASCII")),
    ] {
        assert_eq!(check(written), read.map(str::to_owned).map_err(str::to_owned), "{written:?}");
    }
    assert_eq!(check(&"a".repeat(64 * 1024)).unwrap().len(), 64 * 1024);
    assert_eq!(check(&"a".repeat(64 * 1024 + 1)).unwrap_err(), "is larger than 64 KiB");
}

#[test]
fn a_secret_that_cannot_be_read_says_where_it_should_be() {
    let directory = tempfile::tempdir().unwrap();
    let large = directory.path().join("large");
    std::fs::write(&large, "a".repeat(70_000)).unwrap();
    for (secret, error) in [
        (Secret::Env("NOPE".into()), "the environment variable NOPE is not set".to_owned()),
        (Secret::Env("EMPTY".into()), "the environment variable EMPTY is empty".to_owned()),
        (
            Secret::File("/nowhere/x".into()),
            "the secret file /nowhere/x can't be read: No such file or directory (os error 2)".to_owned(),
        ),
        (Secret::File(large.clone()), format!("the secret file {} is larger than 64 KiB", large.display())),
        (
            Secret::Credential("x".into()),
            "the credential x can't be read: No such file or directory (os error 2)".to_owned(),
        ),
        (shell("exit 0"), "the command sh is empty".to_owned()),
        (
            shell("echo 'vault is sealed' >&2; exit 3"),
            "the command sh failed (exit status: 3): vault is sealed".to_owned(),
        ),
        (shell("yes"), "the command sh says more than 64 KiB".to_owned()),
        (
            Secret::Command(vec!["/nowhere/prog".into()]),
            "the command /nowhere/prog can't be started: No such file or directory (os error 2)".to_owned(),
        ),
        (Secret::Command(Vec::new()), "the command is missing".to_owned()),
    ] {
        assert_eq!(read(&secret).unwrap_err(), error);
    }
    let error = Secret::Credential("x".into()).read_in(&Environment::default()).unwrap_err();
    assert!(error.0.contains("$CREDENTIALS_DIRECTORY is not set"), "{error}");
}

#[test]
fn a_command_that_hangs_is_ended() {
    let begun = Instant::now();
    for script in ["exec sleep 60", "exec >&-; exec sleep 60", "sleep 60 & wait"] {
        let command = ["sh", "-c", script].map(str::to_owned);
        let error = command::output_within(&command, Duration::from_millis(200)).unwrap_err();
        assert!(error.contains("and was ended"), "{script}: {error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "it was not ended, but waited for");
}

#[test]
fn a_command_that_complains_at_length_is_not_held_up() {
    let talkative = shell(
        "i=0; while [ $i -lt 2000 ]; do echo 'a warning of some length, over and over' >&2; i=$((i+1)); \
            done; echo ok",
    );
    assert_eq!(read(&talkative).unwrap(), "ok");
}

#[tokio::test]
async fn a_secret_that_was_changed_is_read_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let secret = Secret::File(path.clone());
    for text in ["old", "new"] {
        std::fs::write(&path, text).unwrap();
        assert_eq!(secret.read_async().await.unwrap().expose_secret(), text);
    }
}

#[test]
fn debug_shows_neither_the_secret_nor_arguments() {
    for secret in [Secret::Plain("hunter2".into()), Secret::Command(vec!["pass".into(), "hunter2".into()])] {
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}

#[test]
fn secrets_are_equal_when_they_come_from_the_same_place() {
    assert_eq!(Secret::Plain("a".into()), Secret::Plain("a".into()));
    assert_ne!(Secret::Plain("a".into()), Secret::Plain("b".into()));
    assert_eq!(Secret::Env("a".into()), Secret::Env("a".into()));
    assert_ne!(Secret::Env("a".into()), Secret::Credential("a".into()));
    assert_ne!(Secret::Env("a".into()), Secret::Plain("a".into()));
}
