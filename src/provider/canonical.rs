//! One text for one JSON value, whatever the order of its members, its white space and its escapes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// Deeper values keep the order of their members: a level costs one more reading of all that it holds, and
/// the stack is finite. Audit records are two deep.
const DEEPEST: usize = 32;

/// Members sorted by name (of two alike the last counts), no white space, the fewest escapes, numbers in the
/// digits that they came in. `json` is one valid JSON value.
pub(super) fn canonical(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    write(json.trim(), 0, &mut text);
    text
}

fn write(json: &str, depth: usize, to: &mut String) {
    match json.as_bytes().first() {
        Some(b'{') if depth < DEEPEST => match serde_json::from_str::<BTreeMap<String, &RawValue>>(json) {
            Ok(members) => {
                let members = members.into_iter().map(|(name, value)| (quoted(&name), value));
                list(b"{}", members, depth, to);
            }
            Err(_) => squeeze(json, to),
        },
        Some(b'[') if depth < DEEPEST => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => list(b"[]", items.into_iter().map(|item| (String::new(), item)), depth, to),
            Err(_) => squeeze(json, to),
        },
        // An escape that stands for half a character cannot be read, so it stays as it is.
        Some(b'"') => match serde_json::from_str::<String>(json) {
            Ok(text) => to.push_str(&quoted(&text)),
            Err(_) => to.push_str(json),
        },
        _ => squeeze(json, to),
    }
}

fn list<'a>(
    brackets: &[u8; 2],
    values: impl Iterator<Item = (String, &'a RawValue)>,
    depth: usize,
    to: &mut String,
) {
    to.push(char::from(brackets[0]));
    for (at, (name, value)) in values.enumerate() {
        if at > 0 {
            to.push(',');
        }
        if !name.is_empty() {
            to.push_str(&name);
            to.push(':');
        }
        write(value.get(), depth + 1, to);
    }
    to.push(char::from(brackets[1]));
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The value without its white space outside strings.
fn squeeze(json: &str, to: &mut String) {
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if !in_string && c.is_ascii_whitespace() {
            continue;
        }
        to.push(c);
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = in_string,
            '"' => in_string = !in_string,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_white_space_and_escapes_make_no_difference() {
        let one = canonical(r#" {"b": [1, {"y":null ,"x":"é/"}],  "a":"\u0041" } "#);
        let two = canonical(r#"{"a":"A","b":[1,{"x":"\u00e9\/","y":null}]}"#);
        assert_eq!(one, two);
        assert_eq!(one, r#"{"a":"A","b":[1,{"x":"é/","y":null}]}"#);
    }

    #[test]
    fn different_values_stay_different() {
        let all = [
            "{}",
            "[]",
            "null",
            "\"\"",
            "0",
            r#"{"":1}"#,
            r#"{"":[1]}"#,
            "[1]",
            "[[1]]",
            "[1,1]",
            "184467440737095516150",
            "184467440737095516151",
            r#""1""#,
            "1",
            "1.0",
            r#"["a,b"]"#,
            r#"["a","b"]"#,
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(canonical(one), canonical(other));
            }
        }
    }

    #[test]
    fn of_two_members_alike_the_last_counts() {
        assert_eq!(canonical(r#"{"a":1,"a":2}"#), r#"{"a":2}"#);
    }

    #[test]
    fn what_serde_json_cannot_hold_keeps_its_text() {
        assert_eq!(canonical(r#"{"b" : 1e999, "a": "\ud800 x"}"#), r#"{"a":"\ud800 x","b":1e999}"#);
        let deep = format!("{}{}", "[ ".repeat(100_000), "] ".repeat(100_000));
        assert_eq!(canonical(&deep).len(), 200_000);
    }
}
