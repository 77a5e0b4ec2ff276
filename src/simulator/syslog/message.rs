//! The event in a syslog message: what stands behind the header.

/// The MSG of a message of RFC 5424 or RFC 3164, without a byte order mark; a bare JSON object is its own.
///
/// # Errors
/// What is wrong with the message.
pub(crate) fn text_of(message: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(message).map_err(|error| format!("not UTF-8: {error}"))?;
    if text.starts_with('{') {
        return Ok(text);
    }
    let behind = text.strip_prefix('<').and_then(|text| text.split_once('>'));
    let Some((priority, header)) = behind else { return Err("a message without <PRI>".to_owned()) };
    if !priority.parse::<u8>().is_ok_and(|priority| priority <= 191) {
        return Err(format!("a message with the priority {priority:?}"));
    }
    let found = match header.strip_prefix("1 ") {
        Some(header) => behind_structured_data(header),
        None => header.get(15..).and_then(behind_hostname),
    };
    let text = found.ok_or_else(|| format!("a header that can't be read: {}", start_of(text)))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// RFC 3164 section 4.1.3: the TAG ends with what is no letter or digit, in practice a colon. That of CEF and LEEF
/// belongs to the event.
fn behind_hostname(header: &str) -> Option<&str> {
    let (_, text) = header.strip_prefix(' ')?.split_once(' ')?;
    if text.starts_with("CEF:") || text.starts_with("LEEF:") {
        return Some(text);
    }
    text.split_once(": ").map(|(_, text)| text)
}

/// RFC 5424 section 6: five fields, structured data, a space, MSG.
fn behind_structured_data(header: &str) -> Option<&str> {
    let mut rest = header;
    for _ in 0..5 {
        let (field, behind) = rest.split_once(' ')?;
        if field.is_empty() || !field.bytes().all(|byte| (33..=126).contains(&byte)) {
            return None;
        }
        rest = behind;
    }
    if let Some(rest) = rest.strip_prefix("- ") {
        return Some(rest);
    }
    while rest.starts_with('[') {
        rest = behind_element(rest)?;
    }
    rest.strip_prefix(' ')
}

/// What stands behind the first SD-ELEMENT: brackets within quotes, and quotes behind a backslash, end nothing.
fn behind_element(text: &str) -> Option<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b']' if !is_quoted => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

fn start_of(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_what_stands_behind_the_header() {
        for message in [
            r#"<109>1 2026-11-22T04:00:00.000Z host auditferry 7 hubspot.login - {"a":1}"#,
            r#"<109>1 - - - - - [x@32473 a="] {\"b\":2}" c="\\"][meta sequenceId="1"] {"a":1}"#,
            "<0>1 - - - - - - \u{feff}{\"a\":1}",
            r#"<13>Nov  2 04:00:00 host auditferry: {"a":1}"#,
            r#"<13>Nov 22 04:00:00 host auditferry[7]: {"a":1}"#,
            r#"{"a":1}"#,
        ] {
            assert_eq!(text_of(message.as_bytes()), Ok(r#"{"a":1}"#), "{message}");
        }
    }

    #[test]
    fn the_tag_of_cef_and_leef_belongs_to_the_event() {
        for event in ["CEF:0|a|b|1|c|d|5|msg=e: f", "LEEF:2.0|a|b|1|c|^|d=e: f"] {
            for header in
                ["<13>Nov  2 04:00:00 host", "<13>1 - - - - - -", "<13>Nov 22 04:00:00 host auditferry:"]
            {
                assert_eq!(text_of(format!("{header} {event}").as_bytes()), Ok(event));
            }
        }
    }

    #[test]
    fn what_is_no_message_is_told() {
        for message in [
            &b""[..],
            b"no message",
            b"<192>1 - - - - - - {}",
            b"<x>1 - - - - - - {}",
            b"<13>1 - - - - - ",
            b"<13>1 - - - - - [x a=\"] {}",
            b"<13>1 -  - - - - {}",
            b"<13>Nov 2",
            b"<13>1 - - - - - - {\"a\":\"\xff\"}",
        ] {
            assert!(text_of(message).is_err(), "{}", String::from_utf8_lossy(message));
        }
    }
}
