//! Collecting: the left half of the program, from a provider's pages to committed events.
//!
//! One task per stream polls ([`schedule`]). A poll plans windows behind the cursor, walks each of them
//! page by page, commits the events that are not known yet, and moves the cursor when the walk is
//! complete. One [`caller`] per account makes the requests: budget, retries, credential, hold.
//!
//! | rule | why nothing is lost | why nothing is doubled |
//! |---|---|---|
//! | the cursor moves only behind a complete walk | a crash repeats the window | every event has an identity |
//! | each poll reads `lookback` again | late events are seen | known ids are skipped |
//! | anchor | a filter that shows nothing of what it must is not believed | |
//! | copies | equal rows on one page are different events | a row that slid to the next page is not |
//! | early stop only before `complete_to` | an interrupted walk is never taken for a complete one | |

pub mod caller;
mod copies;
mod credential;
mod fetch;
mod gate;
mod page;
mod past;
mod probe;
pub mod schedule;
mod stream;
mod tally;
mod unmapped;
mod walk;
mod window;

pub use caller::{Caller, CallerOptions};
pub use credential::{Credential, Grants};
pub use fetch::{Fetch, FetchError};
pub use past::{Past, PastWindow};
pub use probe::{Probe, ProbeError, ProbeOptions, Seen};
pub use stream::{Collector, CollectorOptions, PollError, PollReport};
pub use unmapped::{Unmapped, UnmappedCounts};

#[cfg(test)]
mod model;
