use super::*;
use crate::sink::Suspects;

fn each(verdicts: &str) -> Outcome {
    let verdict = |letter| match letter {
        'a' => Verdict::Accepted,
        'r' => Verdict::Retry(String::new()),
        'h' => Verdict::Held(String::new()),
        _ => Verdict::Refused(String::new()),
    };
    Outcome::Each(verdicts.chars().map(verdict).collect())
}

fn refused(accepted: Option<usize>) -> Outcome {
    let suspects = accepted.map(|accepted| Suspects { accepted, alone: accepted..accepted + 1 });
    Outcome::Refused { reason: String::new(), suspects }
}

#[test]
fn a_delivery_is_counted_as_what_it_came_to() {
    use DeliveryOutcome::{Accepted, Held, Partly, Refused, Retried};
    let reason = String::new;
    for (outcome, events, expected) in [
        (Outcome::Accepted, 4, (Accepted, 0)),
        (Outcome::Retry { after: None, reason: reason() }, 4, (Retried, 4)),
        (Outcome::Held { reason: reason() }, 4, (Held, 4)),
        // One that is refused alone is a dead letter; several are sent again in parts.
        (refused(None), 1, (Refused, 0)),
        (refused(None), 4, (Refused, 4)),
        (refused(Some(0)), 4, (Refused, 4)),
        (refused(Some(3)), 4, (Partly, 1)),
        (each("aaaa"), 4, (Accepted, 0)),
        (each("aaxa"), 4, (Partly, 0)),
        (each("aarh"), 4, (Partly, 2)),
        (each("xxxx"), 4, (Refused, 0)),
        (each("rrrx"), 4, (Retried, 3)),
        (each("rhrx"), 4, (Held, 3)),
        (each("aa"), 4, (Partly, 2)),
        (each(""), 4, (Retried, 4)),
    ] {
        assert_eq!(sorted(&outcome, events), expected, "{outcome:?} of {events}");
    }
}
