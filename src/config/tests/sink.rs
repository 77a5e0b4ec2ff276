//! Sinks: what is refused, and what is legal.

use super::*;

#[test]
fn a_bad_sink_is_told() {
    each_is_told(&[
        (
            "out",
            "format = \"ocsf\"",
            "sinks.out.format: `ocsf` is not in this version of auditferry | meanwhile use one of \
            `ecs`, `raw`",
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
            "sinks.out.endpoint: unknown key | known: `sources`, `format`, `include_original`, `batch`",
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
        (
            "out",
            "[sinks.s]\ntype = \"syslog\"\naddress = \"udp://a:514\"",
            "sinks.s.type: `syslog` is not in this version of auditferry | meanwhile use `file` with a \
            syslog daemon \
             that reads it, or `http`",
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
            version of auditferry | meanwhile use one of `gzip`, `none`"
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
            "endpoint = \"https://a\"\nsigning_secret = \"b\"",
            "signing_secret: signed requests are not \
            in this version of auditferry | meanwhile use `token`, or client certificates in `tls`"
                .into(),
        ),
        (
            "endpoint = \"https://a\"\ntls = { server_name = \"b\" }",
            "tls.server_name: does not apply to an http sink: the receiver is verified by the host name \
            in `endpoint` | \
             put the name of the certificate into `endpoint`"
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
