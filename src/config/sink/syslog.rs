//! `type = "syslog"`.

use url::Url;

use super::super::fault::Problem;
use super::super::plaintext::is_loopback;
use super::super::table::Table;
use super::super::{Framing, SyslogAddress, SyslogConfig, SyslogProtocol, SyslogTransport};
use super::tls;

/// What one packet of an Ethernet carries, with room for a tunnel around it.
const UDP_MESSAGE: u64 = 1400;
/// RFC 768 and RFC 791: a packet's 65,535 bytes without its headers.
const LARGEST_UDP_MESSAGE: u64 = 65_507;
/// What rsyslog takes unless it is told otherwise; RFC 5425 section 4.3.1 says "should" for the same size.
const STREAM_MESSAGE: u64 = 8192;

/// Reads the sink.
pub(super) fn syslog(table: &mut Table<'_>) -> Option<SyslogConfig> {
    let address = address(table);
    let framing = match table.choice("framing") {
        "newline" => Framing::Newline,
        _ => Framing::OctetCounting,
    };
    let transport = address.as_ref().map(|address| address.transport);
    if table.has("framing")
        && let Some(SyslogTransport::Udp | SyslogTransport::Relp | SyslogTransport::RelpTls) = transport
    {
        let problem = Problem::new("does nothing here: this transport frames messages itself");
        table.fault("framing", problem.hint("leave it out; it is for tcp:// and tls://"));
    }
    let protocol = match table.choice("protocol") {
        "rfc3164" => SyslogProtocol::Rfc3164,
        _ => SyslogProtocol::Rfc5424,
    };
    let facility = u8::try_from(table.count("facility")).unwrap_or_default();
    let app_name = header_word(table, "app_name", 48).unwrap_or_default();
    let hostname = header_word(table, "hostname", 255);
    let max_message_size = max_message_size(table, transport);
    let timeout = table.duration("timeout");
    let is_plain = !matches!(transport, None | Some(SyslogTransport::Tls | SyslogTransport::RelpTls));
    let tls = tls::options(table, is_plain.then_some("`address` is not encrypted; use tls:// or relps://"));
    Some(SyslogConfig {
        address: address?,
        framing,
        protocol,
        facility,
        app_name,
        hostname,
        max_message_size,
        timeout,
        tls,
    })
}

fn address(table: &mut Table<'_>) -> Option<SyslogAddress> {
    let text = table.text("address")?;
    match parse(&text) {
        Ok((address, is_local)) => {
            let is_plain = !matches!(address.transport, SyslogTransport::Tls | SyslogTransport::RelpTls);
            if is_plain && !is_local {
                let place = table.path_of("address");
                table.review.warn(format!(
                    "{place}: everything goes to {} in plain text; tls:// and relps:// protect it",
                    address.host
                ));
            }
            Some(address)
        }
        Err(problem) => {
            table.fault(
                "address",
                problem.hint(r#"expected an address such as "tls://siem.example.com:6514""#),
            );
            None
        }
    }
}

/// The address, and whether it is this machine's own.
fn parse(text: &str) -> Result<(SyslogAddress, bool), Problem> {
    let url = Url::parse(text).map_err(|error| Problem::new(format!("is not an address: {error}")))?;
    let (transport, usual) = match url.scheme() {
        "udp" => (SyslogTransport::Udp, "514"),
        "tcp" => (SyslogTransport::Tcp, "514 or 601"),
        "tls" => (SyslogTransport::Tls, "6514"),
        "relp" => (SyslogTransport::Relp, "2514 or 20514"),
        "relps" => (SyslogTransport::RelpTls, "2514 or 20514"),
        other => {
            return Err(Problem::new(format!("`{other}:` is none of udp, tcp, tls, relp, relps")));
        }
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err(Problem::new("names no host"));
    }
    let Some(port) = url.port() else {
        return Err(Problem::new(format!("names no port; {usual} is usual for {}", url.scheme())));
    };
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err(Problem::new("goes on after the port"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new("holds a user name, which syslog has no place for"));
    }
    // Parsed as one of the schemes whose hosts the library knows to be names or IP addresses.
    let is_local = Url::parse(&format!("http://{}", url.authority())).is_ok_and(|url| is_loopback(&url));
    Ok((SyslogAddress { transport, host, port }, is_local))
}

/// A field of the header: visible ASCII (RFC 5424 section 6), so many characters at most.
fn header_word(table: &mut Table<'_>, name: &'static str, most: usize) -> Option<String> {
    let word = table.text(name)?;
    if word.len() > most || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = Problem::new("can't stand in the header of a syslog message");
        table.fault(name, problem.hint(format!("visible ASCII without spaces, {most} characters at most")));
    }
    Some(word)
}

fn max_message_size(table: &mut Table<'_>, transport: Option<SyslogTransport>) -> usize {
    let is_udp = transport == Some(SyslogTransport::Udp);
    let set = table.size("max_message_size");
    let size = match table.has("max_message_size") {
        true => set,
        false if is_udp => UDP_MESSAGE,
        false => STREAM_MESSAGE,
    };
    if is_udp && size > LARGEST_UDP_MESSAGE {
        let problem = Problem::new(format!("{size} bytes are more than a UDP packet holds"));
        table.fault("max_message_size", problem.hint(format!("at most {LARGEST_UDP_MESSAGE} bytes")));
    }
    usize::try_from(size).unwrap_or(usize::MAX)
}
