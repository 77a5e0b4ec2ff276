use super::*;

#[test]
fn the_example_loads() {
    let environment = Environment::from([("HUBSPOT_TOKEN", "a"), ("BREVO_API_KEY", "b")]);
    let config = Config::from_text_with(example(), "example", &environment).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(config.warnings, Vec::<String>::new());
    let demo = Config::from_text(demo(), "demo").unwrap_or_else(|f| panic!("{f}"));
    println!("{config:#?} {demo:#?} {:#}", schema());
}
