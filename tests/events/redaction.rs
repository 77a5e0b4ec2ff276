//! What a redacted sink is sent of every example event: an event by the rules of its format, with nobody's address.

use auditferry::encode::{Encoder, Envelope, Redaction};
use auditferry::event::{SensitiveField, Treatment, User};

use serde_json::Value;

use crate::golden::{Case, FORMATS, Shown, cases};
use crate::{ecs, ocsf};

const KEY: &[u8] = b"0123456789abcdef";
/// A shorter value stands in other words by chance.
const SHORTEST: usize = 6;

fn line(case: &Case, shown: &Shown, treatment: Treatment) -> String {
    let rules = SensitiveField::ALL.iter().map(|field| (*field, treatment)).collect();
    let mut encoder =
        Encoder::new((shown.format)(), Envelope::Line).redacted(Redaction::new(rules, Some(KEY)));
    let mut out = Vec::new();
    encoder.encode(&case.event, &mut out);
    String::from_utf8(out).unwrap()
}

/// Every value of the event that is to go, and every e-mail address of its record, in lower case.
fn secrets(case: &Case) -> Vec<String> {
    let event = case.event.event();
    let users: Vec<_> =
        std::iter::successors(event.user.as_ref(), |user| user.target.as_deref()).cloned().collect();
    let of_user = |User { id, email, name, domain, .. }: User| [id, email, name, domain];
    let source = event.source.unwrap_or_default();
    let record = case.record.as_deref().unwrap_or_default();
    let addresses = record.split(['"', ' ', '\\']).filter(|word| word.contains('@')).map(str::to_owned);
    let object = event.auditferry.object.unwrap_or_default();
    users
        .into_iter()
        .flat_map(of_user)
        .chain([source.ip, source.address, source.geo.and_then(|geo| geo.name), object.id])
        .chain([event.user_agent.map(|agent| agent.original), event.organization.map(|account| account.id)])
        .flatten()
        .chain(addresses)
        .filter(|secret| secret.len() >= SHORTEST)
        .map(|secret| secret.to_lowercase())
        .collect()
}

#[test]
fn no_example_tells_a_redacted_sink_who_it_was() {
    let mut found = 0;
    for case in &cases() {
        let secrets = secrets(case);
        found += secrets.len();
        for shown in &FORMATS {
            for treatment in Treatment::ALL {
                let line = line(case, shown, *treatment).to_lowercase();
                for secret in &secrets {
                    let place = case.path();
                    assert!(
                        !line.contains(secret),
                        "{} as {}: {secret} is in {line}",
                        place.display(),
                        shown.title
                    );
                }
                assert!(line.contains(&case.event.id.to_string()), "{line}");
            }
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn a_redacted_example_keeps_the_rules_of_its_format() {
    for case in &cases() {
        for shown in FORMATS.iter().filter(|shown| shown.language == "json") {
            for treatment in Treatment::ALL {
                let event: Value = serde_json::from_str(&line(case, shown, *treatment)).unwrap();
                let faults = match shown.title {
                    "ECS" => ecs::fault(&event).into_iter().collect(),
                    _ => ocsf::faults(&event),
                };
                assert!(faults.is_empty(), "{} {treatment:?}: {faults:#?}\n{event:#}", case.path().display());
            }
        }
    }
}
