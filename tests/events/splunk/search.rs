//! What stands before the first `|` of a search, and in event types: which events it finds.

use super::eval::Fields;
use super::token::{Reader, Token, Words, tokens};

/// Times of arrival: not a matter of an event's fields.
const TIMES: [&str; 2] = ["_index_earliest", "_index_latest"];

/// A filter.
#[derive(Debug)]
pub(super) enum Search {
    All(Vec<Search>),
    Any(Vec<Search>),
    Not(Box<Search>),
    /// A field, an operator and values, of which one is enough.
    Field(String, String, Vec<String>),
}

impl Search {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(tokens(text, Words::Search)?);
        let search = Self::list(&mut reader)?;
        reader.end()?;
        Ok(search)
    }

    /// `a b c` or `a OR b OR c`; both in one list would need the reader to know which binds first.
    fn list(reader: &mut Reader) -> Result<Self, String> {
        let mut terms = vec![Self::term(reader)?];
        let mut is_any = None;
        while reader.peek().is_some_and(|next| *next != Token::Sign(")".to_owned())) {
            let is_or = reader.took_word("OR");
            if *is_any.get_or_insert(is_or) != is_or {
                return Err(format!("OR beside AND without parentheses, before {:?}", reader.peek()));
            }
            terms.push(Self::term(reader)?);
        }
        Ok(if is_any == Some(true) { Self::Any(terms) } else { Self::All(terms) })
    }

    fn term(reader: &mut Reader) -> Result<Self, String> {
        if reader.took_sign("(") {
            let inner = Self::list(reader)?;
            reader.sign(")")?;
            return Ok(inner);
        }
        if reader.took_word("NOT") {
            return Ok(Self::Not(Self::term(reader)?.into()));
        }
        let Token::Word(field) = reader.next()? else { return Err("a field was expected".to_owned()) };
        if reader.took_word("IN") {
            reader.sign("(")?;
            let mut values = vec![Self::operand(reader)?];
            while reader.took_sign(",") {
                values.push(Self::operand(reader)?);
            }
            reader.sign(")")?;
            return Ok(Self::Field(field, "=".to_owned(), values));
        }
        match reader.next()? {
            Token::Sign(operator) if matches!(operator.as_str(), "=" | ">" | ">=") => {
                let value = Self::operand(reader)?;
                if TIMES.contains(&field.as_str()) {
                    return Ok(Self::All(Vec::new()));
                }
                Ok(Self::Field(field, operator, vec![value]))
            }
            other => Err(format!("not known here: {field} {other:?}")),
        }
    }

    fn operand(reader: &mut Reader) -> Result<String, String> {
        match reader.next()? {
            Token::Text(text) | Token::Word(text) => Ok(text),
            other => Err(format!("a value was expected instead of {other:?}")),
        }
    }

    /// Fields that it looks at.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Self::All(terms) | Self::Any(terms) => terms.iter().flat_map(Self::fields).collect(),
            Self::Not(term) => term.fields(),
            Self::Field(name, ..) => vec![name],
        }
    }

    pub(super) fn finds(&self, fields: &Fields) -> bool {
        match self {
            Self::All(terms) => terms.iter().all(|term| term.finds(fields)),
            Self::Any(terms) => terms.iter().any(|term| term.finds(fields)),
            Self::Not(term) => !term.finds(fields),
            Self::Field(name, operator, wanted) => fields.get(name).is_some_and(|values| {
                values.iter().any(|value| wanted.iter().any(|wanted| fits(value, operator, wanted)))
            }),
        }
    }
}

/// Without regard to case, as Splunk compares.
fn fits(value: &str, operator: &str, wanted: &str) -> bool {
    let numbers = value.parse::<f64>().ok().zip(wanted.parse::<f64>().ok());
    match operator {
        ">" => numbers.is_some_and(|(value, wanted)| value > wanted),
        ">=" => numbers.is_some_and(|(value, wanted)| value >= wanted),
        _ => {
            let (value, wanted) = (value.to_lowercase(), wanted.to_lowercase());
            match wanted.strip_suffix('*') {
                Some(beginning) => value.starts_with(beginning),
                None => value == wanted,
            }
        }
    }
}

#[test]
fn a_search_finds_what_splunk_would_find() {
    let fields = Fields::from([
        ("tag".to_owned(), vec!["change".to_owned(), "account".to_owned()]),
        ("event.severity".to_owned(), vec!["73".to_owned()]),
    ]);
    let finds = |text: &str| Search::parse(text).unwrap().finds(&fields);
    for yes in [
        "tag=account",
        "tag=change tag=account",
        "tag=CHA* NOT tag=audit",
        "event.severity>=73",
        "(tag=audit OR tag IN (\"a\", \"account\")) event.severity>47",
        "event.severity=* (tag=audit OR tag=change) NOT (tag=audit OR tag=authentication)",
    ] {
        assert!(finds(yes), "{yes}");
    }
    for no in
        ["tag=audit", "event.severity>73", "no=*", "tag=change NOT tag=account", "NOT (tag=x OR tag=change)"]
    {
        assert!(!finds(no), "{no}");
    }
    for unknown in ["word", "a=b OR c=d e=f", "a=b c=d OR e=f", "a!=b", "a=b | c", "(a=b", "a<3"] {
        assert!(Search::parse(unknown).is_err(), "{unknown}");
    }
}
