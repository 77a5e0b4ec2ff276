//! The documents of a `_bulk` request, and what becomes of each.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::simulator::faults::Trigger;
use crate::simulator::receiver::Receiver;

/// How the receiver behaves as Elasticsearch. What concerns every request (statuses, resets, lost answers) is
/// in `ReceiverFaults`; there, `poison` refuses the document that holds it, with `poison_status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BulkFaults {
    /// It is OpenSearch.
    pub opensearch: bool,
    /// Of the product.
    pub version: String,
    /// Its security is off: there are no privileges to ask for.
    pub without_security: bool,
    /// Query parameters that this version does not know: 400.
    pub unknown_parameters: BTreeSet<String>,
    /// What the credential may not do, of `create_doc`, `auto_configure` (items answer 403) and `monitor`.
    pub missing_privileges: BTreeSet<String>,
    /// Items that get this status and are not written; a trigger counts items.
    pub items: BTreeMap<u16, Trigger>,
    /// Items that are written to the failure store; counts items.
    pub failure_store: Trigger,
    /// Everything is written and the answer lacks its last item.
    pub item_left_out: Trigger,
    /// Everything is written and the answer's JSON ends in the middle.
    pub cut_answer: Trigger,
    /// 200 with a page of a gateway, and nothing is written.
    pub gateway_page: Trigger,
}

impl Default for BulkFaults {
    fn default() -> Self {
        Self {
            opensearch: false,
            version: "9.1.0".to_owned(),
            without_security: false,
            unknown_parameters: BTreeSet::new(),
            missing_privileges: BTreeSet::new(),
            items: BTreeMap::new(),
            failure_store: Trigger::default(),
            item_left_out: Trigger::default(),
            cut_answer: Trigger::default(),
            gateway_page: Trigger::default(),
        }
    }
}

/// What a receiver knows as Elasticsearch, besides the events themselves.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Items so far.
    pub items: u64,
    /// Items by the status that they got.
    pub statuses: BTreeMap<u16, u64>,
    /// Data streams that exist.
    streams: BTreeSet<String>,
}

/// One action with its document.
pub(super) struct Action<'a> {
    index: String,
    id: String,
    document: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionLine {
    create: Target,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Target {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
}

/// What a data stream looks at in a document.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@timestamp")]
    timestamp: Option<IgnoredAny>,
    data_stream: Option<DataStream>,
}

/// Constant keywords: another value than the stream's is refused.
#[derive(Deserialize)]
struct DataStream {
    #[serde(rename = "type")]
    kind: String,
    dataset: String,
    namespace: String,
}

/// Why a document is not written: status, type, reason.
type Refusal = (u16, &'static str, String);

/// Lines two and two: an action, its document.
pub(super) fn read_actions(text: &str) -> Result<Vec<Action<'_>>, String> {
    let mut actions = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let number = 2 * actions.len() + 1;
        let action: ActionLine = serde_json::from_str(line)
            .map_err(|error| format!("Malformed action/metadata line [{number}]: {error}"))?;
        let document = lines.next().ok_or("the last action has no document")?;
        actions.push(Action { index: action.create.index, id: action.create.id, document });
    }
    if actions.is_empty() {
        return Err("Validation Failed: 1: no requests added;".to_owned());
    }
    Ok(actions)
}

/// Writes a document or not, and says so as an item of the answer.
pub(super) fn write(receiver: &mut Receiver, action: &Action<'_>, chance: &mut fastrand::Rng) -> Value {
    receiver.index.items += 1;
    let written = try_write(receiver, action, chance);
    let (status, more) = match written {
        Ok(is_diverted) => {
            let store = if is_diverted { "used" } else { "not_applicable_or_unknown" };
            (201, ("failure_store", json!(store)))
        }
        Err((status, kind, reason)) => (status, ("error", json!({"type": kind, "reason": reason}))),
    };
    *receiver.index.statuses.entry(status).or_default() += 1;
    let mut item = json!({"_index": action.index, "_id": action.id, "status": status});
    item[more.0] = more.1;
    json!({ "create": item })
}

/// Whether it went to the failure store.
fn try_write(
    receiver: &mut Receiver,
    action: &Action<'_>,
    chance: &mut fastrand::Rng,
) -> Result<bool, Refusal> {
    let number = receiver.index.items;
    let faults = &mut receiver.faults;
    for (status, trigger) in &mut faults.bulk.items {
        if trigger.strikes(number, chance) {
            return Err((*status, "simulated_exception", "as the switches say".to_owned()));
        }
    }
    check_privileges(&faults.bulk, &receiver.index, action)?;
    let dataset = check_name(&action.index)?;
    check_document(action)?;
    if let Some(poison) = &faults.poison
        && action.document.contains(poison.as_str())
    {
        let reason = "failed to parse field: it holds what this receiver refuses".to_owned();
        return Err((faults.poison_status, "document_parsing_exception", reason));
    }
    let is_diverted = faults.bulk.failure_store.strikes(number, chance);
    receiver.index.streams.insert(action.index.clone());
    let is_new = receiver
        .take_document(&action.id, dataset, action.document)
        .map_err(|reason| (400, "document_parsing_exception", reason))?;
    if !is_new {
        let reason = format!("[{}]: version conflict, document already exists", action.id);
        return Err((409, "version_conflict_engine_exception", reason));
    }
    Ok(is_diverted)
}

fn check_privileges(faults: &BulkFaults, index: &Index, action: &Action<'_>) -> Result<(), Refusal> {
    let refused = |what: &str| {
        let reason = format!("action [{what}] is unauthorized for this credential on [{}]", action.index);
        Err((403, "security_exception", reason))
    };
    if faults.missing_privileges.contains("create_doc") {
        return refused("indices:data/write/bulk[s]");
    }
    if faults.missing_privileges.contains("auto_configure") && !index.streams.contains(&action.index) {
        return refused("indices:admin/auto_create");
    }
    Ok(())
}

/// `{type}-{dataset}-{namespace}` of a data stream for logs; gives the dataset.
fn check_name(index: &str) -> Result<&str, Refusal> {
    let is_forbidden = |letter: char| letter.is_uppercase() || "\\/*?\"<>| ,#:".contains(letter);
    if index.len() > 255 || index.contains(is_forbidden) {
        let reason = format!("Invalid index name [{index}]");
        return Err((400, "invalid_index_name_exception", reason));
    }
    let parts: Vec<&str> = index.split('-').collect();
    match parts[..] {
        ["logs", dataset, namespace] if !dataset.is_empty() && !namespace.is_empty() => Ok(dataset),
        _ => {
            let reason = format!("no such index [{index}] and [require_data_stream] request flag is [true]");
            Err((404, "index_not_found_exception", reason))
        }
    }
}

fn check_document(action: &Action<'_>) -> Result<(), Refusal> {
    let refused = |reason: String| (400, "document_parsing_exception", reason);
    let document: Document = serde_json::from_str(action.document)
        .map_err(|error| refused(format!("failed to parse: {error}")))?;
    if document.timestamp.is_none() {
        return Err(refused("data stream timestamp field [@timestamp] is missing".to_owned()));
    }
    if let Some(DataStream { kind, dataset, namespace }) = document.data_stream
        && format!("{kind}-{dataset}-{namespace}") != action.index
    {
        return Err(refused("[constant_keyword] field [data_stream] only accepts its one value".to_owned()));
    }
    Ok(())
}

/// `POST /_security/user/_has_privileges`.
pub(super) fn privileges(faults: &BulkFaults, text: &str) -> Result<Value, String> {
    #[derive(Deserialize)]
    struct Question {
        index: Vec<Asked>,
    }
    #[derive(Deserialize)]
    struct Asked {
        names: Vec<String>,
        privileges: Vec<String>,
    }
    let question: Question = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let has = |privilege: &String| !faults.missing_privileges.contains(privilege);
    let mut index = BTreeMap::new();
    for asked in &question.index {
        let given: BTreeMap<&String, bool> = asked.privileges.iter().map(|name| (name, has(name))).collect();
        index.extend(asked.names.iter().map(|name| (name, given.clone())));
    }
    let has_all = index.values().all(|given| given.values().all(|has| *has));
    Ok(
        json!({"username": "forwarder", "has_all_requested": has_all, "cluster": {}, "index": index, "application": {}}),
    )
}
