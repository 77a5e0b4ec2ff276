//! `/metrics`: what the status says, what the process has counted, and what the kernel says of the process.
//!
//! A store that can't be read is no failed scrape, which would hide all the rest: then `auditferry_ready` is 0,
//! and what only the store knows is absent.

mod format;
mod known;
mod process;

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

pub(super) use self::format::Format;
use self::known::Scrape;
use self::process::Process;
use super::status::Status;
use crate::meter::Meter;

/// Where the metrics come from, besides the status.
#[derive(Debug)]
pub(super) struct Metrics {
    meter: Meter,
    process: Process,
}

impl Metrics {
    pub(super) fn new(meter: Meter) -> Self {
        Self { meter, process: Process::new() }
    }

    /// Everything that is known now.
    ///
    /// # Errors
    /// None, as long as there is memory for the text.
    pub(super) fn text(
        &self,
        status: &Arc<Result<Status, String>>,
        format: Format,
    ) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Scrape {
            status: Arc::clone(status),
            process: self.process.read(),
        }));
        let mut text = String::new();
        encode_registry(&mut text, &registry)?;
        self.meter.write(&mut text)?;
        encode_eof(&mut text)?;
        Ok(format.of(text))
    }
}

#[cfg(test)]
mod tests;
