//! The header of a syslog message: RFC 5424 or RFC 3164.

use super::{Detail, Format, Observer};
use crate::event::StoredEvent;

/// What the configuration says about the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyslogHeader {
    /// RFC 5424 with structured data; else RFC 3164.
    pub is_rfc5424: bool,
    /// 0 to 23.
    pub facility: u8,
    /// APP-NAME or TAG.
    pub app_name: String,
    /// HOSTNAME; `None` is the observer's.
    pub hostname: Option<String>,
    /// Bytes of a message at most.
    pub max_message_size: usize,
}

/// Writes syslog messages, without the frame of the transport.
#[derive(Debug, Clone)]
pub struct SyslogEnvelope;

impl SyslogEnvelope {
    /// An envelope with this header.
    pub fn new(_header: &SyslogHeader, _observer: &Observer) -> Self {
        Self
    }

    /// Appends the message to `out`, without frame or line feed.
    pub(super) fn encode(&mut self, format: &Format, event: &StoredEvent, out: &mut Vec<u8>) {
        format.encode(event, Detail::Full, out);
    }
}
