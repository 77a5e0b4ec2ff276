//! `filter_path`: what of an answer is wanted.

use serde_json::{Map, Value};

/// The parts of an answer that the filters name, separated by commas; a part of a name is `*` for any. Arrays
/// are passed through, and what is left empty goes, the items of an array included: a filter that some items
/// do not meet moves the others up.
pub(super) fn filtered(answer: &Value, filters: &str) -> Value {
    if filters.is_empty() {
        return answer.clone();
    }
    let paths: Vec<Vec<&str>> = filters.split(',').map(|path| path.split('.').collect()).collect();
    let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
    kept(answer, &paths).unwrap_or_else(|| Value::Object(Map::new()))
}

fn kept(value: &Value, paths: &[&[&str]]) -> Option<Value> {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, value)| {
                let rests: Vec<&[&str]> = paths.iter().filter_map(|path| below(path, name)).collect();
                let is_whole = rests.iter().any(|rest| rest.is_empty());
                let value = if is_whole { Some(value.clone()) } else { kept(value, &rests) };
                Some((name.clone(), value?))
            });
            let members: Map<String, Value> = members.collect();
            (!members.is_empty()).then_some(Value::Object(members))
        }
        Value::Array(items) => {
            let items: Vec<Value> = items.iter().filter_map(|item| kept(item, paths)).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// What of the path is left below a member of this name, if it leads there.
fn below<'a>(path: &'a [&'a str], name: &str) -> Option<&'a [&'a str]> {
    let (first, rest) = path.split_first()?;
    (*first == "*" || *first == name).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_filter_keeps_what_it_names_and_moves_items_up() {
        let answer = json!({"took": 3, "errors": true, "items": [
            {"create": {"_id": "a", "status": 201}},
            {"create": {"_id": "b", "status": 400, "error": {"type": "t", "reason": "r", "caused_by": {}}}},
        ]});
        assert_eq!(filtered(&answer, ""), answer);
        assert_eq!(
            filtered(&answer, "errors,items.*.status,items.*.error.type"),
            json!({"errors": true, "items": [
                {"create": {"status": 201}}, {"create": {"status": 400, "error": {"type": "t"}}}]})
        );
        let errors = filtered(&answer, "items.*.error");
        assert_eq!(errors["items"].as_array().unwrap().len(), 1, "the trap: {errors}");
        assert_eq!(filtered(&answer, "none"), json!({}));
    }
}
