//! Plain http is for loopback alone.

use url::{Host, Url};

use super::fault::Problem;
use super::table::Table;

/// Refuses `http://` to another host unless the table says `allow_plaintext = true`.
pub(super) fn refuse_plaintext(table: &mut Table<'_>, key: &str, urls: &[Url]) {
    let allowed = table.switch("allow_plaintext");
    for url in urls.iter().filter(|url| url.scheme() == "http" && !is_loopback(url)) {
        let host = url.host_str().unwrap_or_default();
        if allowed {
            table.review.warn(format!("{}: everything goes to {host} in plain text", table.path_of(key)));
        } else {
            let what = format!("plain http to {host}: credentials and events would travel readable");
            let problem =
                Problem::new(what).hint("use https://, or set allow_plaintext = true in this table");
            table.fault(key, problem);
        }
    }
}

/// Whether an address is this machine's own.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}
