use super::*;

const TEXT: &str = "[sources.hubspot]\ntype = 'hubspot'\ntoken = 'x'\nstreams = ['login', 'security']\n\
    [sources.mail]\ntype = 'brevo'\napi_key = 'x'\n[sinks.out]\ntype = 'stdout'\n";

fn found(source: &str, stream: Option<&str>) -> Result<(String, Vec<String>), String> {
    let config = Config::from_text(TEXT, "test").unwrap();
    let stream = stream.map(str::to_owned);
    let args = PreviewArgs { source: source.to_owned(), stream, limit: 10, format: Written::Ecs };
    let found = find(&config, &args).map_err(|failure| failure.to_string());
    found.map(|(source, streams)| (source.name.clone(), streams))
}

#[test]
fn a_source_has_the_streams_that_are_collected() {
    let both = vec!["login".to_owned(), "security".to_owned()];
    assert_eq!(found("hubspot", None), Ok(("hubspot".to_owned(), both)));
    assert_eq!(found("hubspot", Some("login")), Ok(("hubspot".to_owned(), vec!["login".to_owned()])));
}

#[test]
fn a_name_that_is_not_there_is_told_with_the_nearest_and_the_known_ones() {
    assert_eq!(
        found("hubspt", None).unwrap_err(),
        "there is no source `hubspt` (did you mean `hubspot`?); known: hubspot, mail"
    );
    assert_eq!(found("zzz", None).unwrap_err(), "there is no source `zzz`; known: hubspot, mail");
    assert_eq!(
        found("hubspot", Some("audit_logs")).unwrap_err(),
        "source `hubspot` collects no stream `audit_logs`; known: login, security"
    );
}
