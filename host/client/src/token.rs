//! What a client signs in with.

use std::fmt;
use std::str::FromStr;

use ureq::http::HeaderValue;

/// An API token, as `lockgate token create` prints it, or an identity token. It is never shown.
#[derive(Clone)]
pub struct Token(HeaderValue);

/// A text is not a token. The message does not show the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidToken {
    /// White space stands within it.
    #[error("it has white space in it: write the token and nothing else")]
    Whitespace,
    /// A character that cannot be sent in a header.
    #[error("it has a character that no token has")]
    Character,
    /// There is no text.
    #[error("it is empty")]
    Empty,
}

impl Token {
    /// The value of the header `Authorization`.
    pub(crate) fn authorization(&self) -> &HeaderValue {
        &self.0
    }
}

/// Reads a token. White space around it, such as the line end of a file, is ignored.
impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let token = text.trim();
        if token.is_empty() {
            return Err(InvalidToken::Empty);
        }
        if token.contains(char::is_whitespace) {
            return Err(InvalidToken::Whitespace);
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| InvalidToken::Character)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_the_line_end_of_its_file_and_never_shown() {
        let token: Token = "lgt_0123456789ab_secret\n".parse().unwrap();
        assert_eq!(token.authorization(), "Bearer lgt_0123456789ab_secret");
        assert_eq!(format!("{token:?} {:?}", token.authorization()), "Token(…) Sensitive");
    }

    #[test]
    fn texts_that_are_not_tokens_are_refused() {
        assert_eq!("lgt_a lgt_b".parse::<Token>().unwrap_err(), InvalidToken::Whitespace);
        assert_eq!("lgt_a\u{7f}".parse::<Token>().unwrap_err(), InvalidToken::Character);
        assert_eq!("\n".parse::<Token>().unwrap_err(), InvalidToken::Empty);
    }
}
