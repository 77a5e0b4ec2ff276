use super::*;

/// An action and a document as a sink sends them.
fn lines(index: &str, id: u8, document: &Value) -> String {
    let id = format!("{id:032x}");
    format!("{}\n{document}\n", json!({"create": {"_index": index, "_id": id}}))
}

fn document(id: u8) -> Value {
    json!({"@timestamp": "2026-01-01T00:00:00Z", "event": {"id": format!("{id:032x}"), "dataset": "a.b"}})
}

fn good(id: u8) -> String {
    lines("logs-a.b-default", id, &document(id))
}

fn asked(receiver: &mut Receiver, query: &str, text: &str) -> Result<Value, Answer> {
    let body = take(receiver, query, text, &mut fastrand::Rng::with_seed(1))?;
    Ok(serde_json::from_str(&body).unwrap())
}

fn statuses(answer: &Value) -> Vec<u64> {
    let items = answer["items"].as_array().unwrap().iter();
    items.map(|item| item["create"]["status"].as_u64().unwrap()).collect()
}

#[test]
fn an_id_is_taken_once_and_an_item_failure_is_its_own() {
    let mut receiver = Receiver::default();
    let text = [good(1), good(2), good(1)].concat();
    let answer = asked(&mut receiver, "", &text).unwrap();
    assert_eq!((statuses(&answer), &answer["errors"]), (vec![201, 201, 409], &json!(true)));
    assert_eq!(answer["items"][2]["create"]["error"]["type"], "version_conflict_engine_exception");
    let stats = receiver.stats();
    assert_eq!((stats.unique, stats.repeated), (2, 0));
    let answer = asked(&mut receiver, "filter_path=errors,items.*.status", &good(3)).unwrap();
    assert_eq!(answer, json!({"errors": false, "items": [{"create": {"status": 201}}]}));
}

#[test]
fn a_document_that_a_data_stream_does_not_take_is_refused() {
    let mut no_time = document(1);
    no_time.as_object_mut().unwrap().remove("@timestamp");
    let mut elsewhere = document(1);
    elsewhere["data_stream"] = json!({"type": "logs", "dataset": "other", "namespace": "default"});
    let stream = "logs-a.b-default";
    for (status, text) in [
        (400, lines(stream, 1, &no_time)),
        (400, lines(stream, 1, &elsewhere)),
        (400, lines(stream, 1, &json!([1]))),
        (400, lines(stream, 2, &document(1))),
        (400, lines("logs-A-default", 1, &document(1))),
        (404, lines("logs-a.b", 1, &document(1))),
        (404, lines("logs-a-b-c", 1, &document(1))),
        (404, lines("auditferry", 1, &document(1))),
    ] {
        let mut receiver = Receiver::default();
        let answer = asked(&mut receiver, "", &text).unwrap();
        assert_eq!(statuses(&answer), [status], "{text}{answer}");
        assert_eq!(receiver.stats().unique, 0);
    }
}

#[test]
fn a_request_that_is_no_bulk_request_is_refused_as_a_whole() {
    let index = good(1).replace("create", "index");
    let cut = good(1).trim_end().to_owned();
    let half = good(1).lines().next().unwrap().to_owned() + "\n";
    for (query, text, words) in [
        ("", index.as_str(), "Malformed action/metadata line [1]"),
        ("", &cut, "terminated by a newline"),
        ("", &half, "no document"),
        ("", "\n", "Malformed"),
        ("no_such=1", &good(1), "unrecognized parameter: [no_such]"),
    ] {
        let (status, body) = asked(&mut Receiver::default(), query, text).unwrap_err();
        assert!(status == 400 && body.to_string().contains(words), "{body}");
    }
    let mut receiver = Receiver::default();
    assert!(asked(&mut receiver, "require_data_stream=true", &good(1)).is_ok());
    receiver.faults.bulk.opensearch = true;
    assert!(asked(&mut receiver, "require_data_stream=true", &good(2)).is_err());
}

#[test]
fn the_switches_speak_for_single_items() {
    let mut receiver = Receiver::default();
    receiver.faults.poison = Some(format!("{:032x}", 2));
    let text = [good(1), good(2), good(3)].concat();
    assert_eq!(statuses(&asked(&mut receiver, "", &text).unwrap()), [201, 400, 201]);
    receiver.faults.poison = None;
    receiver.faults.bulk.failure_store.next = 1;
    let answer = asked(&mut receiver, "", &[good(4), good(5)].concat()).unwrap();
    let stores = [0, 1].map(|index: usize| answer["items"][index]["create"]["failure_store"].clone());
    assert_eq!(stores, [json!("used"), json!("not_applicable_or_unknown")]);
    receiver.faults.bulk.missing_privileges.insert("auto_configure".to_owned());
    assert_eq!(statuses(&asked(&mut receiver, "", &good(6)).unwrap()), [201], "the stream is there");
    let other = lines("logs-a.c-default", 7, &document(7));
    assert_eq!(statuses(&asked(&mut receiver, "", &other).unwrap()), [403]);
}
