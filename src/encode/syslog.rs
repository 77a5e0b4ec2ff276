//! Syslog messages: the header of RFC 5424 or RFC 3164 in front of an event that is a line of text.

use std::io::Write as _;

use super::{Detail, Format, Observer, dataset, timestamp};
use crate::event::StoredEvent;

/// Longest fields of the header (RFC 5424 section 6).
const LONGEST_HOSTNAME: usize = 255;
const LONGEST_APP_NAME: usize = 48;
const LONGEST_MSGID: usize = 32;
/// RFC 3164 section 4.1.3.
const LONGEST_TAG: usize = 32;
/// A field that has nothing to say (RFC 5424 section 6).
const NILVALUE: &str = "-";

/// `sequenceId` ends here and goes on with 1 (RFC 5424 section 7.3.1).
const LAST_SEQUENCE_ID: u32 = 2_147_483_647;

/// The structured data of this program. 32473 is the enterprise number of documentation (RFC 5612): nobody
/// else's, and stable.
const SD_ID: &str = "auditferry@32473";

/// Severities (RFC 5424 section 6.2.1).
const ERROR: u8 = 3;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;

/// What the configuration says about the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogHeader {
    /// RFC 5424 with structured data; else RFC 3164.
    pub is_rfc5424: bool,
    /// 0 to 23.
    pub facility: u8,
    /// APP-NAME or TAG.
    pub app_name: String,
    /// HOSTNAME; `None` is the observer's.
    pub hostname: Option<String>,
    /// Bytes of a message at most.
    pub max_message_size: usize,
}

/// Writes syslog messages, without the frame of the transport.
///
/// A message holds no line feed and no other control character, whatever the event holds, so that no framing
/// breaks and no receiver rewrites a byte of it. In a format of JSON it is ASCII but for names in structured
/// data. CEF and LEEF are UTF-8, without the byte order mark that RFC 5424 wants in front of that: their
/// receivers look for `CEF:` and `LEEF:` there.
#[derive(Debug, Clone)]
pub struct SyslogEnvelope {
    is_rfc5424: bool,
    facility: u8,
    hostname: String,
    /// `APP-NAME PROCID `, or `TAG: `.
    program: String,
    max_message_size: usize,
    /// Of the message before: lets a receiver see that one is missing.
    sequence_id: u32,
    /// The event before it is made plain ASCII; here to keep its room.
    plain: Vec<u8>,
}

impl SyslogEnvelope {
    /// An envelope with this header.
    pub fn new(header: &SyslogHeader, observer: &Observer) -> Self {
        let hostname = header.hostname.as_ref().unwrap_or(&observer.hostname);
        let program = if header.is_rfc5424 {
            format!("{} {} ", header_field(&header.app_name, LONGEST_APP_NAME), std::process::id())
        } else {
            format!("{}: ", tag(&header.app_name))
        };
        Self {
            is_rfc5424: header.is_rfc5424,
            facility: header.facility,
            hostname: header_field(hostname, LONGEST_HOSTNAME),
            program,
            max_message_size: header.max_message_size,
            sequence_id: 0,
            plain: Vec::new(),
        }
    }

    /// Appends the message to `out`, without frame or line feed. One that is longer than `max_message_size`
    /// says less of the event; when that does not help it is written in full, for the sink to refuse.
    pub(super) fn encode(&mut self, format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
        self.sequence_id = if self.sequence_id >= LAST_SEQUENCE_ID { 1 } else { self.sequence_id + 1 };
        let start = out.len();
        for detail in [Detail::Full, Detail::WithoutOriginal, Detail::WithoutRecord] {
            out.truncate(start);
            self.write(format, event, detail, out);
            if out.len() - start <= self.max_message_size {
                return;
            }
        }
        out.truncate(start);
        self.write(format, event, Detail::Full, out);
    }

    fn write(&mut self, format: &Format, event: &StoredEvent, detail: Detail, out: &mut Vec<u8>) {
        let header = if self.is_rfc5424 {
            self.rfc5424_header(event, detail != Detail::Full)
        } else {
            self.rfc3164_header(format, event)
        };
        out.extend_from_slice(header.as_bytes());
        self.plain.clear();
        format.encode(event, detail, &mut self.plain);
        if format.is_json() {
            push_ascii(&String::from_utf8_lossy(&self.plain), out);
        } else {
            out.extend_from_slice(&self.plain);
        }
    }

    /// `<PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA ` (RFC 5424 section 6).
    fn rfc5424_header(&self, event: &StoredEvent, is_shortened: bool) -> String {
        let Self { hostname, program, sequence_id, .. } = self;
        let priority = priority(self.facility, &event.core);
        let time = timestamp(&event.core);
        // Years before 0 and after 9999 have another form, which the RFC does not know.
        let time = if time.len() == "yyyy-mm-ddThh:mm:ss.mmmZ".len() { time } else { NILVALUE };
        let dataset = dataset(&event.core);
        let msgid = header_field(dataset, LONGEST_MSGID);
        let (id, sequence) = (event.id, event.sequence);
        let (dataset, source) = (param_value(dataset), param_value(&event.stream.source));
        let shortened = if is_shortened { " shortened=\"yes\"" } else { "" };
        format!(
            "<{priority}>1 {time} {hostname} {program}{msgid} \
             [{SD_ID} event_id=\"{id}\" sequence=\"{sequence}\" dataset=\"{dataset}\" source=\"{source}\"{shortened}]\
             [meta sequenceId=\"{sequence_id}\"] "
        )
    }

    /// `<PRI>Mmm dd hh:mm:ss HOSTNAME TAG: ` (RFC 3164 section 4.1), in UTC. CEF and LEEF follow the name of the
    /// host in their specifications: `CEF:` and `LEEF:` are the tag.
    fn rfc3164_header(&self, format: &Format, event: &StoredEvent) -> String {
        let hostname = &self.hostname;
        let program = if format.is_json() { self.program.as_str() } else { "" };
        let priority = priority(self.facility, &event.core);
        let time = rfc3164_time(timestamp(&event.core));
        format!("<{priority}>{time} {hostname} {program}")
    }
}

/// PRI: a failure is a warning, a record that could not be mapped an error, everything else a notice.
fn priority(facility: u8, core: &str) -> u16 {
    // Found as members only, because quotes inside of a JSON string are escaped; and those of `event`, because
    // it is the last object and holds no other.
    let fields = core.rfind("\"event\":{").map_or("", |at| &core[at..]);
    let severity = if fields.contains("\"kind\":\"pipeline_error\"") {
        ERROR
    } else if fields.contains("\"outcome\":\"failure\"") {
        WARNING
    } else {
        NOTICE
    };
    u16::from(facility) * 8 + u16::from(severity)
}

/// A header field: PRINTUSASCII up to a length, never empty. What is none becomes `_`.
fn header_field(text: &str, longest: usize) -> String {
    let field: String =
        text.chars().take(longest).map(|char| if char.is_ascii_graphic() { char } else { '_' }).collect();
    if field.is_empty() { NILVALUE.to_owned() } else { field }
}

/// Alphanumerics alone: any other character ends a TAG.
fn tag(text: &str) -> String {
    let tag: String = text.chars().filter(char::is_ascii_alphanumeric).take(LONGEST_TAG).collect();
    if tag.is_empty() { "auditferry".to_owned() } else { tag }
}

/// A PARAM-VALUE (RFC 5424 section 6.3.3). Receivers rewrite control characters: a space is told instead.
fn param_value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '"' | '\\' | ']') {
            value.push('\\');
        }
        value.push(if char.is_control() { ' ' } else { char });
    }
    value
}

/// `2026-03-04T05:06:07.089Z` as `Mar  4 05:06:07`. There is no way to say that the time is not known.
fn rfc3164_time(time: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts = || {
        let month: usize = time.get(5..7)?.parse().ok()?;
        let day: u8 = time.get(8..10)?.parse().ok()?;
        Some((*MONTHS.get(month.checked_sub(1)?)?, day, time.get(11..19)?))
    };
    let (month, day, clock) = parts().unwrap_or(("Jan", 1, "00:00:00"));
    format!("{month} {day:>2} {clock}")
}

/// Appends JSON as printable ASCII that says the same: other characters stand in texts only, where each has an
/// escape (RFC 8259 section 7), and control bytes between tokens only, where a space means the same.
fn push_ascii(json: &str, out: &mut Vec<u8>) {
    out.reserve(json.len());
    let mut rest = json;
    while let Some(at) = rest.bytes().position(|byte| !matches!(byte, b' '..=b'~')) {
        let (plain, others) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = others.chars();
        match chars.next() {
            Some('\0'..' ') => out.push(b' '),
            Some(char) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    // Writing into memory can't fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            None => {}
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

#[cfg(test)]
mod tests;
