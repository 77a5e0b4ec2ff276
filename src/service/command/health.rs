//! Whether the running daemon is alive or ready: for container health checks and monitors.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Answer, Done, Request as Any};
use crate::config::Config;
use crate::service::view::View;
use crate::service::{ServiceError, control};

/// Who asks wants to know it soon: the health check of a container is given few seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) struct Request {
    /// Whether everything is collected and delivered, too; else only whether the process works.
    ready: bool,
}

pub(super) async fn execute(view: Option<&View>, request: Request) -> Result<Done, ServiceError> {
    match view {
        Some(view) => Ok(Done::Health(view.ailments(request.ready).await)),
        None => Err(ServiceError::Command("there is no daemon here".to_owned())),
    }
}

/// Asks the running daemon of this configuration. What ails it, a line each; nothing when it is alive, or ready
/// if that is asked.
///
/// # Errors
/// When none runs, or it does not answer within 3 s.
pub(crate) async fn health(config: &Config, ready: bool) -> Result<Vec<String>, ServiceError> {
    let failed = |reason: String| Err(ServiceError::Command(reason));
    let asked = timeout(PATIENCE, ask(config, ready)).await;
    asked.unwrap_or_else(|_| failed(format!("the daemon has not answered for {} s", PATIENCE.as_secs())))
}

async fn ask(config: &Config, ready: bool) -> Result<Vec<String>, ServiceError> {
    let Some(daemon) = control::connect(&config.state_dir).await? else {
        return Err(ServiceError::Command(format!(
            "not running: no daemon answers in the state directory {}",
            config.state_dir.display()
        )));
    };
    let (answers, mut incoming) = mpsc::channel(1);
    let request = Any::Health(Request { ready });
    let (asked, answer) = tokio::join!(daemon.ask(&request, answers), incoming.recv());
    match (asked, answer) {
        (_, Some(Answer::Done(Done::Health(ailments)))) => Ok(ailments),
        (Err(failure), _) => Err(failure),
        (_, Some(Answer::Error(reason))) => Err(ServiceError::Command(reason)),
        (Ok(()), _) => Err(ServiceError::Command("the daemon's answer is none to this question".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_protocol_stay() {
        let request = Any::Health(Request { ready: true });
        assert_eq!(serde_json::to_string(&request).unwrap(), r#"{"health":{"ready":true}}"#);
        let done = Answer::Done(Done::Health(vec!["siem: held".to_owned()]));
        assert_eq!(serde_json::to_string(&done).unwrap(), r#"{"done":{"health":["siem: held"]}}"#);
    }

    #[tokio::test]
    async fn where_no_daemon_runs_it_is_said_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let text = format!(
            "state_dir = {:?}\n[sources.mail]\ntype = 'brevo'\napi_key = 'x'\n[sinks.out]\ntype = 'stdout'\n",
            directory.path()
        );
        let config = Config::from_text(&text, "test").unwrap();
        let failure = health(&config, false).await.unwrap_err().to_string();
        assert!(failure.starts_with("not running"), "{failure}");
        // Bound, and never served: as one that hangs.
        let _hung = std::os::unix::net::UnixListener::bind(directory.path().join("control.sock")).unwrap();
        let failure = health(&config, false).await.unwrap_err().to_string();
        assert_eq!(failure, "the daemon has not answered for 3 s");
    }
}
