//! auditferry carries SaaS audit events to a SIEM: nothing lost, nothing doubled.
//!
//! This page follows one event through the program, from left to right. The [`cli`] is the program's outside;
//! `README.md` says how to use it, `docs/architecture.md` why it is built this way.
//!
//! ```text
//!  SaaS API ──▶ provider ──▶ collect ──▶ store ──▶ deliver ──▶ sink ──▶ SIEM
//!               reads        walks       SQLite    batches     sends
//! ```
//!
//! # The way of an event
//!
//! 1. **Asked for.** For every stream (one log of one account) a [`collect::schedule`] wakes up and plans which
//!    window of time to read. The [`provider`] says what to ask for and has no I/O of its own; the
//!    [`collect::caller`] sends the request through the one client in [`http`], within the account's
//!    [`budget`], with the [`backoff`] that the answer deserves.
//! 2. **Read.** The provider turns each record of the page into an [`event::Event`]. Its
//!    [`event::EventId`] is a digest of what makes the record this record, so the same record has the same id
//!    after a restart, in a second reading and on every sink. A record that fits no mapping becomes an event
//!    too, with its original.
//! 3. **Committed.** The [`store`] takes the events of a page that it does not know yet, gives each the next
//!    number of its stream, and puts ids and events on disk in one transaction. The stream's cursor moves when
//!    the whole window has been read. What happens in between costs a second reading, which adds nothing.
//! 4. **Taken up.** Each sink has a worker in [`deliver`]. It reads events behind the sink's position, in order,
//!    and makes a batch of them while the one before is on its way.
//! 5. **Encoded and sent.** An encoder of [`encode`] puts the bytes together. The event is kept as ECS and written
//!    as such without being parsed again; other formats, and sinks that are told less, read it back. The [`sink`]
//!    sends them and says what became of them: accepted, to be tried again, held until somebody mends
//!    something, or refused for good.
//! 6. **Let go.** Accepted moves the sink's position, on disk. Refused makes the event a dead letter with the
//!    reason. When every sink has passed an event and its retention is over, the store deletes it.
//!
//! # Two halves
//!
//! What collects and what delivers meet in the [`store`] and nowhere else: [`collect`] never sees a sink,
//! [`deliver`] never a provider. So a sink that stands still stops no source until the disk space it may use
//! is full, and a provider that is down stops no delivery.
//!
//! Around them: [`config`] reads and checks the configuration as a whole, [`service`] starts, watches and stops
//! every task, [`observe`] shows how all of it is, and [`simulator`] stands in for providers and receivers in
//! `auditferry demo`, `auditferry simulate` and the tests. [`clock`], [`exchange`] and [`meter`], which counts what
//! the loops do, are the plain words that many of them share.

pub mod backoff;
pub mod budget;
pub mod clock;
pub mod collect;
pub mod config;
pub mod deliver;
pub mod encode;
pub mod event;
pub mod exchange;
pub mod http;
pub mod meter;
pub mod observe;
pub mod provider;
pub mod service;
pub mod simulator;
pub mod sink;
pub mod store;
pub mod tls;

pub mod cli;
