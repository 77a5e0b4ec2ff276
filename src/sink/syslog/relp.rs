//! RELP, the Reliable Event Logging Protocol: syslog messages that the receiver answers one by one. Accepted
//! is what it has answered with 200, which means that the message is in its queue.

mod frame;
mod session;

use std::time::Duration;

use tokio::sync::Mutex;

use self::session::{Answer, OpenError, Session};
use super::dial::{Connection, Dialer};
use super::framing::too_long;
use crate::config::{SyslogConfig, SyslogTransport};
use crate::sink::{Batch, Outcome, Probe, Verdict};
use crate::tls;

/// A RELP receiver.
#[derive(Debug)]
pub(super) struct Relp {
    dialer: Dialer,
    timeout: Duration,
    max_message_size: usize,
    /// What to look at when a receiver goes away without a word.
    hint: &'static str,
    /// The session between two deliveries; a delivery takes it, so that one which is given up leaves no half
    /// frame behind.
    session: Mutex<Option<Session<Connection>>>,
}

impl Relp {
    /// A receiver at the address of this configuration. Reads the certificate files: blocks.
    ///
    /// # Errors
    /// When they can't be used.
    pub(super) fn new(config: &SyslogConfig) -> Result<Self, tls::SetupError> {
        let hint = match config.address.transport {
            // librelp ends the session of a certificate that it does not permit, and tells only its own log.
            SyslogTransport::RelpTls => {
                "if it is no restart, the receiver's log tells whether it refuses our certificate or misses one"
            }
            _ => "if it is no restart, check that it is a RELP receiver, and whether it wants TLS: relps://",
        };
        Ok(Self {
            hint,
            dialer: Dialer::new(&config.address, config.timeout, &config.tls)?,
            timeout: config.timeout,
            max_message_size: config.max_message_size,
            session: Mutex::default(),
        })
    }

    /// Sends the batch and waits for the answer to every message.
    pub(super) async fn deliver(&self, batch: &Batch) -> Outcome {
        let mut verdicts = vec![Verdict::Accepted; batch.len()];
        let mut sent = Vec::with_capacity(batch.len());
        for (index, verdict) in verdicts.iter_mut().enumerate() {
            // A receiver cuts what is too long for it, and answers 200 all the same.
            match too_long(batch.line(index), self.max_message_size) {
                Some(reason) => *verdict = Verdict::Refused(reason),
                None => sent.push(index),
            }
        }
        if !sent.is_empty() {
            let messages: Vec<&[u8]> = sent.iter().map(|index| batch.line(*index)).collect();
            let answers = match self.send(&messages).await {
                Ok(answers) => answers,
                Err(outcome) => return outcome,
            };
            for (index, answer) in sent.into_iter().zip(answers) {
                verdicts[index] = self.verdict_of(answer);
            }
        }
        if verdicts.iter().all(|verdict| *verdict == Verdict::Accepted) {
            return Outcome::Accepted;
        }
        Outcome::Each(verdicts)
    }

    async fn send(&self, messages: &[&[u8]]) -> Result<Vec<Answer>, Outcome> {
        let mut kept = self.session.lock().await;
        let mut session = match kept.take() {
            Some(mut session) => {
                if session.is_open().await {
                    session
                } else {
                    self.open().await?.0
                }
            }
            None => self.open().await?.0,
        };
        let answers = session.send(messages, self.timeout).await;
        if !session.is_broken() {
            *kept = Some(session);
        }
        Ok(answers)
    }

    async fn open(&self) -> Result<(Session<Connection>, String), Outcome> {
        let connection = self.dialer.dial().await?;
        match Session::open(connection, self.timeout).await {
            Ok(opened) => Ok(opened),
            Err(OpenError::Io(error)) => Err(self.dialer.outcome_of(&error).await),
            Err(OpenError::Broken(reason)) => {
                Err(Outcome::Retry { after: None, reason: self.about(&format!("{reason}; {}", self.hint)) })
            }
            Err(OpenError::Refused(reason)) => Err(Outcome::Held { reason: self.about(&reason) }),
        }
    }

    /// A reason with the receiver's address in front.
    fn about(&self, reason: &str) -> String {
        format!("{}: {reason}", self.dialer.host())
    }

    fn verdict_of(&self, answer: Answer) -> Verdict {
        match answer {
            Answer::Taken => Verdict::Accepted,
            Answer::NotTaken(reason) | Answer::Unknown(reason) => Verdict::Retry(self.about(&reason)),
        }
    }

    /// Opens a session of its own and closes it.
    pub(super) async fn probe(&self) -> Probe {
        match self.open().await {
            Ok((session, software)) => {
                session.close(self.timeout).await;
                Probe::Passed(format!("a RELP receiver ({software}) takes syslog messages"))
            }
            Err(Outcome::Retry { reason, .. } | Outcome::Held { reason }) => Probe::Failed(reason),
            Err(other) => Probe::Failed(format!("{other:?}")),
        }
    }
}
