//! Records of all that breaks log pipelines: quotes, brackets, backslashes, line breaks, control bytes, emoji,
//! marks of right-to-left text, things that look like syslog, and fields of 100 kB.

use std::fmt::Write;
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;

/// A record as large as anybody has seen.
const LONG_FIELD: usize = 100_000;
/// One record in so many has a long field.
const LONG_EVERY: usize = 500;

const PIECES: [&str; 46] = [
    "\"",
    "\\",
    "]",
    "[",
    "{",
    "}",
    "'",
    ",",
    ":",
    " ",
    "  ",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\u{1}",
    "\u{7}",
    "\u{8}",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{200f}",
    "\u{202e}cba\u{202c}",
    "\u{fffd}",
    "\u{10ffff}",
    "é",
    "e\u{301}",
    "ß",
    "中文",
    "שלום",
    "مرحبا",
    "😀",
    "👩‍👩‍👧",
    "🏳️‍🌈",
    "<13>1 - - - - - - ",
    "\n<13>",
    "42 ",
    "%msg%",
    "$MSG",
    "#012",
    "\\u0000",
    "\"}}\n",
];

/// How many, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nasty {
    pub(crate) count: usize,
    /// Whether there are fields of 100 kB among them.
    pub(crate) long: bool,
}

impl Nasty {
    /// What makes the simulator's Brevo serve them: the body of `POST /simulator/events`. All different.
    pub(crate) fn planted(self) -> String {
        let seed = fastrand::u64(..);
        println!("{} nasty records of seed {seed}", self.count);
        let mut random = Rng::with_seed(seed);
        let now = Timestamp::now();
        let mut body = String::from("[");
        for serial in 0..self.count {
            let time = now - Duration::from_secs(random.u64(3_600..20 * 86_400));
            let time = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            let comma = if serial == 0 { "" } else { "," };
            write!(body, r#"{comma}{{"stream":"brevo.activities","time":"{time}","record":"#).unwrap();
            let long = self.long && serial % LONG_EVERY == LONG_EVERY / 2;
            push_record(&mut body, &mut random, serial, &time, long);
            body.push('}');
        }
        body.push(']');
        body
    }
}

fn push_record(out: &mut String, random: &mut Rng, serial: usize, time: &str, long: bool) {
    write!(out, r#"{{"date":"{time}","serial":{serial},"#).unwrap();
    for member in ["action", "user_email", "user_ip", "user_agent"] {
        let text = text_of(random, 60);
        write!(out, r#""{member}":"#).unwrap();
        push_string(out, random, &text);
        out.push(',');
    }
    // White space between tokens, empty containers, numbers that are no f64: all of it is JSON.
    out.push_str(
        "\"nothing\" : null,\t\"empty\":[ [],{} ],\"large\":123456789012345678901234567890,\"details\":{",
    );
    let (name, text) = (text_of(random, 20), text_of(random, 300));
    push_string(out, random, &name);
    out.push(':');
    push_string(out, random, &text);
    if long {
        let text = text_of(random, LONG_FIELD);
        out.push_str(",\"long\":");
        push_string(out, random, &text);
    }
    out.push_str("}}");
}

/// Nasty text of at least so many bytes.
fn text_of(random: &mut Rng, length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        if random.bool() {
            text.extend(std::iter::repeat_with(|| random.alphanumeric()).take(8));
        }
        text.push_str(random.choice(PIECES).unwrap_or_default());
    }
    text
}

/// A JSON string (RFC 8259 section 7), written in one of the many ways that there are.
fn push_string(out: &mut String, random: &mut Rng, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '\n' if random.bool() => out.push_str("\\n"),
            '\t' if random.bool() => out.push_str("\\t"),
            '"' | '\\' if random.bool() => out.extend(['\\', character]),
            _ if u32::from(character) < 32 || matches!(character, '"' | '\\') || random.u8(..10) == 0 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").unwrap();
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
