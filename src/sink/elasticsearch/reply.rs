//! The answer to a `_bulk` request.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sink::Outcome;
use crate::sink::peer::verdict::message;

/// An answer that accounts for every event that was sent.
#[derive(Debug)]
pub(super) struct BulkReply {
    /// In the order of the events.
    pub(super) items: Vec<Item>,
}

/// What became of one event, as the receiver says it.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    /// As in HTTP.
    pub(super) status: u16,
    #[serde(default)]
    pub(super) error: Option<ItemError>,
    #[serde(default)]
    failure_store: Option<String>,
}

/// Why an item was not written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ItemError {
    /// Such as `document_parsing_exception`.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    /// A sentence; may quote a value of the event.
    pub(super) reason: Option<String>,
}

/// An answer with a status of success that says nothing about the events.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It comes from something else: a portal, a gateway, another service.
    Foreign(String),
    /// It is Elasticsearch's, and damaged or short.
    Incomplete(String),
}

#[derive(Deserialize)]
struct Answer {
    items: Option<Vec<BTreeMap<String, Item>>>,
}

impl Item {
    /// Whether it was taken, but into the failure store.
    pub(super) fn is_diverted(&self) -> bool {
        self.failure_store.as_deref() == Some("used")
    }
}

impl BulkReply {
    /// Reads the body of an answer to this many events.
    ///
    /// # Errors
    /// When it does not say what became of each.
    pub(super) fn read(body: &[u8], events: usize) -> Result<Self, Fault> {
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Fault::Foreign(message(body)));
        }
        let answer: Answer = match serde_json::from_slice(body) {
            Ok(answer) => answer,
            Err(error) => return Err(Fault::Incomplete(format!("it can't be read: {error}"))),
        };
        let Some(items) = answer.items else { return Err(Fault::Foreign(message(body))) };
        if items.len() != events {
            let count = items.len();
            return Err(Fault::Incomplete(format!("it has {count} items for {events} events")));
        }
        let items: Option<Vec<Item>> = items.into_iter().map(only_action).collect();
        items
            .map(|items| Self { items })
            .ok_or_else(|| Fault::Incomplete("it has an item without an action".to_owned()))
    }
}

/// `{"create":{…}}`.
fn only_action(item: BTreeMap<String, Item>) -> Option<Item> {
    let mut actions = item.into_values();
    actions.next().filter(|_| actions.len() == 0)
}

impl From<Fault> for Outcome {
    /// Nothing is accepted on such an answer. What was written all the same is answered with 409 the next time.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Foreign(said) => Self::Held {
                reason: format!("this is not an answer of Elasticsearch: check endpoint; it says: {said}"),
            },
            Fault::Incomplete(why) => {
                let reason = format!("the answer does not tell what became of every event: {why}");
                Self::Retry { after: None, reason }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_item_by_item() {
        let body = br#"{"errors":true,"items":[{"create":{"status":201}},
            {"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"bad"}}},
            {"create":{"status":201,"failure_store":"used"}}]}"#;
        let items = BulkReply::read(body, 3).unwrap().items;
        assert_eq!(items.iter().map(|item| item.status).collect::<Vec<_>>(), [201, 400, 201]);
        let error = items[1].error.as_ref().unwrap();
        assert_eq!(error.kind.as_deref(), Some("document_parsing_exception"));
        assert_eq!(items.iter().map(Item::is_diverted).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn an_answer_that_leaves_an_event_out_is_asked_for_again() {
        let two = r#"{"create":{"status":201}},{"create":{"status":201}}"#;
        for body in [
            r#"{"errors":false,"items":[]}"#.to_owned(),
            r#"{"errors":false,"items":[{"create":{"status":201}}]}"#.to_owned(),
            format!(r#"{{"errors":false,"items":[{two},{{"create":{{"status":201}}}}]}}"#),
            format!(r#"{{"errors":false,"items":[{two}"#),
            r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{}}]}"#.to_owned(),
            r#"{"errors":false,"items":[{"create":{"status":201}},{}]}"#.to_owned(),
            r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":201},"index":{"status":201}}]}"#
                .to_owned(),
            r#"{"errors":false,"items":[{"create":{"status":201}},{"create":{"status":"201"}}]}"#.to_owned(),
        ] {
            let fault = BulkReply::read(body.as_bytes(), 2).unwrap_err();
            assert!(matches!(Outcome::from(fault), Outcome::Retry { after: None, .. }), "{body}");
        }
    }

    #[test]
    fn an_answer_of_something_else_is_no_success() {
        for body in ["", "OK", "<html>Sign in</html>", "[]", "{}", r#"{"accepted":2}"#, r#"{"errors":false}"#]
        {
            let fault = BulkReply::read(body.as_bytes(), 2).unwrap_err();
            assert!(matches!(Outcome::from(fault), Outcome::Held { .. }), "{body}");
        }
    }
}
