//! The tokens of calculated fields and searches.

/// A piece of an expression or of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `"text"`: a value.
    Text(String),
    /// `'name'`: a field whose name has dots.
    Field(String),
    /// A name, a number or an unquoted value; in a search with dots, braces and wildcards.
    Word(String),
    /// An operator, a parenthesis or a comma.
    Sign(String),
}

/// What a word is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Letters, digits, `_`: a `.` joins texts, a `-` subtracts.
    Expression,
    /// Dots, hyphens, braces, wildcards and the signs of relative times too.
    Search,
}

/// Longest first.
const SIGNS: [&str; 15] = ["!=", ">=", "<=", "==", "=", ">", "<", "(", ")", ",", ".", "+", "-", "/", "*"];

/// All tokens of the text.
pub(super) fn tokens(text: &str, words: Words) -> Result<Vec<Token>, String> {
    let is_word =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || words == Words::Search && ".-{}*:@".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first == '"' || first == '\'' {
            let Some(inner) = rest[1..].split(first).next().filter(|inner| rest.len() > inner.len() + 1)
            else {
                return Err(format!("a quote has no end: {rest}"));
            };
            if inner.contains('\\') {
                return Err(format!("not known here, an escape: {rest}"));
            }
            let value = inner.to_owned();
            (if first == '"' { Token::Text(value) } else { Token::Field(value) }, inner.len() + 2)
        } else if is_word(first) {
            let word: String = rest.chars().take_while(|c| is_word(*c)).collect();
            let length = word.len();
            (Token::Word(word), length)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign((*sign).to_owned()), sign.len())
        } else {
            return Err(format!("not known here: {rest}"));
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// Reads tokens from the front.
#[derive(Debug)]
pub(super) struct Reader {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Reader {
    pub(super) fn new(tokens: Vec<Token>) -> Self {
        Self { tokens: tokens.into_iter().peekable() }
    }

    pub(super) fn peek(&mut self) -> Option<&Token> {
        self.tokens.peek()
    }

    pub(super) fn next(&mut self) -> Result<Token, String> {
        self.tokens.next().ok_or_else(|| "it ends too early".to_owned())
    }

    /// Takes this sign when it is next.
    pub(super) fn took_sign(&mut self, sign: &str) -> bool {
        self.tokens.next_if(|next| matches!(next, Token::Sign(is) if is == sign)).is_some()
    }

    /// Takes this word when it is next.
    pub(super) fn took_word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|next| matches!(next, Token::Word(is) if is == word)).is_some()
    }

    pub(super) fn sign(&mut self, sign: &str) -> Result<(), String> {
        if self.took_sign(sign) { Ok(()) } else { Err(format!("{sign} is missing before {:?}", self.peek())) }
    }

    /// Nothing is left.
    pub(super) fn end(&mut self) -> Result<(), String> {
        self.peek().map_or(Ok(()), |token| Err(format!("not known here: {token:?}")))
    }
}
