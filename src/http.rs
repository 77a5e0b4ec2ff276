//! The one outgoing HTTP client: TLS, proxy, timeouts, size caps, classes of failure.
