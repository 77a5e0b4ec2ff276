//! From the address in the configuration to addresses of the network.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::config::SyslogAddress;
use crate::http::Error;

/// The receiver's addresses, at least one, in the system's order.
///
/// # Errors
/// When the name is not known, or nobody says so within `limit`.
pub(super) async fn resolve(address: &SyslogAddress, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
    let failed = |reason: String| Error::Connect { host: host(address), reason };
    let found = timeout(limit, lookup_host((address.host.as_str(), address.port))).await;
    let found = found.map_err(|_| Error::Timeout { host: host(address), after: limit })?;
    let addresses: Vec<SocketAddr> = found.map_err(|error| failed(error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(failed("its name has no address".to_owned()));
    }
    Ok(addresses)
}

/// Host and port, for messages.
pub(super) fn host(address: &SyslogAddress) -> String {
    let SyslogAddress { host, port, .. } = address;
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}
