//! Brevo's user activity log and account endpoints.
//!
//! <https://developers.brevo.com/reference/get-account-activity>

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::endpoint::{Endpoint, Product, Stream};
use super::faults::Order;
use super::people::{COMPANY, ORGANIZATION_ID, OTHER_ORGANIZATION_ID, Person};
use super::request::{Allowance, Answer, Asked};
use super::timeline::Selection;
use super::world::World;

/// Rows a page where the query does not say.
const DEFAULT_LIMIT: usize = 10;
const MOST_ROWS: usize = 100;
/// "One month": the documented sample reaches from the first of a month to the first of the next.
const MOST_DAYS: i32 = 31;
const MONTHS_BACK: i32 = 12;
/// The range of a query without dates; undocumented here, 30 days at Brevo's other endpoints.
const DEFAULT_DAYS: i32 = 30;

/// Answers a request that met no accident.
pub(crate) fn answer(world: &mut World, asked: &Asked, now_ms: i64, allowance: Allowance) -> Answer {
    if asked.header("user-agent").is_none_or(|value| value.trim().is_empty()) {
        let page = "<!DOCTYPE html><html><head><title>Access denied | api.brevo.com used Cloudflare to restrict access</title></head><body><h1>Error 1010: Access denied</h1></body></html>";
        return Answer::html(403, page);
    }
    let answer = match unauthorized(world, asked) {
        // The answer to a bad key carries no limits.
        Some(refused) => return refused.with("sib-request-id", world.correlation_id()),
        None if asked.post => error(405, "method_not_allowed", "POST Method is not allowed on this path"),
        None if asked.endpoint == Endpoint::Account => account(world),
        None => page(world, asked, now_ms).unwrap_or_else(|refused| refused),
    };
    answer
        .with("sib-request-id", world.correlation_id())
        .with("x-sib-ratelimit-limit", allowance.limit)
        .with("x-sib-ratelimit-remaining", allowance.remaining)
        .with("x-sib-ratelimit-reset", allowance.reset_ms.div_euclid(1_000).max(1))
}

/// 429.
pub(crate) fn rate_limited(world: &World, headers: bool, allowance: Allowance) -> Answer {
    let answer = error(429, "too_many_requests", "You have exceeded the rate limit");
    if !headers {
        return answer;
    }
    let reset = if allowance.exceeded {
        allowance.reset_ms.div_euclid(1_000).max(1).unsigned_abs()
    } else {
        world.faults.wait_seconds
    };
    answer
        .with("x-sib-ratelimit-limit", allowance.limit)
        .with("x-sib-ratelimit-remaining", 0)
        .with("x-sib-ratelimit-reset", reset)
}

/// An error in Brevo's shape.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = serde_json::json!({"code": code, "message": message});
    Answer::json(status, body.to_string())
}

fn unauthorized(world: &World, asked: &Asked) -> Option<Answer> {
    let Some(key) = asked.header("api-key") else {
        return Some(error(401, "unauthorized", "authentication not found in headers"));
    };
    let revoked = world.faults.revoked_token.contains(&Product::Brevo);
    let known = world.credentials.brevo_keys.iter().any(|known| known == key);
    if revoked || !known {
        return Some(error(401, "unauthorized", "Key not found"));
    }
    let message = "We have detected you are using an unrecognised IP address 203.0.113.250. If you performed this action make sure to add the new IP address in this link: https://app.brevo.com/security/authorised_ips";
    world.faults.unknown_address.then(|| error(401, "unauthorized", message))
}

fn account(world: &World) -> Answer {
    if world.faults.details_refused {
        return error(403, "permission_denied", "Access forbidden.");
    }
    let owner = Person(0);
    let is_other = world.faults.other_account.contains(&Product::Brevo);
    let body = serde_json::json!({
        "organization_id": if is_other { OTHER_ORGANIZATION_ID } else { ORGANIZATION_ID },
        "user_id": 1_840_233,
        "enterprise": !world.faults.missing_plan.contains(&Product::Brevo),
        "companyName": COMPANY,
        "email": format!("{}@{}", owner.mailbox(), owner.domain()),
    });
    Answer::json(200, body.to_string())
}

fn page(world: &mut World, asked: &Asked, now_ms: i64) -> Result<Answer, Answer> {
    if world.faults.missing_plan.contains(&Product::Brevo) {
        return Err(error(400, "bad_request", "Upgrade to Enterprise plan"));
    }
    let today = day_of(world.provider_ms());
    let (from, to) = range(asked, today)?;
    let limit = number(asked, "limit", DEFAULT_LIMIT)?;
    if !(1..=MOST_ROWS).contains(&limit) {
        return Err(error(400, "out_of_range", "Limit should be between 1 and 100"));
    }
    let stream = Stream::Activities;
    let ignored = world.faults.filter_ignored.contains(&stream);
    let selection = Selection {
        from_ms: (!ignored).then(|| begin_ms(from)),
        to_ms: (!ignored).then(|| begin_ms(to.saturating_add(Span::new().days(1)))),
        person: asked.parameter("email").map(|email| Person::with_email(&email).unwrap_or(Person(u16::MAX))),
        newest_first: world.faults.order_of(stream) != Order::OldestFirst,
        after: None,
        skip: number(asked, "offset", 0)?,
        limit,
        now_ms,
    };
    let mut rows = world.timeline.select(stream, &selection).entries;
    if world.faults.order_of(stream) == Order::Shuffled {
        world.chance.shuffle(&mut rows);
    }
    if rows.is_empty() && world.faults.no_logs_key {
        return Ok(Answer::json(200, "{}"));
    }
    let mut body = String::from(r#"{"logs":["#);
    world.write_rows(stream, &rows, now_ms, &mut body);
    body.push_str("]}");
    Ok(Answer::json(200, body))
}

/// The first and the last UTC day, both included.
fn range(asked: &Asked, today: Date) -> Result<(Date, Date), Answer> {
    let (from, to) = match (date(asked, "startDate")?, date(asked, "endDate")?) {
        (Some(from), Some(to)) => (from, to),
        (None, None) => return Ok((today.saturating_sub(Span::new().days(DEFAULT_DAYS)), today)),
        (Some(_), None) => {
            return Err(error(400, "missing_parameter", "endDate is mandatory with startDate"));
        }
        (None, Some(_)) => {
            return Err(error(400, "missing_parameter", "startDate is mandatory with endDate"));
        }
    };
    if to > today {
        return Err(error(400, "invalid_parameter", "End date should not be greater than current date"));
    }
    if from > to {
        return Err(error(400, "invalid_parameter", "Start date should not be greater than end date"));
    }
    if from < today.saturating_sub(Span::new().months(MONTHS_BACK)) {
        return Err(error(400, "out_of_range", "Start date should be within the past 12 months"));
    }
    if to > from.saturating_add(Span::new().days(MOST_DAYS)) {
        return Err(error(400, "out_of_range", "Maximum time period that can be selected is one month"));
    }
    Ok((from, to))
}

fn date(asked: &Asked, name: &str) -> Result<Option<Date>, Answer> {
    let Some(text) = asked.parameter(name) else { return Ok(None) };
    // Only YYYY-MM-DD: a time behind it is no date.
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    match date {
        Some(date) => Ok(Some(date)),
        None => Err(error(400, "invalid_parameter", &format!("{name} should be YYYY-MM-DD"))),
    }
}

fn number(asked: &Asked, name: &str, default: usize) -> Result<usize, Answer> {
    let Some(text) = asked.parameter(name) else { return Ok(default) };
    text.parse().map_err(|_| error(400, "invalid_parameter", &format!("{name} should be a whole number")))
}

fn day_of(ms: i64) -> Date {
    let instant = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    TimeZone::UTC.to_datetime(instant).date()
}

fn begin_ms(day: Date) -> i64 {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_or(i64::MAX, Timestamp::as_millisecond)
}
