use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::text::testing::{full_event, nasty, stored};
use super::super::{Encoder, Envelope, Format};
use super::*;

fn observer() -> Observer {
    Observer { hostname: "collector-1".to_owned(), version: "0.1.0".to_owned() }
}

fn line(event: &StoredEvent, include_original: bool, detail: Detail) -> String {
    let mut out = Vec::new();
    LeefEncoder::new(include_original, &observer()).encode(event, detail, &mut out);
    String::from_utf8(out).unwrap()
}

/// Reads a line by IBM's guide; panics at whatever it does not allow or advises against.
fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    assert!(!line.chars().any(char::is_control), "{line:?}");
    let fields: Vec<&str> = line.split('|').collect();
    let [header @ .., attributes] = fields.as_slice() else { panic!("{line}") };
    assert_eq!(header.len(), 6, "a pipe in a value: {line}");
    let mut pairs = BTreeMap::new();
    for pair in attributes.split(header[5]) {
        let (key, value) = pair.split_once('=').unwrap_or_else(|| panic!("{pair:?} in {line}"));
        assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key}");
        assert!(!value.is_empty() && value.trim_matches(' ') == value, "{pair:?}");
        assert!(pairs.insert(key.to_owned(), value.to_owned()).is_none(), "{key} twice");
    }
    (header.iter().map(|field| (*field).to_owned()).collect(), pairs)
}

#[test]
fn an_event_is_a_header_and_pairs() {
    assert_eq!(
        line(&stored(&full_event(), "{}"), false, Detail::Full),
        "LEEF:2.0|auditferry|hubspot|0.1.0|deactivate-user|^|cat=user-disabled\
         ^eventId=abababababababababababababababab^sequence=42^dataset=hubspot.security^source=crm\
         ^stream=security^collectorHost=collector-1^devTime=Sep 10 2024 12:26:58.098 GMT\
         ^devTimeFormat=MMM dd yyyy HH:mm:ss.SSS z^sev=5^outcome=failure^reason=not allowed\
         ^message=Deactivate user 70769658 by david@creativelabs.example^code=DEACTIVATE_USER\
         ^collected=Sep 10 2024 12:28:20.000 GMT^organizationId=148911045^organizationName=Creative Labs\
         ^objectType=user^objectId=70769658^userAgent=Mozilla/5.0 (X11)^usrName=david@creativelabs.example\
         ^userId=70700783^userFullName=David^domain=creativelabs.example^accountName=Eve^accountId=70769658\
         ^src=203.0.113.7^location=mumbai, india^country=IN^region=IN-MH"
    );
}

#[test]
fn no_key_is_one_that_the_guide_gives_another_meaning() {
    // Predefined keys, but for those that are used as they are meant.
    const OTHERS: [&str; 37] = [
        "proto",
        "dst",
        "srcPort",
        "dstPort",
        "srcPreNAT",
        "dstPreNAT",
        "srcPostNAT",
        "dstPostNAT",
        "srcMAC",
        "dstMAC",
        "srcPreNATPort",
        "dstPreNATPort",
        "srcPostNATPort",
        "dstPostNATPort",
        "identSrc",
        "identHostName",
        "identNetBios",
        "identGrpName",
        "identMAC",
        "vSrc",
        "vSrcName",
        "srcBytes",
        "dstBytes",
        "srcPackets",
        "dstPackets",
        "totalPackets",
        "role",
        "realm",
        "policy",
        "resource",
        "url",
        "groupID",
        "isLoginEvent",
        "isLogoutEvent",
        "identSecondlp",
        "calLanguage",
        "calCountryOrRegion",
    ];
    let (_, pairs) = read(&line(&stored(&full_event(), "{}"), true, Detail::Full));
    for key in pairs.keys() {
        assert!(!OTHERS.iter().any(|other| other.eq_ignore_ascii_case(key)), "{key}");
    }
}

#[test]
fn delimiters_pipes_and_control_characters_are_spaces() {
    let mut event = full_event();
    event.event.action = "a|b^c\nd=e".to_owned();
    event.message = Some("\ta^b|c\r\nd=e\\ \u{1f980}\u{2028} ^src=1.2.3.4".to_owned());
    let line = line(&stored(&event, "{}"), false, Detail::Full);
    assert!(line.starts_with("LEEF:2.0|auditferry|hubspot|0.1.0|a b c d=e|^|cat="), "{line}");
    let (_, pairs) = read(&line);
    assert_eq!(pairs["message"], "a b c  d=e\\ \u{1f980}   src=1.2.3.4");
    assert_eq!(pairs["src"], "203.0.113.7");
}

#[test]
fn names_keep_to_the_lengths_of_the_guide() {
    let mut event = full_event();
    event.event.action = "\u{e9}".repeat(300);
    event.user.as_mut().unwrap().email = Some("\u{1f980}".repeat(300));
    let (header, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
    assert_eq!(header[4].chars().count(), 255);
    assert_eq!(pairs["usrName"].chars().count(), 255);
}

#[test]
fn an_address_of_either_family_is_the_source_and_nothing_else_is() {
    for (ip, address, key) in [
        (Some("203.0.113.7"), "203.0.113.7", "src"),
        (Some("2001:db8::7"), "2001:db8::7", "src"),
        (None, "no address", "sourceAddress"),
        (Some("0f3a"), "0f3a", "sourceAddress"),
    ] {
        let mut event = full_event();
        let source = event.source.as_mut().unwrap();
        source.ip = ip.map(str::to_owned);
        source.address = Some(address.to_owned());
        let (_, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
        assert_eq!(pairs[key], address);
        assert!(!(pairs.contains_key("src") && pairs.contains_key("sourceAddress")));
    }
}

#[test]
fn a_user_without_a_name_is_called_by_the_id() {
    let mut event = full_event();
    let user = event.user.as_mut().unwrap();
    (user.email, user.name) = (None, None);
    let (_, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
    assert_eq!(pairs["usrName"], "70700783");
}

#[test]
fn details_of_the_daemon_do_not_take_the_keys_of_the_event() {
    let mut event = full_event();
    event.auditferry.details.insert("event_id".to_owned(), json!("another"));
    event.auditferry.details.insert("last_sequence".to_owned(), json!(7));
    let (_, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
    assert_eq!(pairs["eventId"], "ab".repeat(16));
    assert_eq!(pairs["auditferryEventId"], "another");
    assert_eq!(pairs["auditferryLastSequence"], "7");
}

#[test]
fn what_is_shortened_says_so_and_keeps_its_identity() {
    let mut event = full_event();
    event.message = Some("m".repeat(100_000));
    let event = stored(&event, r#"{"a":"b"}"#);
    let (_, full) = read(&line(&event, true, Detail::Full));
    assert_eq!(full["message"].len(), 100_000);
    assert!(!full.contains_key("shortened"));

    let (_, without_original) = read(&line(&event, true, Detail::WithoutOriginal));
    assert_eq!(without_original["shortened"], "yes");
    assert!(!without_original.contains_key("original"));
    assert_eq!(without_original["message"].len(), 100_000);

    let shortest = line(&event, true, Detail::WithoutRecord);
    assert!(shortest.len() < 2_048, "{shortest}");
    let (_, shortest) = read(&shortest);
    assert_eq!(shortest["message"].len(), 128);
    for key in ["eventId", "sequence", "dataset", "source", "stream", "devTime"] {
        assert_eq!(shortest[key], full[key]);
    }
}

#[test]
fn whatever_an_event_holds_can_be_read_back() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    println!("seed {seed}");
    let mut encoder = Encoder::new(Format::leef(true, &observer()), Envelope::Line);
    for _ in 0..2_000 {
        let mut event = full_event();
        let texts: Vec<String> = (0..4).map(|_| nasty(&mut random)).collect();
        event.event.action.clone_from(&texts[0]);
        event.message = Some(texts[1].clone());
        event.user.as_mut().unwrap().email = Some(texts[2].clone());
        let record = json!({ texts[3].clone(): texts[1] });
        let mut out = Vec::new();
        encoder.encode(&stored(&event, &serde_json::to_string_pretty(&record).unwrap()), &mut out);
        let (header, pairs) = read(std::str::from_utf8(&out).unwrap());
        let spaced = |text: &str| {
            let is_refused = |char: char| char.is_control() || "^|\u{2028}".contains(char);
            text.replace(is_refused, " ").trim_matches(' ').to_owned()
        };
        let action = spaced(&texts[0]);
        assert_eq!(header[4], if action.is_empty() { "unknown" } else { action.as_str() });
        assert_eq!(pairs.get("message").cloned().unwrap_or_default(), spaced(&texts[1]));
        assert_eq!(pairs.get("usrName").cloned().unwrap_or_default(), spaced(&texts[2]));
        assert_eq!(serde_json::from_str::<Value>(&pairs["original"]).unwrap(), record);
        assert_eq!(pairs["eventId"], "ab".repeat(16));
    }
}
