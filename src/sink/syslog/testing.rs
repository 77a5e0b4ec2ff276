//! What the tests of the transports share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Framing, SyslogAddress, SyslogConfig, SyslogProtocol, SyslogTransport};
use crate::event::{EventId, StoredEvent, StreamName};
use crate::sink::Batch;
use crate::tls;

/// Longer than any test on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// Events whose encodings are these messages.
pub(super) fn batch(messages: &[&str]) -> Batch {
    let mut batch = Batch::default();
    for (position, message) in (0..).zip(messages) {
        let event = StoredEvent {
            position,
            stream: Arc::new(StreamName { source: "crm".to_owned(), stream: "login".to_owned() }),
            sequence: position,
            id: EventId::from_bytes([7; 16]),
            core: "".into(),
            original: "".into(),
        };
        batch.push(Arc::new(event), message.as_bytes());
    }
    batch
}

/// A receiver at this address.
pub(super) fn config(transport: SyslogTransport, address: SocketAddr) -> SyslogConfig {
    SyslogConfig {
        address: SyslogAddress { transport, host: address.ip().to_string(), port: address.port() },
        framing: Framing::OctetCounting,
        protocol: SyslogProtocol::Rfc5424,
        facility: 13,
        app_name: "auditferry".to_owned(),
        hostname: None,
        max_message_size: 8192,
        timeout: LONG,
        tls: tls::Options::default(),
    }
}
