use super::*;

fn place() -> (tempfile::TempDir, Place) {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::new(directory.path());
    (directory, place)
}

#[test]
fn migrations_run_once_each_from_any_version() {
    let steps = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (z)"];
    for start in 0..=steps.len() {
        let db = Connection::open_in_memory().unwrap();
        migrate(&db, 0, &steps[..start]).unwrap();
        migrate(&db, start, &steps).unwrap();
        assert_eq!(db.query_row("SELECT count(*) FROM b", [], |row| row.get::<_, i64>(0)), Ok(0));
        db.execute("INSERT INTO a (x, y) VALUES (1, 2)", []).unwrap();
        let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 3);
    }
}

#[test]
fn dead_letters_of_version_1_are_kept_and_not_marked() {
    let (_directory, place) = place();
    let db = Connection::open(&place.database).unwrap();
    configure(&db, &place).unwrap();
    migrate(&db, 0, &MIGRATIONS[..1]).unwrap();
    db.execute(
        "INSERT INTO dead_letter
         (sink, refused_at, reason, source, stream, sequence, event_id, core, original)
         VALUES ('s', 1, 'mapping', 'hub', 'login', 7, x'00', '{}', '')",
        [],
    )
    .unwrap();
    drop(db);
    let database = Database::open(&place).unwrap();
    let sql = "SELECT id, sequence, retry FROM dead_letter";
    let letter: (i64, i64, bool) =
        database.connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(letter, (1, 7, false));
    assert_eq!(super::version(&database.connection, &place, latest()).unwrap(), latest());
}

#[test]
fn a_migration_that_fails_leaves_the_version_before_it() {
    let db = Connection::open_in_memory().unwrap();
    assert!(migrate(&db, 0, &["CREATE TABLE a (x)", "CREATE TABLE c (x); CREATE TABLE a (x)"]).is_err());
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 1);
    assert!(db.prepare("SELECT * FROM c").is_err());
}

#[test]
fn a_newer_file_is_refused_untouched() {
    let (_directory, place) = place();
    drop(Database::open(&place).unwrap());
    let db = Connection::open(&place.database).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let before = std::fs::read(&place.database).unwrap();
    let error = Database::open(&place).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
    assert_eq!(std::fs::read(&place.database).unwrap(), before);
}

#[test]
fn the_database_of_another_program_is_refused() {
    let (_directory, place) = place();
    let db = Connection::open(&place.database).unwrap();
    db.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(db);
    let error = Database::open(&place).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_named_damaged_and_left_alone() {
    let (_directory, place) = place();
    let noise: Vec<u8> = (0..8192u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    std::fs::write(&place.database, &noise).unwrap();
    let error = Database::open(&place).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&place.database).unwrap(), noise);
}

#[test]
fn damage_is_found_after_a_crash() {
    let (_directory, place) = place();
    let database = Database::open(&place).unwrap();
    for id in 0..2000u32 {
        let mut bytes = [0u8; 16];
        bytes[..4].copy_from_slice(&id.to_be_bytes());
        database.connection.execute("INSERT INTO known_id VALUES (1, ?1, ?2)", (id, bytes)).unwrap();
    }
    database.checkpoint().unwrap();
    drop(database);
    let mut file = std::fs::read(&place.database).unwrap();
    let end = file.len();
    file[end - 4096..].fill(0xff);
    std::fs::write(&place.database, file).unwrap();
    let error = Database::open(&place).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}

#[test]
fn the_settings_that_durability_rests_on_are_in_force() {
    let (_directory, place) = place();
    let database = Database::open(&place).unwrap();
    let value = |pragma: &str| -> i64 {
        database.connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
    };
    assert_eq!(value("synchronous"), 2);
    assert_eq!(value("auto_vacuum"), 2);
    assert_eq!(value("trusted_schema"), 0);
    assert_eq!(value("foreign_keys"), 1);
    assert_eq!(value("application_id"), APPLICATION_ID);
}

/// A file as an older version left it: two streams, the second with events of now and of three days ago.
pub(super) fn left_by(version: usize, place: &Place) {
    let db = Connection::open(&place.database).unwrap();
    configure(&db, place).unwrap();
    migrate(&db, 0, &MIGRATIONS[..version]).unwrap();
    db.execute_batch(
        "INSERT INTO stream (source, name, sequence, complete_to) VALUES ('hub', 'quiet', 0, 77), ('hub', 'login', 5, 88);
         INSERT INTO sink (name, active, every_source, position, delivered) VALUES ('s', 1, 1, 2, 2);
         WITH event (n, age) AS (VALUES (1, 259200000), (2, 259200000), (3, 0), (4, 0), (5, 0))
         INSERT INTO spool (stream, sequence, event_id, time, committed_at, bytes, core, original)
         SELECT 2, n, x'00', 1, unixepoch() * 1000 - age, 4 * (n - 1), '{}', '[]' FROM event;",
    )
    .unwrap();
}

#[test]
fn what_the_spool_has_of_the_last_two_days_is_counted_when_an_older_file_is_opened() {
    // From version 3 on it is counted as it comes.
    for version in 1..3 {
        let (_directory, place) = place();
        left_by(version, &place);
        drop(Database::open(&place).unwrap());
        let snapshot = super::super::snapshot::of_directory(&place.directory).unwrap();
        let [login, quiet] = &snapshot.streams[..] else { panic!("{snapshot:?}") };
        assert_eq!(login.collected.iter().map(|one| one.events).sum::<i64>(), 3, "from version {version}");
        assert_eq!((quiet.collected.len(), quiet.cursor.complete_from), (0, None));
        let sink = &snapshot.sinks[0];
        assert_eq!((sink.waiting, sink.waiting_bytes, sink.since), (3, 12, None), "from version {version}");
        assert!(login.collected.iter().all(|one| one.start.as_second() % 900 == 0), "{login:?}");
    }
}

#[test]
fn what_neither_waits_nor_is_dead_counts_as_delivered_when_an_older_file_is_opened() {
    for version in 1..4 {
        let (_directory, place) = place();
        left_by(version, &place);
        let db = Connection::open(&place.database).unwrap();
        // Known are the five of the spool and two more, which it has forgotten; one of these is dead.
        db.execute_batch(
            r#"INSERT INTO known (stream, time, id) VALUES
                (2, 1, x'01'), (2, 1, x'02'), (2, 1, x'03'), (2, 1, x'04'), (2, 1, x'05'),
                (2, 86400000, x'06'), (2, 86400000, x'07');
             INSERT INTO dead_letter (sink, refused_at, reason, source, stream, sequence, event_id, core, original)
             VALUES ('s', 1, 'no', 'hub', 'login', 0, x'06', '{"@timestamp":"1970-01-02T00:00:00.000Z"}', '');"#,
        )
        .unwrap();
        drop(db);
        let db = Database::open(&place).unwrap().connection;
        let counts: Vec<(i64, i64, i64)> = db
            .prepare(
                "SELECT day, events, before_sink FROM delivered WHERE sink = 's' AND stream = 2 ORDER BY day",
            )
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(counts, [(0, 2, 0), (1, 1, 0)], "from version {version}");
        let time: i64 = db.query_row("SELECT time FROM dead_letter", [], |row| row.get(0)).unwrap();
        assert_eq!(time, 86_400_000);
    }
}

#[test]
fn what_an_older_file_knew_is_known() {
    for version in 1..4 {
        let (_directory, place) = place();
        left_by(version, &place);
        let db = Connection::open(&place.database).unwrap();
        db.execute_batch("INSERT INTO known VALUES (2, 5, x'01'), (2, 9, x'02'), (1, 5, x'03')").unwrap();
        drop(db);
        let database = Database::open(&place).unwrap();
        let sql = "SELECT group_concat(hex(id)) FROM known WHERE stream = 2 AND time < 9";
        let known: String = database.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(known, "01", "from version {version}");
        let sql = "SELECT epoch, shelf, reached FROM stream WHERE id = 2";
        let row: (i64, Option<i64>, Option<i64>) = database
            .connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!(row, (0, None, None));
    }
}

#[test]
fn what_a_stream_knows_is_found_by_its_key() {
    let (_directory, place) = place();
    let database = Database::open(&place).unwrap();
    let sql = "EXPLAIN QUERY PLAN SELECT 1 FROM known WHERE stream = ?1 AND time >= ?2 AND time < ?3 LIMIT 1";
    let mut plan = database.connection.prepare(sql).unwrap();
    let steps: Vec<String> =
        plan.query_map((1, 2, 3), |row| row.get(3)).unwrap().map(Result::unwrap).collect();
    assert!(steps.iter().all(|step| step.starts_with("SEARCH")), "{steps:?}");
    assert!(steps.iter().any(|step| step.contains("shelf=? AND time>? AND time<?")), "{steps:?}");
}
