//! Formats that are lines of text.

use super::*;

#[test]
fn a_line_of_text_stands_behind_the_name_of_the_host_as_it_is() {
    let event = stored("{\"a\":\r\n\"=\u{1f980}|\\n^\u{2028}\"}");
    for format in [Format::cef(true, &observer()), Format::leef(true, &observer())] {
        let line = text(&mut Encoder::new(format.clone(), Envelope::Line), &event);
        assert!(line.contains('\u{1f980}') && !line.chars().any(char::is_control), "{line}");
        let rfc3164 = SyslogHeader { is_rfc5424: false, ..header() };
        let message = text(&mut encoder(&rfc3164, format.clone()), &event);
        assert_eq!(message, format!("<109>Mar  4 05:06:07 collector-1 {line}"));
        let message = text(&mut encoder(&header(), format), &event);
        assert!(message.starts_with("<109>1 2026-03-04T05:06:07.089Z collector-1 auditferry "), "{message}");
        assert_eq!(parsed(&message).msg, line);
        assert_eq!(param(&parsed(&message), SD_ID, "event_id"), Some("ab".repeat(16)));
    }
}

#[test]
fn a_line_of_text_that_is_too_long_says_less_and_says_so() {
    let event = stored(&format!("{{\"text\":\"{}\"}}", "x".repeat(10_000)));
    for (format, shortened) in [
        (Format::cef(true, &observer()), " auditferryShortened=yes "),
        (Format::leef(true, &observer()), "^shortened=yes"),
    ] {
        let sized = |max_message_size| {
            text(&mut encoder(&SyslogHeader { max_message_size, ..header() }, format.clone()), &event)
        };
        assert!(!sized(20_000).contains(shortened));
        let message = sized(2_048);
        assert!(message.len() <= 2_048 && message.contains(shortened), "{message}");
        assert_eq!(param(&parsed(&message), SD_ID, "shortened"), Some("yes".to_owned()));
    }
}
