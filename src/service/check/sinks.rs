//! Asking a sink whether it would take events.

use std::sync::Arc;

use jiff::Timestamp;

use super::Finding;
use crate::config::{self, SinkKind};
use crate::encode::Encoder;
use crate::event::{OwnEvent, StoredEvent};
use crate::service::observer;
use crate::sink::{self, Batch, Outcome, Probe, SetupError, Sink, Verdict};

pub(super) async fn check_sink(config: &config::Sink, send_test: bool) -> Finding {
    let made = config.clone();
    // Reading certificates and keys blocks.
    let made = tokio::task::spawn_blocking(move || {
        Ok::<_, SetupError>((sink::build(&made)?, sink::encoder(&made, &observer())?))
    });
    let (sink, encoder) = match made.await {
        Ok(Ok(made)) => made,
        Ok(Err(failure)) => return Finding::Failed(failure.to_string()),
        Err(failure) => return Finding::Failed(failure.to_string()),
    };
    let probed = sink.probe().await;
    // Standard output is where the findings go.
    if !send_test || config.kind == SinkKind::Stdout {
        return match probed {
            Probe::Passed(found) => Finding::Passed(found),
            Probe::Failed(why) => Finding::Failed(why),
            Probe::OnlyByEvent(found) => Finding::Unproved(format!("{found}; --send-test sends one event")),
        };
    }
    match probed {
        Probe::Failed(why) => Finding::Failed(why),
        Probe::Passed(found) | Probe::OnlyByEvent(found) => match send(encoder, &*sink).await {
            Ok(()) => Finding::Passed(format!("{found}; it took a test event")),
            Err(why) => Finding::Failed(format!("{found}; it did not take a test event: {why}")),
        },
    }
}

async fn send(mut encoder: Encoder, sink: &dyn Sink) -> Result<(), String> {
    let stream = OwnEvent::stream();
    let made = OwnEvent::Test.to_event(Timestamp::now());
    let event = StoredEvent {
        position: 0,
        stream: Arc::new(stream),
        // Before the first one of the stream, so that it leaves no hole.
        sequence: 0,
        id: made.id,
        core: made.core.into(),
        original: made.original.into(),
    };
    let mut batch = Batch::default();
    encoder.encode(&event, &mut batch.lines);
    batch.push_written(Arc::new(event), 0);
    match sink.deliver(&batch).await {
        Outcome::Accepted => Ok(()),
        Outcome::Retry { reason, .. } | Outcome::Held { reason } | Outcome::Refused { reason, .. } => {
            Err(reason)
        }
        Outcome::Each(verdicts) => match verdicts.into_iter().next() {
            Some(Verdict::Accepted) => Ok(()),
            Some(Verdict::Retry(reason) | Verdict::Held(reason) | Verdict::Refused(reason)) => Err(reason),
            None => Err("it said nothing about the event".to_owned()),
        },
    }
}
