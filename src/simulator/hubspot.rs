//! HubSpot's account activity and account endpoints, and its token endpoint.
//!
//! <https://developers.hubspot.com/docs/api-reference/2026-03/account/audit-logs/guide>

use std::fmt::Write;

use jiff::Timestamp;

use super::endpoint::{Endpoint, Product, Stream};
use super::faults::Order;
use super::people::{OTHER_PORTAL_ID, PORTAL_ID, Person};
use super::render::{push_base64, push_time};
use super::request::{Allowance, Answer, Asked};
use super::timeline::{Key, Selection};
use super::world::World;

/// Rows a page where the query does not say; undocumented.
const DEFAULT_LIMIT: usize = 100;
/// "Max value of limit is 200."
const MOST_ROWS: usize = 200;
const DAILY_LIMIT: u64 = 1_000_000;

/// Answers a request that met no accident.
pub(crate) fn answer(world: &mut World, asked: &Asked, now_ms: i64, allowance: Allowance) -> Answer {
    if asked.endpoint == Endpoint::Token {
        return token(world, asked, now_ms);
    }
    let answer = match refusal(world, asked, now_ms) {
        Some(refusal) => refusal,
        None => match asked.endpoint.stream() {
            Some(stream) => page(world, stream, asked, now_ms),
            None => Answer::json(200, details(portal_id(world))),
        },
    };
    let total: u64 = world.requests.counts.values().sum();
    answer
        .with("x-hubspot-ratelimit-max", allowance.limit)
        .with("x-hubspot-ratelimit-remaining", allowance.remaining)
        .with("x-hubspot-ratelimit-interval-milliseconds", 10_000)
        .with("x-hubspot-ratelimit-daily", DAILY_LIMIT)
        .with("x-hubspot-ratelimit-daily-remaining", DAILY_LIMIT.saturating_sub(total))
}

/// 429 as the usage guidelines show it.
pub(crate) fn rate_limited(world: &mut World, headers: bool, allowance: Allowance) -> Answer {
    let id = world.correlation_id();
    let answer = Answer::json(
        429,
        format!(
            r#"{{"status":"error","message":"You have reached your ten_secondly_rolling limit.","errorType":"RATE_LIMIT","correlationId":"{id}","policyName":"TEN_SECONDLY_ROLLING"}}"#
        ),
    );
    if !headers {
        return answer;
    }
    answer
        .with("retry-after", world.faults.wait_seconds)
        .with("x-hubspot-ratelimit-max", allowance.limit)
        .with("x-hubspot-ratelimit-remaining", 0)
        .with("x-hubspot-ratelimit-interval-milliseconds", world.faults.wait_seconds * 1_000)
}

/// An error in HubSpot's shape.
pub(crate) fn error(world: &mut World, status: u16, category: &str, message: &str) -> Answer {
    error_with(world, status, category, message, "")
}

fn error_with(world: &mut World, status: u16, category: &str, message: &str, more: &str) -> Answer {
    let id = world.correlation_id();
    let message = serde_json::Value::from(message);
    let body = format!(
        r#"{{"status":"error","message":{message},"correlationId":"{id}","category":"{category}"{more}}}"#
    );
    Answer::json(status, body).with("x-hubspot-correlation-id", id)
}

/// What credential, scope and plan have against the request.
fn refusal(world: &mut World, asked: &Asked, now_ms: i64) -> Option<Answer> {
    if let Some(refused) = unauthorized(world, asked, now_ms) {
        return Some(refused);
    }
    if asked.post {
        return Some(error(world, 405, "METHOD_NOT_ALLOWED", "Method Not Allowed"));
    }
    if asked.endpoint == Endpoint::Details {
        return world.faults.details_refused.then(|| missing_scope(world, "oauth"));
    }
    if world.faults.missing_scope {
        return Some(missing_scope(world, "account-info.security.read"));
    }
    let enterprise_only = asked.endpoint == Endpoint::AuditLogs;
    (enterprise_only && world.faults.missing_plan.contains(&Product::Hubspot)).then(|| {
        let message = "This hub doesn't have access to this feature. Upgrade to an Enterprise subscription.";
        error(world, 403, "FORBIDDEN", message)
    })
}

fn unauthorized(world: &mut World, asked: &Asked, now_ms: i64) -> Option<Answer> {
    let token = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let revoked = world.faults.revoked_token.contains(&Product::Hubspot);
    if let Some(token) = token.filter(|_| !revoked) {
        if world.credentials.hubspot_tokens.iter().any(|known| known == token) {
            return None;
        }
        let issued = world.access_tokens.iter().find(|(known, _)| known == token);
        if let Some((_, until_ms)) = issued.cloned() {
            return (until_ms <= now_ms).then(|| expired(world, until_ms, now_ms));
        }
    }
    let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
    Some(error(world, 401, "INVALID_AUTHENTICATION", message))
}

fn expired(world: &mut World, until_ms: i64, now_ms: i64) -> Answer {
    let ago = (now_ms - until_ms) / 1_000;
    let message = format!("The OAuth token used to make this call expired {ago} second(s) ago.");
    let mut more = String::from(r#","context":{"expire time":[""#);
    push_time(&mut more, until_ms, 0, true);
    more.push_str(r#""]}"#);
    error_with(world, 401, "EXPIRED_AUTHENTICATION", &message, &more)
}

fn missing_scope(world: &mut World, scope: &str) -> Answer {
    let message = "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
    let more = format!(
        r#","errors":[{{"message":"One or more of the following scopes are required.","context":{{"requiredScopes":["{scope}"]}}}}],"links":{{"scopes":"https://developers.hubspot.com/scopes"}}"#
    );
    error_with(world, 403, "MISSING_SCOPES", message, &more)
}

/// The account that the credential belongs to.
fn portal_id(world: &World) -> i64 {
    if world.faults.other_account.contains(&Product::Hubspot) { OTHER_PORTAL_ID } else { PORTAL_ID }
}

fn details(portal_id: i64) -> String {
    format!(
        r#"{{"portalId":{portal_id},"accountType":"STANDARD","timeZone":"US/Eastern","companyCurrency":"USD","additionalCurrencies":[],"utcOffset":"-05:00","utcOffsetMilliseconds":-18000000,"uiDomain":"app.hubspot.com","dataHostingLocation":"na1"}}"#
    )
}

/// The refresh grant (RFC 6749 section 6), everything in the body.
fn token(world: &mut World, asked: &Asked, now_ms: i64) -> Answer {
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(&asked.body);
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    if !asked.post {
        return error(world, 405, "METHOD_NOT_ALLOWED", "Method Not Allowed");
    }
    if field("grant_type") != "refresh_token" {
        return error(world, 400, "VALIDATION_ERROR", "missing or unknown grant_type");
    }
    let app = (&world.credentials.client_id, &world.credentials.client_secret);
    if (&field("client_id"), &field("client_secret")) != app {
        return error(world, 401, "INVALID_AUTHENTICATION", "missing or invalid client id or secret");
    }
    let revoked = world.faults.revoked_token.contains(&Product::Hubspot);
    if revoked || field("refresh_token") != world.credentials.refresh_token {
        return Answer::json(
            400,
            r#"{"status":"BAD_REFRESH_TOKEN","error":"invalid_grant","error_description":"missing or invalid refresh token","message":"missing or invalid refresh token"}"#,
        );
    }
    let access = world.issue_token(now_ms);
    if world.credentials.rotate {
        world.credentials.refresh_token.push_str("-next");
    }
    let credentials = &world.credentials;
    let body = serde_json::json!({
        "access_token": access,
        "expires_in": credentials.expires_in,
        "refresh_token": credentials.refresh_token,
        "token_type": "bearer",
        "token_use": "access_token",
        "hub_id": portal_id(world),
        "scopes": ["oauth", "account-info.security.read"],
    });
    Answer::json(200, body.to_string())
}

/// A page of one log.
fn page(world: &mut World, stream: Stream, asked: &Asked, now_ms: i64) -> Answer {
    let selection = match selection(world, stream, asked, now_ms) {
        Ok(selection) => selection,
        Err(message) => return error(world, 400, "VALIDATION_ERROR", &message),
    };
    let mut rows = world.timeline.select(stream, &selection);
    if world.faults.order_of(stream) == Order::Shuffled {
        let behind = rows.entries.last().map(super::timeline::Entry::key);
        world.chance.shuffle(&mut rows.entries);
        return write_page(world, stream, asked, (&rows.entries, behind.filter(|_| rows.more)), now_ms);
    }
    let behind = rows.entries.last().filter(|_| rows.more).map(super::timeline::Entry::key);
    write_page(world, stream, asked, (&rows.entries, behind), now_ms)
}

fn write_page(
    world: &World,
    stream: Stream,
    asked: &Asked,
    (entries, behind): (&[super::timeline::Entry], Option<Key>),
    now_ms: i64,
) -> Answer {
    let mut body = String::from(r#"{"results":["#);
    world.write_rows(stream, entries, now_ms, &mut body);
    body.push(']');
    if let Some(key) = behind {
        let after = encode_cursor(key);
        let link: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                url::form_urlencoded::parse(asked.query.as_bytes()).filter(|(name, _)| name != "after"),
            )
            .append_pair("after", &after)
            .finish();
        let path = &asked.path;
        let _ = write!(
            body,
            r#","paging":{{"next":{{"after":"{after}","link":"https://api.hubapi.com{path}?{link}"}}}}"#
        );
    }
    body.push('}');
    Answer::json(200, body)
}

/// What the query asks for; parameters that a log does not know have no effect.
fn selection(world: &World, stream: Stream, asked: &Asked, now_ms: i64) -> Result<Selection, String> {
    let limit = limit(world, stream, asked)?;
    let after = match asked.parameter("after").filter(|after| !after.is_empty()) {
        Some(after) => Some(decode_cursor(&after).ok_or("Unable to parse value for query parameter: after")?),
        None => None,
    };
    let (mut from_ms, mut to_ms) = match stream {
        Stream::AuditLogs => (instant(asked, "occurredAfter")?, instant(asked, "occurredBefore")?),
        Stream::Security => (epoch(world, asked, "fromTimestamp")?, epoch(world, asked, "toTimestamp")?),
        Stream::Login | Stream::Activities => (None, None),
    };
    if world.faults.exclusive_bounds {
        from_ms = from_ms.map(|ms| ms.saturating_add(1));
    }
    if world.faults.filter_ignored.contains(&stream) {
        (from_ms, to_ms) = (None, None);
    }
    let user = if stream == Stream::AuditLogs { "actingUserId" } else { "userId" };
    let person = match asked.parameter(user) {
        Some(id) => {
            let id: i64 =
                id.parse().map_err(|_| format!("Unable to parse value for query parameter: {user}"))?;
            // Nobody has this number: a person that did nothing.
            Some(Person::with_user_id(id).unwrap_or(Person(u16::MAX)))
        }
        None => None,
    };
    let newest_first = world.faults.order_of(stream) != Order::OldestFirst;
    Ok(Selection { from_ms, to_ms, person, newest_first, after, skip: 0, limit, now_ms })
}

fn limit(world: &World, stream: Stream, asked: &Asked) -> Result<usize, String> {
    let Some(text) = asked.parameter("limit") else { return Ok(DEFAULT_LIMIT) };
    let most = if stream == Stream::AuditLogs && world.faults.limit_200_refused { 100 } else { MOST_ROWS };
    match text.parse::<usize>() {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        Ok(_) => Err(format!("limit must be between 1 and {most}")),
        Err(_) => Err("Unable to parse value for query parameter: limit".to_owned()),
    }
}

fn instant(asked: &Asked, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = asked.parameter(name) else { return Ok(None) };
    let parsed: Result<Timestamp, _> = text.parse();
    let instant = parsed.map_err(|_| format!("Unable to parse value for query parameter: {name}"))?;
    Ok(Some(instant.as_millisecond()))
}

fn epoch(world: &World, asked: &Asked, name: &str) -> Result<Option<i64>, String> {
    let Some(text) = asked.parameter(name) else { return Ok(None) };
    let number: i64 =
        text.parse().map_err(|_| format!("Unable to parse value for query parameter: {name}"))?;
    Ok(Some(if world.faults.filter_in_seconds { number.saturating_mul(1_000) } else { number }))
}

/// A cursor is a place in time, so that arrivals move no page. Clients must not look into it.
fn encode_cursor(key: Key) -> String {
    let mut cursor = String::new();
    let mut bytes = key.time_ms.to_be_bytes().to_vec();
    bytes.extend(key.serial.to_be_bytes());
    // 18 bytes give Base64 without padding; the alphabet's `+` and `/` must be encoded in a query, as
    // those of real cursors.
    bytes.extend(*b"hs");
    push_base64(&mut cursor, &bytes);
    cursor
}

fn decode_cursor(cursor: &str) -> Option<Key> {
    let mut bits: u128 = 0;
    if cursor.len() != 24 {
        return None;
    }
    let mut tail = 0u32;
    for (at, letter) in cursor.bytes().enumerate() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        // 128 bits of key are 21 digits and two bits of the next; the rest is the mark.
        match at {
            0..21 => bits = bits << 6 | u128::from(digit),
            21 => {
                bits = bits << 2 | u128::from(digit >> 4);
                tail = u32::from(digit & 15);
            }
            _ => tail = tail << 6 | u32::from(digit),
        }
    }
    let key = bits.to_be_bytes();
    let (time, serial) = key.split_at(8);
    (tail == u32::from(u16::from_be_bytes(*b"hs"))).then_some(Key {
        time_ms: i64::from_be_bytes(time.try_into().ok()?),
        serial: u64::from_be_bytes(serial.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_its_place_and_nothing_else_is_one() {
        let key = Key { time_ms: 1_763_770_000_123, serial: 987_654_321 };
        let cursor = encode_cursor(key);
        assert_eq!(decode_cursor(&cursor), Some(key));
        assert_eq!(decode_cursor("100"), None);
        assert_eq!(decode_cursor(&cursor.replace(&cursor[23..], "!")), None);
    }
}
