//! What the answers of `_bulk` mean.
//!
//! | item status | verdict |
//! |---|---|
//! | 200, 201 | accepted |
//! | 409 | accepted: an event with this id is there already |
//! | 429, 5xx | that event again |
//! | 400, 413 | refused: this document; held where the error speaks of the index and not of the document |
//! | 401, 403, 404, anything else | held |
//!
//! | status of the request | outcome |
//! |---|---|
//! | 413 | refused without suspects: the batch is halved |
//! | 408, 425, 429, 5xx | all again, after `Retry-After` |
//! | 400, 401, 403, 404, 405, anything else | held: no event is at fault |

use super::reply::{Item, ItemError};
use crate::exchange::Reply;
use crate::sink::peer::verdict::{described, message};
use crate::sink::{Outcome, Verdict};

/// Errors that come with 400 and are the index's, whatever the document: a closed index, a name that can't be.
const OF_THE_INDEX: [&str; 3] =
    ["index_closed_exception", "invalid_index_name_exception", "index_not_found_exception"];

/// The same, told by their words: no room for the shards of a new index (the type is `validation_exception`
/// or `illegal_argument_exception`, by version), a pipeline that the index names and the cluster has not.
const WORDS_OF_THE_INDEX: [&str; 2] = ["this action would add", "pipeline with id ["];

/// What became of an event.
pub(super) fn of_item(item: &Item) -> Verdict {
    match item.status {
        200 | 201 => Verdict::Accepted,
        409 if is_duplicate(item) => Verdict::Accepted,
        429 | 500..=599 => Verdict::Retry(said(item)),
        400 if is_of_the_index(item) => {
            Verdict::Held(format!("{}; the index can't take events: see to its settings", said(item)))
        }
        400 | 413 => Verdict::Refused(said(item)),
        401 | 403 => Verdict::Held(format!(
            "{}; the credential needs create_doc and auto_configure on this data stream, and the index must not be \
             blocked",
            said(item)
        )),
        404 => Verdict::Held(format!(
            "{}; there is no data stream and no index template that makes one",
            said(item)
        )),
        _ => Verdict::Held(format!("{}; not an answer to expect of _bulk", said(item))),
    }
}

/// What to do with a batch whose request was not carried out; `usual` is what the status means by itself.
pub(super) fn of_request(reply: &Reply, usual: impl FnOnce() -> Outcome) -> Outcome {
    let remedy = match reply.status {
        400 | 422 => {
            "the request is refused as a whole, so no event is at fault: check endpoint and what stands before it"
        }
        401 => "the credential is refused: check api_key, or username and password",
        403 => "the credential may not write: it needs create_doc and auto_configure on logs-*",
        404 | 405 | 410 => "this is not the address of Elasticsearch: check endpoint",
        406 | 415 => "this takes no application/x-ndjson, or not compressed: check endpoint and compression",
        _ => return usual(),
    };
    Outcome::Held { reason: format!("{}; {remedy}", described(reply)) }
}

/// Whether an event with this id is there. An answer without a type is taken at its status.
fn is_duplicate(item: &Item) -> bool {
    let kind = item.error.as_ref().and_then(|error| error.kind.as_deref());
    kind.is_none_or(|kind| kind.contains("version_conflict"))
}

fn is_of_the_index(item: &Item) -> bool {
    let Some(ItemError { kind, reason }) = &item.error else { return false };
    let (kind, reason) = (kind.as_deref().unwrap_or_default(), reason.as_deref().unwrap_or_default());
    OF_THE_INDEX.contains(&kind) || WORDS_OF_THE_INDEX.iter().any(|words| reason.contains(words))
}

/// Status, type and reason, short and harmless.
fn said(item: &Item) -> String {
    let error = item.error.as_ref();
    let kind = error.and_then(|error| error.kind.as_deref()).unwrap_or("no type");
    let reason = error.and_then(|error| error.reason.as_deref()).unwrap_or("no reason given");
    message(format!("status {}, {kind}: {reason}", item.status).as_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exchange::Headers;
    use crate::sink::elasticsearch::reply::BulkReply;

    fn item(status: u16, kind: &str, reason: &str) -> Item {
        let error = serde_json::json!({"type": kind, "reason": reason});
        serde_json::from_value(serde_json::json!({"status": status, "error": error})).unwrap()
    }

    fn kind(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Accepted => "accepted",
            Verdict::Retry(_) => "retry",
            Verdict::Held(_) => "held",
            Verdict::Refused(_) => "refused",
        }
    }

    #[test]
    fn every_item_status_has_its_verdict() {
        for status in 100..=999 {
            let expected = match status {
                200 | 201 | 409 => "accepted",
                429 | 500..=599 => "retry",
                400 | 413 => "refused",
                _ => "held",
            };
            let body = format!(r#"{{"items":[{{"create":{{"status":{status}}}}}]}}"#);
            let items = BulkReply::read(body.as_bytes(), 1).unwrap().items;
            assert_eq!(kind(&of_item(&items[0])), expected, "{status}");
        }
    }

    #[test]
    fn the_errors_that_receivers_send_have_their_verdicts() {
        for (expected, status, kind_of_error, reason) in [
            (
                "accepted",
                409,
                "version_conflict_engine_exception",
                "[ab]: version conflict, document already exists",
            ),
            ("held", 409, "resource_already_exists_exception", "something else in conflict"),
            ("retry", 429, "es_rejected_execution_exception", "rejected execution of primary operation"),
            ("retry", 429, "cluster_block_exception", "disk usage exceeded flood-stage watermark"),
            ("retry", 429, "circuit_breaking_exception", "[parent] Data too large"),
            ("retry", 503, "unavailable_shards_exception", "primary shard is not active"),
            ("retry", 500, "i_o_exception", "No space left on device"),
            ("refused", 400, "document_parsing_exception", "failed to parse field [source.ip] of type [ip]"),
            ("refused", 400, "mapper_parsing_exception", "failed to parse"),
            (
                "refused",
                400,
                "strict_dynamic_mapping_exception",
                "dynamic introduction of [x] is not allowed",
            ),
            ("refused", 400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded"),
            ("refused", 413, "es_rejected_execution_exception", "the operation is too large"),
            ("held", 400, "index_closed_exception", "closed"),
            ("held", 400, "invalid_index_name_exception", "Invalid index name [logs-A-b], must be lowercase"),
            (
                "held",
                400,
                "validation_exception",
                "Validation Failed: 1: this action would add [2] shards, but …",
            ),
            (
                "held",
                400,
                "illegal_argument_exception",
                "Validation Failed: 1: this action would add [10] total shards",
            ),
            ("held", 400, "illegal_argument_exception", "pipeline with id [logs@custom] does not exist"),
            (
                "held",
                404,
                "index_not_found_exception",
                "no such index [logs-x-y] and [require_data_stream] request flag is [true]",
            ),
            (
                "held",
                403,
                "security_exception",
                "action [indices:admin/auto_create] is unauthorized for API key id [x]",
            ),
            ("held", 401, "security_exception", "missing authentication credentials"),
        ] {
            let verdict = of_item(&item(status, kind_of_error, reason));
            assert_eq!(kind(&verdict), expected, "{status} {kind_of_error}: {reason}");
        }
    }

    #[test]
    fn a_reason_names_type_and_words_and_obeys_no_terminal() {
        let Verdict::Refused(reason) =
            of_item(&item(400, "document_parsing_exception", "bad\x1b[31m\nvalue"))
        else {
            panic!("not refused")
        };
        assert_eq!(reason, "status 400, document_parsing_exception: bad [31m value");
    }

    fn outcome(status: u16) -> Outcome {
        let headers = Headers::new(vec![("retry-after".to_owned(), "7".to_owned())]);
        let reply = Reply { status, headers, body: bytes::Bytes::new(), elapsed: Duration::ZERO };
        of_request(&reply, || crate::sink::peer::verdict::of_reply(&reply, jiff::Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn every_status_of_a_request_has_its_outcome() {
        for status in 300..=599 {
            match outcome(status) {
                Outcome::Retry { after, .. } => {
                    assert!(matches!(status, 408 | 425 | 429 | 500..=599), "{status}");
                    assert_eq!(after, Some(Duration::from_secs(7)), "{status}");
                }
                Outcome::Refused { suspects, .. } => {
                    assert_eq!(
                        (status, suspects),
                        (413, None),
                        "no event is at fault for the form of a request"
                    );
                }
                Outcome::Held { .. } => assert!(status < 500, "{status}"),
                other => panic!("{status}: {other:?}"),
            }
        }
        for status in [400, 401, 403, 404, 405, 422] {
            assert!(matches!(outcome(status), Outcome::Held { .. }), "{status}");
        }
    }
}
