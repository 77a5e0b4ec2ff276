//! What an expression of PromQL names. Its syntax is promtool's affair: this reads valid ones.

/// A metric with what it is narrowed down by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    /// Label and value, whatever the operator.
    pub(crate) matchers: Vec<(String, String)>,
}

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) selectors: Vec<Selector>,
    /// Labels after `by`, `without`, `on` and the like.
    pub(crate) labels: Vec<String>,
}

/// Before a list of labels.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Between two operands.
const OPERATORS: [&str; 6] = ["and", "or", "unless", "offset", "bool", "atan2"];

/// What the expression names.
pub(crate) fn names(expression: &str) -> Names {
    let tokens = tokens(expression);
    let mut names = Names::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let next = tokens.get(at).copied().unwrap_or_default();
        if GROUPING.contains(token) && next == "(" {
            let list = tokens[at..].iter().take_while(|token| **token != ")");
            names.labels.extend(list.filter(|token| is_name(token)).map(|label| (*label).to_owned()));
            at += tokens[at..].iter().take_while(|token| **token != ")").count();
        } else if is_name(token)
            && !OPERATORS.contains(token)
            && !GROUPING.contains(token)
            // A function, or an aggregation.
            && next != "("
            && !["by", "without"].contains(&next)
        {
            let mut matchers = Vec::new();
            if next == "{" {
                let end = tokens[at..].iter().take_while(|token| **token != "}").count();
                let inside = &tokens[at + 1..at + end];
                for matcher in inside.split(|token| *token == ",").filter(|matcher| !matcher.is_empty()) {
                    let value = matcher[matcher.len() - 1].trim_matches(['"', '\'']);
                    matchers.push((matcher[0].to_owned(), value.to_owned()));
                }
                at += end;
            }
            names.selectors.push(Selector { metric: (*token).to_owned(), matchers });
        }
    }
    names
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':')
}

/// Words, numbers with their units, variables of Grafana, quoted texts, and signs.
fn tokens(expression: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_:.".contains(c);
    let (mut tokens, mut rest) = (Vec::new(), expression.trim_start());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |end| end + 2),
            c if is_word(c) || c == '$' => rest[1..].find(|c| !is_word(c)).map_or(rest.len(), |end| end + 1),
            c => c.len_utf8(),
        };
        tokens.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    tokens
}

#[test]
fn metrics_and_labels_are_told_from_functions_and_keywords() {
    let names = names(
        "sum by (le, sink) (rate(a_bucket{x=~\"$x\", y='by (z)'}[$__rate_interval])) > 2 * b offset 5m \
         unless on (job) group_left () time() - c",
    );
    let selector = |metric: &str, matchers: &[(&str, &str)]| Selector {
        metric: metric.to_owned(),
        matchers: matchers.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect(),
    };
    let expected =
        [selector("a_bucket", &[("x", "$x"), ("y", "by (z)")]), selector("b", &[]), selector("c", &[])];
    assert_eq!(names.selectors, expected);
    assert_eq!(names.labels, ["le", "sink", "job"]);
}
