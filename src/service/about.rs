//! What the status shows of the configuration.

use crate::config::{self, Config, Source, SourceKind};
use crate::event::StreamName;
use crate::observe::{About, AboutSink, AboutStream};
use crate::provider::Provider;
use crate::provider::brevo::Brevo;
use crate::provider::hubspot::{HubSpot, Mirrored};

/// Names every stream with its poll interval and horizon, every sink with its sources, and the spool's size.
pub(crate) fn about(config: &Config) -> About {
    About {
        streams: config.sources.iter().flat_map(streams).collect(),
        sinks: config.sinks.iter().map(sink).collect(),
        spool_max: config.spool.max_size,
    }
}

fn sink(sink: &config::Sink) -> AboutSink {
    AboutSink { name: sink.name.clone(), sources: sink.sources.clone() }
}

fn streams(source: &Source) -> Vec<AboutStream> {
    let specs = match &source.kind {
        SourceKind::HubSpot { api_version, .. } => {
            HubSpot::new(source.base_url.clone(), api_version, Mirrored::default()).streams()
        }
        SourceKind::Brevo { .. } => Brevo::new(source.base_url.clone()).streams(),
    };
    let about = |stream: &String| AboutStream {
        name: StreamName { source: source.name.clone(), stream: stream.clone() },
        poll_interval: source.polling.interval,
        // The provider's own word, where it gives one.
        horizon: specs
            .iter()
            .find(|spec| spec.name == stream)
            .and_then(|spec| spec.horizon)
            .unwrap_or(source.polling.horizon),
    };
    source.streams.iter().map(about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_has_the_horizon_that_its_provider_names_else_the_configured_one() {
        let text = "state_dir = '/tmp/state'\n\
            [sources.crm]\ntype = 'hubspot'\ntoken = 'x'\nhorizon = '200d'\n\
            [sources.mail]\ntype = 'brevo'\napi_key = 'x'\n\
            [sinks.out]\ntype = 'stdout'\n[sinks.some]\ntype = 'file'\npath = '/tmp/events'\nsources = ['mail']\n";
        let about = about(&Config::from_text(text, "test").unwrap());
        let days: Vec<_> = about
            .streams
            .iter()
            .map(|stream| (stream.name.to_string(), stream.horizon.as_secs() / 86_400))
            .collect();
        let expected =
            [("crm/audit_logs", 200), ("crm/login", 90), ("crm/security", 200), ("mail/activities", 365)];
        assert_eq!(days, expected.map(|(name, days)| (name.to_owned(), days)));
        let sink = |name: &str, sources: &[&str]| AboutSink {
            name: name.to_owned(),
            sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        };
        assert_eq!(about.sinks, [sink("out", &[]), sink("some", &["mail"])]);
    }
}
