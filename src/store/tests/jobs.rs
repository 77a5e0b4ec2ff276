//! Backfills and reconciles that are interrupted.

use super::*;

fn job(from: i64, to: i64) -> Job {
    Job { from: second(from), to: second(to), done: second(from), began: second(0), shown: 0, found: 0 }
}

fn day(day: i64, shown: u64, found: u64) -> JobDay {
    JobDay { day, shown, known: shown - found, collected: shown - found, found, doubtful: false }
}

#[tokio::test]
async fn the_same_words_go_on_where_they_were_interrupted_and_others_begin_anew() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let stream = store.stream(&name("hub", "login")).await.unwrap().id;
    let key = JobKey { stream, kind: JobKind::Reconcile };
    store.begin_job(key, "90d", job(0, 100)).await.unwrap();
    store.advance_job(key, second(40), vec![day(0, 7, 2)]).await.unwrap();
    drop(store);

    let store = open(directory.path());
    // The same words mean another time by now; the range is the first one.
    let goes_on = store.begin_job(key, "90d", job(5, 105)).await.unwrap();
    assert_eq!(goes_on, Job { done: second(40), shown: 7, found: 2, ..job(0, 100) });
    store.advance_job(key, second(100), vec![day(0, 3, 1), day(1, 4, 0)]).await.unwrap();
    assert_eq!(store.job_days(key).await.unwrap(), [day(0, 10, 3), day(1, 4, 0)]);

    let backfill = JobKey { kind: JobKind::Backfill, ..key };
    assert_eq!(store.begin_job(backfill, "90d", job(0, 100)).await.unwrap(), job(0, 100), "another command");
    assert_eq!(store.begin_job(key, "30d", job(60, 100)).await.unwrap(), job(60, 100), "other words");
    assert_eq!(store.job_days(key).await.unwrap(), []);
    store.end_job(key).await.unwrap();
    assert!(store.advance_job(key, second(70), Vec::new()).await.is_err(), "it is gone");
    assert_eq!(store.begin_job(key, "30d", job(60, 100)).await.unwrap(), job(60, 100), "it begins anew");
}

#[tokio::test]
async fn a_backfill_that_reaches_what_is_complete_makes_it_complete_from_earlier_on() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let of = name("hub", "login");
    let stream = store.stream(&of).await.unwrap().id;
    let cursor =
        Cursor { complete_from: Some(second(100)), complete_to: Some(second(200)), high_water: None };
    store.complete_window(stream, cursor).await.unwrap();
    let key = JobKey { stream, kind: JobKind::Backfill };
    let complete_from = async || store.stream(&of).await.unwrap().cursor.complete_from.unwrap();
    for (from, to, done, expected) in [
        (10, 90, 90, 100),  // does not reach it
        (20, 100, 60, 100), // not read to its end
        (30, 100, 100, 30),
        (50, 120, 120, 30), // lies within
    ] {
        let asked = format!("{from}");
        store.begin_job(key, &asked, job(from, to)).await.unwrap();
        store.advance_job(key, second(done), Vec::new()).await.unwrap();
        store.end_job(key).await.unwrap();
        assert_eq!(complete_from().await, second(expected), "from {from} to {to}");
    }
}
