//! The codes of log lines.
