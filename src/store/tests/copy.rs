//! Exports and imports of the state.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

/// A store with events that wait for a sink.
async fn filled(directory: &Path, count: u64) -> Store {
    let store = open(directory);
    store.register_sinks(vec![sink("siem", &[])]).await.unwrap();
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    commit(&store, stream, events(0..count)).await;
    store
}

async fn waiting(directory: &Path) -> Vec<i64> {
    let store = open(directory);
    let sequences = sequences(&drain(&mut store.reader("siem").await.unwrap()).await);
    store.close().await.unwrap();
    sequences
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn imported(directory: &Path, file: &Path) -> Option<std::path::PathBuf> {
    Import::begin(directory, file).unwrap().put_in_place(NOW).unwrap()
}

#[tokio::test]
async fn an_export_beside_an_open_store_is_a_whole_state() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = filled(from.path(), 100).await;
    let file = to.path().join("export.db");
    let bytes = Store::export(from.path(), &file).unwrap();
    let found = fs::metadata(&file).unwrap();
    assert_eq!((found.len(), found.permissions().mode() & 0o777), (bytes, 0o600));
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    commit(&store, stream, events(100..150)).await;
    // Nothing is overwritten, and nothing is left over.
    let again = Store::export(from.path(), &file).unwrap_err().to_string();
    assert!(again.contains("exists"), "{again}");
    assert_eq!(names(to.path()), ["export.db"]);

    let directory = to.path().join("state");
    let found = Import::look(&directory, &file).unwrap();
    assert_eq!(found, Importable { version: database::latest(), streams: 1, events: 100, replaces: false });
    assert_eq!(imported(&directory, &file), None);
    let database = fs::metadata(directory.join("auditferry.db")).unwrap();
    assert_eq!(database.permissions().mode() & 0o777, 0o600);
    assert_eq!(waiting(&directory).await, (1..=100).collect::<Vec<_>>());
    // Positions and sequences go on where they were.
    let copy = open(&directory);
    let stream = copy.stream(&name("hub", "login")).await.unwrap().id;
    assert_eq!(commit(&copy, stream, events(0..101)).await, Committed { new: 1, known: 100 });
    let mut reader = copy.reader("siem").await.unwrap();
    let last = drain(&mut reader).await.pop().unwrap();
    assert_eq!((last.position, last.sequence), (101, 101));
}

#[tokio::test]
async fn the_state_that_was_there_is_set_aside_and_can_be_put_back() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(old.path(), 5).await.close().await.unwrap();
    let file = new.path().join("export.db");
    Store::export(old.path(), &file).unwrap();
    // Killed, so that a part of it stands in the log.
    let directory = new.path().join("state");
    filled(&directory, 50).await.close().await.unwrap();
    let store = open(&directory);
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    commit(&store, stream, events(50..60)).await;
    let killed = new.path().join("killed");
    fs::create_dir(&killed).unwrap();
    for name in ["auditferry.db", "auditferry.db-wal"] {
        fs::copy(directory.join(name), killed.join(name)).unwrap();
    }
    store.close().await.unwrap();

    let aside = imported(&killed, &file).unwrap();
    assert_eq!(aside, killed.join("auditferry.db.before-20270115T080000Z"));
    assert_eq!(names(&killed), ["auditferry.db", "auditferry.db.before-20270115T080000Z", "lock"]);
    assert_eq!(waiting(&killed).await, (1..=5).collect::<Vec<_>>());
    let again = imported(&killed, &file).unwrap();
    assert_eq!(
        again,
        killed.join("auditferry.db.before-20270115T080000Z-2"),
        "one is never set aside over another"
    );
    assert!(imported(&new.path().join("third"), &aside).is_none());
    assert_eq!(waiting(&new.path().join("third")).await, (1..=60).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_damaged_state_is_set_aside_with_its_log() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(old.path(), 5).await.close().await.unwrap();
    let file = new.path().join("export.db");
    Store::export(old.path(), &file).unwrap();
    let directory = new.path().join("state");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("auditferry.db"), [0xff; 8192]).unwrap();
    fs::write(directory.join("auditferry.db-wal"), [0xff; 8192]).unwrap();
    let aside = imported(&directory, &file).unwrap();
    assert_eq!(fs::read(&aside).unwrap(), [0xff; 8192]);
    assert_eq!(waiting(&directory).await, (1..=5).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_no_state_or_is_in_use_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("state");
    filled(&state, 5).await.close().await.unwrap();
    let before = fs::read(state.join("auditferry.db")).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let export = directory.path().join("export.db");
    Store::export(&state, &export).unwrap();
    let whole = fs::read(&export).unwrap();
    let mut damaged = whole.clone();
    damaged[4096..8192].fill(0xff);
    let logged = file("logged.db", &whole);
    fs::write(directory.path().join("logged.db-wal"), [1]).unwrap();
    let changed = |name: &str, sql: &str| {
        let path = file(name, &whole);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    };
    for (path, word) in [
        (directory.path().join("nowhere"), "nowhere"),
        (file("empty.db", b""), "empty"),
        (
            file("text.db", b"no database at all, but long enough to look like one: it is read by its head"),
            "text.db",
        ),
        (file("damaged.db", &damaged), "damaged.db"),
        (file("half.db", &whole[..whole.len() / 2]), "half.db"),
        (logged, "log beside it"),
        (changed("theirs.db", "PRAGMA application_id = 7"), "another program"),
        (changed("newer.db", "PRAGMA user_version = 99"), "99"),
    ] {
        let refused = Import::begin(&state, &path).unwrap_err().to_string();
        assert!(refused.contains(word), "{}: {refused}", path.display());
        assert_eq!(fs::read(state.join("auditferry.db")).unwrap(), before, "{}", path.display());
        assert_eq!(names(&state), ["auditferry.db", "lock"]);
    }
    let store = open(&state);
    let held = Import::begin(&state, &export).unwrap_err();
    assert!(matches!(held, StoreError::Locked { .. }), "{held}");
    store.close().await.unwrap();
    // Given up before the last step.
    drop(Import::begin(&state, &export).unwrap());
    assert_eq!(names(&state), ["auditferry.db", "lock"]);
}

#[tokio::test]
async fn an_export_of_an_older_version_is_brought_up_to_date_when_it_is_opened() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("old.db");
    database::leave_version_3(&file);
    let state = directory.path().join("state");
    assert_eq!(Import::look(&state, &file).unwrap().version, 3);
    imported(&state, &file);
    let store = open(&state);
    let known = store.stream(&name("hub", "login")).await.unwrap();
    assert_eq!(known.sequence, 5);
}

#[tokio::test]
async fn the_inventory_names_everything_that_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(directory.path(), 30).await;
    let login = name("hub", "login");
    store.register_sinks(vec![sink("lake", &["mail"])]).await.unwrap();
    store.bind_account("hub", Account { id: "7".to_owned(), name: None }).await.unwrap();
    let gap = Gap { stream: login.clone(), from: second(1), to: second(2) };
    store.record_gap(gap.clone()).await.unwrap();
    for running in [true, false] {
        let inventory = Store::read_inventory(directory.path()).unwrap();
        let [stream] = &inventory.streams[..] else { panic!("{inventory:?}") };
        assert_eq!((&stream.name, stream.sequence, stream.known_ids), (&login, 30, 30), "{running}");
        assert_eq!((&stream.account.as_ref().unwrap().id[..], &stream.gaps), ("7", &vec![gap.clone()]));
        let sinks: Vec<_> = inventory.sinks.iter().map(|sink| (&sink.name[..], sink.active)).collect();
        assert_eq!(sinks, [("lake", true), ("siem", false)]);
        if running {
            store.clone().close().await.unwrap();
        }
    }
}
