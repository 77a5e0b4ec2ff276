//! `redact` and `redact_key`: what a sink must not learn.

use super::super::fault::Problem;
use super::super::table::Table;
use super::super::{Format, Redaction};
use crate::event::Treatment;

/// Bytes of the key of the hashes at least: 128 bits, where each byte is as random as it can be.
const SHORTEST_KEY: usize = 16;
/// How to come by a key.
const MAKE_KEY: &str =
    "make one with `openssl rand -hex 32`, and keep it: with another key every hash is another";

/// What is redacted, if anything; and what can't be had beside it.
pub(super) fn redaction(table: &mut Table<'_>, format: Format) -> Option<Redaction> {
    let rules = table.redactions("redact");
    let key = table.secret_of("redact_key", SHORTEST_KEY, MAKE_KEY);
    let hashes = rules.iter().any(|(_, treatment)| *treatment == Treatment::Hash);
    if hashes && !table.has("redact_key") {
        let problem = Problem::new("is missing: `redact` has hashes, which need a key");
        table.fault("redact_key", problem.hint(format!("expected a secret; {MAKE_KEY}")));
    }
    if !hashes && table.has("redact_key") {
        let problem = Problem::new("does nothing, as nothing is hashed");
        table.fault("redact_key", problem.hint("leave it out, or set a field of `redact` to \"hash\""));
    }
    if !table.has("redact") {
        return None;
    }
    if format == Format::Raw {
        let problem =
            Problem::new("contradicts `redact`: raw is the provider's record, which holds all that is to go");
        table.fault("format", problem.hint("use \"ecs\", or leave `redact` out"));
    }
    if table.has("include_original") && table.switch("include_original") {
        let problem = Problem::new("contradicts `redact`: the provider's record holds all that is to go");
        table.fault(
            "include_original",
            problem.hint("leave it out: with `redact` the record never goes along"),
        );
    }
    Some(Redaction { rules, key })
}
