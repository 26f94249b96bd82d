//! The environment variables that name a server and a token. Nothing else reads them.

use std::ffi::OsString;

use crate::address::{InvalidAddress, ServerAddress};
use crate::client::Client;
use crate::token::{InvalidToken, Token};

/// The environment variable with the address of the server.
pub const SERVER_VARIABLE: &str = "LOCKGATE_SERVER";
/// The environment variable with the token for the server.
pub const TOKEN_VARIABLE: &str = "LOCKGATE_TOKEN";

/// An environment variable is missing or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// No server is named.
    #[error("no server is named: set `{SERVER_VARIABLE}`, for example to `https://deploy.example.com`")]
    NoServer,
    /// A variable is not UTF-8.
    #[error("the environment variable `{0}` is not UTF-8")]
    NotUtf8(&'static str),
    /// The address is not the URL of a server.
    #[error("the environment variable `{SERVER_VARIABLE}`: {0}")]
    Address(#[from] InvalidAddress),
    /// The token is not one. The message does not show it.
    #[error("the token in the environment variable `{TOKEN_VARIABLE}` cannot be used: {0}")]
    Token(#[from] InvalidToken),
}

impl ServerAddress {
    /// The address in `LOCKGATE_SERVER`; none if it is not set or empty.
    ///
    /// # Errors
    /// If it is not the URL of a server.
    pub fn from_env() -> Result<Option<Self>, EnvironmentError> {
        match variable(SERVER_VARIABLE, std::env::var_os(SERVER_VARIABLE))? {
            Some(text) => Ok(Some(text.parse()?)),
            None => Ok(None),
        }
    }
}

impl Token {
    /// The token in `LOCKGATE_TOKEN`; none if it is not set or empty.
    ///
    /// # Errors
    /// If it is not a token.
    pub fn from_env() -> Result<Option<Self>, EnvironmentError> {
        match variable(TOKEN_VARIABLE, std::env::var_os(TOKEN_VARIABLE))? {
            Some(text) => Ok(Some(text.parse()?)),
            None => Ok(None),
        }
    }
}

impl Client {
    /// A client of the server in `LOCKGATE_SERVER`, which signs in with the token in `LOCKGATE_TOKEN` if there is one.
    ///
    /// # Errors
    /// If `LOCKGATE_SERVER` is not set, or one of them cannot be used.
    pub fn from_env() -> Result<Self, EnvironmentError> {
        let address = ServerAddress::from_env()?.ok_or(EnvironmentError::NoServer)?;
        Ok(Self::new(address, Token::from_env()?))
    }
}

/// The text of a variable, without white space around it. An empty one counts as not set.
fn variable(name: &'static str, value: Option<OsString>) -> Result<Option<String>, EnvironmentError> {
    let Some(value) = value else { return Ok(None) };
    let text = value.into_string().map_err(|_| EnvironmentError::NotUtf8(name))?;
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(variable(SERVER_VARIABLE, None), Ok(None));
        assert_eq!(variable(SERVER_VARIABLE, Some(" \n".into())), Ok(None));
        assert_eq!(
            variable(SERVER_VARIABLE, Some("https://a.example\n".into())),
            Ok(Some("https://a.example".to_owned()))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_utf_8_is_named() {
        let value = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        assert_eq!(variable(TOKEN_VARIABLE, Some(value)), Err(EnvironmentError::NotUtf8("LOCKGATE_TOKEN")));
    }
}
