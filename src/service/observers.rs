//! What runs beside polling and delivering: events of our own, pulse, watchdog, control socket.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::command::{Commands, Running};
use super::control::ControlSocket;
use super::daemon::Supervisor;
use super::notices::{self, Notices};
use super::tasks::Tasks;
use super::{Service, Tools, pulse};

impl Service {
    pub(super) fn start_views(
        &mut self,
        tasks: &mut Tasks,
        supervisor: &Supervisor,
        stop: &CancellationToken,
    ) {
        self.start_notices(tasks, stop);
        let Tools { store, clock, .. } = &self.tools;
        let heartbeats = notices::heartbeats(store.clone(), self.roster.subscribe(), clock.clone());
        tasks.spawn_until(stop, "heartbeats", heartbeats);
        tasks.spawn_until(stop, "the pulse", pulse::keep(store.clone(), self.pulse.clone()));
        let (manager, rejected) = (supervisor.manager.clone(), supervisor.rejected.subscribe());
        let status_line = manager.clone().show_status(Arc::clone(&self.view), rejected);
        tasks.spawn_until(stop, "the status line", status_line);
        tasks.spawn_until(stop, "the watchdog's food", manager.feed_watchdog(self.pulse.subscribe()));
        self.start_control(tasks, stop);
    }

    /// The commands can wait; the events can't: the daemon goes without its socket when it must.
    fn start_control(&self, tasks: &mut Tasks, stop: &CancellationToken) {
        let commands = self.commands();
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

    /// What commands work on.
    pub(super) fn commands(&self) -> Commands {
        let running = Running { tools: self.tools.clone(), view: Arc::clone(&self.view) };
        Commands { store: self.tools.store.clone(), running: Some(running) }
    }

    pub(super) fn start_notices(&mut self, tasks: &mut Tasks, stop: &CancellationToken) {
        let (_, nothing) = mpsc::channel(1);
        let notices = Notices {
            store: self.tools.store.clone(),
            clock: self.tools.clock.clone(),
            incoming: std::mem::replace(&mut self.incoming, nothing),
            level: self.tools.store.level(),
        };
        let kept = notices.keep(stop.clone());
        tasks.spawn("notices", async {
            kept.await;
            Ok::<(), Infallible>(())
        });
    }
}
