//! The status server as the service runs it: it moves to another address, and takes another token where it is.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::tasks::Tasks;
use super::view::View;
use super::{GRACE, ServiceError};
use crate::config::{Config, Secret};
use crate::meter::Meter;
use crate::observe;

/// Serves a view, or nobody.
pub(super) struct StatusServer {
    view: Arc<View>,
    meter: Meter,
    listen: Option<SocketAddr>,
    token: watch::Sender<Option<Secret>>,
    pub(super) tasks: Tasks,
    stop: CancellationToken,
}

impl StatusServer {
    /// One that does not listen yet.
    pub(super) fn new(view: Arc<View>, meter: Meter) -> Self {
        Self {
            view,
            meter,
            listen: None,
            token: watch::Sender::new(None),
            tasks: Tasks::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Moves to the address of `config`, if it is another one, and asks for its token from now on.
    ///
    /// # Errors
    /// When the address is taken or not ours. It goes on as before, then.
    pub(super) async fn change(&mut self, config: &Config) -> Result<(), ServiceError> {
        let wanted = config.listen;
        if wanted == self.listen {
            self.token.send_replace(config.server_token.clone());
            return Ok(());
        }
        let bound = match wanted.map(bind).transpose() {
            Err(_) if self.has_port_of(wanted) => self.make_room(wanted).await?,
            bound => bound?,
        };
        self.stop().await;
        // In between: nobody may be shown at one address what the token of the other one guards.
        self.token.send_replace(config.server_token.clone());
        self.serve(wanted, bound);
        Ok(())
    }

    /// `127.0.0.1:9464` is in the way of `0.0.0.0:9464`.
    fn has_port_of(&self, wanted: Option<SocketAddr>) -> bool {
        wanted.map(|wanted| wanted.port()) == self.listen.map(|listen| listen.port())
    }

    /// Gives its own port up for the wanted address, and takes it again when that is no help.
    async fn make_room(
        &mut self,
        wanted: Option<SocketAddr>,
    ) -> Result<Option<observe::Server>, ServiceError> {
        let before = self.listen.take();
        self.stop().await;
        let bound = wanted.map(bind).transpose();
        if bound.is_err() {
            let again = before.map(bind).transpose()?;
            self.serve(before, again);
        }
        bound
    }

    fn serve(&mut self, listen: Option<SocketAddr>, bound: Option<observe::Server>) {
        self.listen = listen;
        let Some(server) = bound else { return };
        let address = server.address();
        tracing::info!(code = "listening", %address, "status page on http://{address}/");
        let server = server.with_meter(self.meter.clone()).guarded_by(self.token.subscribe());
        let (view, pulse) = (Arc::clone(&self.view), self.view.pulse.clone());
        let read = move || {
            let view = Arc::clone(&view);
            async move { view.status().await }
        };
        self.stop = CancellationToken::new();
        self.tasks.spawn("the status server", server.serve(read, pulse, self.stop.clone()));
    }

    /// Listens no longer; answers that are under way are finished.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        self.tasks.finish(GRACE).await;
    }
}

fn bind(address: SocketAddr) -> Result<observe::Server, ServiceError> {
    observe::Server::bind(address)
        .map_err(|failure| ServiceError::Listen { address, reason: failure.to_string() })
}
