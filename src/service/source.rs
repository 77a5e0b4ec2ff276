//! One source as it runs: its account and the tasks that collect it.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::tasks::Tasks;
use super::{GRACE, ServiceError, Tools, notices};
use crate::config;

/// A source with what it was made from.
pub(super) struct Source {
    pub(super) settings: config::Source,
    pub(super) account: Arc<Account>,
    /// None before it is started.
    pub(super) tasks: Tasks,
}

impl Source {
    /// A source that does nothing yet.
    ///
    /// # Errors
    /// As [`Account::new`].
    pub(super) async fn new(settings: &config::Source, tools: &Tools) -> Result<Self, ServiceError> {
        let account = Arc::new(Account::new(settings, tools).await?);
        Ok(Self { settings: settings.clone(), account, tasks: Tasks::new() })
    }

    /// Polls and reconciles every stream, unless it does already. The first poll begins at once, those of the
    /// other streams a little later.
    pub(super) fn keep_polling(&mut self, tools: &Tools) {
        if !self.tasks.is_empty() {
            return;
        }
        let (account, stop) = (&self.account, &self.account.stop);
        for (index, stream) in account.streams.iter().enumerate() {
            let name = &stream.options.name;
            let (collector, schedule) = account.collector(stream, &account.caller, tools);
            let delay = if index == 0 { Duration::ZERO } else { schedule.jitter() };
            let polling = schedule.keep_polling(collector, account.caller.clone(), delay);
            self.tasks.spawn_until(stop, format!("{name} polling"), polling);
            if !account.reconcile_interval.is_zero() {
                let caller = account.caller.spare();
                let (collector, schedule) = account.collector(stream, &caller, tools);
                let reconciling = schedule.keep_reconciling(collector, caller);
                self.tasks.spawn_until(stop, format!("{name} reconciling"), reconciling);
            }
        }
        let watching = self.tell_of_credential(tools);
        self.tasks.spawn_until(stop, format!("{} credential", account.source), watching);
    }

    /// Polls every stream once; its tasks end then.
    pub(super) fn poll_once(&mut self, tools: &Tools) {
        for stream in &self.account.streams {
            let caller = self.account.caller.clone();
            let (mut collector, schedule) = self.account.collector(stream, &caller, tools);
            self.tasks.spawn(stream.options.name.to_string(), async move {
                schedule.poll_once(&mut collector, &caller).await;
                Ok::<(), Infallible>(())
            });
        }
    }

    /// Tells the SIEM when its credential is refused and when it is accepted again, for ever.
    pub(super) fn tell_of_credential(&self, tools: &Tools) -> impl Future<Output = ()> + Send + use<> {
        let Account { source, caller, .. } = &*self.account;
        notices::credentials(tools.store.clone(), tools.clock.clone(), source.clone(), caller.hold())
    }

    /// Ends its tasks. A poll may be dropped half way: every commit is whole, and the next one reads from the cursor.
    pub(super) async fn stop(&mut self) {
        self.account.stop.cancel();
        self.tasks.finish(GRACE).await;
    }
}
