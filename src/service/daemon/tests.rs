use super::*;

const TEXT: &str = "state_dir = '/tmp/state'\n\
    [sources.crm]\ntype = 'hubspot'\ntoken = 'pat-secret'\n\
    [sinks.out]\ntype = 'stdout'\n\
    [sinks.siem]\ntype = 'http'\nendpoint = 'https://siem.example.com/'\n";

fn config(text: &str) -> Config {
    Config::from_text(text, "test").unwrap()
}

fn difference(edit: impl FnOnce(String) -> String) -> String {
    changes(&config(TEXT), &config(&edit(TEXT.to_owned())))
}

#[test]
fn what_is_different_is_told_by_name_and_no_value_is() {
    let brevo = "[sources.mail]\ntype = 'brevo'\napi_key = 'xkeysib-secret'\n";
    assert_eq!(difference(|text| text + brevo), "source mail added");
    assert_eq!(difference(|text| text.replace("pat-secret", "pat-other")), "source crm changed");
    assert_eq!(
        difference(|text| text
            .replace("sinks.out", "sinks.archive")
            .replace("siem.example", "siem2.example")),
        "sink archive added, sink siem changed, sink out removed"
    );
    assert_eq!(difference(|text| format!("spool.retention = '1d'\n{text}")), "spool changed");
    assert_eq!(difference(|text| format!("server.listen = ''\n{text}")), "server changed");
    assert_eq!(
        difference(|text| format!("spool.retention = '1d'\nserver.listen = ''\n{text}")),
        "spool changed, server changed"
    );
}

#[test]
fn what_is_only_written_in_another_way_is_the_same() {
    let other = TEXT.replace("[sinks.out]", "# a comment\n[sinks.out]\nformat = \"ecs\"\n");
    assert!(is_same(&config(TEXT), &config(&other)));
    assert!(!is_same(&config(TEXT), &config(&TEXT.replace("pat-secret", "pat-other"))));
    // A warning alone is no difference, but what it warns of is.
    let mut warned = config(TEXT);
    warned.warnings.push("careful".to_owned());
    assert!(is_same(&config(TEXT), &warned));
}

#[test]
fn many_faults_are_told_in_one_line_and_counted() {
    let fault = |number: usize| Fault {
        key: format!("sinks.s{number}.type"),
        origin: format!("a.toml, line {number}"),
        problem: "is missing".to_owned(),
        hint: Some("say which".to_owned()),
    };
    let faults: Vec<_> = (1..=MOST_TOLD + 2).map(fault).collect();
    let line = told(&faults);
    assert!(line.starts_with("sinks.s1.type: is missing (in a.toml, line 1); sinks.s2"), "{line}");
    assert!(line.ends_with("; and 2 more, see the log"), "{line}");
    let whole = Fault { key: String::new(), hint: None, ..fault(1) };
    assert_eq!(told(&[whole]), "is missing (in a.toml, line 1)");
}
