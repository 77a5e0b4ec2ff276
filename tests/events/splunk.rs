//! The Splunk add-on in `deploy/splunk`. No Splunk can be installed here: its configuration is applied to every
//! example event by an interpreter of just what it uses, and Splunk's own AppInspect inspects it.

mod addon;
mod conf;
mod content;
mod eval;
mod inspect;
mod pipeline;
mod search;
mod token;

use auditferry::event::Activity;

use crate::golden::{Case, cases};
use addon::Addon;
use eval::Fields;

fn first<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(|values| values.first()).map(String::as_str)
}

fn has_tag(fields: &Fields, tag: &str) -> bool {
    fields["tag"].iter().any(|is| is == tag)
}

/// Every example with the fields that a search gives.
fn found() -> Vec<(Case, Fields)> {
    let addon = Addon::read();
    let fields = |case: Case| {
        let fields = addon.fields(&case);
        (case, fields)
    };
    cases().into_iter().map(fields).collect()
}

/// The actor, or with `target` whom it was done to, as ECS has it.
fn person<'a>(fields: &'a Fields, target: &str) -> Option<&'a str> {
    ["email", "name", "id"].iter().find_map(|part| first(fields, &format!("user.{target}{part}")))
}

#[test]
fn every_login_is_an_authentication_with_who_whence_and_what_came_of_it() {
    let mut seen = Vec::new();
    for (case, fields) in found() {
        let is_login = first(&fields, "auditferry.activity") == Some("login");
        if !is_login {
            continue;
        }
        let name = &case.name;
        assert!(has_tag(&fields, "authentication") && !has_tag(&fields, "change"), "{name}: {fields:?}");
        assert_eq!(first(&fields, "action"), first(&fields, "event.outcome"), "{name}");
        assert!(matches!(first(&fields, "action"), Some("success" | "failure" | "unknown")), "{name}");
        assert_eq!(first(&fields, "user"), person(&fields, ""), "{name}");
        assert_eq!(first(&fields, "user_id"), first(&fields, "user.id"), "{name}");
        assert_eq!(first(&fields, "src_user"), None, "{name}");
        assert_eq!(first(&fields, "src").is_some(), fields.contains_key("source.address"), "{name}");
        assert_eq!(first(&fields, "reason"), first(&fields, "event.reason"), "{name}");
        for field in ["app", "dest", "vendor_account", "signature", "vendor_product"] {
            assert!(fields.contains_key(field), "{name} has no {field}: {fields:?}");
        }
        let is_whole = ["user", "src", "user_agent"].iter().all(|field| fields.contains_key(*field));
        seen.push((first(&fields, "action").unwrap().to_owned(), is_whole));
    }
    for action in ["success", "failure"] {
        assert!(seen.contains(&(action.to_owned(), true)), "no login with everything and {action}: {seen:?}");
    }
}

#[test]
fn of_an_account_change_user_is_who_was_changed_and_src_user_who_did_it() {
    let mut changed_others = 0;
    for (case, fields) in found() {
        let (target, actor) = (person(&fields, "target."), person(&fields, ""));
        if has_tag(&fields, "account") {
            assert!(has_tag(&fields, "change"), "{}", case.name);
            assert_eq!(first(&fields, "src_user"), actor, "{}", case.name);
            let user = first(&fields, "user");
            match target {
                Some(_) => assert_eq!(user, target, "{}", case.name),
                // Never the actor as the one who was made, removed or given rights.
                None => assert!(user.is_none() || concerns_oneself(&fields), "{}: {fields:?}", case.name),
            }
            changed_others += usize::from(target.is_some() && actor.is_some() && target != actor);
        } else if has_tag(&fields, "change") {
            assert_eq!(target, None, "{}: a change with a target is one of an account", case.name);
            assert_eq!(first(&fields, "user"), actor, "{}", case.name);
        }
    }
    assert!(changed_others > 5, "{changed_others}");
}

/// Activities that most often concern the actor's own account.
fn concerns_oneself(fields: &Fields) -> bool {
    let own =
        ["user-updated", "password-changed", "password-reset", "mfa-factor-added", "mfa-factor-removed"];
    let is_domain = first(fields, "auditferry.object.type") == Some("email-domain");
    first(fields, "activity").is_some_and(|activity| own.contains(&activity)) && !is_domain
}

#[test]
fn every_change_has_what_the_model_wants() {
    let mut kinds = 0;
    for (case, fields) in found() {
        if !has_tag(&fields, "change") {
            continue;
        }
        kinds += 1;
        for field in ["action", "change_type", "object_category", "command", "dest", "dvc", "vendor_product"]
        {
            assert!(fields.contains_key(field), "{} has no {field}: {fields:?}", case.name);
        }
        let outcome = first(&fields, "event.outcome").unwrap_or("success");
        assert_eq!(first(&fields, "status"), Some(outcome), "{}", case.name);
        assert!(fields.contains_key("src") || !fields.contains_key("source.address"), "{}", case.name);
        // The lookup's word stands in only where the provider has none.
        if let Some(kind) = first(&fields, "auditferry.object.type") {
            assert_eq!(first(&fields, "object_category"), Some(kind), "{}", case.name);
        }
    }
    assert!(kinds > 50, "{kinds}");
}

#[test]
fn copies_unknown_events_and_heartbeats_have_no_tag() {
    let mut untagged = [0, 0, 0];
    for (case, fields) in found() {
        let of = [
            first(&fields, "tags{}") == Some("mirrored"),
            first(&fields, "activity") == Some("unknown"),
            first(&fields, "event.action") == Some("heartbeat"),
        ];
        if of.contains(&true) {
            assert!(fields["tag"].is_empty(), "{}: {fields:?}", case.name);
        }
        for (count, is) in untagged.iter_mut().zip(of) {
            *count += usize::from(is);
        }
    }
    assert!(!untagged.contains(&0), "{untagged:?}");
}

#[test]
fn that_the_audit_trail_stopped_is_an_auditing_change() {
    let stopped = found().into_iter().find(|(case, _)| case.name == "stopped").unwrap().1;
    assert!(has_tag(&stopped, "audit") && has_tag(&stopped, "change"), "{stopped:?}");
    assert_eq!((first(&stopped, "action"), first(&stopped, "dest")), (Some("stopped"), Some("collector-1")));
}

/// The cases that no example has: what the provider does not say, for every activity there is.
#[test]
fn every_activity_is_handled_without_target_outcome_or_address() {
    let addon = Addon::read();
    for activity in Activity::ALL {
        let mut bare = Fields::new();
        for (name, value) in [
            ("auditferry.activity", activity.name()),
            ("user.email", "pat@example.com".to_owned()),
            ("event.kind", "event".to_owned()),
            ("source", "auditferry:crm".to_owned()),
        ] {
            bare.insert(name.to_owned(), vec![value]);
        }
        let fields = addon.enrich(bare);
        let row = addon.rows().iter().find(|row| row["activity"] == activity.name()).unwrap();
        let tags: &[&str] = match row["cim_model"].as_str() {
            "authentication" if *activity == Activity::Impersonation => &["authentication", "privileged"],
            "authentication" => &["authentication"],
            "account" => &["account", "change"],
            "change" => &["change"],
            "audit" => &["audit", "change"],
            _ => &[],
        };
        let mut is = fields["tag"].clone();
        is.sort();
        assert_eq!(is, tags, "{activity:?}");
        let is_other_person = row["cim_model"] == "account" && !concerns_oneself(&fields);
        assert_eq!(first(&fields, "user").is_none(), is_other_person, "{activity:?}: {fields:?}");
        if matches!(activity, Activity::Login | Activity::Authentication) {
            assert_eq!(first(&fields, "action"), Some("unknown"), "{activity:?}: nobody said that it worked");
        }
    }
}
