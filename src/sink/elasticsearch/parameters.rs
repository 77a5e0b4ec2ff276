//! The query of `_bulk`, and what older versions do not know of it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::config::Flavor;
use crate::exchange::Reply;

/// What of the answer is wanted. Each filter keeps every item that has a status, which is each of them: a
/// filter on errors alone would drop the others, and with them the order.
const FILTER_PATH: &str =
    "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.failure_store";

/// Names and values.
pub(super) type Query = Vec<(&'static str, &'static str)>;

/// Parameters that are sent until the receiver says that it does not know them.
#[derive(Debug)]
pub(super) struct Parameters {
    /// The sink's name, for the log.
    sink: String,
    optional: [Optional; 2],
}

#[derive(Debug)]
struct Optional {
    name: &'static str,
    value: &'static str,
    is_known: AtomicBool,
}

impl Parameters {
    /// What this product knows in its newest version.
    pub(super) fn new(sink: &str, flavor: Flavor) -> Self {
        let is_elasticsearch = flavor == Flavor::Elasticsearch;
        let optional = |name, value| Optional { name, value, is_known: AtomicBool::new(is_elasticsearch) };
        Self {
            sink: sink.to_owned(),
            optional: [
                // A missing index template must not make a plain index of our data stream's name.
                optional("require_data_stream", "true"),
                // Since 8.18; keeps the contents of events out of errors.
                optional("include_source_on_error", "false"),
            ],
        }
    }

    /// Names and values.
    pub(super) fn query(&self) -> Query {
        let known = self.optional.iter().filter(|parameter| parameter.is_known.load(Ordering::Relaxed));
        let mut query = vec![("filter_path", FILTER_PATH)];
        query.extend(known.map(|parameter| (parameter.name, parameter.value)));
        query
    }

    /// Whether the answer to this query is that a parameter of it is not known; that one is left away from
    /// then on.
    ///
    /// `request [/_bulk] contains unrecognized parameter: [include_source_on_error]`, with status 400; several
    /// are named in one sentence.
    pub(super) fn forget_unknown(&self, query: &Query, reply: &Reply) -> bool {
        if reply.status != 400 {
            return false;
        }
        let body = String::from_utf8_lossy(&reply.body);
        let Some((_, named)) = body.split_once("unrecognized parameter") else { return false };
        let mut is_any = false;
        for parameter in &self.optional {
            let was_sent = query.iter().any(|(name, _)| *name == parameter.name);
            let is_named = was_sent && named.contains(&format!("[{}]", parameter.name));
            if is_named && parameter.is_known.swap(false, Ordering::Relaxed) {
                tracing::info!(
                    code = "parameter-unknown",
                    sink = self.sink,
                    parameter = parameter.name,
                    "this version of Elasticsearch does not know a parameter; it is left away from now on"
                );
            }
            is_any |= is_named;
        }
        is_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Headers;

    fn refusal(status: u16, body: &str) -> Reply {
        let body = bytes::Bytes::copy_from_slice(body.as_bytes());
        Reply { status, headers: Headers::default(), body, elapsed: std::time::Duration::ZERO }
    }

    fn names(parameters: &Parameters) -> Vec<&'static str> {
        parameters.query().into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn an_unknown_parameter_is_left_away_and_the_other_stays() {
        let parameters = Parameters::new("elastic", Flavor::Elasticsearch);
        let all = parameters.query();
        assert_eq!(names(&parameters), ["filter_path", "require_data_stream", "include_source_on_error"]);
        let unknown = r#"{"error":{"type":"illegal_argument_exception","reason":"request [/_bulk] contains unrecognized parameter: [include_source_on_error]"},"status":400}"#;
        assert!(parameters.forget_unknown(&all, &refusal(400, unknown)));
        assert_eq!(names(&parameters), ["filter_path", "require_data_stream"]);
        assert!(
            parameters.forget_unknown(&all, &refusal(400, unknown)),
            "a batch that went at the same time"
        );
        assert!(!parameters.forget_unknown(&parameters.query(), &refusal(400, unknown)), "it was not sent");
        let both = "contains unrecognized parameters: [include_source_on_error], [require_data_stream]";
        assert!(parameters.forget_unknown(&all, &refusal(400, both)));
        assert_eq!(names(&parameters), ["filter_path"]);
    }

    #[test]
    fn other_refusals_change_nothing() {
        let parameters = Parameters::new("elastic", Flavor::Elasticsearch);
        for (status, body) in [
            (400, "Malformed action line [1]"),
            (400, "unrecognized parameter: [filter_path]"),
            (400, ""),
            (403, "unrecognized parameter: [require_data_stream]"),
        ] {
            assert!(!parameters.forget_unknown(&parameters.query(), &refusal(status, body)), "{body}");
        }
        assert_eq!(names(&parameters).len(), 3);
    }

    #[test]
    fn opensearch_is_asked_for_what_it_knows() {
        assert_eq!(names(&Parameters::new("elastic", Flavor::OpenSearch)), ["filter_path"]);
    }
}
