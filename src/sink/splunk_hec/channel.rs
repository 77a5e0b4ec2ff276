//! Channels: under which GUID a batch is posted, and in which session of a load balancer.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::exchange::Headers;
use crate::sink::peer;

/// The request header that names a channel.
pub(super) const HEADER: &str = "x-splunk-request-channel";

/// Splunk forgets a channel after 10 minutes without use (`maxIdleTime` of inputs.conf): half of that is safe.
const LONGEST_IDLE: Duration = Duration::from_secs(5 * 60);

/// Cookies of one session, and bytes of one of them (RFC 6265 section 6.1). Load balancers set one or two.
const MOST_COOKIES: usize = 8;
const LONGEST_COOKIE: usize = 4096;

/// There is no making of a GUID.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers, which a channel of the HTTP Event Collector needs")]
pub(super) struct NoRandomNumbers;

/// A channel of the collector. `ackId`s count anew on each channel, and each node behind a load balancer counts
/// for itself. So a channel carries one batch at a time, and it is used again only after that batch was
/// acknowledged: a `true` can then mean no other batch than the one that waits for it.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) guid: String,
    cookies: Cookies,
    used: Instant,
}

impl Channel {
    /// One that was never used.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn new() -> Result<Self, NoRandomNumbers> {
        Ok(Self { guid: guid()?, cookies: Cookies::default(), used: Instant::now() })
    }

    /// Headers of a request on this channel.
    pub(super) fn headers(&self) -> peer::Headers {
        let mut headers = vec![(HEADER.to_owned(), self.guid.clone())];
        if !self.cookies.0.is_empty() {
            headers.push(("cookie".to_owned(), self.cookies.header()));
        }
        headers
    }

    /// Keeps the session of an answer; whether it is another one than before.
    pub(super) fn keep_session(&mut self, headers: &Headers) -> bool {
        self.used = Instant::now();
        self.cookies.take(headers)
    }
}

/// Channels that have done their work and can be used again.
#[derive(Debug)]
pub(super) struct Channels {
    /// Never held across an await.
    free: Mutex<Vec<Channel>>,
    most: usize,
}

impl Channels {
    /// So many batches are on their way at most.
    pub(super) fn new(most: usize) -> Self {
        Self { free: Mutex::new(Vec::new()), most }
    }

    /// A channel for one batch: one that is still known to Splunk, else a new one.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(super) fn take(&self) -> Result<Channel, NoRandomNumbers> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.retain(|channel| channel.used.elapsed() < LONGEST_IDLE);
        free.pop().map_or_else(Channel::new, Ok)
    }

    /// Gives a channel back whose batch was acknowledged. Every other one is left for good: what is dropped
    /// here, by an error or at a stop, can be confused with nothing later.
    pub(super) fn give_back(&self, channel: Channel) {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.most {
            free.push(channel);
        }
    }
}

/// A session of a load balancer: names and values (RFC 6265). Paths and domains make no difference, as all
/// requests go to one address.
#[derive(Default)]
struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Whether a cookie that was there is another now.
    fn take(&mut self, headers: &Headers) -> bool {
        let mut changed = false;
        for cookie in headers.all("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            if name.is_empty() || pair.len() > LONGEST_COOKIE || !pair.bytes().all(is_printable) {
                continue;
            }
            let known = self.0.iter_mut().find(|(known, _)| known == name);
            if let Some((_, known)) = known {
                changed |= known != value;
                value.clone_into(known);
            } else if self.0.len() < MOST_COOKIES {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
        changed
    }

    fn header(&self) -> String {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

/// A session may be a secret.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

fn is_printable(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_graphic()
}

/// A random GUID (RFC 9562 section 5.4).
fn guid() -> Result<String, NoRandomNumbers> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| NoRandomNumbers)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cookies: &[&str]) -> Headers {
        Headers::new(cookies.iter().map(|cookie| ("Set-Cookie".to_owned(), (*cookie).to_owned())).collect())
    }

    fn cookie(channel: &Channel) -> Option<String> {
        channel.headers().into_iter().find_map(|(name, value)| (name == "cookie").then_some(value))
    }

    #[test]
    fn a_guid_is_random_and_of_version_4() {
        let (one, other) = (guid().unwrap(), guid().unwrap());
        assert_ne!(one, other);
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{one}");
        assert_eq!(&one[14..15], "4", "{one}");
        assert!("89ab".contains(&one[19..20]), "{one}");
    }

    #[test]
    fn a_session_is_kept_and_its_change_is_seen() {
        let mut channel = Channel::new().unwrap();
        assert_eq!(cookie(&channel), None);
        assert!(
            !channel.keep_session(&set(&["node=a; Path=/; HttpOnly", "more = b"])),
            "a first one is none"
        );
        assert_eq!(cookie(&channel).as_deref(), Some("node=a; more=b"));
        assert!(!channel.keep_session(&set(&[])));
        assert!(!channel.keep_session(&set(&["node=a"])));
        assert!(channel.keep_session(&set(&["node=c"])));
        assert_eq!(cookie(&channel).as_deref(), Some("node=c; more=b"));
        assert!(!format!("{channel:?}").contains("=c"));
    }

    #[test]
    fn cookies_that_make_no_sense_or_no_end_are_left_out() {
        let mut channel = Channel::new().unwrap();
        let long = format!("long={}", "x".repeat(LONGEST_COOKIE));
        assert!(!channel.keep_session(&set(&["", "=x", "none", "bad=\u{7}", &long])));
        assert_eq!(cookie(&channel), None);
        let many: Vec<String> = (0..100).map(|number| format!("c{number}=x")).collect();
        channel.keep_session(&set(&many.iter().map(String::as_str).collect::<Vec<_>>()));
        assert_eq!(channel.cookies.0.len(), MOST_COOKIES);
    }

    #[tokio::test(start_paused = true)]
    async fn a_channel_is_used_again_until_it_was_idle_for_long() {
        let channels = Channels::new(1);
        let channel = channels.take().unwrap();
        let guid = channel.guid.clone();
        assert_ne!(channels.take().unwrap().guid, guid, "one batch at a time");
        channels.give_back(channel);
        channels.give_back(Channel::new().unwrap());
        let channel = channels.take().unwrap();
        assert_eq!(channel.guid, guid, "and no more are kept than batches can be on their way");
        channels.give_back(channel);
        tokio::time::advance(LONGEST_IDLE).await;
        assert_ne!(channels.take().unwrap().guid, guid);
    }
}
