//! The receiver: accepts everything and counts every event by its number.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use memchr::memmem;
use serde_json::json;

use crate::arguments::Arguments;
use crate::peer::{nanoseconds_now, say};
use crate::serve::{self, Serve};

/// What an event's number stands behind.
const MARK: &[u8] = b"evt-";
const DIGITS: usize = 10;

/// Receives until the standard input ends.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let events = usize::try_from(arguments.events)?;
    let seen = Seen { numbers: vec![false; events], ..Seen::default() };
    let receiver = Arc::new(Receiver(Mutex::new(seen)));
    serve::until_end(&receiver, Duration::from_millis(arguments.delay_ms))?;
    let seen = receiver.0.lock().unwrap_or_else(PoisonError::into_inner);
    say(&json!({ "distinct": seen.distinct, "repeated": seen.repeated, "requests": seen.requests }));
    Ok(())
}

struct Receiver(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    numbers: Vec<bool>,
    distinct: usize,
    repeated: usize,
    requests: u64,
}

impl Serve for Receiver {
    fn answer(&self, _target: &str, body: &[u8], answer: &mut Vec<u8>) {
        let mut numbers = Vec::with_capacity(1024);
        for line in lines(body) {
            numbers.extend(number(line));
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let was_complete = seen.distinct == seen.numbers.len();
        seen.requests += 1;
        for number in numbers {
            match seen.numbers.get_mut(number) {
                Some(known) if !*known => {
                    *known = true;
                    seen.distinct += 1;
                }
                _ => seen.repeated += 1,
            }
        }
        if !was_complete && seen.distinct == seen.numbers.len() {
            say(&json!({ "complete": nanoseconds_now() }));
        }
        answer.extend_from_slice(b"{}");
    }
}

/// The number of the event on this line; the program's own events have none.
fn number(line: &[u8]) -> Option<usize> {
    let start = memmem::find(line, MARK)? + MARK.len();
    std::str::from_utf8(line.get(start..start + DIGITS)?).ok()?.parse().ok()
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', body).map(move |end| &body[std::mem::replace(&mut start, end + 1)..end])
}
