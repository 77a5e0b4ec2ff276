//! What runs beside polling and delivering: events of our own, pulse, watchdog, control socket, status server.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::command::Commands;
use super::control::ControlSocket;
use super::daemon::Supervisor;
use super::notices::{self, Notices};
use super::tasks::Tasks;
use super::view::View;
use super::{Service, about, pulse};
use crate::collect::schedule::StreamStatus;
use crate::observe::Pulse;

impl Service {
    pub(super) fn start_views(
        &mut self,
        tasks: &mut Tasks,
        streams: &[watch::Receiver<StreamStatus>],
        supervisor: &Supervisor,
        stop: &CancellationToken,
    ) {
        self.start_notices(tasks, stop);
        let heartbeats = notices::heartbeats(self.store.clone(), streams.to_vec(), self.clock.clone());
        tasks.spawn_until(stop, "heartbeats", heartbeats);
        let (beat, pulse) = watch::channel(Pulse::beat());
        tasks.spawn_until(stop, "the pulse", pulse::keep(self.store.clone(), beat));
        let view = Arc::new(View {
            store: self.store.clone(),
            about: about(&self.config),
            streams: streams.to_vec(),
            sinks: self.sinks.clone(),
            pulse: pulse.clone(),
            started: self.started,
            clock: self.clock.clone(),
        });
        let (manager, rejected) = (supervisor.manager.clone(), supervisor.rejected.subscribe());
        tasks.spawn_until(stop, "the status line", manager.clone().show_status(Arc::clone(&view), rejected));
        tasks.spawn_until(stop, "the watchdog's food", manager.feed_watchdog(pulse.clone()));
        self.start_control(tasks, Arc::clone(&view), stop);
        if let Some(server) = self.server.take() {
            let address = server.address();
            tracing::info!(code = "listening", %address, "status page on http://{address}/");
            let server = server.with_meter(self.meter.clone()).guarded_by(self.config.server_token.clone());
            let read = move || {
                let view = Arc::clone(&view);
                async move { view.status().await }
            };
            tasks.spawn("the status server", server.serve(read, pulse, stop.clone()));
        }
    }

    /// The commands can wait; the events can't: the daemon goes without its socket when it must.
    fn start_control(&self, tasks: &mut Tasks, view: Arc<View>, stop: &CancellationToken) {
        let commands = Commands { store: self.store.clone(), view: Some(view) };
        match ControlSocket::bind(&self.config.state_dir) {
            Ok(socket) => tasks.spawn_until(stop, "the control socket", socket.serve(commands)),
            Err(error) => tracing::warn!(
                code = "control-socket-missing",
                state_dir = %self.config.state_dir.display(),
                %error,
                "no control socket in the state directory: commands such as `auditferry dead-letters` work only \
                 while the daemon is stopped"
            ),
        }
    }

    pub(super) fn start_notices(&mut self, tasks: &mut Tasks, stop: &CancellationToken) {
        let (_, nothing) = mpsc::channel(1);
        let notices = Notices {
            store: self.store.clone(),
            clock: self.clock.clone(),
            incoming: std::mem::replace(&mut self.incoming, nothing),
            level: self.store.level(),
        };
        let kept = notices.keep(stop.clone());
        tasks.spawn("notices", async {
            kept.await;
            Ok::<(), Infallible>(())
        });
        for account in &self.accounts {
            let watching = notices::credentials(
                self.store.clone(),
                self.clock.clone(),
                account.source.clone(),
                account.caller.hold(),
            );
            tasks.spawn_until(stop, format!("{} credential", account.source), watching);
        }
    }
}
