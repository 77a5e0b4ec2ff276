//! Signals: TERM (systemd, containers) and INT (a terminal) stop the service, a second one ends it at once.
//! HUP (a closed terminal, a reload) is noted: without a handler it would kill the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::{Handle, Signals};
use tokio_util::sync::CancellationToken;

/// Cancelled by the first signal that ends the process.
pub type Stop = CancellationToken;

/// The thread that waits for signals; ends with this value.
pub struct SignalThread {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl SignalThread {
    /// Registers the handlers. As process 1 of a container there are no default actions to rely on.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn start(stop: Stop) -> io::Result<Self> {
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
                if signal == SIGHUP {
                    tracing::warn!(
                        code = "reload-ignored",
                        "SIGHUP: this version does not reload its configuration; restart it instead"
                    );
                } else {
                    let signal = signal_hook::low_level::signal_name(signal);
                    tracing::info!(code = "stop-requested", signal, "told to stop");
                    stop.cancel();
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
