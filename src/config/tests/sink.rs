//! Sinks: what is refused, and what is legal.

use super::*;

#[test]
fn a_bad_sink_is_told() {
    each_is_told(&[
        (
            "out",
            "format = \"cef\"",
            "sinks.out.format: `cef` is for syslog sinks alone | here use one of `ecs`, `ocsf`, `raw`",
        ),
        (
            "out",
            "ocsf_version = \"1.9\"",
            "sinks.out.ocsf_version: says nothing with format = \"ecs\" | set format = \"ocsf\", or leave it out",
        ),
        ("out", "sources = [\"hup\"]", "sinks.out.sources: there is no source `hup` | did you mean `hub`?"),
        (
            "out",
            "sources = []",
            "sinks.out.sources: is empty, so this sink would get nothing | [\"*\"] is all",
        ),
        (
            "out",
            "sources = \"*\"",
            "sinks.out.sources: wrong type: this is text | expected a list of texts such as [\"a\", \"b\"]",
        ),
        (
            "out",
            "batch = { max_event = 1 }",
            "sinks.out.batch.max_event: unknown key | did you mean `max_events`?",
        ),
        (
            "out",
            "batch = { max_bytes = 1023 }",
            "sinks.out.batch.max_bytes: 1023 bytes is too small | at least 1024 bytes",
        ),
        (
            "out",
            "batch = { max_bytes = \"1GiB\" }",
            "sinks.out.batch.max_bytes: 1073741824 bytes is too large | at most 67108864 bytes",
        ),
        (
            "out",
            "batch = { max_events = 100_001 }",
            "sinks.out.batch.max_events: 100001 is out of bounds | expected a whole number from 1 to 100000",
        ),
        (
            "out",
            "include_original = \"yes\"",
            "sinks.out.include_original: wrong type: this is text | expected true or false",
        ),
        (
            "out",
            "endpoint = \"https://a\"",
            "sinks.out.endpoint: unknown key | known: `format`, `sources`, `ocsf_version`, \
             `include_original`, `redact`, `redact_key`, `batch`",
        ),
        (
            "out",
            "[sinks.too]\ntype = \"stdout\"",
            "sinks.too.type: standard output is already that of sinks.out",
        ),
        ("out", "[sinks.f]\ntype = \"file\"", "sinks.f.path: is missing | expected text in quotes"),
        (
            "out",
            "[sinks.f]\ntype = \"file\"\npath = \"/a\"\n[sinks.g]\ntype = \"file\"\npath = \"/a\"",
            "sinks.g.path: the file /a is already that of sinks.f",
        ),
    ]);
}

#[test]
fn a_bad_http_sink_is_told() {
    let url = "expected a URL such as \"https://siem.example.com/events\"";
    for (lines, fault) in [
        ("endpoint = \"siem\"", format!("endpoint: is not a URL: relative URL without a base | {url}")),
        ("endpoint = \"ftp://a/\"", format!("endpoint: `ftp:` is neither https nor http | {url}")),
        (
            "endpoint = \"https://a/#b\"",
            format!(
                "endpoint: has a fragment (`#…`), which is never sent | \
            {url}"
            ),
        ),
        (
            "endpoint = \"https://me:hunter2@a/\"",
            "endpoint: holds a user name or password, which would end up in logs | use the keys for \
            credentials instead"
                .into(),
        ),
        (
            "endpoint = \"http://10.0.0.1/\"",
            "endpoint: plain http to 10.0.0.1: credentials and events would travel readable | use \
            https://, or set \
             allow_plaintext = true in this table"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\ncompression = \"zstd\"",
            "compression: `zstd` is not in this \
            version of auditferry | here use one of `gzip`, `none`"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\ntimeout = \"0s\"",
            "timeout: 0s is too short: a request takes some \
            time | at least 1ms"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\nheaders = { \"a b\" = \"c\" }",
            "headers.a b: is not the name of a \
            header: letters, digits and `-`"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\nheaders = { Host = \"c\" }",
            "headers.Host: is written by \
            auditferry itself | leave it out"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\nheaders = { A = \"c\\nd\" }",
            "headers.A: the secret holds a line \
            break or another control character"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\ntls = { ca_file = \"/nowhere\" }",
            "tls.ca_file: /nowhere can't be \
            read: No such file or directory (os error 2)"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\ntls = { ca_file = \"/dev/null\" }",
            "tls.ca_file: /dev/null is not \
            PEM: it has no line `-----BEGIN …-----`"
                .into(),
        ),
        (
            "endpoint = \"http://localhost\"\ntls = {}",
            "tls: does nothing, as `endpoint` is plain http | \
            leave it out, or use https"
                .into(),
        ),
    ] {
        let text = with("out", &format!("[sinks.siem]\ntype = \"http\"\n{lines}"));
        assert_eq!(only_fault(&text), format!("sinks.siem.{fault}"), "{lines}");
    }
}

#[test]
fn a_bad_header_is_told_with_its_line() {
    let lines = "[sinks.siem]\ntype = \"http\"\nendpoint = \"https://a\"\n[sinks.siem.headers]\nX-A = \"b\"\nHost = \"c\"";
    let faults = faults(load(&with("out", lines)));
    assert_eq!(
        (faults[0].key.as_str(), faults[0].origin.as_str()),
        ("sinks.siem.headers.Host", "a.toml, line 14")
    );
}

#[test]
fn a_certificate_needs_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pem");
    std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let sink = |tls: &str| {
        with("out", &format!("[sinks.siem]\ntype = \"http\"\nendpoint = \"https://a\"\ntls = {{ {tls} }}"))
    };
    let path = path.display();
    let (cert, key) = (format!("cert_file = \"{path}\""), format!("key_file = \"{path}\""));
    assert_eq!(only_fault(&sink(&cert)), "sinks.siem.tls.cert_file: needs `key_file` | set both or none");
    assert_eq!(only_fault(&sink(&key)), "sinks.siem.tls.key_file: needs `cert_file` | set both or none");
    sound(&sink(&format!("{cert}, {key}")));
}

#[test]
fn a_plain_secret_gets_a_warning_and_a_plain_header_only_when_it_looks_secret() {
    let http = "[sinks.siem]\ntype = \"http\"\nendpoint = \"https://a\"\ntoken = \"hunter2\"\n\
                headers = { X-Tenant = \"hunter2\", X-Api-Key = \"hunter2\", Cookie = { env = \"TOKEN\" } }";
    let config = sound(&with("out", http));
    let named: Vec<_> = config.warnings.iter().filter_map(|warning| warning.split(": ").next()).collect();
    assert_eq!(named, ["sinks.siem.token", "sinks.siem.headers.X-Api-Key"]);
    assert!(!format!("{config:?}").contains("hunter2"));
}

/// The one fault of a sink `siem` with these lines, without its path.
fn fault_of_siem(kind: &str, lines: &str) -> String {
    let fault = only_fault(&with("out", &format!("[sinks.siem]\ntype = \"{kind}\"\n{lines}")));
    fault.strip_prefix("sinks.siem.").unwrap_or(&fault).to_owned()
}

#[test]
fn a_bad_splunk_or_elastic_sink_is_told() {
    let hec = "endpoint = \"https://a:8088\"\n";
    let elastic = "endpoint = [\"https://a:9200\", \"https://b:9200\"]\n";
    for (kind, lines, fault) in [
        ("splunk_hec", hec.to_owned(), "token: is missing"),
        (
            "splunk_hec",
            format!("{hec}token = {{ env = \"TOKEN\" }}\nmax_in_flight = 17"),
            "max_in_flight: 17 is out",
        ),
        ("elasticsearch", "endpoint = []".to_owned(), "endpoint: is empty"),
        (
            "elasticsearch",
            "endpoint = [\"https://a\", \"http://10.0.0.1\"]".to_owned(),
            "endpoint: plain http to 10.0.0.1",
        ),
        ("elasticsearch", format!("{elastic}username = \"u\""), "username: needs `password`"),
        ("elasticsearch", format!("{elastic}password = {{ env = \"TOKEN\" }}"), "password: needs `username`"),
        (
            "elasticsearch",
            format!(
                "{elastic}username = \"u\"\npassword = {{ env = \"TOKEN\" }}\napi_key = {{ env = \"TOKEN\" }}"
            ),
            "api_key: contradicts",
        ),
        ("elasticsearch", format!("{elastic}namespace = \"a-b\""), "namespace: holds a character"),
        (
            "elasticsearch",
            format!("{elastic}tls = {{ server_name = \"a b\" }}"),
            "tls.server_name: `a b` is not the name",
        ),
        (
            "http",
            "endpoint = \"https://a\"\nsuccess_statuses = [200, 404]".to_owned(),
            "success_statuses: 404 is not",
        ),
        (
            "http",
            "endpoint = \"https://a\"\ntls = { fingerprints = [\"sha-256:AB\"] }".to_owned(),
            "tls.fingerprints: `sha-256:AB`: a sha-256 fingerprint has 32 bytes, this one has 1",
        ),
        (
            "http",
            format!(
                "endpoint = \"https://a\"\ntls = {{ server_name = \"b\", fingerprints = [\"sha-1:{}\"] }}",
                "AB".repeat(20)
            ),
            "tls.server_name: does nothing beside `fingerprints`",
        ),
    ] {
        let told = fault_of_siem(kind, &lines);
        assert!(told.starts_with(fault), "{lines}: {told}");
    }
}

#[test]
fn a_bad_syslog_sink_is_told() {
    for (lines, fault) in [
        ("", "address: is missing"),
        ("address = \"siem:514\"", "address: `siem:` is none of udp, tcp, tls, relp, relps"),
        ("address = \"tcp://siem\"", "address: names no port; 514 or 601 is usual for tcp"),
        ("address = \"tcp://siem:514/x\"", "address: goes on after the port"),
        ("address = \"tcp://me@siem:514\"", "address: holds a user name"),
        ("address = \"tls://:6514\"", "address: is not an address"),
        ("address = \"udp://siem:514\"\nframing = \"newline\"", "framing: does nothing here"),
        (
            "address = \"udp://siem:514\"\nmax_message_size = \"64KiB\"",
            "max_message_size: 65536 bytes are more",
        ),
        ("address = \"tls://siem:6514\"\nmax_message_size = 479", "max_message_size: 479 bytes is too small"),
        ("address = \"tls://siem:6514\"\nfacility = 24", "facility: 24 is out of bounds"),
        ("address = \"tls://siem:6514\"\napp_name = \"a b\"", "app_name: can't stand in the header"),
        ("address = \"tcp://siem:514\"\ntls = {}", "tls: does nothing, as `address` is not encrypted"),
        ("address = \"tls://siem:6514\"\ntoken = \"a\"", "token: unknown key"),
    ] {
        let told = fault_of_siem("syslog", lines);
        assert!(told.starts_with(fault), "{lines}: {told}");
    }
}

#[test]
fn a_syslog_sink_knows_its_transport_and_how_much_it_carries() {
    let read = |lines: &str| {
        let config = sound(&with("out", &format!("[sinks.siem]\ntype = \"syslog\"\n{lines}")));
        let kind = config.sinks.iter().find(|sink| sink.name == "siem").unwrap().kind.clone();
        let SinkKind::Syslog(syslog) = kind else { panic!("{kind:?}") };
        (*syslog, config.warnings)
    };
    let (udp, warnings) = read("address = \"udp://[::1]:514\"");
    let (transport, host) = (SyslogTransport::Udp, "::1".to_owned());
    assert_eq!(udp.address, SyslogAddress { transport, host, port: 514 });
    assert_eq!((udp.max_message_size, warnings.len()), (1400, 0));
    let (tls, warnings) = read("address = \"tls://siem.example.com:6514\"\nframing = \"newline\"");
    assert_eq!((tls.max_message_size, tls.framing, warnings.len()), (8192, Framing::Newline, 0));
    let (relp, warnings) = read("address = \"relp://10.0.0.1:2514\"");
    assert_eq!(relp.address.host, "10.0.0.1");
    assert!(warnings[0].contains("plain text"), "{warnings:?}");
}

#[test]
fn a_splunk_sink_has_more_on_its_way_when_it_waits_for_acknowledgements() {
    for (lines, expected) in
        [("", 1), ("acknowledgements = true", 8), ("acknowledgements = true\nmax_in_flight = 3", 3)]
    {
        let hec = format!(
            "[sinks.siem]\ntype = \"splunk_hec\"\nendpoint = \"https://a:8088\"\ntoken = {{ env = \"TOKEN\" }}\n{lines}"
        );
        let config = sound(&with("out", &hec));
        let SinkKind::SplunkHec(hec) = &config.sinks.iter().find(|sink| sink.name == "siem").unwrap().kind
        else {
            panic!("{config:?}")
        };
        assert_eq!(hec.transport.max_in_flight, expected, "{lines}");
    }
}
