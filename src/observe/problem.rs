//! What a person should look at, with what to do.

use jiff::{SignedDuration, Timestamp};

use super::health::{is_late, low_horizon, nearly_full, waits_too_long};
use super::human;
use super::status::{Problem, ProblemCode, SinkCondition, SinkStatus, Status, StreamCondition, StreamStatus};

/// Every problem of the status. Gaps are none: nobody can do anything about them any more.
pub(super) fn problems(status: &Status) -> Vec<Problem> {
    let stopped = (!status.running).then(not_running);
    let store = status.store.failure.as_deref().map(store_failing);
    let horizons = status.streams.iter().filter_map(horizon_low);
    let streams = status.streams.iter().filter_map(|stream| stream_problem(status, stream));
    let sinks = status.sinks.iter().filter_map(|sink| sink_problem(sink, status.at));
    let refused = status.sinks.iter().filter(|sink| sink.dead_letters > 0).map(dead_letters);
    let whole = stopped.into_iter().chain(store);
    whole.chain(horizons).chain(streams).chain(sinks).chain(spool_problem(status)).chain(refused).collect()
}

fn not_running() -> Problem {
    Problem {
        code: ProblemCode::NotRunning,
        subject: None,
        what: "auditferry is not running: nothing is collected and nothing is delivered".to_owned(),
        since: None,
        advice: "Start it: `auditferry run`, or as the service that you made of it.".to_owned(),
        not_ready: true,
    }
}

fn store_failing(failure: &str) -> Problem {
    Problem {
        code: ProblemCode::StoreFailing,
        subject: None,
        what: format!("the store can't write: {failure}"),
        since: None,
        advice: "Nothing is lost, but nothing new is collected. Look whether the volume of that directory has room, \
                 whether it is mounted read-only, and whether the directory and its files belong to auditferry's \
                 user. It goes on by itself when it can write again."
            .to_owned(),
        not_ready: true,
    }
}

fn horizon_low(stream: &StreamStatus) -> Option<Problem> {
    let name = stream.name();
    let what = match low_horizon(stream)? {
        0 => format!("{name}: the provider has begun to forget what is not collected"),
        seconds => {
            format!("{name}: the provider forgets what is not collected in {}", human::duration(seconds))
        }
    };
    let advice = "What it forgets is lost for good. Mend first what keeps this stream from being read; if that takes \
                  too long, export its log by hand at the provider.";
    Some(Problem {
        code: ProblemCode::HorizonLow,
        subject: Some(name),
        what,
        since: None,
        advice: advice.to_owned(),
        not_ready: false,
    })
}

fn stream_problem(status: &Status, stream: &StreamStatus) -> Option<Problem> {
    let name = stream.name();
    let reason = stream.reason.as_deref().unwrap_or("no reason was kept");
    let is_late = is_late(status, stream);
    let (code, what, advice) = match stream.state {
        StreamCondition::Held => (
            ProblemCode::StreamHeld,
            format!("{name} is held: {reason}"),
            "Mend what the provider refuses: the credential, its scopes, or the account's plan. It is tried \
             again every few minutes, and at once when the secret has changed at its source.",
        ),
        StreamCondition::Failing => (
            ProblemCode::StreamFailing,
            format!("{name} can't be polled: {reason}"),
            "It is tried again by itself. If the reason names a credential, a scope or a plan, mend that; else \
             look at the provider's own status and at the network between.",
        ),
        // Of a stopped daemon every stream is late.
        StreamCondition::Working | StreamCondition::NeverPolled if status.running && is_late => (
            ProblemCode::StreamLate,
            format!("{name} is late: its polls do not come to an end"),
            "A first poll that reaches far back can take this long; the count of events goes up \
             meanwhile. If it does not, look at the log.",
        ),
        StreamCondition::Working | StreamCondition::NeverPolled => return None,
    };
    let left = stream.horizon_remaining_seconds.map(|seconds| match seconds {
        0 => " The provider has begun to forget what is not collected.".to_owned(),
        _ => format!(" The provider forgets what is not collected in {}.", human::duration(seconds)),
    });
    let since = stream.last_success.or(status.started);
    let advice = format!("{advice}{}", left.unwrap_or_default());
    Some(Problem { code, subject: Some(name), what, since, advice, not_ready: is_late })
}

fn sink_problem(sink: &SinkStatus, now: Timestamp) -> Option<Problem> {
    let SinkStatus { name, reason, .. } = sink;
    let reason = reason.as_deref();
    let (code, what, since, advice) = match sink.state {
        SinkCondition::Held => (
            ProblemCode::SinkHeld,
            format!("{name} is held: {}", reason.unwrap_or("no reason was kept")),
            sink.since,
            "Mend what the receiver refuses: the credential, the address or the certificate. Nothing is \
             dropped; it is tried again every few minutes, and at once when the secret has changed.",
        ),
        SinkCondition::Retrying | SinkCondition::Working => {
            let seconds = i64::try_from(waits_too_long(sink)?).unwrap_or(i64::MAX);
            let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            (
                ProblemCode::SinkWaiting,
                format!("{name} does not take its events{why}"),
                now.checked_sub(SignedDuration::from_secs(seconds)).ok(),
                "The events wait on disk and are tried again by themselves. Look whether the receiver works \
                 and can be reached.",
            )
        }
    };
    let waiting = match sink.waiting {
        0 => String::new(),
        waiting => format!(" Waiting: {}.", human::count(waiting)),
    };
    let advice = format!("{advice}{waiting}");
    Some(Problem { code, subject: Some(name.clone()), what, since, advice, not_ready: true })
}

fn spool_problem(status: &Status) -> Option<Problem> {
    let spool = &status.spool;
    if !nearly_full(spool) {
        return None;
    }
    let (used, max) = (human::bytes(spool.used_bytes), human::bytes(spool.max_bytes));
    let what = match spool.full {
        true => format!("the spool is full ({used} of {max}): polling pauses"),
        false => format!("the spool is nearly full ({used} of {max})"),
    };
    let slowest = status.sinks.iter().filter(|sink| sink.waiting > 0).max_by_key(|sink| sink.waiting);
    let slowest = slowest.map(|sink| format!(" The most wait for {}.", sink.name)).unwrap_or_default();
    let advice = format!(
        "Mend the sink that events wait for, or raise spool.max_size. The providers keep what is not \
         collected meanwhile.{slowest}"
    );
    Some(Problem {
        code: ProblemCode::SpoolNearlyFull,
        subject: None,
        what,
        since: None,
        advice,
        not_ready: true,
    })
}

fn dead_letters(sink: &SinkStatus) -> Problem {
    let events = match sink.dead_letters {
        1 => "1 event".to_owned(),
        count => format!("{} events", human::count(count)),
    };
    Problem {
        code: ProblemCode::DeadLetters,
        subject: Some(sink.name.clone()),
        what: format!("{} has refused {events} for good", sink.name),
        since: None,
        advice: format!(
            "The receiver's field mapping or size limit does not fit them. They are kept with its reason: see \
             `auditferry dead-letters list --sink {0}`; when the receiver is mended, send them again with \
             `auditferry dead-letters retry --sink {0}`.",
            sink.name
        ),
        not_ready: false,
    }
}

#[cfg(test)]
mod tests;
