//! Calculated fields (`EVAL-…`), as far as the add-on uses them: what is not known here is an error.

use std::collections::BTreeMap;

use super::token::{Reader, Token, Words, tokens};

/// The fields of an event: name → values.
pub(super) type Fields = BTreeMap<String, Vec<String>>;

/// A calculation.
#[derive(Debug)]
pub(super) enum Eval {
    Text(String),
    Field(String),
    Equal(Box<Eval>, Box<Eval>),
    Or(Box<Eval>, Box<Eval>),
    Call(String, Vec<Eval>),
}

/// What comes out. A comparison with nothing is nothing, which counts as false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Text(String),
}

impl Eval {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(tokens(text, Words::Expression)?);
        let eval = Self::or(&mut reader)?;
        reader.end()?;
        Ok(eval)
    }

    fn or(reader: &mut Reader) -> Result<Self, String> {
        let mut left = Self::equal(reader)?;
        while reader.took_word("OR") {
            left = Self::Or(left.into(), Self::equal(reader)?.into());
        }
        Ok(left)
    }

    fn equal(reader: &mut Reader) -> Result<Self, String> {
        let left = Self::one(reader)?;
        if !reader.took_sign("=") {
            return Ok(left);
        }
        Ok(Self::Equal(left.into(), Self::one(reader)?.into()))
    }

    fn one(reader: &mut Reader) -> Result<Self, String> {
        match reader.next()? {
            Token::Text(text) => Ok(Self::Text(text)),
            Token::Field(name) => Ok(Self::Field(name)),
            Token::Word(name) => {
                reader.sign("(")?;
                let mut arguments = Vec::new();
                while !reader.took_sign(")") {
                    if !arguments.is_empty() {
                        reader.sign(",")?;
                    }
                    arguments.push(Self::or(reader)?);
                }
                Self::call(name, arguments)
            }
            token @ Token::Sign(_) => Err(format!("not known here: {token:?}")),
        }
    }

    fn call(name: String, arguments: Vec<Self>) -> Result<Self, String> {
        let fits = match name.as_str() {
            "null" => arguments.is_empty(),
            "isnotnull" => arguments.len() == 1,
            "if" => arguments.len() == 3,
            "case" => arguments.len() >= 2 && arguments.len().is_multiple_of(2),
            "coalesce" | "in" => arguments.len() >= 2,
            _ => false,
        };
        if fits {
            Ok(Self::Call(name, arguments))
        } else {
            Err(format!("not known here: {name} with {} arguments", arguments.len()))
        }
    }

    /// Fields that it reads.
    pub(super) fn fields(&self) -> Vec<&str> {
        match self {
            Self::Text(_) => Vec::new(),
            Self::Field(name) => vec![name],
            Self::Equal(left, right) | Self::Or(left, right) => [left.fields(), right.fields()].concat(),
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::fields).collect(),
        }
    }

    /// The texts that it compares with or gives.
    pub(super) fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Field(_) => Vec::new(),
            Self::Equal(left, right) | Self::Or(left, right) => [left.texts(), right.texts()].concat(),
            Self::Call(_, arguments) => arguments.iter().flat_map(Self::texts).collect(),
        }
    }

    pub(super) fn value(&self, fields: &Fields) -> Value {
        match self {
            Self::Text(text) => Value::Text(text.clone()),
            Self::Field(name) => match fields.get(name).map(Vec::as_slice) {
                None => Value::Null,
                Some([value]) => Value::Text(value.clone()),
                Some(values) => {
                    panic!("a calculation with several values is not known here: {name}={values:?}")
                }
            },
            Self::Equal(left, right) => match (left.value(fields), right.value(fields)) {
                (Value::Null, _) | (_, Value::Null) => Value::Null,
                (left, right) => Value::Bool(left == right),
            },
            Self::Or(left, right) => Value::Bool(left.holds(fields) || right.holds(fields)),
            Self::Call(name, arguments) => Self::called(name, arguments, fields),
        }
    }

    fn called(name: &str, arguments: &[Self], fields: &Fields) -> Value {
        match (name, arguments) {
            ("isnotnull", [one]) => Value::Bool(one.value(fields) != Value::Null),
            ("if", [condition, then, otherwise]) => {
                if condition.holds(fields) {
                    then.value(fields)
                } else {
                    otherwise.value(fields)
                }
            }
            ("case", pairs) => {
                let found = pairs.chunks_exact(2).find(|pair| pair[0].holds(fields));
                found.map_or(Value::Null, |pair| pair[1].value(fields))
            }
            ("coalesce", all) => all
                .iter()
                .map(|one| one.value(fields))
                .find(|value| *value != Value::Null)
                .unwrap_or(Value::Null),
            ("in", [one, list @ ..]) => {
                let value = one.value(fields);
                Value::Bool(value != Value::Null && list.iter().any(|other| other.value(fields) == value))
            }
            _ => Value::Null,
        }
    }

    fn holds(&self, fields: &Fields) -> bool {
        self.value(fields) == Value::Bool(true)
    }
}

#[test]
fn a_calculation_gives_what_splunk_would_give() {
    let fields = Fields::from([("a.b".to_owned(), vec!["x".to_owned()])]);
    let value = |text: &str| Eval::parse(text).unwrap().value(&fields);
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(value("'a.b'"), text("x"));
    assert_eq!(value("coalesce('no', null(), \"y\")"), text("y"));
    assert_eq!(value("if('no'=\"x\", \"yes\", \"no\")"), text("no"));
    assert_eq!(
        value("case('a.b'=\"y\", \"1\", in('a.b', \"z\", \"x\") OR isnotnull('no'), \"2\")"),
        text("2")
    );
    assert_eq!(value("case(in('no', \"x\"), \"1\")"), Value::Null);
}

#[test]
fn what_is_not_known_is_an_error() {
    for text in
        ["replace('a', \"b\", \"c\")", "'a' AND 'b'", "'a", "if('a', \"b\")", "a", "'a'>1", "null() null()"]
    {
        assert!(Eval::parse(text).is_err(), "{text}");
    }
}
