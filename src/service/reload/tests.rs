use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::*;
use crate::service::account::Account;
use crate::store::{Faults, Snapshot, Store, StoreError};

const TEXT: &str = "state_dir = '/tmp/state'\n\
    [sources.crm]\ntype = 'hubspot'\ntoken = 'pat-secret'\n\
    [sinks.out]\ntype = 'stdout'\n\
    [sinks.siem]\ntype = 'http'\nendpoint = 'https://siem.example.com/'\n";

fn config(text: &str) -> Config {
    Config::from_text(text, "test").unwrap()
}

fn difference(edit: impl FnOnce(String) -> String) -> String {
    changes(&config(TEXT), &config(&edit(TEXT.to_owned())))
}

#[test]
fn what_is_different_is_told_by_name_and_no_value_is() {
    let brevo = "[sources.mail]\ntype = 'brevo'\napi_key = 'xkeysib-secret'\n";
    assert_eq!(difference(|text| text + brevo), "source mail added");
    assert_eq!(difference(|text| text.replace("pat-secret", "pat-other")), "source crm changed");
    assert_eq!(
        difference(|text| text
            .replace("sinks.out", "sinks.archive")
            .replace("siem.example", "siem2.example")),
        "sink archive added, sink siem changed, sink out removed"
    );
    assert_eq!(difference(|text| format!("spool.retention = '1d'\n{text}")), "spool changed");
    assert_eq!(difference(|text| format!("server.listen = ''\n{text}")), "server changed");
    assert_eq!(
        difference(|text| format!("spool.retention = '1d'\nserver.listen = ''\n{text}")),
        "spool changed, server changed"
    );
}

#[test]
fn what_is_only_written_in_another_way_is_the_same() {
    let other = TEXT.replace("[sinks.out]", "# a comment\n[sinks.out]\nformat = \"ecs\"\n");
    assert!(is_same(&config(TEXT), &config(&other)));
    assert!(!is_same(&config(TEXT), &config(&TEXT.replace("pat-secret", "pat-other"))));
    // A warning alone is no difference, but what it warns of is.
    let mut warned = config(TEXT);
    warned.warnings.push("careful".to_owned());
    assert!(is_same(&config(TEXT), &warned));
}

#[tokio::test]
async fn an_account_is_found_by_name_and_ends_with_its_source_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "state_dir = {:?}\n\
         [sources.crm]\ntype = 'hubspot'\ntoken = 'x'\n[sources.mail]\ntype = 'brevo'\napi_key = 'x'\n\
         [sinks.out]\ntype = 'file'\npath = {:?}\n",
        directory.path().join("state"),
        directory.path().join("events")
    );
    let mut service = Service::start_unseen(config(&text)).await.unwrap();
    let account = |service: &Service, name: &str| -> Arc<Account> {
        Arc::clone(service.view.roll.borrow().accounts.get(name).unwrap())
    };
    let (crm, mail) = (account(&service, "crm"), account(&service, "mail"));
    let other = Config { listen: None, ..config(&text.replace("api_key = 'x'", "api_key = 'y'")) };
    let fresh = service.prepare(&other).await.unwrap();
    assert!(!mail.stop.is_cancelled(), "until everything is there");
    service.switch(fresh, other).await.unwrap();
    assert!(Arc::ptr_eq(&crm, &account(&service, "crm")) && !crm.stop.is_cancelled());
    assert!(mail.stop.is_cancelled() && !account(&service, "mail").stop.is_cancelled());
    service.close().await.unwrap();
}

#[tokio::test]
async fn a_disk_without_room_for_other_sinks_leaves_everything_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let faults = Faults::default();
    let before = Config { listen: None, ..config(TEXT) };
    let store = Store::open_for_test(directory.path(), &store_options(&before.spool), &faults).unwrap();
    let mut service = Service::on(store.clone(), before).await.unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    // Enough of them to need another page of the file.
    let sinks =
        (0..200).map(|number| format!("[sinks.s{number}]\ntype = 'file'\npath = '/tmp/events{number}'\n"));
    let text = sinks.fold(TEXT.replace("[sinks.out]\ntype = 'stdout'\n", ""), |text, sink| text + &sink);
    let other = Config { listen: Some(free), ..config(&text) };
    faults.no_room.store(true, Ordering::Relaxed);
    let failure = service.prepare(&other).await.err().unwrap();
    assert!(matches!(failure, ServiceError::Store(StoreError::Full { .. })), "{failure}");
    std::net::TcpListener::bind(free).expect("it does not listen there");
    let names = |snapshot: Snapshot| snapshot.sinks.into_iter().map(|sink| sink.name).collect::<Vec<_>>();
    assert_eq!(names(store.snapshot().await.unwrap()), ["out", "siem"]);
    faults.no_room.store(false, Ordering::Relaxed);
    let fresh = service.prepare(&other).await.unwrap();
    service.switch(fresh, other).await.unwrap();
    assert_eq!(store.snapshot().await.unwrap().sinks.len(), 201);
    service.close().await.unwrap();
}
