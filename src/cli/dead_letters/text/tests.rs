use super::*;

fn letter(id: i64, reason: &str) -> Letter {
    let letter = serde_json::json!({
        "id": id, "sink": "siem", "refused_at": "2026-05-01T08:00:00.25Z", "reason": reason,
        "source": "hubspot", "stream": "login", "sequence": 7,
        "event_id": "0123456789abcdef0123456789abcdef", "retry": id == 2,
        "event": {"event": {"id": "x", "original": "\u{9b}31m"}},
    });
    serde_json::from_value(letter).unwrap()
}

#[test]
fn a_list_is_one_table_however_many_pages_it_has() {
    let mut table = Table::new(true);
    let text = table.rows(&[letter(1, "mapping"), letter(2, &"x".repeat(80))])
        + &table.rows(&[letter(30, "short")])
        + &table.rows(&[]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let id = "0123456789abcdef0123456789abcdef";
    assert!(lines[0].starts_with("id  refused               sink  event id"), "{text}");
    assert_eq!(lines[1], format!("1   2026-05-01T08:00:00Z  siem  {id}  hubspot/login  -       mapping"));
    assert!(lines[2].ends_with(&format!("marked  {}…", "x".repeat(59))), "{text}");
    assert!(lines[3].starts_with("30  2026"), "{text}");
    let whole = Table::new(false).rows(&[letter(1, &"x".repeat(80))]);
    assert!(whole.contains(&"x".repeat(80)), "a file gets all of it: {whole}");
}

#[test]
fn nothing_that_a_receiver_says_steers_the_terminal() {
    let hostile = letter(2, "no\u{1b}[2J\r\nreally\u{9b}1m");
    for text in [Table::new(true).rows(std::slice::from_ref(&hostile)), whole(&hostile)] {
        assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
        assert!(text.contains("no [2J  really 1m"), "{text}");
    }
    assert!(whole(&hostile).contains("marked"));
}

#[test]
fn what_was_done_is_said_with_its_number() {
    let counts = |letters: &[(&str, u64)]| -> LettersBySink {
        letters.iter().map(|(sink, letters)| ((*sink).to_owned(), *letters)).collect()
    };
    let some = counts(&[("a", 1), ("b", 1_200)]);
    assert_eq!(question(&some), "Drop 1,201 dead letters for good (1 of sink a, 1,200 of sink b)? [y/N] ");
    assert_eq!(dropped(&counts(&[("a", 1)])), "1 dead letter dropped\n");
    assert!(retried(&some, By::Itself).contains("when the daemon starts"));
    assert!(retried(&some, By::Daemon).starts_with("1,201 dead letters marked"));
    assert_eq!(retried(&counts(&[]), By::Daemon), "there are no such dead letters\n");
    assert!(not_configured("old", 3).contains("its 3 dead letters wait until"));
}
