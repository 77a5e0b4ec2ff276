use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

async fn append(sink: &FileSink, lines: &str) -> Outcome {
    let batch = Batch { lines: lines.as_bytes().to_vec(), ..Batch::default() };
    sink.deliver(&batch).await
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn batches_follow_each_other_in_a_file_for_its_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let sink = FileSink::new(path.clone(), 0, 0);
    assert_eq!(append(&sink, "{\"a\":1}\n").await, Outcome::Accepted);
    assert_eq!(append(&sink, "{\"b\":2}\n").await, Outcome::Accepted);
    let later = FileSink::new(path.clone(), 0, 0);
    assert_eq!(append(&later, "{\"c\":3}\n").await, Outcome::Accepted);
    assert_eq!(read(&path), "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_torn_last_line_is_cut_and_a_whole_or_foreign_one_is_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    for (before, after) in [
        ("{\"a\":1}\n{\"b\":", "{\"a\":1}\n{\"n\":0}\n"),
        ("{\"b\":", "{\"n\":0}\n"),
        ("{\"a\":1}\n{\"b\":2}", "{\"a\":1}\n{\"b\":2}\n{\"n\":0}\n"),
        ("a note", "a note\n{\"n\":0}\n"),
        ("{\"a\":1}\n# a note", "{\"a\":1}\n# a note\n{\"n\":0}\n"),
        ("", "{\"n\":0}\n"),
    ] {
        fs::write(&path, before).unwrap();
        let sink = FileSink::new(path.clone(), 0, 0);
        assert_eq!(append(&sink, "{\"n\":0}\n").await, Outcome::Accepted);
        assert_eq!(read(&path), after, "from {before:?}");
    }
}

#[tokio::test]
async fn a_large_file_is_set_aside_between_batches_and_the_oldest_goes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let sink = FileSink::new(path.clone(), 16, 2);
    for number in 1..=4 {
        assert_eq!(append(&sink, &format!("{{\"event\":{number}}}\n")).await, Outcome::Accepted);
    }
    assert_eq!(read(&path), "{\"event\":4}\n");
    assert_eq!(read(&directory.path().join("events.ndjson.1")), "{\"event\":3}\n");
    assert_eq!(read(&directory.path().join("events.ndjson.2")), "{\"event\":2}\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
}

#[tokio::test]
async fn a_batch_larger_than_the_limit_still_goes_in_one_piece() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let sink = FileSink::new(path.clone(), 4, 1);
    assert_eq!(append(&sink, "{\"event\":1}\n").await, Outcome::Accepted);
    assert_eq!(read(&path), "{\"event\":1}\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let moved = directory.path().join("moved");
    let sink = FileSink::new(path.clone(), 0, 0);
    append(&sink, "{\"a\":1}\n").await;
    fs::rename(&path, &moved).unwrap();
    assert_eq!(append(&sink, "{\"b\":2}\n").await, Outcome::Accepted);
    assert_eq!((read(&moved).as_str(), read(&path).as_str()), ("{\"a\":1}\n", "{\"b\":2}\n"));
}

#[tokio::test]
async fn what_a_person_has_to_mend_holds_the_sink_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing/events.ndjson");
    for path in [missing.clone(), directory.path().to_path_buf()] {
        let outcome = append(&FileSink::new(path.clone(), 0, 0), "{}\n").await;
        let Outcome::Held { reason } = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains(&path.display().to_string()), "{reason}");
    }
    let sink = FileSink::new(missing.clone(), 0, 0);
    append(&sink, "{}\n").await;
    fs::create_dir(missing.parent().unwrap()).unwrap();
    assert_eq!(append(&sink, "{}\n").await, Outcome::Accepted);
}

#[test]
fn a_full_volume_is_waited_for() {
    let full = io::Error::from(io::ErrorKind::StorageFull);
    assert!(
        matches!(outcome(Path::new("/x"), &full), Outcome::Retry { reason, .. } if reason.contains("room"))
    );
}

#[tokio::test]
async fn a_device_is_not_written_to() {
    let outcome = append(&FileSink::new(PathBuf::from("/dev/full"), 0, 0), "{}\n").await;
    assert!(matches!(outcome, Outcome::Held { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_look_at_it_makes_nothing_and_mends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.ndjson");
    let sink = FileSink::new(path.clone(), 0, 0);
    assert_eq!(sink.probe().await, Probe::Passed("the file can be made".to_owned()));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    // A daemon that is in the middle of a line.
    fs::write(&path, "{\"a\":1}\n{\"b\":").unwrap();
    assert_eq!(sink.probe().await, Probe::Passed("the file can be written".to_owned()));
    assert_eq!(read(&path), "{\"a\":1}\n{\"b\":");
    for unfit in [directory.path().to_path_buf(), directory.path().join("missing/events.ndjson")] {
        let probe = FileSink::new(unfit.clone(), 0, 0).probe().await;
        assert!(matches!(&probe, Probe::Failed(reason) if reason.contains(&unfit.display().to_string())));
    }
}
