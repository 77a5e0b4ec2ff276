//! What a cluster says without being given an event.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::ElasticsearchSink;
use super::endpoints::Endpoint;
use crate::config::Flavor;
use crate::exchange::{Reply, Request};
use crate::sink::peer::verdict::{described, message};
use crate::sink::{Outcome, Probe};

/// What writing needs, of <https://www.elastic.co/docs/reference/elasticsearch/security-privileges>.
const PRIVILEGES: [&str; 2] = ["create_doc", "auto_configure"];

/// `GET /`.
#[derive(Debug, Deserialize)]
struct Root {
    #[serde(default)]
    tagline: String,
    version: Version,
}

#[derive(Debug, Deserialize)]
struct Version {
    number: String,
    /// `opensearch`; Elasticsearch has none.
    #[serde(default)]
    distribution: Option<String>,
}

/// `POST /_security/user/_has_privileges`.
#[derive(Debug, Deserialize)]
struct Privileges {
    /// By pattern, then by privilege.
    index: BTreeMap<String, BTreeMap<String, bool>>,
}

/// `GET /_plugins/_security/authinfo`.
#[derive(Debug, Deserialize)]
struct Account {
    user_name: String,
    #[serde(default)]
    roles: Vec<String>,
}

/// What an endpoint is.
enum Greeting {
    /// The product that is configured; its name and version.
    Known(String),
    /// It would not say, and need not: the right to ask is another than the right to write.
    Withheld(String),
    /// Events can't go there: why.
    Wrong(String),
}

impl ElasticsearchSink {
    /// Asks every endpoint what it is, and one of them what the credential may do.
    pub(super) async fn ask(&self) -> Probe {
        let mut found = Vec::new();
        let mut wrong = Vec::new();
        let mut usable = None;
        for endpoint in self.endpoints.all() {
            match self.greet(endpoint).await {
                Greeting::Known(said) | Greeting::Withheld(said) => {
                    found.push(format!("{}: {said}", endpoint.host));
                    usable = usable.or(Some(endpoint));
                }
                Greeting::Wrong(why) => wrong.push(format!("{}: {why}", endpoint.host)),
            }
        }
        let Some(endpoint) = usable else { return Probe::Failed(wrong.join("; ")) };
        found.extend(wrong);
        let found = found.join("; ");
        match self.flavor {
            Flavor::Elasticsearch => self.ask_privileges(endpoint, found).await,
            Flavor::OpenSearch => ask_account(endpoint, found).await,
        }
    }

    async fn greet(&self, endpoint: &Endpoint) -> Greeting {
        let reply = match get(endpoint, &[""]).await {
            Ok(reply) => reply,
            Err(why) => return Greeting::Wrong(why),
        };
        match reply.status {
            200..=299 => {}
            401 => {
                return Greeting::Wrong(format!("the credential is refused: {}", described(&reply)));
            }
            403 => return Greeting::Withheld("it does not tell this credential its version".to_owned()),
            _ => return Greeting::Wrong(format!("{}; check endpoint", described(&reply))),
        }
        match serde_json::from_slice::<Root>(&reply.body) {
            Ok(root) => root.greeting(self.flavor),
            Err(_) => Greeting::Wrong(format!(
                "this is neither Elasticsearch nor OpenSearch: check endpoint; it says: {}",
                message(&reply.body)
            )),
        }
    }

    async fn ask_privileges(&self, endpoint: &Endpoint, found: String) -> Probe {
        let pattern = format!("logs-*-{}", self.namespace);
        let question = serde_json::json!({"index": [{"names": [pattern], "privileges": PRIVILEGES}]});
        let url = endpoint.url(&["_security", "user", "_has_privileges"], &[]);
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let body = Cow::Owned(question.to_string().into_bytes());
        let reply = match endpoint.peer.post(url, headers, body).await {
            Ok(reply) => reply,
            Err(outcome) => return Probe::Failed(format!("{found}; {}", reason_of(outcome))),
        };
        if reply.status == 401 {
            return Probe::Failed(format!("{found}; the credential is refused: {}", described(&reply)));
        }
        // Without its security there are no privileges to ask for, and no such address.
        let privileges = match serde_json::from_slice::<Privileges>(&reply.body) {
            Ok(privileges) if reply.status == 200 => privileges,
            _ => {
                let why = described(&reply);
                return Probe::OnlyByEvent(format!(
                    "{found}; what this credential may do could not be asked: {why}"
                ));
            }
        };
        let given = privileges.index.get(&pattern);
        let is_given = |name: &&str| given.and_then(|given| given.get(*name)).copied().unwrap_or_default();
        let missing: Vec<&str> = PRIVILEGES.into_iter().filter(|name| !is_given(name)).collect();
        if missing.is_empty() {
            return Probe::Passed(format!("{found}; the credential may write to {pattern}"));
        }
        Probe::Failed(format!(
            "{found}; the credential lacks {} on {pattern}: add it to the role or the API key",
            missing.join(" and ")
        ))
    }
}

impl Root {
    fn greeting(&self, flavor: Flavor) -> Greeting {
        let number = message(self.version.number.as_bytes());
        let is_opensearch = self.version.distribution.as_deref() == Some("opensearch");
        // OpenSearch can be told to give another number, but it keeps the name of its distribution.
        let is_elasticsearch = !is_opensearch && self.tagline.starts_with("You Know, for Search");
        match flavor {
            Flavor::Elasticsearch if is_opensearch => {
                Greeting::Wrong(format!("this is OpenSearch {number}: set flavor = \"opensearch\""))
            }
            Flavor::OpenSearch if is_elasticsearch => {
                Greeting::Wrong(format!("this is Elasticsearch {number}: set flavor = \"elasticsearch\""))
            }
            Flavor::Elasticsearch => Greeting::Known(format!("Elasticsearch {number}")),
            Flavor::OpenSearch => Greeting::Known(format!("OpenSearch {number}")),
        }
    }
}

/// OpenSearch has no question for what an account may do; it says which account that is.
async fn ask_account(endpoint: &Endpoint, found: String) -> Probe {
    let reply = get(endpoint, &["_plugins", "_security", "authinfo"]).await;
    let account = reply.map(|reply| serde_json::from_slice::<Account>(&reply.body));
    let said = match account {
        Ok(Ok(Account { user_name, roles })) => {
            let roles = roles.join(", ");
            message(format!("user {user_name} with the roles {roles}").as_bytes())
        }
        Ok(Err(_)) => "who we are to it could not be asked".to_owned(),
        Err(why) => return Probe::Failed(format!("{found}; {why}")),
    };
    Probe::OnlyByEvent(format!("{found}; {said}; OpenSearch does not say whether that may write"))
}

async fn get(endpoint: &Endpoint, path: &[&str]) -> Result<Reply, String> {
    endpoint.peer.send(Request::get(endpoint.url(path, &[]))).await.map_err(reason_of)
}

/// Why there is no answer.
fn reason_of(outcome: Outcome) -> String {
    match outcome {
        Outcome::Retry { reason, .. } | Outcome::Held { reason } | Outcome::Refused { reason, .. } => reason,
        Outcome::Accepted | Outcome::Each(_) => String::new(),
    }
}
