//! The metrics of a running daemon.
