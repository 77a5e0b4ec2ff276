use super::*;

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
