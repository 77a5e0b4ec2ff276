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
    CefEncoder::new(include_original, &observer()).encode(event, detail, &mut out);
    String::from_utf8(out).unwrap()
}

/// Reads a line by the rules of the standard and by nothing that the encoder knows; panics at whatever they do
/// not allow.
fn read(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    assert!(!line.chars().any(char::is_control), "{line:?}");
    let (mut header, mut field, mut chars) = (Vec::new(), String::new(), line.char_indices());
    let start = loop {
        match chars.next().expect("seven fields, each with a pipe behind it") {
            (_, '\\') => match chars.next().unwrap().1 {
                char @ ('\\' | '|') => field.push(char),
                other => panic!("no escape of a header: \\{other}"),
            },
            (at, '|') => {
                header.push(std::mem::take(&mut field));
                if header.len() == 7 {
                    break at + 1;
                }
            }
            (_, char) => field.push(char),
        }
    };
    (header, read_extension(&line[start..]))
}

/// A key is what stands between a space and an equals sign that is not escaped; all before that space is the
/// value of the key before it.
fn read_extension(extension: &str) -> BTreeMap<String, String> {
    let is_key = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut signs = Vec::new();
    let mut is_escaped = false;
    for (at, char) in extension.char_indices() {
        if char == '=' && !is_escaped {
            signs.push(at);
        }
        is_escaped = char == '\\' && !is_escaped;
    }
    let starts: Vec<usize> =
        signs.iter().map(|sign| extension[..*sign].rfind(' ').map_or(0, |space| space + 1)).collect();
    let mut pairs = BTreeMap::new();
    for (number, (start, sign)) in starts.iter().zip(&signs).enumerate() {
        let key = &extension[*start..*sign];
        assert!(is_key(key), "{key:?} in {extension:?}");
        let end = starts.get(number + 1).map_or(extension.len(), |next| next - 1);
        let value = unescaped(&extension[sign + 1..end]);
        assert!(!value.is_empty(), "{key}");
        assert!(pairs.insert(key.to_owned(), value).is_none(), "{key} twice");
    }
    pairs
}

fn unescaped(value: &str) -> String {
    let (mut text, mut chars) = (String::new(), value.chars());
    while let Some(char) = chars.next() {
        text.push(match char {
            '\\' => match chars.next().expect("something behind a backslash") {
                'n' => '\n',
                'r' => '\r',
                char @ ('\\' | '=') => char,
                other => panic!("no escape of a value: \\{other}"),
            },
            char => char,
        });
    }
    text
}

#[test]
fn an_event_is_a_header_and_pairs() {
    let event = full_event();
    assert_eq!(
        line(&stored(&event, "{}"), false, Detail::Full),
        "CEF:0|auditferry|hubspot|0.1.0|deactivate-user|Deactivate user|5|rt=1725971218098 \
         externalId=abababababababababababababababab dvchost=collector-1 cat=user-disabled act=deactivate-user \
         outcome=failure reason=not allowed msg=Deactivate user 70769658 by david@creativelabs.example \
         deviceFacility=hubspot.security deviceExternalId=148911045 auditferryOrganizationName=Creative Labs \
         cs1=user cs1Label=Object Type cs2=70769658 cs2Label=Object ID cs4=DEACTIVATE_USER cs4Label=Code \
         deviceCustomDate1=1725971300000 deviceCustomDate1Label=Collected requestClientApplication=Mozilla/5.0 \
         (X11) suser=david@creativelabs.example suid=70700783 auditferryUserName=David duser=Eve duid=70769658 \
         src=203.0.113.7 cs5=mumbai, india cs5Label=Location cs6=IN cs6Label=Country \
         auditferrySourceRegion=IN-MH cs3=crm cs3Label=Source cn1=42 cn1Label=Sequence"
    );
}

#[test]
fn header_fields_escape_pipes_and_backslashes_and_nothing_else() {
    let mut event = full_event();
    event.event.action = "a|b\\c=d\ne\tf".to_owned();
    let line = line(&stored(&event, "{}"), false, Detail::Full);
    assert!(line.starts_with(r"CEF:0|auditferry|hubspot|0.1.0|a\|b\\c=d e f|A\|b\\c=d e f|5|rt="), "{line}");
    let (header, pairs) = read(&line);
    assert_eq!(header[4], "a|b\\c=d e f");
    assert_eq!(pairs["act"], "a|b\\c=d\ne f");
}

#[test]
fn a_header_field_is_never_empty_and_never_too_long() {
    let mut event = full_event();
    event.event.action = String::new();
    event.event.module = "".into();
    assert_eq!(
        read(&line(&stored(&event, "{}"), false, Detail::Full)).0[2..6],
        ["unknown", "0.1.0", "unknown", "unknown"]
    );

    event.event.action = "\u{e9}".repeat(2_000);
    let (header, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
    assert_eq!((header[4].chars().count(), header[5].chars().count()), (1_023, 512));
    assert_eq!(pairs["act"].chars().count(), 2_000, "a value is whole");
}

#[test]
fn values_escape_backslashes_equals_signs_and_line_breaks() {
    let mut event = full_event();
    for (message, written) in [
        ("a b=c", r"a b\=c"),
        ("x cs1=forged cn1=7", r"x cs1\=forged cn1\=7"),
        ("C:\\n", r"C:\\n"),
        ("one\r\ntwo", r"one\r\ntwo"),
        ("a|b", "a|b"),
        ("a\tb\u{1b}[31m\0\u{7f}\u{85}\u{2028}c", "a b [31m    c"),
        ("\"quoted\" \u{1f980} \u{202e}x", "\"quoted\" \u{1f980} \u{202e}x"),
        ("  around\t ", "around"),
        ("end\\", r"end\\"),
    ] {
        event.message = Some(message.to_owned());
        let line = line(&stored(&event, "{}"), false, Detail::Full);
        assert!(line.contains(&format!(" msg={written} deviceFacility=")), "{message:?}: {line}");
        read(&line);
    }
}

#[test]
fn values_that_say_nothing_are_left_out_with_their_labels() {
    let mut event = full_event();
    event.event.reason = Some(" \t ".to_owned());
    event.event.code = Some(String::new());
    event.message = None;
    let (_, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
    for key in ["reason", "cs4", "cs4Label", "msg"] {
        assert!(!pairs.contains_key(key), "{key}");
    }
}

#[test]
fn an_address_stands_where_its_kind_belongs() {
    let address = |ip: Option<&str>, address: &str| {
        let mut event = full_event();
        let source = event.source.as_mut().unwrap();
        source.ip = ip.map(str::to_owned);
        source.address = Some(address.to_owned());
        let (_, mut pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
        pairs.retain(|key, _| ["src", "shost", "c6a2", "c6a2Label"].contains(&key.as_str()));
        pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(address(Some("203.0.113.7"), "203.0.113.7"), ["src=203.0.113.7"]);
    assert_eq!(
        address(Some("2001:db8::7"), "2001:db8::7"),
        ["c6a2=2001:db8::7", "c6a2Label=Source IPv6 Address"]
    );
    assert_eq!(address(None, "no address"), ["shost=no address"]);
    // As a sink with `redact` gets it.
    assert_eq!(address(Some("0f3a"), "0f3a"), ["shost=0f3a"]);
}

#[test]
fn severities_are_those_that_arcsight_calls_by_the_same_names() {
    use crate::event::Severity::{Critical, High, Informational, Low, Medium};
    for (severity, expected) in
        [(Informational, "1"), (Low, "3"), (Medium, "5"), (High, "8"), (Critical, "10")]
    {
        let mut event = full_event();
        event.event.severity = severity;
        assert_eq!(read(&line(&stored(&event, "{}"), false, Detail::Full)).0[6], expected);
    }
}

#[test]
fn details_of_the_daemon_and_errors_have_keys_of_their_own() {
    let mut event = full_event();
    event.auditferry.details.insert("about_source".to_owned(), json!("crm"));
    event.auditferry.details.insert("lag_seconds".to_owned(), json!(7));
    event.auditferry.details.insert("odd = na-me".to_owned(), json!({"a": "b=c"}));
    event.error = Some(crate::event::Error { message: "no time".to_owned() });
    let (_, pairs) = read(&line(&stored(&event, "{}"), false, Detail::Full));
    assert_eq!(pairs["auditferryAboutSource"], "crm");
    assert_eq!(pairs["auditferryLagSeconds"], "7");
    assert_eq!(pairs["auditferryOddNaMe"], r#"{"a":"b=c"}"#);
    assert_eq!(pairs["auditferryError"], "no time");
}

#[test]
fn the_record_says_the_same_and_only_when_it_is_asked_for() {
    let record = "{\r\n\t\"a\": \"x=y|\\n\\\\ \u{2028}\u{7f}\u{1f980}\",\n \"n\": 12345678901234567890123}";
    let (_, pairs) = read(&line(&stored(&full_event(), record), true, Detail::Full));
    let said: Value = serde_json::from_str(&pairs["rawEvent"]).unwrap();
    assert_eq!(said, serde_json::from_str::<Value>(record).unwrap());
    let (_, pairs) = read(&line(&stored(&full_event(), record), false, Detail::Full));
    assert!(!pairs.contains_key("rawEvent") && !pairs.contains_key("auditferryShortened"));
}

#[test]
fn what_is_shortened_says_so_and_keeps_its_identity() {
    let mut event = full_event();
    event.user_agent.as_mut().unwrap().original = "\u{1f980}=\\".repeat(100_000);
    let event = stored(&event, r#"{"a":"b"}"#);
    let full = line(&event, true, Detail::Full);
    let (_, pairs) = read(&full);
    assert_eq!(pairs["requestClientApplication"].chars().count(), 300_000);

    let (_, without_original) = read(&line(&event, true, Detail::WithoutOriginal));
    assert_eq!(without_original["auditferryShortened"], "yes");
    assert!(!without_original.contains_key("rawEvent"));
    assert_eq!(without_original["requestClientApplication"], pairs["requestClientApplication"]);

    let shortest = line(&event, true, Detail::WithoutRecord);
    assert!(shortest.len() < 2_048, "{shortest}");
    let (_, shortest) = read(&shortest);
    assert_eq!(shortest["requestClientApplication"].chars().count(), 128);
    for key in ["externalId", "cn1", "deviceFacility", "cs3", "rt", "act"] {
        assert_eq!(shortest[key], pairs[key]);
    }
}

#[test]
fn whatever_an_event_holds_can_be_read_back() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    println!("seed {seed}");
    let mut encoder = Encoder::new(Format::cef(true, &observer()), Envelope::Line);
    for _ in 0..2_000 {
        let mut event = full_event();
        let texts: Vec<String> = (0..6).map(|_| nasty(&mut random)).collect();
        event.event.action.clone_from(&texts[0]);
        event.message = Some(texts[1].clone());
        event.user.as_mut().unwrap().email = Some(texts[2].clone());
        event.event.reason = Some(texts[3].clone());
        event.user_agent.as_mut().unwrap().original.clone_from(&texts[4]);
        let record = json!({ texts[5].clone(): texts[1] });
        let mut out = Vec::new();
        encoder.encode(&stored(&event, &serde_json::to_string_pretty(&record).unwrap()), &mut out);
        let (_, pairs) = read(std::str::from_utf8(&out).unwrap());
        for (key, text) in
            ["act", "msg", "suser", "reason", "requestClientApplication"].into_iter().zip(&texts)
        {
            let expected: String = text
                .chars()
                .map(|char| match char {
                    '\n' | '\r' => char,
                    '\u{2028}' => ' ',
                    _ if char.is_control() => ' ',
                    _ => char,
                })
                .collect();
            let said = pairs.get(key).map_or("", String::as_str);
            assert_eq!(said, expected.trim_matches(' '), "{key}");
        }
        assert_eq!(serde_json::from_str::<Value>(&pairs["rawEvent"]).unwrap(), record);
        assert_eq!((pairs["cn1"].as_str(), pairs["cn1Label"].as_str()), ("42", "Sequence"));
    }
}
