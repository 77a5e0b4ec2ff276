//! Signals: TERM (systemd, containers) and INT (a terminal) stop the service, a second one ends it at once.
//! HUP (a reload, a closed terminal) makes the daemon read its configuration again; others only note it: without
//! a handler it would kill the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use tokio_util::sync::CancellationToken;

use super::Reload;

/// Cancelled by the first signal that ends the process.
pub type Stop = CancellationToken;

/// The thread that waits for signals; ends with this value.
pub struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// Registers the handlers; without `reload` a HUP does nothing. As process 1 of a container there are no default actions to rely on.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn start(stop: Stop, reload: Option<Reload>) -> io::Result<Self> {
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT, SIGQUIT] {
            // First the exit on a flag that is set, then the setting of the flag: the second signal exits, even
            // when everything hangs.
            flag::register_conditional_shutdown(signal, 1, Arc::clone(&again))?;
            flag::register(signal, Arc::clone(&again))?;
        }
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP])?;
        let handle = signals.handle();
        let thread = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                match (signal, &reload) {
                    (SIGHUP, Some(reload)) => reload.notify_one(),
                    (SIGHUP, None) => {
                        tracing::info!(code = "reload-ignored", "SIGHUP is ignored: only the daemon reloads");
                    }
                    _ => {
                        let signal = signal_hook::low_level::signal_name(signal);
                        tracing::info!(code = "stop-requested", signal, "told to stop");
                        stop.cancel();
                    }
                }
            }
        })?;
        Ok(Self { handle, thread: Some(thread) })
    }
}

impl Drop for SignalThread {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(
                code = "task-failed",
                error = "the signal thread panicked",
                "a task ended that should not have"
            );
        }
    }
}
