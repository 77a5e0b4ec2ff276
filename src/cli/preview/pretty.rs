//! A line of JSON laid out for the eye, its members in their order.

use std::fmt::Write;

const INDENT: &str = "  ";
const RESET: &str = "\u{1b}[0m";
const NAME: &str = "\u{1b}[1;34m";
const TEXT: &str = "\u{1b}[32m";
const OTHER: &str = "\u{1b}[33m";

/// Without what could steer the terminal: what a provider says comes from outside.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// The same JSON over several lines, with colours if wanted.
pub(super) fn lay_out(line: &str, coloured: bool) -> String {
    let mut out = Layout { text: String::with_capacity(2 * line.len()), depth: 0, coloured };
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest);
        let (token, behind) = rest.split_at(length);
        let behind = behind.trim_start();
        match first {
            '{' | '[' if behind.starts_with(['}', ']']) => out.text.push(first),
            '{' | '[' => out.open(first),
            '}' | ']' if out.text.ends_with(['{', '[']) => out.text.push(first),
            '}' | ']' => out.close(first),
            ',' => out.next(),
            ':' => out.text.push_str(": "),
            '"' if behind.starts_with(':') => out.paint(NAME, token),
            '"' => out.paint(TEXT, token),
            _ => out.paint(OTHER, token),
        }
        rest = behind;
    }
    out.text.push('\n');
    out.text
}

struct Layout {
    text: String,
    depth: usize,
    coloured: bool,
}

impl Layout {
    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.depth += 1;
        self.line();
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        self.line();
        self.text.push(bracket);
    }

    fn next(&mut self) {
        self.text.push(',');
        self.line();
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.push_str(&INDENT.repeat(self.depth));
    }

    fn paint(&mut self, colour: &str, token: &str) {
        // JSON escapes control characters, all but those from 0x7f to 0x9f.
        let token = printable(token);
        // Writing into a text can't fail.
        let _ = if self.coloured {
            write!(self.text, "{colour}{token}{RESET}")
        } else {
            write!(self.text, "{token}")
        };
    }
}

/// Bytes of the first token of a text that is not empty.
fn token_length(text: &str) -> usize {
    match text.as_bytes() {
        [b'"', body @ ..] => {
            let mut escaped = false;
            let end = body.iter().position(|&byte| {
                let is_end = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                is_end
            });
            // With both quotes.
            end.map_or(text.len(), |end| end + 2)
        }
        [b'{' | b'}' | b'[' | b']' | b',' | b':', ..] => 1,
        // A word: it begins with none of these.
        _ => text.find(|letter: char| "{}[],:\" \t".contains(letter)).unwrap_or(text.len()).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str =
        r#"{"b":{"say":"a \"word\", {not} \\","n":[1,-2.5e3,null],"none":{},"no":[]},"a":true}"#;

    #[test]
    fn it_is_the_same_json_with_its_members_in_their_order() {
        let shown = lay_out(LINE, false);
        let same = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(same(&shown), same(LINE));
        assert!(shown.find("\"b\"").unwrap() < shown.find("\"a\"").unwrap(), "{shown}");
        assert!(shown.contains("\n    \"none\": {},\n    \"no\": []\n  },\n  \"a\": true\n}\n"), "{shown}");
    }

    #[test]
    fn colours_change_nothing_else() {
        let mut shown = lay_out(LINE, true);
        assert!(shown.contains("\u{1b}[1;34m\"b\"\u{1b}[0m: {"), "{shown}");
        for colour in [RESET, NAME, TEXT, OTHER] {
            shown = shown.replace(colour, "");
        }
        assert_eq!(shown, lay_out(LINE, false));
    }

    #[test]
    fn nothing_from_outside_steers_the_terminal() {
        assert!(!lay_out("{\"a\":\"\u{9b}2J\u{7f}\"}", false).contains(['\u{9b}', '\u{7f}']));
        assert_eq!(printable("a\u{1b}[2J"), "a [2J");
    }

    #[test]
    fn what_is_no_json_is_shown_and_nothing_hangs() {
        for text in ["", "{", "\"open", "}}]]", "é", "{\"a\":"] {
            assert!(lay_out(text, true).ends_with('\n'));
        }
    }
}
