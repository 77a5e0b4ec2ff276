//! What an event is about: the objects that its class requires, whatever is known of them.

use serde_json::{Value, json};

use super::class::{self, Class};
use super::{Mapping, OcsfVersion, module, object};
use crate::event::Activity;

/// What an event is about.
pub(super) struct Subject {
    /// Members of the event.
    pub(super) members: Vec<(&'static str, Value)>,
    /// Whether the user to whom it was done is among them.
    pub(super) has_target: bool,
}

impl Subject {
    /// A subject that is no user.
    fn thing(name: &'static str, value: Value) -> Self {
        Self { members: vec![(name, value)], has_target: false }
    }

    fn user(user: Value) -> Self {
        Self { members: vec![("user", user)], has_target: true }
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.members.push((name, value));
        self
    }
}

impl Mapping<'_> {
    pub(super) fn subject(&self) -> Subject {
        let event = self.event;
        let is_old = self.version == OcsfVersion::V1_3;
        let target = object::target(event);
        match self.entry.class {
            Class::BaseEvent => Subject { members: Vec::new(), has_target: false },
            Class::Authentication => self.authentication(target),
            Class::AccountChange | Class::UserManagement => {
                let user = target.or_else(|| self.own_account());
                Subject::user(user.unwrap_or_else(object::unknown_user))
            }
            // Required; the providers do not name them.
            Class::UserAccess => Subject::user(target.unwrap_or_else(object::unknown_user))
                .with("privileges", json!([object::UNKNOWN])),
            Class::GroupManagement if is_old => {
                Subject::user(target.unwrap_or_else(object::unknown_user)).with("group", object::group(event))
            }
            Class::GroupManagement => {
                let users =
                    Subject { members: vec![("users", target.into_iter().collect())], has_target: true };
                users.with("group", object::group(event))
            }
            Class::EntityManagement => {
                let entity_type = class::entity_type(event.auditferry.activity);
                Subject::thing("entity", object::entity(event, entity_type))
            }
            Class::WebResources => Subject::thing("web_resources", json!([object::web_resource(event)])),
            Class::ApplicationLifecycle if is_old => Subject::thing("app", self.application()),
            Class::ApplicationLifecycle => {
                let mut application = self.application();
                // No `product` any more, and without a vendor.
                application["vendor_name"].take();
                Subject::thing("application", application)
            }
            Class::ApiActivity => {
                let api = json!({"operation": event.event.action, "service": self.service()});
                Subject::thing("api", api)
            }
        }
    }

    /// Who logs in where; when somebody takes the place of another user, that user.
    fn authentication(&self, target: Option<Value>) -> Subject {
        let is_switch = self.event.auditferry.activity == Activity::Impersonation;
        let has_target = target.is_some() && (is_switch || self.actor.is_none());
        let user = if has_target { target } else { self.actor.clone() };
        let mut subject = Subject::user(user.unwrap_or_else(object::unknown_user))
            .with("service", self.service())
            .with("is_remote", json!(self.source.as_ref().map(|_| true)));
        subject.has_target = has_target;
        if is_switch && self.version == OcsfVersion::V1_9 {
            return subject
                .with("account_switch_type_id", json!(2))
                .with("account_switch_type", json!("Impersonate"));
        }
        subject
    }

    /// The actor, of an activity that users do to their own accounts, when the provider names no other user.
    fn own_account(&self) -> Option<Value> {
        let is_usual = matches!(
            self.event.auditferry.activity,
            Activity::UserUpdated
                | Activity::PasswordChanged
                | Activity::MfaFactorAdded
                | Activity::MfaFactorRemoved
        );
        let object = self.event.auditferry.object.as_ref();
        let names_another = object.is_some_and(|object| object.id.is_some());
        self.actor.clone().filter(|_| is_usual && !names_another)
    }

    /// The program that was started or installed.
    fn application(&self) -> Value {
        match self.event.auditferry.activity {
            Activity::ServiceStarted | Activity::ServiceStopped | Activity::ServiceState => {
                object::auditferry(self.observer)
            }
            _ => object::integration(self.event),
        }
    }

    /// The provider.
    fn service(&self) -> Value {
        json!({"name": Some(module(self.stored)).filter(|name| !name.is_empty()).unwrap_or(object::UNKNOWN)})
    }
}
