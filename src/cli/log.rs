//! Log lines on stderr: text for people at a terminal, JSON for machines.

use std::any::Any;
use std::io::{IsTerminal, stderr};
use std::panic::PanicHookInfo;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use super::LogFormat;

/// Starts logging.
pub(super) fn start(format: Option<LogFormat>, level: &str) -> Result<(), ParseError> {
    let terminal = stderr().is_terminal();
    let format = format.unwrap_or(if terminal { LogFormat::Text } else { LogFormat::Json });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(level)?)
        .with_writer(stderr)
        .with_target(false)
        .with_ansi(terminal);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).init();
        }
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// In place of the standard library's text, which would be no JSON and could hold anything.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    tracing::error!(
        code = "panic",
        reason = known_words(panic.payload()),
        location,
        thread = thread.name(),
        "a fault of the program: please report it"
    );
}

/// What the program says of itself. Words that are put together at run time may hold what was being worked on, a
/// secret even; the place in the source tells enough then.
fn known_words(payload: &(dyn Any + Send)) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("left out, since it may hold data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_panic_only_words_of_the_program_itself_are_told() {
        let words = |panics: fn()| known_words(&*std::panic::catch_unwind(panics).unwrap_err());
        assert_eq!(words(|| panic!("a promise is broken")), "a promise is broken");
        let told = words(|| b"secret".to_vec().try_into().map(|_: [u8; 2]| ()).unwrap());
        assert_eq!(told, "left out, since it may hold data");
    }
}
