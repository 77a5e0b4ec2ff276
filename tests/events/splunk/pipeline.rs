//! What stands behind the first `|` of a search: nothing is run here, but every field that a command names must be
//! there at that place.

use std::collections::BTreeSet;

use super::token::{Reader, Token, Words, tokens};

const FUNCTIONS: [&str; 5] = ["if", "now", "relative_time", "round", "strftime"];
const AGGREGATES: [&str; 8] = ["count", "dc", "earliest", "latest", "max", "min", "values", "sum"];

/// Names of fields.
pub(super) type Names = BTreeSet<String>;

/// The filter in front, and the commands.
pub(super) fn split(search: &str) -> (String, Vec<String>) {
    let mut parts = vec![String::new()];
    let mut is_quoted = false;
    for c in search.chars() {
        is_quoted ^= c == '"';
        if c == '|' && !is_quoted {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let filter = parts.remove(0);
    (filter, parts)
}

/// Takes `names` from before the command to behind it.
pub(super) fn follow(command: &str, names: &mut Names) -> Result<(), String> {
    let command = command.trim();
    let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
    match verb {
        "eval" => {
            let (name, expression) = rest.split_once('=').ok_or("eval without =")?;
            expression_of(expression, names)?;
            names.insert(name.to_owned());
            Ok(())
        }
        "where" => expression_of(rest, names),
        "rename" => rename(rest, names),
        "stats" | "eventstats" | "streamstats" | "timechart" => aggregate(verb, rest, names),
        "table" => {
            *names = listed(rest, names)?;
            Ok(())
        }
        "bin" | "fillnull" | "sort" => listed(rest, names).map(|_| ()),
        _ => Err(format!("not known here: {verb}")),
    }
}

fn known(name: &str, names: &Names) -> Result<(), String> {
    if names.contains(name) { Ok(()) } else { Err(format!("no field is called {name} here")) }
}

fn expression_of(text: &str, names: &Names) -> Result<(), String> {
    let mut reader = Reader::new(tokens(text, Words::Expression)?);
    while reader.peek().is_some() {
        match reader.next()? {
            Token::Field(name) => known(&name, names)?,
            Token::Word(word) if matches!(word.as_str(), "AND" | "OR" | "NOT") => {}
            Token::Word(word) if word.parse::<f64>().is_ok() => {}
            Token::Word(word) if FUNCTIONS.contains(&word.as_str()) => reader.sign("(")?,
            Token::Word(word) => known(&word, names)?,
            Token::Text(_) | Token::Sign(_) => {}
        }
    }
    Ok(())
}

fn rename(text: &str, names: &mut Names) -> Result<(), String> {
    for pair in text.split(',') {
        let (old, new) = pair.trim().split_once(" AS ").ok_or("rename without AS")?;
        known(old, names)?;
        names.remove(old);
        names.insert(new.to_owned());
    }
    Ok(())
}

/// The fields of a list, without options (`span=1h`), numbers and the direction of `sort`.
fn listed(text: &str, names: &Names) -> Result<Names, String> {
    let mut reader = Reader::new(tokens(text, Words::Search)?);
    let mut list = Names::new();
    while reader.peek().is_some() {
        let Token::Word(word) = reader.next()? else { return Err(format!("not known here: {text}")) };
        if reader.took_sign("=") {
            reader.next()?;
        } else if word != "-" && word.parse::<f64>().is_err() {
            known(&word, names)?;
            list.insert(word);
        }
    }
    Ok(list)
}

fn aggregate(verb: &str, text: &str, names: &mut Names) -> Result<(), String> {
    let (what, by) = text.split_once("BY ").unwrap_or((text, ""));
    let mut made = listed(by, names)?;
    let mut reader = Reader::new(tokens(what, Words::Search)?);
    while reader.peek().is_some() {
        let Token::Word(word) = reader.next()? else { return Err(format!("not known here: {text}")) };
        if reader.took_sign("=") {
            reader.next()?;
            continue;
        }
        if !AGGREGATES.contains(&word.as_str()) {
            return Err(format!("not known here: {word}"));
        }
        if reader.took_sign("(") {
            let Token::Word(mut field) = reader.next()? else {
                return Err(format!("not known here: {text}"));
            };
            // count(eval(field="value"))
            let is_eval = field == "eval" && reader.took_sign("(");
            if is_eval {
                let Token::Word(inner) = reader.next()? else {
                    return Err(format!("not known here: {text}"));
                };
                field = inner;
                reader.sign("=")?;
                reader.next()?;
                reader.sign(")")?;
            }
            known(&field, names)?;
            reader.sign(")")?;
        } else if !matches!(reader.peek(), Some(Token::Word(next)) if next == "AS") {
            // `count`, which is the new field's name too.
            made.insert(word);
        }
        if reader.took_word("AS") {
            let Token::Word(name) = reader.next()? else { return Err("AS without a name".to_owned()) };
            made.insert(name);
        }
    }
    match verb {
        "stats" => *names = made,
        "timechart" => *names = made.into_iter().chain(["_time".to_owned()]).collect(),
        _ => names.extend(made),
    }
    Ok(())
}

#[test]
fn a_field_that_is_not_there_any_more_is_found() {
    let follows = |search: &str| {
        let mut names: Names = ["a.b", "c", "_time"].map(str::to_owned).into();
        split(search).1.iter().try_for_each(|command| follow(command, &mut names))
    };
    follows("x=\"a|b\" | rename a.b AS d, c AS e | stats latest(d) AS f BY e | eval g=round((now()-f)/60) | where g>45")
        .unwrap();
    follows("x=y | bin _time span=1h | stats count(eval(c=\"1\")) AS n BY _time | sort 0 - n | table n")
        .unwrap();
    for wrong in [
        "x=y | rename a.c AS d",
        "x=y | rename a.b AS d | stats count BY a.b",
        "x=y | stats count BY c | where count>1 AND missing=1",
        "x=y | stats count AS n BY c | where count>1",
        "x=y | stats dc(d) AS n",
        "x=y | table c | sort a.b",
        "x=y | eval z='a.c'",
        "x=y | transaction c",
        "x=y | stats percentile(c) AS n",
    ] {
        assert!(follows(wrong).is_err(), "{wrong}");
    }
}
